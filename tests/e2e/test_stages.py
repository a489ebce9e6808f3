"""The stages against real brokers: poison, kill -9, SIGTERM under load, live edits."""

import asyncio
import signal
from datetime import timedelta

import pytest

from streams.broker.broadcast import publish
from streams.broker.clients import connect_producer
from streams.broker.dead_letters import read_letters, redrive, with_values
from streams.broker.topics import (
    ALERTS,
    DEAD_LETTERS,
    ENRICHED,
    ITEMS,
    MENTIONS,
    RULES,
    WATCHLIST,
)
from streams.config import BrokerSettings, Settings
from streams.records import Alert, EnrichedItem, Figure, Item, Mention, Story
from streams.testing import (
    NOW,
    make_enriched,
    make_figure_hit,
    make_item,
    make_item_ref,
    make_mention,
    make_rule,
)
from streams.wire import decode, encode, read_dead_letter
from tests.broker.batches import make_batch, send_batch
from tests.e2e.stream import Stream

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def items(count, start=0):
    return [
        make_item(
            number=n,
            title=f"Mark Zuckerberg presents plan number {n} for artificial intelligence",
            seen_at=NOW + timedelta(seconds=n),
        )
        for n in range(start, start + count)
    ]


def raw(records, key):
    return [(key(record), encode(record)) for record in records]


async def test_poison_is_set_aside_and_everything_else_goes_through(broker):
    good = items(20)
    poison = [("a", b"\xff\xfe\x00"), ("b", b"{"), ("c", b'{"item_id": 1}'), ("d", b"")]
    async with Stream(broker, "enrich", "stories", "alerts") as stream:
        records = raw(good, lambda i: i.item_id)
        await stream.send_raw(ITEMS, *records[:10], *poison, *records[10:])
        await stream.send_raw(ENRICHED, ("en", b"not json"))
        await stream.send_raw(MENTIONS, ("figure", b"[1, 2]"))
        # Kafka takes a header whose name is not UTF-8; the one behind it is read too.
        producer = await connect_producer(broker)
        await send_batch(producer, ITEMS, make_batch((b"[3]", [b"\xff"]), (b"[4]", [])))
        await producer.stop()
        await stream.settle()
        enriched = [
            decode(EnrichedItem, r.value)
            for r in await stream.records(ENRICHED)
            if r.value != b"not json"
        ]
        letters = [
            read_dead_letter(r.key, r.value, r.headers) for r in await stream.records(DEAD_LETTERS)
        ]
        await redrive(broker, await read_letters(broker))
        await stream.settle()
        waiting = [each for each in await read_letters(broker) if not each.redriven]
        failed_again = [each.letter async for each in with_values(broker, waiting)]
        assert stream.notes == []
    assert {e.item.item_id for e in enriched} == {i.item_id for i in good}
    found = {(letter.stage, letter.topic, letter.value) for letter in letters}
    assert found == {
        *(("enrich", ITEMS, value) for value in (*dict(poison).values(), b"[3]", b"[4]")),
        ("stories", ENRICHED, b"not json"),
        ("alerts", MENTIONS, b"[1, 2]"),
    }
    assert len(letters) == len(found)
    assert {(each.stage, each.topic, each.value) for each in failed_again} == found
    assert {each.attempts for each in failed_again} == {2}


async def test_records_of_any_time_are_told(broker):
    """Others may write into the topics, and Kafka takes every time."""
    hit = make_figure_hit(figure_id="mark-zuckerberg", lists=("executives",))
    times = [2**63 - 1, 10**17, None]
    async with Stream(broker, "enrich", "stories", "alerts") as stream:
        for number, time in enumerate(times):
            mention = make_mention(number=number, story=Story(story_id=f"{number}"), figure=hit)
            item = items(1, number)[0]
            await stream.send_raw(MENTIONS, ("mark-zuckerberg", encode(mention)), time=time)
            await stream.send_raw(ITEMS, (item.item_id, encode(item)), ("k", b"{"), time=time)
            await stream.send_raw(ENRICHED, ("k", b"{"), time=time)
        await stream.settle()
        enriched = [r for r in await stream.records(ENRICHED) if r.value != b"{"]
        alerts = await stream.read(ALERTS, Alert)
        letters = await read_letters(broker)
        assert stream.notes == []
    assert len(enriched) == len(times)
    assert {"0", "1", "2"} <= {alert.story_id for alert in alerts}
    assert len(letters) == 2 * len(times)


async def test_kill_9_loses_nothing_and_tells_nothing_twice(broker):
    """Each stage is killed while it works; the supervisor starts it again."""
    async with Stream(broker, "enrich", "stories", "alerts") as stream:
        for batch in range(3):
            await stream.send_raw(ITEMS, *raw(items(150, 150 * batch), lambda i: i.item_id))
            await asyncio.sleep(1.5)
            stream.signal(("enrich", "stories", "alerts")[batch], signal.SIGKILL)
        await stream.settle()
        enriched = await stream.read(ENRICHED, EnrichedItem)
        mentions = await stream.read(MENTIONS, Mention)
        alerts = await stream.read(ALERTS, Alert)
        assert await stream.records(DEAD_LETTERS) == []
        assert len(stream.notes) == 3
    wanted = {i.item_id for i in items(450)}
    assert {e.item.item_id for e in enriched} == wanted
    assert {m.item.item_id for m in mentions} == wanted
    assert {a.sources[-1].item.item_id for a in alerts} == wanted
    revisions: dict[tuple[str, int], Alert] = {}
    for alert in alerts:  # the same revision may come twice, but it says the same
        same = revisions.setdefault((alert.alert_id, alert.revision), alert)
        assert same.update_kind == alert.update_kind
        assert same.sources == alert.sources


