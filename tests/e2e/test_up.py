"""`wirewatch up` as a user runs it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from streams.config import default_config_folder
from streams.records import Alert
from streams.wire import decode

pytestmark = [pytest.mark.e2e, pytest.mark.embedded, pytest.mark.timeout(150)]

WIREWATCH = [sys.executable, "-m", "streams"]


def start(tmp_path, *arguments, **environment):
    return subprocess.Popen(
        [*WIREWATCH, "up", "--data", str(tmp_path / "data"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def pids_under(folder):
    """Processes that mention the folder in their command line or environment."""
    found = []
    for proc in Path("/proc").iterdir():
        if proc.name.isdigit() and int(proc.name) != os.getpid():
            try:
                words = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in words:
                found.append(int(proc.name))
    return found


def until_gone(folder, seconds):
    end = time.monotonic() + seconds
    while pids_under(folder) and time.monotonic() < end:
        time.sleep(0.1)
    return pids_under(folder)


def first_alert(process):
    assert process.stdout is not None
    return decode(Alert, process.stdout.readline())


def desk_url(process):
    assert process.stderr is not None
    for line in process.stderr:
        if b"desk" in line:
            return line.split()[-1].decode()
    raise AssertionError("no desk")


def test_the_demo_shows_explained_alerts_within_a_minute_and_ends_tidily(tmp_path):
    began = time.monotonic()
    process = start(tmp_path, "--demo", "--json")
    try:
        alert = first_alert(process)
        assert time.monotonic() - began < 60
        source = alert.sources[-1]
        assert source.figure, "an alert says where the figure stands"
        for place in source.figure:
            start_ = place.start - place.sentence_start
            assert place.sentence[start_ : start_ + len(place.surface)] == place.surface
        assert alert.policy_topics
        assert alert.versions["watchlist"]
        with urlopen(desk_url(process), timeout=10) as page:
            assert alert.headline.split()[0] in page.read().decode()
        process.send_signal(signal.SIGTERM)  # while nobody reads its stdout
        stopped = time.monotonic()
        assert process.wait(12) == 0
        assert time.monotonic() - stopped < 10
        assert until_gone(tmp_path, 2) == []
    finally:
        process.kill()
        process.communicate()


def test_a_crashed_process_is_started_again_and_ctrl_c_ends_all(tmp_path):
    process = start(tmp_path, "--demo", "--json")
    try:
        first_alert(process)
        victim = next(
            pid
            for pid in pids_under(tmp_path)
            if b"stories" in Path(f"/proc/{pid}/cmdline").read_bytes()
        )
        os.kill(victim, signal.SIGKILL)
        assert process.stderr is not None
        for line in process.stderr:
            if b"stories ended with code -9, starts again" in line:
                break
        told = {first_alert(process).alert_id for _ in range(5)}
        assert told
        process.send_signal(signal.SIGINT)
        assert process.wait(12) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_broker_that_dies_ends_everything_with_a_reason(tmp_path):
    process = start(tmp_path, "--demo", "--json")
    first_alert(process)
    for pid in pids_under(tmp_path):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        if words.split(b"\0")[0].endswith(b"noida-db"):
            os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=40)
    assert process.returncode == 69
    assert errors.splitlines()[-1].startswith(b"error: the embedded broker died")
    assert b"Traceback" not in errors
    assert b"Unable to update metadata" not in errors
    assert until_gone(tmp_path, 5) == []


def test_nothing_outlives_a_killed_up(tmp_path):
    process = start(tmp_path, "--demo", "--json")
    first_alert(process)
    process.kill()
    process.communicate()
    assert until_gone(tmp_path, 15) == []


def test_what_keeps_crashing_ends_everything_with_a_reason(tmp_path):
    """The lexicon vanishes after the start, so that enrich cannot load it."""
    config = tmp_path / "config"
    shutil.copytree(default_config_folder(), config)
    process = start(tmp_path, "--demo", "--config", str(config))
    assert process.stderr is not None
    for line in process.stderr:
        if b"desk" in line:
            shutil.rmtree(config / "policy")
            break
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 1
    assert b"error: enrich ended with code" in errors
    assert b"policy" in errors
    assert b"Traceback" not in errors.split(b"error: ")[-1].split(b"\n")[0]
    assert until_gone(tmp_path, 5) == []
