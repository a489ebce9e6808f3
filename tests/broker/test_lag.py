"""How far a group is behind: what is not committed, and for how long it has been there."""

import asyncio

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from streams import metrics
from streams.agents.app import GROUP_PREFIX
from streams.broker.clients import connect_consumer, connect_producer
from streams.broker.lag import BrokerWatch, Lag, LagHistory
from streams.broker.topics import ITEMS, apply
from streams.config import BrokerSettings, Settings
from streams.health import Offsets
from tests.brokers import free_port


@pytest.mark.parametrize(
    ("looks", "lags"),
    [
        ([(0, 0, 0)], [Lag(0, 0)]),
        ([(5, 5, 0), (5, 5, 10)], [Lag(0, 0), Lag(0, 0)]),
        ([(0, 3, 0), (0, 3, 10), (3, 3, 20)], [Lag(3, 0), Lag(3, 10), Lag(0, 0)]),
        # What came at 10 is done at 20, and what came at 20 is the oldest then.
        ([(0, 0, 0), (0, 2, 10), (2, 4, 20), (2, 4, 30)], [(0, 0), (2, 0), (2, 0), (2, 10)]),
        # Only part of what came first is done.
        ([(0, 4, 0), (3, 9, 10)], [Lag(4, 0), Lag(6, 10)]),
        # The end was asked for a moment before the commit.
        ([(7, 5, 0)], [Lag(0, 0)]),
        # The topic was created anew.
        ([(0, 50, 0), (0, 2, 10), (0, 2, 20)], [Lag(50, 0), Lag(2, 0), Lag(2, 10)]),
    ],
)
def test_lags(looks, lags):
    history = LagHistory()
    assert [history.observe(*look) for look in looks] == lags


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=60))
def test_seconds_are_never_too_many_and_too_few_by_one_pause_at_most(steps):
    """Each step some records arrive and some are committed; one step is one second."""
    history, arrived, committed = LagHistory(), [], 0
    for now, (new, done) in enumerate(steps):
        arrived += [now] * new
        committed = min(committed + done, len(arrived))
        lag = history.observe(committed, len(arrived), now)
        assert lag.records == len(arrived) - committed
        true_age = now - arrived[committed] if committed < len(arrived) else 0
        assert lag.seconds == true_age


def test_a_partition_that_stands_still_for_long_keeps_its_age_and_little_memory():
    history = LagHistory()
    for now in range(20_000):
        lag = history.observe(0, now + 1, now)
    assert lag == Lag(20_000, 19_999)
    assert len(history._ends) <= 721
    # Then it catches up in part: what is told stays below the true age, and near it.
    assert 2_500 <= history.observe(15_000, 20_000, 20_000).seconds <= 5_000


async def test_a_broker_that_is_not_there_is_a_reason_and_no_error():
    settings = Settings(broker=BrokerSettings(bootstrap=f"127.0.0.1:{free_port()}"))
    watch = BrokerWatch(lambda: Offsets(settings=settings, group="g", topics=(ITEMS,)))
    assert watch.why_not() == "the broker has not answered yet"
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        while "nobody listens" not in watch.why_not():
            await asyncio.sleep(0.05)
    assert not running.done()
    running.cancel()


async def test_the_lag_of_a_group_is_measured_and_then_the_broker_is_lost(broker):
    settings, group, now = broker, GROUP_PREFIX + "lag-test", [0.0]
    await apply(settings)
    producer = await connect_producer(settings)
    for partition in (0, 0, 0, 1):
        await producer.send_and_wait(ITEMS, b"x", partition=partition)
    await producer.stop()
    consumer = await connect_consumer(settings, ITEMS, group=group)
    records: list[ConsumerRecord] = []
    while len(records) < 4:
        for batch in (await consumer.getmany(timeout_ms=200)).values():
            records += batch
    place = next(place for place in consumer.assignment() if place.partition == 0)
    await consumer.commit({place: 2})
    await consumer.stop()

    watch = BrokerWatch(
        lambda: Offsets(settings=settings, group=group, topics=(ITEMS,)), lambda: now[0]
    )
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        while watch.why_not():
            await asyncio.sleep(0.05)
    assert metrics.LAG_UPDATED.labels(group)._value.get() > 0
    lags = [metrics.LAG_RECORDS.labels(group, ITEMS, str(n))._value.get() for n in range(3)]
    assert lags == [1, 1, 0]
    now[0] = 31.0
    assert watch.why_not().startswith("no answer for 31 s")
    running.cancel()
    await asyncio.wait({running})
