"""The stream keeps its promises while it is broken on purpose, and the suite notices where it does not.

The short form of `make chaos`, on an Apache Kafka of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.broker.topics import ENRICHED
from tests.brokers import kafka_missing
from tests.chaos.__main__ import summary
from tests.chaos.disturb import BROKER, Disturbance, plan
from tests.chaos.flow import STAGES, Report, Wanted, run
from tests.chaos.guards import without

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(420)]


async def _report(wanted: Wanted, folder: Path) -> Report:
    if reason := kafka_missing():
        pytest.skip(reason)
    return await run(wanted, folder, lambda _: None)


async def test_nothing_is_lost_doubled_or_swapped_whatever_happens(tmp_path: Path) -> None:
    wanted = Wanted(
        items=1_200,
        poison=0.02,
        seed=5,
        feed_seconds=35.0,
        disturbances=tuple(plan(5, 45.0, STAGES, freeze_seconds=10.0)),
        partitions=4,
    )
    report = await _report(wanted, tmp_path)
    assert report.passed, "\n".join(summary(report))
    assert len(report.done) == len(wanted.disturbances)


async def test_nothing_is_lost_while_each_of_three_brokers_is_killed_in_turn(
    tmp_path: Path,
) -> None:
    wanted = Wanted(
        items=600,
        seed=7,
        feed_seconds=60.0,
        disturbances=tuple(
            Disturbance(at=15.0 * turn + 3, kind="crash", whom=f"{BROKER}-{turn + 1}", seconds=5.0)
            for turn in range(3)
        ),
        partitions=4,
        brokers=3,
    )
    report = await _report(wanted, tmp_path)
    assert report.passed, "\n".join(summary(report))
    assert len(report.done) == 3


async def test_without_the_commit_guard_the_run_fails_and_says_what_is_lost(tmp_path: Path) -> None:
    """One of three; `make chaos CHAOS="--without …"` takes the others away."""
    report = await _report(without("commit-guard"), tmp_path)
    found = {(fault.kind, fault.topic) for fault in report.verdict.faults}
    # What came too early stays where it is; what it overtook is lost.
    assert ("missing", ENRICHED) in found
    assert found <= {("missing", ENRICHED), ("order", ENRICHED)}
    assert not report.passed
