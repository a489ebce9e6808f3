from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.feeds.outcome import Outcome
from streams.feeds.schedule import document_wanted, first_check, next_check, phase
from streams.records import FeedState, Polled, Seen, Subscription
from tests.feeds.fakes import NOW, make_feed, url_of

MINUTE, HOUR, DAY = 60, 3_600, 86_400
OK, SAME = Outcome(status=200), Outcome(status=304)


def state(since_days=100.0, arrivals=(), **fields):
    """A feed that has worked for so long, with entries that came so many hours ago."""
    moment = int(NOW.timestamp())
    times = [moment - int(hours * HOUR) for hours in arrivals]
    seen = {f"{number}": Seen("h", 1, time, moment) for number, time in enumerate(times)}
    first = NOW - timedelta(days=since_days)
    return replace(FeedState(feed_id="a", url=make_feed("a").url), **({
        "first_success_at": first, "last_success_at": NOW, "last_fetch_at": NOW, "seen": seen
    } | fields))  # fmt: skip


def steady(gap_hours, days=7.0, **fields):
    return state(arrivals=[n * gap_hours for n in range(1, int(days * 24 / gap_hours))], **fields)


def delay_of(state_, outcome, now=NOW, **settings):
    due, interval, reason = next_check(state_, outcome, make_feed("a", **settings), now)
    assert reason
    return (due - now).total_seconds(), interval


def about(seconds, rel=0.1001):
    return pytest.approx(seconds, rel=rel)


@pytest.mark.parametrize(
    ("gap_hours", "minutes"),
    [(0.02, 5), (0.1, 5), (1 / 6, 5), (2 / 3, 10), (1.5, 15), (7.3, 33)],
)
def test_the_interval_follows_the_square_root_of_the_rate(gap_hours, minutes):
    delay, learned = delay_of(steady(gap_hours), SAME)
    assert learned == about(minutes * MINUTE, 0.2)
    assert delay == about(learned)


def test_a_new_feed_starts_with_a_quarter_of_an_hour():
    first = state(since_days=0, arrivals=[0] * 30)
    outcome = Outcome(status=200, new=30)
    assert delay_of(first, outcome)[1] == 15 * MINUTE, "what a first document holds is not new"


@pytest.mark.parametrize(
    ("cadence", "minutes"), [(30 * MINUTE, 30), (HOUR, 60), (7 * DAY, 60), (1, 5)]
)
def test_a_promised_cadence_only_seeds_the_start(cadence, minutes):
    fresh = state(since_days=0, cadence_seconds=cadence)
    assert delay_of(fresh, SAME)[1] == about(minutes * MINUTE, 0.01)
    assert delay_of(steady(0.5, cadence_seconds=cadence), SAME)[1] == about(8.7 * MINUTE, 0.15)


def test_a_story_that_breaks_now_counts_at_once():
    calm = delay_of(state(arrivals=[30.0]), SAME)[1]
    hot = delay_of(state(arrivals=[30.0, *(n / 10 for n in range(1, 19))]), SAME)[1]
    assert (calm > HOUR, hot) == (True, 5 * MINUTE)


def test_the_hours_of_the_day_are_learned():
    """One entry a day at noon: polls gather around noon, and one waits for it."""
    daily = [24.0 * day for day in range(1, 8)]
    at_noon = delay_of(state(arrivals=daily), SAME)[1]
    midnight = NOW + timedelta(hours=12)
    at_midnight = delay_of(state(arrivals=daily), SAME, midnight)[1]
    before_noon = delay_of(state(arrivals=daily), SAME, NOW + timedelta(hours=22))[1]
    assert at_noon < HOUR / 2 < HOUR < at_midnight
    assert before_noon < 1.5 * HOUR, "a long interval does not sleep through the busy hour"


@pytest.mark.parametrize(
    ("days", "hours"), [(1, 1), (7, 2.7), (30, 5.5), (100, 10), (365, 19), (9000, 24)]
)
def test_silent_feeds_rest_longer_and_longer(days, hours):
    assert delay_of(state(since_days=days), SAME)[1] == about(hours * HOUR, 0.05)
    came_once = state(since_days=days + 30, arrivals=[24 * days])
    assert delay_of(came_once, SAME)[1] <= 24 * HOUR


