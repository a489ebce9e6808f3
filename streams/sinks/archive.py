"""The process that keeps items, mentions and alerts as Parquet files.

The offsets live in the archive's folder, beside the files that they belong to, and not in a
consumer group: what is archived and how far then never disagree. So one process serves one
folder, which it locks.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streams.broker.clients import connect_consumer, connect_producer
from streams.broker.topics import DEAD_LETTER_BYTES
from streams.config import Settings
from streams.errors import BrokerError, ConfigError, RecordError
from streams.health import HEALTH, Offsets
from streams.metrics import RECORDS
from streams.sinks.dead_letters import send_dead_letter
from streams.sinks.parquet import (
    TABLES,
    Row,
    discard_unfinished,
    give_back,
    next_offset,
    row_of,
    write_batch,
)
from streams.sinks.signals import stop_on_signals

__all__ = ["Archiver", "archive", "check_offset", "lock_archive", "run_archive"]

log = structlog.get_logger(__name__)

FLUSH_RECORDS = 5_000
"""Records of all partitions held in memory at most; larger files scan faster."""
FLUSH_BYTES = 16 * 1024 * 1024
"""The same in bytes of their JSON: alerts with many sources are large."""
READ_RECORDS = 250
"""Records taken from the client at once, so that the memory held stays near these bounds."""
POLL_MILLISECONDS = 500


class Archiver:
    """Collects records and writes them batch by batch.

    Args:
        folder: of the archive.
        producer: for records that cannot be decoded.
        every_seconds: longest time that a record waits in memory.
        flush_records: records that are held at most, roughly.
        flush_bytes: bytes of JSON that are held at most, roughly.
    """

    def __init__(
        self,
        folder: Path,
        producer: AIOKafkaProducer,
        every_seconds: float,
        flush_records: int = FLUSH_RECORDS,
        flush_bytes: int = FLUSH_BYTES,
    ) -> None:
        self._folder, self._producer = folder, producer
        self._every = every_seconds
        self._most_records, self._most_bytes = flush_records, flush_bytes
        self._held: dict[TopicPartition, list[Any]] = {}
        self._count = self._size = 0
        # Always the same thread: the allocator keeps memory for each that it has ever seen.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")
        self._since = 0.0

    def take(self, partition: TopicPartition, records: list[Any], clock: float) -> None:
        """Hold records until they are due.

        Args:
            partition: where they come from.
            records: aiokafka's ConsumerRecords, by offset.
            clock: monotonic seconds.
        """
        if records and not self._count:
            self._since = clock
        self._held.setdefault(partition, []).extend(records)
        self._count += len(records)
        self._size += _bytes(records)

    def is_due(self, clock: float) -> bool:
        """True if what is held should be written now."""
        return (
            self._count >= self._most_records
            or self._size >= self._most_bytes
            or (self._count > 0 and clock - self._since >= self._every)
        )

    async def flush(self) -> None:
        """Write what is held. Dead letters go out first, so none is lost by a crash in between."""
        while self._held:
            partition, records = next(iter(self._held.items()))
            if records:
                await self._write(partition, records)
            del self._held[partition]
            self._count -= len(records)
            self._size -= _bytes(records)
        await asyncio.get_running_loop().run_in_executor(self._thread, give_back)

    async def _write(self, partition: TopicPartition, records: list[Any]) -> None:
        topic, number = partition
        rows = [row for record in records if (row := await self._row(record)) is not None]
        first, last = records[0].offset, records[-1].offset
        with _writing(self._folder):
            files = await asyncio.get_running_loop().run_in_executor(
                self._thread, write_batch, self._folder, topic, number, first, last, rows
            )
        RECORDS.labels("archive", "written").inc(len(rows))
        log.info("archived", topic=topic, partition=number, rows=len(rows), files=len(files))

    async def _row(self, record: Any) -> Row | None:
        if record.value is None:  # a deletion in a compacted topic; the archive keeps history
            return None
        try:
            return row_of(record.topic, record.partition, record.offset, record.value)
        except RecordError as error:
            await send_dead_letter(self._producer, record, stage="archive", error=error)
            return None


def _bytes(records: list[Any]) -> int:
    return sum(len(record.value or b"") for record in records)


def check_offset(folder: Path, partition: TopicPartition, stored: int, end: int) -> None:
    """Refuse to go on with a folder that belongs to another broker.

    Raises:
        BrokerError: the archive is ahead of the topic, so its offsets mean other records.
    """
    if stored > end:
        raise BrokerError(
            f"the archive in {folder} has {partition.topic}/{partition.partition} up to {stored},"
            f" the broker only up to {end}",
            cure="it belongs to another broker, or this one has lost data: give a new --to folder",
        )


async def _resume(consumer: AIOKafkaConsumer, folder: Path) -> None:
    """Clean up after a crash and go to where the folder ends."""
    ends = await consumer.end_offsets(list(consumer.assignment()))
    for partition, end in ends.items():
        with _writing(folder):
            for file in discard_unfinished(folder, *partition):
                log.info("unfinished_file_removed", file=file.name)
        stored = next_offset(folder, *partition)
        if stored is not None:
            check_offset(folder, partition, stored, end)
            consumer.seek(partition, stored)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what the system refuses into what a person can mend. Holds files only, no network."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"cannot be written to: {error.strerror or error}",
            file=str(folder),
            cure="make room and check the rights there, or give another --to",
        ) from error


@contextmanager
def lock_archive(folder: Path) -> Iterator[None]:
    """Be the only process that writes into a folder.

    Raises:
        ConfigError: another one does, or it cannot be written to.
    """
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    with file:
        with _writing(folder):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    "another process archives into this folder",
                    file=str(folder),
                    cure="stop it, or give another folder",
                ) from error
        yield


async def archive(
    settings: Settings, folder: Path, every_seconds: float, stop: asyncio.Event
) -> None:
    """Archive until `stop` is set; what is held then is written before it returns.

    Raises:
        BrokerError: the broker cannot be reached, or the folder belongs to another one.
        ConfigError: another process uses the folder, or it cannot be written to.
    """
    with lock_archive(folder):
        producer = await connect_producer(settings, message_bytes=DEAD_LETTER_BYTES)
        try:
            consumer = await connect_consumer(settings, *TABLES)
            try:
                await _resume(consumer, folder)
                HEALTH.report("producer")
                HEALTH.report("assigned")
                await _consume(consumer, Archiver(folder, producer, every_seconds), stop)
            finally:
                await consumer.stop()
        except KafkaError as error:
            raise BrokerError(
                f"the broker failed: {error}", cure="check the broker and start again"
            ) from error
        finally:
            await producer.stop()


async def _consume(consumer: AIOKafkaConsumer, archiver: Archiver, stop: asyncio.Event) -> None:
    # Not ended by cancelling: a thread that writes a batch would go on beside its repetition.
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        batches = await consumer.getmany(timeout_ms=POLL_MILLISECONDS, max_records=READ_RECORDS)
        for partition, records in batches.items():
            archiver.take(partition, records, loop.time())
        if archiver.is_due(loop.time()):
            await archiver.flush()
    await archiver.flush()


async def run_archive(settings: Settings, folder: Path, every_seconds: float) -> None:
    """Archive until SIGTERM or SIGINT; see `archive`."""
    HEALTH.watch_loop()
    HEALTH.offsets = Offsets(
        settings=settings,
        group="archive",
        topics=tuple(TABLES),
        stored=partial(next_offset, folder),
    )
    await archive(settings, folder, every_seconds, stop_on_signals())
