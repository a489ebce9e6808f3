"""Which feed may start now: due, and no other of its host in flight. Pure.

A slow host never holds up the others: each has a queue of its own, and they take turns.
"""

from __future__ import annotations

import heapq
from collections import deque

__all__ = ["Agenda"]


class Agenda:
    """Plans by feed_id. Times are Unix seconds; the caller has the clock."""

    def __init__(self) -> None:
        self._plans: dict[str, tuple[float, str]] = {}
        self._heap: list[tuple[float, str, str]] = []  # due, feed_id, host; old plans included
        self._queues: dict[str, deque[str]] = {}
        self._running: dict[str, str] = {}

    def put(self, feed_id: str, host: str, due: float) -> None:
        """Plan a feed, instead of any earlier plan for it."""
        self._plans[feed_id] = (due, host)
        heapq.heappush(self._heap, (due, feed_id, host))

    def drop(self, feed_id: str) -> None:
        """Forget the plan for a feed."""
        self._plans.pop(feed_id, None)

    def take(self, now: float) -> str | None:
        """The next feed to start, which then counts as running until `done`; None if none may."""
        self._queue_due(now)
        busy = set(self._running.values())
        for host in list(self._queues):
            if host in busy:
                continue
            queue = self._queues.pop(host)
            feed_id = self._next_of(queue, host, now)
            if queue:
                self._queues[host] = queue  # to the end: hosts take turns
            if feed_id is not None:
                del self._plans[feed_id]
                self._running[feed_id] = host
                return feed_id
        return None

    def done(self, feed_id: str) -> None:
        """The feed is no longer running."""
        self._running.pop(feed_id, None)

    def next_due(self) -> float | None:
        """When the next plan that is not due yet will be; None if there is none."""
        while self._heap and not self._is_current(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _queue_due(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            due, feed_id, host = heapq.heappop(self._heap)
            if self._is_current(due, feed_id, host):
                self._queues.setdefault(host, deque()).append(feed_id)

    def _next_of(self, queue: deque[str], host: str, now: float) -> str | None:
        """Pop the first that is still planned so; a running one waits for its own end."""
        for _ in range(len(queue)):
            feed_id = queue.popleft()
            due, planned_host = self._plans.get(feed_id, (now + 1, ""))
            if due > now or planned_host != host:
                continue
            if feed_id in self._running:
                queue.append(feed_id)
                continue
            return feed_id
        return None

    def _is_current(self, due: float, feed_id: str, host: str) -> bool:
        return self._plans.get(feed_id) == (due, host)
