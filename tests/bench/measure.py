"""Clocks and counters: variants side by side, quantiles, CPU and memory of processes."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

NAN = float("nan")


class Timing(Struct, frozen=True):
    """Medians over the rounds, in seconds per unit."""

    cpu: float
    """Of all threads of this process; what other processes do hardly changes it."""
    wall: float


def compare(
    variants: Mapping[str, Callable[[], object]], *, units: int, rounds: int
) -> dict[str, Timing]:
    """Time variants in turn, A B A B, so that a busy minute of the machine strikes all of them.

    Args:
        variants: each does `units` units of work per call, and is called once before it counts.
        units: what times are divided by.
        rounds: calls of each variant that count.
    """
    for work in variants.values():
        work()
    timings: dict[str, list[Timing]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, work in variants.items():
            cpu, wall = time.process_time(), time.perf_counter()
            work()
            timings[name].append(Timing(time.process_time() - cpu, time.perf_counter() - wall))
    return {
        name: Timing(
            statistics.median(timing.cpu for timing in found) / units,
            statistics.median(timing.wall for timing in found) / units,
        )
        for name, found in timings.items()
    }


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; not-a-number of none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else NAN


def resident_megabytes() -> float:
    """Memory of this process that is in RAM; not-a-number where there is no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return NAN
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(leader: int) -> float:
    """CPU time so far of a process and of the session that it leads, if it does.

    Counts live processes and the dead ones that they have waited for. Not-a-number where there is
    no /proc.
    """
    ticks, found = 0, False
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            content = stat.read_text()
        except OSError:  # it has just ended
            continue
        # Behind the name, which may hold anything: state, parent, group, session, …; times from 11.
        fields = content.rpartition(")")[2].split()
        if leader in (int(stat.parent.name), int(fields[3])):
            ticks += sum(int(field) for field in fields[11:15])
            found = True
    return ticks / os.sysconf("SC_CLK_TCK") if found else NAN
