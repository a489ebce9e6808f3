"""Faust alone commits past a record in flight; with the guard it does not.

Its producer alone writes behind a gap; with the guard it does not.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import faust.streams
import pytest
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError, RequestTimedOutError
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.sender import Sender
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as faust_driver
from faust.types import TP

from streams.agents import guards
from streams.agents.app import make_app, raw_topic
from streams.broker.topics import COMMANDS, MENTIONS
from streams.config import BrokerSettings, Settings
from streams.errors import WirewatchError

PLACE = TP("news.items", 0)


@dataclass(eq=False)
class Message:
    offset: int
    acked: bool = False
    tp: TP = PLACE


class Log:
    """The part of a consumer that Faust's `_new_offset` looks at."""

    def __init__(self, offsets: list[int], committed: int | None) -> None:
        self._unacked_messages = {Message(offset) for offset in offsets}
        self._acked: dict[Any, list[int]] = defaultdict(list)
        self._acked_index: dict[Any, set[int]] = defaultdict(set)
        self._gap: dict[Any, Any] = defaultdict(lambda: None)
        self._committed_offset = {PLACE: committed}

    def ack(self, offset: int) -> None:
        for message in self._unacked_messages:
            if message.offset == offset:
                message.acked = True
        self._acked[PLACE].append(offset)
        self._acked_index[PLACE].add(offset)


@pytest.fixture
def guarded(monkeypatch):
    """What a consumer commits next, once the guard is installed."""
    monkeypatch.setattr(Consumer, "_new_offset", guards._faust_new_offset)
    guards.install_commit_guard()

    def commit(log: Any) -> int | None:
        offset: int | None = Consumer._new_offset(log, PLACE)
        if offset is not None:
            log._committed_offset[PLACE] = offset
        return offset

    return commit


@pytest.mark.parametrize("committed", [None, 0, 5])
def test_faust_alone_still_commits_past_a_record_in_flight(committed):
    """When this fails, a newer Faust has mended it and the guard can go."""
    log: Any = Log([5, 6], committed)
    log.ack(6)
    assert guards._faust_new_offset(log, PLACE) == 7


@pytest.mark.parametrize("committed", [None, 0, 4, 5])
def test_the_guard_waits_for_the_lowest_in_flight(guarded, committed):
    log = Log([5, 6, 7], committed)
    log.ack(6)
    assert guarded(log) is None
    log.ack(5)
    assert guarded(log) == 7
    log.ack(7)
    assert guarded(log) == 8


def test_the_compiled_stream_is_required(monkeypatch):
    guards.require_compiled_streams()
    monkeypatch.setattr(faust.streams, "_CStreamIterator", None)
    with pytest.raises(WirewatchError, match="compiled"):
        guards.require_compiled_streams()


class Cluster:
    """Three partitions per topic: not a multiple of two workers, where round robin goes astray."""

    def partitions_for_topic(self, topic):
        return {0, 1, 2}


def owners(assignor: Any) -> dict[str, dict[int, str]]:
    """Topic to partition to its worker, for two workers of one group."""
    members = {name: assignor.metadata([MENTIONS, COMMANDS]) for name in ("one", "two")}
    found: dict[str, dict[int, str]] = {}
    for worker, assignment in assignor.assign(Cluster(), members).items():
        for topic, partitions in assignment.assignment:
            found.setdefault(topic, {}).update(dict.fromkeys(partitions, worker))
    return found


def test_faust_alone_parts_mentions_from_the_commands_about_them():
    """When this fails, a newer aiokafka deals partitions out differently and the patch can go."""
    found = owners(RoundRobinPartitionAssignor)
    assert found[MENTIONS] != found[COMMANDS]


async def test_one_worker_owns_a_partition_of_both_topics(monkeypatch, tmp_path):
    """The assignor is the one that the consumer of an app really gets."""
    monkeypatch.setattr(faust_driver, "RoundRobinPartitionAssignor", RoundRobinPartitionAssignor)
    guards.install_copartitioning()
    settings = Settings(broker=BrokerSettings(bootstrap="127.0.0.1:1"), data_folder=tmp_path)
    app = make_app("alerts", settings)
    raw_topic(app, MENTIONS, COMMANDS)
    app.finalize()
    consumer: Any = app.consumer
    thread = consumer._new_consumer_thread()
    given: dict[str, Any] = {}
    monkeypatch.setattr("aiokafka.AIOKafkaConsumer", lambda **options: given.update(options))
    thread._create_worker_consumer(consumer.transport)
    (assignor,) = given["partition_assignment_strategy"]
    found = owners(assignor)
    assert found[MENTIONS] == found[COMMANDS]
    assert set(found[MENTIONS]) == {0, 1, 2}


