import asyncio
import gzip
import socket

import pytest
from aiohttp import web

from streams.config import Settings
from streams.errors import ConfigError, FetchError
from streams.feeds.fetch import Fetched, Fetcher, Limits, NotModified
from tests.feeds.fakes import NOW
from tests.feeds.loopback import answer, serving

LOOPBACK = Settings(allow_private=("127.0.0.0/8",), user_agent="Test/1")
SHORT = Limits(connect_seconds=2, read_seconds=0.4, total_seconds=0.8, body_bytes=1024 * 1024)


def redirect(to, status=302):
    async def handle(request):
        return web.Response(status=status, headers={"Location": to})

    return handle


async def fetch(url, settings=LOOPBACK, limits=SHORT, **conditions):
    async with Fetcher(settings, limits, lambda: NOW) as fetcher:
        return await fetcher.fetch(url, **conditions)


async def failure(url, **options):
    with pytest.raises(FetchError) as caught:
        await fetch(url, **options)
    return caught.value


async def test_a_document_with_what_belongs_to_it():
    page = answer(body="Größe".encode(), ETag='W/"x"', Cache_Control="max-age=60")
    async with serving(feed=page) as base:
        found = await fetch(f"{base}/feed")
        assert isinstance(found, Fetched)
        assert (found.body.decode(), found.etag, found.wait_seconds) == ("Größe", 'W/"x"', 60)
        assert found.final_url == found.url == f"{base}/feed"
        assert found.permanent_url is None


async def test_validators_are_replayed_and_304_is_understood():
    asked = []

    async def handle(request):
        asked.append(dict(request.headers))
        return web.Response(status=304, headers={"ETag": '"new"'})

    async with serving(feed=handle) as base:
        found = await fetch(f"{base}/feed", etag='W/"old"', last_modified="yesterday, roughly")
    assert isinstance(found, NotModified)
    assert (found.etag, found.last_modified) == ('"new"', "")
    assert asked[0]["If-None-Match"] == 'W/"old"'
    assert asked[0]["If-Modified-Since"] == "yesterday, roughly"
    assert asked[0]["User-Agent"] == "Test/1"
    assert "Cache-Control" not in asked[0]
    assert "Cookie" not in asked[0]


async def test_redirects_are_followed_and_moves_for_good_reported():
    async with serving(
        old=redirect("/new", 301), new=redirect("here", 308), here=answer(), brief=redirect("/old")
    ) as base:
        found = await fetch(f"{base}/old")
        assert isinstance(found, Fetched)
        assert found.final_url == found.permanent_url == f"{base}/here"
        found = await fetch(f"{base}/brief")
        assert isinstance(found, Fetched)
        assert found.permanent_url is None, "a passing redirect came first"


async def test_endless_redirects_end():
    async with serving(loop=redirect("/loop")) as base:
        assert (await failure(f"{base}/loop")).kind == "redirects"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, "blocked"), (404, "not_found"), (410, "gone"), (429, "slow_down"), (500, "server")],
)
async def test_answers_without_a_document(status, kind):
    async with serving(feed=answer(status, Retry_After="7")) as base:
        error = await failure(f"{base}/feed")
    assert (error.kind, error.status, error.retry_after_seconds) == (kind, status, 7.0)


async def test_a_bomb_stops_at_the_limit():
    bomb = gzip.compress(bytes(300 * 1024 * 1024), compresslevel=1)
    limits = Limits()
    async with serving(bomb=answer(body=bomb, Content_Encoding="gzip")) as base:
        error = await failure(f"{base}/bomb", limits=limits)
    assert error.kind == "too_large"
    assert "10 MiB" in str(error)


async def test_a_dripping_answer_ends_in_time():
    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x")
            await asyncio.sleep(0.05)  # never silent long enough for the read timeout
        return response

    async with serving(drip=drip) as base:
        started = asyncio.get_running_loop().time()
        assert (await failure(f"{base}/drip")).kind == "timeout"
        assert asyncio.get_running_loop().time() - started < 2


async def test_a_silent_answer_ends_in_time():
    async def silence(request):
        await asyncio.sleep(5)
        return web.Response()

    async with serving(silence=silence) as base:
        assert (await failure(f"{base}/silence")).kind == "timeout"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.0.0.1"])
async def test_loopback_is_refused_unless_allowed(host):
    async with serving(feed=answer()) as base:
        port = base.rpartition(":")[2]
        error = await failure(f"http://{host}:{port}/feed", settings=Settings())
    assert error.kind in {"refused", "dns"}, str(error)
    if host != "0x7f.0.0.1":
        assert error.kind == "refused"


async def test_a_redirect_to_a_private_address_is_refused():
    targets = ("http://10.0.0.1/", "http://[::1]/", "file:///etc/passwd", "http://a@127.0.0.1/")
    for target in targets:
        async with serving(feed=redirect(target)) as base:
            error = await failure(f"{base}/feed")
        assert error.kind == "refused", target


async def test_nothing_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert (await failure(f"http://127.0.0.1:{port}/")).kind == "connect"


async def test_no_http_at_all():
    async def talk(reader, writer):
        writer.write(b"220 smtp.example ready\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert (await failure(f"http://127.0.0.1:{port}/")).kind in {"protocol", "connect"}


async def test_a_damaged_body_is_an_error_of_this_feed():
    async with serving(feed=answer(body=b"not compressed at all", Content_Encoding="gzip")) as base:
        assert (await failure(f"{base}/feed")).kind == "protocol"


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "http://[::1", "http://a.example:x/"])
async def test_addresses_that_are_none(url):
    assert (await failure(url)).kind == "refused"


def test_a_wrong_range_is_reported_before_anything_is_fetched():
    with pytest.raises(ConfigError):
        Fetcher(Settings(allow_private=("everything",)))
