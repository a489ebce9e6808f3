"""Dead letters are listed with their reasons, sent back once, and go back to where they came from."""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from streams.broker.clients import connect_producer
from streams.broker.dead_letters import Letter, counted, purge, read_letters, redrive, why_not
from streams.broker.letter_verbs import app
from streams.broker.ranges import TopicReader
from streams.broker.topics import ALERTS, DEAD_LETTERS, ITEMS, apply
from streams.errors import RecordError
from streams.records import DeadLetter
from streams.sinks.dead_letters import send_dead_letter
from streams.wire import attempts_before

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def letter(*, redriven=False, **fields):
    told = DeadLetter(
        **{
            "topic": ITEMS, "partition": 1, "offset": 7, "stage": "enrich", "error": "RecordError",
            "message": "not an Item", "key": b"k", "value": b"{broken", **fields,
        }
    )  # fmt: skip
    return Letter(partition=0, offset=3, at=NOON, letter=told, redriven=redriven)


@pytest.mark.parametrize(
    ("found", "insist", "why"),
    [
        (letter(), False, ""),
        (letter(attempts=2), False, ""),
        (letter(attempts=3), False, "quarantined: it has failed 3 times"),
        (letter(attempts=3), True, ""),
        (letter(redriven=True), False, "redriven already"),
        (letter(redriven=True), True, ""),
        (letter(cut_from_bytes=9_000_000), True, "only the beginning of its 9,000,000 bytes"),
        (letter(topic=ALERTS), True, "keeps the newest record of a key"),
        (letter(topic="feed", partition=-1), True, "no record of ours"),
    ],
)
def test_what_is_not_sent_back(found, insist, why):
    assert why in why_not(found, insist=insist)
    assert bool(why) == bool(why_not(found, insist=insist))


def test_reasons_are_counted_most_first():
    letters = [letter(stage="stories"), letter(), letter()]
    assert counted(letters, "stage") == [("enrich", 2), ("stories", 1)]


def refused(offset, *, value=b"{broken", headers=(), key=b"k"):
    """A record of `news.items` as a consumer sees it."""
    return SimpleNamespace(
        topic=ITEMS, partition=1, offset=offset, key=key, value=value, headers=headers,
        timestamp=int(NOON.timestamp() * 1000),
    )  # fmt: skip


async def refuse(settings, *records):
    producer = await connect_producer(settings)
    for record in records:
        await send_dead_letter(producer, record, stage="enrich", error=RecordError("not an Item"))
    await producer.stop()


async def stored(settings, topic):
    async with TopicReader(settings, topic) as reader:
        spans = await reader.spans(topic)
        return [record for span in spans async for batch in reader.read(span) for record in batch]


async def test_what_is_redriven_goes_back_as_it_was_and_only_once(broker):
    await apply(broker)
    await refuse(
        broker, refused(4), refused(5, value=b"\xff\x00"), refused(6, value=None, key=None)
    )
    letters = await read_letters(broker)
    assert {each.origin for each in letters} == {f"{ITEMS}/1/{n}" for n in (4, 5, 6)}
    await redrive(broker, letters)
    sent = await stored(broker, ITEMS)
    assert [(r.partition, r.value, r.timestamp) for r in sent] == [
        (1, value, int(NOON.timestamp() * 1000)) for value in (b"{broken", b"\xff\x00", None)
    ]
    assert [attempts_before(record.headers) for record in sent] == [1, 1, 1]
    again = await read_letters(broker)
    assert [why_not(each) for each in again] == ["it has been redriven already"] * 3


async def test_what_fails_again_has_been_tried_more_often(broker):
    await apply(broker)
    await refuse(broker, refused(4))
    for tries in (1, 2, 3):
        newest = next(each for each in await read_letters(broker) if not each.redriven)
        assert newest.letter.attempts == tries
        assert bool(why_not(newest)) == (tries == 3)
        if tries < 3:
            await redrive(broker, [newest])
            *_, record = await stored(broker, ITEMS)
            await refuse(broker, record)


