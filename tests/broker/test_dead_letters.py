"""Dead letters are listed with their reasons, sent back once, and go back to where they came from."""

import asyncio
import json
import random
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaTimeoutError
from typer.testing import CliRunner

from streams.broker.clients import connect_producer
from streams.broker.dead_letters import (
    Letter,
    counted,
    purge,
    purgeable,
    read_letters,
    redrive,
    why_not,
    with_values,
)
from streams.broker.ranges import TopicReader
from streams.broker.topics import ALERTS, DEAD_LETTER_BYTES, DEAD_LETTERS, ITEMS, apply
from streams.errors import BrokerError, RecordError
from streams.records import DeadLetter
from streams.sinks.dead_letters import send_dead_letter
from streams.sinks.letter_verbs import app
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
        (letter(topic=ALERTS, stage="notify"), True, "keeps the newest record of a key"),
        (letter(topic=ALERTS, stage="notify:desk", attempts=5), False, ""),
        (letter(topic=ALERTS, stage="notify:desk", redriven=True), False, "redriven already"),
        (letter(topic=ALERTS, stage="notify:desk", cut_from_bytes=9), True, "only the beginning"),
        (letter(topic="feed", partition=-1), True, "no record of ours"),
    ],
)
def test_what_is_not_sent_back(found, insist, why):
    assert why in why_not(found, insist=insist)
    assert bool(why) == bool(why_not(found, insist=insist))


def test_reasons_are_counted_most_first():
    letters = [letter(stage="stories"), letter(), letter()]
    assert counted(letters, "stage") == [("enrich", 2), ("stories", 1)]


@pytest.mark.parametrize(
    ("letters", "gone"),
    [
        ([(0, 1, 9), (0, 2, 10), (1, 1, 13)], ["0/1", "0/2"]),
        ([(0, 1, 12), (0, 2, 10), (1, 1, 11)], ["1/1"]),  # the one behind stays with the one before
        ([(0, 1, 12)], []),
        ([], []),
    ],
)
def test_a_log_is_purged_from_its_begin_on_and_no_letter_that_is_to_stay(letters, gone):
    every = [
        Letter(
            partition=partition, offset=offset, at=NOON.replace(hour=hour), letter=letter().letter
        )
        for partition, offset, hour in letters
    ]
    assert sorted(each.place for each in purgeable(every, NOON)) == gone


def refused(offset, *, value=b"{broken", headers=(), key=b"k"):
    """A record of `news.items` as a consumer sees it."""
    return SimpleNamespace(
        topic=ITEMS, partition=1, offset=offset, key=key, value=value, headers=headers,
        timestamp=int(NOON.timestamp() * 1000),
    )  # fmt: skip


async def refuse(settings, *records):
    producer = await connect_producer(settings, message_bytes=DEAD_LETTER_BYTES)
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


async def test_what_lost_a_part_is_kept_and_not_sent_back(broker):
    """A foreign record may be far larger than ours, for it is small when it is compressed."""
    await apply(broker)
    producer = await connect_producer(broker, message_bytes=DEAD_LETTER_BYTES)
    for record in (refused(4, key=bytes(9_000_000)), refused(5, value=bytes(9_000_000))):
        await send_dead_letter(producer, record, stage="enrich", error=RecordError("not an Item"))
    await producer.stop()
    letters = await read_letters(broker)
    assert {each.letter.offset for each in letters} == {4, 5}
    assert {why_not(each) for each in letters} == {
        "only the beginning of its 9,000,000 bytes was kept"
    }


async def test_purged_letters_are_gone(broker):
    await apply(broker)
    await refuse(broker, refused(4), refused(5))
    await purge(broker, await read_letters(broker))
    await refuse(broker, refused(6))
    assert [each.letter.offset for each in await read_letters(broker)] == [6]


async def test_letters_are_listed_without_their_values_and_read_again_with_them(broker):
    await apply(broker)
    await refuse(broker, refused(4, value=b"x" * 1_000), refused(5), refused(6, value=None))
    letters = await read_letters(broker)
    assert {each.letter.value for each in letters} == {None}
    assert sorted(each.size for each in letters) == [0, 7, 1_000]
    wanted = [each for each in letters if each.letter.offset != 5]
    found = {each.letter.offset: each.letter.value async for each in with_values(broker, wanted)}
    assert found == {4: b"x" * 1_000, 6: None}


async def test_what_the_broker_refuses_keeps_back_none_behind_it(broker):
    await apply(broker)
    # Larger than the topic takes, which the topic of the letters does.
    huge = random.Random(1).randbytes(5_000_000)
    await refuse(broker, refused(4, value=huge), refused(5))
    refusals = await redrive(broker, await read_letters(broker))
    assert [record.value for record in await stored(broker, ITEMS)] == [b"{broken"]
    states = {each.letter.offset: each.redriven for each in await read_letters(broker)}
    assert states == {4: False, 5: True}
    assert ["the broker does not take it" in why for why in refusals.values()] == [True]


async def test_trouble_with_the_broker_is_told_in_a_line(broker):
    await apply(broker)

    async def read():
        async with TopicReader(broker, DEAD_LETTERS) as reader:
            await reader.spans(DEAD_LETTERS)
            raise KafkaTimeoutError("it went away")

    with pytest.raises(BrokerError, match="it went away"):
        await read()


@pytest.mark.embedded
def test_the_commands(embedded_broker, monkeypatch):
    monkeypatch.setenv("WIREWATCH_BROKER", embedded_broker.broker.bootstrap)
    asyncio.run(apply(embedded_broker))
    value = b'{"title": "\x1b[31mred", "half": "\\ud800"}'
    asyncio.run(refuse(embedded_broker, refused(4, value=value)))

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
    document = json.loads(run("show", told["place"], "--json"))
    assert (document["origin"], document["key"]) == (f"{ITEMS}/1/4", "k")
    assert document["value"] == value.decode()
    assert "would go back" in run("redrive")
    assert asyncio.run(stored(embedded_broker, ITEMS)) == []
    assert "sent back" in run("redrive", told["place"], "--yes")
    assert "redriven already" in run("redrive", "--yes")
    assert len(asyncio.run(stored(embedded_broker, ITEMS))) == 1
    # All is all, also what a writer with a clock that is ahead has refused.
    monkeypatch.setattr("streams.sinks.letter_verbs.utc_now", lambda: NOON)
    assert json.loads(run("purge", "--json")) == {"letters": 1, "done": False}
    assert "1 dead letters deleted" in run("purge", "--yes")
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
