from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.broker import topics
from streams.broker.clients import MESSAGE_BYTES, connect_consumer, connect_producer, send_all
from streams.broker.topics import ALERTS, DEAD_LETTERS
from streams.config import Settings
from streams.errors import BrokerError, ConfigError
from streams.sinks.archive import Archiver, archive, check_offset
from streams.sinks.parquet import discard_unfinished, next_offset
from streams.sinks.query import run_query
from streams.wire import encode, read_dead_letter
from tests.desk.samples import make_alert

PARTITION = TopicPartition(ALERTS, 0)


class DeadLetters:
    """Stands for the producer: keeps what is set aside."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send_and_wait(self, topic, **record) -> None:
        assert topic == DEAD_LETTERS
        self.sent.append(record)


def record(offset: int, value: bytes | None) -> SimpleNamespace:
    return SimpleNamespace(topic=ALERTS, partition=0, offset=offset, key=b"k", value=value)


def good(offset: int) -> SimpleNamespace:
    return record(offset, encode(make_alert(f"a{offset}")))


def archived(folder: Path) -> list[int]:
    return [row[0] for row in run_query(folder, "SELECT kafka_offset FROM alerts ORDER BY 1").rows]


def test_records_are_due_by_number_or_by_time(tmp_path):
    archiver = Archiver(tmp_path, DeadLetters(), every_seconds=30, flush_records=3)
    assert not archiver.is_due(1_000)
    archiver.take(PARTITION, [good(0)], clock=100)
    archiver.take(PARTITION, [good(1)], clock=120)
    assert not archiver.is_due(129)
    assert archiver.is_due(130)
    archiver.take(PARTITION, [good(2)], clock=121)
    assert archiver.is_due(121)


async def test_records_are_due_by_size_too_and_no_more_once_written(tmp_path):
    large = record(1, encode(make_alert("a1")) + b" " * 1_000_000)
    archiver = Archiver(tmp_path, DeadLetters(), every_seconds=30, flush_bytes=1_000_000)
    archiver.take(PARTITION, [good(0)], clock=0)
    assert not archiver.is_due(0)
    archiver.take(PARTITION, [large], clock=0)
    assert archiver.is_due(0)
    await archiver.flush()
    archiver.take(PARTITION, [good(2)], clock=0)
    assert not archiver.is_due(0)
    assert archived(tmp_path) == [0, 1]


async def test_what_is_flushed_is_written_once_and_broken_records_are_set_aside(tmp_path):
    producer = DeadLetters()
    archiver = Archiver(tmp_path, producer, every_seconds=30)
    archiver.take(PARTITION, [good(0), record(1, b"{broken"), record(2, None), good(3)], clock=0)
    await archiver.flush()
    await archiver.flush()
    assert archived(tmp_path) == [0, 3]
    assert not archiver.is_due(1_000)
    [dead] = producer.sent
    letter = read_dead_letter(dead["key"], dead["value"], dead["headers"])
    assert (letter.stage, letter.offset) == ("archive", 1)


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        (b'"rule_version":1', b'"rule_version":2147483648', "`rule_version` is 2147483648"),
        (b'"alert_id"', b'"unknown":"\xff","alert_id"', "utf-8"),
        (b'"alerted_at":"2026-03-02T12:00:00Z"', b'"alerted_at":"0001-01-01T00:00:00+14:00"', "date"),
    ],
)  # fmt: skip
async def test_what_no_table_can_hold_is_set_aside(tmp_path, was, becomes, reason):
    producer = DeadLetters()
    archiver = Archiver(tmp_path, producer, every_seconds=30)
    value = encode(make_alert("a1"))
    assert was in value
    archiver.take(PARTITION, [good(0), record(1, value.replace(was, becomes)), good(2)], clock=0)
    await archiver.flush()
    assert archived(tmp_path) == [0, 2]
    [dead] = producer.sent
    letter = read_dead_letter(dead["key"], dead["value"], dead["headers"])
    assert (letter.offset, letter.value) == (1, value.replace(was, becomes))
    assert reason in letter.message


def test_a_folder_of_another_broker_is_refused(tmp_path):
    check_offset(tmp_path, PARTITION, stored=7, end=7)
    with pytest.raises(BrokerError, match="another broker"):
        check_offset(tmp_path, PARTITION, stored=8, end=7)


async def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    folder = tmp_path / "taken" / "archive"
    with pytest.raises(ConfigError, match=f"^{folder}: cannot be written to") as caught:
        await archive(Settings(), folder, 0.2, asyncio.Event())
    assert "--to" in caught.value.cure


async def test_a_folder_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "alerts").write_text("a file, not a folder")
    archiver = Archiver(tmp_path, DeadLetters(), every_seconds=30)
    archiver.take(PARTITION, [good(0)], clock=0)
    with pytest.raises(ConfigError, match=f"^{tmp_path}: cannot be written to") as caught:
        await archiver.flush()
    assert "--to" in caught.value.cure


@pytest.fixture
def full_disk():
    """Files end after some bytes, as on a full disk; call it to make room again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def make_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    yield make_room
    make_room()


