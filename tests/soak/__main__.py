"""`python -m tests.soak`: runs the stream at half of what it can do, and watches its memory for an hour.

python -m tests.soak                        100 minutes, the first 40 do not count
python -m tests.soak --minutes 20 --warm-up 10
python -m tests.soak --rate 20              items a second, instead of half of what is measured

The clock of the processes runs 8,640 times as fast: ten seconds are a day. So windows of hours, days and months
are full and turn over many times; what grows then, leaks.
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
from tests.soak.flow import run
from tests.soak.report import Report, Wanted


def main() -> int:
    """Run once, and say what came of it; 1 if memory or lag grows or items are lost, 2 without Kafka or Linux."""
    asked = _arguments()
    reason = kafka_missing() if sys.platform == "linux" else "memory is read from Linux's /proc"
    if reason:
        sys.stderr.write(f"{reason}\n")
        return 2
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console(highlight=False, soft_wrap=True, stderr=asked.json)
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-soak-"))
    wanted = Wanted(minutes=asked.minutes, warm_up=asked.warm_up, rate=asked.rate)
    report = asyncio.run(run(wanted, folder, console.print))
    if asked.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    console.print("\n".join(summary(report)))
    if not report.faults:
        shutil.rmtree(folder)
    else:
        console.print(f"logs and the broker's data: {folder}")
    return 1 if report.faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=100.0, help="in all (100)")
    parser.add_argument(
        "--warm-up", type=float, default=40.0, help="minutes that do not count (40)"
    )
    parser.add_argument("--rate", type=float, default=0.0, help="items a second (half of the most)")
    parser.add_argument("--json", action="store_true", help="the report for programs, on stdout")
    return parser.parse_args()


def summary(report: Report) -> list[str]:
    """Lines for a person."""
    can = f" of {report.can:g} that were possible" if report.can else ""
    lines = [
        f"{report.wanted.minutes:g} minutes with {report.rate:g} items a second{can}: "
        f"{report.published:,} items, {report.alerts:,} revisions of alerts, "
        f"{report.notified:,} notifications; lag {report.lag_before:g} s, in the end {report.lag_after:g} s"
    ]
    for name, each in report.processes.items():
        lines.append(
            f"  {name:12} {each.megabytes:7.1f} MB, in the end {each.end_megabytes:7.1f} MB: "
            f"{each.per_hour:+.2%} an hour"
        )
    lines += [f"FAILED: {fault}" for fault in report.faults]
    if not report.faults:
        lines.append("memory flat, no lag that grows, nothing lost")
    return lines


if __name__ == "__main__":
    sys.exit(main())
