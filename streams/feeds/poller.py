"""The process that polls: due feeds are fetched, parsed, decided on, published, remembered.

The order in `Poller._keep` is the promise that nothing is lost: what a poll brought is remembered
only when the broker has acknowledged it. A crash in between makes the next poll bring it again,
under the same ids.

There are two clocks. The wall clock says when something was seen and what is written down; it may be
set, by an hour or by years. Whose turn it is, is decided by one that nobody can set: else all feeds
would wait for the hour that a clock was set back, or be fetched at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakValueDictionary

import structlog
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from streams.broker.clients import send_all
from streams.broker.topics import FEED_STATE
from streams.config import seconds_awake_or_not, utc_now
from streams.errors import BrokerError, ParseError
from streams.feeds import moves, schedule
from streams.feeds.jumps import ClockJumps
from streams.feeds.languages import Detects
from streams.feeds.ports import Fetches, Holdings, Parses, Pushes
from streams.feeds.publish import publish_items, publish_refused, publish_trends
from streams.feeds.turns import Turns
from streams.feeds.visit import Visited, receive, visit
from streams.metrics import FEED_POLLS
from streams.records import Feed, FeedState, Subscription

__all__ = ["Poller"]

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5
"""How soon an edit of the registry takes effect."""
_END_SECONDS = 3.0
"""How long giving up feeds waits for what is being published of them."""
_FAULT_PAUSE = timedelta(minutes=5)
"""After a fault of ours that even the feed's state could not be written for."""
_PLANNED_AT_ONCE = 500
"""Feeds planned before other tasks get their turn."""


