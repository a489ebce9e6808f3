"""Somebody sets the clock by an hour: feeds are polled as planned, and nothing is lost or told twice."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from streams.config import seconds_awake_or_not, utc_now
from streams.errors import FetchError
from streams.feeds import schedule
from streams.feeds.jumps import LEAST_SECONDS, ClockJumps
from streams.records import FeedState
from tests.feeds.fakes import NOW, World, make_feed, rss, url_of

HOUR = timedelta(hours=1)


class Wall:
    """The clock on the wall, which may be set."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.offset


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_polls_go_on_at_their_pace_and_the_jump_is_told(jump):
    wall = Wall()
    feeds = [make_feed(f"f{n}", interval_seconds=2) for n in range(3)]
    slow = make_feed("slow", interval_seconds=1800)
    world = World(*feeds, slow, clock=wall, **{f.feed_id: rss(f.feed_id) for f in [*feeds, slow]})
    world.steady = seconds_awake_or_not
    world.restart()
    with capture_logs() as logs:
        await _set_while_running(world, wall, jump)
    asked = [url for url, _, _ in world.internet.requests]
    assert asked.count(slow.url) == 1, "half an hour is not over because the clock says so"
    for feed in feeds:
        times = [at for at, url in zip(world.internet.times, asked, strict=True) if url == feed.url]
        pauses = [after - before for before, after in itertools.pairwise(times)]
        assert all(1.5 < pause < 10 for pause in pauses), pauses
    assert sorted(world.titles) == ["f0", "f1", "f2", "slow"]
    told = [each["seconds"] for each in logs if each["event"] == "clock_set"]
    assert told == [pytest.approx(jump.total_seconds(), abs=10)]


async def _set_while_running(world: World, wall: Wall, jump: timedelta) -> None:
    async with world.running():
        await world.until(lambda: len(world.producer.states) == 4)
        # What is set between a poll and its plan makes the feed be polled at once, which does no harm.
        await asyncio.sleep(0.5)
        wall.offset += jump
        before = len(world.internet.requests)
        await world.until(lambda: len(world.internet.requests) >= before + 6)
        await asyncio.sleep(1)


async def test_a_push_is_fetched_at_once_after_the_clock_was_set_back():
    wall = Wall()
    world = World(make_feed("a", interval_seconds=1800), clock=wall, a=rss("one"))
    world.steady = seconds_awake_or_not
    world.restart()
    async with world.running():
        await world.until(lambda: world.titles)
        wall.offset -= HOUR
        world.internet.pages[url_of("a")] = rss("one", "two")
        assert await world.poller.push("a", b"", "")
        await world.until(lambda: world.titles == ["one", "two"])


@pytest.mark.parametrize(
    ("next_in", "fetched_ago", "seconds"),
    [
        (900, 0, 900),
        (900, 5, 900),
        (900 + 3600, -3600, 900),  # set back by an hour while the poll was published
        (900 - 3600, 3600, 0),  # set forward
        (300, None, 300),
        (300, -86_400, 300),  # last fetched tomorrow: a pause after our own fault stays a pause
        (None, 0, 0),
    ],
)
def test_never_longer_than_planned(next_in, fetched_ago, seconds):
    state = FeedState(
        feed_id="a",
        url="u",
        next_check_at=None if next_in is None else NOW + timedelta(seconds=next_in),
        last_fetch_at=None if fetched_ago is None else NOW - timedelta(seconds=fetched_ago),
    )
    assert schedule.wait_seconds(state, NOW) == pytest.approx(seconds, abs=6)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([-3600.0, 0.0, 0.0, 3600.0]),
            st.sampled_from(["ok", "down", "news", "restart"]),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_whatever_the_clock_does_every_entry_comes_once_and_no_feed_waits_for_ever(steps):
    asyncio.run(_polls(steps))


async def _polls(steps: list[tuple[float, str]]) -> None:
    numbers = itertools.count(1)
    titles = ["0"]
    world = World(make_feed("a"), a=rss(*titles))
    for jump, what in steps:
        world.clock.go(seconds=jump + 600)
        if what == "restart":
            world.restart()
        if what == "news":
            titles.append(str(next(numbers)))
        page: Any = FetchError("gone", kind="dns_temporary") if what == "down" else rss(*titles)
        world.internet.pages[url_of("a")] = page
        state = await world.poll()
        wait = schedule.wait_seconds(state, world.clock())
        assert 0 < wait <= schedule.LONGEST_WAIT * 1.1
        resumed = schedule.first_check(world.feeds["a"], state, world.clock() - HOUR)
        assert resumed - (world.clock() - HOUR) <= timedelta(seconds=wait + 1)
    world.internet.pages[url_of("a")] = rss(*titles)
    await world.poll()
    assert sorted(world.titles, key=int) == titles
    assert len({item.item_id for item in world.producer.items}) == len(titles)


def test_small_steps_are_no_jumps_and_a_jump_is_told_once():
    jumps, start = ClockJumps(), datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    readings = [(0.0, 0), (10.5, 10), (20 - 0.4, 20), (30 + 3600, 30), (40 + 3600, 40), (50.0, 50)]
    told = [jumps.note(start + wall, steady) for wall, steady in readings]
    assert told == pytest.approx([0, 0, 0, 3600, 0, -3600], abs=1)


@given(st.lists(st.floats(-LEAST_SECONDS / 2.1, LEAST_SECONDS / 2.1), max_size=30))
def test_unrest_below_the_limit_is_never_told(unrest):
    jumps = ClockJumps()
    assert not any(jumps.note(10.0 * n + off, 10.0 * n) for n, off in enumerate(unrest))
