import asyncio
import gzip
import socket
import time
import zlib

import pytest
from aiohttp import web

from streams.config import Settings
from streams.errors import ConfigError, FetchError
from streams.feeds.fetch import Fetched, Fetcher, Limits, NotModified
from tests.feeds.fakes import NOW
from tests.feeds.loopback import Names, answer, in_turn, redirect, saying, serving, words

LOOPBACK = Settings(allow_private=("127.0.0.0/8",), user_agent="Test/1")
SHORT = Limits(
    lookup_seconds=1, connect_seconds=2, read_seconds=0.4, total_seconds=0.8, body_bytes=2**20
)
HEAD = b"HTTP/1.1 200 OK\r\n"


async def ask(url, settings=LOOPBACK, limits=SHORT, resolver=None, **conditions):
    async with Fetcher(settings, limits, lambda: NOW, resolver) as fetcher:
        return await fetcher.fetch(url, **conditions)


async def fetch(url, **options):
    found = await ask(url, **options)
    assert isinstance(found, Fetched)
    return found


async def failure(url, **options):
    with pytest.raises(FetchError) as caught:
        await ask(url, **options)
    return caught.value


async def talk_failure(*pieces, every=0.0, **options):
    """What is said of a server that answers with these bytes."""
    async with saying(words(*pieces, every=every)) as base:
        return await failure(f"{base}/feed", **options)


class Page:
    """A document with validators, and what it was asked with."""

    def __init__(self, etag='"1"'):
        self.etag = etag
        self.asked = []

    async def show(self, request):
        self.asked.append(request.headers)
        same = request.headers.get("If-None-Match") == self.etag
        return web.Response(
            status=304 if same else 200,
            body=None if same else b"<rss/>",
            headers={"ETag": self.etag, "Set-Cookie": "id=7"},
        )


# --- documents ---------------------------------------------------------------------------


async def test_a_document_with_what_belongs_to_it():
    page = answer(body="Größe".encode(), ETag='W/"x"', Cache_Control="max-age=60")
    async with serving(feed=page) as base:
        found = await fetch(f"{base}/feed#top")
    assert (found.body.decode(), found.etag, found.wait_seconds) == ("Größe", 'W/"x"', 60)
    assert found.final_url == f"{base}/feed"
    assert (found.permanent_url, found.hub, found.feed_url, found.lang) == ("", "", "", "")


async def test_what_the_headers_say_of_the_feed():
    async def handle(request):
        response = web.Response(headers={"Content-Language": "de-DE"})
        response.headers.add("Link", '<https://hub.example/>; rel="hub"')
        response.headers.add("Link", '</feed>; rel="self"')
        return response

    async with serving(old=redirect("/feed"), feed=handle) as base:
        found = await fetch(f"{base}/old")
    assert (found.hub, found.feed_url, found.lang) == (
        "https://hub.example/", f"{base}/feed", "de",
    )  # fmt: skip


async def test_an_empty_document_is_a_document():
    async with serving(feed=answer(body=b"")) as base:
        assert (await fetch(f"{base}/feed")).body == b""


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"<rss/>", mtime=0)),
        ("gzip", gzip.compress(b"<rs", mtime=0) + gzip.compress(b"s/>", mtime=0)),
        ("deflate", zlib.compress(b"<rss/>")),
        ("identity", b"<rss/>"),
        ("UTF-8", b"<rss/>"),
    ],
)
async def test_compressed_documents(encoding, body):
    async with serving(feed=answer(body=body, Content_Encoding=encoding)) as base:
        assert (await fetch(f"{base}/feed")).body == b"<rss/>"


async def test_what_is_sent():
    page = Page()
    async with serving(feed=page.show) as base, Fetcher(LOOPBACK, SHORT) as fetcher:
        await fetcher.fetch(f"{base}/feed")
        await fetcher.fetch(f"{base}/feed", user_agent="Other/2")
    first, second = page.asked
    assert (first["User-Agent"], second["User-Agent"]) == ("Test/1", "Other/2")
    assert "gzip" in first["Accept-Encoding"]
    unwanted = {"Cookie", "Authorization", "Cache-Control", "A-IM", "If-None-Match", "Referer"}
    assert not unwanted & set(second), "a cookie was set"


