"""How much memory processes hold over time, and whether it grows. Linux: it reads /proc."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression, median

import msgspec

__all__ = ["GROWTH_GOAL", "Growth", "growth", "resident"]

GROWTH_GOAL = 0.01
"""Share of its memory by which a process may grow in an hour after the warm-up."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """How the memory of a process has changed."""

    megabytes: float
    """At the end of the warm-up."""
    end_megabytes: float
    per_hour: float
    """Slope of the line through all samples, as a share of their mean."""
    minutes: float

    @property
    def is_flat(self) -> bool:
        """Whether it keeps to the goal."""
        return self.per_hour < GROWTH_GOAL


def resident(name: str, pid: int) -> dict[str, int]:
    """Bytes of resident memory of a process and all below it.

    Args:
        name: of the process; those below it get `name/1`, `name/2` in the order of their start.
        pid: its number.

    Returns:
        Name to bytes; empty if it has ended.
    """
    found: dict[str, int] = {}
    for number, each in enumerate(_family(pid)):
        try:
            pages = int(Path(f"/proc/{each}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
        if pages:  # what has ended and was not waited for has none
            found[f"{name}/{number}" if number else name] = pages * _PAGE
    return found


def _family(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):  # each thread has its own
        with contextlib.suppress(OSError):
            children += map(int, task.read_text().split())
    return [pid, *(each for child in sorted(children) for each in _family(child))]


def growth(samples: Sequence[tuple[float, int]]) -> Growth:
    """Say how memory has changed.

    Args:
        samples: seconds and bytes, after the warm-up, in the order of time; three at least.
    """
    seconds, held = [at for at, _ in samples], [bytes_ for _, bytes_ in samples]
    third = max(len(samples) // 3, 1)
    slope = linear_regression(seconds, held).slope
    return Growth(
        megabytes=round(median(held[:third]) / 1e6, 1),
        end_megabytes=round(median(held[-third:]) / 1e6, 1),
        per_hour=slope * 3600 / (sum(held) / len(held)),
        minutes=round((seconds[-1] - seconds[0]) / 60, 1),
    )
