import asyncio
import itertools
from datetime import timedelta

import pytest

from streams.broker.topics import DEAD_LETTERS, FEED_STATE, ITEMS, TRENDS
from streams.config import utc_now
from streams.errors import BrokerError, FetchError, ParseError
from streams.feeds.fetch import Fetched, NotModified
from streams.records import FeedState, Seen, Trend
from streams.wire import decode
from tests.feeds.fakes import (
    NOW,
    World,
    make_feed,
    rss,
    url_of,
)


async def test_items_come_before_the_state_that_remembers_them():
    world = World(make_feed("a"), a=rss("one", "two"))
    state = await world.poll()
    assert [sent.topic for sent in world.producer.sent] == [ITEMS, ITEMS, FEED_STATE]
    assert (state.health, state.etag, len(state.seen)) == ("ok", '"1"', 2)
    assert state.last_success_at == state.last_fetch_at == NOW
    first = world.producer.sent[0]
    assert first.timestamp_ms == NOW.timestamp() * 1000
    assert first.headers["record"] == b"Item"
    assert not world.producer.items[0].backfill


async def test_validators_are_sent_back_and_304_keeps_what_is_known():
    world = World(make_feed("a"), a=rss("one"))
    before = await world.poll()
    world.internet.pages[url_of("a")] = NotModified(url=url_of("a"), last_modified="today")
    world.clock.go(minutes=15)
    after = await world.poll()
    assert world.internet.requests[-1] == (url_of("a"), '"1"', "")
    assert (after.etag, after.last_modified, after.seen) == ('"1"', "today", before.seen)
    assert (after.health, after.last_success_at) == ("ok", world.clock.now)


async def test_validators_are_renewed_even_if_the_body_is_the_same():
    def page(etag):
        return Fetched(status=200, url="u", final_url="u", body=rss("one"), etag=etag)

    world = World(make_feed("a"), a=page("1"))
    await world.poll()
    world.internet.pages[url_of("a")] = page("2")
    assert (await world.poll()).etag == "2"
    assert world.titles == ["one"]


@pytest.mark.parametrize("topic", [ITEMS, FEED_STATE])
async def test_a_broker_failure_between_fetch_and_ack_remembers_nothing(topic):
    world = World(make_feed("a"), a=rss("one"))
    world.producer.fails_on = {topic}
    with pytest.raises(BrokerError):
        await world.poll()
    world.producer.fails_on = set()
    state = await world.poll()
    assert world.internet.requests[-1] == (url_of("a"), "", ""), "no validator was remembered"
    assert state.failures == 0, "the feed is not to blame"
    assert world.producer.items[-1].revision == 1
    assert len({item.item_id for item in world.producer.items}) == 1


async def test_a_restart_goes_on_where_the_last_process_was():
    world = World(make_feed("a"), a=rss("one"))
    await world.poll()
    world.restart()
    world.internet.pages[url_of("a")] = rss("one corrected", "two")
    await world.poll()
    assert [(item.title, item.revision) for item in world.producer.items] == [
        ("one", 1), ("one corrected", 2), ("two", 1),
    ]  # fmt: skip


async def test_validators_belong_to_an_address():
    world = World(make_feed("a"), a=rss("one"), b=rss("one", "two"))
    await world.poll()
    world.feeds["a"] = make_feed("a", url=url_of("b"))
    state = await world.poll()
    assert world.internet.requests[-1] == (url_of("b"), "", "")
    assert state.url == url_of("b")
    assert world.titles == ["one", "two"], "what was seen is still known"


async def test_what_a_new_address_held_before_is_backfill():
    def undated(title):
        return f"<item><title>{title}</title><guid>{title}</guid></item>"

    world = World(make_feed("a"), a=rss("one", item=undated))
    await world.poll()
    world.feeds["a"] = make_feed("a", url=url_of("b"))
    await world.poll()  # not found
    world.internet.pages[url_of("b")] = rss("one", "old two", item=undated)
    await world.poll()
    world.internet.pages[url_of("b")] = rss("one", "old two", "new three", item=undated)
    await world.poll()
    assert [(item.title, item.backfill) for item in world.producer.items] == [
        ("one", True), ("old two", True), ("new three", False),
    ]  # fmt: skip