# --- validators ----------------------------------------------------------------------------


async def test_validators_are_replayed_and_304_is_understood():
    page = Page('W/"old"')
    async with serving(feed=page.show) as base:
        found = await ask(f"{base}/feed", etag='W/"old"', last_modified="yesterday, roughly")
    assert isinstance(found, NotModified)
    assert (found.etag, found.last_modified, found.permanent_url) == ('W/"old"', "", "")
    assert page.asked[0]["If-None-Match"] == 'W/"old"'
    assert page.asked[0]["If-Modified-Since"] == "yesterday, roughly"


async def test_304_through_a_redirect():
    page = Page()
    async with serving(old=redirect("/feed", 301), feed=page.show) as base:
        found = await ask(f"{base}/old", etag='"1"')
    assert isinstance(found, NotModified)
    assert found.permanent_url == f"{base}/feed"


async def test_304_that_nobody_asked_for_is_no_success():
    async with serving(feed=answer(304)) as base:
        error = await failure(f"{base}/feed")
    assert (error.kind, error.status) == ("http", 304)


async def test_a_new_etag_with_an_equal_body_is_reported():
    page = Page('"2"')
    async with serving(feed=page.show) as base:
        assert (await fetch(f"{base}/feed", etag='"1"')).etag == '"2"'


# --- redirects ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_and_moves_for_good_reported(status):
    async with serving(old=redirect("new", status), new=answer()) as base:
        found = await fetch(f"{base}/old")
        assert (found.url, found.final_url) == (f"{base}/old", f"{base}/new")
        assert found.permanent_url == (f"{base}/new" if status in (301, 308) else "")


@pytest.mark.parametrize(
    ("first", "second", "third", "permanent"),
    [
        (301, 308, 301, "end"),
        (301, 308, 302, "c"),
        (308, 307, 301, "b"),
        (302, 301, 301, ""),
    ],
)
async def test_a_move_for_good_ends_at_the_first_passing_redirect(first, second, third, permanent):
    async with serving(
        a=redirect("/b", first), b=redirect("/c", second), c=redirect("/end", third), end=answer()
    ) as base:
        found = await fetch(f"{base}/a")
        assert found.final_url == f"{base}/end"
        assert found.permanent_url == (permanent and f"{base}/{permanent}")


async def test_a_redirect_that_comes_and_goes():
    page = in_turn(redirect("/new", 301), answer(), redirect("/new", 301))
    async with serving(feed=page, new=answer()) as base:
        moves = [(await fetch(f"{base}/feed")).permanent_url for _ in range(3)]
    assert moves == [f"{base}/new", "", f"{base}/new"]


@pytest.mark.parametrize(
    ("redirected", "permanent"), [(301, "gone"), (308, "gone"), (302, ""), (307, "")]
)
async def test_who_answered_is_told_of_an_error_too(redirected, permanent):
    async with serving(old=redirect("/gone", redirected), gone=answer(410)) as base:
        error = await failure(f"{base}/old")
    assert (error.kind, error.status) == ("gone", 410)
    assert error.permanent_url == (permanent and f"{base}/gone")


async def test_a_target_that_is_no_utf8_is_reached_and_told_in_ascii():
    raw = b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: /gr\xfc\xdfe\r\n\r\n"
    page = HEAD + b"Content-Length: 6\r\n\r\n<rss/>"
    async with saying(words(raw)) as base:
        error = await failure(f"{base}/feed")
        assert error.kind == "redirects", "it leads there again"

    async def first_raw_then_page(writer, left=[raw, page]):  # noqa: B006
        writer.write(left.pop(0))

    async with saying(first_raw_then_page) as base:
        assert (await fetch(f"{base}/feed")).permanent_url == f"{base}/gr%FC%DFe"


async def test_endless_redirects_end():
    asked = []

    async def onwards(request):
        asked.append(request.query_string)
        return web.Response(status=302, headers={"Location": f"?{len(asked)}"})

    async with serving(feed=onwards) as base:
        assert (await failure(f"{base}/feed")).kind == "redirects"
    assert asked == ["", "1", "2", "3", "4", "5"]


