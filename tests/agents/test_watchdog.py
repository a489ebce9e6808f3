"""A process that stands still ends itself with 70 and says where it stood."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE

from streams.agents.watchdog import Awake

ROOT = str(Path(__file__).parent.parent.parent)

STUCK_LOOP = """
import asyncio, time
from streams.agents.watchdog import Awake, Watchdog
async def main():
    Watchdog(lambda: 0.0, Awake(27), limit_seconds=2.5).start(asyncio.get_running_loop())
    time.sleep(60)
asyncio.run(main())
"""

STUCK_RECORD = """
import asyncio
from streams.agents.watchdog import Awake, Watchdog
async def main():
    Watchdog(lambda: 3.0, Awake(27), limit_seconds=2.5).start(asyncio.get_running_loop())
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
from streams.agents.watchdog import Awake, Watchdog
async def main():
    Watchdog(lambda: 0.5, Awake(27), limit_seconds=2.5).start(asyncio.get_running_loop())
    await asyncio.sleep(4)
asyncio.run(main())
"""


STOPPED = """
import asyncio
from streams.agents.watchdog import Awake, Watchdog
async def main():
    Watchdog(lambda: 0.0, Awake(2.5)).start(asyncio.get_running_loop())
    await asyncio.sleep(1.5)
    print("looked", flush=True)
    await asyncio.sleep(60)
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


def test_a_process_that_was_stopped_for_longer_than_its_group_waits():
    command = [sys.executable, "-c", STOPPED]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": ROOT}, stdout=PIPE, stderr=PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "looked\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(3.5)
        process.send_signal(signal.SIGCONT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 70
    assert "stood still" in stderr


def test_who_slept_too_long_stays_lost():
    now = [100.0]
    awake = Awake(27, clock=lambda: now[0])
    now[0] += 500
    assert awake.lost() == "", "nobody has looked yet: it is starting"
    awake.look()
    for pause in (1, 20, 27):
        now[0] += pause
        assert awake.lost() == ""
        awake.look()
    now[0] += 28
    assert "stood still for 28 s" in awake.lost(), "whoever asks first is told"
    awake.look()
    assert "stood still for 28 s" in awake.lost(), "what others have taken over stays theirs"