@pytest.mark.parametrize(
    ("new", "unchanged", "halved"), [(10, 20, True), (9, 21, False), (3, 0, False), (4, 0, True)]
)
def test_when_much_of_a_document_is_new_the_next_one_is_soon(new, unchanged, halved):
    quiet = state(interval_seconds=2 * HOUR)
    learned = delay_of(quiet, Outcome(status=200, new=new, unchanged=unchanged))[1]
    assert (learned == HOUR) == halved


def test_people_set_bounds_and_the_polite_one_wins():
    busy, quiet = steady(0.05), state()
    assert delay_of(busy, SAME, min_interval_seconds=HOUR)[1] == HOUR
    assert delay_of(busy, SAME, min_interval_seconds=HOUR)[0] >= HOUR
    assert delay_of(quiet, SAME, max_interval_seconds=600)[1] == 600
    assert delay_of(quiet, SAME, max_interval_seconds=60)[0] <= 60
    both = {"min_interval_seconds": 1200, "max_interval_seconds": 600}
    assert delay_of(quiet, SAME, **both)[1] == 1200


@pytest.mark.parametrize("hint", ["wait_seconds", "ttl_seconds"])
@pytest.mark.parametrize(
    ("wait", "expected"), [(60, 300), (2 * HOUR, 2 * HOUR), (90 * HOUR, 24 * HOUR)]
)
def test_the_publisher_may_ask_to_wait_up_to_a_day(hint, wait, expected):
    busy, outcome = steady(0.05), SAME
    if hint == "ttl_seconds":
        busy = replace(busy, ttl_seconds=wait)
    else:
        outcome = replace(outcome, wait_seconds=wait)
    delay, learned = delay_of(busy, outcome)
    assert (delay, learned) == (about(expected), 300)
    assert delay >= min(wait, 24 * HOUR)


def test_a_fixed_interval_is_exact_whatever_the_publisher_asks():
    asks = steady(0.05, ttl_seconds=7200, skip_hours=(12,), skip_days=(4,))
    outcome = Outcome(status=200, new=5, wait_seconds=7200)
    assert delay_of(asks, outcome, interval_seconds=2) == (2.0, 2.0)


def test_an_interval_of_ages_is_a_year():
    assert delay_of(steady(24), Outcome(status=200), interval_seconds=2**63) == (365 * 86_400,) * 2
    planned = state(last_fetch_at=NOW, next_check_at=NOW + timedelta(hours=1))
    assert first_check(make_feed("a", interval_seconds=2**63), planned, NOW) > NOW


@pytest.mark.parametrize(
    ("skip_hours", "skip_days", "hour", "day"),
    [
        ((12,), (), 13, 20),
        ((12, 13, 14), (), 15, 20),
        ((12, 13, 23, 0), (), 14, 20),
        ((), (4,), 0, 21),  # a Friday
        ((0, 1), (4, 5), 2, 22),
        ((3,), (6,), 12, 20),  # not now
        (tuple(range(24)), (4,), 12, 20),  # everything: ignored
        ((12,), tuple(range(7)), 12, 20),
    ],
)
def test_hours_and_days_to_skip_are_skipped(skip_hours, skip_days, hour, day):
    due, _, reason = next_check(
        steady(0.05, skip_hours=skip_hours, skip_days=skip_days), SAME, make_feed("a"), NOW
    )
    assert (due.day, due.hour) == (day, hour)
    assert ("skipped" in reason) == (hour != 12 or len(skip_hours) == 24 or len(skip_days) == 7)


@given(
    hours=st.lists(st.integers(0, 23)), days=st.lists(st.integers(0, 6)),
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    error=st.sampled_from(["", "timeout", "slow_down", "blocked"]),
)  # fmt: skip
def test_skipping_ends_within_a_week_and_never_in_what_is_skipped(hours, days, moment, error):
    known = replace(state(), skip_hours=tuple(hours), skip_days=tuple(days), last_fetch_at=moment)
    due, _, _ = next_check(known, Outcome(error=error), make_feed("a"), moment)
    assert moment < due <= moment + timedelta(days=9)
    if len(set(hours)) < 24 and len(set(days)) < 7:
        assert due.hour not in hours
        assert due.weekday() not in days