async def test_redirects_in_a_circle_end_where_they_close():
    a, b = Page(), Page()

    async def to_b(request):
        await a.show(request)
        return web.Response(status=301, headers={"Location": "/b"})

    async def to_a(request):
        await b.show(request)
        return web.Response(status=302, headers={"Location": "/a#again"})

    async with serving(a=to_b, b=to_a) as base:
        error = await failure(f"{base}/a")
    assert (error.kind, "circle" in str(error)) == ("redirects", True)
    assert (len(b.asked), len(a.asked)) == (1, 1)


async def test_a_redirect_without_a_target():
    async with serving(feed=answer(301)) as base:
        error = await failure(f"{base}/feed")
    assert (error.kind, error.status) == ("redirects", 301)


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/", "http://[::1]/", "http://[fd00:ec2::254]/", "file:///etc/passwd",
     "http://a@127.0.0.1/", "http://2130706433/", "http://127.1/", f"/{'x' * 3000}"],
)  # fmt: skip
async def test_a_redirect_to_where_nobody_should_go_is_refused(target):
    async with serving(feed=redirect(target)) as base:
        assert (await failure(f"{base}/feed")).kind == "refused"


# --- answers without a document ----------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "kind", "wait"),
    [
        (401, {"WWW-Authenticate": "Basic"}, "blocked", None),
        (403, {}, "blocked", None),
        (403, {"cf-mitigated": "challenge"}, "blocked", None),
        (503, {"cf-mitigated": "challenge"}, "blocked", None),
        (404, {}, "not_found", None),
        (410, {}, "gone", None),
        (429, {}, "slow_down", None),
        (429, {"Retry-After": "7"}, "slow_down", 7.0),
        (429, {"Retry-After": "-7"}, "slow_down", None),
        (429, {"Retry-After": "99999999999"}, "slow_down", 86_400.0),
        (429, {"Retry-After": "Mon, 01 Jan 2001 00:10:00 GMT",
               "Date": "Mon, 01 Jan 2001 00:00:00 GMT"}, "slow_down", 600.0),
        (503, {"Retry-After": "120"}, "slow_down", 120.0),
        (503, {}, "server", None),
        (500, {}, "server", None),
        (502, {}, "server", None),
        (520, {}, "server", None),
        (300, {"Location": "/other"}, "http", None),
        (204, {}, "http", None),
        (206, {}, "http", None),
        (226, {"IM": "feed"}, "http", None),
    ],
)  # fmt: skip
async def test_answers_without_a_document(status, headers, kind, wait):
    async def handle(request):
        return web.Response(status=status, headers=headers)

    async with serving(feed=handle) as base:
        error = await failure(f"{base}/feed")
    assert (error.kind, error.status, error.retry_after_seconds) == (kind, status, wait)
    assert str(status) in str(error)


async def test_the_servers_own_words_are_not_repeated():
    error = await talk_failure(b"HTTP/1.1 404 \x1b[31mred\r\nContent-Length: 0\r\n\r\n")
    assert "red" not in str(error)


# --- servers that misbehave -------------------------------------------------------------------


@pytest.mark.parametrize(
    "pieces",
    [
        [b"220 smtp.example ready\r\n\r\n"],
        [b"<rss/>"],
        [b"HTTP/1.1 OK\r\n\r\n"],
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"x"],
        [b""],
    ],
)
async def test_no_http_at_all(pieces):
    assert (await talk_failure(*pieces)).kind in {"protocol", "connect", "http"}


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD, b"Content-Length: 100\r\n\r\n", b"<rss>"],
        [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"ff\r\n<rss>"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\nwhat?\r\n<rss>\r\n0\r\n\r\n"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n<rss>\r\n0\r\n\r\n"],
        [HEAD, b"Content-Length: 6\r\nContent-Length: 7\r\n\r\n<rss/>"],
        [HEAD, b"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\n<rss/>"],
        [HEAD, b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"<rss/>")[:-6] + b"\0" * 6],
        [HEAD, *(b"X-%d: x\r\n" % n for n in range(1000)), b"\r\n"],
        [HEAD, b"X: ", *[b"x" * 1000] * 50, b"\r\n\r\n"],
        [b"HTTP/1.1 200 ", *[b"x" * 1000] * 50, b"\r\n\r\n"],
    ],
    ids=["ends early", "chunk ends early", "no chunk size", "negative chunk", "two lengths",
         "not compressed", "damaged", "many headers", "long header", "long reason"],
)  # fmt: skip
async def test_damaged_answers(pieces):
    error = await talk_failure(*pieces)
    assert error.kind == "protocol"
    assert len(str(error)) < 300


