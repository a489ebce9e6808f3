from datetime import timedelta

import pytest

from streams.feeds.health import HISTORY, after, remember
from streams.feeds.outcome import Outcome
from streams.records import FeedState, Polled
from tests.feeds.fakes import NOW

HOUR, DAY = 3_600, 86_400


def state(failures=0.0, failing_days=0.0, **fields):
    since = NOW - timedelta(days=failing_days)
    known = {"feed_id": "a", "url": "u", "failures": failures, "failing_since": since}
    return FeedState(**(known | fields))


def polls(*hours_and_errors):
    """A history: hours ago, and what was wrong."""
    moment = int(NOW.timestamp())
    return tuple(Polled(moment - int(hours * HOUR), 0, error) for hours, error in hours_and_errors)


@pytest.mark.parametrize(
    ("error", "before", "days", "health", "failures"),
    [
        ("timeout", 0.0, 1, "failing", 0.5),
        ("not_found", 0.5, 1, "failing", 1.0),
        ("server", 0.0, 1, "failing", 0.5),
        ("dns_temporary", 0.0, 1, "failing", 0.25),
        ("not_a_feed", 0.0, 1, "failing", 1.0),
        ("parser_killed", 0.0, 0, "failing", 1.0),
        ("gone", 0.0, 5, "failing", 1.0),
        ("blocked", 0.0, 1, "blocked", 1.0),
        ("slow_down", 2.0, 30, "slow_down", 2.0),
        ("timeout", 5.0, 13.9, "failing", 5.5),
        ("timeout", 5.0, 14, "dormant", 5.5),
        ("blocked", 5.0, 14, "dormant", 6.0),
    ],
)
def test_failures(error, before, days, health, failures):
    found = after(Outcome(error=error, message="HTTP 500"), state(before, days), NOW)
    assert found[:2] == (health, failures)
    assert found[2].startswith("HTTP 500")


@pytest.mark.parametrize(
    ("history", "health"),
    [
        ([(0, "gone")], "failing"),
        ([(48, "gone"), (0, "gone")], "failing"),  # only twice
        ([(47, "gone"), (5, "gone"), (0, "gone")], "failing"),  # too soon
        ([(48, "gone"), (5, "gone"), (0, "gone")], "gone"),
        ([(48, "gone"), (9, "timeout"), (5, "gone"), (0, "gone")], "gone"),
        ([(48, "gone"), (9, ""), (5, "gone"), (2, "gone"), (0, "gone")], "failing"),  # it worked
    ],
)
def test_the_third_410_within_two_days_or_more_is_believed(history, health):
    known = state(history=polls(*history))
    assert after(Outcome(error="gone", message="HTTP 410"), known, NOW)[0] == health


def test_a_feed_that_is_gone_stays_so_until_something_else_happens():
    known = state(5.0, 60, health="gone", history=polls((0, "gone")))
    assert after(Outcome(error="gone", message="HTTP 410"), known, NOW)[0] == "gone"
    assert after(Outcome(error="timeout", message="late"), known, NOW)[0] == "dormant"
    assert after(Outcome(status=200), known, NOW)[0] == "ok"


def test_one_success_makes_up_for_everything():
    assert after(Outcome(status=304), state(40.0, 20, health="dormant"), NOW) == ("ok", 0.0, "")


def test_oddities_of_a_working_feed_are_told():
    assert after(Outcome(status=200, message="odd"), state(), NOW) == ("ok", 0.0, "odd")


def test_a_failure_without_words_still_has_a_reason():
    assert after(Outcome(error="timeout"), state(), NOW)[2] == "timeout"


def test_a_feed_that_answers_is_stale_while_it_is_silent():
    known = state(silent_since=NOW - timedelta(hours=30))
    found, failures, reason = after(Outcome(status=304, message="odd"), known, NOW)
    assert (found, failures, reason) == ("stale", 0.0, "silent for 30 h; odd")
    assert after(Outcome(error="server", message="HTTP 500"), known, NOW)[0] == "failing"


def test_the_latest_polls_are_remembered():
    outcome = Outcome(status=200, new=3, size=900, took_ms=70)
    history: tuple[Polled, ...] = ()
    for minute in range(HISTORY + 5):
        history = remember(history, outcome, NOW + timedelta(minutes=minute))
    assert len(history) == HISTORY
    assert history[-1] == Polled(int(NOW.timestamp()) + (HISTORY + 4) * 60, 200, "", 900, 70, 3)
    assert history[0].at < history[1].at
    assert remember((), Outcome(error="dns"), NOW)[0].status == 0
