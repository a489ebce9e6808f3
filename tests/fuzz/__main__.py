"""`python -m tests.fuzz`: looks for bytes that raise, for as long as asked.

python -m tests.fuzz                       every way in, half an hour each
python -m tests.fuzz feeds --minutes 5     one of them
"""

from __future__ import annotations

import argparse
import logging
import time

import structlog
from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console

from tests.fuzz.targets import TARGETS, Target

ROUND = 500
"""Inputs between two looks at the clock."""


def main() -> None:
    """Fuzz what was asked for; raises the first thing that is raised, with the smallest input that does it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "ways", nargs="*", metavar="WAY", help=f"of {', '.join(TARGETS)}; default all"
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="for each way (default 30)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (default 1)")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if unknown := [way for way in asked.ways if way not in TARGETS]:
        parser.error(f"{unknown[0]} is none of {', '.join(TARGETS)}")
    for way in asked.ways or TARGETS:
        _fuzz(way, asked.minutes, asked.seed)


def _fuzz(way: str, minutes: float, first_seed: int) -> None:
    shown, begun, rounds = Console(highlight=False), time.monotonic(), 0
    while time.monotonic() - begun < minutes * 60:
        _round(TARGETS[way], first_seed + rounds)
        rounds += 1
        shown.print(f"{way}: {rounds * ROUND:,} inputs", end="\r")
    shown.print(f"{way}: {rounds * ROUND:,} inputs in {minutes:g} min, nothing raised")


def _round(target: Target, number: int) -> None:
    @seed(number)
    @given(target.inputs)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    def take(values: list[bytes]) -> None:
        target.take(values)

    take()


if __name__ == "__main__":
    main()
