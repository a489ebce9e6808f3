"""Work that kills its process or hangs is contained, and only the guilty are blamed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.pool import KillablePool, PoolBrokenError


def double(number: int) -> int:
    return number * 2


def die() -> None:
    os._exit(9)


def hang() -> None:
    time.sleep(600)


def raise_error() -> None:
    raise ValueError("mine")


@pytest.fixture
async def pool():
    pool = KillablePool(1, deadline_seconds=20)
    yield pool
    pool.stop()


async def test_results_and_errors_come_back(pool):
    assert await pool.run(double, 21) == 42
    with pytest.raises(ValueError, match="mine"):
        await pool.run(raise_error)
    assert pool.restarts == 0


async def test_a_death_breaks_the_work_and_the_next_work_runs(pool):
    with pytest.raises(PoolBrokenError):
        await pool.run(die)
    assert await pool.run(double, 2) == 4
    assert pool.restarts == 1


async def test_work_apart_takes_nobody_along(pool):
    with pool.apart() as apart:
        with pytest.raises(PoolBrokenError):
            await apart.run(die)
        assert await apart.run(double, 3) == 6
    assert pool.restarts == 0


async def test_work_that_waits_behind_a_hang_is_told_so():
    """It must not look like a cancellation: that would end its task without a trace."""
    pool = KillablePool(1, deadline_seconds=3)
    try:
        hanging = asyncio.create_task(pool.run(hang))
        await asyncio.sleep(0.5)
        waiting = [asyncio.create_task(pool.run(double, n)) for n in range(6)]
        results = await asyncio.gather(hanging, *waiting, return_exceptions=True)
        assert all(isinstance(result, PoolBrokenError | int) for result in results), results
        assert isinstance(results[0], PoolBrokenError)
        assert await pool.run(double, 4) == 8
    finally:
        pool.stop()


async def test_a_cancelled_call_is_cancelled(pool):
    task = asyncio.create_task(pool.run(hang))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


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
