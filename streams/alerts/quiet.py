"""When it is implausible that a figure is in no story.

A silence is told in stories rather than in time: so many stories of all news have come, this figure's share of
them would be eight, and there was none. Hours in which nothing is known of the news do not count, so an outage
is no silence. Days scatter more than chance, so what is implausible is measured by the negative binomial per
day: a figure with fifty stories a day is silent after a day, one with ten after two, one with one after eight.
"""

from __future__ import annotations

import math

from msgspec import Struct

__all__ = ["DAY", "MIN_PER_DAY", "SILENT_SCORE", "Quiet"]

DAY = 86_400.0
MIN_PER_DAY = 1.0
"""Who is in fewer stories than that is silent half of the time."""
SILENT_SCORE = 3.0
"""Minus log10 of how likely the silence is by chance."""


class Quiet(Struct):
    """How long a figure has been in no story, and how many there should have been."""

    since: float
    """`seen_at` of its latest story, Unix seconds."""
    share: float = 0.0
    """The figure's share of all news at that time: a silence must not make itself usual."""
    per_day: float = 0.0
    """The figure's stories per day at that time."""
    dispersion: float = 3.0
    """Likewise; see `streams.alerts.bursts`."""
    awaited: float = 0.0
    """Stories expected since."""
    hours: int = 0
    """Hours since in which the volume of all news was known."""
    trend_id: str = ""
    """Of the silence that is going on; empty if there is none."""

    def score(self) -> float:
        """Minus log10 of the probability that none came by chance."""
        days = max(self.hours / 24, 1.0)
        return self.dispersion * days * math.log10(1 + self.awaited / days / self.dispersion)

    def pass_hour(self, total: float) -> None:
        """Let an hour go by without a story, in which all news had so many."""
        self.awaited += self.share * total
        self.hours += 1

    def is_silence(self, now: float) -> bool:
        """Whether there is something to tell."""
        return (
            not self.trend_id
            and self.per_day >= MIN_PER_DAY
            and now - self.since >= DAY
            and self.score() >= SILENT_SCORE
        )