async def test_a_full_disk_is_told_and_costs_nothing_once_there_is_room(tmp_path, full_disk):
    archiver = Archiver(tmp_path, DeadLetters(), every_seconds=30)
    archiver.take(PARTITION, [good(n) for n in range(3)], clock=0)
    with pytest.raises(ConfigError, match=f"^{tmp_path}: cannot be written to: .*File too large"):
        await archiver.flush()
    full_disk()
    assert next_offset(tmp_path, ALERTS, 0) is None
    discard_unfinished(tmp_path, ALERTS, 0)
    await archiver.flush()
    assert archived(tmp_path) == [0, 1, 2]
    assert not list(tmp_path.rglob("*.part"))


def done(settings: Settings, folder: Path) -> int:
    """How many records of `news.alerts` the archive has finished with."""
    return sum(next_offset(folder, ALERTS, number) or 0 for number in range(settings.partitions))


async def run_until(settings: Settings, folder: Path, count: int) -> None:
    """Archive until so many alerts are done."""
    stop = asyncio.Event()
    running = asyncio.create_task(archive(settings, folder, every_seconds=0.2, stop=stop))
    try:
        async with asyncio.timeout(20):
            while not running.done() and done(settings, folder) < count:
                await asyncio.sleep(0.1)
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await running


@pytest.mark.embedded
async def test_a_restart_goes_on_and_a_lost_offset_does_not_duplicate(embedded_broker, tmp_path):
    settings, folder = embedded_broker, tmp_path / "archive"
    await topics.apply(settings)
    producer = await connect_producer(settings)
    alerts = [make_alert(f"a{number}") for number in range(20)]
    await send_all(producer, [(ALERTS, alert.alert_id, alert) for alert in alerts[:10]])
    await run_until(settings, folder, 10)
    stored = {file: file.read_bytes() for file in (folder / "offsets").iterdir()}
    await send_all(producer, [(ALERTS, alert.alert_id, alert) for alert in alerts[10:]])
    await run_until(settings, folder, 20)
    for file in (folder / "offsets").iterdir():  # as if it had crashed before storing them
        file.unlink() if file not in stored else file.write_bytes(stored[file])
    await run_until(settings, folder, 20)
    await producer.stop()
    found = run_query(folder, "SELECT alert_id, count(*) FROM alerts GROUP BY 1").rows
    assert sorted(found) == sorted((alert.alert_id, 1) for alert in alerts)
    assert run_query(folder, "SELECT * FROM items").rows == []
    assert not list(folder.rglob("*.part"))


@pytest.mark.embedded
async def test_a_foreign_record_that_is_too_large_for_our_topics_is_set_aside(
    embedded_broker, tmp_path
):
    settings = embedded_broker
    await topics.apply(settings)
    producer = await connect_producer(settings, message_bytes=topics.DEAD_LETTER_BYTES)
    foreign = bytes(MESSAGE_BYTES + 1)  # compressed it is small, so the broker takes it
    await producer.send_and_wait(ALERTS, key=b"foreign", value=foreign)
    await send_all(producer, [(ALERTS, "a", make_alert("a"))])
    await producer.stop()
    await run_until(settings, tmp_path / "archive", 2)
    assert run_query(tmp_path / "archive", "SELECT alert_id FROM alerts").rows == [("a",)]
    consumer = await connect_consumer(settings, DEAD_LETTERS)
    batches = await consumer.getmany(timeout_ms=5_000)
    await consumer.stop()
    [letter] = [record for records in batches.values() for record in records]
    assert letter.value == foreign


@pytest.mark.embedded
async def test_a_folder_serves_one_process(embedded_broker, tmp_path):
    await topics.apply(embedded_broker)
    stop = asyncio.Event()
    first = asyncio.create_task(archive(embedded_broker, tmp_path / "x", 0.2, stop))
    async with asyncio.timeout(10):
        while not (tmp_path / "x" / ".lock").exists():
            await asyncio.sleep(0.01)
    with pytest.raises(ConfigError, match="another process"):
        await archive(embedded_broker, tmp_path / "x", 0.2, stop)
    stop.set()
    await first
