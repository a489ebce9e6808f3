"""A broker that does not acknowledge slows polling down: what waits for it stays bounded."""

import asyncio

from streams.config import utc_now
from streams.feeds.turns import CONCURRENCY
from tests.feeds.fakes import World, make_feed, rss


async def test_no_more_feeds_are_fetched_than_may_wait_and_all_come_in_the_end():
    names = [f"f{n}" for n in range(3 * CONCURRENCY)]
    world = World(
        *(make_feed(name, interval_seconds=1) for name in names),
        clock=utc_now,
        **{name: rss(name) for name in names},
    )
    world.producer.acks_wait = asyncio.Event()
    async with world.running():
        await world.until(lambda: len(world.internet.requests) == CONCURRENCY)
        await asyncio.sleep(1.5)  # all others are due, and those that wait would be again
        assert len(world.internet.requests) == CONCURRENCY
        assert len(world.poller._running) == CONCURRENCY
        assert world.states == {}, "nothing is remembered before it is acknowledged"
        world.producer.acks_wait.set()
        await world.until(lambda: len(world.states) == len(names))
    assert sorted(world.titles) == sorted(names)
