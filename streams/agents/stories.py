"""`news.enriched` to `news.mentions`: which story an item belongs to."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import structlog

from streams.agents.acking import Outcome, Output, Received
from streams.agents.history import long_before, read_history
from streams.agents.partitions import PartitionStates
from streams.broker.topics import ENRICHED, MENTIONS
from streams.config import Settings
from streams.errors import RecordError
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

    def refused(self, record: Received) -> None:
        """Read its partition again with the next batch."""
        self._clusters.refused(record)

    async def process(self, batch: Sequence[Received]) -> list[Outcome]:
        """Name the story of each item and emit its mentions."""
        self._clusters.begin_batch()
        return [await self._one(record) for record in batch]

    async def _one(self, record: Received) -> Outcome:
        clusters = await self._clusters.before(record)
        try:
            enriched = decode(EnrichedItem, record.value)
            return tuple(map(_output, clusters.mentions(enriched)))
        except RecordError as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever an item holds, only it fails
            return self._clusters.doubt(record, error)

    async def _rebuild(self, record: Received) -> Clusters:
        clusters = Clusters()
        past = await read_history(
            self._settings,
            record.topic,
            record.partition,
            since=long_before(record, 2 * WINDOW),
            until_offset=record.offset,
        )
        for earlier in past:
            with contextlib.suppress(Exception):  # it is among the dead letters already
                # Not only assigned: which figures a story has must be known when it becomes another.
                clusters.mentions(decode(EnrichedItem, earlier.value))
        log.info("rebuilt", stage=self.name, partition=record.partition, records=len(past))
        return clusters


def _output(mention: Mention) -> Output:
    return Output(
        topic=MENTIONS,
        key=mention.figure.figure_id.encode(),
        value=encode(mention),
        timestamp=mention.item.seen_at.timestamp(),
        headers=headers_for(Mention),
    )
