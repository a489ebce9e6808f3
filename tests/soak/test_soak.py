"""The soak run finds what grows, and the short form of `make soak` runs."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.brokers import kafka_missing
from tests.soak.__main__ import summary
from tests.soak.clock import DAY_SECONDS, Clock
from tests.soak.flow import run
from tests.soak.memory import growth, resident
from tests.soak.report import Report, Wanted

MEGABYTE = 10**6
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from Linux's /proc")


@pytest.mark.parametrize(
    ("per_hour", "flat"),
    [(0.0, True), (0.009, True), (0.02, False), (-0.05, True), (0.5, False)],
)
def test_growth_is_the_slope_of_memory_in_an_hour(per_hour: float, flat: bool) -> None:
    samples = [
        (at, round(100 * MEGABYTE * (1 + per_hour * at / 3600)) + (at // 60 % 3) * MEGABYTE // 10)
        for at in range(1200, 3600, 10)
    ]
    found = growth([(float(at), held) for at, held in samples])
    assert found.is_flat == flat
    of_mean = per_hour / (
        1 + per_hour * 2 / 3
    )  # the line passes its mean after two thirds of an hour
    assert found.per_hour == pytest.approx(of_mean, abs=0.002)
    assert found.minutes == pytest.approx(40, abs=0.3)


@linux
def test_memory_of_children_is_told_too_whoever_started_them() -> None:
    code = (
        "import subprocess, sys, threading\n"
        "def start():\n"
        "    subprocess.Popen([sys.executable, '-c', 'input()'], stdin=sys.stdin).wait()\n"
        "threading.Thread(target=start).start()\n"
        "print('there', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline()
        while len(held := resident("it", process.pid)) < 2:
            pass
        assert held.keys() == {"it", "it/1"}
        assert all(0 < each < 100 * MEGABYTE for each in held.values())
        process.kill()
    assert not resident("it", process.pid)
    assert resident("me", os.getpid())["me"] > MEGABYTE


def test_ten_seconds_are_a_day() -> None:
    clock = Clock(1_800_000_000.0)
    assert clock.at(1_800_000_000.0 + DAY_SECONDS) - clock.at(1_800_000_000.0) == timedelta(days=1)


@linux
@pytest.mark.e2e
@pytest.mark.kafka
@pytest.mark.timeout(240)
async def test_a_short_run_loses_nothing_and_tells_of_every_process(tmp_path: Path) -> None:
    """Too short to say whether memory is flat: everything is still warming up."""
    if reason := kafka_missing():
        pytest.skip(reason)
    wanted = Wanted(minutes=0.4, warm_up=0.1, unheard=200, rate=15, partitions=2)
    report: Report = await run(wanted, tmp_path, lambda _: None)
    told = "\n".join(summary(report))
    assert not report.lost, told
    assert not report.restarted, told
    assert report.published > 0.8 * 15 * 24  # the rest revised what was there
    assert report.alerts
    assert report.notified
    started = {name.partition("/")[0] for name in report.processes}
    assert started == {"poll", "enrich", "stories", "alerts", "desk", "notify", "archive"}
    assert any(name.startswith("enrich/") for name in report.processes), "its pool"
