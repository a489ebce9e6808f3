"""Looks for an alert or an item in the topics of the stream, for `wirewatch explain`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from aiokafka import ConsumerRecord

from streams.alerts.explaining import (
    AlertExplained,
    ItemExplained,
    explain_alert,
    explain_item,
)
from streams.alerts.wording import dead_letter_in_words
from streams.broker.broadcast import read as read_all
from streams.broker.ranges import TopicReader
from streams.broker.topics import ALERTS, DEAD_LETTERS, ENRICHED, ITEMS, MENTIONS, RULES
from streams.config import Settings
from streams.errors import RecordError
from streams.records import Alert, EnrichedItem, Item, Mention, Record, Rule, Story
from streams.stories.cluster import mentions_of
from streams.wire import decode, read_dead_letter

__all__ = ["SEARCHED", "find"]

R = TypeVar("R", bound=Record)

SEARCHED = (ALERTS, ITEMS, ENRICHED, DEAD_LETTERS)
_AROUND = timedelta(minutes=1)
"""Records about an item carry the time at which it was seen; this is beyond what rounds it."""


async def find(
    settings: Settings, wanted: str, since: datetime | None
) -> AlertExplained | ItemExplained | None:
    """Look for an alert_id, and then for an item_id.

    Args:
        settings: whose broker is set.
        wanted: the id.
        since: earlier records are not looked at; None: all that the broker has.

    Returns:
        None if it is in none of the topics `SEARCHED`.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    rules = dict(await read_all(settings, RULES, Rule))
    async with TopicReader(settings, *SEARCHED, MENTIONS) as reader:
        search = _Search(reader, wanted, since)
        return await search.alert(rules) or await search.item(rules)


class _Search:
    """For one id."""

    def __init__(self, reader: TopicReader, wanted: str, since: datetime | None) -> None:
        self._reader = reader
        self._wanted = wanted
        self._key = wanted.encode()
        self._since = since

    async def alert(self, rules: dict[str, Rule]) -> AlertExplained | None:
        revisions: list[Alert] = []
        partition = 0
        async for record in self._records(ALERTS, lambda r: r.key == self._key, since=self._since):
            if (alert := _decoded(Alert, record)) is not None:
                revisions.append(alert)
                partition = record.partition
        if not revisions:
            return None
        newest = max(revisions, key=lambda alert: alert.revision)
        seen = [source.item.seen_at for source in newest.sources]
        figure = newest.figure_id.encode()
        mentions = [
            mention
            async for record in self._records(
                MENTIONS,
                lambda r: r.key == figure,
                # An alert lies in the partition of its mentions (`streams.agents.alerts`).
                partitions=(partition,),
                since=min([newest.first_seen_at or seen[0], *seen]) - _AROUND,
                until=max([newest.last_seen_at or seen[0], *seen]) + _AROUND,
            )
            if (mention := _decoded(Mention, record)) is not None
        ]
        return explain_alert(revisions, mentions, rules.get(newest.rule_id))

    async def item(self, rules: dict[str, Rule]) -> ItemExplained | None:
        items = [
            item
            async for record in self._records(
                ITEMS,
                lambda r: r.key == self._key,
                partitions=(self._reader.partition_of(ITEMS, self._key),),
                since=self._since,
            )
            if (item := _decoded(Item, record)) is not None
        ]
        # What comes of an item carries its time, so there is no need to read what is from before.
        since = min((item.seen_at - _AROUND for item in items), default=self._since)
        enriched = [
            each
            async for record in self._records(ENRICHED, self._names_it, since=since)
            if (each := _decoded(EnrichedItem, record)) is not None
            and each.item.item_id == self._wanted
        ]
        refused = [
            words
            async for record in self._records(
                DEAD_LETTERS, lambda r: r.key == self._key or self._names_it(r), since=since
            )
            if (words := _letter_in_words(record))
        ]
        if not (items or enriched or refused):
            return None
        newest = max(enriched, key=lambda each: each.item.revision, default=None)
        mentions, alerts = await self._mentions(newest), await self._alerts(newest)
        return explain_item(
            self._wanted,
            where=[
                _held(ITEMS, [item.revision for item in items]),
                _held(ENRICHED, [each.item.revision for each in enriched]),
                f"{MENTIONS}: {len(mentions)} of {len(newest.figures) if newest else 0} figures",
                f"{ALERTS}: {len(alerts)} have it among their sources",
                *(f"{DEAD_LETTERS}: {words}" for words in refused),
            ],
            enriched=newest,
            # Not there yet, or not any more: what rules make of it can be told all the same.
            mentions=mentions or (mentions_of(newest, Story(story_id="")) if newest else ()),
            alerts=alerts,
            rules=rules.values(),
        )

    async def _mentions(self, enriched: EnrichedItem | None) -> list[Mention]:
        if enriched is None:
            return []
        figures = {hit.figure_id.encode() for hit in enriched.figures}
        item = enriched.item
        found: dict[str, Mention] = {}
        async for record in self._records(
            MENTIONS,
            lambda r: r.key in figures and self._names_it(r),
            partitions=sorted({self._reader.partition_of(MENTIONS, key) for key in figures}),
            since=item.seen_at - _AROUND,
            until=item.seen_at + _AROUND,
        ):
            mention = _decoded(Mention, record)
            if mention and (mention.item.item_id, mention.item.revision) == (
                item.item_id,
                item.revision,
            ):
                found[mention.mention_id] = mention
        return list(found.values())

    async def _alerts(self, enriched: EnrichedItem | None) -> list[Alert]:
        if enriched is None:
            return []
        found: dict[str, Alert] = {}
        async for record in self._records(
            ALERTS, self._names_it, since=enriched.item.seen_at - _AROUND
        ):
            if (alert := _decoded(Alert, record)) is not None:
                found[alert.alert_id] = alert
        return list(found.values())

    def _names_it(self, record: ConsumerRecord) -> bool:
        """Cheaper than decoding: most records do not."""
        return record.value is not None and self._key in record.value

    async def _records(
        self,
        topic: str,
        wanted: Callable[[ConsumerRecord], bool],
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        partitions: tuple[int, ...] | list[int] | None = None,
    ) -> AsyncIterator[ConsumerRecord]:
        spans = await self._reader.spans(
            topic,
            since=since.timestamp() if since else None,
            until=until.timestamp() if until else None,
            partitions=partitions,
        )
        for span in spans:
            async for batch in self._reader.read(span):
                for record in batch:
                    if wanted(record):
                        yield record


def _decoded(type_: type[R], record: ConsumerRecord) -> R | None:
    """The record, None for a tombstone and what somebody else has written."""
    try:
        return decode(type_, record.value)
    except RecordError:
        return None


def _letter_in_words(record: ConsumerRecord) -> str:
    """A dead letter; empty for a mark that one was sent back, and what somebody else has written."""
    try:
        return dead_letter_in_words(read_dead_letter(record.key, record.value, record.headers))
    except RecordError:
        return ""


def _held(topic: str, revisions: list[int]) -> str:
    if not revisions:
        return f"{topic}: not there (any more)"
    every = sorted(set(revisions))
    return f"{topic}: revision {', '.join(map(str, every))}"
