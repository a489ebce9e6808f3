import pytest

from streams.feeds.outcome import Outcome
from streams.feeds.politeness import HostPauses

HOUR = 3600


def told(status, seconds=None):
    return Outcome(error="slow_down", status=status, retry_after_seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "pause"), [(None, HOUR), (90, 90), (7200, 7200), (10**7, 24 * HOUR)]
)
def test_too_many_requests_pause_the_host(seconds, pause):
    assert HostPauses().record("h", "a", told(429, seconds), 1000.0) == 1000 + pause


@pytest.mark.parametrize("outcome", [Outcome(status=200), Outcome(error="server", status=503)])
def test_other_outcomes_pause_nothing(outcome):
    assert HostPauses().record("h", "a", outcome, 0.0) is None


def test_unavailable_is_about_one_feed_until_three_agree():
    pauses = HostPauses()
    assert pauses.record("h", "a", told(503, 600), 0.0) is None
    assert pauses.record("h", "a", told(503, 600), 700.0) is None, "the same feed again"
    assert pauses.record("h", "b", told(503, 600), 800.0) is None
    assert pauses.record("other", "c", told(503, 600), 900.0) is None
    assert pauses.record("h", "c", told(503, 600), 1000.0) == 1600


def test_feeds_agree_within_an_hour_or_not_at_all():
    pauses = HostPauses()
    pauses.record("h", "a", told(503, 60), 0.0)
    pauses.record("h", "b", told(503, 60), 10.0)
    assert pauses.record("h", "c", told(503, 60), HOUR + 5.0) is None


def test_a_feed_that_works_again_no_longer_speaks_against_its_host():
    pauses = HostPauses()
    for feed_id in ("a", "b"):
        pauses.record("h", feed_id, told(503, 60), 0.0)
    assert pauses.record("h", "a", Outcome(status=304), 60.0) is None
    assert pauses.record("h", "c", told(503, 60), 70.0) is None
