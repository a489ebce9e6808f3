"""Every metric, its labels and its unit. No names of persons in labels."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "ALERTS", "DEAD_LETTERS", "DELIVERED_SECONDS", "END_TO_END_SECONDS", "FEED_LATENESS_SECONDS",
    "FEED_POLLS", "NOTIFICATIONS", "POOL_RESTARTS", "RECORDS", "STAGE_SECONDS",
]  # fmt: skip

FEED_POLLS = Counter("news_feed_polls_total", "Polls of feeds.", ["outcome"])
FEED_LATENESS_SECONDS = Histogram(
    "news_feed_lateness_seconds",
    "From when a poll was due until it started; politeness to its host included.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
RECORDS = Counter("news_records_total", "Records processed.", ["stage", "outcome"])
STAGE_SECONDS = Histogram(
    "news_stage_duration_seconds", "From a batch's turn until its outputs are acked.", ["stage"]
)
DEAD_LETTERS = Counter("news_dlq_messages_total", "Records set aside.", ["stage", "error"])
POOL_RESTARTS = Gauge("news_pool_restarts", "Times the process pool was replaced.", ["stage"])
ALERTS = Counter("news_alerts_total", "Revisions of alerts.", ["rule", "severity", "kind"])
END_TO_END_SECONDS = Histogram(
    "news_end_to_end_latency_seconds",
    "From first seen to alerted, for new alerts.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300),
)
NOTIFICATIONS = Counter(
    "news_notifications_total", "Messages to receivers.", ["receiver", "outcome"]
)
DELIVERED_SECONDS = Histogram(
    "news_delivery_latency_seconds",
    "From first seen to delivered, for what made the newest notifying revision; its waits included.",
    ["receiver"],
    # The first message of an alert waits for 30 s, others up to 300 s; a schedule for a night.
    buckets=(1, 2, 5, 10, 30, 32, 35, 40, 60, 120, 300, 310, 600, 3_600, 14_400, 43_200, 86_400),
)
