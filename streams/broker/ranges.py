"""A part of a topic by time, for people who ask: read without a consumer group, so that no stage notices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from streams.broker.clients import connect_consumer
from streams.config import Settings
from streams.errors import BrokerError

__all__ = ["Span", "TopicReader", "milliseconds", "newest_since"]

_BATCH = 1_000
_WAIT_MILLISECONDS = 500
_STALLED = 40
"""Empty answers in a row, 20 s: then what should be there does not come."""


def milliseconds(at: float) -> int:
    """A time in Unix seconds as a broker is asked for it. Before 1970 there is nothing, and to ask is an error: a
    record from a clock that began at 1970 has no week before it.
    """
    return max(int(at * 1000), 0)


class Span(msgspec.Struct, frozen=True):
    """Offsets of one partition, `end` exclusive."""

    topic: str
    partition: int
    begin: int
    end: int

    def __len__(self) -> int:
        return max(self.end - self.begin, 0)


class TopicReader:
    """Reads parts of topics. Use as an async context manager.

    Raises:
        BrokerError: the broker cannot be reached, lacks a topic, does not hand out what it has, or fails within
            the block.
    """

    def __init__(self, settings: Settings, *topics: str) -> None:
        self._settings = settings
        self._topics = topics

    async def __aenter__(self) -> TopicReader:
        self._consumer: AIOKafkaConsumer = await connect_consumer(self._settings, *self._topics)
        self._partitions = {
            topic: sorted(self._consumer.partitions_for_topic(topic) or ())
            for topic in self._topics
        }
        # All at once and for good: a consumer forgets the topics that it is not assigned, and may wait for
        # ever for the leaders of what it is assigned anew.
        every = [
            TopicPartition(t, number) for t, found in self._partitions.items() for number in found
        ]
        self._consumer.unsubscribe()
        self._consumer.assign(every)
        self._consumer.pause(*every)
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        await self._consumer.stop()
        if isinstance(error, KafkaError):
            raise BrokerError(
                f"the broker failed: {error}", cure="check that it runs, then do the same again"
            ) from error

    def partitions(self, topic: str) -> list[int]:
        """The partitions of one of the topics."""
        return self._partitions[topic]

    def partition_of(self, topic: str, key: bytes) -> int:
        """Where records with a key lie, if the key has chosen."""
        every = self.partitions(topic)
        chosen: int = DefaultPartitioner()(key, every, every)
        return chosen

    async def spans(
        self,
        topic: str,
        *,
        since: float | None = None,
        until: float | None = None,
        partitions: Iterable[int] | None = None,
    ) -> list[Span]:
        """Find the offsets of a time.

        Args:
            topic: one of the reader's.
            since: record timestamp, Unix seconds; None for all that is there.
            until: likewise; None up to what is there now.
            partitions: which; None for all.

        Returns:
            A span for each partition, also where it is empty. Records are not sorted by time, so a few in it
            may be from before or after.
        """
        wanted = self.partitions(topic) if partitions is None else partitions
        places = [TopicPartition(topic, number) for number in wanted]
        first = await self._consumer.beginning_offsets(places)
        end = await self._consumer.end_offsets(places)
        begin = await self._at(places, since, end) if since is not None else first
        stop = await self._at(places, until, end) if until is not None else end
        return [
            Span(topic, place.partition, max(begin[place], first[place]), stop[place])
            for place in places
        ]

    async def _at(
        self, places: list[TopicPartition], at: float, end: dict[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        found = await self._consumer.offsets_for_times(dict.fromkeys(places, milliseconds(at)))
        return {p: min(found[p].offset, end[p]) if found.get(p) else end[p] for p in places}

    async def read(self, span: Span) -> AsyncIterator[list[ConsumerRecord]]:
        """Hand out the records of a span, in batches."""
        if not len(span):
            return
        place = TopicPartition(span.topic, span.partition)
        self._consumer.seek(place, span.begin)
        self._consumer.resume(place)
        try:
            async for batch in self._batches(place, span):
                yield batch
        finally:
            self._consumer.pause(place)

    async def _batches(
        self, place: TopicPartition, span: Span
    ) -> AsyncIterator[list[ConsumerRecord]]:
        stalled = 0
        while (at := await self._consumer.position(place)) < span.end:
            answer = await self._consumer.getmany(
                place, timeout_ms=_WAIT_MILLISECONDS, max_records=_BATCH
            )
            batch = [record for record in answer.get(place, ()) if record.offset < span.end]
            if batch:
                yield batch
            stalled = stalled + 1 if await self._consumer.position(place) == at else 0
            if stalled > _STALLED:
                raise BrokerError(
                    f"{span.topic} {span.partition}: the broker does not hand out what follows "
                    f"offset {at}",
                    cure="see the log of the broker",
                )


async def newest_since(reader: TopicReader, spans: list[Span], count: int, since: float) -> float:
    """The time of which spans hold about so many of their newest records, Unix seconds.

    Args:
        reader: for the topic of the spans.
        spans: of all partitions.
        count: how many records.
        since: begin of the spans; the answer is not before.
    """
    total = sum(map(len, spans))
    if total <= count:
        return since
    fullest = max(spans, key=len)
    at = fullest.end - max(1, round(len(fullest) * count / total))
    one = msgspec.structs.replace(fullest, begin=at, end=at + 1)
    async for batch in reader.read(one):
        return float(max(since, batch[0].timestamp / 1000))
    return since
