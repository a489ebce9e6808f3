"""What servers, networks and our own restarts do to a poller, and what nobody may notice of it."""

import asyncio
import gzip
import itertools
from collections import Counter, defaultdict
from datetime import timedelta
from unittest import mock

import brotli  # type: ignore[import-untyped]
import pytest
from aiohttp import web

from streams.broker.topics import FEED_STATE, ITEMS
from streams.config import Settings
from streams.errors import BrokerError
from streams.feeds.parser_pool import ParserPool
from tests.feeds.fakes import NOW, Clock, PlainParser, rss
from tests.feeds.loopback import answer, in_turn, redirect
from tests.feeds.timelapse import (
    HOME,
    Document,
    Site,
    gaps,
    loop_now,
    online,
    polling,
    rare_looks,
    timelapse,
    times,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JITTER = 1.1


def after(**duration):
    return NOW + timedelta(**duration)


def feed(*entries, head=""):
    return f"<rss version='2.0'><channel><title>T</title>{head}{''.join(entries)}</channel></rss>".encode()


def entry(title, guid="", link="", date=""):
    parts = {"title": title, "guid": guid, "link": link, "pubDate": date}
    return f"<item>{''.join(f'<{name}>{text}</{name}>' for name, text in parts.items() if text)}</item>"


class CountingParser(PlainParser):
    def __init__(self):
        self.parsed = 0

    async def parse(self, body, content_type, url):
        self.parsed += 1
        return await super().parse(body, content_type, url)


# --- validators ------------------------------------------------------------------------------


@timelapse
async def test_new_validators_of_an_equal_body_are_kept_and_nothing_is_read_again():
    numbers = itertools.count()

    async def page(request):
        number = next(numbers)
        headers = {"ETag": f'"{number}"', "Last-Modified": f"day {number}"}
        return web.Response(body=rss("one"), headers=headers)

    async with online() as world:
        world.parser = CountingParser()
        world.restart()
        world.add("a", page, interval_seconds=300)
        await polling(world, minutes=16)
    sent = [(each.headers.get("If-None-Match"), each.headers.get("If-Modified-Since"))
            for each in world.asked()]  # fmt: skip
    assert sent == [(None, None), ('"0"', "day 0"), ('"1"', "day 1"), ('"2"', "day 2")]
    assert (world.parser.parsed, world.titles) == (1, ["one"])


@timelapse
async def test_a_document_is_read_although_its_validators_are_the_same():
    async with online() as world:
        same = {"ETag": '"1"', "Last_Modified": "monday"}
        world.add(
            "a", in_turn(answer(body=rss("one"), **same), answer(body=rss("one", "two"), **same))
        )
        await polling(world, hours=1)
    assert world.titles == ["one", "two"]


@timelapse
@pytest.mark.parametrize(
    ("headers", "etag"),
    [
        ({"Last_Modified": "Mon, 15 Apr 2041 10:00:00 GMT"}, '"1"'),
        ({"Last_Modified": "Fri, 20 Nov 2026 10:00:00 GMT", "Expires": "0"}, None),
    ],
    ids=["a date in 2041", "Expires: 0"],
)
async def test_validators_that_would_hide_news_are_not_sent(headers, etag):
    async with online() as world:
        world.add("a", answer(body=rss("one"), ETag='"1"', **headers))
        await polling(world, minutes=20)
    second = world.asked()[1]
    assert second.headers.get("If-None-Match") == etag
    assert "If-Modified-Since" not in second.headers


@timelapse
async def test_a_server_that_says_304_for_ever_hides_no_news():
    async def page(request):
        news = rss("one") if loop_now() < after(days=10) else rss("one", "two")
        known = "If-None-Match" in request.headers
        return web.Response(status=304 if known else 200, body=None if known else news,
                            headers={"ETag": '"1"'})  # fmt: skip

    async with online() as world:
        world.add("a", page)
        await polling(world, days=18)
    (_, two) = world.producer.items
    assert two.title == "two"
    assert two.seen_at - after(days=10) < 7 * DAY * JITTER
    whole = [each for each in world.asked() if not each.is_conditional]
    assert len(whole) < 0.2 * len(world.asked()), "the others are spared the document"


# --- crashes, restarts, upgrades ---------------------------------------------------------------


@timelapse
@pytest.mark.parametrize("topic", [ITEMS, FEED_STATE])
async def test_a_crash_between_fetch_and_acknowledgement_loses_and_changes_nothing(topic):
    async with online() as world:
        world.add("a", Document(rss("one", "two"), '"1"'))
        world.producer.fails_on = {topic}
        async with world.running() as process:
            await asyncio.wait({process}, timeout=60)
            assert isinstance(process.exception(), BrokerError)
        assert not world.producer.states
        told = world.producer.items
        world.producer.fails_on = set()
        world.restart()
        await polling(world, minutes=20)
    assert [each.is_conditional for each in world.asked()] == [False, False, True]
    assert world.titles[-2:] == ["one", "two"]
    again = {(item.item_id, item.revision) for item in world.producer.items}
    assert len(again) == 2
    assert {(item.item_id, item.revision) for item in told} <= again
    assert world.states["a"].failures == 0


@timelapse
async def test_a_restart_fetches_nothing_before_it_is_planned():
    async with online() as world:
        for number in range(20):
            world.add(f"f{number}", Document(rss("one"), '"1"'))
        await polling(world, minutes=5)
        planned = {name: state.next_check_at for name, state in world.producer.states.items()}
        for _ in range(3):
            world.restart()
            await polling(world, minutes=1)
        assert len(world.site.asked) == 20
        world.restart()
        await polling(world, minutes=15)
    for name, due in planned.items():
        again = world.asked(name)[1]
        assert timedelta(0) <= again.at - due < timedelta(seconds=1)
        assert again.is_conditional, "what was known is known"
    assert world.titles == ["one"] * 20


@timelapse
async def test_a_newer_parser_reads_every_document_once_more_and_tells_nothing_twice():
    async with online() as world:
        world.add("a", Document(rss("one"), '"1"'), interval_seconds=600)
        await polling(world, minutes=15)
        world.restart()
        with mock.patch("streams.feeds.visit.PARSER", "newer"):
            await polling(world, minutes=20)
    assert [each.is_conditional for each in world.asked()] == [False, True, False, True]
    assert world.titles == ["one"]


@timelapse
async def test_of_a_document_that_is_cut_off_the_rest_is_told_later():
    whole = rss("one", "two", "three")
    cut = whole[: whole.index(b"three") + 20]
    async with online() as world:
        world.add("a", in_turn(answer(body=cut, ETag='"1"'), Document(whole, '"1"')))
        await polling(world, minutes=20)
    assert not world.asked()[1].is_conditional, "the server would say that nothing has changed"
    assert [(item.title, item.revision) for item in world.producer.items] == [
        ("one", 1), ("two", 1), ("three", 1),
    ]  # fmt: skip


# --- moves -------------------------------------------------------------------------------------


@timelapse
async def test_a_permanent_redirect_that_comes_and_goes_is_never_believed():
    body = rss("one")

    async def page(request):
        moved = (loop_now() - NOW) // (2 * DAY) % 2 == 0
        return await (redirect("http://new.example/feed", 301) if moved else answer(body=body))(
            request
        )

    async with online() as world:
        world.add("a", page)
        world.site.pages["http://new.example/feed"] = answer(body=body)
        await polling(world, days=20)
    assert world.site.requests("http://new.example/")
    assert world.states["a"].address == ""
    assert max(gaps(times(world.asked()))) < 7 * 3_600 * JITTER
    assert world.titles == ["one"]


@timelapse
async def test_a_permanent_redirect_to_ever_other_places_is_never_believed():
    numbers = itertools.count()

    async def page(request):
        return web.Response(status=301, headers={"Location": f"/session-{next(numbers) % 7}"})

    async with online() as world:
        world.add("a", page)
        for number in range(7):
            world.site.pages[f"http://a.example/session-{number}"] = answer(body=rss("one"))
        await polling(world, days=15)
    assert world.states["a"].address == ""
    assert world.site.requests("http://a.example/feed")[-1].at > after(days=14)


@timelapse
async def test_two_addresses_that_take_turns_in_redirecting_to_each_other_are_one_feed():
    there = "http://b.example/feed"

    async def page(request):
        here = f"http://{request.host}/feed"
        moved = (loop_now() - NOW) // (10 * DAY) % 2 == (here == there)
        other = "http://a.example/feed" if here == there else there
        return await (redirect(other, 301) if moved else answer(body=rss("one")))(request)

    async with online() as world:
        world.add("a", page)
        world.site.pages[there] = page
        await polling(world, days=8)
        assert world.states["a"].address == there
        await polling(world, days=10.5)
        assert world.states["a"].address == ""
    assert world.titles == ["one"]
    assert {polled.error for polled in world.states["a"].history} == {""}


# --- hostile servers -----------------------------------------------------------------------------


def bomb(encoding, module):
    zeros = bytes(20 * 2**20)
    return answer(body=module.compress(zeros), Content_Encoding=encoding)


async def drip(request):
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"<")
        await asyncio.sleep(5)


