from datetime import timedelta

import pytest
from msgspec.structs import replace

from streams.feeds import moves
from streams.feeds.judgement import judge
from streams.feeds.outcome import Outcome
from streams.records import FeedState
from tests.feeds.fakes import NOW, make_feed

OLD, NEW, OTHER = "https://old.example/feed", "https://new.example/rss", "https://third.example/"
FEED = make_feed("a", url=OLD)
HERE = Outcome(status=200)
THERE = Outcome(status=200, permanent_url=NEW)
LATER = Outcome(status=304, permanent_url=NEW)
GONE_NAME = Outcome(error="dns")


def after(*polls, feed=FEED, **fields):
    """State and last remark after polls: (days, outcome)."""
    state = FeedState(feed_id="a", url=feed.url, **fields)
    for days, outcome in polls:
        state = judge(feed, state, outcome, NOW + timedelta(days=days))
    return state


def lives_at(state, feed=FEED):
    return moves.address_of(feed, state)


@pytest.mark.parametrize(
    ("polls", "address"),
    [
        ([(0, THERE)], OLD),
        ([(0, THERE), (6.9, LATER)], OLD),
        ([(0, THERE), (7, LATER)], NEW),
        ([(0, THERE), (3, HERE), (7, THERE)], OLD),  # a poll without redirect
        ([(0, THERE), (3, replace(THERE, permanent_url=OTHER)), (7, THERE)], OLD),  # flip-flop
        ([(0, THERE), (3, HERE), (4, THERE), (11, THERE)], NEW),
        ([(0, THERE), (3, Outcome(error="timeout")), (7, THERE)], NEW),  # says nothing about it
        ([(0, THERE), (3, Outcome(error="server", status=503, permanent_url=NEW)), (7, THERE)], NEW),
        ([(0, THERE), (3, Outcome(error="not_found", status=404, permanent_url=NEW)), (7, THERE)], OLD),
        ([(0, THERE), (3, Outcome(error="not_a_feed", status=200)), (7, THERE)], OLD),
        ([(0, THERE), (3, Outcome(error="not_found", status=404))], NEW),
        ([(0, THERE), (3, Outcome(error="gone", status=410))], NEW),
        ([(0, Outcome(error="gone", status=410))], OLD),
        ([(0, Outcome(error="not_found", status=404, permanent_url=NEW))], OLD),
        ([(0, THERE), (3, GONE_NAME)], OLD),  # names fail and come back
        ([(0, THERE), (3, GONE_NAME), (7, GONE_NAME)], NEW),
        ([(0, THERE), (7, THERE), (8, replace(HERE, permanent_url=OLD)), (15, replace(HERE, permanent_url=OLD))], OLD),
        ([(0, THERE), (7, THERE), (8, replace(HERE, permanent_url=OTHER)), (15, replace(HERE, permanent_url=OTHER))], OTHER),
    ],
)  # fmt: skip
def test_a_permanent_redirect_is_adopted_when_it_lasts(polls, address):
    assert lives_at(after(*polls)) == address


@pytest.mark.parametrize(
    ("asked", "target", "at_once"),
    [
        ("http://a.example/feed?x=1", "https://a.example/feed?x=1", True),
        ("http://a.example", "https://A.example/", True),
        ("http://a.example:80/feed", "https://a.example:443/feed", True),
        ("http://a.example/feed", "https://a.example/", False),
        ("http://a.example/feed", "https://a.example/feed?login", False),
        ("http://a.example/feed", "https://www.a.example/feed", False),
        ("http://a.example/feed", "https://a.example:8443/feed", False),
        ("https://a.example/feed", "http://a.example/feed", False),
        ("http://a.example/feed", "https://a.example:port/feed", False),
    ],
)
def test_the_same_address_encrypted_is_adopted_at_once(asked, target, at_once):
    feed = make_feed("a", url=asked)
    state = after((0, Outcome(status=200, permanent_url=target)), feed=feed)
    assert lives_at(state, feed) == (target if at_once else asked)


@pytest.mark.parametrize("error", ["not_found", "gone", "dns", "not_a_feed"])
def test_an_adopted_address_without_a_feed_is_dropped(error):
    state = after((0, Outcome(error=error)), address=NEW, etag='"1"', last_modified="today")
    assert lives_at(state) == OLD
    assert (state.etag, state.last_modified) == ("", ""), "another server's validators"
    assert "back to the configured address" in state.reason


@pytest.mark.parametrize("error", ["not_found", "gone", "dns", "not_a_feed"])
def test_an_adopted_address_that_failed_once_has_its_turn_again(error):
    """The old address may be gone for good by then: where the feed was last is not forgotten."""
    hiccup = (0, Outcome(error="not_found", status=404))
    state = after(hiccup, (1, Outcome(error="timeout")), (2, Outcome(error="blocked")), address=NEW)
    assert lives_at(state) == OLD
    state = after(hiccup, (1, Outcome(error=error)), address=NEW)
    assert lives_at(state) == NEW
    state = after(hiccup, (1, HERE), (2, Outcome(error=error)), address=NEW)
    assert lives_at(state) == OLD, "it works again, so nothing is left of the move"


@pytest.mark.parametrize("error", ["timeout", "server", "blocked", "slow_down", "unexpected"])
def test_an_adopted_address_in_trouble_is_kept(error):
    state = after((0, Outcome(error=error)), address=NEW, etag='"1"')
    assert (lives_at(state), state.etag) == (NEW, '"1"')


def test_people_are_told():
    assert f"moved for good to {NEW}; adopted on 2026-11-27 if that lasts" in (
        after((0, THERE)).reason
    )
    assert f"moved for good to {NEW}: so since 2026-11-20; adopted" in (
        after((0, THERE), (7, THERE)).reason
    )
    assert after((0, THERE), (7, THERE), (8, HERE)).reason == ""


def test_the_key_of_a_private_feed_is_told_to_nobody():
    secret = f"{NEW}?key=hunter2"
    there = replace(THERE, permanent_url=secret)
    lost = Outcome(error="gone", status=410)
    for polls in ([(0, there)], [(0, there), (7, there)], [(0, there), (7, there), (8, lost)]):
        reason = after(*polls).reason
        assert f"{NEW}?…" in reason
        assert "hunter2" not in reason


def test_an_edited_address_counts_more_than_an_adopted_one():
    state = after(address=NEW)
    assert moves.address_of(make_feed("a", url=OTHER), state) == OTHER
    assert moves.address_of(FEED, None) == OLD
