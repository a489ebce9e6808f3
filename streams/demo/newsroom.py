"""A newsroom on loopback: feeds that publish over time, so that alerts come without internet.

The clock starts with the first request for a feed: nothing is published before somebody reads,
however long brokers and workers need to start. Every start is a new edition whose items have
identities of their own, as new news would. When the script is over, no more news comes.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from aiohttp import ETag, web

from streams.config import utc_now
from streams.demo.render import content_type, page, render
from streams.demo.script import Script, VisibleItem, feed_at, hasten, last_second, load_scripts
from streams.errors import WirewatchError
from streams.records import Feed

__all__ = [
    "Newsroom",
    "demo_feeds",
    "feed_at",
    "is_unmodified",
    "load_scripts",
    "render",
    "run",
    "serve",
]

HOST = "127.0.0.1"
PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'"}

log = structlog.get_logger(__name__)


def demo_feeds(base_url: str, interval_seconds: int = 2) -> list[Feed]:
    """The feeds of a newsroom, ready for `news.feeds`."""
    return [
        Feed(
            feed_id=outlet.id,
            url=f"{base_url}/feeds/{outlet.path}",
            title=outlet.title,
            lang=outlet.lang,
            tier=outlet.tier,
            tags=("demo",),
            interval_seconds=interval_seconds,
            origin="file",
        )
        for outlet in (script.feed for script in load_scripts())
    ]


def is_unmodified(
    if_none_match: Sequence[ETag],
    if_modified_since: datetime | None,
    etag: str,
    last_modified: datetime,
) -> bool:
    """Decide whether 304 is the answer; tags, where given, overrule dates (RFC 9110, 13.2.2)."""
    if if_none_match:
        return any(each.value in ("*", etag) for each in if_none_match)
    return if_modified_since is not None and last_modified <= if_modified_since


class Newsroom:
    """The scripts, a clock, and the pages made of them.

    Args:
        scripts: one per feed.
        base_url: where it is served, without a slash at the end.
        clock: tells the time.
    """

    def __init__(
        self, scripts: Sequence[Script], base_url: str, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._scripts = {script.feed.path: script for script in scripts}
        self._last_second = max(last_second(script) for script in scripts)
        self._base_url, self._clock = base_url, clock
        self._started_at: datetime | None = None
        self._is_over = False

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application()
        application.router.add_get("/", self._index)
        application.router.add_get("/feeds/{path}", self._feed)
        application.router.add_get("/articles/{feed}/{item}", self._article)
        return application

    def _visible(self, script: Script) -> tuple[VisibleItem, ...]:
        if self._started_at is None:
            return ()
        elapsed = (self._clock() - self._started_at).total_seconds()
        if elapsed > self._last_second and not self._is_over:
            self._is_over = True
            log.info("newsroom script over, nothing more is published", seconds=round(elapsed))
        return feed_at(script, elapsed, self._started_at)

    async def _feed(self, request: web.Request) -> web.Response:
        script = self._scripts.get(request.match_info["path"])
        if script is None:
            raise web.HTTPNotFound(text="no such feed\n")
        if self._started_at is None:
            self._started_at = self._clock().replace(microsecond=0)  # HTTP dates have no fractions
            log.info("newsroom starts to publish", last_second=round(self._last_second))
        entries = self._visible(script)
        document = render(script, entries, self._base_url)
        etag = hashlib.blake2b(document, digest_size=8).hexdigest()
        changed = max((entry.changed for entry in entries), default=self._started_at)
        if is_unmodified(request.if_none_match or (), request.if_modified_since, etag, changed):
            response = web.Response(status=304)
        else:
            response = web.Response(
                body=document, headers={"Content-Type": content_type(script.feed)}
            )
        response.etag, response.last_modified = etag, changed
        return response

    async def _article(self, request: web.Request) -> web.Response:
        key = "{feed}/{item}".format_map(request.match_info)
        for script in self._scripts.values():
            for entry in self._visible(script):
                if entry.key == key:
                    body = f"<p>{entry.summary}</p><div>{entry.body}</div>"
                    return _page(page(entry.title, body, script.feed.lang))
        raise web.HTTPNotFound(text="no such page, or not published yet\n")

    async def _index(self, _: web.Request) -> web.Response:
        rows = [
            f'<li><a href="/feeds/{path}">{script.feed.title}</a>, {script.feed.format}: '
            f"{len(self._visible(script))} of {len(script.items)} published</li>"
            for path, script in self._scripts.items()
        ]
        return _page(page("The demo newsroom", f"<ul>{''.join(rows)}</ul>"))


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers=PAGE_HEADERS)


@asynccontextmanager
async def serve(port: int = 0, speed: float = 1.0) -> AsyncIterator[str]:
    """Serve the newsroom while the context lasts.

    Args:
        port: on 127.0.0.1; 0 takes a free one.
        speed: how many times as fast as written the script is played.

    Yields:
        The address, without a slash at the end.

    Raises:
        WirewatchError: the port cannot be had.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise WirewatchError(
            f"cannot listen on {HOST}:{port}: {error.strerror}",
            cure="choose another port, or 0 for a free one",
        ) from error
    with listener:
        base_url = f"http://{HOST}:{listener.getsockname()[1]}"
        scripts = [hasten(script, speed) for script in load_scripts()]
        runner = web.AppRunner(Newsroom(scripts, base_url).application(), access_log=None)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield base_url
        finally:
            await runner.cleanup()


async def run(
    port: int = 0, speed: float = 1.0, announce: Callable[[str], None] = lambda _: None
) -> None:
    """Serve the newsroom until cancelled; `announce` is told the address once it answers."""
    async with serve(port, speed) as base_url:
        announce(base_url)
        await asyncio.Event().wait()