class Poller:
    """Polls every feed of its share that is enabled.

    Args:
        producer: started.
        share: which feeds, and what is remembered of them; edits need no restart.
        fetcher: fetches.
        parser: parses.
        clock: the time.
        steady: seconds of a clock that nobody sets.
        pushes: None without WebSub.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        share: Holdings,
        fetcher: Fetches,
        parser: Parses,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = seconds_awake_or_not,
        pushes: Pushes | None = None,
        detects: Detects | None = None,
    ) -> None:
        self._producer = producer
        self._share = share
        self._fetcher = fetcher
        self._parser = parser
        self._clock = clock
        self._steady = steady
        self._pushes = pushes
        self._detects = detects
        self._jumps = ClockJumps()
        self._turns = Turns(lambda: share.fraction)
        self._planned: dict[str, Feed] = {}
        self._ours: set[str] = set()
        """What was planned when the share was last settled: a rebalance in between gives most of
        it back, and hubs need not hear of that."""
        self._version: int | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._publishing: set[str] = set()
        self._asked: set[str] = set()
        """Feeds that a hub told of while they were being polled."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._failure: BaseException | None = None
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Poll until cancelled; what is being published by then is finished.

        Raises:
            BrokerError: the broker does not take what was found. Nothing of it is remembered.
        """
        try:
            while self._failure is None:
                self._wake.clear()
                await self._follow_share()
                self._start_due()
                await self._rest()
            raise self._failure
        finally:
            await self.leave([*self._planned, *self._running])

    async def leave(self, feed_ids: Iterable[str]) -> None:
        """Stop polling feeds: drop what is being fetched, finish what is being published."""
        leaving = list(feed_ids)
        for feed_id in leaving:
            self._drop(feed_id)
            if feed_id in self._running and feed_id not in self._publishing:
                self._running[feed_id].cancel()
        busy = [feed_id for feed_id in leaving if feed_id in self._locks]
        if busy:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS):
                    for feed_id in busy:
                        async with self._alone(feed_id):
                            pass

    async def poll(self, feed: Feed) -> FeedState:
        """Poll one feed now. Trouble with the feed becomes its health.

        Returns:
            What is remembered of the feed from now on.

        Raises:
            BrokerError: the broker does not take what was found. Nothing of it is remembered.
        """
        async with self._alone(feed.feed_id):
            state = self._state(feed)
            visited = await visit(
                feed,
                state,
                self._fetcher,
                self._parser,
                self._clock,
                self._pushes,
                self._detects,
            )
            if not self._turns.record(feed, state, visited.outcome, self._steady()):
                FEED_POLLS.labels(outcome="offline").inc()
                return state
            await self._keep(feed, visited)
            _report(feed, state, visited)
            return visited.state

    async def push(self, feed_id: str, body: bytes, content_type: str) -> bool:
        """Take what a hub has pushed; an empty body only says that there is something to fetch.

        Returns:
            Whether the feed is ours.
        """
        if not self.takes(feed_id):
            return False
        feed = self._planned[feed_id]
        if not body:
            if feed_id in self._running:  # which may have fetched before the news was there
                self._asked.add(feed_id)
            else:
                self._turns.plan(feed, self._steady(), self._share.state(feed_id))
            self._wake.set()
            return True
        try:
            async with self._alone(feed_id):
                visited = await receive(
                    feed,
                    self._state(feed),
                    body,
                    content_type,
                    self._parser,
                    self._clock,
                    self._detects,
                )
                if self._pushes is not None:
                    known = self._pushes.subscription(feed_id)
                    visited = replace(visited, state=replace(visited.state, subscription=known))
                await self._keep(feed, visited)
        except ParseError as error:
            log.warning("push_unreadable", feed=feed_id, error=str(error))
        except BrokerError as error:  # ends the process, as after a poll
            self._failure = self._failure or error
            self._wake.set()
            raise
        else:
            new, updated = visited.outcome.new, visited.outcome.updated
            log.info("pushed", feed=feed_id, new=new, updated=updated)
        return True

    def takes(self, feed_id: str) -> bool:
        """Whether a push of this feed can be taken: it is ours, and nothing is being given up."""
        return feed_id in self._planned and self._share.holds(feed_id)

    def subscription(self, feed_id: str) -> Subscription | None:
        """What is remembered of the subscription of a feed of ours."""
        state = self._share.state(feed_id) if self._share.holds(feed_id) else None
        return state.subscription if state else None

    async def _keep(self, feed: Feed, visited: Visited) -> None:
        """Emit, have it acknowledged, write down, have that acknowledged, remember."""
        if not self._share.holds(feed.feed_id):
            log.warning("poll_dropped", feed=feed.feed_id, reason="the feed is another's by now")
            return
        self._publishing.add(feed.feed_id)
        try:
            await publish_items(self._producer, visited.items)
            await publish_trends(self._producer, visited.trends)
            if visited.refused is not None:
                await publish_refused(self._producer, feed, *visited.refused)
            await send_all(self._producer, [(FEED_STATE, feed.feed_id, visited.state)])
            self._share.remember(visited.state)
        finally:
            self._publishing.discard(feed.feed_id)

    def _state(self, feed: Feed) -> FeedState:
        """What is known of a feed under its present URL."""
        state = self._share.state(feed.feed_id)
        if state is None:
            return FeedState(feed_id=feed.feed_id, url=feed.url)
        return state if state.url == feed.url else moves.at_new_url(state, feed.url)

    async def _follow_share(self) -> None:
        """Bring the plans in line with the registry and with our share of it."""
        if self._version == self._share.version:
            return
        self._version = self._share.version
        wanted = {feed_id: feed for feed_id, feed in self._share.feeds.items() if feed.enabled}
        for feed_id in self._planned.keys() - wanted.keys():
            self._drop(feed_id)
        if self._pushes is not None and self._share.is_settled:
            self._pushes.forget(self._ours - wanted.keys())
            self._ours = set(wanted)
        now = self._clock()
        for number, (feed_id, feed) in enumerate(wanted.items(), 1):
            planned = self._planned.get(feed_id)
            if planned is feed or planned == feed:
                continue
            # An edited feed is polled at once: somebody waits to see whether it works.
            state = self._share.state(feed_id) if planned is None else None
            self._planned[feed_id] = feed
            if state is not None and self._pushes is not None:
                self._pushes.take(feed, state)
            wait = (schedule.first_check(feed, state, now) - now).total_seconds()
            self._turns.plan(feed, self._steady() + wait, state)
            if number % _PLANNED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _drop(self, feed_id: str) -> None:
        self._planned.pop(feed_id, None)
        self._turns.drop(feed_id)

    def _start_due(self) -> None:
        now = self._steady()
        if jump := self._jumps.note(self._clock().timestamp(), now):
            log.warning("clock_set", seconds=round(jump), then="feeds are polled as planned")
        while (feed_id := self._turns.take(now)) is not None:
            feed = self._planned[feed_id]
            if not self._share.holds(feed_id):  # frozen or cut off: the group will tell
                self._turns.done(feed_id)
                self._turns.plan(feed, now + _LOOK_SECONDS, self._share.state(feed_id))
                return
            task = asyncio.create_task(self._turn(feed), name=f"poll {feed_id}")
            self._running[feed_id] = task
            task.add_done_callback(partial(self._finish, feed_id))

    async def _turn(self, feed: Feed) -> None:
        try:
            state = await self.poll(feed)
        except BrokerError:
            raise
        except Exception:  # our own fault with one feed is no reason to leave all others alone
            log.exception("poll_failed_unexpectedly", feed=feed.feed_id)
            FEED_POLLS.labels(outcome="unexpected").inc()
            state = replace(self._state(feed), next_check_at=self._clock() + _FAULT_PAUSE)
        # Dropped or edited meanwhile? Then it is planned anew if it is to be polled again.
        if self._planned.get(feed.feed_id) == feed:
            wait = schedule.wait_seconds(state, self._clock())
            self._turns.plan_after(feed, state, wait, self._steady())
        elif self._pushes is not None and self._share.is_settled and feed.feed_id not in self._ours:
            self._pushes.forget([feed.feed_id])  # the poll has made its hub known again

    def _finish(self, feed_id: str, task: asyncio.Task[None]) -> None:
        del self._running[feed_id]
        self._turns.done(feed_id)
        feed = self._planned.get(feed_id)
        if feed_id in self._asked and feed is not None:
            self._turns.plan(feed, self._steady(), self._share.state(feed_id))
        self._asked.discard(feed_id)
        if not task.cancelled():
            self._failure = self._failure or task.exception()
        self._wake.set()

    async def _rest(self) -> None:
        """Until something may start, a poll ends, or it is time to look at the registry again."""
        now = self._steady()
        start = self._turns.next_start(now)
        seconds = _LOOK_SECONDS
        if start is not None:
            seconds = min(max(start - now, 0.0), seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    @asynccontextmanager
    async def _alone(self, feed_id: str) -> AsyncIterator[None]:
        """One at a time per feed: a push that meets a poll must not overwrite what it remembers."""
        lock = self._locks.get(feed_id)
        if lock is None:
            lock = self._locks[feed_id] = asyncio.Lock()
        async with lock:
            yield


def _report(feed: Feed, before: FeedState, visited: Visited) -> None:
    outcome, state = visited.outcome, visited.state
    FEED_POLLS.labels(outcome=outcome.error or "ok").inc()
    log.info(
        "polled",
        feed=feed.feed_id,
        status=outcome.error or outcome.status,
        new=outcome.new,
        updated=outcome.updated,
        ms=outcome.took_ms,
        health=state.health,
        reason=state.reason,
    )
    if state.health != before.health:
        log.warning(
            "feed_health_changed",
            feed=feed.feed_id,
            before=before.health,
            health=state.health,
            reason=state.reason,
        )
