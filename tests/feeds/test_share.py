"""Poll processes share the feeds: each feed has one of them, whoever comes, goes, dies or freezes."""

import asyncio
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from aiokafka.admin import NewTopic
from aiokafka.structs import TopicPartition
from structlog.testing import capture_logs

from streams.broker.broadcast import publish
from streams.broker.clients import administer, connect_producer
from streams.broker.topics import FEED_STATE, FEEDS, apply
from streams.config import BrokerSettings, Settings, environment, seconds_awake_or_not
from streams.errors import BrokerError
from streams.feeds.sharing.holdings import Holding
from streams.feeds.sharing.share import Share
from streams.records import Feed, FeedState

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SESSION = 6.0
"""Seconds; the least that brokers allow."""
FEED_IDS = [f"feed-{n}" for n in range(40)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """A member learns of a rebalance with its next heartbeat."""
    monkeypatch.setattr("streams.feeds.sharing.membership.SESSION_SECONDS", SESSION)
    monkeypatch.setattr("streams.feeds.sharing.membership.HEARTBEAT_SECONDS", 0.3)


def feed(name, title=""):
    return Feed(feed_id=name, url=f"https://{name}.example/feed", title=title)


def state(name, etag):
    return FeedState(feed_id=name, url=f"https://{name}.example/feed", etag=etag, last_fetch_at=NOW)


async def prepare(settings, names=FEED_IDS):
    await apply(settings)
    await publish(settings, FEEDS, {name: feed(name) for name in names})


async def no_farewell(feed_ids):
    pass


@asynccontextmanager
async def sharing(settings, on_lost=no_farewell, instance="", **options):
    share = Share(msgspec.structs.replace(settings, instance=instance), on_lost, **options)
    await share.start()
    try:
        yield share
    finally:
        await share.stop()


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def complete(*shares, names=FEED_IDS):
    """Each feed is held by exactly one."""
    held = Counter(name for share in shares for name in names if share.holds(name))
    return held == Counter(names)


# --- alone ---------------------------------------------------------------------------------------


async def test_one_process_has_every_feed_and_what_is_remembered(broker):
    await prepare(broker)
    await publish(broker, FEED_STATE, {name: state(name, name) for name in FEED_IDS[:30]})
    await publish(broker, FEED_STATE, {"feed-7": state("feed-7", "newer"), "feed-8": None})
    async with sharing(broker) as share:
        assert share.feeds == {name: feed(name) for name in FEED_IDS}
        assert all(share.holds(name) for name in FEED_IDS)
        assert not share.holds("unknown")
        assert share.fraction == 1
        assert share.is_settled
        known = {name: s.etag for name in FEED_IDS if (s := share.state(name))}
        expected = {name: name for name in FEED_IDS[:30] if name != "feed-8"}
        assert known == expected | {"feed-7": "newer"}
        share.remember(state("feed-35", "just now"))
        assert share.state("feed-35") == state("feed-35", "just now")
    assert share.feeds == {}
    assert not share.holds("feed-1")
    await share.wait_failed()


async def test_the_registry_is_followed_within_a_second(broker):
    await prepare(broker, ["a", "b"])
    async with sharing(broker) as share:
        version = share.version
        assert share.feeds is share.feeds, "not made anew while nothing changes"
        before = share.feeds
        changes = {"a": feed("a", "edited"), "b": None, "c": feed("c")}
        await publish(broker, FEEDS, changes)
        await until(lambda: share.feeds == {"a": changes["a"], "c": changes["c"]}, 1)
        assert share.version != version
        assert set(before) == {"a", "b"}, "what a poller has at hand does not change below it"
        assert not share.holds("b")
        version = share.version
        await publish(broker, FEEDS, {"a": feed("a", "edited")})
        await publish(broker, FEED_STATE, {"a": state("a", "by hand")})
        await until(lambda: share.state("a"))
        assert share.version == version, "nothing to plan anew"


async def test_bad_records_are_told_and_skipped(broker):
    await prepare(broker, ["a"])
    await publish(broker, FEED_STATE, {"a": state("a", "good")})
    producer = await connect_producer(broker)
    for topic in (FEEDS, FEED_STATE):
        await producer.send_and_wait(topic, key=b"a", value=b'{"feed_id"')
        await producer.send_and_wait(topic, key=b"a", value=b"\xff")
    await producer.stop()
    with capture_logs() as logs:
        async with sharing(broker) as share:
            assert share.feeds == {"a": feed("a")}
            assert share.state("a") == state("a", "good")
    skipped = [log for log in logs if log["event"] == "share_skipped"]
    assert Counter(log["topic"] for log in skipped) == {FEEDS: 2, FEED_STATE: 2}


async def test_a_feed_in_the_wrong_partition_is_told_and_not_polled(broker):
    """Its state would lie elsewhere, so that it would be polled without memory."""
    await apply(broker)
    producer = await connect_producer(broker)
    for partition in range(broker.partitions):
        await producer.send_and_wait(
            FEEDS,
            key=b"a",
            value=msgspec.json.encode(feed("a", str(partition))),
            partition=partition,
        )
    right = (await producer.send_and_wait(FEED_STATE, key=b"a", value=b"{}")).partition
    await producer.stop()
    with capture_logs() as logs:
        async with sharing(broker) as share:
            assert share.feeds == {"a": feed("a", str(right))}
    told = [log for log in logs if "belongs into partition" in log.get("error", "")]
    assert len(told) == broker.partitions - 1


# --- what cannot work is refused -----------------------------------------------------------------


async def test_missing_topics_are_refused_and_not_created(broker):
    for _ in range(2):
        with pytest.raises(BrokerError, match=r"no topic news\.feeds, news\.feed-state \(run"):
            await Share(broker, no_farewell).start()


async def test_different_numbers_of_partitions_are_refused(broker):
    async with administer(broker) as admin:
        await admin.create_topics([NewTopic(FEEDS, 4, 1), NewTopic(FEED_STATE, 2, 1)])
    await apply(broker)
    with pytest.raises(BrokerError, match=r"news\.feeds has 4 partitions, news\.feed-state has 2"):
        await Share(broker, no_farewell).start()


async def test_without_a_broker_it_says_so(tmp_path):
    settings = Settings(broker=BrokerSettings(bootstrap="127.0.0.1:1"), data_folder=tmp_path)
    with pytest.raises(BrokerError, match="nobody listens there"):
        await Share(settings, no_farewell).start()


async def test_a_share_that_cannot_be_kept_up_ends_the_poller(embedded_broker):
    """As when somebody adds partitions to a running group: keys move, states are elsewhere."""
    await prepare(embedded_broker, ["a"])
    async with sharing(embedded_broker) as share:
        failed = asyncio.create_task(share.wait_failed())
        await asyncio.sleep(0.1)
        assert not failed.done()
        too_many = TopicPartition(FEEDS, embedded_broker.partitions)
        share._membership.on_partitions_assigned([too_many])
        with pytest.raises(BrokerError, match="more partitions"):
            await asyncio.wait_for(failed, 5)


async def test_a_broker_that_sends_nothing_more_is_an_error(embedded_broker, monkeypatch):
    monkeypatch.setattr("streams.feeds.sharing.following._STALL_SECONDS", 0.5)
    await prepare(embedded_broker, ["a"])

    async def nothing(*_, **__):
        await asyncio.sleep(0.05)
        return {}

    monkeypatch.setattr("aiokafka.AIOKafkaConsumer.getmany", nothing)
    with pytest.raises(BrokerError, match="sends nothing although there is more"):
        await asyncio.wait_for(Share(embedded_broker, no_farewell).start(), 10)


# --- coming and going ----------------------------------------------------------------------------


async def test_two_share_all_feeds_and_one_that_leaves_hands_over(broker):
    await prepare(broker)
    lost: list[frozenset[str]] = []

    async def farewell(feed_ids):
        assert not first.feeds, "nothing may be begun any more"
        assert not first.is_settled
        lost.append(feed_ids)
        # What is being published now is known to whoever polls the feed next.
        await publish(broker, FEED_STATE, {name: state(name, "farewell") for name in feed_ids})
        for name in feed_ids:
            first.remember(state(name, "farewell"))

    async with sharing(broker, farewell) as first:
        version = first.version
        async with sharing(broker) as second:
            await until(lambda: complete(first, second))
            assert lost == [frozenset(FEED_IDS)]
            assert first.version != version
            assert first.fraction == second.fraction == 0.5
            assert len(first.feeds) + len(second.feeds) == len(FEED_IDS)
            for name in FEED_IDS:
                mine, other = (first, second) if first.holds(name) else (second, first)
                assert mine.state(name) == state(name, "farewell")
                assert other.state(name) is None
            gone = next(iter(second.feeds))
            await publish(broker, FEED_STATE, {gone: state(gone, "by the second")})
            second.remember(state(gone, "by the second"))
            first.remember(state(gone, "not ours"))
        await until(lambda: complete(first), 3)
        assert first.state(gone) == state(gone, "by the second")
        assert first.fraction == 1


async def test_kept_partitions_are_not_read_again(broker, monkeypatch):
    taken: Counter[str] = Counter()
    take = Holding.take_state

    def counting(holding, key, value):
        taken[key.decode()] += 1
        take(holding, key, value)

    monkeypatch.setattr(Holding, "take_state", counting)
    await prepare(broker)
    await publish(broker, FEED_STATE, {name: state(name, "old") for name in FEED_IDS})
    async with sharing(broker) as first:
        assert set(taken.values()) == {1}
        async with sharing(broker) as second:
            await until(lambda: complete(first, second))
            kept, moved = set(first.feeds), set(second.feeds)
        await until(lambda: complete(first))
    assert kept
    assert {taken[name] for name in kept} == {1}
    assert {taken[name] for name in moved} == {3}, "read by the first, the second, the first again"


async def test_more_processes_than_partitions_wait_for_their_turn(broker):
    single = msgspec.structs.replace(broker, partitions=1)
    await prepare(single)
    async with sharing(single) as first, sharing(single) as second:
        await until(lambda: complete(first, second))
        owner, waiting = (first, second) if first.feeds else (second, first)
        assert waiting.feeds == {}
        assert waiting.is_settled
        assert 0 < waiting.fraction <= 1
        await owner.stop()
        await until(lambda: complete(waiting))


async def test_a_farewell_that_takes_too_long_holds_nobody_up(embedded_broker, monkeypatch):
    monkeypatch.setattr("streams.feeds.sharing.share.FAREWELL_SECONDS", 0.3)
    await prepare(embedded_broker)

    async def never(feed_ids):
        await asyncio.Event().wait()

    async with sharing(embedded_broker, never) as first, sharing(embedded_broker) as second:
        await until(lambda: complete(first, second), 5)


# --- dying and freezing --------------------------------------------------------------------------

_PROCESS = """
import asyncio, sys
import msgspec
from streams.config import BrokerSettings, Settings
from streams.feeds.sharing import membership
from streams.feeds.sharing.share import Share

membership.SESSION_SECONDS, membership.HEARTBEAT_SECONDS = float(sys.argv[3]), 0.3

async def ignore(feed_ids):
    pass

async def main():
    settings = Settings(broker=BrokerSettings(bootstrap=sys.argv[1]), instance=sys.argv[2])
    share = Share(settings, ignore)
    await share.start()
    told = None
    while True:
        held = sorted(feed_id for feed_id in share.feeds if share.holds(feed_id))
        if held != told:
            told = held
            print(msgspec.json.encode(held).decode(), flush=True)
        await asyncio.sleep(0.05)

asyncio.run(main())
"""


class Process:
    """A Share in a process of its own, which tells what it holds whenever that changes."""

    def __init__(self, settings, instance=""):
        self._arguments = (settings.broker.bootstrap, instance, str(SESSION))
        self._held: list[str] = []

    async def __aenter__(self):
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PROCESS, *self._arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment({"WIREWATCH_LOG_LEVEL": "ERROR"}),
        )
        self._listener = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_):
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._listener

    async def _listen(self):
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line.startswith(b"["):
                self._held = msgspec.json.decode(line)

    @property
    def held(self):
        return self._held

    def holds(self, name):
        return name in self._held

    async def kill(self):
        self._process.kill()
        await self._process.wait()
        self._held = []

    def signal(self, number):
        self._process.send_signal(number)


