"""When a feed that answers is silent: nothing new for implausibly long by its own pauses. Pure.

A feed is held against itself: it is silent when a pause is twice as long as the second longest of its last four
weeks. Nights and weekends are among those pauses, so they need no model; the longest is left out because one past
outage, or Christmas, would otherwise make four weeks of silence usual. Counted are polls that brought something, not
entries: a batch is one sign of life, however large. What the first document held is none.

Chosen on 64 simulated feeds of eight kinds over half a year, with nights, weekends and bank holidays (`python -m
tests.bench silence`), by false silences per feed and year and by days until a feed that ends is told, as means of
the kinds: 0.7 and 4.0 (agencies 0.2, newsrooms 0.9, weekly papers 10). The surprise by hour of the week, as figures
have it, is wrong 10 times and takes 1.7 days, mostly for holidays; with a threshold that makes it wrong as rarely,
4.9 days (agencies 1.8). Five median pauses, at least a day: 18 and 1.8.

A feed that fails is unhealthy and not silent: it is judged only by polls that worked, and when it has failed for an
hour or more, its silence counts from when it answers again. While nobody polls, nothing is told; but an answer after
that without anything new says that there was nothing.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from streams.feeds import rhythm
from streams.records import FeedState, Trend, stable_id

__all__ = ["Habit", "follow", "habit_of", "heard", "reason", "told"]

HOUR, DAY = 3_600.0, 86_400.0

FACTOR = 2.0
LEAST = 3 * HOUR
"""No shorter pause is told: a server that caches may take so long to show what is new."""
MEMORY = 28 * DAY
LEAST_PAUSES = 20
"""So many of the latest pauses count, even if they began before MEMORY."""
KNOWN_PAUSES, KNOWN = 8, 13 * DAY
"""Of a feed that has been watched for less, the habits are unknown: two weekends lie within."""


class Habit(Struct, frozen=True):
    """How long a feed pauses."""

    since: int
    """Its latest sign of life, Unix seconds."""
    longest: int
    """Its second longest pause before that, in seconds."""
    mean: float
    """Seconds from one sign of life to the next."""
    pauses: int

    @property
    def patience(self) -> float:
        """Longer pauses, in seconds, are implausible."""
        return max(FACTOR * self.longest, LEAST)


def habit_of(moments: list[int]) -> Habit | None:
    """Learn how long a feed pauses.

    Args:
        moments: when it brought something, Unix seconds, ascending, each once.

    Returns:
        None if too little is known.
    """
    if not moments:
        return None
    first = bisect_left(moments, moments[-1] - MEMORY)
    moments = moments[max(min(first, len(moments) - LEAST_PAUSES - 1), 0) :]
    length, pauses = moments[-1] - moments[0], len(moments) - 1
    if pauses < KNOWN_PAUSES or length < KNOWN:
        return None
    second = sorted(after - before for before, after in itertools.pairwise(moments))[-2]
    return Habit(moments[-1], second, length / pauses, pauses)


def heard(state: FeedState) -> FeedState:
    """End a silence if the feed has spoken since, or speaks at another address now."""
    since = state.silent_since
    if since is None:
        return state
    spoken = max(rhythm.arrivals(state), default=0) > since.timestamp()
    moved = state.first_success_at is not None and state.first_success_at > since
    return replace(state, silent_since=None) if spoken or moved else state


def follow(state: FeedState, now: datetime) -> FeedState:
    """Begin or end a silence after a poll that worked.

    Args:
        state: with what the poll brought in `seen` and `history`, and `answers_since`.
        now: time of the poll.

    Returns:
        With `silent_since` as it holds from now on.
    """
    state = heard(state)
    if state.silent_since is not None or _has_just_spoken(state, now):
        return state
    habit = _habit(state)
    if habit is None:
        return state
    begin = habit.since
    if state.answers_since is not None:
        begin = max(begin, int(state.answers_since.timestamp()))
    if now.timestamp() - begin <= habit.patience:
        return state
    return replace(state, silent_since=datetime.fromtimestamp(habit.since, UTC))


def reason(state: FeedState, now: datetime) -> str:
    """Say how long a feed has been silent, for a person; "" if it is not."""
    if state.silent_since is None:
        return ""
    habit = _habit(state)
    usual = f", usually for {_span(habit.longest)} at most" if habit else ""
    return f"silent for {_span((now - state.silent_since).total_seconds())}{usual}"


def told(before: FeedState, after: FeedState, now: datetime) -> tuple[Trend, ...]:
    """The trends that tell of a change: that a silence ends, that one begins.

    Their id is made of the feed and the moment after which nothing came, so that a poll that is repeated
    after a crash tells the same. One end is never told: of a silence that a crash kept from being remembered, where
    the feed speaks before the next poll. `FeedState` is right then, too.

    Args:
        before: what was remembered.
        after: what will be.
        now: time of the poll, or of the push.
    """
    if before.silent_since == after.silent_since:
        return ()
    ended = _ended(after, before.silent_since, now) if before.silent_since else None
    begun = _begun(after, after.silent_since, now) if after.silent_since else None
    return tuple(trend for trend in (ended, begun) if trend)


def _begun(state: FeedState, since: datetime, now: datetime) -> Trend:
    return _trend(state, since, now, reason=reason(state, now))


def _ended(state: FeedState, since: datetime, now: datetime) -> Trend:
    count = sum(moment > since.timestamp() for moment in rhythm.arrivals(state))
    what = f"{count} new" if count else "polled at another address"
    words = f"{what} after {_span((now - since).total_seconds())}"
    return replace(_trend(state, since, now, reason=words), phase="end", count=count)


def _trend(state: FeedState, since: datetime, now: datetime, *, reason: str) -> Trend:
    moments = sorted(set(rhythm.arrivals(state)))
    habit = habit_of(moments[: bisect_left(moments, since.timestamp() + 1)])
    silent = (now - since).total_seconds()
    return Trend(
        trend_id=stable_id("silence", state.feed_id, str(int(since.timestamp()))),
        figure_id="",
        feed_id=state.feed_id,
        kind="silence",
        window_start=since,
        window_end=now,
        count=0,
        expected=round(silent / habit.mean, 3) if habit else 0.0,
        # By rank alone: of n pauses and this one, two are longer than the second longest of n.
        score=round(math.log10((habit.pauses + 1) / 2), 2) if habit else 0.0,
        reason=reason,
    )


def _habit(state: FeedState) -> Habit | None:
    return habit_of(sorted(set(rhythm.arrivals(state))))


def _has_just_spoken(state: FeedState, now: datetime) -> bool:
    """Whether the history says so; as nearly always, and it spares looking at everything seen."""
    latest = next((polled.at for polled in reversed(state.history) if polled.new), 0)
    return now.timestamp() - latest <= LEAST


def _span(seconds: float) -> str:
    hours = seconds / HOUR
    if hours < 2:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.1f} days"
