"""Ids are functions of content alone; bytes and records are the same thing."""

import base64
import hashlib
import re

import msgspec
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import records
from streams.broker.topics import DEAD_LETTER_BYTES
from streams.errors import RecordError
from streams.records import Alert, Condition, FeedState, Item, Rule, stable_id
from streams.testing import make_enriched, make_item, make_mention, make_rule
from streams.wire import (
    DEAD_LETTER_KEY_BYTES,
    DEAD_LETTER_VALUE_BYTES,
    MESSAGE_LIMIT,
    dead_letter,
    decode,
    encode,
    headers_for,
    read_dead_letter,
)


@given(st.lists(st.text()), st.lists(st.text()))
def test_ids_are_equal_only_for_equal_parts(one, other):
    assert (stable_id("item", *one) == stable_id("item", *other)) == (one == other)


def test_ids_are_pinned_because_stored_alerts_carry_them():
    assert stable_id("item", "a", "b") == "diqxsc7j4moyhpc4zm4lztuk5y"


def test_kinds_have_id_spaces_of_their_own():
    assert stable_id("item", "a") != stable_id("alert", "a")


@pytest.mark.parametrize(
    "record", [make_item(), make_enriched("Ada spricht über KI."), make_mention()]
)
def test_decoding_returns_what_was_encoded(record):
    assert decode(type(record), encode(record)) == record


def test_readers_ignore_fields_of_a_newer_writer():
    value = encode(make_item()).removesuffix(b"}") + b',"added_in_2030":1}'
    assert decode(Item, value) == make_item()


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"[]", b'{"item_id": 3}', b"{"])
def test_undecodable_bytes_name_the_record_they_are_not(value):
    with pytest.raises(RecordError, match="Item"):
        decode(Item, value)


@pytest.mark.parametrize("seconds", [30 * 86_400 + 1, 2 * 10**9, 10**15])
def test_a_rule_that_looks_back_further_than_mentions_are_kept_is_no_record(seconds):
    value = encode(make_rule(when=Condition(kind="count", window_seconds=3_600)))
    assert decode(Rule, value).when.window_seconds == 3_600
    with pytest.raises(RecordError, match="window_seconds"):
        decode(Rule, value.replace(b":3600", b":%d" % seconds))


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        make_item().title = "other"  # type: ignore[misc]


def test_times_must_carry_a_timezone():
    item = msgspec.to_builtins(make_item())
    with pytest.raises(RecordError, match="seen_at"):
        decode(Item, msgspec.json.encode({**item, "seen_at": "2026-11-22T12:00:00"}))


def test_every_record_is_documented_and_exported():
    types = [
        value
        for value in vars(records).values()
        if isinstance(value, type) and issubclass(value, records.Record)
    ]
    assert all(t.__doc__ for t in types)
    assert {t.__name__ for t in types} - {"Record"} <= set(records.__all__)


def test_dead_letters_say_where_they_came_from():
    key, value, headers = dead_letter(
        b"key", b"\xff", topic="news.items", partition=3, offset=14, stage="enrich",
        error=ValueError("x" * 10_000),
    )  # fmt: skip
    letter = read_dead_letter(key, value, headers)
    assert (letter.topic, letter.partition, letter.offset) == ("news.items", 3, 14)
    assert (letter.stage, letter.error, letter.attempts) == ("enrich", "ValueError", 1)
    assert (letter.key, letter.value, letter.cut_from_bytes) == (b"key", b"\xff", 0)
    assert len(letter.message) == MESSAGE_LIMIT


def test_what_is_too_long_for_a_dead_letter_is_cut_and_says_so():
    def letter(size: int):
        return dead_letter(
            b"k", bytes(size), topic="news.items", partition=0, offset=0, stage="enrich",
            error=ValueError(), limit_bytes=10,
        )[1:]  # fmt: skip

    value, headers = letter(100)
    assert value == bytes(10)
    assert dict(headers)["dead-letter-cut-from-bytes"] == b"100"
    value, headers = letter(10)
    assert value == bytes(10)
    assert "dead-letter-cut-from-bytes" not in dict(headers)


SIZES = st.none() | st.sampled_from(
    [0, 1, DEAD_LETTER_KEY_BYTES, DEAD_LETTER_KEY_BYTES + 1, DEAD_LETTER_VALUE_BYTES,
     DEAD_LETTER_VALUE_BYTES + 1, 2 * DEAD_LETTER_BYTES]
)  # fmt: skip


