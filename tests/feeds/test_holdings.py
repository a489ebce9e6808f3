"""The log is the truth, own writes are known before it tells of them, bad records change nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import RecordError
from streams.feeds.sharing.holdings import Holding
from streams.records import Feed, FeedState
from streams.wire import encode

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def feed(title="", feed_id="a"):
    return Feed(feed_id=feed_id, url=f"https://{feed_id}.example/feed", title=title)


def state(number, feed_id="a"):
    at = NOW + timedelta(minutes=number)
    return FeedState(feed_id=feed_id, url=f"https://{feed_id}.example/feed", last_fetch_at=at)


def test_feeds_follow_their_records():
    holding = Holding()
    assert holding.take_feed(b"a", encode(feed("one")))
    assert not holding.take_feed(b"a", encode(feed("one"))), "written again, nothing changed"
    assert holding.take_feed(b"a", encode(feed("two")))
    assert holding.feeds == {"a": feed("two")}
    assert holding.take_feed(b"a", None)
    assert not holding.take_feed(b"a", None)
    assert holding.feeds == {}


BAD = [
    (None, encode(feed())),
    (b"\xff", encode(feed())),
    (b"a", b"{"),
    (b"a", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    (b"a", b"\xff"),
    (b"a", b'{"feed_id": 1}'),
    (b"a", b""),
]


@pytest.mark.parametrize(("key", "value"), [*BAD, (b"a", encode(feed(feed_id="other")))])
def test_an_unusable_feed_is_refused_and_the_last_good_one_stays(key, value):
    holding = Holding()
    holding.take_feed(b"a", encode(feed("good")))
    with pytest.raises(RecordError):
        holding.take_feed(key, value)
    assert holding.feeds == {"a": feed("good")}


@pytest.mark.parametrize(("key", "value"), [*BAD, (b"a", encode(state(2, feed_id="other")))])
def test_an_unusable_state_is_refused_and_the_last_good_one_stays(key, value):
    holding = Holding()
    holding.take_state(b"a", encode(state(1)))
    with pytest.raises(RecordError):
        holding.take_state(key, value)
    assert holding.state("a") == state(1)


def test_a_deleted_state_is_forgotten():
    holding = Holding()
    assert holding.state("a") is None
    holding.take_state(b"a", encode(state(1)))
    holding.take_state(b"a", None)
    holding.take_state(b"never known", None)
    assert holding.state("a") is None


def test_what_was_just_written_counts_until_the_log_has_told_of_it():
    holding = Holding()
    holding.take_state(b"a", encode(state(1)))
    holding.remember(state(2))
    holding.remember(state(3))
    holding.take_state(b"a", encode(state(2)))  # late: not newer than what is remembered
    assert holding.state("a") == state(3)
    holding.take_state(b"a", encode(state(3)))
    holding.take_state(b"a", encode(state(4)))  # by another
    assert holding.state("a") == state(4)


def test_the_log_may_tell_before_it_is_remembered():
    """The broker may send a record to its reader before its writer hears that it is there."""
    holding = Holding()
    holding.take_state(b"a", encode(state(1)))
    holding.remember(state(1))
    holding.take_state(b"a", encode(state(2)))
    assert holding.state("a") == state(2)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=12), st.data())
def test_whatever_the_delay_the_end_is_what_the_log_says(writes, data):
    """Own writes (True) and others', read back at any time after they were written."""
    holding = Holding()
    log = [state(100 * n + number) for n, (_, number) in enumerate(writes)]
    read = 0
    for written, (own, _) in enumerate(writes, 1):
        early = data.draw(st.integers(read, written))
        # What others have written before ours is read with or after it, never remembered.
        for each in log[read:early]:
            holding.take_state(b"a", encode(each))
        read = early
        if own and read < written:
            holding.remember(log[written - 1])
            assert holding.state("a") == log[written - 1]
    for each in log[read:]:
        holding.take_state(b"a", encode(each))
    assert holding.state("a") == (log[-1] if log else None)