@pytest.mark.kafka
async def test_what_a_killed_process_had_is_taken_over_after_its_session(kafka_broker):
    await prepare(kafka_broker)
    async with sharing(kafka_broker) as share, Process(kafka_broker) as other:
        await until(lambda: other.held and complete(share, other))
        await other.kill()
        await until(lambda: complete(share), SESSION + 4)


async def test_a_named_process_that_is_killed_resumes_at_once_with_the_same_feeds(broker):
    await prepare(broker)
    lost: list[frozenset[str]] = []

    async def farewell(feed_ids):
        lost.append(feed_ids)

    async with sharing(broker, farewell, instance="stays") as share:
        async with Process(broker, "returns") as other:
            await until(lambda: other.held and complete(share, other))
            before = other.held
            await other.kill()
        lost.clear()
        async with Process(broker, "returns") as other:
            await until(lambda: other.held, SESSION)
            assert other.held == before
            assert complete(share, other)
            assert lost == [], "nobody else has noticed"


async def test_after_a_freeze_nothing_is_held_until_the_group_has_confirmed_it(broker):
    await prepare(broker)
    frozen = 0.0
    async with sharing(broker, clock=lambda: seconds_awake_or_not() + frozen) as share:
        assert share.holds("feed-1")
        frozen = SESSION - 1.0
        assert share.holds("feed-1"), "nobody can have been given it yet"
        frozen = SESSION + 1
        assert not share.holds("feed-1")
        assert "feed-1" in share.feeds
        await until(lambda: share.holds("feed-1"), SESSION)


@pytest.mark.kafka
async def test_a_process_that_was_frozen_gives_way_to_who_took_over(kafka_broker):
    await prepare(kafka_broker)
    async with sharing(kafka_broker) as share, Process(kafka_broker) as other:
        await until(lambda: other.held and complete(share, other))
        other.signal(signal.SIGSTOP)
        await until(lambda: len(share.feeds) == len(FEED_IDS), SESSION + 4)
        other.signal(signal.SIGCONT)
        await until(lambda: other.held and complete(share, other))