async def test_a_new_address_starts_without_the_failures_of_the_old_one():
    world = World(make_feed("a"))
    world.states["a"] = FeedState(feed_id="a", url=url_of("a"), failures=40.0, health="dormant")
    world.feeds["a"] = make_feed("a", url=url_of("b"))
    state = await world.poll()
    assert (state.health, state.failures) == ("failing", 0.5)


@pytest.mark.parametrize(
    ("page", "health", "reason"),
    [
        (b"<html><body>Moved</body></html>", "failing", "a web page, not a feed"),
        (b"", "failing", "empty"),
        (FetchError("HTTP 403", kind="blocked", status=403), "blocked", "HTTP 403"),
        (FetchError("HTTP 429", kind="slow_down", retry_after_seconds=60), "slow_down", "HTTP 429"),
        (ZeroDivisionError("a bug"), "failing", "our own fault: ZeroDivisionError"),
        (FetchError("HTTP 500 \udcff\x00", kind="server", status=500), "failing", "HTTP 500"),
    ],
)
async def test_trouble_becomes_health_and_keeps_what_is_known(page, health, reason):
    world = World(make_feed("a"), a=rss("one"))
    before = await world.poll()
    world.internet.pages[url_of("a")] = page
    state = await world.poll()
    assert state.health == health
    assert reason in state.reason
    assert (state.seen, state.etag) == (before.seen, before.etag)
    assert state.next_check_at is not None
    assert state.next_check_at > NOW
    assert world.producer.states["a"] == state


async def test_a_killed_parser_is_the_feeds_health():
    class Killed:
        async def parse(self, body, content_type, url):
            raise ParseError("the parser was stopped", kind="parser_killed")

    world = World(make_feed("a"), a=rss("one"))
    world.parser = Killed()
    world.restart()
    assert (await world.poll()).health == "failing"


async def test_an_item_that_is_too_large_is_set_aside_and_the_rest_goes_on():
    world = World(make_feed("a"), a=rss("one", "two " + "x" * 3000, "three"))
    world.producer.max_bytes = 3000
    state = await world.poll()
    assert set(world.titles) == {"one", "three"}
    assert len(state.seen) == 3
    (letter,) = (sent for sent in world.producer.sent if sent.topic == DEAD_LETTERS)
    assert letter.headers["dead-letter-topic"] == ITEMS.encode()
    assert letter.headers["dead-letter-stage"] == b"poll"
    assert letter.headers["dead-letter-partition"] == letter.headers["dead-letter-offset"] == b"-1"
    assert b"xxx" in (letter.value or b"")


async def test_one_bad_feed_stops_no_other():
    async def hangs():
        await asyncio.sleep(60)

    world = World(
        *(make_feed(name, interval_seconds=1) for name in ("bad", "hang", "good")),
        clock=utc_now,
        bad=ZeroDivisionError("bug"),
        hang=hangs,
        good=rss("one"),
    )
    async with world.running():
        await world.until(lambda: len(world.internet.requests) >= 5)
    assert world.titles == ["one"]


async def test_the_registry_is_edited_live():
    world = World(make_feed("a", interval_seconds=1), clock=utc_now, a=rss("a1"), b=rss("b1"))
    async with world.running():
        await world.until(lambda: world.titles == ["a1"])
        world.feeds["b"] = make_feed("b")
        await world.until(lambda: world.titles == ["a1", "b1"])
        world.feeds["b"] = make_feed("b", enabled=False)
        del world.feeds["a"]
        await asyncio.sleep(1.2)  # an edit takes effect within a second
        asked = len(world.internet.requests)
        await asyncio.sleep(1.2)
        assert len(world.internet.requests) == asked
        world.feeds["b"] = make_feed("b", interval_seconds=1)
        await world.until(lambda: len(world.internet.requests) > asked)


