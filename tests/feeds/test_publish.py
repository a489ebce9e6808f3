"""What polling sends, and what becomes of what cannot be sent or read."""

import pytest

from streams.broker.topics import DEAD_LETTERS, ITEMS
from streams.errors import BrokerError, ParseError
from streams.feeds.publish import publish_items, publish_refused
from streams.testing import make_item
from streams.wire import read_dead_letter
from tests.feeds.fakes import FakeProducer, make_feed

# The token must never leave the registry.
FEED = make_feed("morning-post", url="https://reader:pw@post.example/feed?token=s3cret")
ERROR = ParseError("cannot be parsed: unclosed token", kind="malformed", cure="ask the publisher")
MEBIBYTE = 1024 * 1024


def letters(producer):
    return [
        read_dead_letter(sent.key.encode(), sent.value, sent.headers.items())
        for sent in producer.sent
        if sent.topic == DEAD_LETTERS
    ]


async def test_items_are_sent_in_order():
    producer = FakeProducer()
    items = [make_item(number=number) for number in range(3)]
    await publish_items(producer, items)
    assert producer.items == items
    assert [sent.key for sent in producer.sent] == [item.item_id for item in items]


async def test_an_item_that_is_too_large_is_kept_as_a_dead_letter():
    producer = FakeProducer()
    producer.max_bytes = 2_000
    small, large = make_item(number=1), make_item(number=2, body="x" * 3_000)
    await publish_items(producer, [large, small])
    assert set(producer.items) == {small}
    (letter,) = letters(producer)
    assert (letter.topic, letter.stage, letter.error) == (ITEMS, "poll", "RecordError")
    assert letter.key == large.item_id.encode()
    assert b"xxx" in (letter.value or b"")


async def test_a_refused_document_is_kept_with_the_reason():
    producer = FakeProducer()
    await publish_refused(producer, FEED, b"<rss><channel>\xff", ERROR)
    (letter,) = letters(producer)
    assert (letter.topic, letter.key) == ("feed:morning-post", b"morning-post")
    assert (letter.stage, letter.error, letter.message) == ("poll", "ParseError", str(ERROR))
    assert (letter.partition, letter.offset) == (-1, -1)
    assert letter.value == b"<rss><channel>\xff"


async def test_of_a_large_document_the_beginning_is_kept():
    producer = FakeProducer()
    await publish_refused(producer, FEED, b"<" + b"x" * 2 * MEBIBYTE, ERROR)
    (sent,) = producer.sent
    assert (len(sent.value or b""), (sent.value or b"")[:2]) == (MEBIBYTE, b"<x")
    assert sent.headers["dead-letter-cut-from-bytes"] == str(2 * MEBIBYTE + 1).encode()


async def test_no_secret_of_the_address_is_written():
    producer = FakeProducer()
    await publish_refused(producer, FEED, b"", ERROR)
    assert "s3cret" not in repr(producer.sent)
    assert "pw" not in repr(producer.sent)


@pytest.mark.parametrize(
    "publish",
    [
        lambda producer: publish_items(producer, [make_item()]),
        lambda producer: publish_refused(producer, FEED, b"<rss>", ERROR),
    ],
    ids=["item", "document"],
)
async def test_a_dead_letter_that_is_not_acknowledged_is_the_brokers_fault(publish):
    producer = FakeProducer()
    producer.max_bytes = 10
    producer.fails_on = {DEAD_LETTERS}
    with pytest.raises(BrokerError, match="did not acknowledge"):
        await publish(producer)
