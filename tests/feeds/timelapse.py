"""Weeks of polling in seconds: the poller itself, over sockets, in a loop whose time jumps."""

import asyncio
import itertools
import selectors
import socket
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import wraps
from typing import NamedTuple
from unittest import mock

from aiohttp import web
from aiohttp.abc import AbstractResolver

from streams.broker.topics import FEED_STATE
from streams.config import Settings
from streams.feeds.fetch import Fetcher
from streams.records import FeedState
from streams.wire import decode
from tests.feeds.fakes import NOW, World, make_feed
from tests.feeds.loopback import answer

HOME = "127.0.0.1"
SETTINGS = Settings(allow_private=(f"{HOME}/32",))
_PATIENCE_SECONDS = 0.001
"""What was sent over loopback has arrived long before."""
_SHORTEST_JUMP = 1e-6
"""More than the rounding of a time of months."""


class _Jumps(selectors.DefaultSelector):
    """Where others would wait for a timer, time has passed."""

    def __init__(self):
        super().__init__()
        self.passed = 0.0

    def select(self, timeout=None):
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        found = super().select(min(timeout, _PATIENCE_SECONDS))
        if not found:
            self.passed += max(timeout, _SHORTEST_JUMP)
        return found


class _Loop(asyncio.SelectorEventLoop):
    """Good for what happens in this thread: timers do not wait for other threads and processes."""

    def __init__(self):
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self):
        return self._jumps.passed


def timelapse(test):
    """Run a test in a loop that never waits for a timer."""

    @wraps(test)
    def run(*args, **named):
        loop = _Loop()
        with (
            asyncio.Runner(loop_factory=lambda: loop) as runner,
            # The names that a connector has looked up are to grow old in the same time.
            mock.patch("aiohttp.connector.monotonic", loop.time),
        ):
            runner.run(test(*args, **named))

    return run


def loop_now():
    """The time of the loop, as a date."""
    return NOW + timedelta(seconds=asyncio.get_running_loop().time())


class Asked(NamedTuple):
    """A request."""

    at: datetime
    url: str
    headers: dict[str, str]

    @property
    def is_conditional(self):
        return "If-None-Match" in self.headers or "If-Modified-Since" in self.headers


class Site(AbstractResolver):
    """All web servers of the world on one loopback address, and the name server for them.

    Args:
        clock: the time that the servers tell.
        tls: a server context; without it, https is answered in plain HTTP.
        home: the loopback address.
    """

    def __init__(self, clock, tls=None, home=HOME):
        self.pages = {}
        """Address to handler; what is missing is answered by 404."""
        self.asked = []
        self.unknown = set()
        """Names that cannot be looked up."""
        self.addresses = {}
        """Names to other addresses."""
        self.most_in_flight = 0
        self._in_flight = 0
        self.tls = tls
        self.home = home
        self._clock = clock
        self._ports = {}
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)

    async def start(self):
        """Listen, at the same ports as before."""
        await self._runner.setup()
        for public, tls in ((80, None), (443, self.tls)):
            port = self._ports.get(public, 0)
            await web.TCPSite(self._runner, self.home, port, ssl_context=tls).start()
            self._ports[public] = self._runner.addresses[-1][1]

    async def stop(self):
        """Nobody listens any more."""
        await self._runner.cleanup()

    @property
    def base(self):
        """Its address without a name."""
        return f"http://{self.home}:{self._ports[80]}"

    def requests(self, url="", since=NOW):
        """The requests for an address, or for all that begin so."""
        return [each for each in self.asked if each.url.startswith(url) and each.at >= since]

    async def _handle(self, request):
        url = f"{request.scheme}://{request.host}{request.path_qs}"
        self.asked.append(Asked(self._clock(), url, dict(request.headers)))
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            response = await self.pages.get(url, answer(404))(request)
        finally:
            self._in_flight -= 1
        if not response.prepared:
            response.headers.setdefault("Date", format_datetime(self._clock(), usegmt=True))
        return response

    async def resolve(self, host, port=0, family=socket.AF_INET):
        if host in self.unknown:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            {
                "hostname": host,
                "host": self.addresses.get(host) or _number(host) or self.home,
                "port": self._ports.get(port, port),
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    async def close(self):
        """The fetcher is done with looking up names."""


def _number(host):
    """The address that a system reads out of `127.1` or `0x7f.1`; "" if it is a name."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""


class OnlineWorld(World):
    """A poller that reaches a Site by the real Fetcher."""

    def __init__(self, site, fetcher, clock):
        super().__init__(clock=clock)
        self.site = site
        self.internet = fetcher
        self.restart()

    def add(self, name, page=None, **fields):
        """A feed, and what its server answers."""
        feed = make_feed(name, **({"url": f"http://{name}.example/feed"} | fields))
        self.feeds[name] = feed
        if page is not None:
            self.site.pages[feed.url] = page

    def publish(self, name, page):
        """Another answer from now on."""
        self.site.pages[self.feeds[name].url] = page

    def polled(self, name="a"):
        """When the feed was polled, by the states in the topic."""
        states = (decode(FeedState, s.value) for s in self.producer.sent if s.topic == FEED_STATE)
        return [state.last_fetch_at for state in states if state.feed_id == name]

    def asked(self, name="a", since=NOW):
        """The requests for the address of a feed."""
        url = self.feeds[name].url
        return [each for each in self.site.requests(url, since) if each.url == url]


@asynccontextmanager
async def online(clock=loop_now, tls=None, settings=SETTINGS, home=HOME):
    """A world without feeds, and with a Site."""
    site = Site(clock, tls, home)
    async with AsyncExitStack() as stack:
        await site.start()
        stack.push_async_callback(site.stop)
        fetcher = await stack.enter_async_context(Fetcher(settings, None, clock, site))
        yield OnlineWorld(site, fetcher, clock)


@contextmanager
def rare_looks(seconds=86_400.0):
    """Let the poller look for edits of its registry more rarely: in a test of weeks nobody edits."""
    with mock.patch("streams.feeds.poller._LOOK_SECONDS", seconds):
        yield


async def polling(world, **duration):
    """Poll for so long."""
    with rare_looks():
        async with world.running():
            await asyncio.sleep(timedelta(**duration).total_seconds())


class Document:
    """A page with validators that knows what has changed."""

    def __init__(self, body, etag="", last_modified="", **headers):
        self.body, self.etag, self.last_modified, self.headers = body, etag, last_modified, headers

    async def __call__(self, request):
        headers = {name.replace("_", "-"): value for name, value in self.headers.items()}
        known = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        same = any(
            a == b != "" for a, b in zip(known, (self.etag, self.last_modified), strict=True)
        )
        if self.etag:
            headers["ETag"] = self.etag
        if self.last_modified:
            headers["Last-Modified"] = self.last_modified
        return web.Response(
            status=304 if same else 200, body=None if same else self.body, headers=headers
        )


def gaps(moments):
    """Between one and the next, in seconds."""
    return [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]


def times(requests):
    return [each.at for each in requests]
