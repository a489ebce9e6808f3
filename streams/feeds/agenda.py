"""Which feed may start now. Pure, and O(log n) for every operation.

A feed may start when it is due, no other of its host is in flight, the host's gap since the last
start has passed, and the host is not paused. Every host has a queue of its own, so a slow one holds
up nobody else. Hosts take turns: whoever could start earliest goes first, and a host that has just
started one stands behind all that were already waiting.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable

__all__ = ["Agenda"]


class _Host:
    """The feeds of a host, and what keeps them waiting."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.queue: list[tuple[float, int, str]] = []  # due, ticket, feed_id; old plans included
        self.busy = False
        self.last_start = -math.inf
        self.paused_until = -math.inf
        self.turn = 0  # the ticket of its current entry in the agenda's queue


class Agenda:
    """Plans by feed_id. Times are seconds of any clock that nobody sets; the caller has it.

    Queues are heaps whose entries are left in place when they no longer hold; a ticket tells.

    Args:
        gap: seconds between two starts on a host.
    """

    def __init__(self, gap: Callable[[str], float] = lambda host: 0.0) -> None:
        self._gap = gap
        self._tickets = itertools.count(1)
        self._plans: dict[str, tuple[str, float, int]] = {}  # host, due, ticket; 0 while in flight
        self._hosts: dict[str, _Host] = {}
        self._queue: list[tuple[float, int, _Host]] = []  # may start, ticket, host
        self._running: dict[str, _Host] = {}

    def put(self, feed_id: str, host: str, due: float) -> None:
        """Plan a feed, instead of any earlier plan; one in flight then waits for its own end."""
        if feed_id in self._running:
            self._plans[feed_id] = (host, due, 0)
            return
        place = self._hosts.setdefault(host, _Host(host))
        # Never before those that have been waiting since the last start: else a feed that is
        # always overdue would starve them.
        due = max(due, place.last_start)
        ticket = next(self._tickets)
        self._plans[feed_id] = (host, due, ticket)
        heapq.heappush(place.queue, (due, ticket, feed_id))
        if place.queue[0][1] == ticket:
            self._enlist(place)

    def drop(self, feed_id: str) -> None:
        """Forget the plan for a feed."""
        self._plans.pop(feed_id, None)

    def pause(self, host: str, until: float) -> None:
        """Start nothing on a host until then; a pause that lasts longer is kept."""
        place = self._hosts.setdefault(host, _Host(host))
        place.paused_until = max(place.paused_until, until)

    def take(self, now: float) -> str | None:
        """The next feed to start, which then counts as in flight until `done`; None if none may."""
        place = self._first()
        if place is None or self._queue[0][0] > now:
            return None
        heapq.heappop(self._queue)
        _, _, feed_id = heapq.heappop(place.queue)
        del self._plans[feed_id]
        self._running[feed_id] = place
        place.busy, place.last_start = True, now
        return feed_id

    def done(self, feed_id: str) -> None:
        """The feed is no longer in flight."""
        place = self._running.pop(feed_id, None)
        if place is None:
            return
        place.busy = False
        self._enlist(place)
        if feed_id in self._plans:
            host, due, _ = self._plans[feed_id]
            self.put(feed_id, host, due)

    def next_start(self) -> float | None:
        """When `take` may give something, unless `put`, `pause` or `done` come before.

        None if it cannot without them: nothing is planned, or only on hosts that are busy.
        """
        return self._queue[0][0] if self._first() else None

    def _first(self) -> _Host | None:
        """The host whose turn it is, with a current plan ahead in its queue."""
        while self._queue:
            start, turn, place = self._queue[0]
            if place.turn == turn and self._is_planned(place):
                if self._may_start(place) <= start:
                    return place
                heapq.heappop(self._queue)  # paused, or its first plan was dropped
                self._enlist(place)
            else:
                heapq.heappop(self._queue)
        return None

    def _enlist(self, place: _Host) -> None:
        """Queue a host for its next start; its earlier entry no longer counts."""
        place.turn = 0
        if not place.busy and self._is_planned(place):
            place.turn = next(self._tickets)
            heapq.heappush(self._queue, (self._may_start(place), place.turn, place))

    def _may_start(self, place: _Host) -> float:
        return max(place.queue[0][0], place.last_start + self._gap(place.name), place.paused_until)

    def _is_planned(self, place: _Host) -> bool:
        """Whether the host has plans; clears away old ones at the head of its queue."""
        while place.queue:
            due, ticket, feed_id = place.queue[0]
            if self._plans.get(feed_id) == (place.name, due, ticket):
                return True
            heapq.heappop(place.queue)
        return False
