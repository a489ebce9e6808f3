import asyncio
import signal

import msgspec
import pytest

from streams.broker.broadcast import Broadcast, publish
from streams.broker.clients import connect_consumer
from streams.broker.topics import FEED_STATE, FEEDS, ITEMS
from streams.broker.topics import apply as apply_topics
from streams.feeds import polling
from streams.feeds.polling import run
from streams.records import FeedState, Item
from streams.wire import decode
from tests.feeds.fakes import make_feed, rss
from tests.feeds.loopback import answer, serving


@pytest.mark.embedded
async def test_feeds_become_items_and_a_stop_is_tidy(embedded_broker):
    settings = msgspec.structs.replace(embedded_broker, allow_private=("127.0.0.0/8",))
    await apply_topics(settings)
    consumer = await connect_consumer(settings, ITEMS)
    async with serving(good=answer(body=rss("one", "two")), bad=answer(404)) as base:
        feeds = [make_feed(name, url=f"{base}/{name}") for name in ("good", "bad")]
        await publish(settings, FEEDS, {feed.feed_id: feed for feed in feeds})
        poller = asyncio.create_task(run(settings))
        async with asyncio.timeout(30):
            messages = [await consumer.getone(), await consumer.getone()]
        await consumer.stop()
        await asyncio.sleep(0.5)  # the states are written after the items
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(poller, 5)
    items = [decode(Item, message.value) for message in messages]
    assert {item.title for item in items} == {"one", "two"}
    assert messages[0].timestamp == int(items[0].seen_at.timestamp() * 1000)
    states = Broadcast(settings, FEED_STATE, FeedState)
    await states.start()
    await states.stop()
    assert {name: state.health for name, state in states.values.items()} == {
        "good": "ok",
        "bad": "failing",
    }


async def test_a_broker_that_answers_no_more_does_not_hold_up_the_end():
    class Stuck:
        async def stop(self):
            await asyncio.sleep(3600)

    async with asyncio.timeout(5):
        await polling._let_go(Stuck())
