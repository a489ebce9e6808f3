"""A process that stands still ends itself with 70 and says where it stood."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = str(Path(__file__).parent.parent.parent)

STUCK_LOOP = """
import asyncio, time
from streams.agents.watchdog import Watchdog
async def main():
    Watchdog(lambda: 0.0, limit_seconds=2.5).start(asyncio.get_running_loop())
    time.sleep(60)
asyncio.run(main())
"""

STUCK_RECORD = """
import asyncio
from streams.agents.watchdog import Watchdog
async def main():
    Watchdog(lambda: 3.0, limit_seconds=2.5).start(asyncio.get_running_loop())
    await asyncio.sleep(60)
asyncio.run(main())
"""

SLOW_END = """
import time
from streams.agents.watchdog import limit_shutdown
limit_shutdown(0.5)
time.sleep(60)
"""

FINE = """
import asyncio
from streams.agents.watchdog import Watchdog
async def main():
    Watchdog(lambda: 0.5, limit_seconds=2.5).start(asyncio.get_running_loop())
    await asyncio.sleep(4)
asyncio.run(main())
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_blocked_loop():
    ended = run(STUCK_LOOP)
    assert ended.returncode == 70
    assert "event loop has not turned" in ended.stderr
    assert "time.sleep" in ended.stderr or "line" in ended.stderr


def test_a_record_in_flight_for_too_long():
    ended = run(STUCK_RECORD)
    assert ended.returncode == 70
    assert "in flight" in ended.stderr


def test_a_shutdown_that_takes_too_long():
    assert run(SLOW_END).returncode == 75


def test_a_process_that_works_is_left_alone():
    assert run(FINE).returncode == 0
