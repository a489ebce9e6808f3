"""The process that polls: due feeds are fetched, parsed, decided on, published, remembered.

The order in `Poller.poll` is the promise that nothing is lost: what a poll brought is remembered
only when the broker has acknowledged it. A crash in between makes the next poll bring it again,
under the same ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import structlog
from aiokafka import AIOKafkaProducer

from streams.broker.broadcast import Broadcast
from streams.broker.clients import connect_producer, send_all
from streams.broker.topics import FEED_STATE, FEEDS
from streams.config import Settings, utc_now
from streams.feeds import schedule
from streams.feeds.agenda import Agenda
from streams.feeds.fetch import Fetcher
from streams.feeds.links import host_key
from streams.feeds.parser_pool import ParserPool
from streams.feeds.publish import publish_items
from streams.feeds.visit import Fetches, Parses, Visited, visit
from streams.metrics import FEED_POLLS
from streams.records import Feed, FeedState, Record

__all__ = ["Poller", "run"]

R_co = TypeVar("R_co", bound=Record, covariant=True)
log = structlog.get_logger(__name__)

CONCURRENCY = 64
_LOOK_SECONDS = 1.0
"""How soon an edit of the registry takes effect."""
_END_SECONDS = 4.0
"""How long a stop waits for what is being published."""


class Current(Protocol[R_co]):
    """A live view of a control topic, such as `Broadcast`."""

    @property
    def values(self) -> Mapping[str, R_co]:
        """Key to record."""
        ...


class Poller:
    """Polls every feed of the registry that is enabled and that `owns` accepts.

    Args:
        producer: started.
        feeds: the registry; read anew every second, so edits need no restart.
        states: what was remembered, by this process or one before it.
        fetcher: fetches.
        parser: parses.
        owns: whether to poll a feed_id; may change its mind at any time. This is the seam for
            sharing feeds among processes. `run` leaves it open, so each process polls all feeds.
        clock: the time.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        feeds: Current[Feed],
        states: Current[FeedState],
        fetcher: Fetches,
        parser: Parses,
        owns: Callable[[str], bool] = lambda feed_id: True,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._producer = producer
        self._feeds = feeds
        self._states = states
        self._fetcher = fetcher
        self._parser = parser
        self._owns = owns
        self._clock = clock
        self._agenda = Agenda()
        self._planned: dict[str, Feed] = {}
        self._remembered: dict[str, FeedState] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._publishing: set[str] = set()
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
                self._follow_registry()
                self._start_due()
                await self._rest()
            raise self._failure
        finally:
            await self._end()

    async def poll(self, feed: Feed) -> FeedState:
        """Poll one feed now. Trouble with the feed becomes its health.

        Raises:
            BrokerError: the broker does not take what was found. Nothing of it is remembered.
        """
        started = time.monotonic()
        visited = await visit(feed, self._state(feed), self._fetcher, self._parser, self._clock)
        self._publishing.add(feed.feed_id)
        try:
            # Emit, have it acknowledged, write down, have that acknowledged, remember.
            await publish_items(self._producer, visited.items)
            await send_all(self._producer, [(FEED_STATE, feed.feed_id, visited.state)])
            self._remembered[feed.feed_id] = visited.state
        finally:
            self._publishing.discard(feed.feed_id)
        _report(feed, visited, time.monotonic() - started)
        return visited.state

    def _state(self, feed: Feed) -> FeedState:
        """What is known of a feed: the later of what was written and what was remembered."""
        known = [
            state
            for source in (self._states.values, self._remembered)
            if (state := source.get(feed.feed_id)) is not None
        ]
        if not known:
            return FeedState(feed_id=feed.feed_id, url=feed.url)
        state = max(
            known, key=lambda each: each.last_fetch_at.timestamp() if each.last_fetch_at else 0
        )
        if state.url == feed.url:
            return state
        return _at_new_address(state, feed.url)

    def _follow_registry(self) -> None:
        """Bring the plans in line with the registry and with our share of it."""
        now = self._clock()
        wanted = {
            feed_id: feed
            for feed_id, feed in self._feeds.values.items()
            if feed.enabled and self._owns(feed_id)
        }
        for feed_id in self._planned.keys() - wanted.keys():
            del self._planned[feed_id]
            self._agenda.drop(feed_id)
        for feed_id, feed in wanted.items():
            planned = self._planned.get(feed_id)
            if planned is feed or planned == feed:
                continue
            state = self._state(feed) if planned is None else None
            self._planned[feed_id] = feed
            due = schedule.first_check(feed, state, now)
            self._agenda.put(feed_id, host_key(feed.url), due.timestamp())

    def _start_due(self) -> None:
        now = self._clock().timestamp()
        while len(self._running) < CONCURRENCY:
            feed_id = self._agenda.take(now)
            if feed_id is None:
                return
            task = asyncio.create_task(self._turn(self._planned[feed_id]), name=f"poll {feed_id}")
            self._running[feed_id] = task
            task.add_done_callback(partial(self._finish, feed_id))

    async def _turn(self, feed: Feed) -> None:
        state = await self.poll(feed)
        if self._planned.get(feed.feed_id) == feed and state.next_check_at is not None:
            due = state.next_check_at.timestamp()
            self._agenda.put(feed.feed_id, host_key(feed.url), due)

    def _finish(self, feed_id: str, task: asyncio.Task[None]) -> None:
        del self._running[feed_id]
        self._agenda.done(feed_id)
        if not task.cancelled():
            self._failure = self._failure or task.exception()
        self._wake.set()

    async def _rest(self) -> None:
        """Until something is due, a poll ends, or it is time to look at the registry again."""
        due = self._agenda.next_due()
        seconds = _LOOK_SECONDS
        if due is not None and len(self._running) < CONCURRENCY:
            seconds = min(max(due - self._clock().timestamp(), 0.0), seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _end(self) -> None:
        """Finish what is being published, drop what is not yet."""
        for feed_id, task in self._running.items():
            if feed_id not in self._publishing:
                task.cancel()
        tasks = set(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_END_SECONDS)
            for task in late:
                task.cancel()


def _at_new_address(state: FeedState, url: str) -> FeedState:
    """What stays when the URL of a feed changes: what was seen, and the pace.

    Validators and health belong to an address. Without a success there, its first document is
    judged as a first poll: what it held before is backfill.
    """
    return FeedState(
        feed_id=state.feed_id,
        url=url,
        last_fetch_at=state.last_fetch_at,
        interval_seconds=state.interval_seconds,
        seen=state.seen,
    )


def _report(feed: Feed, visited: Visited, seconds: float) -> None:
    outcome, state = visited.outcome, visited.state
    FEED_POLLS.labels(outcome=outcome.error or "ok").inc()
    log.info(
        "polled",
        feed=feed.feed_id,
        status=outcome.error or outcome.status,
        new=outcome.new,
        updated=outcome.updated,
        ms=round(seconds * 1000),
        health=state.health,
        reason=state.reason,
    )


async def run(settings: Settings) -> None:
    """Poll until SIGTERM or cancelled; the topics must exist.

    Args:
        settings: with a broker address.

    Raises:
        BrokerError: the broker cannot be reached or stopped taking records.
        ConfigError: a setting is unusable.
    """
    loop = asyncio.get_running_loop()
    # Resolving names blocks a thread each; the default of six would hold up everything else.
    loop.set_default_executor(ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="resolve"))
    async with AsyncExitStack() as stack:
        fetcher = await stack.enter_async_context(Fetcher(settings))
        producer = await connect_producer(settings)
        stack.push_async_callback(producer.stop)
        states = Broadcast(settings, FEED_STATE, FeedState)
        feeds = Broadcast(settings, FEEDS, Feed)
        for broadcast in (states, feeds):
            await broadcast.start()
            stack.push_async_callback(broadcast.stop)
        parser = ParserPool()
        stack.callback(parser.stop)
        poller = Poller(producer, feeds, states, fetcher, parser)
        log.info("poller_started", feeds=len(feeds.values), states=len(states.values))
        await _until_stopped(poller.run(), feeds.wait_failed(), states.wait_failed())
    log.info("poller_stopped")


async def _until_stopped(
    work: Coroutine[None, None, None], *watched: Coroutine[None, None, None]
) -> None:
    """Run until SIGTERM, or until one of these ends; raise what it raised."""
    tasks = [asyncio.create_task(each) for each in (work, *watched)]
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, tasks[0].cancel)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):  # a cancellation is none
            raise result
