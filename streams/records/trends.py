"""What is unusual about how often something is told."""

from __future__ import annotations

from typing import Literal

from streams.records.vocabulary import Record, Utc

__all__ = ["Trend"]


class Trend(Record, frozen=True, kw_only=True):
    """A burst or a silence of a figure. `news.trends`, key `figure_id`."""

    trend_id: str
    figure_id: str
    kind: Literal["burst", "silence", "together"]
    phase: Literal["begin", "level", "end"] = "begin"
    level: int = 1
    """1 to 3, by score."""
    window_start: Utc
    window_end: Utc
    count: int
    """Distinct stories in the window."""
    expected: float
    score: float
    """Surprise: minus log10 of the probability of such a count."""
    publishers: int = 0
    other_figure: str = ""
    """together: with whom; silence of a feed: ""."""
    cold: bool = False
    """True while the figure's history is too short, and a prior stands in."""
    reason: str = ""
    """In words for a person."""
    story_ids: tuple[str, ...] = ()
    """Newest stories of the window, ten at most."""
