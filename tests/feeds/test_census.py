"""Monitoring is told how many feeds are how, and how long a feed that answers has waited."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from streams.config import utc_now
from streams.feeds.census import keep_counting, take_census
from streams.feeds.status import HEALTHS
from streams.records import FeedState
from tests.feeds.fakes import NOW, make_feed


def state_of(feed_id, health, hours_ago, **fields):
    at = NOW - timedelta(hours=hours_ago)
    known = {"url": make_feed(feed_id).url, "last_success_at": at, **fields}
    return FeedState(feed_id=feed_id, health=health, **known)


@pytest.mark.parametrize(
    ("states", "numbers", "hours"),
    [
        ([], {}, 0),
        ([("a", "ok", 1), ("b", "ok", 3), ("c", "stale", 2)], {"ok": 2, "stale": 1}, 3),
        ([("a", "ok", 1), ("b", "dormant", 900), ("c", "gone", 900)], {"ok": 1, "dormant": 1, "gone": 1}, 1),
        ([("a", "failing", 5)], {"failing": 1}, 0),
        ([("a", "ok", -1)], {"ok": 1}, 0),  # by a clock that has been set back since
    ],
)  # fmt: skip
def test_what_is_counted(states, numbers, hours):
    known = {feed_id: state_of(feed_id, health, age) for feed_id, health, age in states}
    census = take_census({feed_id: make_feed(feed_id) for feed_id in known}, known.get, NOW)
    assert census.by_health == dict.fromkeys(HEALTHS, 0) | numbers
    assert census.oldest_success_seconds == hours * 3600


def test_feeds_that_were_never_polled_were_changed_or_are_off():
    feeds = {name: make_feed(name) for name in ("fresh", "changed")}
    feeds["off"] = make_feed("off", enabled=False)
    known = {
        "changed": state_of("changed", "failing", 1, url="https://old.example/"),
        "off": state_of("off", "ok", 9),
    }
    census = take_census(feeds, known.get, NOW)
    assert {health: n for health, n in census.by_health.items() if n} == {"new": 2, "disabled": 1}
    assert census.oldest_success_seconds == 0


async def test_the_metrics_follow_and_wait_while_the_share_is_not_settled():
    def served(health):
        return REGISTRY.get_sample_value("news_feeds", {"health": health})

    feed = make_feed("a")
    known = FeedState(feed_id="a", url=feed.url, health="ok", last_success_at=utc_now())
    share = SimpleNamespace(feeds={"a": feed}, state={"a": known}.get, is_settled=True)
    counting = asyncio.create_task(keep_counting(share))
    async with asyncio.timeout(10):
        while (served("ok"), served("failing")) != (1, 0):
            await asyncio.sleep(0.01)
    counting.cancel()
    share.feeds, share.is_settled = {}, False
    counting = asyncio.create_task(keep_counting(share))
    await asyncio.sleep(0.05)
    counting.cancel()
    assert served("ok") == 1
