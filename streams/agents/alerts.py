"""`news.mentions` to `news.alerts`: rules are matched, alerts revised in place.

The newest revision of every alert is the state, and `news.alerts` holds it: whoever takes over a
partition reads it there, so that emitting and remembering are one step. To make that possible an
alert goes to the partition of its mention; both topics have the same number of partitions, and an
alert's figure never changes, so the revisions of an alert still share one partition.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import structlog

from streams import metrics
from streams.agents.acking import Outcome, Output, Received
from streams.agents.history import read_history
from streams.agents.partitions import PartitionStates
from streams.alerts.decide import alert_id_of, decide
from streams.alerts.match import mismatch
from streams.alerts.rules import RuleIndex
from streams.broker.broadcast import Broadcast
from streams.broker.topics import ALERTS, MENTIONS, RULES
from streams.config import Settings, utc_now
from streams.errors import RecordError
from streams.records import Alert, Mention, Rule
from streams.wire import decode, encode, headers_for

__all__ = ["AlertsStage"]

log = structlog.get_logger(__name__)


class AlertsStage:
    """Matches mentions against the rules, which may be edited live."""

    name = "alerts"
    source = MENTIONS
    outputs: tuple[str, ...] = (ALERTS,)
    overlap = False
    batch_size = 32
    depth = 4

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rules: Broadcast[Rule] = Broadcast(settings, RULES, Rule)
        self._index = RuleIndex({})
        self._index_version = ""
        self._alerts = PartitionStates(self._rebuild)

    async def start(self) -> None:
        """Load the rules."""
        await self._rules.start()

    async def watch(self) -> None:
        """Raise when the rules can no longer be followed."""
        await self._rules.wait_failed()

    async def stop(self) -> None:
        """Stop following the rules."""
        await self._rules.stop()

    def reset(self) -> None:
        """Read partitions again when their next record arrives."""
        self._alerts.reset()

    async def process(self, batch: Sequence[Received]) -> list[Outcome]:
        """Turn mentions into revisions of alerts."""
        if self._index_version != self._rules.version:
            self._index = RuleIndex(self._rules.values)
            self._index_version = self._rules.version
            log.info("rules", version=self._index_version, rules=len(self._rules.values))
        return [await self._one(record) for record in batch]

    async def _one(self, record: Received) -> Outcome:
        alerts = await self._alerts.before(record)
        try:
            mention = decode(Mention, record.value)
            revisions = self._revise(alerts, mention)
        except RecordError as error:
            return error
        return tuple(_output(alert, record) for alert in revisions)

    def _revise(self, alerts: dict[str, Alert], mention: Mention) -> list[Alert]:
        """Apply a mention to every alert it concerns; `alerts` changes in place."""
        revisions = []
        for rule in self._index.candidates(mention.figure.figure_id):
            if mismatch(rule, mention):
                continue
            alert = decide(alerts.get(alert_id_of(rule, mention)), rule, mention, utc_now()).alert
            if alert is not None:
                alerts[alert.alert_id] = alert
                revisions.append(alert)
                _count(alert)
        return revisions

    async def _rebuild(self, record: Received) -> dict[str, Alert]:
        """Newest revisions in the record's partition."""
        alerts: dict[str, Alert] = {}
        for known in await read_history(self._settings, ALERTS, record.partition):
            with contextlib.suppress(RecordError):  # a tombstone, or written by somebody else
                alert = decode(Alert, known.value)
                alerts[alert.alert_id] = alert
        log.info("rebuilt", stage=self.name, partition=record.partition, alerts=len(alerts))
        return alerts


def _output(alert: Alert, record: Received) -> Output:
    return Output(
        topic=ALERTS,
        key=alert.alert_id.encode(),
        value=encode(alert),
        timestamp=alert.latency.seen_at.timestamp(),
        headers=headers_for(Alert),
        partition=record.partition,
    )


def _count(alert: Alert) -> None:
    metrics.ALERTS.labels(alert.rule_id, alert.severity, alert.update_kind).inc()
    if alert.update_kind == "new" and alert.notify:
        ledger = alert.latency
        waited = (ledger.alerted_at - ledger.seen_at).total_seconds()
        metrics.END_TO_END_SECONDS.observe(waited)
