"""A loopback web server whose feeds bring news at an even pace, and which receives notifications."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Literal, Self

from aiohttp import web

from streams.demo.render import content_type, render
from streams.demo.script import Outlet, Script, VisibleItem
from streams.records import Feed, Item
from tests.e2e.stream import serving
from tests.soak.clock import Clock

__all__ = ["FEEDS", "Publisher"]

FEEDS = 12
"""As many as `tests.chaos.news` has."""
_KEPT = 400
"""Entries in a document: how far a poll may be late before one is lost to it."""
_FORMATS: tuple[Literal["rss", "atom", "json", "rdf"], ...] = ("rss", "atom", "json", "rdf")
_INTERVAL = 5.0
"""Real seconds between two polls of a feed."""


class Publisher:
    """Publishes items one after another; each feed shows the newest ones.

    Args:
        news: what to publish, in order; each item's feed_id is one of `feed-0` to `feed-11`.
        clock: the stream's time.
    """

    def __init__(self, news: Iterator[Item], clock: Clock) -> None:
        self._news, self._clock = news, clock
        self._shown: dict[str, deque[VisibleItem]] = {
            f"feed-{number}": deque(maxlen=_KEPT) for number in range(FEEDS)
        }
        self.published: set[str] = set()
        """Links of all entries so far, each with its feed."""
        self.notified = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/feeds/{path}", self._answer)
        app.router.add_post("/notified", self._receive)
        self._serving = serving(app)
        self.url = await self._serving.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._serving.__aexit__(*error)

    def feeds(self) -> list[Feed]:
        """The feeds, to be polled as often as their documents need."""
        return [
            Feed(
                feed_id=name,
                url=f"{self.url}/feeds/{name}",
                title=f"Soak {name}",
                lang=_outlet(name).lang,
                tier=1 + number % 3,
                interval_seconds=int(_INTERVAL * self._clock.speed),
            )
            for number, name in enumerate(self._shown)
        ]

    async def publish(self, rate: float, seconds: float) -> None:
        """Publish so many items a second for so long, evenly."""
        began = time.monotonic()
        for number in range(round(rate * seconds)):
            await asyncio.sleep(began + number / rate - time.monotonic())
            self.show(next(self._news))

    def show(self, item: Item) -> None:
        """Put an item at the end of its feed; a revision takes the place of what it revises."""
        now = self._clock.at(time.time())
        shown = self._shown[item.feed_id]
        entry = VisibleItem(
            key=f"{item.feed_id}/{item.item_id}",
            guid=item.item_id,
            link=f"/{item.feed_id}/{item.item_id}",
            title=item.title,
            summary=item.summary,
            body="",
            author="",
            categories=(),
            published=now,
            changed=now,
        )
        for place, each in enumerate(shown):
            if each.guid == entry.guid:
                shown[place] = entry
                return
        shown.append(entry)
        self.published.add(entry.link)

    async def _answer(self, request: web.Request) -> web.Response:
        name = request.match_info["path"]
        script = Script(feed=_outlet(name), items=())
        body = render(script, tuple(reversed(self._shown[name])), self.url)
        now: datetime = self._clock.at(time.time())
        headers = {
            "Content-Type": content_type(script.feed),
            "Date": format_datetime(now, usegmt=True),
            "ETag": f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"',
        }
        return web.Response(body=body, headers=headers)

    async def _receive(self, request: web.Request) -> web.Response:
        await request.read()
        self.notified += 1
        return web.Response(status=204)


def _outlet(name: str) -> Outlet:
    number = int(name.removeprefix("feed-"))
    return Outlet(
        id=name,
        title=f"Soak {name}",
        lang="de" if number % 3 == 0 else "en",
        tier=1 + number % 3,
        format=_FORMATS[number % len(_FORMATS)],
        path=name,
    )
