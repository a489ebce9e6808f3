"""Work that kills its process or hangs is contained, and only the guilty are blamed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.pool import KillablePool, OverranError, PoolBrokenError


def double(number: int) -> int:
    return number * 2


def die() -> None:
    os._exit(9)


def hang() -> None:
    time.sleep(600)


def raise_error() -> None:
    raise ValueError("mine")


def end_of_file() -> None:
    raise EOFError("mine")


def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def fill(size: int) -> int:
    return len(b"x" * size) and os.getpid()


def load_nothing() -> None:
    raise ValueError("cannot start")


@pytest.fixture
async def pool():
    pool = KillablePool(1, deadline_seconds=20)
    yield pool
    pool.stop()


async def test_results_and_errors_come_back(pool):
    assert await pool.run(double, 21) == 42
    with pytest.raises(ValueError, match="mine"):
        await pool.run(raise_error)
    with pytest.raises(EOFError, match="mine"):
        await pool.run(end_of_file)
    assert pool.restarts == 0


async def test_an_error_tells_where_it_was_raised(pool):
    with pytest.raises(ValueError, match="mine") as caught:
        await pool.run(raise_error)
    assert "in raise_error" in caught.value.__notes__[0]


async def test_what_does_not_pickle_is_the_callers_fault_and_breaks_nothing(pool):
    with pytest.raises((AttributeError, TypeError)):
        await pool.run(double, lambda: None)
    assert await pool.run(double, 2) == 4
    assert pool.restarts == 0


async def test_a_death_breaks_the_work_and_the_next_work_runs(pool):
    with pytest.raises(PoolBrokenError):
        await pool.run(die)
    assert await pool.run(double, 2) == 4
    assert pool.restarts == 1


async def test_a_process_that_dies_at_rest_is_replaced_unnoticed(pool):
    os.kill(await pool.run(os.getpid), signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert await pool.run(double, 2) == 4
    assert pool.restarts == 0


async def test_work_apart_takes_nobody_along(pool):
    with pool.apart() as apart:
        with pytest.raises(PoolBrokenError):
            await apart.run(die)
        assert await apart.run(double, 3) == 6
    assert pool.restarts == 0


async def test_only_the_guilty_are_blamed():
    """Neither what runs beside it nor what waits behind it notices."""
    pool = KillablePool(2, deadline_seconds=20)
    try:
        assert await pool.run(double, 1) == 2
        beside = asyncio.create_task(pool.run(sleep, 1.5))
        hanging = asyncio.create_task(pool.run(hang, deadline_seconds=1))
        await asyncio.sleep(0.1)
        waiting = [asyncio.create_task(pool.run(double, n)) for n in range(6)]
        with pytest.raises(OverranError, match="longer than 1 s"):
            await hanging
        assert await asyncio.gather(*waiting) == [0, 2, 4, 6, 8, 10]
        assert await beside
        assert pool.restarts == 1
    finally:
        pool.stop()


async def test_waiting_for_a_process_does_not_count():
    pool = KillablePool(1, deadline_seconds=1)
    try:
        assert len(set(await asyncio.gather(*(pool.run(sleep, 0.5) for _ in range(4))))) == 1
    finally:
        pool.stop()


async def test_a_cancelled_call_is_cancelled_and_its_process_ended(pool):
    task = asyncio.create_task(pool.run(hang))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    started = time.monotonic()
    assert await pool.run(double, 3) == 6  # the only process is free again
    assert time.monotonic() - started < 10


async def test_a_call_that_is_cancelled_while_it_waits_takes_no_process(pool):
    running = asyncio.create_task(pool.run(sleep, 1))
    await asyncio.sleep(0.1)
    waiting = asyncio.create_task(pool.run(double, 1))
    await asyncio.sleep(0.1)
    waiting.cancel()
    assert await running
    assert await pool.run(double, 2) == 4
    assert pool.restarts == 0


async def test_a_pool_that_is_stopped_says_so_to_all_who_wait():
    pool = KillablePool(1)
    calls = [asyncio.create_task(pool.run(sleep, 30)) for _ in range(3)]
    await asyncio.sleep(1)
    pool.stop()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [PoolBrokenError] * 3


async def test_a_pool_that_cannot_start_says_so():
    pool = KillablePool(1, load_nothing)
    try:
        with pytest.raises(PoolBrokenError):
            await pool.run(double, 1)
    finally:
        pool.stop()


async def test_processes_are_replaced_after_so_many_pieces_of_work_or_bytes():
    pool = KillablePool(1, max_tasks=3, max_bytes=150 * 1024**2)
    try:
        few = [await pool.run(sleep, 0) for _ in range(4)]
        large = [await pool.run(fill, 300 * 1024**2) for _ in range(2)]
        assert few[0] == few[1] == few[2] != few[3] == large[0] != large[1]
        assert pool.restarts == 0
    finally:
        pool.stop()


async def test_the_event_loop_goes_on_while_processes_start_work_and_are_killed():
    pool = KillablePool(2, deadline_seconds=1)
    gaps: list[float] = []

    async def tick():
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - began)

    ticking = asyncio.create_task(tick())
    try:
        body = bytes(8 * 1024**2)
        results = await asyncio.gather(
            pool.run(hang), pool.run(die), pool.run(len, body), return_exceptions=True
        )
    finally:
        ticking.cancel()
        pool.stop()
    assert [type(result) for result in results] == [OverranError, PoolBrokenError, int]
    assert max(gaps) < 0.5


async def test_what_hangs_is_ended_at_its_deadline():
    pool = KillablePool(1, deadline_seconds=3)
    try:
        started = time.monotonic()
        with pytest.raises(PoolBrokenError, match="longer than 3 s"):
            await pool.run(hang)
        assert time.monotonic() - started < 10
        assert await pool.run(double, 4) == 8
    finally:
        pool.stop()


PARENT = """
import asyncio, sys
from streams.pool import KillablePool
import os
async def main():
    pool = KillablePool(1)
    print(await pool.run(os.getpid), flush=True)
    await asyncio.sleep(600)
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_processes_do_not_outlive_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).parent.parent)
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            break
        time.sleep(0.1)
    assert not Path(f"/proc/{child}").exists()
