"""What each answer of a server means for its feed, as the publisher and the reader notice it."""

import asyncio
import itertools
import shutil
import ssl
import subprocess
from datetime import timedelta
from email.utils import format_datetime
from unittest import mock

import pytest
from aiohttp import web

from streams.broker.topics import DEAD_LETTERS
from tests.feeds.fakes import NOW, Clock, rss
from tests.feeds.loopback import answer, in_turn, redirect
from tests.feeds.timelapse import (
    Document,
    gaps,
    loop_now,
    online,
    polling,
    timelapse,
    times,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OLD, NEW = "http://old.example/feed", "http://new.example/feed"
JITTER = 1.1


def http_date(moment):
    return format_datetime(moment, usegmt=True)


def after(**duration):
    return NOW + timedelta(**duration)


# --- 200 and 304 ---------------------------------------------------------------------------


@timelapse
async def test_200_is_a_success_and_asked_again_when_planned():
    async with online() as world:
        world.add("a", answer(body=rss("one", "two"), ETag='"1"', Last_Modified="today"))
        await polling(world, minutes=1)
        state = world.states["a"]
        await polling(world, minutes=30)
    assert world.titles == ["one", "two"]
    assert (state.health, state.reason, state.failures) == ("ok", "", 0)
    assert (state.etag, state.last_modified) == ('"1"', "today")
    first, second, *_ = world.asked()
    assert first.at == NOW
    assert abs(second.at - state.next_check_at) < timedelta(seconds=1)
    assert timedelta(minutes=5) < second.at - first.at < timedelta(minutes=20)


@timelapse
@pytest.mark.parametrize("etag", ['"1"', 'W/"a-b"', 'w/"x"', "unquoted", '"a, "b"', '"a;--gzip"'])
@pytest.mark.parametrize(
    "last_modified", ["Fri, 20 Nov 2026 11:00:00 +0100", "2026-11-20", "Thu, 1 Jan 1970 00:00:00"]
)
async def test_304_is_a_success_for_which_validators_are_replayed_as_they_came(etag, last_modified):
    async with online() as world:
        world.add("a", Document(rss("one"), etag, last_modified))
        await polling(world, minutes=20)
    first, second = world.asked()
    assert not first.is_conditional
    assert second.headers["If-None-Match"] == etag
    assert second.headers["If-Modified-Since"] == last_modified
    assert world.states["a"].history[-1].status == 304
    assert (world.states["a"].health, world.titles) == ("ok", ["one"])


@timelapse
async def test_304_renews_the_validators_that_it_brings_and_keeps_the_others():
    async with online() as world:
        page = in_turn(
            answer(body=rss("one"), ETag='"1"', Last_Modified="monday"),
            answer(304, b"", ETag='"2"', Last_Modified="tuesday"),
            answer(304, b"", ETag='"3"'),
            answer(304, b""),
        )
        world.add("a", page, interval_seconds=240)
        await polling(world, minutes=17)
    sent = [
        (each.headers.get("If-None-Match"), each.headers.get("If-Modified-Since"))
        for each in world.asked()
    ]
    assert sent == [
        (None, None), ('"1"', "monday"), ('"2"', "tuesday"), ('"3"', "tuesday"),
        ('"3"', "tuesday"),
    ]  # fmt: skip


# --- moves -----------------------------------------------------------------------------------


@timelapse
@pytest.mark.parametrize("status", [301, 308])
async def test_a_permanent_move_is_followed_at_once_and_adopted_after_a_week(status):
    async with online() as world:
        world.add("a", redirect(NEW, status), url=OLD)
        page = world.site.pages[NEW] = Document(rss("one"), '"1"')
        await polling(world, days=8)
        page.body, page.etag = rss("one", "two"), '"2"'
        await polling(world, days=5)
    assert world.titles == ["one", "two"], "told once, before the move and after it"
    last = world.site.requests(OLD)[-1].at
    assert after(days=7) <= last < after(days=7, hours=7)
    assert world.states["a"].address == NEW
    assert world.site.requests(NEW, since=last)[1:], "and asked directly from then on"
    assert world.feeds["a"].url == OLD, "what people configured stays"


@timelapse
@pytest.mark.parametrize("status", [404, 410])
async def test_a_permanent_move_is_adopted_at_once_when_the_old_address_is_lost(status):
    async with online() as world:
        world.add("a", redirect(NEW, 301), url=OLD)
        page = world.site.pages[NEW] = Document(rss("one"), '"1"')
        await polling(world, days=1)
        world.publish("a", answer(status))
        page.body, page.etag = rss("one", "two"), '"2"'
        await polling(world, hours=6)
    assert len(world.site.requests(OLD, since=after(days=1))) == 1
    assert world.states["a"].address == NEW
    assert (world.titles, world.states["a"].health) == (["one", "two"], "ok")


@pytest.fixture
def authority(tmp_path):
    """A certificate for `a.example`, and a context that trusts it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:a.example"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    with mock.patch(
        "aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context(cafile=cert)
    ):
        yield server


@timelapse
async def test_a_move_to_the_same_address_encrypted_is_adopted_at_once(authority):
    secure = "https://a.example/feed"
    async with online(tls=authority) as world:
        world.add("a", redirect(secure, 301))
        world.site.pages[secure] = Document(rss("one"), '"1"')
        await polling(world, hours=2)
    assert len(world.asked()) == 1
    assert len(world.site.requests(secure)) > 2
    assert (world.states["a"].address, world.titles) == (secure, ["one"])


@timelapse
@pytest.mark.parametrize("status", [302, 303, 307])
async def test_a_passing_redirect_is_followed_and_never_adopted(status):
    async with online() as world:
        world.add("a", redirect(NEW, status), url=OLD)
        world.site.pages[NEW] = Document(rss("one"), '"1"')
        await polling(world, days=20)
    assert len(world.site.requests(OLD)) == len(world.site.requests(NEW)) > 20
    assert world.site.requests(OLD)[-1].at > after(days=19)
    state = world.states["a"]
    assert (state.address, state.moved_to, state.health) == ("", "", "ok")
    assert world.site.requests(NEW)[1].headers["If-None-Match"] == '"1"'


@timelapse
async def test_a_permanent_redirect_behind_a_passing_one_is_not_adopted():
    between = "http://between.example/feed"
    async with online() as world:
        world.add("a", redirect(between, 302), url=OLD)
        world.site.pages |= {between: redirect(NEW, 301), NEW: answer(body=rss("one"))}
        await polling(world, days=9)
    assert world.states["a"].address == ""
    assert world.site.requests(OLD)[-1].at > after(days=8)


# --- gone ------------------------------------------------------------------------------------


@timelapse
async def test_410_is_believed_the_third_time_in_two_days_and_asked_again_every_month():
    async with online() as world:
        world.add("a", in_turn(answer(body=rss("one")), answer(410)))
        await polling(world, hours=40)
        assert world.states["a"].health == "failing", "not yet"
        await polling(world, days=3)
        state = world.states["a"]
        assert state.health == "gone"
        said = [polled.at for polled in state.history if polled.error]
        assert len(said) >= 3
        assert said[-1] - said[0] >= 2 * 86_400
        before = len(world.asked())
        await polling(world, days=100)
        assert 3 <= len(world.asked()) - before <= 4
        world.publish("a", answer(body=rss("one", "two")))
        await polling(world, days=34)
    assert (world.states["a"].health, world.titles) == ("ok", ["one", "two"])


# --- soft failures ---------------------------------------------------------------------------


async def hang(request):
    await asyncio.sleep(600)
    return web.Response()


KINDS = {
    "404": "not_found",
    "500": "server",
    "502": "server",
    "503": "server",
    "silence": "timeout",
    "no name": "dns",
    "nobody there": "connect",
    "no TLS": "tls",
}


async def trouble(world, kind):
    """Let the server of feed `a` fail so."""
    if kind == "no name":
        world.site.unknown.add("a.example")
    elif kind == "nobody there":
        await world.site.stop()
    elif kind == "silence":
        world.publish("a", hang)
    elif kind == "no TLS":
        await restart(world.site, tls=None)
    else:
        world.publish("a", answer(int(kind)))


async def restart(site, tls):
    await site.stop()
    site.tls = tls
    await site.start()


@timelapse
@pytest.mark.parametrize("kind", KINDS)
async def test_a_failing_feed_is_never_given_up_and_tells_its_news_when_it_is_back(kind, authority):
    page = Document(rss("one"), '"1"')
    async with online(tls=authority) as world:
        world.add("a", page, url="https://a.example/feed")
        await polling(world, days=1)
        await trouble(world, kind)
        await polling(world, days=10)
        state = world.states["a"]
        assert (state.health, state.history[-1].error) == ("failing", KINDS[kind])
        await polling(world, days=50)
        state = world.states["a"]
        assert (state.health, state.history[-1].error) == ("dormant", KINDS[kind])
        tries = [at for at in world.polled() if at > after(days=1)]
        assert max(gaps(tries)) <= 7 * 86_400 * JITTER, "at least weekly"
        assert len(tries) < 60, "and not all the time"
        page.body, page.etag = rss("one", "two"), '"2"'
        world.site.unknown.clear()
        world.publish("a", page)
        await restart(world.site, tls=authority)
        await polling(world, days=8)
    assert (world.states["a"].health, world.states["a"].failures) == ("ok", 0)
    assert world.titles == ["one", "two"]


@timelapse
async def test_what_passes_is_noticed_soon_to_have_passed():
    async with online() as world:
        world.add("a", answer(body=rss("one")))
        await polling(world, days=1)
        world.publish("a", answer(500))
        await polling(world, hours=6)
        world.publish("a", answer(body=rss("one", "two")))
        await polling(world, hours=2)
    assert world.titles == ["one", "two"]


# --- refusals --------------------------------------------------------------------------------


@timelapse
@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (401, {}),
        (403, {}),
        (403, {"cf-mitigated": "challenge"}),
        (503, {"cf-mitigated": "challenge"}),
    ],
)
async def test_a_refusal_is_respected_for_6_to_24_hours_without_disguise(status, headers):
    async with online() as world:
        world.add("a", in_turn(answer(body=rss("one")), answer(status, **headers)))
        await polling(world, days=10)
        assert world.states["a"].health == "blocked"
        refused = times(world.asked())[1:]
        assert [round(gap / 3_600 / 3) * 3 for gap in gaps(refused)[:3]] == [6, 12, 24]
        assert max(gaps(refused)) <= 86_400 * JITTER
        assert len({each.headers["User-Agent"] for each in world.asked()}) == 1
        world.publish("a", answer(body=rss("one", "two")))
        await polling(world, days=2)
    assert (world.states["a"].health, world.titles) == ("ok", ["one", "two"])


# --- being asked to slow down ----------------------------------------------------------------


async def too_many(request):
    return web.Response(status=429, headers={"Retry-After": "7200"})


async def too_many_until(request):
    """By a clock that is a day behind."""
    now = loop_now() - DAY
    headers = {"Retry-After": http_date(now + 2 * HOUR), "Date": http_date(now)}
    return web.Response(status=429, headers=headers)


@timelapse
@pytest.mark.parametrize(
    ("refusal", "pause"),
    [
        (too_many, 2 * HOUR),
        (too_many_until, 2 * HOUR),
        (answer(429), HOUR),
        (answer(429, Retry_After="soon"), HOUR),
        (answer(429, Retry_After="864000"), DAY),
    ],
    ids=["seconds", "date", "nothing", "nonsense", "ten days"],
)
async def test_429_pauses_the_whole_host_and_no_other(refusal, pause):
    async with online() as world:
        world.add("a", in_turn(answer(body=rss("a1")), refusal, answer(body=rss("a1", "a2"))),
                  url="http://www.example.com/a", interval_seconds=600)  # fmt: skip
        world.add(
            "b", answer(body=rss("b")), url="http://feeds.example.com/b", interval_seconds=600
        )
        world.add("other", answer(body=rss("o")), url="http://example.org/o", interval_seconds=600)
        await polling(world, minutes=15)
        state = world.states["a"]
        await polling(world, seconds=pause.total_seconds() * 1.5 + 1_200)
    refused = world.asked()[1].at
    assert refused < after(minutes=11)
    assert not [each for each in times(world.asked("b")) if refused < each < refused + pause]
    assert max(gaps(times(world.asked("other")))) < 602, "another host goes on as ever"
    assert state.health == "slow_down"
    assert state.failures == 0, "the feed has not failed"
    assert pause <= world.asked()[2].at - refused <= pause + HOUR, "asked again, a little scattered"
    assert world.asked("b", since=refused)
    assert (world.states["a"].health, world.titles[-1]) == ("ok", "a2")


@timelapse
async def test_429_behind_a_redirect_pauses_the_host_that_said_it():
    async with online() as world:
        world.add("a", redirect("http://example.org/a", 302), url="http://example.com/a")
        world.site.pages["http://example.org/a"] = answer(429, Retry_After="7200")
        world.add("here", answer(body=rss("h")), url="http://example.com/h", interval_seconds=600)
        world.add("there", answer(body=rss("t")), url="http://example.org/t", interval_seconds=600)
        await polling(world, hours=1.9)
    assert len(world.asked()) == 1
    assert len(world.asked("here")) > 10, "this host has refused nobody"
    assert len(world.asked("there")) <= 1


@timelapse
@pytest.mark.parametrize("status", [429, 503])
async def test_a_restart_does_not_shorten_the_wait_that_a_server_asked_for(status):
    async with online() as world:
        refusal = answer(status, Retry_After="7200")
        world.add("a", in_turn(answer(body=rss("one")), refusal), interval_seconds=600)
        await polling(world, minutes=15)
        world.restart()
        await polling(world, hours=1.9)
        assert len(world.asked()) == 2
        await polling(world, hours=1)
    assert len(world.asked()) == 3


@timelapse
async def test_503_with_retry_after_pauses_only_that_feed_until_three_agree():
    later = answer(503, Retry_After="7200")
    async with online() as world:
        for name in "abcd":
            url = f"http://example.com/{name}"
            world.add(name, answer(body=rss(name)), url=url, interval_seconds=600)
        await polling(world, minutes=1)
        for name, since in (("a", after(minutes=1)), ("b", after(minutes=21))):
            world.publish(name, later)
            await polling(world, minutes=20)
            assert len(world.asked(name, since)) == 1, "it is left alone"
            assert world.states[name].health == "slow_down"
            assert len(world.asked("c", since)) == len(world.asked("d", since)) == 2, "not these"
        world.publish("c", later)
        await polling(world, hours=3)
    third = world.asked("c", after(minutes=41))[0].at
    assert not [at for at in times(world.site.requests()) if third < at < after(minutes=141)]
    assert [name for name in "abcd" if world.asked(name, after(minutes=141))] == list("abcd")


# --- no feed ---------------------------------------------------------------------------------


PAGE = (
    "<!doctype html><html><head><link rel='alternate' type='application/rss+xml' href='/new'>"
    "</head><body>We have moved. {}</body></html>"
)


@pytest.mark.parametrize("varies", [False, True], ids=["the same page", "a page with a token"])
async def test_a_page_instead_of_a_feed_is_searched_once_and_leaves_no_validators(varies):
    clock = Clock()
    tokens = itertools.count()

    async def page(request):
        text = PAGE.format(next(tokens) if varies else "")
        return web.Response(body=text.encode(), content_type="text/html", headers={"ETag": '"x"'})

    async with online(clock) as world:  # by its number, between whose requests nobody waits
        world.add("a", in_turn(Document(rss("one"), '"1"'), page), url=f"{world.site.base}/feed")
        world.site.pages[f"{world.site.base}/new"] = answer(body=rss("two"))
        for _ in range(3):
            state = await world.poll()
            clock.go(minutes=10)
    assert (state.health, state.history[-1].error) == ("failing", "not_a_feed")
    assert f"the page names a feed: {world.site.base}/new" in state.reason
    assert state.next_check_at > clock.now - timedelta(minutes=10)
    assert [each.headers.get("If-None-Match") for each in world.asked()] == [None, '"1"', '"1"']
    assert len(world.site.requests(f"{world.site.base}/new")) == 1, "the search is not repeated"
    assert world.titles == ["one"]
    assert not [sent for sent in world.producer.sent if sent.topic == DEAD_LETTERS]
