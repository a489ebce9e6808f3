"""What is unusual about how often something is told."""

from __future__ import annotations

from typing import Literal

from streams.records.vocabulary import Record, Utc

__all__ = ["Trend"]


class Trend(Record, frozen=True, kw_only=True):
    """A burst or a silence of a figure, or a silence of a feed. `news.trends`, key `figure_id` or `feed_id`."""

    trend_id: str
    figure_id: str
    """Empty where it is about a feed."""
    feed_id: str = ""
    """silence: the feed that brings nothing although it answers; "" where it is about a figure."""
    kind: Literal["burst", "silence", "together"]
    phase: Literal["begin", "level", "end"] = "begin"
    level: int = 1
    """1 to 3, by score."""
    window_start: Utc
    window_end: Utc
    count: int
    """Distinct stories in the window; of a feed: new items."""
    expected: float
    score: float
    """Surprise: minus log10 of the probability of such a count."""
    publishers: int = 0
    other_figure: str = ""
    """together: with whom."""
    cold: bool = False
    """True while the figure's history is too short, and a prior stands in."""
    reason: str = ""
    """In words for a person."""
    story_ids: tuple[str, ...] = ()
    """Newest stories of the window, ten at most."""
