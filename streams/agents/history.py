"""Reads a part of a partition again, so that a stage's state can be rebuilt from Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.agents.acking import Received
from streams.agents.in_flight import note_progress
from streams.broker.clients import connect_consumer
from streams.broker.ranges import milliseconds
from streams.config import Settings, utc_now
from streams.wire import time_of

__all__ = ["follow_history", "long_before"]

_BATCH_RECORDS = 200
"""What is folded in one go while nothing else has a turn: some 60 ms of the stories' fold, the slowest."""


def long_before(record: Received, back: timedelta) -> float:
    """The time from which on to read what came before a record, Unix seconds.

    A record that a wrong clock has dated ahead counts as of now: else what came before it would seem too old. To read
    more than is needed changes nothing.
    """
    return min(record.timestamp, utc_now().timestamp()) - back.total_seconds()


async def follow_history(
    settings: Settings,
    topic: str,
    partition: int,
    *,
    since: float | None = None,
    until_offset: int | None = None,
) -> AsyncIterator[list[Received]]:
    """Read a partition without a consumer group, in batches, so that it need not be held in memory.

    The event loop turns before each batch, and each counts as progress: days of records take minutes to fold.

    Args:
        settings: where the broker is.
        topic: which topic.
        partition: which partition.
        since: seconds since the epoch by record timestamp, also before it; None reads from the beginning.
        until_offset: stop before this offset; None stops where the partition ends now.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    consumer = await connect_consumer(settings)
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        end = until_offset
        if end is None:
            end = (await consumer.end_offsets([place]))[place]
        await _seek(consumer, place, since, end)
        while await consumer.position(place) < end:
            batches = await consumer.getmany(place, timeout_ms=500, max_records=_BATCH_RECORDS)
            if batches:
                note_progress()
            await asyncio.sleep(0)  # records at hand come without a pause, which all others need
            yield [
                Received(
                    topic=topic,
                    partition=partition,
                    offset=record.offset,
                    timestamp=time_of(record).timestamp(),
                    key=record.key,
                    value=record.value,
                )
                for record in batches.get(place, ())
                if record.offset < end
            ]
    finally:
        await consumer.stop()


async def _seek(
    consumer: AIOKafkaConsumer, place: TopicPartition, since: float | None, end: int
) -> None:
    if since is None:
        await consumer.seek_to_beginning(place)
        return
    found = (await consumer.offsets_for_times({place: milliseconds(since)}))[place]
    consumer.seek(place, min(found.offset, end) if found else end)
