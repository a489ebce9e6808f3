"""Compacted control topics, held whole by every process and edited live.

A process reads all partitions from the beginning, without a consumer group, up to where they
ended when it started; then it follows. What it holds is a plain mapping of key to record, so
that deciding with it needs no broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from streams.broker.clients import connect_consumer, connect_producer, send_all
from streams.config import Settings
from streams.errors import BrokerError, WirewatchError
from streams.records import Feed, Figure, Record, Rule, stable_id
from streams.wire import decode, encode

__all__ = ["Broadcast", "publish", "read", "seed", "seed_changes"]

R = TypeVar("R", bound=Record)
Configured = TypeVar("Configured", Feed, Figure, Rule)
"""The records that people configure, which say by `origin` where they come from."""

log = structlog.get_logger(__name__)

_POLL_MILLISECONDS = 500
_STALL_SECONDS = 30.0
"""Without any progress for so long, a start fails: half a watchlist would miss alerts silently."""
_RETRY_SECONDS = 1.0


class Broadcast(Generic[R]):
    """The current records of one compacted topic.

    A record that cannot be decoded is logged and skipped; the key keeps its last good record.

    Args:
        settings: whose broker is set.
        topic: a compacted topic.
        type_: what its values are.
        on_change: called in the event loop with key and record (None: deleted), for every
            record held when `start` has read them all, and for each change from then on. A
            WirewatchError from it is logged and skipped; any other ends the following.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        type_: type[R],
        on_change: Callable[[str, R | None], None] | None = None,
    ) -> None:
        self.topic = topic
        self._settings = settings
        self._type = type_
        self._on_change = on_change
        self._values: dict[str, R] = {}
        self._version = ""
        self._consumer: AIOKafkaConsumer | None = None
        self._follower: asyncio.Task[None] | None = None

    @property
    def values(self) -> Mapping[str, R]:
        """Key to record: a live, read-only view."""
        return MappingProxyType(self._values)

    @property
    def version(self) -> str:
        """Short name of exactly these values, the same in every process that holds them."""
        if not self._version:
            parts = (
                part
                for key, record in sorted(self._values.items())
                for part in (key, encode(record).decode())
            )
            self._version = stable_id("broadcast", *parts)[:12]
        return self._version

    async def start(self) -> None:
        """Read the topic to its present end, tell `on_change`, and follow in the background.

        Raises:
            BrokerError: the broker cannot be reached, lacks the topic, or stops answering.
        """
        self._consumer = await connect_consumer(self._settings, self.topic)
        try:
            await self._read_to_end(self._consumer)
            for key, record in list(self._values.items()):
                self._tell(key, record)
        except BaseException as error:
            await self.stop()
            if isinstance(error, KafkaError):
                raise BrokerError(f"{self.topic} cannot be read: {error}") from error
            raise
        self._follower = asyncio.create_task(
            self._follow(self._consumer), name=f"broadcast {self.topic}"
        )

    async def stop(self) -> None:
        """Stop following; the values stay. May be repeated."""
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.cancel()
            await asyncio.wait({follower})
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def wait_failed(self) -> None:
        """Wait until `stop`, or raise as soon as following has ended by itself.

        A process that decides with these values awaits this beside its work, and ends when it
        raises: it would go on with rules that nobody can change any more.

        Raises:
            BrokerError: following has failed; the cause is chained.
        """
        follower = self._follower
        if follower is None:
            return
        await asyncio.wait({follower})
        if not follower.cancelled() and (error := follower.exception()):
            raise BrokerError(f"{self.topic} is no longer followed: {error!r}") from error

    async def _read_to_end(self, consumer: AIOKafkaConsumer) -> None:
        """Read up to the end offsets of now.

        What counts is the position, not the last offset seen: compaction leaves gaps, and
        markers of transactions are never delivered.
        """
        ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        before = -1
        while True:
            positions = {part: await consumer.position(part) for part in ends}
            if all(positions[part] >= end for part, end in ends.items()):
                return
            reached = sum(positions.values())
            if reached != before:
                before, deadline = reached, asyncio.get_running_loop().time() + _STALL_SECONDS
            elif asyncio.get_running_loop().time() > deadline:
                raise BrokerError(
                    f"{self.topic}: the broker sends nothing although there is more",
                    cure="check that all brokers of the cluster run",
                )
            for message in await _poll(consumer):
                self._take(message)

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        """Take changes for ever; aiokafka reconnects by itself when a broker restarts."""
        while True:
            try:
                messages = await _poll(consumer)
            except KafkaError as error:
                log.warning("broadcast_interrupted", topic=self.topic, error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            for message in messages:
                key = self._take(message)
                if key is not None:
                    self._tell(key, self._values.get(key))

    def _take(self, message: ConsumerRecord) -> str | None:
        """Bring one message into the values; return its key if that changed them."""
        place = {"topic": self.topic, "partition": message.partition, "offset": message.offset}
        try:
            key: str | None = message.key.decode() if message.key is not None else None
            record = decode(self._type, message.value) if message.value is not None else None
        except (WirewatchError, UnicodeDecodeError) as error:
            log.warning("broadcast_skipped", **place, error=str(error))
            return None
        if key is None:
            log.warning("broadcast_skipped", **place, error="no key")
            return None
        if self._values.get(key) == record:
            return None
        if record is None:
            del self._values[key]
        else:
            self._values[key] = record
        self._version = ""
        return key

    def _tell(self, key: str, record: R | None) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(key, record)
        except WirewatchError as error:
            log.warning("broadcast_refused", topic=self.topic, key=key, error=str(error))


async def _poll(consumer: AIOKafkaConsumer) -> list[ConsumerRecord]:
    """Wait a moment for messages; those of one partition are in order."""
    batches = await consumer.getmany(timeout_ms=_POLL_MILLISECONDS)
    return [message for messages in batches.values() for message in messages]


async def read(settings: Settings, topic: str, type_: type[R]) -> Mapping[str, R]:
    """All records of a control topic as it is now, by key.

    Raises:
        BrokerError: the broker cannot be reached, or lacks the topic.
    """
    held = Broadcast(settings, topic, type_)
    await held.start()
    await held.stop()
    return held.values


def seed_changes(
    entries: Mapping[str, Configured], known: Mapping[str, Configured]
) -> dict[str, Configured | None]:
    """Decide what to write so that a control topic follows a file of configuration.

    Args:
        entries: what the file holds now, by key; written with origin "file".
        known: what the topic holds, by key.

    Returns:
        Key to new record, or None to delete it. Entries that a person made by the command line
        (origin "cli") are neither replaced nor deleted, even where the file has the same key.
    """
    changes: dict[str, Configured | None] = {}
    for key, entry in entries.items():
        filed = msgspec.structs.replace(entry, origin="file")
        present = known.get(key)
        if present is None or (present.origin == "file" and present != filed):
            changes[key] = filed
    for key, present in known.items():
        if present.origin == "file" and key not in entries:
            changes[key] = None
    return changes


async def seed(
    settings: Settings,
    topic: str,
    type_: type[Configured],
    entries: Mapping[str, Configured],
) -> int:
    """Bring a control topic in line with a file; see `seed_changes`.

    Returns:
        How many records were written.

    Raises:
        BrokerError: the broker cannot be reached, or did not acknowledge.
    """
    changes = seed_changes(entries, await read(settings, topic, type_))
    await publish(settings, topic, changes)
    return len(changes)


async def publish(settings: Settings, topic: str, changes: Mapping[str, Record | None]) -> None:
    """Write records to a control topic, None to delete, and wait until all are acknowledged.

    Raises:
        BrokerError: the broker cannot be reached, or did not acknowledge.
    """
    if not changes:
        return
    producer = await connect_producer(settings)
    try:
        await send_all(producer, [(topic, key, record) for key, record in changes.items()])
    finally:
        await producer.stop()