async def test_what_is_redriven_keeps_its_trace_and_has_it_once(broker):
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await apply(broker)
    record = refused(4, headers=[("traceparent", trace), ("traceparent", trace)])
    for tries in (1, 2):
        await refuse(broker, record)
        await redrive(broker, [each for each in await read_letters(broker) if not each.redriven])
        *_, record = await stored(broker, ITEMS)
        names = [name for name, _ in record.headers]
        assert sorted(names) == ["attempts-before", "traceparent"]
        assert dict(record.headers) == {"traceparent": trace, "attempts-before": b"%d" % tries}


async def test_purged_letters_are_gone(broker):
    await apply(broker)
    await refuse(broker, refused(4), refused(5))
    await purge(broker, await read_letters(broker))
    await refuse(broker, refused(6))
    assert [each.letter.offset for each in await read_letters(broker)] == [6]


@pytest.mark.embedded
def test_the_commands(embedded_broker, monkeypatch):
    monkeypatch.setenv("WIREWATCH_BROKER", embedded_broker.broker.bootstrap)
    asyncio.run(apply(embedded_broker))
    asyncio.run(refuse(embedded_broker, refused(4, value=b'{"title": "\x1b[31mred"}')))

    def run(*arguments):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    [told] = json.loads(run("list", "--json"))
    assert (told["origin"], told["attempts"], told["state"]) == (f"{ITEMS}/1/4", 1, "waiting")
    assert run("list", "--by", "error").split() == ["1", "RecordError"]
    assert json.loads(run("list", "--stage", "stories", "--json")) == []
    shown = run("show", told["place"])
    assert "not an Item" in shown
    assert "\x1b" not in shown
    assert "would go back" in run("redrive")
    assert asyncio.run(stored(embedded_broker, ITEMS)) == []
    assert "sent back" in run("redrive", told["place"], "--yes")
    assert "redriven already" in run("redrive", "--yes")
    assert len(asyncio.run(stored(embedded_broker, ITEMS))) == 1
    assert "deleted" in run("purge", "--yes")
    assert json.loads(run("list", "--json")) == []


@pytest.mark.embedded
def test_an_unknown_place_is_told(embedded_broker, monkeypatch):
    monkeypatch.setenv("WIREWATCH_BROKER", embedded_broker.broker.bootstrap)
    asyncio.run(apply(embedded_broker))
    done = CliRunner().invoke(app, ["show", "0/99"])
    assert "no dead letter at 0/99" in str(done.exception)
    assert DEAD_LETTERS not in done.output


async def test_what_others_write_among_the_letters_hides_none(broker):
    await apply(broker)
    await refuse(broker, refused(4))
    producer = await connect_producer(broker)
    for headers, timestamp in (
        ([("dead-letter-redriven", b"\xff")], None),
        ([("dead-letter-topic", None)], None),
        ([("attempts-before", None)], 2**63 - 1),
    ):
        await producer.send_and_wait(
            DEAD_LETTERS, b"v", key=b"k", headers=headers, timestamp_ms=timestamp
        )
    await producer.stop()
    assert [each.origin for each in await read_letters(broker)] == [f"{ITEMS}/1/4"]


async def test_a_letter_from_a_partition_that_is_no_more_goes_where_its_key_belongs(broker):
    await apply(broker)
    record = refused(4)
    record.partition = 99
    await refuse(broker, record)
    await redrive(broker, await read_letters(broker))
    assert [record.value for record in await stored(broker, ITEMS)] == [b"{broken"]


@pytest.mark.parametrize(
    "headers", [(("attempts-before", None),), (("attempts-before", b"9" * 5_000),)]
)
def test_attempts_that_no_sender_of_ours_has_counted_are_none(headers):
    assert attempts_before(headers) == 0
