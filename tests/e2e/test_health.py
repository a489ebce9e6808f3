"""A process of the stream tells how it is, and ends in time although it is asked all the while."""

import asyncio
import json
import signal
import time
from datetime import timedelta
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from streams.broker.topics import ENRICHED, MENTIONS
from streams.supervise import with_health_ports
from streams.testing import NOW, make_enriched, make_figure_hit, make_item_ref
from streams.wire import encode
from tests.brokers import free_port
from tests.e2e.stream import Stream

pytestmark = [pytest.mark.e2e, pytest.mark.embedded, pytest.mark.timeout(60)]


def ask(port, path):
    """Status and body; 0 while nobody listens."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


async def until(port, path, wanted):
    """Ask until the answer has this status; returns all answers."""
    answers: list[tuple[int, str]] = []
    async with asyncio.timeout(20):
        while not answers or answers[-1][0] != wanted:
            answers.append(await asyncio.to_thread(ask, port, path))
            await asyncio.sleep(0.1)
    return answers


async def ask_on(*ports):
    """Keep asking, one request after the other."""
    while True:
        for port in ports:
            for path in ("/readyz", "/metrics"):
                await asyncio.to_thread(ask, port, path)


def load():
    """Enriched items that keep the stage busy for a second or so."""
    for n in range(1_500):
        item = make_item_ref(number=n, seen_at=NOW + timedelta(seconds=n))
        text = f"Ada Example says thing number {n} about rules"
        yield item.lang, encode(make_enriched(text, item=item, figures=(make_figure_hit(),)))


async def test_a_stage_and_a_poller_answer_and_end_in_time(embedded_broker):
    stream = Stream(embedded_broker, "stories", "poll")
    port = free_port(2)
    stream.supervisor._children = with_health_ports(stream.supervisor._children, port)
    async with stream:
        starting = [
            json.loads(body) for status, body in await until(port, "/readyz", 200) if status
        ]
        assert all(answer["missing"] for answer in starting[:-1])
        await until(port + 1, "/readyz", 200)
        for each in (port, port + 1):
            assert ask(each, "/livez") == (200, '{"status":"ok"}')
        _, metrics = ask(port, "/metrics")
        place = 'group="wirewatch-stories",partition="3",topic="news.enriched"'
        assert f"news_consumer_lag_records{{{place}}} 0.0" in metrics
        assert 'news_rebalances_total{group="wirewatch-stories"} ' in metrics
        assert 'news_in_flight_age_seconds{stage="stories"} 0.0' in metrics
        await stream.send_raw(ENRICHED, *load())
        while not await stream.records(MENTIONS):
            await asyncio.sleep(0.05)
        asking = asyncio.create_task(ask_on(port, port + 1))
        stream.supervisor._stopping = True  # it must not start them again
        began = time.monotonic()
        stream.signal("stories", signal.SIGTERM)
        stream.signal("poll", signal.SIGTERM)
        assert await stream.exit_code("stories") == 0
        assert await stream.exit_code("poll") == 0
        assert time.monotonic() - began < 10
        asking.cancel()
        assert ask(port, "/livez")[0] == 0
    assert stream.notes == []
