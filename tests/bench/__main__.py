"""Runs benchmarks: `python -m tests.bench [name ...] [--json]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from streams.log import setup_logging
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
from tests.bench.result import Result, Skipped, show

BENCHMARKS: dict[str, Callable[[], Result]] = {
    "parse": parse.run,
    "decide": decide.run,
    "hostile": hostile.run,
    "month": month.run,
    "figures": figures.run,
    "detect": detect.run,
    "enrich": enrich.run,
    "entities": entities.run,
    "alerts": alerts.run,
    "wire": wire.run,
    "idle": idle.run,
    "rules": rules.run,
    "stories": stories.run,
    "stream": stream.run,
    "polls": polls.run,
    "burst": burst.run,
    "silence": silence.run,
    "backtest": backtest.run,
    "backtest-kafka": backtest_kafka.run,
}

PLAIN_WIDTH = 150
"""Columns of a table that goes to a file."""


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Which: {', '.join(BENCHMARKS)}. Default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per benchmark.")] = False,
) -> None:
    """Measure what the rooms cost, beside the bare libraries below them. Takes some minutes."""
    setup_logging("WARNING", "text")
    wanted = names or list(BENCHMARKS)
    if unknown := [name for name in wanted if name not in BENCHMARKS]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(BENCHMARKS)}")
    notes, output = Console(stderr=True), Console()
    if not output.is_terminal:
        output = Console(width=PLAIN_WIDTH)
    for name in wanted:
        notes.print(f"measuring {name} ...", style="dim")
        try:
            result = BENCHMARKS[name]()
        except Skipped as reason:
            result = Result(name=name, notes=(f"skipped: {reason}",))
        if as_json:
            output.out(msgspec.json.encode(result).decode(), highlight=False)
        else:
            show(result, output)


if __name__ == "__main__":
    typer.run(main)
