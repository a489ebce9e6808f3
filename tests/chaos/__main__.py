"""`python -m tests.chaos`: breaks the stream for some minutes while it counts every item.

python -m tests.chaos                                    20,000 items, 10 minutes
python -m tests.chaos --seconds 80 --items 2000 --poison 0.01
python -m tests.chaos --brokers 3 --items 5000 --seconds 200
python -m tests.chaos --without commit-guard             must fail: shows that a loss would be seen
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec
import structlog
from rich.console import Console

from tests.brokers import kafka_missing
from tests.chaos.disturb import plan
from tests.chaos.flow import STAGES, Report, Wanted, run
from tests.chaos.guards import GUARDS, without

REDELIVERED_GOAL = 0.02
"""Share of records that a crash may repeat; more is told, and is no failure."""


def main() -> int:
    """Run once, and say what came of it; 1 if a promise was broken, 2 if there is no Kafka."""
    asked = _arguments()
    if reason := kafka_missing():
        sys.stderr.write(f"{reason}\n")
        return 2
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.ERROR)  # clients tell at length that the broker is away
    console = Console(highlight=False, soft_wrap=True, stderr=asked.json)
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-chaos-"))
    report = asyncio.run(run(_wanted(asked), folder, console.print))
    if asked.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    console.print("\n".join(summary(report)))
    if report.passed:
        shutil.rmtree(folder)
    else:
        console.print(f"logs and the broker's data: {folder}")
    return 0 if report.passed else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="of disturbances (600)")
    parser.add_argument("--items", type=int, default=20_000, help="how many (20000)")
    parser.add_argument("--seed", type=int, default=1, help="of items and disturbances (1)")
    parser.add_argument("--poison", type=float, default=0.0, help="share of bad records (0)")
    parser.add_argument("--brokers", type=int, default=1, help="3: one is killed at a time (1)")
    parser.add_argument("--entities", action="store_true", help="find named entities, too: slower")
    parser.add_argument("--without", choices=GUARDS, help="switch a guard off; must fail")
    parser.add_argument("--json", action="store_true", help="the report for programs, on stdout")
    return parser.parse_args()


def _wanted(asked: argparse.Namespace) -> Wanted:
    if asked.without:
        return without(asked.without, seed=asked.seed)
    return Wanted(
        items=asked.items,
        poison=asked.poison,
        seed=asked.seed,
        entities=asked.entities,
        feed_seconds=asked.seconds * 0.9,
        brokers=asked.brokers,
        disturbances=tuple(plan(asked.seed, asked.seconds, STAGES, brokers=asked.brokers)),
    )


def summary(report: Report) -> list[str]:
    """Lines for a person."""
    verdict, wanted = report.verdict, report.wanted
    off = f", without {', '.join(wanted.without)}" if wanted.without else ""
    cluster = f", {wanted.brokers} brokers" if wanted.brokers > 1 else ""
    lines = [
        f"seed {wanted.seed}, {wanted.items:,} items, {len(report.done)} disturbances{cluster}, "
        f"{report.seconds:g} s{off}"
    ]
    for topic, count in verdict.records.items():
        again = verdict.redelivered.get(topic)
        share = ""
        if again:
            part = again / max(count, 1)
            told = "" if part < REDELIVERED_GOAL else f", the goal is below {REDELIVERED_GOAL:.0%}"
            share = f", {again:,} of them repeated ({part:.1%}{told})"
        lines.append(f"  {topic:18} {count:7,} records{share}")
    for name, codes in sorted(report.ends.items()):
        told = ", ".join(f"{code} {times}x" for code, times in sorted(codes.items()))
        lines.append(f"  {name:18} ended with {told}")
    if not report.drained:
        lines.append("FAILED: not all input was processed in time")
    lines += [f"FAILED: {fault}" for fault in verdict.faults]
    if report.passed:
        lines.append("nothing missing, nothing changed, order kept")
    return lines


if __name__ == "__main__":
    sys.exit(main())
