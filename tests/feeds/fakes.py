"""Stand-ins for the edges of the poller: broker, control topics, internet, parser; and its world."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from streams.broker.topics import DEAD_LETTERS, FEED_STATE, ITEMS
from streams.errors import FetchError
from streams.feeds.document import ParsedFeed
from streams.feeds.fetch import Fetched, NotModified
from streams.feeds.languages import Detects
from streams.feeds.parse import parse
from streams.feeds.poller import Poller
from streams.feeds.ports import Parses
from streams.records import Feed, FeedState, Item
from streams.wire import decode

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Sent(NamedTuple):
    topic: str
    key: str
    value: bytes | None
    headers: dict[str, bytes]
    timestamp_ms: int | None


class FakeProducer:
    """Remembers what it acknowledged, in order."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.fails_on: set[str] = set()
        """Topics whose records are never acknowledged."""
        self.max_bytes = 10**9
        self.acks_wait: asyncio.Event | None = None

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes = b"",
        headers: Any = (),
        timestamp_ms: int | None = None,
    ) -> asyncio.Future[None]:
        if topic != DEAD_LETTERS and len(value or b"") > self.max_bytes:
            raise MessageSizeTooLargeError("too large")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if topic in self.fails_on:
            future.set_exception(KafkaTimeoutError())
            return future
        if self.acks_wait:
            await self.acks_wait.wait()
        self.sent.append(Sent(topic, key.decode(), value, dict(headers), timestamp_ms))
        future.set_result(None)
        return future

    async def send_and_wait(self, topic: str, **fields: Any) -> None:
        await (await self.send(topic, **fields))

    @property
    def items(self) -> list[Item]:
        return [decode(Item, sent.value) for sent in self.sent if sent.topic == ITEMS]

    @property
    def states(self) -> dict[str, FeedState]:
        """The last state per feed."""
        return {s.key: decode(FeedState, s.value) for s in self.sent if s.topic == FEED_STATE}


class FakeShare:
    """Feeds and what is remembered of them, without a broker; edit `feeds` and `states` at will."""

    def __init__(self, *feeds: Feed) -> None:
        self.registry: dict[str, Feed] = {feed.feed_id: feed for feed in feeds}
        self.states: dict[str, FeedState] = {}
        self.owned: set[str] | None = None
        """None: all feeds are ours."""
        self.fraction = 1.0
        self.is_settled = True

    @property
    def feeds(self) -> dict[str, Feed]:
        return {feed_id: feed for feed_id, feed in self.registry.items() if self.holds(feed_id)}

    @property
    def version(self) -> int:
        """Another one at every look: tests edit without telling."""
        self._version = getattr(self, "_version", 0) + 1
        return self._version

    def holds(self, feed_id: str) -> bool:
        return self.owned is None or feed_id in self.owned

    def state(self, feed_id: str) -> FeedState | None:
        return self.states.get(feed_id)

    def remember(self, state: FeedState) -> None:
        self.states[state.feed_id] = state


class FakeInternet:
    """Answers by URL: bytes, an exception, or a function that gives either."""

    def __init__(self, **pages: Any) -> None:
        self.pages: dict[str, Any] = {url_of(name): page for name, page in pages.items()}
        self.requests: list[tuple[str, str, str]] = []
        self.times: list[float] = []
        """Of the requests."""
        self.user_agents: list[str] = []
        self.in_flight: list[str] = []
        self.most_in_flight = 0

    async def fetch(
        self, url: str, *, etag: str = "", last_modified: str = "", user_agent: str = ""
    ) -> Fetched | NotModified:
        self.requests.append((url, etag, last_modified))
        self.times.append(time.monotonic())
        self.user_agents.append(user_agent)
        self.in_flight.append(url)
        self.most_in_flight = max(self.most_in_flight, len(self.in_flight))
        try:
            page = self.pages.get(url, FetchError("HTTP 404", kind="not_found", status=404))
            if asyncio.iscoroutinefunction(page):
                page = await page()
            elif callable(page):
                page = page()
        finally:
            self.in_flight.remove(url)
        if isinstance(page, BaseException):
            raise page
        if isinstance(page, Fetched | NotModified):
            return page
        return Fetched(status=200, url=url, final_url=url, body=page, etag='"1"')


class PlainParser:
    """Parses here, not elsewhere."""

    async def parse(self, body: bytes, content_type: str, url: str) -> ParsedFeed:
        return parse(body, content_type, url)


class Clock:
    """Goes on only when told; every reading may be made to take a step."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class World:
    """A poller with everything around it."""

    def __init__(self, *feeds: Feed, clock: Any = None, **pages: Any) -> None:
        self.share = FakeShare(*feeds)
        self.internet = FakeInternet(**pages)
        self.producer = FakeProducer()
        self.parser: Parses = PlainParser()
        self.clock = clock or Clock()
        self.steady: Callable[[], float] = lambda: self.clock().timestamp()
        """Seconds of a clock that nobody sets; set another and restart."""
        self.detects: Detects | None = None
        """Tells languages; set it and restart."""
        self.restart()

    @property
    def feeds(self) -> dict[str, Feed]:
        """The registry; edit it."""
        return self.share.registry

    @property
    def states(self) -> dict[str, FeedState]:
        """What is remembered; edit it."""
        return self.share.states

    def restart(self) -> None:
        """A new process: only what is in the topics is left."""
        self.share.states = {**self.share.states, **self.producer.states}
        self.poller = Poller(
            self.producer,
            self.share,
            self.internet,
            self.parser,
            clock=self.clock,
            steady=self.steady,
            detects=self.detects,
        )

    async def poll(self, feed_id: str = "a") -> FeedState:
        return await self.poller.poll(self.feeds[feed_id])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.poller.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=5)
            assert task.done()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)

    @property
    def titles(self) -> list[str]:
        return [item.title for item in self.producer.items]


def url_of(name: str) -> str:
    return f"https://{name}.example/feed"


def make_feed(name: str, **fields: Any) -> Feed:
    return Feed(**({"feed_id": name, "url": url_of(name)} | fields))


def rss(*titles: str, item: Callable[[str], str] | None = None) -> bytes:
    """A feed with one entry per title; the guid is the title's first word."""
    make = item or (
        lambda title: (
            f"<item><title>{title}</title><guid isPermaLink='false'>{title.split()[0]}</guid>"
            f"<pubDate>Fri, 20 Nov 2026 11:00:00 GMT</pubDate></item>"
        )
    )
    entries = "".join(make(title) for title in titles)
    return f"<rss version='2.0'><channel><title>T</title>{entries}</channel></rss>".encode()