async def test_chunks_that_go_wrong_later_end_in_time():
    """aiohttp 3.14 does not notice before the time is up."""
    started = time.monotonic()
    error = await talk_failure(
        HEAD, b"Transfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n", b"what?\r\n", every=0.05
    )
    assert error.kind in {"protocol", "timeout"}
    assert time.monotonic() - started < 2


async def test_what_comes_compressed_though_nobody_asked():
    error = await talk_failure(HEAD, b"Content-Encoding: br\r\nContent-Length: 4\r\n\r\n<rss")
    assert error.kind == "protocol"


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD, b"\r\n", *[b"x"] * 100],
        [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 100],
        [HEAD, *[b"X: x\r\n"] * 100],
        [HEAD, b"X: ", *[b"x"] * 100],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 100,
    ],
    ids=["body", "chunks", "headers", "header", "continue"],
)
async def test_an_answer_that_drips_ends_in_time(pieces):
    started = time.monotonic()
    error = await talk_failure(*pieces, every=0.05)  # never silent for as long as the read timeout
    assert error.kind == "timeout"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("pieces", [[b""], [HEAD], [HEAD, b"\r\n<rss>"]])
async def test_a_silent_server_ends_in_time(pieces):
    started = time.monotonic()
    error = await talk_failure(*pieces, every=3, limits=Limits(read_seconds=0.3))
    assert error.kind == "timeout"
    assert time.monotonic() - started < 2


async def test_redirects_share_the_time_of_one_fetch():
    async def slowly(request):
        await asyncio.sleep(0.3)
        return web.Response(status=302, headers={"Location": f"{request.path}?{time.time()}"})

    started = time.monotonic()
    async with serving(feed=slowly) as base:
        assert (await failure(f"{base}/feed")).kind == "timeout"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("size", [2**20, 2**20 + 1])
async def test_the_limit_of_the_body(size):
    async with serving(feed=answer(body=bytes(size))) as base:
        if size == 2**20:
            assert len((await fetch(f"{base}/feed")).body) == size
        else:
            error = await failure(f"{base}/feed")
            assert (error.kind, str(error)) == ("too_large", "larger than 1 MiB")


async def test_too_much_is_not_read_to_the_end():
    sent = []

    async def pour(writer):
        writer.write(HEAD + b"\r\n")
        for _ in range(100):
            writer.write(bytes(2**20))
            await writer.drain()
            sent.append(1)

    async with saying(pour) as base:
        assert (await failure(f"{base}/feed")).kind == "too_large"
        await asyncio.sleep(0.1)
    assert len(sent) < 20


# --- where no server answers ---------------------------------------------------------------


async def test_nothing_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert (await failure(f"http://127.0.0.1:{port}/")).kind == "connect"


async def test_no_tls_where_there_should_be():
    async with serving(feed=answer()) as base:
        error = await failure(f"{base.replace('http', 'https')}/feed")
    assert error.kind == "tls"


@pytest.mark.parametrize(
    ("code", "kind"), [(socket.EAI_AGAIN, "dns_temporary"), (socket.EAI_NONAME, "dns")]
)
async def test_a_name_that_leads_nowhere(code, kind):
    class NoNames(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise socket.gaierror(code, "because")

    assert (await failure("http://a.example/", resolver=NoNames())).kind == kind


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "http://[::1", "http://a.example:x/"])
async def test_addresses_that_are_none(url):
    assert (await failure(url)).kind == "refused"


