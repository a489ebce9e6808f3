"""Nothing is acked before its outputs are safe, and always in the order of arrival."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from streams.agents.acking import OUTPUT_BYTES, AckingPipeline, Output
from streams.agents.in_flight import InFlight, note_progress
from streams.broker.topics import DEAD_LETTERS
from streams.errors import RecordError
from streams.wire import read_dead_letter


class Topic:
    """A Faust topic whose broker acks when it is told to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.hold: asyncio.Future[None] | None = None

    async def send(self, **record: Any) -> asyncio.Future[Any]:
        self.sent.append(record)
        if self.hold is not None:
            return self.hold
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


@dataclass
class Event:
    offset: int
    value: bytes
    acked: list[int]
    message: Any = field(init=False)

    def __post_init__(self) -> None:
        self.message = SimpleNamespace(
            topic="in", partition=0, offset=self.offset, timestamp=1.0, key=b"k", value=self.value,
            headers=[("attempts-before", b"1")],
        )  # fmt: skip

    def ack(self) -> None:
        self.acked.append(self.offset)


class Echo:
    """A stage that repeats; b"slow…" takes a while, b"bad" is refused, b"huge" and b"long"
    make an output whose value or key is too large, b"crash" raises."""

    name = "echo"
    sources: tuple[str, ...] = ("in",)
    outputs: tuple[str, ...] = ("out",)
    overlap = True

    def __init__(self, batch_size=2, depth=4):
        self.batch_size, self.depth = batch_size, depth

    async def start(self) -> None: ...
    async def watch(self) -> None: ...
    async def stop(self) -> None: ...
    def reset(self) -> None: ...

    async def process(self, batch):
        if batch[0].value.startswith(b"slow"):
            await asyncio.sleep(0.1)
        if any(record.value == b"crash" for record in batch):
            raise RuntimeError("a bug")
        return [self._one(record) for record in batch]

    def _one(self, record):
        if record.value == b"bad":
            return RecordError("not an Item: nonsense")
        value = bytes(OUTPUT_BYTES + 1) if record.value == b"huge" else record.value
        key = bytes(OUTPUT_BYTES) if record.value == b"long" else b"k"
        return (Output(topic="out", key=key, value=value, timestamp=1.0),)


class Rig:
    def __init__(self, **stage: int) -> None:
        self.out, self.dead = Topic(), Topic()
        self.acked: list[int] = []
        topics = {"out": self.out, DEAD_LETTERS: self.dead}
        self.lost = ""
        self.pipeline = AckingPipeline(
            Echo(**stage), topics, lost=lambda: self.lost, linger_seconds=0.01
        )
        self.offset = 0

    async def put(self, *values: bytes) -> None:
        for value in values:
            await self.pipeline.put(Event(self.offset, value, self.acked))
            self.offset += 1

    async def until_acked(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.acked) < count:
                await asyncio.sleep(0.005)

    async def until_crashed(self) -> None:
        async with asyncio.timeout(5):
            while not self.pipeline.crashed:
                await asyncio.sleep(0.005)


@pytest.fixture
async def rig():
    rig = Rig(batch_size=2)
    await rig.pipeline.start()
    yield rig
    await rig.pipeline.stop()


async def test_outputs_and_acks_keep_the_order_of_arrival(rig):
    values = [b"slow 0", b"1", b"2", b"3", b"slow 4", b"5", b"6"]
    await rig.put(*values)
    await rig.until_acked(7)
    assert [r["value"] for r in rig.out.sent] == values
    assert rig.acked == list(range(7))


async def test_nothing_is_acked_before_the_broker_has_acked_the_output(rig):
    rig.out.hold = asyncio.get_running_loop().create_future()
    await rig.put(b"1", b"2")
    while not rig.out.sent:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    assert rig.acked == []
    assert rig.pipeline.in_flight.oldest_age_seconds() > 0.04
    rig.out.hold.set_result(None)
    await rig.until_acked(2)
    assert rig.pipeline.in_flight.oldest_age_seconds() == 0


@pytest.mark.parametrize("value", [b"bad", b"huge", b"long"])
async def test_a_refused_record_becomes_a_dead_letter_and_the_others_go_on(rig, value):
    await rig.put(b"1", value, b"3")
    await rig.until_acked(3)
    assert [r["value"] for r in rig.out.sent] == [b"1", b"3"]
    (record,) = rig.dead.sent
    letter = read_dead_letter(record["key"], record["value"], record["headers"].items())
    assert (letter.topic, letter.offset, letter.stage, letter.error) == (
        "in",
        1,
        "echo",
        "RecordError",
    )
    assert letter.value == value
    assert (letter.attempts, letter.timestamp_ms) == (2, 1_000)