@timelapse
async def test_bombs_and_slow_drip_cost_a_healthy_feed_nothing():
    async with online() as world:
        world.add("gzip", bomb("gzip", gzip))
        world.add("brotli", bomb("br", brotli))
        world.add("drip", drip)
        world.add("good", Document(rss("one"), '"1"'), interval_seconds=300)
        await polling(world, hours=3)
    good = gaps(times(world.asked("good")))
    assert (min(good), max(good)) == pytest.approx((300, 300), abs=1)
    assert world.titles == ["one"]
    for name, error in (("gzip", "too_large"), ("brotli", "too_large"), ("drip", "timeout")):
        state = world.states[name]
        assert (state.health, state.history[-1].error) == ("failing", error)
        assert state.reason
        assert len(world.asked(name)) <= 12, "and they are asked no more often than any other"


async def test_a_document_that_kills_its_parser_takes_no_other_along():
    text = "&lt;p&gt;words &lt;a href='/x'&gt;and&lt;/a&gt; more&lt;/p&gt;" * 60
    large = feed(*(entry(f"{n} {text}", guid=f"{n}") for n in range(2_000)))
    async with online(Clock()) as world:
        world.parser = parser = ParserPool(1, deadline_seconds=0.4)
        world.restart()
        world.add("a", answer(body=large), url=f"{world.site.base}/a")
        world.add("b", answer(body=rss("one")), url=f"{world.site.base}/b")
        try:
            bad, good = await asyncio.gather(world.poll("a"), world.poll("b"))
        finally:
            parser.stop()
    assert (bad.health, bad.history[-1].error) == ("failing", "parser_killed")
    assert (good.health, world.titles) == ("ok", ["one"])


