"""`news.mentions` and `news.commands` to `news.alerts`: alerts are revised in place, by news and by people.

The newest revision of every alert is the state, and `news.alerts` holds it: whoever takes over a partition
reads it there, so that emitting and remembering are one step. To make that possible an alert goes to the
partition of its mention, and a command to that of its alert; the three topics have the same number of
partitions, one worker owns partition p of both inputs (`guards.install_copartitioning`), and an alert's figure
never changes, so all that happens to an alert happens in one place, in order.

Time passes for a partition with its records: what grows quiet, closes, or ends with its rule or figure does
so at the next record.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec
import structlog

from streams import metrics
from streams.agents.acking import Outcome, Output, Received
from streams.agents.history import read_history
from streams.agents.partitions import PartitionStates
from streams.alerts.book import Book
from streams.alerts.conditions import longest_window
from streams.alerts.revise import close_orphans, command, replay, revise
from streams.alerts.rules import RuleIndex
from streams.broker.broadcast import Broadcast
from streams.broker.topics import ALERTS, COMMANDS, MENTIONS, RULES, WATCHLIST
from streams.config import Settings, utc_now
from streams.errors import RecordError
from streams.records import Alert, Command, Figure, Mention, Rule
from streams.wire import decode, encode, headers_for

__all__ = ["AlertsStage"]

log = structlog.get_logger(__name__)

TREND_LEVEL = 0
"""Level of a figure's burst, until `news.trends` is read: rules with `when: burst` make no alerts before."""


class _State(msgspec.Struct):
    """What is known of a partition."""

    book: Book
    mentions_read: bool
    """Whether the mentions before the next one have been counted; a command may have been first."""


class AlertsStage:
    """Matches mentions against the rules, which may be edited live, and carries out commands."""

    name = "alerts"
    sources: tuple[str, ...] = (MENTIONS, COMMANDS)
    outputs: tuple[str, ...] = (ALERTS,)
    overlap = False
    batch_size = 32
    depth = 4

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rules: Broadcast[Rule] = Broadcast(settings, RULES, Rule)
        self._watchlist: Broadcast[Figure] = Broadcast(settings, WATCHLIST, Figure)
        self._index = RuleIndex({})
        self._index_version = ""
        self._states = PartitionStates(self._rebuild)

    async def start(self) -> None:
        """Load the rules and the watchlist."""
        await self._rules.start()
        await self._watchlist.start()

    async def watch(self) -> None:
        """Raise when the rules or the watchlist can no longer be followed."""
        await asyncio.gather(self._rules.wait_failed(), self._watchlist.wait_failed())

    async def stop(self) -> None:
        """Stop following them."""
        await self._rules.stop()
        await self._watchlist.stop()

    def reset(self) -> None:
        """Read partitions again when their next record arrives."""
        self._states.reset()

    async def process(self, batch: Sequence[Received]) -> list[Outcome]:
        """Turn mentions and commands into revisions of alerts."""
        if self._index_version != self._rules.version:
            self._index = RuleIndex(self._rules.values)
            self._index_version = self._rules.version
            log.info("rules", version=self._index_version, rules=len(self._rules.values))
        return [await self._one(record) for record in batch]

    async def _one(self, record: Received) -> Outcome:
        state = await self._states.before(record)
        try:
            if record.topic == COMMANDS:
                wanted = decode(Command, record.value)
                revisions = command(state.book, wanted, record.offset)
            else:
                mention = decode(Mention, record.value)
                if not state.mentions_read:
                    await self._read_mentions(state, record)
                revisions = self._revise(state.book, mention, record.offset)
        except RecordError as error:
            return error
        revisions += self._orphans(state.book)
        for alert in revisions:
            _count(alert)
        return tuple(_output(alert, record) for alert in revisions)

    def _revise(self, book: Book, mention: Mention, offset: int) -> list[Alert]:
        return revise(
            book,
            mention,
            self._index.candidates(mention.figure, mention.policy_topics),
            utc_now(),
            offset=offset,
            rules=self._rules.values,
            trend_level=TREND_LEVEL,
        )

    def _orphans(self, book: Book) -> list[Alert]:
        """Close what has lost its rule or figure, once for each edit of these."""
        versions = f"{self._index_version} {self._watchlist.version}"
        if book.checked == versions:
            return []
        book.checked = versions
        return close_orphans(book, self._rules.values, self._watched)

    def _watched(self, figure_id: str) -> bool:
        figures = self._watchlist.values
        if not figures:  # nobody watches nobody: the watchlist has not been written
            return True
        return figure_id in figures and figures[figure_id].active

    async def _rebuild(self, record: Received) -> _State:
        """Newest revisions in the record's partition."""
        book = Book()
        past = await read_history(self._settings, ALERTS, record.partition)
        for known in past:
            with contextlib.suppress(RecordError):  # a tombstone, or written by somebody else
                book.remember(decode(Alert, known.value))
        log.info("rebuilt", stage=self.name, partition=record.partition, alerts=len(book.alerts))
        return _State(book, mentions_read=False)

    async def _read_mentions(self, state: _State, record: Received) -> None:
        """Count the mentions before a record, as far back as any rule looks."""
        past = await read_history(
            self._settings,
            MENTIONS,
            record.partition,
            since=record.timestamp - longest_window(self._index.rules).total_seconds(),
            until_offset=record.offset,
        )
        for earlier in past:
            with contextlib.suppress(RecordError):  # it is among the dead letters already
                mention = decode(Mention, earlier.value)
                candidates = self._index.candidates(mention.figure, mention.policy_topics)
                replay(state.book, mention, candidates, self._rules.values)
        state.mentions_read = True


def _output(alert: Alert, record: Received) -> Output:
    return Output(
        topic=ALERTS,
        key=alert.alert_id.encode(),
        value=encode(alert),
        timestamp=record.timestamp,
        headers=headers_for(Alert),
        partition=record.partition,
    )


def _count(alert: Alert) -> None:
    metrics.ALERTS.labels(alert.rule_id, alert.severity, alert.update_kind).inc()
    if alert.update_kind == "new" and alert.notify:
        ledger = alert.latency
        waited = (ledger.alerted_at - ledger.seen_at).total_seconds()
        metrics.END_TO_END_SECONDS.observe(waited)
