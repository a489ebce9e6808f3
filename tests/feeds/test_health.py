from datetime import timedelta

import pytest

from streams.feeds.health import after
from streams.feeds.outcome import Outcome
from streams.records import FeedState, Seen
from tests.feeds.fakes import NOW


def state(failures=0.0, success_days_ago=None, **fields):
    success = None if success_days_ago is None else NOW - timedelta(days=success_days_ago)
    return FeedState(feed_id="a", url="u", failures=failures, last_success_at=success, **fields)


@pytest.mark.parametrize(
    ("error", "before", "days", "health", "failures"),
    [
        ("timeout", 0.0, 1, "failing", 0.5),
        ("not_found", 0.5, 1, "failing", 1.0),
        ("server", 0.0, 1, "failing", 0.5),
        ("dns_temporary", 0.0, 1, "failing", 0.25),
        ("not_a_feed", 0.0, 1, "failing", 1.0),
        ("parser_killed", 0.0, None, "failing", 1.0),
        ("blocked", 0.0, 1, "blocked", 1.0),
        ("slow_down", 2.0, 1, "slow_down", 2.0),
        ("gone", 0.0, 5, "failing", 1.0),
        ("gone", 1.0, 5, "failing", 2.0),
        ("gone", 2.0, 5, "gone", 3.0),
        ("gone", 2.0, 1, "failing", 3.0),  # worked a day ago: wait and see
        ("timeout", 5.0, 15, "dormant", 5.5),
        ("timeout", 5.0, None, "failing", 5.5),
        ("timeout", 13.0, None, "dormant", 13.5),
    ],
)
def test_failures(error, before, days, health, failures):
    found = after(Outcome(error=error, message="HTTP 500"), state(before, days), NOW)
    assert found[:2] == (health, failures)
    assert found[2].startswith("HTTP 500")


def test_one_success_makes_up_for_everything():
    assert after(Outcome(status=304), state(40.0, 20, health="dormant"), NOW) == ("ok", 0.0, "")


def test_oddities_of_a_working_feed_are_told():
    assert after(Outcome(status=200, message="moved"), state(), NOW) == ("ok", 0.0, "moved")


@pytest.mark.parametrize(("quiet_hours", "health"), [(10, "ok"), (23, "ok"), (40, "stale")])
def test_a_feed_that_usually_brings_news_is_stale_when_silent(quiet_hours, health):
    newest = int(NOW.timestamp()) - quiet_hours * 3600
    seen = {str(n): Seen("h", 1, newest - n * 7200, newest) for n in range(6)}
    found, _, reason = after(Outcome(status=200), state(seen=seen), NOW)
    assert found == health
    assert bool(reason) == (health == "stale")