def subscribed(kind="active", lasts=HOUR):
    until = int(NOW.timestamp()) + lasts
    return Subscription("https://hub.example", "https://a.example/feed", kind, 0, until)


@pytest.mark.parametrize(
    ("subscription", "gap_hours", "expected"),
    [
        (subscribed(), 0.05, HOUR),
        (subscribed(), 6, 2 * HOUR),
        (subscribed("asked"), 0.05, 300),
        (subscribed("distrusted"), 0.05, 300),
        (subscribed(lasts=-1), 0.05, 300),
    ],
)
def test_polls_of_a_feed_whose_hub_pushes_only_check(subscription, gap_hours, expected):
    known = steady(gap_hours, subscription=subscription)
    assert delay_of(known, SAME)[0] == about(expected, 0.2)
    assert delay_of(replace(state(), subscription=subscribed()), SAME)[0] <= 6 * HOUR


def failing(error, failures, health="failing", hours=0.0, **fields):
    since = NOW - timedelta(hours=hours)
    return (
        state(failures=failures, health=health, failing_since=since, **fields),
        Outcome(error=error),
    )


@pytest.mark.parametrize(
    ("error", "failures", "health", "hours", "expected"),
    [
        ("malformed", 1.0, "failing", 0, 1800),
        ("malformed", 3.0, "failing", 1, 8 * 900),
        ("malformed", 900.0, "failing", 1, 24 * HOUR),
        ("timeout", 0.5, "failing", 0, 900),
        ("timeout", 1.0, "failing", 0.25, 900),  # an eighth of the outage, not less than usual
        ("timeout", 5.0, "failing", 8, HOUR),
        ("timeout", 1.0, "failing", 300, 1800),
        ("timeout", 900.0, "failing", 300, 24 * HOUR),
        ("blocked", 1.0, "blocked", 0, 6 * HOUR),
        ("blocked", 2.0, "blocked", 6, 12 * HOUR),
        ("blocked", 4.0, "blocked", 50, 24 * HOUR),
        ("gone", 3.0, "gone", 50, 30 * DAY),
        ("timeout", 30.0, "dormant", 400, 7 * DAY),
    ],
)
def test_failures_slow_down_but_never_stop(error, failures, health, hours, expected):
    delay, learned = delay_of(*failing(error, failures, health, hours))
    assert delay == about(expected)
    assert learned == 900, "failures teach nothing about the feed"


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (None, HOUR, 1.25 * HOUR),
        (7200, 7200, 1.25 * 7200),
        (10, 900, 1.25 * 900),  # the interval is longer
        (10**8, 24 * HOUR, 25 * HOUR),
    ],
)
def test_retry_after_is_kept_and_scattered_afterwards(asked, least, most):
    outcome = Outcome(error="slow_down", status=429, retry_after_seconds=asked)
    dues = {next_check(state(), outcome, make_feed(f"f{n}"), NOW)[0] - NOW for n in range(9)}
    assert all(least <= due.total_seconds() <= most for due in dues)
    assert len(dues) == 9


def test_a_server_that_said_429_is_asked_no_more_often_than_it_accepted():
    def history(*minutes_and_statuses):
        start = int(NOW.timestamp())
        return tuple(
            Polled(start + minutes * MINUTE, status, "" if status in (200, 304) else "x")
            for minutes, status in minutes_and_statuses
        )

    def learned(*polls):
        return delay_of(steady(0.05, history=history(*polls)), SAME)[1]

    assert learned((0, 200), (5, 429), (35, 304), (70, 304)) == 35 * MINUTE
    assert learned((0, 200), (5, 429), (20, 429), (50, 304)) == 50 * MINUTE
    assert learned((5, 429), (35, 304)) == 5 * MINUTE, "unknown since when"
    assert learned((0, 200), (5, 503), (90, 304)) == 5 * MINUTE, "an outage is no wish"
    assert learned((0, 200), (5, 429), (15, 503), (90, 304)) == 5 * MINUTE
    assert learned((0, 200), (5, 429), (2000, 304)) == 6 * HOUR


def test_retry_after_counts_for_other_errors_too():
    known, outcome = failing("server", 0.5)
    assert delay_of(known, replace(outcome, retry_after_seconds=7200.0))[0] == 7200


