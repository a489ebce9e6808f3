from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.feeds.outcome import Outcome
from streams.feeds.schedule import first_check, next_check, phase
from streams.records import FeedState, Seen
from tests.feeds.fakes import NOW, make_feed

HOUR = 3600
OK = Outcome(status=200)


def state(**fields):
    known = FeedState(feed_id="a", url=make_feed("a").url, last_success_at=NOW)
    return replace(known, **fields)


def delay_of(state_, outcome, feed=None):
    due, interval, reason = next_check(state_, outcome, feed or make_feed("a"), NOW)
    assert reason
    return (due - NOW).total_seconds(), interval


def about(seconds):
    return pytest.approx(seconds, rel=0.1001)


@pytest.mark.parametrize(
    ("interval", "new", "unchanged", "expected"),
    [
        (900, 0, 30, 1080),  # nothing new: x 1.2
        (900, 0, 0, 1080),  # 304
        (900, 1, 29, 900),  # a little: keep
        (900, 10, 20, 450),  # a third is new: x 0.5
        (400, 30, 0, 300),  # never below 5 min
        (6 * HOUR, 0, 30, 6 * HOUR),  # never above 6 h
    ],
)
def test_the_interval_follows_what_arrives(interval, new, unchanged, expected):
    outcome = Outcome(status=200, new=new, unchanged=unchanged)
    delay, learned = delay_of(state(interval_seconds=interval), outcome)
    assert learned == expected
    assert delay == about(expected)


def test_a_first_document_is_all_new_and_teaches_nothing():
    _, learned = delay_of(state(last_success_at=None), Outcome(status=200, new=30))
    assert learned == 900


@pytest.mark.parametrize(("days", "ceiling"), [(1, 6), (8, 12), (31, 24)])
def test_silent_feeds_may_rest_longer(days, ceiling):
    newest = int((NOW - timedelta(days=days)).timestamp())
    quiet = state(interval_seconds=48 * HOUR, seen={"x": Seen("h", 1, newest, newest)})
    assert delay_of(quiet, OK)[1] == ceiling * HOUR


@pytest.mark.parametrize(
    ("wait", "expected"), [(0, 1080), (60, 1080), (2 * HOUR, 2 * HOUR), (90 * HOUR, 24 * HOUR)]
)
def test_the_publisher_may_ask_to_wait_up_to_a_day(wait, expected):
    delay, learned = delay_of(state(), Outcome(status=200, wait_seconds=wait))
    assert delay == about(expected)
    assert delay >= min(wait, 24 * HOUR)
    assert learned == 1080


def test_a_fixed_interval_is_exact():
    feed = make_feed("a", interval_seconds=2)
    outcome = Outcome(status=200, new=5, wait_seconds=7200)
    assert delay_of(state(), outcome, feed) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("error", "failures", "health", "expected"),
    [
        ("timeout", 0.5, "failing", 900),
        ("timeout", 1.0, "failing", 1800),
        ("timeout", 3.5, "failing", 8 * 900),
        ("timeout", 900.0, "failing", 24 * HOUR),
        ("blocked", 1.0, "blocked", 6 * HOUR),
        ("blocked", 3.0, "blocked", 24 * HOUR),
        ("gone", 3.0, "gone", 30 * 24 * HOUR),
        ("timeout", 30.0, "dormant", 7 * 24 * HOUR),
    ],
)
def test_failures_slow_down_but_never_stop(error, failures, health, expected):
    failed = state(failures=failures, health=health)
    delay, learned = delay_of(failed, Outcome(error=error))
    assert delay == about(expected)
    assert learned == 900, "failures teach nothing about the feed"


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (None, HOUR, 2 * HOUR),
        (7200, 7200, 7200 + HOUR),
        (10, 900, 1800),  # the interval is longer
        (10**8, 24 * HOUR, 25 * HOUR),
    ],
)
def test_retry_after_is_kept_and_scattered_afterwards(asked, least, most):
    outcome = Outcome(error="slow_down", status=429, retry_after_seconds=asked)
    for feed_id in ("a", "b", "c"):
        delay, _ = delay_of(state(), outcome, make_feed(feed_id))
        assert least <= delay <= most


def test_retry_after_counts_for_other_errors_too():
    outcome = Outcome(error="server", status=500, retry_after_seconds=7200)
    assert delay_of(state(failures=0.5), outcome)[0] == 7200


def test_a_fixed_interval_backs_off_as_well():
    feed = make_feed("a", interval_seconds=2)
    assert delay_of(state(failures=3.0), Outcome(error="connect"), feed)[0] == about(16)


def test_feeds_that_fail_together_do_not_stay_together():
    outcome = Outcome(error="connect")
    dues = {next_check(state(), outcome, make_feed(f"f{n}"), NOW)[0] for n in range(50)}
    assert len(dues) == 50


@given(st.text())
def test_phase_is_stable_and_in_range(feed_id):
    assert 0 <= phase(feed_id) == phase(feed_id) < 1


def test_a_restart_keeps_the_plan():
    feed, later = make_feed("a"), NOW + timedelta(hours=1)
    assert first_check(feed, None, NOW) == NOW
    assert first_check(feed, state(next_check_at=later), NOW) == later
    assert first_check(feed, state(url="https://old.example", next_check_at=later), NOW) == NOW
    shortened = make_feed("a", interval_seconds=60)
    known = state(next_check_at=later, last_fetch_at=NOW)
    assert first_check(shortened, known, NOW) == NOW + timedelta(seconds=60)
