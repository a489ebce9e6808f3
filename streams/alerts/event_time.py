"""How time goes by in a partition, for whoever counts within windows or waits for their end. Pure.

The time that is believed (`streams.event_clock`) is a good bound for what may have happened, but a bad one for what is
over: a clock that is hours ahead is believed, and the record that it comes with would end all that right clocks had
counted. So what is over is told by the earliest of the last polls.

Nor is it the time of a record alone that tells when it is over: one that a wrong clock dates years ahead would be
kept for years. So there is a second measure, which runs with what is believed and never goes back: how much time has
gone by since a record came. It does not count the leap that ends a day without news, for what comes after such a day
is not believed at once, and is not old when it is.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from streams.event_clock import APART, FIRM, NEVER, EventClock
from streams.records import Mention

__all__ = ["LATENESS", "EventTime"]

LATENESS = timedelta(minutes=10)
"""How much later than another one that was seen after it a record may come and still be in time."""


class EventTime:
    """The time of one partition: a fold over its log."""

    def __init__(self) -> None:
        self.reached = NEVER
        """The latest time that is believed."""
        self.passed = NEVER
        """What the last polls have all passed, by whatever clocks; no more than `APART` behind what is believed."""
        self.gone = timedelta(0)
        """How much time has gone by, but for leaps of more than `APART`."""
        self._clock = EventClock()
        self._last: deque[datetime] = deque(maxlen=FIRM)

    def take(self, at: datetime) -> None:
        """Take in the time of the next record in the log."""
        if self._last and at == self._last[-1]:
            return
        before, self.reached = self.reached, self._clock.take(at)
        if timedelta(0) < self.reached - before <= APART:
            self.gone += self.reached - before
        self._last.append(at)
        self.passed = max(min(self._last), self.reached - APART)

    @property
    def bound(self) -> datetime:
        """What lies after it is ahead: its time is not believed.

        It is a little later than what is believed, since after a leap others may lie after the record that made it.
        """
        return self.reached + LATENESS

    def is_ahead(self, mention: Mention) -> bool:
        """Whether the time of a mention is not believed, since it lies after all that is."""
        return mention.item.seen_at > self.bound