def test_a_fixed_interval_backs_off_as_well():
    assert delay_of(*failing("malformed", 3.0), interval_seconds=2)[0] == about(16)


def test_feeds_that_fail_together_do_not_stay_together():
    known, outcome = failing("connect", 0.5)
    dues = {next_check(known, outcome, make_feed(f"f{n}"), NOW)[0] for n in range(50)}
    assert len(dues) == 50


@given(st.text())
def test_phase_is_stable_and_in_range(feed_id):
    assert 0 <= phase(feed_id) == phase(feed_id) < 1


LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("settings", "fields", "expected"),
    [
        ({}, {}, LATER),
        ({}, {"url": "https://old.example"}, NOW),
        ({}, {"next_check_at": None}, NOW),
        ({"interval_seconds": 60}, {}, NOW + timedelta(seconds=60)),
        ({"interval_seconds": 60}, {"failures": 1.0}, LATER),
        ({"interval_seconds": 7200}, {}, LATER),
        ({"max_interval_seconds": 600}, {"interval_seconds": 3600.0}, NOW + timedelta(minutes=10)),
        ({"max_interval_seconds": 600}, {"interval_seconds": 600.0}, LATER),  # for other reasons
        ({"interval_seconds": 60}, {"last_fetch_at": None}, LATER),
    ],
)
def test_a_restart_keeps_the_plan_unless_settings_have_changed(settings, fields, expected):
    known = replace(state(next_check_at=LATER), **fields)
    assert first_check(make_feed("a", **settings), known, NOW) == expected


def test_a_clock_that_is_set_back_keeps_nothing_waiting():
    """A machine without battery starts in 2036, polls, and asks for the time."""
    ahead = NOW + timedelta(days=3650)
    known = state(last_fetch_at=ahead, next_check_at=ahead + timedelta(hours=1))
    assert first_check(make_feed("a"), known, NOW) == LATER


def test_a_feed_that_was_never_polled_is_polled_at_once():
    assert first_check(make_feed("a"), None, NOW) == NOW


def unchanged_for(hours, known, **fields):
    fields = {
        "etag": '"1"',
        "parser": "p",
        "last_document_at": NOW - timedelta(hours=hours),
    } | fields
    return document_wanted(replace(known, **fields), NOW, "p")


@pytest.mark.parametrize(
    ("hours", "known", "wanted"),
    [
        (0.4, steady(0.05), False),
        (0.6, steady(0.05), True),  # silent for three minutes: news are hidden from us
        (2.9, state(arrivals=[n + 3 for n in range(165)]), False),
        (4, state(arrivals=[n + 4 for n in range(164)]), True),  # usually one an hour
        (20, state(arrivals=[24 * n + 20 for n in range(6)]), False),  # usually one a day
        (0.6, state(since_days=0.6 / 24), True),  # nothing is known yet: look again,
        (4, state(since_days=10 / 24), False),  # and the longer nothing comes, the more rarely
        (5.1, state(since_days=10 / 24), True),
        (24 * 6.9, state(), False),
        (24 * 7, state(), True),
    ],
)
def test_nothing_has_changed_is_not_believed_for_ever(hours, known, wanted):
    reason = unchanged_for(hours, known)
    assert bool(reason) == wanted
    assert ("nothing has changed" in reason) == wanted


def test_a_new_parser_reads_everything_anew():
    assert unchanged_for(0, steady(0.05), parser="older") == "the parser has changed"
    assert unchanged_for(0, steady(0.05), last_document_at=None) == "no document has been seen"


def test_there_is_nothing_to_leave_out_without_validators():
    assert unchanged_for(900, state(), etag="") == ""
    assert unchanged_for(900, state(), etag="", last_modified="today") != ""


def test_after_a_restart_a_feed_whose_hub_pushes_is_polled_soon():
    state = FeedState(
        feed_id="a",
        url=url_of("a"),
        last_fetch_at=NOW,
        next_check_at=NOW + timedelta(hours=6),
        interval_seconds=600.0,
        subscription=Subscription("https://hub.example/", url_of("a"), "active", 1, 2**40),
    )
    assert first_check(make_feed("a"), state, NOW) == NOW + timedelta(seconds=600)
