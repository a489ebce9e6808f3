"""`news.enriched` to `news.mentions`: which story an item belongs to."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import structlog

from streams.agents.acking import Outcome, Output, Received
from streams.agents.history import follow_history, long_before
from streams.agents.partitions import PartitionStates
from streams.broker.topics import ENRICHED, MENTIONS
from streams.config import Settings
from streams.records import EnrichedItem, Mention
from streams.stories.cluster import WINDOW, Clusters
from streams.wire import decode, encode, headers_for

__all__ = ["StoriesStage"]

log = structlog.get_logger(__name__)


class StoriesStage:
    """Clusters each partition of `news.enriched` by itself: languages that tell one story share one.

    State is a fold over the partition, rebuilt by reading two windows again: one in which a story
    may have begun, and one that decides whether its first item was first.
    """

    name = "stories"
    sources: tuple[str, ...] = (ENRICHED,)
    outputs: tuple[str, ...] = (MENTIONS,)
    overlap = False
    batch_size = 32
    depth = 4

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clusters = PartitionStates(self._rebuild)

    async def start(self) -> None:
        """Nothing to load: partitions are read when their first record arrives."""

    async def watch(self) -> None:
        """Nothing to watch."""

    async def stop(self) -> None:
        """Nothing to end."""

    def reset(self) -> None:
        """Read partitions again when their next record arrives."""
        self._clusters.reset()

    async def process(self, batch: Sequence[Received]) -> list[Outcome]:
        """Name the story of each item and emit its mentions."""
        return await self._clusters.process(batch, self._one)

    async def _one(self, record: Received) -> Outcome:
        clusters = await self._clusters.before(record)
        return self._clusters.contain(record, lambda: _outputs(clusters, record))

    async def _rebuild(self, record: Received) -> Clusters:
        """Fold what came before a record: days of items, so they are dropped as they are read."""
        clusters, records = Clusters(), 0
        past = follow_history(
            self._settings,
            record.topic,
            record.partition,
            since=long_before(record, 2 * WINDOW),
            until_offset=record.offset,
        )
        async for batch in past:
            records += len(batch)
            for earlier in batch:
                with contextlib.suppress(Exception):  # it is among the dead letters already
                    # Not only assigned: which figures a story has must be known when it becomes another.
                    clusters.mentions(decode(EnrichedItem, earlier.value))
        log.info("rebuilt", stage=self.name, partition=record.partition, records=records)
        return clusters


def _outputs(clusters: Clusters, record: Received) -> tuple[Output, ...]:
    return tuple(map(_output, clusters.mentions(decode(EnrichedItem, record.value))))


def _output(mention: Mention) -> Output:
    return Output(
        topic=MENTIONS,
        key=mention.figure.figure_id.encode(),
        value=encode(mention),
        timestamp=mention.item.seen_at.timestamp(),
        headers=headers_for(Mention),
    )
