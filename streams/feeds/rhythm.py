"""How often a feed brings something, learned from when its entries were first seen here. Pure.

Dates in feeds are not used: they are missing, in the wrong zone, or in the future too often. What
the first document held says nothing about how much came when, so it does not count.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from msgspec import Struct

from streams.records import FeedState

__all__ = ["Rhythm", "arrivals", "learn", "silence"]

HOUR, DAY = 3_600.0, 86_400.0

WINDOW = 7 * DAY
"""What came earlier is not representative; holds every weekday once."""
RECENT = 3 * HOUR
"""A story that breaks now counts at once, and for so long."""
PRIOR_HOURS = 1.5
"""As if one entry had come in so long before the first poll: lets a new feed start with a quarter
of an hour between polls."""
PRIOR_ENTRIES = 0.5
"""As if so many had come spread evenly over the day: the rhythm of the day must show in more than
one or two entries before it counts."""


class Rhythm(Struct, frozen=True):
    """How often, and when."""

    per_hour: float
    """Entries to expect on average; above 0 even if there were none yet."""
    by_hour: tuple[float, ...]
    """The same for each hour of the day, UTC."""
    recent_per_hour: float
    """What came in the last RECENT seconds."""


def learn(state: FeedState, now: datetime, prior_hours: float = PRIOR_HOURS) -> Rhythm:
    """The rhythm of a feed over the last week.

    Args:
        state: `seen` and `first_success_at` count.
        now: time of the poll.
        prior_hours: how long one entry is supposed to take before anything is known.
    """
    times, observed, _ = _latest(state, now)
    per_hour = (len(times) + 1) / (observed / HOUR + prior_hours)
    recent = len(times) - bisect_right(times, now.timestamp() - RECENT)
    return Rhythm(per_hour, _by_hour(times, observed, per_hour), recent / (RECENT / HOUR))


def silence(state: FeedState, now: datetime) -> tuple[float, float]:
    """For how long nothing has come, and how long that took on average before.

    Returns:
        Seconds since the latest arrival, or since the first poll that worked; seconds between
        arrivals up to the latest, 0 if none came in the last week.
    """
    times, observed, silent = _latest(state, now)
    return silent, max(observed - silent, 0.0) / len(times) if times else 0.0


def arrivals(state: FeedState) -> list[int]:
    """When entries were first seen, Unix seconds, ascending; without those of the first document."""
    if state.first_success_at is None:
        return []
    start = state.first_success_at.timestamp()
    return sorted([seen.first_seen for seen in state.seen.values() if seen.first_seen > start])


def _latest(state: FeedState, now: datetime) -> tuple[list[int], float, float]:
    """Arrivals in the window, its length, and the silence since the latest arrival, in seconds.

    A silence longer than the window lengthens it, so that a dead feed sinks further and further.
    """
    moment, times = now.timestamp(), arrivals(state)
    start = state.first_success_at.timestamp() if state.first_success_at else moment
    silent = max(moment - (times[-1] if times else start), 0.0)
    observed = max(min(moment - start, max(WINDOW, silent)), 0.0)
    return times[bisect_right(times, moment - WINDOW) :], observed, silent


def _by_hour(times: list[int], observed: float, per_hour: float) -> tuple[float, ...]:
    """Rates by hour of the day, each together with its neighbours, drawn towards the average."""
    if observed < DAY or not times:
        return (per_hour,) * 24
    counts = [0] * 24
    for hour in [time // 3_600 % 24 for time in times]:
        counts[hour] += 1
    hours = 3 * observed / DAY + PRIOR_ENTRIES / per_hour
    around = zip(counts[-1:] + counts[:-1], counts, counts[1:] + counts[:1], strict=True)
    return tuple([(sum(three) + PRIOR_ENTRIES) / hours for three in around])