async def test_a_restart_does_not_fetch_everything_again():
    world = World(make_feed("a"), make_feed("b"), clock=utc_now, a=rss("a1"), b=rss("b1"))
    later = utc_now() + timedelta(hours=1)
    world.states["a"] = FeedState(feed_id="a", url=url_of("a"), next_check_at=later)
    async with world.running():
        await world.until(lambda: world.titles == ["b1"])
    assert [url for url, _, _ in world.internet.requests] == [url_of("b")]


async def test_feeds_of_other_processes_are_left_alone():
    world = World(make_feed("a"), make_feed("b"), clock=utc_now, a=rss("a1"), b=rss("b1"))
    world.share.owned = {"a"}
    async with world.running():
        await world.until(lambda: world.titles == ["a1"])
        world.share.owned.add("b")
        await world.until(lambda: world.titles == ["a1", "b1"])


async def test_one_request_per_host_at_a_time_and_two_seconds_apart():
    async def slow():
        await asyncio.sleep(0.02)
        return rss("x")

    feeds = [make_feed(f"f{n}", url=f"https://one.example/{n}") for n in range(3)]
    world = World(*feeds, make_feed("other"), clock=utc_now, other=rss("y"))
    world.internet.pages |= {feed.url: slow for feed in feeds}
    async with world.running():
        await world.until(lambda: len(world.producer.states) == 4)
    starts = [at for at, (url, _, _) in zip(world.internet.times, world.internet.requests, strict=True)
              if "one.example" in url]  # fmt: skip
    assert [round(later - earlier) for earlier, later in itertools.pairwise(starts)] == [2, 2]
    assert world.internet.times[1] - world.internet.times[0] < 0.5, "other hosts need not wait"


async def test_a_broker_failure_ends_the_process():
    world = World(make_feed("a"), clock=utc_now, a=rss("one"))
    world.producer.fails_on = {ITEMS}
    async with world.running() as task:
        await asyncio.wait({task}, timeout=5)
        assert isinstance(task.exception(), BrokerError)
    assert world.producer.states == {}


async def test_a_stop_finishes_what_is_being_published():
    world = World(make_feed("a"), clock=utc_now, a=rss("one"))
    world.producer.acks_wait = asyncio.Event()
    task = asyncio.create_task(world.poller.run())
    await world.until(lambda: world.internet.requests)
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    world.producer.acks_wait.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.titles == ["one"]
    assert world.producer.states["a"].health == "ok"


# For the lead: these three need the changes to `Poller._turn`, `Poller.takes` and `Poller.push`
# that review R1 proposes.


async def test_our_own_fault_with_one_feed_stops_no_other(monkeypatch):
    world = World(
        make_feed("bad"),
        make_feed("good", interval_seconds=1),
        clock=utc_now,
        bad=rss("bad"),
        good=rss("one"),
    )
    send = world.producer.send

    async def fails(topic, value=None, key=b"", **fields):
        if key == b"bad":
            raise ValueError("cannot be encoded")
        return await send(topic, value=value, key=key, **fields)

    monkeypatch.setattr(world.producer, "send", fails)
    async with world.running() as task:
        await world.until(lambda: world.internet.requests.count((url_of("good"), '"1"', "")) >= 1)
        assert not task.done()
    assert [url for url, _, _ in world.internet.requests].count(url_of("bad")) == 1


class Hubs:
    """Notes what a poller tells its Subscriber."""

    def __init__(self):
        self.told = []

    def take(self, feed, state):
        self.told.append("take")

    def after_poll(self, feed, state, outcome):
        self.told.append("after_poll")

    def subscription(self, feed_id):
        return None

    def forget(self, feed_ids):
        self.told += ["forget" for _ in feed_ids]


