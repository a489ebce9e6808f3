"""One visit after the other, with everything real but the internet and the broker."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from streams.broker.topics import DEAD_LETTERS, ITEMS
from streams.errors import BrokerError, FetchError, ParseError
from streams.feeds import agenda, outage
from streams.feeds.fetch import Fetched, NotModified
from streams.feeds.parse import PARSER
from streams.records import Subscription
from tests.feeds.fakes import World, make_feed, rss, url_of

MOVED = "https://new.example/feed"


def page(body, **fields):
    return Fetched(**({"status": 200, "url": "u", "final_url": "u", "body": body} | fields))


async def test_a_feed_has_its_own_user_agent():
    world = World(make_feed("a", user_agent="Desk/1"), a=rss("one"))
    await world.poll()
    assert world.internet.user_agents == ["Desk/1"]


async def test_what_the_document_asks_for_is_kept_also_when_it_does_not_change():
    hints = (
        b"<rss version='2.0'><channel><title>T</title><ttl>240</ttl><skipHours><hour>3</hour>"
        b"</skipHours></channel></rss>"
    )
    world = World(make_feed("a"), a=hints)
    await world.poll()
    world.internet.pages[url_of("a")] = NotModified(url=url_of("a"))
    world.clock.go(hours=4)
    state = await world.poll()
    assert (state.ttl_seconds, state.skip_hours) == (14_400, (3,))
    assert state.next_check_at is not None
    assert state.next_check_at - world.clock.now >= timedelta(hours=4)


async def test_a_permanent_move_is_adopted_after_a_week_and_undone_when_it_fails():
    feed = make_feed("a")
    world = World(feed, a=page(rss("one"), permanent_url=MOVED, etag='"1"'))
    world.internet.pages[MOVED] = page(rss("one"), etag='"1"')
    for _ in range(9):
        state = await world.poll()
        world.clock.go(days=1)
    assert [url for url, _, _ in world.internet.requests] == [feed.url] * 8 + [MOVED]
    assert state.address == MOVED
    assert (state.url, world.feeds["a"]) == (feed.url, feed), "what people configured stays"
    world.internet.pages[MOVED] = FetchError("HTTP 410", kind="gone", status=410)
    state = await world.poll()
    assert world.internet.requests[-1][0] == MOVED
    assert state.address == ""
    await world.poll()
    assert world.internet.requests[-1][0] == feed.url
    assert world.titles == ["one"], "it was the same feed all the time"


async def test_a_newer_parser_reads_the_document_again():
    world = World(make_feed("a"), a=rss("one"))
    state = await world.poll()
    assert state.parser == PARSER
    world.share.remember(replace(state, parser="older"))
    world.clock.go(minutes=20)
    await world.poll()
    assert world.internet.requests[-1] == (url_of("a"), "", "")
    assert world.titles == ["one"], "read again, not told again"


async def test_a_server_that_says_not_modified_for_ever_is_asked_for_the_document():
    world = World(make_feed("a"), a=rss("one"))
    await world.poll()
    world.internet.pages[url_of("a")] = NotModified(url=url_of("a"))
    for _ in range(15):
        world.clock.go(hours=12)
        await world.poll()
    assert (url_of("a"), "", "") in world.internet.requests[1:]


async def test_an_update_that_comes_too_soon_is_told_later_though_the_document_rests():
    world = World(make_feed("a"))

    async def polls(title, minutes):
        world.clock.go(minutes=minutes)
        world.internet.pages[url_of("a")] = page(rss(title), etag=f'"{title}"')
        return await world.poll()

    await polls("one", 0)
    await polls("one corrected", 15)
    state = await polls("one corrected twice", 5)
    assert world.titles == ["one", "one corrected"]
    assert (state.etag, state.body_hash) == ("", ""), "the next poll must bring it again"
    await polls("one corrected twice", 15)
    assert world.titles == ["one", "one corrected", "one corrected twice"]
    assert [item.revision for item in world.producer.items] == [1, 2, 3]
    assert world.producer.items[-1].changed == ("title",)


async def test_a_document_that_was_cut_off_is_asked_for_again():
    whole = rss("one", "two")
    world = World(make_feed("a"), a=page(whole[: whole.index(b"two") + 2], etag='"cut"'))
    assert (await world.poll()).etag == ""
    world.internet.pages[url_of("a")] = page(whole, etag='"whole"')
    assert (await world.poll()).etag == '"whole"'
    assert world.titles == ["one", "two"]


async def test_what_is_odd_about_a_document_is_told_as_long_as_it_stands():
    world = World(make_feed("a"), a=page(rss("one")[:-6], etag='"1"'))
    assert "not well-formed" in (await world.poll()).reason
    world.internet.pages[url_of("a")] = NotModified(url=url_of("a"))
    state = await world.poll()
    assert (state.health, "not well-formed" in state.reason) == ("ok", True)
    world.internet.pages[url_of("a")] = rss("one")
    assert (await world.poll()).reason == ""


class Broken:
    """A parser that fails."""

    def __init__(self, kind="parser_killed"):
        self.kind = kind
        self.asked = 0

    async def parse(self, body, content_type, url):
        self.asked += 1
        raise ParseError("the parser was stopped", kind=self.kind)


async def test_a_document_that_cannot_be_read_is_kept_once_and_tried_twice():
    world = World(make_feed("a"), a=rss("one"))
    before = await world.poll()
    world.parser = broken = Broken()
    world.restart()
    world.internet.pages[url_of("a")] = page(b"<rss>evil", etag='"evil"')
    for _ in range(3):
        world.clock.go(hours=1)
        state = await world.poll()
    assert broken.asked == 2, "once more, because the machine may have been busy"
    assert (state.health, state.failures) == ("failing", 3)
    assert "stopped" in state.reason
    assert (state.etag, state.seen) == (before.etag, before.seen)
    letters = [sent for sent in world.producer.sent if sent.topic == DEAD_LETTERS]
    assert [(letter.key, letter.value) for letter in letters] == [("a", b"<rss>evil")]
    world.internet.pages[url_of("a")] = page(b"<rss>worse")
    await world.poll()
    assert broken.asked == 3, "another document is tried"


async def test_a_malformed_document_is_not_tried_again():
    world = World(make_feed("a"), a=page(b"<rss>evil"))
    world.parser = broken = Broken("malformed")
    world.restart()
    for _ in range(3):
        await world.poll()
    assert broken.asked == 1


@pytest.mark.parametrize(
    "between",
    [
        FetchError("no complete answer in time", kind="timeout"),
        FetchError("HTTP 410", kind="gone", status=410),
        FetchError("HTTP 429", kind="slow_down", status=429),
    ],
)
async def test_what_is_wrong_with_a_document_is_not_confused_with_other_trouble(between):
    world = World(make_feed("a"))
    world.parser = Broken()
    world.restart()
    for answer in (page(b"<rss>evil"), between, page(b"<rss>evil")):
        world.internet.pages[url_of("a")] = answer
        world.clock.go(hours=1)
        state = await world.poll()
    assert state.history[-1].error == "parser_killed"
    assert state.reason == "the parser was stopped"


async def test_the_reason_does_not_grow_while_a_document_stays_unreadable():
    world = World(make_feed("a"), a=page(b"<rss>evil"))
    world.parser = Broken()
    world.restart()
    for _ in range(20):
        world.clock.go(days=1)
        state = await world.poll()
    assert state.health == "dormant"
    assert state.reason.count("failing since") == 1


async def test_a_web_page_instead_of_the_feed_tells_where_the_feed_is():
    home = b"""<!doctype html><html><head><title>News</title>
      <link rel="alternate" type="application/rss+xml" href="/new/rss"></head></html>"""
    world = World(make_feed("a"))
    world.internet.pages = {
        url_of("a"): page(home, url=url_of("a"), final_url=url_of("a")),
        "https://a.example/new/rss": rss("one"),
    }
    state = await world.poll()
    assert state.health == "failing"
    assert "https://a.example/new/rss" in state.reason
    assert not [sent for sent in world.producer.sent if sent.topic == DEAD_LETTERS]
    asked = len(world.internet.requests)
    await world.poll()
    assert len(world.internet.requests) == asked + 1, "looked for once"
    changed = home.replace(b"News", b"News of 12:05")
    world.internet.pages[url_of("a")] = page(changed, url=url_of("a"), final_url=url_of("a"))
    state = await world.poll()
    assert len(world.internet.requests) == asked + 2, "also if the page changes all the time"
    assert "https://a.example/new/rss" in state.reason


async def test_a_network_that_is_down_is_no_fault_of_the_feeds():
    names = [f"f{number}" for number in range(60)]
    world = World(*map(make_feed, names), **{name: rss(name) for name in names})
    for name in names:
        await world.poll(name)
    dead = FetchError("no route to host", kind="connect")
    world.internet.pages = {url_of(name): dead for name in names}
    world.clock.go(minutes=20)
    for name in names:
        await world.poll(name)
    failing = [name for name in names if world.states[name].failures]
    assert len(failing) < outage.FETCHES, "until so many had failed nobody could know"
    last = world.states[names[-1]]
    assert (last.health, last.failures) == ("ok", 0)
    world.internet.pages = {url_of(name): rss(name, "news") for name in names}
    assert (await world.poll(names[0])).health == "ok"
    world.internet.pages[url_of(names[1])] = dead
    assert (await world.poll(names[1])).failures > 0, "with the network back, it is the feed"


async def test_too_many_requests_pause_the_whole_host(monkeypatch):
    paused = {}
    monkeypatch.setattr(
        agenda.Agenda, "pause", lambda self, host, until: paused.update({host: until})
    )
    world = World(make_feed("a", url="https://blog.example/a"))
    world.internet.pages["https://blog.example/a"] = FetchError(
        "HTTP 429", kind="slow_down", status=429, retry_after_seconds=7200
    )
    state = await world.poll()
    assert (state.health, state.failures) == ("slow_down", 0)
    assert paused == {"blog.example": world.clock.now.timestamp() + 7200}


async def test_a_feed_that_has_become_anothers_meanwhile_is_dropped():
    world = World(make_feed("a"), a=rss("one"))

    async def lost():
        world.share.owned = set()
        return rss("one")

    world.internet.pages[url_of("a")] = lost
    await world.poll()
    assert world.producer.sent == []


async def test_leaving_a_feed_finishes_what_is_being_published_and_drops_what_is_fetched():
    world = World(make_feed("slow"), make_feed("a"), clock=None, a=rss("one"))

    async def hangs():
        await asyncio.sleep(60)

    world.internet.pages[url_of("slow")] = hangs
    world.producer.acks_wait = asyncio.Event()
    async with world.running():
        await world.until(lambda: len(world.internet.requests) == 2)
        await asyncio.sleep(0.1)
        leaving = asyncio.create_task(world.poller.leave(["a", "slow"]))
        await asyncio.sleep(0.05)
        assert not leaving.done()
        world.producer.acks_wait.set()
        await asyncio.wait_for(leaving, 1)
        world.share.owned = set()
        assert world.titles == ["one"]
        assert set(world.states) == {"a"}


# --- pushes ----------------------------------------------------------------------------


class Hub:
    """A Subscriber that has been confirmed."""

    known = Subscription("https://hub.example/", url_of("a"), "active", since=1, until=2**40)

    def take(self, feed, state):
        pass

    def after_poll(self, feed, state, outcome):
        return self.known

    def subscription(self, feed_id):
        return self.known

    def forget(self, feed_ids):
        pass


async def pushed(world, *pushes):
    world.poller._pushes = Hub()
    async with world.running():
        await world.until(lambda: world.titles)
        for body in pushes:
            assert await world.poller.push("a", body, "application/rss+xml")


async def test_a_push_is_told_at_once_and_the_next_poll_tells_nothing_again():
    world = World(make_feed("a"), a=rss("one"))
    await pushed(world, rss("one", "two"))
    assert world.titles == ["one", "two"]
    world.internet.pages[url_of("a")] = rss("one", "two")
    state = await world.poll()
    assert world.titles == ["one", "two"]
    assert state.subscription == Hub.known
    assert state.next_check_at is not None
    assert state.next_check_at - world.clock.now >= timedelta(minutes=54), "polling is backup now"


async def test_a_push_does_not_say_when_to_poll():
    whole = rss("one").replace(b"<title>T</title>", b"<title>T</title><ttl>240</ttl>")
    world = World(make_feed("a"), a=whole)
    await pushed(world, rss("two"))
    assert world.titles == ["one", "two"]
    assert world.states["a"].ttl_seconds == 14_400, "hubs may push parts of a document"


async def test_a_push_that_is_no_feed_changes_nothing():
    world = World(make_feed("a"), a=rss("one"))
    await pushed(world, b"<html>", b"")
    assert world.titles == ["one"]
    assert world.states["a"].health == "ok"


async def test_a_push_for_a_feed_of_another_process_is_not_taken():
    world = World(make_feed("a"), a=rss("one"))
    assert not await world.poller.push("b", rss("one"), "")


async def test_a_push_that_the_broker_does_not_take_ends_the_process():
    world = World(make_feed("a"), a=rss("one"))
    async with world.running() as task:
        await world.until(lambda: world.titles)
        world.producer.fails_on = {ITEMS}
        with pytest.raises(BrokerError):
            await world.poller.push("a", rss("two"), "")
        await asyncio.wait({task}, timeout=5)
        assert isinstance(task.exception(), BrokerError)
