"""State is trusted only where the log was followed without a break."""

import pytest

from streams.agents import partitions
from streams.agents.acking import OUTPUT_BYTES, Output, Received
from streams.agents.partitions import PartitionStates
from streams.errors import RecordError


def record(offset, partition=0, topic="t"):
    return Received(
        topic=topic, partition=partition, offset=offset, timestamp=0.0, key=None, value=None
    )


@pytest.fixture
def states():
    rebuilt = []

    async def rebuild(at):
        rebuilt.append((at.partition, at.offset))
        return {"since": at.offset}

    states = PartitionStates(rebuild)
    states.rebuilt = rebuilt  # type: ignore[attr-defined]
    return states


@pytest.mark.parametrize(
    ("offsets", "rebuilt"),
    [
        ([5, 6, 7], [5]),
        ([5, 6, 6], [5, 6]),  # redelivered
        ([5, 6, 9], [5, 9]),  # a gap
        ([5, 6, 2, 3], [5, 2]),
    ],
)
async def test_a_break_in_the_log_rebuilds(states, offsets, rebuilt):
    for offset in offsets:
        await states.before(record(offset))
    assert states.rebuilt == [(0, offset) for offset in rebuilt]


async def test_partitions_are_apart(states):
    for partition in (0, 1, 0, 1):
        await states.before(record(5 if (partition, 5) not in states.rebuilt else 6, partition))
    assert states.rebuilt == [(0, 5), (1, 5)]


def output(size=1):
    return Output(topic="out", key=b"k", value=bytes(size), timestamp=0.0)


def raises(error):
    raise error


@pytest.mark.parametrize(
    ("decide", "stops"),
    [
        (lambda: (output(),), False),
        (lambda: raises(RecordError("not one of ours")), False),
        (lambda: raises(ZeroDivisionError("half done")), True),
        (lambda: (output(), output(OUTPUT_BYTES)), True),
    ],
)
async def test_a_record_that_leaves_its_state_in_doubt_ends_its_part(states, decide, stops):
    """What follows is decided on once all before is in Kafka, from what is there."""

    async def one(record):
        await states.before(record)
        is_the_one = (record.partition, record.offset) == (0, 6)
        return states.contain(record, decide if is_the_one else lambda: (output(),))

    batch = [record(5), record(5, 1), record(6), record(7), record(6, 1)]
    outcomes = await states.process(batch, one)
    assert len(outcomes) == (3 if stops else 5)
    for outcome in (*outcomes, *await states.process(batch[len(outcomes) :], one)):
        assert isinstance(outcome, tuple | RecordError)
    assert states.rebuilt == [(0, 5), (1, 5), *([(0, 7)] if stops else [])]


async def test_each_partition_that_has_been_read_again_is_progress(states, monkeypatch):
    noted = []
    monkeypatch.setattr(partitions, "note_progress", lambda: noted.append(True))
    for partition in (0, 1, 1):
        await states.before(record(5 if partition not in dict(states.rebuilt) else 6, partition))
    assert len(noted) == 2


async def test_after_a_rebalance_even_the_next_record_rebuilds(states):
    await states.before(record(5))
    states.reset()
    await states.before(record(6))
    assert states.rebuilt == [(0, 5), (0, 6)]


async def test_a_failed_rebuild_is_not_remembered():
    async def fail(at):
        raise ConnectionError("broker gone")

    states: PartitionStates[None] = PartitionStates(fail)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await states.before(record(5))


@pytest.mark.parametrize(
    ("places", "rebuilt"),
    [
        ([("t", 5), ("u", 9), ("t", 6), ("u", 10)], [5]),
        ([("t", 5), ("u", 9), ("u", 9), ("t", 6)], [5, 9]),  # redelivered
        ([("t", 5), ("u", 9), ("t", 8), ("u", 10), ("t", 9)], [5, 8]),  # a gap
    ],
)
async def test_two_topics_share_a_state_and_are_followed_each_by_itself(states, places, rebuilt):
    for topic, offset in places:
        await states.before(record(offset, topic=topic))
    assert states.rebuilt == [(0, offset) for offset in rebuilt]


async def test_a_state_that_was_left_is_not_used_after_a_failed_rebuild():
    fails: list[bool] = []

    async def rebuild(at):
        if fails:
            raise ConnectionError("broker gone")
        return at.offset

    states: PartitionStates[int] = PartitionStates(rebuild)
    assert await states.before(record(5)) == 5
    fails.append(True)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await states.before(record(9))
