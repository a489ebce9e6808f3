"""What a condition has counted, as far back as it looks. Pure, in event time.

What a clock that is ahead has seen is counted too, and may fill a window of its own. For the others it has not
happened: no window of theirs reaches beyond the time that is believed. It goes when that time has gone on for a
window, whether or not it has caught up.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from streams.alerts.event_time import LATENESS, EventTime
from streams.event_clock import APART
from streams.records import Mention

__all__ = ["Counted", "Name", "Tally", "in_order", "name_of", "order_of"]

Name = tuple[str, int]
"""Item and revision."""

_LATENESS, _APART = LATENESS.total_seconds(), APART.total_seconds()


class Counted(NamedTuple):
    """When something was seen, and of what thing."""

    at: float
    key: str
    gone: float
    """How much time had gone by when it came (`EventTime.gone`); a day less if it was ahead."""


class Tally(msgspec.Struct):
    """Times are Unix seconds."""

    times: dict[str, list[float]] = {}
    """Distinct thing (a story or feed) to when it was seen, sorted."""
    counted: dict[Name, Counted] = {}
    held: dict[Name, Mention] = {}
    """Those that have not become part of an alert."""
    window: float = 0.0
    """Seconds."""
    latest: float = 0.0
    gone: float = 0.0
    """How much time had gone by when the last one came."""
    pruned: float = -math.inf
    """How much time had gone by when it was last looked at what is too old."""
    newest: Mention | None = None
    """burst: the latest mention, which stands for the alert when the burst rises by another one."""

    def count(self, key: str, mention: Mention, window: float, time: EventTime) -> None:
        """Take in a mention once, however often it comes."""
        name, at = name_of(mention), mention.item.seen_at.timestamp()
        if name in self.counted:
            return
        gone = time.gone.total_seconds()
        # A right clock needs the day by which another one, that is believed, may make time go on.
        is_ahead = time.is_ahead(mention)
        self.counted[name] = Counted(at, key, gone - _APART if is_ahead else gone)
        self.held[name] = mention
        insort(self.times.setdefault(key, []), at)
        self.latest, self.gone, self.window = max(self.latest, at), gone, window
        # Looking back costs as much as is there, so it is done a few times per window.
        if gone - self.pruned > max(window / 4, 60):
            self._prune(time)

    def remember_newest(self, mention: Mention, time: EventTime) -> None:
        """Take in the latest mention; one that is ahead gives way to one that is not."""
        known = self.newest
        if (
            known is None
            or order_of(known) <= order_of(mention)
            or (time.is_ahead(known) and not time.is_ahead(mention))
        ):
            self.newest = mention

    def held_since(self, at: float) -> tuple[Mention, ...]:
        """What is held of the window that ends then, and of what may have come late."""
        oldest = at - self.window - _LATENESS
        return in_order(held for name, held in self.held.items() if self.counted[name].at > oldest)

    def let_go(self, begin: float, end: float) -> tuple[Mention, ...]:
        """The held mentions that were seen after `begin` and not after `end`, oldest first."""
        names = [name for name in self.held if begin < self.counted[name].at <= end]
        return in_order(self.held.pop(name) for name in names)

    def fill(self, at: float, at_least: int, bound: float) -> tuple[tuple[Mention, ...], int]:
        """Look for a window that a mention fills, and let go what lies in it.

        Args:
            at: when the mention was seen.
            at_least: so many things fill a window.
            bound: nothing counts that was seen after it.

        Returns:
            What is let go, and the most things that are in one window.
        """
        things = list(self.times.values())
        # A window fills only where a thing is seen for the first time after the mention, or with it.
        after = (times[bisect_left(times, at)] for times in things if times[-1] >= at)
        ends = sorted({at, *(end for end in after if end < at + self.window and end <= bound)})
        best = 0
        for end in ends:
            begin = end - self.window
            found = sum(_between(times, begin, end) for times in things)
            if found >= at_least:
                # What came before a late mention and was seen after it would have joined the alert.
                return self.let_go(begin, bound), found
            best = max(best, found)
        return (), best

    def join(self, moved: Tally) -> None:
        """Take in what was counted of a story that has turned out to be this one's."""
        for key, times in moved.times.items():
            self.times[key] = sorted([*self.times.get(key, ()), *times])
        self.counted.update(moved.counted)
        self.held.update(moved.held)
        self.latest = max(self.latest, moved.latest)
        self.gone = max(self.gone, moved.gone)
        self.window = moved.window

    def is_over(self, time: EventTime) -> bool:
        """Whether nothing of it counts any more."""
        return self.latest < self._oldest(time) or self.gone < self._least_gone(time)

    def _oldest(self, time: EventTime) -> float:
        """What was seen before takes no part any more: it is out of the window of all that is out of it."""
        return time.passed.timestamp() - 2 * (self.window + _LATENESS)

    def _least_gone(self, time: EventTime) -> float:
        """What came before takes no part any more, whenever it says it was seen.

        A day longer than a window: so far ahead a clock is believed, and makes time go on.
        """
        return time.gone.total_seconds() - (self.window + _LATENESS + _APART)

    def _prune(self, time: EventTime) -> None:
        oldest, least = self._oldest(time), self._least_gone(time)
        for each in self.counted.values():
            if each.gone < least and each.at >= oldest:
                times = self.times[each.key]
                del times[bisect_left(times, each.at)]
        left = {key: times[bisect_left(times, oldest) :] for key, times in self.times.items()}
        self.times = {key: times for key, times in left.items() if times}
        self.counted = {
            name: each
            for name, each in self.counted.items()
            if each.at >= oldest and each.gone >= least
        }
        self.held = {name: held for name, held in self.held.items() if name in self.counted}
        self.pruned = time.gone.total_seconds()


def name_of(mention: Mention) -> Name:
    """What a mention is counted by."""
    return mention.item.item_id, mention.item.revision


def in_order(mentions: Iterable[Mention]) -> tuple[Mention, ...]:
    """Mentions as they were seen."""
    return tuple(sorted(mentions, key=order_of))


def order_of(mention: Mention) -> tuple[datetime, str]:
    """Earlier or later, for mentions that were seen at the same time, too."""
    return mention.item.seen_at, mention.item.item_id


def _between(times: list[float], begin: float, end: float) -> bool:
    """Whether a thing was seen after `begin` and not after `end`."""
    place = bisect_right(times, begin)
    return place < len(times) and times[place] <= end
