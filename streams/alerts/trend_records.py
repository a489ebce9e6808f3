"""What is told of a burst, a silence and a new pair, in words for a person.

Ids are made of the hour in which a trend began; a pair has one id, from whichever of the two it is told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct

from streams.alerts.bursts import MIN_PUBLISHERS, MIN_STORIES, Episode, level_of
from streams.alerts.pairs import FORGOTTEN_DAYS, Pair
from streams.alerts.quiet import Quiet
from streams.alerts.series import BUCKET, WINDOW_BUCKETS
from streams.alerts.volume import HOUR
from streams.records import Trend, stable_id

__all__ = ["WINDOW", "Reading", "burst_over", "burst_told", "silence_told", "together", "trend_id"]

WINDOW = WINDOW_BUCKETS * BUCKET
STORIES_TOLD = 10


class Reading(Struct, frozen=True):
    """What the last hour of a figure says, or the last twenty minutes where they say more."""

    buckets: int
    """Length of the window."""
    story_ids: tuple[str, ...]
    """The oldest first."""
    expected: float
    score: float
    publishers: int
    suspended: str = ""
    """Why counts cannot be trusted; see `streams.alerts.volume`."""

    @property
    def level(self) -> int:
        """Level of the burst that this is by itself; 0 for none."""
        if len(self.story_ids) < MIN_STORIES or self.publishers < MIN_PUBLISHERS or self.suspended:
            return 0
        return level_of(self.score)


def trend_id(kind: str, figure_id: str, other_figure: str, begun: float) -> str:
    """Id of the trend that began at this time, Unix seconds."""
    return stable_id("trend", kind, figure_id, other_figure, str(int(begun // HOUR)))


def burst_told(
    figure_id: str,
    burst: Episode,
    reading: Reading,
    now: float,
    *,
    phase: Literal["begin", "level"],
    cold: bool,
) -> Trend:
    """Tell that a burst begins or rises."""
    words = (
        f"{len(reading.story_ids)} stories in {reading.buckets * BUCKET / 60:.0f} min, {reading.expected:.1f} expected; "
        f"{reading.publishers} publishers"
    )
    if cold:
        words += "; known for less than a week, so the expectation is partly a guess"
    return _burst(figure_id, burst, reading, now, phase=phase, cold=cold, reason=words)


def burst_over(
    figure_id: str, burst: Episode, reading: Reading, now: float, *, cold: bool
) -> Trend:
    """Tell that a burst is over."""
    minutes = round((now - burst.began_at) / 60)
    words = (
        f"over after {minutes // 60} h {minutes % 60:02d} min: {burst.stories} stories in all, "
        f"highest score {burst.peak:.1f}"
    )
    return _burst(figure_id, burst, reading, now, phase="end", cold=cold, reason=words)


def _burst(figure_id: str, burst: Episode, reading: Reading, now: float, **fields: Any) -> Trend:
    return Trend(
        trend_id=burst.trend_id,
        figure_id=figure_id,
        kind="burst",
        level=burst.level,
        window_start=_time(now - reading.buckets * BUCKET),
        window_end=_time(now),
        count=len(reading.story_ids),
        expected=round(reading.expected, 3),
        score=round(reading.score, 2),
        publishers=reading.publishers,
        story_ids=reading.story_ids[: -STORIES_TOLD - 1 : -1],
        **fields,
    )


def silence_told(figure_id: str, quiet: Quiet, now: float, story_id: str = "") -> Trend:
    """Tell that a figure is silent, or that a story ends it."""
    hours = (now - quiet.since) / HOUR
    return Trend(
        trend_id=quiet.trend_id,
        figure_id=figure_id,
        kind="silence",
        phase="end" if story_id else "begin",
        window_start=_time(quiet.since),
        window_end=_time(now),
        count=1 if story_id else 0,
        expected=round(quiet.awaited, 3),
        score=round(quiet.score(), 2),
        publishers=1 if story_id else 0,
        reason=f"a story again after {hours:.0f} h"
        if story_id
        else f"no story for {hours:.0f} h, {quiet.awaited:.1f} expected",
        story_ids=(story_id,) if story_id else (),
    )


def together(figure_id: str, other: str, pair: Pair, now: float, known_days: float) -> Trend:
    """Tell that two figures share a story for the first time in a month.

    Args:
        figure_id: whose partition tells it.
        other: the other one.
        pair: the two.
        now: event time, Unix seconds.
        known_days: for how long the figure has been watched.
    """
    days = min(FORGOTTEN_DAYS, int(known_days))
    first, second = sorted((figure_id, other))
    return Trend(
        trend_id=trend_id("together", first, second, pair.begun),
        figure_id=figure_id,
        kind="together",
        window_start=_time(pair.begun),
        window_end=_time(now),
        count=1,
        expected=0.0,
        score=0.0,
        publishers=len(pair.publishers),
        other_figure=other,
        cold=days < FORGOTTEN_DAYS,
        reason=f"first story with {first} and {second} in {days} days; "
        f"{len(pair.publishers)} publishers",
        story_ids=(pair.story_id,),
    )


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