async def test_a_poll_that_outlives_its_feed_leaves_no_subscription():
    world = World(make_feed("a"), clock=utc_now)
    removed = asyncio.Event()

    async def slow():
        await removed.wait()
        return rss("one")

    world.internet.pages[url_of("a")] = slow
    world.poller._pushes = hubs = Hubs()
    async with world.running():
        await world.until(lambda: world.internet.requests)
        world.feeds["a"] = make_feed("a", enabled=False)
        await world.until(lambda: hubs.told == ["forget"])
        removed.set()
        await world.until(lambda: hubs.told == ["forget", "after_poll", "forget"])


async def test_a_push_is_taken_only_while_the_feed_is_ours():
    world = World(make_feed("a"), clock=utc_now, a=rss("one"))
    async with world.running():
        await world.until(lambda: world.titles)
        assert world.poller.takes("a")
        world.share.owned = set()
        assert not world.poller.takes("a")
        world.share.owned = None
        await world.poller.leave(["a"])
        assert not world.poller.takes("a")


async def silent_world():
    """A feed that brought something every hour for two weeks, and nothing for five hours."""
    moments = range(int(NOW.timestamp()) - 14 * 86_400, int(NOW.timestamp()) + 1, 3_600)
    world = World(make_feed("a"), a=NotModified(url=url_of("a")))
    world.states["a"] = FeedState(
        feed_id="a",
        url=url_of("a"),
        seen={str(at): Seen("h", 1, at, at) for at in moments},
        first_success_at=NOW - timedelta(days=20),
        last_success_at=NOW,
    )
    world.clock.go(hours=5)
    return world


def trends_of(world):
    return [decode(Trend, sent.value) for sent in world.producer.sent if sent.topic == TRENDS]


async def test_a_silence_is_told_before_it_is_remembered():
    world = await silent_world()
    state = await world.poll()
    assert [(sent.topic, sent.key) for sent in world.producer.sent] == [
        (TRENDS, "a"), (FEED_STATE, "a")
    ]  # fmt: skip
    (begin,) = trends_of(world)
    assert (begin.kind, begin.phase, begin.feed_id) == ("silence", "begin", "a")
    assert (state.health, state.silent_since) == ("stale", NOW)

    world.restart()
    world.clock.go(hours=1)
    await world.poll()
    assert len(trends_of(world)) == 1, "a restart changes nothing"

    world.internet.pages[url_of("a")] = rss("one")
    await world.poll()
    assert [sent.topic for sent in world.producer.sent][-3:] == [ITEMS, TRENDS, FEED_STATE]
    _, end = trends_of(world)
    assert (end.trend_id, end.phase, end.count) == (begin.trend_id, "end", 1)


@pytest.mark.parametrize("topic", [TRENDS, FEED_STATE])
async def test_a_silence_that_was_not_remembered_is_told_again_under_its_id(topic):
    world = await silent_world()
    world.producer.fails_on = {topic}
    with pytest.raises(BrokerError):
        await world.poll()
    assert world.states["a"].silent_since is None
    world.producer.fails_on = set()
    world.restart()
    world.clock.go(minutes=10)
    await world.poll()
    assert len({trend.trend_id for trend in trends_of(world)}) == 1


async def test_a_push_that_meets_a_poll_is_followed_by_another():
    """The poll may have fetched what was there before."""
    arrived, goes_on = asyncio.Event(), asyncio.Event()

    async def old():
        arrived.set()
        await goes_on.wait()
        return rss("one")

    world = World(make_feed("a", interval_seconds=1800), clock=utc_now, a=old)
    async with world.running():
        await arrived.wait()
        assert await world.poller.push("a", b"", "")
        world.internet.pages[url_of("a")] = rss("one", "two")
        goes_on.set()
        await world.until(lambda: world.titles == ["one", "two"])
    assert len(world.internet.requests) == 2
