"""Every metric, its labels and its unit. No names of persons and no texts in labels.

Each process serves those that it has something to say about, under `/metrics`
(`streams.health_server`).

No label names a feed: ten thousand of them would be as many series of each metric, and `wirewatch feeds status`
tells more of each. The age of the oldest success stands for all feeds, and the histogram of their lateness.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from streams.config import utc_now

__all__ = [
    "ALERTS", "ALERTS_SUPPRESSED", "DEAD_LETTERS", "DELIVERED_SECONDS", "END_TO_END_SECONDS", "FEEDS",
    "FEED_LATENESS_SECONDS", "FEED_POLLS", "FEED_SUCCESS_AGE_SECONDS", "IN_FLIGHT_SECONDS", "LAG_RECORDS",
    "LAG_SECONDS", "LAG_UPDATED", "NOTIFICATIONS", "POOL_RESTARTS", "PUBLISH_DELAY_SECONDS", "REBALANCES",
    "RECORDS", "RULES_LOADED", "STAGE_SECONDS", "TRENDS", "WATERMARK_LAG_SECONDS", "Watermark",
]  # fmt: skip

disable_created_metrics()  # type: ignore[no-untyped-call]  # else a second series for each count

FEED_POLLS = Counter("news_feed_polls_total", "Polls of feeds.", ["outcome"])
FEED_LATENESS_SECONDS = Histogram(
    "news_feed_lateness_seconds",
    "From when a poll was due until it started; politeness to its host included.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
FEEDS = Gauge(
    "news_feeds", "Feeds that this poller polls, and those that are disabled.", ["health"]
)
FEED_SUCCESS_AGE_SECONDS = Gauge(
    "news_feed_oldest_success_age_seconds",
    "Since the latest success of the feed that has waited longest, of those that answer; 0 without one.",
)
RECORDS = Counter("news_records_total", "Records processed.", ["stage", "outcome"])
STAGE_SECONDS = Histogram(
    "news_stage_duration_seconds", "From a batch's turn until its outputs are acked.", ["stage"]
)
DEAD_LETTERS = Counter("news_dlq_messages_total", "Records set aside.", ["stage", "error"])
POOL_RESTARTS = Gauge("news_pool_restarts", "Times the process pool was replaced.", ["stage"])
WATERMARK_LAG_SECONDS = Gauge(
    "news_watermark_lag_seconds",
    "Since the time of the newest record that the stage is done with, by event time; none before the first.",
    ["stage"],
)
RULES_LOADED = Gauge("news_rules_loaded", "Rules that the stage matches by.", ["state"])
ALERTS = Counter("news_alerts_total", "Revisions of alerts.", ["rule", "severity", "kind"])
ALERTS_SUPPRESSED = Counter(
    "news_alerts_suppressed_total",
    "Revisions that tell something new, and nobody at once.",
    ["reason"],
)
TRENDS = Counter("news_trends_total", "Bursts, silences and new pairs.", ["kind", "phase"])
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


class Watermark:
    """How far in the time of the news a stage of this process has got.

    A record says when its item was seen, so the age grows by itself while there is no news. Beside that of the
    stage before, it tells who stands.
    """

    def __init__(self, stage: str) -> None:
        self._stage, self._newest = stage, 0.0

    def reach(self, timestamp: float) -> None:
        """Note that a record is done.

        Args:
            timestamp: of the record, seconds since the epoch; one that lies ahead counts as now, or nothing
                would be seen of a stage that stands after it.
        """
        now = utc_now().timestamp()
        if not self._newest:
            WATERMARK_LAG_SECONDS.labels(self._stage).set_function(self._age)
        self._newest = max(self._newest, min(timestamp, now))

    def _age(self) -> float:
        return max(utc_now().timestamp() - self._newest, 0.0)