@timelapse
async def test_nothing_private_is_ever_reached():
    canary = Site(loop_now)
    await canary.start()
    port = canary.base.rpartition(":")[2]
    hosts = ("127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "localhost",
             "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "inside.example",
             "0.0.0.0", "169.254.169.254")  # fmt: skip
    addresses = [f"http://{host}:{port}/feed" for host in hosts]
    addresses += [f"http://user@inside.example:{port}/feed", f"ftp://127.0.0.1:{port}/", "file:///"]
    async with online(
        settings=Settings(allow_private=("127.0.0.2/32",)), home="127.0.0.2"
    ) as world:
        world.site.addresses |= {"inside.example": HOME, "localhost": HOME}
        for number, address in enumerate(addresses):
            world.add(f"direct{number}", url=address)
            world.add(f"redirected{number}", redirect(address, 301))
        world.add("good", answer(body=rss("one")), interval_seconds=3_600)
        await polling(world, days=9)
    await canary.stop()
    assert canary.asked == []
    states = dict(world.states)
    assert (states.pop("good").health, world.titles) == ("ok", ["one"])
    assert {state.health for state in states.values()} == {"failing"}
    for name, state in states.items():
        assert state.history[-1].error == "refused", (name, state.reason)
        assert state.address == ""


# --- many feeds ----------------------------------------------------------------------------------