async def test_messages_do_not_repeat_the_address():
    secret = "token=hush"
    errors = [
        await talk_failure(b"HTTP/1.1 OK\r\n\r\n"),
        await failure(f"http://127.0.0.1:1/?{secret}"),
        await failure(f"http://a..example/?{secret}"),
        await failure(f"http://x@a.example/?{secret}"),
        await failure(f"ftp://a.example/?{secret}"),
    ]
    async with saying(words(b"what?\r\n\r\n")) as base:
        errors.append(await failure(f"{base}/?{secret}"))
    async with serving(feed=redirect(f"/feed?{secret}")) as base:
        errors.append(await failure(f"{base}/feed?{secret}"))
    assert not [str(error) for error in errors if "hush" in str(error)]


# --- the guard ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
             "0x7f.0.0.1", "0177.0.0.1", "127.1", "2130706433", "127。0。0。1", "127.0.0.1.", "0"],
)  # fmt: skip
async def test_loopback_is_refused_unless_allowed(host):
    page = Page()
    async with serving(feed=page.show) as base:
        port = base.rpartition(":")[2]
        error = await failure(f"http://{host}:{port}/feed", settings=Settings())
    assert error.kind == "refused"
    assert page.asked == []


async def test_a_private_address_among_public_ones_is_left_out():
    """127.0.0.2 stands for the public internet, which tests cannot reach."""
    settings = Settings(allow_private=("127.0.0.2/32",))
    page, private = Page(), Page()
    async with serving("127.0.0.2", feed=page.show) as base, serving(feed=private.show):
        port = base.rpartition(":")[2]
        resolver = Names(mixed=[["127.0.0.1", "127.0.0.2", "10.0.0.1"]], bad=[["127.0.0.1"]])
        url = f"http://mixed.example:{port}/feed"
        assert (await fetch(url, settings=settings, resolver=resolver)).body == b"<rss/>"
        url = f"http://bad.example:{port}/feed"
        error = await failure(url, settings=settings, resolver=resolver)
        assert (error.kind, "WIREWATCH_ALLOW_PRIVATE" in str(error)) == ("refused", True)
    assert (len(page.asked), private.asked) == (1, [])


async def test_ports_that_are_not_for_the_web():
    assert "port 22" in str(await failure("http://93.184.216.34:22/", settings=Settings()))


def test_a_wrong_range_is_reported_before_anything_is_fetched():
    with pytest.raises(ConfigError):
        Fetcher(Settings(allow_private=("everything",)))


# --- forms ---------------------------------------------------------------------------------------


async def test_a_form_is_posted_and_redirects_are_not_followed():
    got = []

    async def hub(request):
        got.append((request.method, dict(await request.post())))
        return web.Response(status=202)

    async with (
        serving(hub=hub, old=redirect("/hub", 307)) as base,
        Fetcher(LOOPBACK, SHORT) as fetcher,
    ):
        assert await fetcher.post(f"{base}/hub", {"hub.mode": "subscribe", "x": "ä&"}) == 202
        assert await fetcher.post(f"{base}/old", {}) == 307
    assert got == [("POST", {"hub.mode": "subscribe", "x": "ä&"})]


async def test_a_form_goes_only_where_feeds_may_come_from():
    page = Page()
    async with serving(hub=page.show) as base, Fetcher(Settings(), SHORT) as fetcher:
        for url in (f"{base}/hub", "http://x@a.example/"):
            with pytest.raises(FetchError) as caught:
                await fetcher.post(url, {})
            assert caught.value.kind == "refused"
    assert page.asked == []


async def test_a_hub_that_never_stops_talking_is_not_listened_to():
    async with (
        saying(words(HEAD + b"\r\n", *[bytes(2**16)] * 1000)) as base,
        Fetcher(LOOPBACK, SHORT) as fetcher,
    ):
        assert await fetcher.post(f"{base}/", {}) == 200


async def test_a_hub_that_does_not_answer_ends_in_time():
    async with saying(words(b"", every=3)) as base, Fetcher(LOOPBACK, SHORT) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.post(f"{base}/", {})
    assert caught.value.kind == "timeout"