async def test_a_stage_that_stops_within_a_batch_goes_on_once_its_part_is_in_kafka():
    rig = Rig(batch_size=4)
    rig.pipeline.stage.overlap = False
    process, acked_before = rig.pipeline.stage.process, []

    async def stop_behind_bad(batch):
        acked_before.append(list(rig.acked))
        values = [record.value for record in batch]
        end = values.index(b"bad") + 1 if b"bad" in values else len(values)
        return await process(batch[:end])

    rig.pipeline.stage.process = stop_behind_bad  # type: ignore[method-assign]
    await rig.pipeline.start()
    await rig.put(b"0", b"bad", b"2", b"bad", b"4", b"5", b"6", b"7")
    await rig.until_acked(8)
    await rig.pipeline.stop()
    assert acked_before == [[], [0, 1], [0, 1, 2, 3]]
    assert rig.acked == list(range(8))
    assert [r["value"] for r in rig.out.sent] == [b"0", b"2", b"4", b"5", b"6", b"7"]
    assert len(rig.dead.sent) == 2


async def test_a_stage_that_decides_on_nothing_crashes_and_does_not_turn_for_ever():
    rig = Rig(batch_size=1)

    async def nothing(batch):
        return []

    rig.pipeline.stage.process = nothing  # type: ignore[method-assign]
    await rig.pipeline.start()
    await rig.put(b"1")
    await rig.until_crashed()
    assert rig.acked == []


async def test_a_refused_record_is_acked_only_after_its_dead_letter(rig):
    rig.dead.hold = asyncio.get_running_loop().create_future()
    await rig.put(b"bad")
    await asyncio.sleep(0.1)
    assert rig.acked == []
    rig.dead.hold.set_result(None)
    await rig.until_acked(1)


@pytest.mark.parametrize("failing", [b"crash", b"1"])
async def test_any_other_failure_crashes_and_acks_nothing(failing):
    rig = Rig(batch_size=1)
    rig.out.hold = asyncio.get_running_loop().create_future()
    if failing == b"1":
        rig.out.hold.set_exception(ConnectionError("the broker is gone"))
    await rig.pipeline.start()
    await rig.put(failing)
    await rig.until_crashed()
    assert rig.acked == []
    await rig.pipeline.stop()


async def test_too_much_in_flight_pushes_back():
    rig = Rig(batch_size=2, depth=2)
    rig.out.hold = asyncio.get_running_loop().create_future()
    await rig.pipeline.start()
    await rig.put(b"1", b"2", b"3", b"4")
    fifth = asyncio.create_task(rig.put(b"5"))
    await asyncio.sleep(0.1)
    assert not fifth.done()
    rig.out.hold.set_result(None)
    await asyncio.wait_for(fifth, 5)
    await rig.until_acked(5)
    await rig.pipeline.stop()


@pytest.mark.parametrize("overlap", [True, False])
async def test_what_gets_on_is_not_still_however_long_it_takes(overlap):
    now, still = 0.0, []
    rig = Rig(batch_size=1)
    in_flight = rig.pipeline.in_flight = InFlight(lambda: now)
    rig.pipeline.stage.overlap = overlap
    process = rig.pipeline.stage.process

    async def in_steps(batch):
        nonlocal now
        for _ in range(3):
            now += 100
            still.append(in_flight.still_seconds())
            note_progress()
        return await process(batch)

    rig.pipeline.stage.process = in_steps  # type: ignore[method-assign]
    await rig.pipeline.start()
    await rig.put(b"1")
    await rig.until_acked(1)
    await rig.put(b"2")
    await rig.until_acked(2)
    assert still == [100] * 6
    assert in_flight.still_seconds() == in_flight.oldest_age_seconds() == 0
    await rig.pipeline.stop()


async def test_a_pipeline_that_is_cancelled_from_inside_crashes_instead_of_going_silent():
    """Faust's services swallow a cancellation, and would go on without their task."""
    rig = Rig(batch_size=1)

    async def cancelled(batch):
        raise asyncio.CancelledError

    rig.pipeline.stage.process = cancelled  # type: ignore[method-assign]
    await rig.pipeline.start()
    await rig.put(b"1")
    await rig.until_crashed()
    assert rig.acked == []
    await rig.pipeline.stop()


async def test_what_may_be_somebody_elses_by_now_is_not_written():
    """A worker that stood still for longer than its group waits must not go on from where it was."""
    rig = Rig(batch_size=2)
    await rig.pipeline.start()
    await rig.put(b"1", b"2")
    await rig.until_acked(2)
    rig.lost = "the process stood still for 40 s"
    await rig.put(b"3", b"4")
    await rig.until_crashed()
    assert [record["value"] for record in rig.out.sent] == [b"1", b"2"]
    assert rig.acked == [0, 1]
    await rig.pipeline.stop()