LOST, OTHER = TP("news.mentions", 0), TP("news.mentions", 1)


class Brokers:
    """Two brokers, of which each leads the partition of its number. They answer when they are told to."""

    def __init__(self) -> None:
        self.cluster = self
        self.asked: list[tuple[int, asyncio.Future[Any]]] = []

    def leader_for_partition(self, tp):
        return tp.partition

    async def send(self, node, request):
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.asked.append((node, answer))
        return await answer

    def answer(self, node):
        """Have written what came last."""
        written = (node, 0, 0, -1, 0)
        answer = SimpleNamespace(API_VERSION=7, topics=[(LOST.topic, [written])])
        self._last(node).set_result(answer)

    def fail(self, node):
        self._last(node).set_exception(RequestTimedOutError())

    def _last(self, node):
        return next(answer for asked, answer in reversed(self.asked) if asked == node)

    def times_asked(self, node):
        return [asked for asked, _ in self.asked].count(node)


class Producer:
    """aiokafka's sender and memory. A batch for each partition is on its way, one more for the first waits behind."""

    def __init__(self) -> None:
        self.brokers = Brokers()
        expired = 0  # so that nothing is tried again
        self.memory = MessageAccumulator(self.brokers, 1_000, 0, expired)
        self._sender = Sender(
            self.brokers,
            acks=-1,
            txn_manager=None,
            message_accumulator=self.memory,
            retry_backoff_ms=100,
            request_timeout_ms=1_000,
        )

    async def __aenter__(self):
        await self._sender.start()
        self.first, self.other = await self.send(LOST), await self.send(OTHER)
        await turn(5)
        self.behind = await self.send(LOST)
        await turn(5)
        assert [node for node, _ in self.brokers.asked] == [0, 1]
        return self

    async def __aexit__(self, *error):
        for _, answer in self.brokers.asked:
            if not answer.done():
                answer.set_exception(RequestTimedOutError())
        await self._sender.close()

    async def lose(self, turns):
        """Have the second broker answer, and the first one's batch given up so many turns of the loop later."""
        self.brokers.answer(1)
        await turn(turns)
        self.brokers.fail(0)
        await turn(8)
        assert isinstance(self.first.exception(), RequestTimedOutError)

    async def send(self, place):
        """A message that fills a batch."""
        return await self.memory.add_message(place, b"k", bytes(900), 1)


async def turn(times):
    for _ in range(times):
        await asyncio.sleep(0)


TURNS = pytest.mark.parametrize("turns", range(6))
"""Of the loop, between the answers of two brokers: the first one wakes up the sender, a turn later it takes more."""


@pytest.fixture
def unguarded(monkeypatch):
    monkeypatch.setattr(MessageAccumulator, "_append_batch", guards._append_batch)
    monkeypatch.setattr(MessageAccumulator, "drain_by_nodes", guards._drain_by_nodes)


@TURNS
async def test_aiokafka_alone_still_writes_behind_a_gap(unguarded, turns):
    """When this fails, a newer aiokafka has mended it and the guard can go."""
    async with Producer() as producer:
        await producer.lose(turns)
        assert producer.brokers.times_asked(0) == 2


@TURNS
async def test_nothing_is_written_behind_a_gap(unguarded, turns):
    guards.install_gap_guard()
    guards.install_gap_guard()
    async with Producer() as producer:
        await producer.lose(turns)
        assert producer.brokers.times_asked(0) == 1
        assert isinstance(producer.behind.exception(), RequestTimedOutError)
        assert producer.other.result().offset == 0
        with pytest.raises(KafkaError):
            await producer.send(LOST)
        await asyncio.wait_for(producer.memory.close(), 1)


async def test_what_is_written_hinders_nobody(unguarded):
    guards.install_gap_guard()
    async with Producer() as producer:
        producer.brokers.answer(0)
        await turn(8)
        assert producer.first.result().offset == 0
        assert producer.brokers.times_asked(0) == 2
        await producer.send(OTHER)
