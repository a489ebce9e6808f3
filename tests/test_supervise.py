"""Crashes are answered with pauses, then with the end of everything; nobody is left behind."""

import asyncio
import os
import sys
import time
from datetime import timedelta
from functools import partial

import pytest

from streams import supervise
from streams.child_logs import shorten_log
from streams.errors import WirewatchError
from streams.supervise import Child, GiveUp, Restart, Supervisor, after_crash
from streams.testing import NOW


@pytest.mark.parametrize(
    ("seconds_ago", "decision"),
    [
        ([0], Restart(0.5)),
        ([10, 0], Restart(1.0)),
        ([30, 20, 10, 0], Restart(4.0)),
        ([600, 500, 400, 300, 200, 0], Restart(0.5)),
        ([-3600, -3590, -3580, -3570, 0], Restart(0.5)),  # the clock was set back by an hour
    ],
)
def test_pauses_grow_with_recent_crashes(seconds_ago, decision):
    assert after_crash([NOW - timedelta(seconds=s) for s in seconds_ago], NOW) == decision


def test_five_crashes_in_two_minutes_are_too_many():
    crashes = [NOW - timedelta(seconds=s) for s in (110, 80, 50, 20, 0)]
    decision = after_crash(crashes, NOW)
    assert isinstance(decision, GiveUp)
    assert "5 times" in decision.reason


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Children run this program instead of `wirewatch`; their name is its argument."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, time, os\n"
        "print('I am', sys.argv[-1], os.getpid(), flush=True)\n"
        "if sys.argv[-1] == 'crash': sys.exit('out of luck')\n"
        "starts = open(__file__).read().count('# start')\n"
        "if sys.argv[-1] == 'brokerless' and starts < 8:\n"
        "    open(__file__, 'a').write('# start\\n')\n"
        "    print('no broker reached', flush=True)\n"
        "    sys.exit(69)\n"
        "while sys.argv[-1] == 'talker': print('word ' * 10, flush=True); time.sleep(0.001)\n"
        "time.sleep(600)\n"
    )
    fake = tmp_path / "python"
    fake.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} {program} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    return tmp_path


async def test_stop_ends_all_children(command):
    supervisor = Supervisor([Child("a", ("a",)), Child("b", ("b",))], command, {}, print)
    running = asyncio.create_task(supervisor.run())
    while not all(
        (command / f"{n}.log").exists() and (command / f"{n}.log").read_text() for n in "ab"
    ):
        await asyncio.sleep(0.05)
    pids = [int((command / f"{n}.log").read_text().split()[-1]) for n in "ab"]
    started = time.monotonic()
    await supervisor.stop()
    await running
    assert time.monotonic() - started < 5
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_child_that_is_just_being_started_ends_too(command, monkeypatch):
    supervisor = Supervisor([Child("a", ("a",))], command, {}, print)
    create = asyncio.create_subprocess_exec

    async def slowly(*args, **options):
        process = await create(*args, **options)
        await supervisor.stop()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    async with asyncio.timeout(20):
        await supervisor.run()
    assert supervisor.running() == {}


async def test_a_child_that_keeps_crashing_ends_everything_with_its_last_words(
    command, monkeypatch
):
    monkeypatch.setattr(supervise, "FIRST_PAUSE_SECONDS", 0.01)
    notes: list[str] = []
    children = [Child("crash", ("crash",)), Child("calm", ("calm",))]
    with pytest.raises(WirewatchError) as caught:
        await Supervisor(children, command, {}, notes.append).run()
    assert "crash ended with code 1" in str(caught.value)
    assert "out of luck" in str(caught.value)
    assert len(notes) == supervise.CRASHES_ALLOWED - 1
    calm = int((command / "calm.log").read_text().split()[-1])
    with pytest.raises(ProcessLookupError):
        os.kill(calm, 0)


async def test_a_log_that_grows_is_cut_while_its_child_goes_on_writing(command, monkeypatch):
    monkeypatch.setattr(supervise, "LOG_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(supervise, "shorten_log", partial(shorten_log, limit_bytes=1_000))
    supervisor = Supervisor([Child("talker", ("talker",))], command, {}, print)
    running = asyncio.create_task(supervisor.run())
    log_file, former = command / "talker.log", command / "talker.log.1"
    async with asyncio.timeout(20):
        while not former.exists() or not log_file.stat().st_size:
            assert not running.done()
            await asyncio.sleep(0.01)
    await supervisor.stop()
    await running
    assert former.read_bytes().startswith(b"I am talker")
    assert b"\0" not in log_file.read_bytes(), "it goes on at the new end, without a hole"
    assert log_file.stat().st_size < 100_000


async def test_who_has_no_broker_is_started_until_there_is_one_and_that_is_said_once(
    command, monkeypatch
):
    monkeypatch.setattr(supervise, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(supervise, "STEADY_SECONDS", 0.5)
    notes: list[str] = []
    supervisor = Supervisor([Child("brokerless", ("brokerless",))], command, {}, notes.append)
    running = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(20):
        while len(notes) < 2:
            assert not running.done(), "seven times within two minutes are not too many"
            await asyncio.sleep(0.05)
    await supervisor.stop()
    await running
    gone, back = notes
    assert gone.startswith("brokerless has no broker, and is started until there is one")
    assert "no broker reached" in gone
    assert back == "brokerless has a broker again"
