from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.feeds.judgement import judge
from streams.feeds.outcome import Outcome
from streams.records import FeedState, Seen
from streams.wire import decode, encode
from tests.feeds.fakes import NOW, make_feed

FEED = make_feed("a")
FRESH = FeedState(feed_id="a", url=FEED.url)
OK, SAME = Outcome(status=200, new=3), Outcome(status=304)
LATE = Outcome(error="timeout", message="no complete answer in time")


def judged(*polls, state=FRESH, feed=FEED):
    """The states after polls: (hours, outcome)."""
    states = []
    for hours, outcome in polls:
        state = judge(feed, state, outcome, NOW + timedelta(hours=hours))
        states.append(state)
    return states


def test_a_first_poll_that_works():
    (state,) = judged((0, OK))
    assert (state.health, state.health_before, state.health_since) == ("ok", "new", NOW)
    times = (state.last_fetch_at, state.last_success_at, state.first_success_at)
    assert times == (NOW, NOW, NOW)
    assert state.last_document_at == NOW
    assert (state.failures, state.failing_since, state.reason) == (0.0, None, "")
    assert state.next_check_at > NOW
    assert state.schedule_reason
    assert [(polled.status, polled.new) for polled in state.history] == [(200, 3)]


def test_not_modified_is_a_success_without_a_document():
    first, second = judged((0, OK), (1, SAME))
    assert second.last_success_at == NOW + timedelta(hours=1)
    assert (second.first_success_at, second.last_document_at) == (NOW, NOW)
    assert second.health_since == first.health_since, "nothing has changed"


def test_a_change_of_health_is_told_once_and_with_what_was_before():
    states = judged((0, OK), (1, LATE), (2, LATE), (3, SAME))
    changes = [(s.health_before, s.health) for s in states if s.health_since == s.last_fetch_at]
    assert changes == [("new", "ok"), ("ok", "failing"), ("failing", "ok")]
    assert [s.failures for s in states] == [0, 0.5, 1.0, 0]
    assert [s.failing_since for s in states] == [
        None, NOW + timedelta(hours=1), NOW + timedelta(hours=1), None,
    ]  # fmt: skip
    assert states[2].last_success_at == NOW
    assert states[2].reason == "no complete answer in time"


def test_being_asked_to_slow_down_is_no_failure():
    slow = Outcome(error="slow_down", status=429, retry_after_seconds=60)
    _, state = judged((0, OK), (1, slow))
    assert (state.health, state.failures, state.failing_since) == ("slow_down", 0.0, None)


def test_a_feed_that_is_really_gone_is_found_out_and_asked_once_a_month():
    gone = Outcome(error="gone", status=410, message="HTTP 410 Gone")
    states = judged((0, OK), (1, gone), (25, gone), (48.9, gone), (49, gone), (800, gone))
    assert [s.health for s in states] == ["ok", "failing", "failing", "failing", "gone", "gone"]
    wait = states[4].next_check_at - states[4].last_fetch_at
    assert timedelta(days=27) <= wait <= timedelta(days=33)
    assert "still asked once a month" in states[4].reason


def test_a_feed_that_fails_for_two_weeks_is_asked_once_a_week_and_returns():
    states = judged((0, OK), (1, LATE), (336.9, LATE), (337, LATE), (505, OK))
    assert [s.health for s in states] == ["ok", "failing", "failing", "dormant", "ok"]
    wait = states[3].next_check_at - states[3].last_fetch_at
    assert timedelta(days=6) <= wait <= timedelta(days=8)
    assert states[4].next_check_at < states[4].last_fetch_at + timedelta(hours=7)


def test_the_reason_is_short_whatever_servers_say():
    (state,) = judged((0, Outcome(error="server", message="x\x1b[2J" * 1_000)))
    assert len(state.reason.encode()) <= 500
    assert "\x1b" not in state.reason


ERRORS = (
    "", "blocked", "connect", "dns", "dns_temporary", "gone", "malformed", "not_a_feed",
    "not_found", "refused", "server", "slow_down", "timeout", "unexpected",
)  # fmt: skip
OUTCOMES = st.builds(
    Outcome,
    error=st.sampled_from(ERRORS),
    status=st.sampled_from([None, 200, 304, 404, 410, 429, 503]),
    new=st.integers(0, 50),
    unchanged=st.integers(0, 50),
    wait_seconds=st.floats(0, 1e9),
    retry_after_seconds=st.none() | st.floats(0, 1e9),
    permanent_url=st.sampled_from(["", FEED.url, "https://b.example/", "https://c.example/"]),
)


@given(st.lists(st.tuples(st.floats(0.01, 2_000), OUTCOMES), min_size=1, max_size=40))
def test_whatever_happens_a_feed_is_polled_again(polls):
    """Never given up, never in a tight loop, and the same history gives the same plan."""
    state, now = FRESH, NOW
    for hours, outcome in polls:
        now += timedelta(hours=hours)
        if not outcome.error and outcome.status == 200:
            moment = int(now.timestamp())
            new = {f"{moment}-{n}": Seen("h", 1, moment, moment) for n in range(outcome.new)}
            state = replace(state, seen=state.seen | new)
        before, state = state, judge(FEED, state, outcome, now)
        assert judge(FEED, before, outcome, now) == state
        assert state.next_check_at is not None
        wait = (state.next_check_at - now).total_seconds()
        assert 240 <= wait <= 33 * 86_400
        assert len(state.history) <= 30
        assert (state.health in ("ok", "stale")) == (not outcome.error)
        assert (state.failing_since is None) or state.failures >= 0.25
    assert decode(FeedState, encode(state)) == state


@pytest.mark.parametrize("outcome", [OK, SAME, LATE])
def test_what_the_document_said_is_left_alone(outcome):
    known = replace(
        FRESH, etag='"1"', last_modified="today", body_hash="b", parser="p", ttl_seconds=60,
        skip_hours=(3,), id_policy="guid+link", seen={"x": Seen("h", 1, 1, 1)},
    )  # fmt: skip
    (state,) = judged((0, outcome), state=known)
    for name in ("etag", "last_modified", "body_hash", "parser", "ttl_seconds", "skip_hours",
                 "id_policy", "seen"):  # fmt: skip
        assert getattr(state, name) == getattr(known, name)