@settings(max_examples=50)
@given(SIZES, SIZES, st.sampled_from(["", "\ud800", "\U0001f5de" * 2_000]))
def test_whatever_the_record_its_dead_letter_can_be_written(key_size, value_size, text):
    key, value = (None if size is None else bytes(size) for size in (key_size, value_size))
    kept_key, kept_value, headers = dead_letter(
        key, value, topic=text, partition=2**31 - 1, offset=2**63 - 1, stage=text,
        error=ValueError(text), attempts=10**9, timestamp_ms=2**63 - 1, trace=b"0" * 55,
    )  # fmt: skip
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(kept_key, kept_value, headers)
    assert size < DEAD_LETTER_BYTES - 64 * 1024, "the broker counts what is around it too"
    assert kept_key is not None or kept_value is not None, "aiokafka wants one of them"
    assert (key or b"").startswith(kept_key or b"")
    assert (value or b"").startswith(kept_value or b"")
    is_whole = (kept_key or b"", kept_value) == (key or b"", value)
    assert (read_dead_letter(kept_key, kept_value, headers).cut_from_bytes == 0) == is_whole


@pytest.mark.parametrize(
    ("key_size", "value_size", "kept", "cut_from"),
    [
        (9_000_000, 7, (DEAD_LETTER_KEY_BYTES, 7), 9_000_000),
        (1, 9_000_000, (1, DEAD_LETTER_VALUE_BYTES), 9_000_000),
        (1_200_000, 8_000_000, (DEAD_LETTER_KEY_BYTES, DEAD_LETTER_VALUE_BYTES), 9_200_000),
        (DEAD_LETTER_KEY_BYTES, 8, (DEAD_LETTER_KEY_BYTES, 8), 0),
    ],
)
def test_a_key_that_is_too_long_is_cut_too(key_size, value_size, kept, cut_from):
    key, value, headers = dead_letter(
        bytes(key_size), bytes(value_size), topic="news.items", partition=0, offset=0,
        stage="enrich", error=ValueError(),
    )  # fmt: skip
    assert (len(key or b""), len(value or b"")) == kept
    assert read_dead_letter(key, value, headers).cut_from_bytes == cut_from
    told = dict(headers).get("dead-letter-key-cut-from-bytes")
    assert told == (str(key_size).encode() if key_size > DEAD_LETTER_KEY_BYTES else None)


def test_other_headers_are_not_a_dead_letter():
    with pytest.raises(RecordError):
        read_dead_letter(None, None, headers_for(Alert))


@given(st.text(), st.lists(st.text(), max_size=3))
def test_ids_are_base32_of_a_digest(kind, parts):
    digest = hashlib.blake2b(digest_size=16)
    for part in (kind, *parts):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    expected = base64.b32encode(digest.digest()).decode().rstrip("=").lower()
    assert stable_id(kind, *parts) == expected


@pytest.mark.parametrize("year", ["0001", "1969", "2200", "9999"])
@pytest.mark.parametrize("record", [make_item(), make_mention()], ids=["item", "mention"])
def test_a_time_that_cannot_be_is_a_record_error_that_names_it(record, year):
    value = re.sub(rb'"seen_at":"\d+', rb'"seen_at":"' + year.encode(), encode(record))
    with pytest.raises(RecordError, match=f"`seen_at` is {int(year)}-"):
        decode(type(record), value)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"next_check_at": "9999-12-31T23:59:59Z"}, "`next_check_at` is 9999-12-31"),
        ({"last_fetch_at": "0001-01-01T00:00:00+14:00"}, "`last_fetch_at`"),
        ({"interval_seconds": 1e300}, "`interval_seconds` is 1e"),
        ({"history": [[2**63]]}, "a poll in `history`"),
        ({"seen": {"a": ["", 1, -1, 0]}}, "an entry in `seen`"),
    ],
)
def test_a_memory_of_a_feed_that_no_plan_can_be_made_with_is_refused(fields, reason):
    value = {"feed_id": "a", "url": "https://a.example/feed"}
    assert decode(FeedState, msgspec.json.encode(value)).feed_id == "a"
    with pytest.raises(RecordError, match=reason):
        decode(FeedState, msgspec.json.encode(value | fields))
