"""Every benchmark runs, with sizes that measure nothing, so that none of them rots."""

import math

import pytest
from rich.console import Console

from streams.feeds.fetch import Limits
from tests.bench import (
    alerts,
    backtest,
    backtest_kafka,
    burst,
    decide,
    detect,
    enrich,
    entities,
    figures,
    hostile,
    idle,
    month,
    parse,
    polls,
    rules,
    silence,
    stories,
    stream,
    wire,
)
from tests.bench.__main__ import BENCHMARKS
from tests.bench.result import Skipped, show

TINY = {
    "parse": lambda: parse.run(entries=2, rounds=1),
    "decide": lambda: decide.run(entries=2, left=2, rounds=1, repeats=1),
    "hostile": lambda: hostile.run(limits=Limits(total_seconds=0.3), deadline_seconds=1.0),
    "month": lambda: month.run(feeds=12, days=2),
    "polls": lambda: polls.run(unchanged=4, full=2, registered=8, seconds=1.0),
    "detect": lambda: detect.run(names=40, texts=4, rounds=1),
    "figures": lambda: figures.run(
        sizes=(10, 100), supported_sizes=(10,), rival_size=10, texts=4, rounds=1
    ),
    "enrich": lambda: enrich.run(items=2, rounds=1, threads=("1",)),
    "entities": lambda: entities.run(texts=4, rounds=1),
    "alerts": lambda: alerts.run(mentions=60, figures=5, rules=20),
    "wire": lambda: wire.run(repeats=2, rounds=1, sources=2),
    "backtest": lambda: backtest.run(items=200, days=0.1),
    "backtest-kafka": lambda: backtest_kafka.run(items=200, days=1),
    "burst": lambda: burst.run(series=8, days=10),
    "silence": lambda: silence.run(feeds=1, days=42),
    "idle": lambda: idle.run(seconds=0.1, rounds=1),
    "stories": lambda: stories.run(window=200, measured=20),
    "rules": lambda: rules.run(figures=20, sizes=(40,), mentions=4, rounds=1),
    "stream": lambda: stream.run(per_second=10, seconds=0.4, burst=10, warm_up=2),
}
PROCESSES = ("idle", "polls", "stream", "backtest-kafka")
BROKER = [pytest.mark.embedded, pytest.mark.e2e]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=BROKER if name in PROCESSES else ()) for name in BENCHMARKS],
)
def test_it_runs_and_reports(name):
    try:
        result = TINY[name]()
    except Skipped as reason:
        pytest.skip(str(reason))
    assert result.name == name
    assert len({tuple(row) for row in result.rows}) == 1, "all rows have the same columns"
    assert all(
        math.isnan(v) or v >= 0 for r in result.rows for v in r.values() if not isinstance(v, str)
    )
    console = Console(width=200)
    with console.capture() as shown:
        show(result, console)
    assert name in shown.get()
