"""Partitions are read again from whatever time a record claims to be of."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer

from streams.agents import history
from streams.agents.acking import Received
from streams.agents.alerts import AlertsStage
from streams.agents.stories import StoriesStage
from streams.broker import ranges
from streams.broker.ranges import TopicReader
from streams.broker.topics import ENRICHED, MENTIONS
from streams.config import Settings
from streams.errors import RecordError
from streams.testing import NOW, make_enriched, make_mention
from streams.wire import encode

DAY = 86_400.0
EARLY = pytest.mark.parametrize("at", [0.0, 0.5, 5 * DAY, 27 * DAY, 40 * DAY])
"""Of a producer without a clock, or a machine that has not asked for the time yet."""


class Consumer:
    """A partition with nothing before the record; refuses what aiokafka refuses."""

    _client = SimpleNamespace(api_version=(2, 0))
    _request_timeout_ms = 1_000

    def __init__(self):
        self.asked = []
        self._fetcher = SimpleNamespace(get_offsets_by_times=self._nothing)

    async def _nothing(self, times, *_):
        self.asked += times.values()
        return dict.fromkeys(times)

    offsets_for_times = AIOKafkaConsumer.offsets_for_times

    def assign(self, places):
        self.places = places

    unsubscribe = pause = resume = lambda *_: None

    def partitions_for_topic(self, topic):
        return {0}

    async def beginning_offsets(self, places):
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places):
        return dict.fromkeys(places, 3)

    async def seek_to_beginning(self, place):
        self.at = 3

    def seek(self, place, offset):
        self.at = offset

    async def position(self, place):
        return self.at

    async def stop(self):
        pass


@pytest.fixture
def consumer(monkeypatch):
    made = Consumer()

    async def connect(*_, **__):
        return made

    monkeypatch.setattr(history, "connect_consumer", connect)
    monkeypatch.setattr(ranges, "connect_consumer", connect)
    return made


@EARLY
@pytest.mark.parametrize(
    ("stage", "topic", "value"),
    [
        (StoriesStage, ENRICHED, make_enriched("Ada speaks about rules.")),
        (AlertsStage, MENTIONS, make_mention()),
    ],
)
async def test_a_first_record_of_1970_is_processed(consumer, at, stage, topic, value):
    record = Received(
        topic=topic, partition=0, offset=3, timestamp=at, key=b"k", value=encode(value)
    )
    (outcome,) = await stage(Settings()).process([record])
    assert not isinstance(outcome, Exception)
    bad = Received(topic=topic, partition=0, offset=4, timestamp=at, key=b"k", value=b"garbage")
    (outcome,) = await stage(Settings()).process([bad])
    assert isinstance(outcome, RecordError)
    assert consumer.asked
    assert min(consumer.asked) >= 0


async def test_people_may_ask_for_a_time_before_there_was_any(consumer):
    async with TopicReader(Settings(), MENTIONS) as reader:
        (span,) = await reader.spans(MENTIONS, since=-DAY, until=-1.0)
    assert (span.begin, span.end) == (3, 3)
    assert consumer.asked == [0, 0]


@pytest.mark.parametrize(("hours", "begin"), [(-48, -72), (0, -24), (49, -24), (24 * 400, -24)])
def test_what_came_before_a_record_from_the_future_is_what_came_before_now(
    monkeypatch, hours, begin
):
    monkeypatch.setattr(history, "utc_now", lambda: NOW)
    at = NOW.timestamp() + hours * 3_600
    record = Received(topic="t", partition=0, offset=3, timestamp=at, key=None, value=None)
    since = history.long_before(record, timedelta(days=1))
    assert since == NOW.timestamp() + begin * 3_600
