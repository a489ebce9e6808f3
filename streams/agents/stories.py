"""`news.enriched` to `news.mentions`: which story an item belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from streams.agents.acking import Outcome, Output, Received
from streams.agents.history import read_history
from streams.broker.topics import ENRICHED, MENTIONS
from streams.config import Settings
from streams.errors import RecordError
from streams.records import EnrichedItem, Mention, Story
from streams.stories.cluster import WINDOW, Clusters, mentions_of
from streams.wire import decode, encode, headers_for

__all__ = ["StoriesStage"]

log = structlog.get_logger(__name__)


class StoriesStage:
    """Clusters each partition of `news.enriched` (one or more languages) by itself.

    State is a fold over the partition. It is rebuilt by reading one window again whenever a record
    is not the successor of the last one: at start, after a rebalance, on redelivery.
    """

    name = "stories"
    source = ENRICHED
    outputs: tuple[str, ...] = (MENTIONS,)
    overlap = False
    batch_size = 32
    depth = 4

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clusters: dict[int, Clusters] = {}
        self._last: dict[int, int] = {}

    async def start(self) -> None:
        """Nothing to load: partitions are read when their first record arrives."""

    async def watch(self) -> None:
        """Nothing to watch."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def process(self, batch: Sequence[Received]) -> list[Outcome]:
        """Name the story of each item and emit its mentions."""
        return [await self._one(record) for record in batch]

    async def _one(self, record: Received) -> Outcome:
        clusters = await self._clusters_before(record)
        self._last[record.partition] = record.offset
        try:
            enriched = decode(EnrichedItem, record.value)
        except RecordError as error:
            return error
        return _outputs(enriched, clusters.assign(enriched))

    async def _clusters_before(self, record: Received) -> Clusters:
        """State of the record's partition just before it."""
        if self._last.get(record.partition) == record.offset - 1:
            return self._clusters[record.partition]
        clusters = self._clusters[record.partition] = Clusters()
        past = await read_history(
            self._settings,
            record.topic,
            record.partition,
            since=record.timestamp - WINDOW.total_seconds(),
            until_offset=record.offset,
        )
        for earlier in past:
            try:
                clusters.assign(decode(EnrichedItem, earlier.value))
            except RecordError:
                continue  # it is among the dead letters already
        log.info("rebuilt", stage=self.name, partition=record.partition, records=len(past))
        return clusters


def _outputs(enriched: EnrichedItem, story: Story) -> tuple[Output, ...]:
    return tuple(
        Output(
            topic=MENTIONS,
            key=mention.figure.figure_id.encode(),
            value=encode(mention),
            timestamp=mention.item.seen_at.timestamp(),
            headers=headers_for(Mention),
        )
        for mention in mentions_of(enriched, story)
    )
