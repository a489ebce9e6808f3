import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import ETag, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from streams.demo.newsroom import Newsroom, demo_feeds, is_unmodified, load_scripts, run, serve
from streams.errors import WirewatchError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WIRE = "/feeds/nordwind.xml"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@asynccontextmanager
async def newsroom() -> AsyncIterator[tuple[TestClient[web.Request, web.Application], Clock]]:
    clock = Clock()
    rooms = Newsroom(load_scripts(), "http://news.test", clock)
    async with TestClient(TestServer(rooms.application())) as client:
        yield client, clock


async def test_the_first_reader_starts_the_clock() -> None:
    async with newsroom() as (client, clock):
        clock.pass_seconds(3600)
        index = await (await client.get("/")).text()
        assert "0 of" in index
        document = await (await client.get(WIRE)).text()
        assert "ki-gespraech" in document
        assert "Sun, 01 Mar 2026 13:00:00 +0000" in document
        assert "openai-muenchen" not in document
        clock.pass_seconds(300)
        assert "openai-muenchen" in await (await client.get(WIRE)).text()


async def test_unchanged_is_304_until_something_is_published() -> None:
    async with newsroom() as (client, clock):
        first = await client.get(WIRE)
        assert first.status == 200
        assert first.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
        by_tag = {"If-None-Match": first.headers["ETag"]}
        by_date = {"If-Modified-Since": first.headers["Last-Modified"]}
        for headers in (by_tag, by_date):
            again = await client.get(WIRE, headers=headers)
            assert again.status == 304
            assert again.headers["ETag"] == first.headers["ETag"]
            assert await again.read() == b""
        clock.pass_seconds(60)
        for headers in (by_tag, by_date):
            assert (await client.get(WIRE, headers=headers)).status == 200


@pytest.mark.parametrize(
    ("tags", "since", "expected"),
    [
        ((), None, False),
        ((ETag("a"),), None, True),
        ((ETag("b"), ETag("a")), None, True),
        ((ETag("*"),), None, True),
        ((), NOON, True),
        ((), NOON - timedelta(seconds=1), False),
        ((ETag("b"),), NOON, False),  # a tag overrules the date
    ],
)
def test_is_unmodified(tags: tuple[ETag, ...], since: datetime | None, expected: bool) -> None:
    assert is_unmodified(tags, since, "a", NOON) is expected


async def test_every_link_of_a_feed_leads_to_a_page_without_scripts() -> None:
    async with newsroom() as (client, clock):
        await client.get(WIRE)
        assert (await client.get("/articles/brueckstedt/rathaus-script")).status == 404
        clock.pass_seconds(2000)
        for script in load_scripts():
            for item in script.items:
                path = item.link or f"/articles/{script.feed.id}/{item.id}"
                response = await client.get(path)
                assert response.status == 200, path
                text = await response.text()
                assert "<script" not in text
                assert "onerror" not in text
        assert response.headers["Content-Security-Policy"] == "default-src 'none'"


async def test_unknown_pages_are_404() -> None:
    async with newsroom() as (client, _):
        for path in ("/feeds/none.xml", "/articles/nordwind/none", "/nothing"):
            assert (await client.get(path)).status == 404


async def test_the_end_of_the_script_is_told_once() -> None:
    async with newsroom() as (client, clock):
        with capture_logs() as logs:
            await client.get(WIRE)
            for _ in range(3):
                clock.pass_seconds(2000)
                await client.get(WIRE)
        assert len([entry for entry in logs if "nothing more" in entry["event"]]) == 1


async def test_serves_the_feeds_it_names_on_loopback() -> None:
    async with serve(speed=10) as base_url, aiohttp.ClientSession() as session:
        feeds = demo_feeds(base_url)
        assert len({feed.feed_id for feed in feeds}) == len(feeds) == len(load_scripts())
        for feed in feeds:
            assert (feed.interval_seconds, feed.origin) == (2, "file")
            assert feed.url.startswith("http://127.0.0.1:")
            async with session.get(feed.url) as response:
                assert response.status == 200
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(feeds[0].url)


async def test_runs_until_cancelled() -> None:
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(announce=address.set_result))
    async with aiohttp.ClientSession() as session, session.get(await address) as response:
        assert response.status == 200
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_taken_port_is_an_error_with_a_cure() -> None:
    async with serve() as base_url:
        port = int(base_url.rpartition(":")[2])
        with pytest.raises(WirewatchError, match="another port"):
            async with serve(port):
                pass
