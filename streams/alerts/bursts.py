"""How surprising it is that a figure is in so many stories, and when that begins and ends.

A figure's share of all news is its baseline: when everything doubles, on a Monday morning or after an outage,
nothing is surprising about the figure. Stories scatter more than dice do, so the surprise is that of a
negative binomial whose dispersion is learned for each figure; a Poisson needs another threshold for every
figure (`python -m tests.bench burst` shows by how much). The constants are those of guides/alerting.md §2 where
nothing else is said. Half-lives of 1.5 to 14 days, wider bounds of the dispersion, another floor and longer windows
were tried on the bench, and found no more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

__all__ = [
    "END_SCORE",
    "LEVELS",
    "MIN_PUBLISHERS",
    "MIN_STORIES",
    "Baseline",
    "Episode",
    "level_of",
    "surprise",
]

LEVELS = (3.0, 5.0, 8.0)
"""Scores from which on a burst is of level 1, 2 and 3."""
END_SCORE = 1.5
"""A burst ends when its score has been below for the length of the window."""
MIN_STORIES = 3
MIN_PUBLISHERS = 2
FLOOR = 0.05
"""Stories per window that are expected of anybody: one story about the never mentioned is no burst."""
CAP = 3.0
"""A burst counts in the baseline with so many times what was expected: it must not make itself usual."""
HALF_LIFE_HOURS = 7 * 24
DECAY = 0.5 ** (1 / HALF_LIFE_HOURS)
"""Per hour."""
COLD_HOURS = 7 * 24

PRIOR_SHARE: Mapping[str, float] = {"person": 0.002, "organisation": 0.003}
"""Share of all news that a watched figure has before anything is known. Rather high, so that a new figure has
to be in more stories before it is called a burst."""
PRIOR_STORIES = 2.0
"""How many stories of its own outweigh that."""
DISPERSION = 3.0
"""r of a figure whose scatter is unknown; smaller is wilder."""
DISPERSION_RANGE = (1.5, 10.0)
DISPERSION_PRIOR = 10.0
"""How strongly scatter is supposed to be usual: as ten hours with one story expected would say."""
MOST_SCORE = 300.0
"""What is less likely than floating point can say."""


def surprise(count: int, expected: float, dispersion: float) -> float:
    """Say how unlikely it is that so many stories come.

    Args:
        count: of stories in the window.
        expected: their mean, above 0.
        dispersion: r of the negative binomial: the variance is `expected + expected² / r`.

    Returns:
        Minus log10 of the probability of `count` or more; 0 if there is none, 300 at most. Never falls
        when the count rises.
    """
    if count <= 0:
        return 0.0
    q = expected / (dispersion + expected)
    zero = dispersion * math.log1p(-q)
    if count <= expected:  # most of the probability lies above: sum what lies below
        term, below = math.exp(zero), 0.0
        for n in range(count):
            below += term
            term *= (n + dispersion) / (n + 1) * q
        return -math.log10(max(1.0 - below, 1e-300))
    log_first = (
        math.lgamma(count + dispersion) - math.lgamma(dispersion) - math.lgamma(count + 1)
        + zero + count * math.log(q)
    )  # fmt: skip
    above = term = 1.0
    n = count
    while term > 1e-9 * above:
        term *= (n + dispersion) / (n + 1) * q
        above += term
        n += 1
    return min(max(-(log_first + math.log(above)) / math.log(10), 0.0), MOST_SCORE)


def level_of(score: float) -> int:
    """Level of a score: 0 for none, or 1 to 3."""
    return sum(score >= least for least in LEVELS)


class Baseline(Struct):
    """What is usual for a figure, from the hours so far; the older an hour, the less it weighs."""

    stories: float = 0.0
    """Of the figure."""
    total: float = 0.0
    """Of all news in the same hours."""
    hours: float = 0.0
    """Weight of the hours."""
    excess: float = 0.0
    """By how much the squared deviations were above those of a Poisson."""
    squares: float = 0.0
    """Of what was expected."""

    def share(self, kind: Literal["person", "organisation"]) -> float:
        """The figure's share of all news, never 0."""
        prior = PRIOR_STORIES / PRIOR_SHARE[kind]
        return (self.stories + PRIOR_STORIES) / (self.total + prior)

    def expected(self, kind: Literal["person", "organisation"], total: float) -> float:
        """Stories of the figure among so many of all news, never 0."""
        return self.share(kind) * total + FLOOR

    def dispersion(self) -> float:
        """R of the negative binomial, by moments and drawn towards the usual."""
        wildness = (self.excess + DISPERSION_PRIOR / DISPERSION) / (self.squares + DISPERSION_PRIOR)
        low, high = DISPERSION_RANGE
        return min(max(1 / wildness, low), high) if wildness > 0 else high

    def per_day(self) -> float:
        """Stories of the figure per day."""
        return self.stories / self.hours * 24 if self.hours else 0.0

    def learn(self, kind: Literal["person", "organisation"], count: int, total: float) -> None:
        """Take in an hour that is over.

        Args:
            kind: of the figure.
            count: its stories in that hour.
            total: those of all news.
        """
        expected = self.expected(kind, total)
        taken = float(count)
        if count >= MIN_STORIES and surprise(count, expected, self.dispersion()) >= LEVELS[0]:
            taken = min(taken, CAP * expected)
        self.stories = self.stories * DECAY + taken
        self.total = self.total * DECAY + total
        self.hours = self.hours * DECAY + 1.0
        self.excess = self.excess * DECAY + (taken - expected) ** 2 - taken
        self.squares = self.squares * DECAY + expected * expected


class Episode(Struct):
    """A burst that is going on."""

    trend_id: str
    began_at: float
    """Unix seconds."""
    level: int
    peak: float
    """Highest score so far."""
    stories: int
    """Distinct stories, those of the window in which it began included."""
    calm_since: float | None = None
    """Since when the score is below END_SCORE."""
