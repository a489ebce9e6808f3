import time
from datetime import timedelta
from typing import get_args, get_type_hints

import pytest

from streams.feeds.status import HEALTHS, IN_TROUBLE, count, details, rows
from streams.records import Feed, FeedState, Polled, Seen, Subscription
from tests.feeds.fakes import NOW, make_feed

STAMP = int(NOW.timestamp())


def state_of(feed, **fields):
    return FeedState(**({"feed_id": feed.feed_id, "url": feed.url, "last_fetch_at": NOW} | fields))


def by_id(*records):
    return {record.feed_id: record for record in records}


def seen_at(*ages):
    """One entry per age in seconds."""
    return {str(n): Seen("h", 1, STAMP - age, STAMP - age) for n, age in enumerate(ages)}


def test_the_worst_comes_first_then_official_sources():
    kinds = [health for health in HEALTHS if health != "disabled"]
    feeds = [make_feed(health) for health in reversed(kinds)]
    states = [state_of(feed, health=feed.feed_id) for feed in feeds]
    wire = make_feed("wire", tier=1)
    off = make_feed("off", enabled=False)
    states += [state_of(wire, health="failing"), state_of(off, health="failing")]
    shown = rows(by_id(*feeds, wire, off), by_id(*states), NOW)
    assert [row.feed_id for row in shown] == ["wire", *kinds, "off"]
    assert count(shown) == {
        "failing": 2, "blocked": 1, "gone": 1, "dormant": 1, "stale": 1, "slow_down": 1, "new": 1,
        "ok": 1, "disabled": 1,
    }  # fmt: skip


def test_every_health_of_a_state_has_its_place():
    assert sorted(HEALTHS) == sorted(get_args(get_type_hints(FeedState)["health"]))
    assert set(HEALTHS) >= IN_TROUBLE


def test_a_feed_that_was_never_polled():
    (row,) = rows(by_id(make_feed("a")), {}, NOW)
    assert (row.health, row.reason, row.items_last_day) == ("new", "", 0)
    assert (row.last_success_at, row.next_check_at, row.interval_seconds) == (None, None, None)


def test_a_disabled_feed_is_not_polled_whatever_its_state_says():
    feed = make_feed("a", enabled=False)
    (row,) = rows(by_id(feed), by_id(state_of(feed, health="gone", next_check_at=NOW)), NOW)
    assert (row.health, row.next_check_at, row.next_check_reason) == (
        "disabled",
        None,
        "not polled",
    )


def test_health_ends_with_the_address_it_was_about():
    feed = make_feed("a", url="https://new.example/feed")
    before = FeedState(
        feed_id="a", url="https://old.example/feed", health="gone", reason="HTTP 410",
        next_check_at=NOW, seen=seen_at(60),
    )  # fmt: skip
    (row,) = rows(by_id(feed), by_id(before), NOW)
    assert (row.health, row.next_check_at, row.address) == ("new", None, feed.url)
    assert "address was changed" in row.reason
    assert row.items_last_day == 1


def test_items_of_the_last_day_without_those_that_were_there_at_first():
    feed = make_feed("a")
    ages = (10, 3_600, 86_399, 86_401, 10**6)
    assert rows(by_id(feed), by_id(state_of(feed, seen=seen_at(*ages))), NOW)[0].items_last_day == 3
    began = NOW - timedelta(seconds=3_600) + timedelta(milliseconds=500)
    state = state_of(feed, seen=seen_at(*ages), first_success_at=began)
    assert rows(by_id(feed), by_id(state), NOW)[0].items_last_day == 1


def test_feeds_that_lead_to_one_address_name_each_other():
    one = make_feed("one", url="http://paper.example/feed")
    two = make_feed("two", url="https://other.example/feed")
    three = make_feed("three", url="https://third.example/feed")
    off = make_feed("off", url="https://paper.example/feed", enabled=False)
    states = by_id(
        state_of(two, address="https://paper.example/feed", reason="moved"),
        state_of(three, moved_to="https://paper.example/feed?utm_source=x"),
    )
    shown = by_id(*rows(by_id(one, two, three, off), states, NOW))
    assert shown["one"].same_address == ("three", "two")
    assert shown["two"].reason == "moved; same address as one, three"
    assert shown["off"].same_address == ()
    assert shown["two"].address == "https://paper.example/feed"


@pytest.mark.parametrize(
    ("fields", "expected"), [({}, 900.0), ({"interval_seconds": 60}, 60.0)]
)  # fmt: skip
def test_the_interval_is_the_fixed_one_where_there_is_one(fields, expected):
    feed = make_feed("a", **fields)
    assert rows(by_id(feed), by_id(state_of(feed)), NOW)[0].interval_seconds == expected


def test_details_tell_the_latest_polls():
    feed = make_feed("a", min_interval_seconds=600, user_agent="Desk/1.0")
    hub = Subscription("https://hub.example", "https://a.example/feed", "active", missed=1)
    history = (Polled(STAMP - 60, 200, "", 1_000, 40, 2), Polled(STAMP, 0, "timeout", 0, 30_000))
    found = details(
        feed, state_of(feed, history=history, subscription=hub, skip_days=(5, 6), seen=seen_at(1))
    )
    first, last = found.history
    assert (first.status, first.size_bytes, first.took_ms, first.new) == (200, 1_000, 40, 2)
    assert (last.at, last.status, last.error) == (NOW, 0, "timeout")
    assert (found.min_interval_seconds, found.user_agent) == (600, "Desk/1.0")
    assert (found.skip_days, found.items_remembered) == ((5, 6), 1)
    assert found.subscription == hub
    assert details(feed, None).history == ()


def test_thousands_of_feeds_at_one_address_take_no_time():
    feeds = by_id(*(Feed(feed_id=f"f{n}", url="https://a.example/feed") for n in range(5_000)))
    began = time.perf_counter()
    shown = rows(feeds, {}, NOW)
    assert len(shown) == 5_000
    assert all(len(row.same_address) == 5 for row in shown)
    assert time.perf_counter() - began < 5