@timelapse
async def test_200_feeds_of_one_host_are_asked_one_by_one_and_hold_up_no_other():
    async def slow(request):
        await asyncio.sleep(0.5)
        return web.Response(body=rss("one"))

    async with online() as world:
        for number in range(200):
            world.add(f"f{number}", slow, url=f"http://www{number % 3}.example.com/{number}")
        world.add(
            "other", answer(body=rss("other")), url="http://example.org/", interval_seconds=60
        )
        await polling(world, minutes=30)
    many = [each for each in world.site.asked if "example.com" in each.url]
    assert len({each.url for each in many[:200]}) == 200, "each had its turn"
    assert many[199].at <= after(seconds=200 * 2 + 5)
    assert min(gaps(times(many))) >= 1.99
    assert world.site.most_in_flight <= 2, "one of them, and the other"
    others = gaps(times(world.asked("other")))
    assert (min(others), max(others)) == pytest.approx((60, 60), abs=0.1)


def busiest(moments, seconds):
    """Most requests in so many seconds."""
    return max(Counter((at - NOW) // timedelta(seconds=seconds) for at in moments).values())


@timelapse
async def test_feeds_that_fail_together_are_not_asked_together_again():
    async with online() as world:
        for number in range(60):
            world.add(f"f{number}", answer(500))
        await polling(world, hours=3)
    asked = times(world.site.asked)
    assert asked[59] == NOW, "at the start all are"
    assert busiest(asked[60:120], seconds=10) <= 60 / 6
    assert busiest([at for at in asked if at > after(hours=2)], seconds=60) <= 60 / 6


@timelapse
async def test_feeds_that_are_told_to_slow_down_together_are_not_asked_together_again():
    async with online() as world:
        for number in range(60):
            world.add(
                f"f{number}", in_turn(answer(429, Retry_After="3600"), answer(body=rss("one")))
            )
        await polling(world, hours=3)
    again = [world.asked(f"f{number}")[1].at for number in range(60)]
    assert min(again) >= after(hours=1)
    assert busiest(again, seconds=60) <= 60 / 6


@timelapse
async def test_an_outage_of_our_network_is_blamed_on_nobody_and_over_at_once():
    async with online() as world:
        for number in range(120):
            world.add(f"f{number}", Document(rss("one"), '"1"'))
        await polling(world, hours=1)
        before = len(world.producer.sent)
        await world.site.stop()
        with rare_looks(5):
            async with world.running():
                await asyncio.sleep(2 * 3_600)
                written = len(world.producer.sent) - before
                for number in range(120):
                    world.publish(f"f{number}", Document(rss("one", "two"), '"2"'))
                await world.site.start()
                await asyncio.sleep(1_200)
    assert written <= 26, "those by which it was noticed"
    since = after(hours=3)
    assert all(world.asked(f"f{number}", since) for number in range(120))
    assert world.titles.count("two") == 120
    assert {(state.health, state.failures) for state in world.states.values()} == {("ok", 0)}


# --- what entries do ---------------------------------------------------------------------------


def linked(titles, guid):
    return feed(*(
        entry(title, guid(number, title), f"http://a.example/{number}")
        for number, title in enumerate(titles)
    ))  # fmt: skip


CHURN = {
    "https": lambda number, title: f"https://a.example/?p={number}",
    "another path": lambda number, title: f"http://www.a.example/{number}#x",
    "headline inside": lambda number, title: f"{number}-{title}",
    "random": lambda number, title: f"{number * 7919 + 13:x}",
    "none": lambda number, title: "",
}


@timelapse
@pytest.mark.parametrize("guid", CHURN)
async def test_new_guids_of_a_whole_feed_are_no_news(guid):
    titles = [f"Headline number {number}" for number in range(30)]
    async with online() as world:
        old = linked(titles, lambda number, title: f"http://a.example/?p={number}")
        world.add("a", Document(old, '"1"'), interval_seconds=1_200)
        await polling(world, minutes=30)
        known = {item.item_id for item in world.producer.items}
        world.publish("a", Document(linked(titles, CHURN[guid]), '"2"'))
        await polling(world, hours=1)
        assert len(world.titles) == 30
        world.publish("a", Document(linked([*titles, "Real news"], CHURN[guid]), '"3"'))
        await polling(world, hours=1)
    assert world.titles[30:] == ["Real news"]
    assert world.producer.items[-1].item_id not in known


@timelapse
async def test_a_headline_that_is_also_the_guid_is_edited_and_told_as_an_update():
    def page(title):
        return Document(
            feed(
                entry(title, title, "http://a.example/1"), entry("two", "two", "http://a.example/2")
            ),
            title,
        )

    async with online() as world:
        world.add("a", page("Minister resigns"), interval_seconds=1_200)
        await polling(world, minutes=10)
        for title in ("Minister to resign", "Minister resigns after all"):
            world.publish("a", page(title))
            await polling(world, minutes=30)
    told = [item for item in world.producer.items if "Minister" in item.title]
    assert len({item.item_id for item in told}) == 1
    assert [item.revision for item in told] == [1, 2, 3]


@timelapse
@pytest.mark.parametrize(
    "date", ["", "Mon, 15 Apr 2041 10:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "soon"]
)
async def test_what_has_no_usable_date_keeps_that_of_its_discovery(date):
    def page(*titles):
        return Document(
            feed(*(entry(title, title[:3], date=date) for title in titles)), " ".join(titles)
        )

    async with online() as world:
        world.add("a", page("one"), interval_seconds=1_200)
        await polling(world, minutes=30)
        for titles in (
            ("two", "one"),
            ("two corrected", "one"),
            ("one corrected", "two corrected"),
        ):
            world.publish("a", page(*titles))
            await polling(world, hours=2)
        world.restart()
        await polling(world, hours=1)
    dates = defaultdict(list)
    for item in world.producer.items:
        dates[item.title[:3]].append((item.revision, item.published_at, item.date_source))
    assert dates["one"] == [(1, NOW, "first_seen"), (2, NOW, "first_seen")]
    (_, found, source), later = dates["two"]
    assert (source, later) == ("first_seen", (2, found, "first_seen"))
    assert after(minutes=30) < found < after(hours=1)


# --- what publishers ask for ---------------------------------------------------------------------


SKIPPED = (
    "<skipHours><hour>0</hour><hour>1</hour><hour>2</hour><hour>23</hour></skipHours>"
    "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"
)


@timelapse
async def test_hours_and_days_to_skip_are_skipped():
    async with online() as world:
        world.add("a", Document(feed(entry("one", "1"), head=SKIPPED), '"1"'))
        await polling(world, days=11)
    asked = times(world.asked())
    assert {at.hour for at in asked}.isdisjoint({23, 0, 1, 2})
    assert {at.weekday() for at in asked} == {0, 1, 2, 3, 4}


@timelapse
@pytest.mark.parametrize(
    ("head", "headers", "least", "most"),
    [
        ("<ttl>240</ttl>", {}, 4, 4),
        ("", {"Cache_Control": "public, max-age=14400"}, 4, 4),
        ("<ttl>60</ttl>", {"Cache_Control": "max-age=14400"}, 4, 4),
        ("", {"Cache_Control": "max-age=2592000"}, 24, 24),
        ("<ttl>100000</ttl>", {}, 24, 24),
        ("", {"Cache_Control": "no-cache, max-age=14400"}, 0, 1),
        ("<ttl>0</ttl>", {"Cache_Control": "max-age=0"}, 0, 1),
    ],
)
async def test_how_long_to_wait_is_up_to_the_publisher_for_a_day_at_most(
    head, headers, least, most
):
    async with online() as world:
        world.add("a", Document(feed(entry("one", "1"), head=head), '"1"', **headers))
        await polling(world, hours=6 if most < 4 else 50)
    waits = gaps(times(world.asked()))
    assert len(waits) >= 2
    assert least * 3_600 - 1 <= min(waits)
    assert max(waits) <= most * 3_600 + 1


@timelapse
async def test_expires_is_meant_by_the_servers_own_clock():
    async def page(request):
        headers = {
            "Date": "Fri, 02 Jan 2026 10:00:00 GMT",
            "Expires": "Fri, 02 Jan 2026 13:00:00 GMT",
        }
        return web.Response(body=rss("one"), headers=headers)

    async with online() as world:
        world.add("a", page)
        await polling(world, hours=10)
    assert gaps(times(world.asked())) == pytest.approx([3 * 3_600] * 3, abs=1)