@pytest.mark.kafka
async def test_a_broker_that_is_killed_and_comes_back_costs_nothing(own_kafka, tmp_path):
    address = BrokerSettings(bootstrap=own_kafka.address)
    settings = Settings(broker=address, data_folder=tmp_path, partitions=4)
    async with Stream(settings, "enrich", "stories", "alerts") as stream:
        await stream.send_raw(ITEMS, *raw(items(200), lambda i: i.item_id))
        while not await stream.records(ALERTS):
            await asyncio.sleep(0.1)
        await asyncio.to_thread(own_kafka.kill)
        await asyncio.sleep(2)
        await asyncio.to_thread(own_kafka.start)
        await stream.send_raw(ITEMS, *raw(items(100, 200), lambda i: i.item_id))
        await stream.settle()
        mentions = await stream.read(MENTIONS, Mention)
        alerts = await stream.read(ALERTS, Alert)
        assert await stream.records(DEAD_LETTERS) == []
    wanted = {i.item_id for i in items(300)}
    assert {m.item.item_id for m in mentions} == wanted
    assert {a.sources[-1].item.item_id for a in alerts} == wanted


@pytest.mark.parametrize("stage", ["enrich", "stories"])
async def test_sigterm_under_load_ends_tidily_and_the_next_run_goes_on(broker, stage):
    if stage == "enrich":
        topic, records = ITEMS, raw(items(400), lambda i: i.item_id)
    else:
        enriched = [
            make_enriched(
                f"Ada Example says thing number {n} about rules",
                item=make_item_ref(number=n, seen_at=NOW + timedelta(seconds=n)),
                figures=(make_figure_hit(),),
            )
            for n in range(2000)
        ]
        topic, records = ENRICHED, raw(enriched, lambda e: e.item.lang)
    output = {ITEMS: ENRICHED, ENRICHED: MENTIONS}[topic]
    async with Stream(broker, stage) as stream:
        await stream.send_raw(topic, *records)
        while not await stream.records(output):
            await asyncio.sleep(0.1)
        stream.supervisor._stopping = True  # it must not start it again
        stream.signal(stage, signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await stream.exit_code(stage) == 0
        done = len(await stream.records(output))
    async with Stream(broker, stage) as stream:
        await stream.settle()
        outputs = await stream.records(output)
    assert len({r.key + r.value for r in outputs}) >= len(records)
    assert done <= len(outputs) <= len(records) * 1.02, "a tidy end leaves nothing to repeat"


async def test_an_item_that_kills_its_process_is_set_aside_alone(broker, monkeypatch, tmp_path):
    """A text cannot do it on purpose, so the process is killed while it works on one."""
    hook = tmp_path / "sitecustomize.py"
    hook.write_text(
        "import os\n"
        "import streams.enrich.batch as batch\n"
        "real = batch._decoded\n"
        "def fatal(value):\n"
        "    if value and b'FATAL' in value: os._exit(9)\n"
        "    return real(value)\n"
        "batch._decoded = fatal\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    fatal = make_item(number=999, title="FATAL text about the weather in the north")
    async with Stream(broker, "enrich") as stream:
        records = raw([*items(10), fatal, *items(10, 10)], lambda i: i.item_id)
        await stream.send_raw(ITEMS, *records)
        await stream.settle()
        enriched = await stream.read(ENRICHED, EnrichedItem)
        letters = [
            read_dead_letter(r.key, r.value, r.headers) for r in await stream.records(DEAD_LETTERS)
        ]
        assert stream.notes == []
    assert {e.item.item_id for e in enriched} == {i.item_id for i in items(20)}
    assert [decode(Item, letter.value).item_id for letter in letters] == [fatal.item_id]
    assert "breaks its process" in letters[0].message


async def test_watchlist_and_rules_are_edited_live(broker):
    ada = Figure(figure_id="ada", name="Ada Lovestone", kind="person", lists=("people",))
    async with Stream(broker, "enrich", "stories", "alerts") as stream:

        async def send(number):
            text = f"Ada Lovestone presents machine number {number} to the public"
            item = make_item(number=number, title=text, seen_at=NOW + timedelta(minutes=number))
            await stream.send_raw(ITEMS, (item.item_id, encode(item)))
            await stream.settle()

        await send(1)
        await publish(stream.settings, WATCHLIST, {"ada": ada})
        await publish(stream.settings, RULES, {"all": make_rule(rule_id="all")})
        await asyncio.sleep(1)
        await send(2)
        await publish(stream.settings, WATCHLIST, {"ada": None})
        await asyncio.sleep(1)
        await send(3)
        mentions = await stream.read(MENTIONS, Mention)
        alerts = await stream.read(ALERTS, Alert)
    assert [m.item.title.split()[-4] for m in mentions] == ["2"]
    assert [(a.rule_id, a.figure_id) for a in alerts] == [("all", "ada")]
