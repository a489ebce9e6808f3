"""Control topics: held whole, followed live, seeded from files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from streams.broker.broadcast import Broadcast, publish, seed, seed_changes
from streams.broker.clients import administer, connect_consumer, connect_producer
from streams.broker.embedded import EmbeddedBroker
from streams.broker.topics import FEEDS, RULES, apply
from streams.config import BrokerSettings, Settings
from streams.errors import BrokerError, RecordError
from streams.records import Feed, Origin
from tests.brokers import KafkaBroker, kafka_missing

Change = tuple[str, Feed | None]


def feed(name: str, title: str = "", origin: Origin = "cli") -> Feed:
    return Feed(feed_id=name, url=f"https://{name}.example", title=title, origin=origin)


async def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def send_raw(settings: Settings, *messages: tuple[bytes, bytes]) -> None:
    producer = await connect_producer(settings)
    for key, value in messages:
        await producer.send_and_wait(FEEDS, key=key, value=value)
    await producer.stop()


@asynccontextmanager
async def broadcast(
    settings: Settings, on_change: Callable[[str, Feed | None], None] | None = None
) -> AsyncIterator[Broadcast[Feed]]:
    held = Broadcast(settings, FEEDS, Feed, on_change)
    await held.start()
    try:
        yield held
    finally:
        await held.stop()


# --- on real brokers -------------------------------------------------------------------------


async def test_an_empty_topic_is_read_at_once(broker: Settings) -> None:
    await apply(broker)
    async with broadcast(broker) as held:
        assert held.values == {}
        assert held.version


async def test_a_missing_topic_names_the_cure(broker: Settings) -> None:
    with pytest.raises(BrokerError, match="wirewatch topics apply"):
        await Broadcast(broker, RULES, Feed).start()


async def test_holds_the_newest_of_each_key_and_tells_of_each_once(broker: Settings) -> None:
    await apply(broker)
    await publish(broker, FEEDS, {f"f{n}": feed(f"f{n}") for n in range(20)})
    await publish(broker, FEEDS, {"f3": feed("f3", "neu"), "f4": None})
    told: list[Change] = []
    async with broadcast(broker, lambda key, record: told.append((key, record))) as held:
        expected = {f"f{n}": feed(f"f{n}") for n in range(20) if n != 4} | {"f3": feed("f3", "neu")}
        assert held.values == expected
        assert sorted(told, key=lambda change: change[0]) == sorted(expected.items())


async def test_follows_edits_and_deletions(broker: Settings) -> None:
    await apply(broker)
    await publish(broker, FEEDS, {"a": feed("a")})
    told: list[Change] = []
    async with broadcast(broker, lambda key, record: told.append((key, record))) as held:
        first = held.version
        await publish(broker, FEEDS, {"a": feed("a", "Abendblatt")})
        await publish(broker, FEEDS, {"b": feed("b")})
        await eventually(lambda: len(held.values) == 2 and held.values["a"].title != "")
        assert held.version != first
        await publish(broker, FEEDS, {"a": None, "b": None, "never-there": None})
        await publish(broker, FEEDS, {"a": feed("a")})
        await eventually(lambda: held.values == {"a": feed("a")})
        assert held.version == first, "the same values have the same version"
    assert [record for key, record in told if key == "a"] == [
        feed("a"),
        feed("a", "Abendblatt"),
        None,
        feed("a"),
    ]
    assert ("never-there", None) not in told


async def test_what_cannot_be_read_is_logged_and_skipped(broker: Settings) -> None:
    await apply(broker)
    await publish(broker, FEEDS, {"good": feed("good")})
    bad = [
        (b"good", b"{"),
        (b"bad", b'{"feed_id": 7}'),
        (b"\xff", b'{"feed_id": "x", "url": "u"}'),
    ]
    await send_raw(broker, *bad)
    with capture_logs() as logs:
        async with broadcast(broker) as held:
            assert held.values == {"good": feed("good")}
            await send_raw(broker, *bad)
            await publish(broker, FEEDS, {"after": feed("after")})
            await eventually(lambda: "after" in held.values)
            await eventually(lambda: [e["event"] for e in logs].count("broadcast_skipped") == 6)
    assert {entry["topic"] for entry in logs} == {FEEDS}


async def test_the_version_is_the_same_in_every_process(broker: Settings) -> None:
    await apply(broker)
    await publish(broker, FEEDS, {name: feed(name) for name in ("a", "b", "c")})
    async with broadcast(broker) as one, broadcast(broker) as other:
        assert one.version == other.version


async def test_a_refused_change_does_not_stop_the_others(broker: Settings) -> None:
    await apply(broker)

    def refuse(key: str, record: Feed | None) -> None:
        if record and record.title == "unbrauchbar":
            raise RecordError("no use")

    await publish(broker, FEEDS, {"a": feed("a", "unbrauchbar")})
    async with broadcast(broker, refuse) as held:
        await publish(broker, FEEDS, {"b": feed("b", "unbrauchbar"), "c": feed("c")})
        await eventually(lambda: set(held.values) == {"a", "b", "c"})


async def test_a_failure_in_following_is_not_silent(broker: Settings) -> None:
    await apply(broker)

    def break_down(key: str, record: Feed | None) -> None:
        raise ZeroDivisionError

    async with broadcast(broker, break_down) as held:
        await publish(broker, FEEDS, {"a": feed("a")})
        with pytest.raises(BrokerError, match=r"no longer followed: ZeroDivisionError"):
            await asyncio.wait_for(held.wait_failed(), 20)


async def test_stopping_is_no_failure(broker: Settings) -> None:
    await apply(broker)
    async with broadcast(broker) as held:
        waiting = asyncio.create_task(held.wait_failed())
        await asyncio.sleep(0)
    await asyncio.wait_for(waiting, 5)
    await held.stop()


@pytest.mark.embedded
async def test_goes_on_after_the_embedded_broker_restarts(tmp_path: Path) -> None:
    running = EmbeddedBroker(tmp_path)
    address = await asyncio.to_thread(running.start)
    await goes_on_after_restart(
        Settings(broker=BrokerSettings(bootstrap=address), partitions=2),
        EmbeddedBroker(tmp_path, int(address.split(":")[1])),
        running.stop,
    )


@pytest.mark.kafka
async def test_goes_on_after_kafka_was_killed_and_restarts(tmp_path: Path) -> None:
    if reason := kafka_missing():
        pytest.skip(reason)
    running = KafkaBroker(tmp_path)
    address = await asyncio.to_thread(running.start)
    settings = Settings(broker=BrokerSettings(bootstrap=address), partitions=2)
    await goes_on_after_restart(settings, running, running.kill)


async def goes_on_after_restart(
    settings: Settings, again: EmbeddedBroker | KafkaBroker, stop: Callable[[], None]
) -> None:
    await apply(settings)
    await publish(settings, FEEDS, {"a": feed("a")})
    try:
        async with broadcast(settings) as held:
            await asyncio.to_thread(stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(again.start)
            await publish(settings, FEEDS, {"b": feed("b")})
            await eventually(lambda: set(held.values) == {"a", "b"}, 30)
    finally:
        await asyncio.to_thread(again.stop)


@pytest.mark.kafka
async def test_reads_to_the_end_over_the_gaps_of_compaction(kafka_broker: Settings) -> None:
    await apply(kafka_broker)
    quick = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"}
    async with administer(kafka_broker) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, FEEDS, configs=quick)])
    for n in range(12):
        await publish(kafka_broker, FEEDS, {"a": feed("a", f"Nr. {n}")})
        await asyncio.sleep(0.11)
    consumer = await connect_consumer(kafka_broker, FEEDS)
    async with asyncio.timeout(40):
        offsets: list[int] = []
        while not offsets or len(offsets) == offsets[-1] + 1:  # no gap yet
            await asyncio.sleep(0.5)
            await consumer.seek_to_beginning()
            offsets = []
            while not offsets or offsets[-1] < 11:
                offsets += [
                    m.offset
                    for batch in (await consumer.getmany(timeout_ms=500)).values()
                    for m in batch
                ]
    await consumer.stop()
    async with broadcast(kafka_broker) as held:
        assert held.values == {"a": feed("a", "Nr. 11")}


# --- seeding from files ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "known", "changes"),
    [
        ({}, {}, {}),
        ({"a": feed("a")}, {}, {"a": feed("a", origin="file")}),
        ({"a": feed("a")}, {"a": feed("a", origin="file")}, {}),
        ({"a": feed("a", "neu")}, {"a": feed("a", origin="file")}, {"a": feed("a", "neu", "file")}),
        ({}, {"a": feed("a", origin="file")}, {"a": None}),
        # What a person made by the command line stays, whatever the file says.
        ({}, {"a": feed("a", origin="cli")}, {}),
        ({"a": feed("a", "neu")}, {"a": feed("a", origin="cli")}, {}),
    ],
)
def test_seed_changes(
    entries: Mapping[str, Feed], known: Mapping[str, Feed], changes: Mapping[str, Any]
) -> None:
    assert seed_changes(entries, known) == changes


feeds = st.dictionaries(
    st.sampled_from("abcd"),
    st.builds(feed, st.just("x"), st.sampled_from(["", "neu"]), st.sampled_from(["file", "cli"])),
)


@given(feeds, feeds)
def test_seeding_twice_changes_nothing_more(
    entries: Mapping[str, Feed], known: Mapping[str, Feed]
) -> None:
    held = dict(known)
    for key, record in seed_changes(entries, known).items():
        if record is None:
            del held[key]
        else:
            held[key] = record
    assert seed_changes(entries, held) == {}
    from_cli = {key: record for key, record in known.items() if record.origin == "cli"}
    assert from_cli.items() <= held.items()
    assert set(held) == set(entries) | set(from_cli)


async def test_seed_follows_the_file_and_leaves_the_rest(broker: Settings) -> None:
    await apply(broker)
    assert await seed(broker, FEEDS, Feed, {"a": feed("a"), "b": feed("b")}) == 2
    assert await seed(broker, FEEDS, Feed, {"a": feed("a"), "b": feed("b")}) == 0
    await publish(broker, FEEDS, {"mine": feed("mine")})
    assert await seed(broker, FEEDS, Feed, {"a": feed("a", "neu")}) == 2
    async with broadcast(broker) as held:
        assert held.values == {"a": feed("a", "neu", "file"), "mine": feed("mine")}
