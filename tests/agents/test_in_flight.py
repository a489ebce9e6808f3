"""A batch that takes long is told from one that is stuck."""

import asyncio

import pytest

from streams.agents.in_flight import InFlight, note_progress


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def run(in_flight, clock, script):
    """Each step comes a second after the one before: take, work (on), note, done, each for one of two batches."""
    batches = {"A": [object(), object()], "B": [object(), object()]}

    async def work(name, steps):
        in_flight.work_on(batches[name])
        async for _ in steps:
            note_progress()

    async def play():
        queues: dict[str, asyncio.Queue[bool]] = {}
        tasks = []
        for step in script.split():
            clock.now += 1
            name, action = step.split(".")
            if action == "take":
                for event in batches[name]:
                    in_flight.take(event)
            elif action == "work":
                queues[name] = asyncio.Queue()
                tasks.append(asyncio.create_task(work(name, iterate(queues[name]))))
            elif action == "note":
                queues[name].put_nowait(True)
            elif action == "done":
                for event in batches[name]:
                    in_flight.done(event)
            for _ in range(3):
                await asyncio.sleep(0)
        clock.now += 100
        for task in tasks:
            task.cancel()

    async def iterate(queue):
        while True:
            yield await queue.get()

    asyncio.run(play())


@pytest.mark.parametrize(
    ("script", "age", "still"),
    [
        ("", 0, 0),
        ("A.take", 100, 100),
        ("A.take A.work A.note", 102, 100),
        ("A.take A.work A.note A.note B.take", 104, 101),
        # What others achieve is nothing to the one that stands: it is found all the same.
        ("A.take B.take A.work B.work B.note B.note", 105, 105),
        # Who waited for the one before has not stood still itself.
        ("A.take B.take A.work A.note A.done", 103, 100),
        ("A.take B.take A.done", 101, 100),
        ("A.take A.work A.note A.done", 0, 0),
        # What is noted too late counts for nothing.
        ("A.take A.work A.done A.note", 0, 0),
        ("A.take A.work A.done B.take A.note", 101, 101),
    ],
)
def test_age_and_stillness(clock, script, age, still):
    in_flight = InFlight(clock)
    run(in_flight, clock, script)
    assert (in_flight.oldest_age_seconds(), in_flight.still_seconds()) == (age, still)


def test_outside_of_a_batch_progress_is_nobodys():
    note_progress()
