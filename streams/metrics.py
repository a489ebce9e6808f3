"""Every metric, its labels and its unit. No names of persons and no texts in labels.

Each process serves those that it has something to say about, under `/metrics`
(`streams.health_server`).
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

__all__ = [
    "ALERTS", "DEAD_LETTERS", "DELIVERED_SECONDS", "END_TO_END_SECONDS", "FEED_LATENESS_SECONDS",
    "FEED_POLLS", "IN_FLIGHT_SECONDS", "LAG_RECORDS", "LAG_SECONDS", "LAG_UPDATED", "NOTIFICATIONS",
    "POOL_RESTARTS", "PUBLISH_DELAY_SECONDS", "REBALANCES", "RECORDS", "STAGE_SECONDS",
]  # fmt: skip

disable_created_metrics()  # type: ignore[no-untyped-call]  # else a second series for each count

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
PUBLISH_DELAY_SECONDS = Histogram(
    "news_publish_delay_seconds",
    "From published, as the source says, to alerted, for new alerts; 0 where that is in the future.",
    # Mostly the pause between two polls of a feed, and what the publisher took before.
    buckets=(1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 43_200, 86_400),
)
IN_FLIGHT_SECONDS = Gauge(
    "news_in_flight_age_seconds",
    "Age of the oldest record in flight; 0 if there is none.",
    ["stage"],
)
REBALANCES = Counter(
    "news_rebalances_total", "Times that a group has shared out its partitions anew.", ["group"]
)
_PLACE = ["group", "topic", "partition"]
LAG_RECORDS = Gauge(
    "news_consumer_lag_records", "Records that the group has not committed.", _PLACE
)
LAG_SECONDS = Gauge(
    "news_consumer_lag_seconds",
    "For how long the oldest of them has been there, as far as this process has seen.",
    _PLACE,
)
LAG_UPDATED = Gauge(
    "news_consumer_lag_updated_timestamp_seconds", "When the lag was last measured.", ["group"]
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
