"""A header whose name is not UTF-8 stops nobody, loses no record and brings none twice."""

import asyncio
import os
import subprocess
import sys

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams.broker import lenient
from streams.broker.broadcast import Broadcast
from streams.broker.clients import connect_producer, send_all
from streams.broker.dead_letters import read_letters, redrive, why_not
from streams.broker.ranges import TopicReader
from streams.broker.topics import FEEDS, ITEMS, apply
from streams.errors import RecordError
from streams.records import Feed
from streams.sinks.dead_letters import send_dead_letter
from streams.wire import encode
from tests.broker.batches import CONTROL, GZIP, Fetch, Written, make_batch, send_batch

LATIN = "Größe".encode("latin-1")
READ = "Gr\ufffd\ufffde"
BAD = (b"bad", [b"before", LATIN, b"behind"])
GOOD = (b"good", [b"record"])
EVERY_CODEC = pytest.mark.parametrize("attributes", [0, GZIP], ids=["plain", "gzip"])


def values(records):
    return [record.value for record in records]


@EVERY_CODEC
def test_aiokafka_alone_still_stumbles(monkeypatch, attributes):
    """When this fails, a newer aiokafka has mended it and `streams.broker.lenient` can go."""
    monkeypatch.setattr(fetcher.PartitionRecords, "_unpack_records", lenient._unpack)
    fetch = Fetch(make_batch(GOOD, BAD, GOOD, attributes=attributes))
    for _ in range(3):
        with pytest.raises((UnicodeDecodeError, CorruptRecordException), match="codec can't"):
            fetch.read()
    assert fetch.position == 0


@EVERY_CODEC
@pytest.mark.parametrize("at_once", [None, 0, 1, 2, 500])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_all_records_come_once_and_as_they_are(attributes, at_once, position):
    fetch = Fetch(make_batch(GOOD, BAD, (b"last", []), attributes=attributes), position)
    found = fetch.read(at_once)
    assert values(found) == [b"good", b"bad", b"last"][position:]
    assert [record.offset for record in found] == [0, 1, 2][position:]
    assert fetch.position == 3
    for record in found:
        assert (record.key, record.timestamp, record.checksum) == (b"k", 1, None)
    told = [record.headers for record in found if record.value == b"bad"]
    assert told == [(("before", b"x"), (READ, b"x"), ("behind", b"x"))] * (position < 2)


def test_what_is_read_already_does_not_come_again():
    """At the end of a batch aiokafka goes to the offset behind it, also of one that it skips."""
    fetch = Fetch(
        make_batch((b"0", []), (b"1", []))
        + make_batch((b"mark", []), offset=2, attributes=CONTROL)
        + make_batch((b"3", []), offset=3, last=4, attributes=GZIP)  # 4 to 7 are compacted away
        + make_batch((b"8", []), (b"9", [LATIN]), (b"10", []), offset=8, last=5)
        + make_batch((b"mark", []), offset=14, attributes=CONTROL)
        + make_batch((b"15", [LATIN]), offset=15, attributes=GZIP)
        + make_batch((b"16", []), offset=16)
        + make_batch((b"17", []), offset=17)[:-1]  # cut off by the limit of a fetch
    )
    found = fetch.read(1)
    assert values(found) == [b"0", b"1", b"3", b"8", b"9", b"10", b"15", b"16"]
    assert [record.offset for record in found] == [int(record.value) for record in found]
    assert fetch.position == 17


def test_records_of_the_old_formats_are_read_on():
    old = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=1_000)
    old.append(2, timestamp=1, key=b"k", value=b"old")
    fetch = Fetch(make_batch(GOOD, BAD) + bytes(old.build()) + make_batch((b"new", []), offset=3))
    assert values(fetch.read()) == [b"good", b"bad", b"old", b"new"]


@pytest.mark.parametrize("before", [b"", make_batch(GOOD, BAD)], ids=["at once", "behind"])
def test_what_is_broken_otherwise_is_told_as_before(before):
    spoilt = make_batch(GOOD, BAD, offset=2 if before else 0)[:-1] + b"?"
    fetch = Fetch(before + spoilt)
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        fetch.read()
    assert fetch.position == 0, "nothing was handed out"


def test_it_is_so_without_the_compiled_reader_too():
    script = (
        "import streams.broker.clients; from tests.broker.test_lenient import *\n"
        "from aiokafka.record import memory_records as m; assert 'Py' in m.MemoryRecords.__name__\n"
        "test_what_is_read_already_does_not_come_again()\n"
        "test_all_records_come_once_and_as_they_are(GZIP, 1, 0)\n"
    )
    environment = os.environ | {"AIOKAFKA_NO_EXTENSIONS": "1"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


@given(
    st.lists(
        st.lists(st.tuples(st.binary(max_size=9), st.lists(st.binary(max_size=9), max_size=3)),
                 min_size=1, max_size=4),
        max_size=4,
    ),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([0, GZIP]),
)  # fmt: skip
def test_whatever_the_names_are_all_records_come_once(batches, at_once, attributes):
    data = b""
    written: list[Written] = []
    for batch in batches:
        data += make_batch(*batch, offset=len(written), attributes=attributes)
        written += batch
    fetch = Fetch(data)
    found = fetch.read(at_once) if data else []
    assert fetch.position == len(written)
    assert [(r.value, [name for name, _ in r.headers]) for r in found] == [
        (value, [name.decode("utf-8", "replace") for name in names]) for value, names in written
    ]


# --- with a broker ---------------------------------------------------------------------------


async def stored(settings, topic):
    async with TopicReader(settings, topic) as reader:
        spans = await reader.spans(topic)
        return [record for span in spans async for batch in reader.read(span) for record in batch]


@EVERY_CODEC
async def test_such_a_record_is_read_set_aside_and_sent_back(broker, attributes):
    await apply(broker)
    producer = await connect_producer(broker)
    for _ in range(2):
        await send_batch(producer, ITEMS, make_batch(GOOD, BAD, GOOD, attributes=attributes))
    records = await stored(broker, ITEMS)
    assert values(records) == [b"good", b"bad", b"good"] * 2
    assert dict(records[1].headers) == {"before": b"x", READ: b"x", "behind": b"x"}
    await send_dead_letter(producer, records[1], stage="enrich", error=RecordError("no Item"))
    await producer.stop()
    letters = await read_letters(broker)
    assert [(each.origin, why_not(each)) for each in letters] == [(f"{ITEMS}/0/1", "")]
    await redrive(broker, letters)
    assert values(await stored(broker, ITEMS)) == [b"good", b"bad", b"good"] * 2 + [b"bad"]


async def test_such_a_record_among_feeds_is_a_feed(broker):
    await apply(broker)
    producer = await connect_producer(broker)
    feeds = Broadcast(broker, FEEDS, Feed)
    one, other = (Feed(feed_id=each, url=f"https://{each}.example/") for each in ("a", "b"))
    await send_batch(producer, FEEDS, make_batch((encode(one), [LATIN])))
    await feeds.start()
    assert set(feeds.values) == {"k"}
    await send_batch(producer, FEEDS, make_batch((encode(other), [LATIN])))
    await send_all(producer, [(FEEDS, "b", other)])
    async with asyncio.timeout(20):
        while "b" not in feeds.values or feeds.values["k"] != other:
            await asyncio.sleep(0.02)
    await feeds.stop()
    await producer.stop()
