"""Whose turn it is: what is due, what hosts asked for, and whether our own network is there.

One place for the three things that decide whether a poll may start: `agenda`, `politeness` and
`outage`. Times are seconds of a clock that nobody sets; the caller has it.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from streams.feeds import moves
from streams.feeds.agenda import Agenda
from streams.feeds.hosts import gap_seconds, host_key
from streams.feeds.outage import PROBE_SECONDS, RETRY_SECONDS, NetworkWatch
from streams.feeds.outcome import Outcome
from streams.feeds.politeness import HostPauses
from streams.feeds.schedule import phase
from streams.metrics import FEED_LATENESS_SECONDS
from streams.records import Feed, FeedState

__all__ = ["CONCURRENCY", "Turns"]

log = structlog.get_logger(__name__)

CONCURRENCY = 128
"""Polls in flight. With 20,000 feeds at 15 minutes, of which one in twenty hangs until its time
is up, 33 are waiting for nothing at any moment."""


class Turns:
    """Plans of feeds, and which of them may start.

    Args:
        fraction: our share of all feeds, more than 0 and at most 1. Other processes ask the same
            hosts: together they keep the gap to a host, so each keeps a multiple of it.
    """

    def __init__(self, fraction: Callable[[], float]) -> None:
        self._agenda = Agenda(lambda host: gap_seconds(host) / fraction())
        self._pauses = HostPauses()
        self._network = NetworkWatch()
        self._due: dict[str, float] = {}
        self._running = 0
        self._last_start = 0.0

    def plan(self, feed: Feed, due: float, state: FeedState | None = None) -> None:
        """Plan the next poll of a feed, instead of any earlier plan for it.

        Args:
            feed: which.
            due: when.
            state: what is known of it, if anything: it may be fetched from another address.
        """
        self._due[feed.feed_id] = due
        self._agenda.put(feed.feed_id, _host(feed, state), due)

    def plan_after(self, feed: Feed, state: FeedState, wait: float, now: float) -> None:
        """Plan the poll that follows one that has ended, after so many seconds."""
        due = now + wait
        if self._network.offline:  # its outcome may not have counted, and the plan be an old one
            due = max(due, now + RETRY_SECONDS * (1 + phase(feed.feed_id)))
        self.plan(feed, due, state)

    def drop(self, feed_id: str) -> None:
        """Forget the plan for a feed."""
        self._due.pop(feed_id, None)
        self._agenda.drop(feed_id)

    def take(self, now: float) -> str | None:
        """The next feed to start, which then counts as in flight until `done`; None if none may."""
        feed_id = self._agenda.take(now) if self._may_start(now) else None
        if feed_id is not None:
            self._running += 1
            self._last_start = now
            FEED_LATENESS_SECONDS.observe(max(0.0, now - self._due[feed_id]))
        return feed_id

    def done(self, feed_id: str) -> None:
        """The poll has ended."""
        self._running -= 1
        self._agenda.done(feed_id)

    def next_start(self, now: float) -> float | None:
        """When `take` may give something, as far as time alone decides; None if it does not."""
        return self._agenda.next_start() if self._may_start(now) else None

    def record(self, feed: Feed, state: FeedState, outcome: Outcome, now: float) -> bool:
        """Learn from a poll about its host and our network.

        Args:
            feed: which.
            state: as before the poll.
            outcome: the poll.
            now: its time.

        Returns:
            Whether the feed answers for the outcome; False if our own network does.
        """
        host = _host(feed, state)
        was_offline = self._network.offline
        counts = self._network.record(host, outcome.error)
        if self._network.offline != was_offline:
            log.warning("network", offline=self._network.offline, reason=self._network.reason)
        host = host_key(outcome.answered_by) if outcome.answered_by else host
        until = self._pauses.record(host, feed.feed_id, outcome, now)
        if until is not None:
            log.warning("host_paused", host=host, seconds=round(until - now))
            self._agenda.pause(host, until)
        return counts

    def _may_start(self, now: float) -> bool:
        if not self._network.offline:
            return self._running < CONCURRENCY
        return not self._running and now - self._last_start >= PROBE_SECONDS


def _host(feed: Feed, state: FeedState | None) -> str:
    return host_key(moves.address_of(feed, state))
