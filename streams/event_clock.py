"""How far a partition has come in event time, although a machine's clock may have been wrong. Pure.

The time that counts is `seen_at`, by the clock of whoever polled, and so it may lie ahead of all others by days. A
clock that simply is the latest time would stay there until real time has caught up: what comes meanwhile would
be closed as old with the record that begins it. So records vote. Within a day of the clock a record agrees, and
the latest of them is the clock. One further off speaks against it, and the clock moves there when as much speaks
against it as for it. A clock that ten times agree with is as firm as it gets: nine times ahead of it change nothing,
and after any number of them five right ones set it back.

Behind counts twice as much as ahead: with a clock that is behind alerts are closed late, with one that is ahead
they are closed before anybody has read them. What comes late by less than a day has no say, as it should be. A time
that comes again at once counts once: a poll gives all its items the same, and so one poll with a wrong clock
moves nothing that is firm.

A fold over the log, as the stages are: who reads the last records again knows the same clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["APART", "FIRM", "NEVER", "EventClock"]

APART = timedelta(days=1)
"""So far from the clock a time speaks against it. Not more, since alerts are closed after a day without news."""
FIRM = 10
"""Votes that a clock can have. Fewer are less firm: where records are a day apart, each moves the clock at once."""
AHEAD, BEHIND = 1, 2
"""What a time counts that speaks against the clock."""
NEVER = datetime.min.replace(tzinfo=UTC)


class EventClock:
    """The clock of one partition."""

    def __init__(self) -> None:
        self.reached = NEVER
        """The latest time that is believed."""
        self._votes = 0
        self._last = NEVER

    def take(self, at: datetime) -> datetime:
        """Take in the time of the next record in the log.

        Returns:
            The time that is reached by now; earlier than before where the clock turns out to have been ahead.
        """
        if at == self._last:
            return self.reached
        self._last = at
        if abs(at - self.reached) <= APART:
            self.reached = max(self.reached, at)
            self._votes = min(self._votes + 1, FIRM)
            return self.reached
        self._votes -= BEHIND if at < self.reached else AHEAD
        if self._votes <= 0:
            self.reached, self._votes = at, 1
        return self.reached
