import asyncio
import signal
from datetime import timedelta

import msgspec
import pytest

from streams.broker.broadcast import Broadcast, publish
from streams.broker.clients import connect_consumer
from streams.broker.topics import FEED_STATE, FEEDS, ITEMS, TRENDS
from streams.broker.topics import apply as apply_topics
from streams.config import utc_now
from streams.feeds import polling
from streams.feeds.parse import PARSER
from streams.feeds.polling import run
from streams.records import FeedState, Item, Seen, Trend
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


@pytest.mark.embedded
async def test_a_feed_that_falls_silent_is_told_on_the_topic_of_trends(embedded_broker):
    settings = msgspec.structs.replace(embedded_broker, allow_private=("127.0.0.0/8",))
    await apply_topics(settings)
    consumer = await connect_consumer(settings, TRENDS)
    now = utc_now()
    latest = int(now.timestamp()) - 5 * 3_600
    hourly = range(latest - 14 * 86_400, latest + 1, 3_600)
    async with serving(quiet=answer(304)) as base:
        feed = make_feed("quiet", url=f"{base}/quiet")
        known = FeedState(
            feed_id="quiet",
            url=feed.url,
            etag='"1"',
            parser=PARSER,
            seen={str(at): Seen("h", 1, at, at) for at in hourly},
            first_success_at=now - timedelta(days=20),
            last_success_at=now - timedelta(minutes=15),
            last_document_at=now - timedelta(minutes=15),
        )
        await publish(settings, FEED_STATE, {"quiet": known})
        await publish(settings, FEEDS, {"quiet": feed})
        poller = asyncio.create_task(run(settings))
        async with asyncio.timeout(30):
            message = await consumer.getone()
        await consumer.stop()
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(poller, 5)
    trend = decode(Trend, message.value)
    assert message.key == b"quiet"
    assert (trend.kind, trend.phase, trend.feed_id) == ("silence", "begin", "quiet")
    assert trend.reason == "silent for 5 h, usually for 60 min at most"


async def test_a_broker_that_answers_no_more_does_not_hold_up_the_end():
    class Stuck:
        async def stop(self):
            await asyncio.sleep(3600)

    async with asyncio.timeout(5):
        await polling._let_go(Stuck())
