"""Feeds that answer and bring nothing: when that is told, once, and when it is over."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.feeds.judgement import judge
from streams.feeds.moves import at_new_url
from streams.feeds.outcome import Outcome
from streams.feeds.silence import follow, habit_of, heard, reason, told
from streams.feeds.visit import receive
from streams.records import FeedState, Seen, stable_id
from streams.wire import decode, encode
from tests.feeds.fakes import NOW, Clock, PlainParser, make_feed, rss, url_of

HOUR, DAY = 3_600, 86_400
END = int(NOW.timestamp())
FEED = make_feed("a")
HOURLY = range(END - 14 * DAY, END + 1, HOUR)
"""Something new every hour for two weeks, up to NOW, a Friday noon."""
BY_DAY = [moment for moment in HOURLY if 8 <= moment // HOUR % 24 <= 20]
OFFICE = [moment for moment in BY_DAY if (moment // DAY + 3) % 7 < 5]
"""The same on weekdays."""
WEEKLY = range(END - 70 * DAY, END + 1, 7 * DAY)


def remembered(moments, **fields):
    """What is known of a feed that was first polled long ago, and brought an entry at each of these."""
    seen = {f"{number} {at}": Seen("h", 1, at, at) for number, at in enumerate(moments)}
    begin = NOW - timedelta(days=300)
    known = FeedState(feed_id="a", url=FEED.url, seen=seen, first_success_at=begin)
    return replace(known, **fields)


def after(state, hours):
    """What is remembered after so many hours without anything new."""
    return follow(state, NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("moments", "quiet_hours", "silent_hours"),
    [
        (HOURLY, 3, 3.1),  # less is told of nobody
        (BY_DAY, 23, 25),  # twice a night
        (OFFICE, 119, 121),  # twice a weekend, so that a bank holiday is none
        (WEEKLY, 335, 337),  # the second issue in a row is missing
        (sorted([*BY_DAY, END - 9 * DAY - 12 * HOUR]), 23, 25),
    ],
)
def test_a_feed_is_silent_after_twice_the_pauses_that_it_makes(moments, quiet_hours, silent_hours):
    state = remembered(moments)
    assert after(state, quiet_hours).silent_since is None
    assert after(state, silent_hours).silent_since == NOW


def test_one_pause_that_was_longer_than_all_others_is_no_habit():
    outage = [at for at in HOURLY if not END - 6 * DAY < at < END - 4 * DAY]
    assert after(remembered(outage), 4).silent_since == NOW
    again = [at for at in outage if not END - 3 * DAY < at < END - 1 * DAY]
    assert after(remembered(again), 90).silent_since is None


def test_what_was_usual_more_than_four_weeks_ago_is_not_any_more():
    before = range(END - 60 * DAY, END - 30 * DAY, 3 * DAY)
    now = range(END - 30 * DAY, END + 1, HOUR)
    assert after(remembered([*before, *now]), 4).silent_since == NOW


def test_a_batch_is_one_sign_of_life():
    once = remembered(BY_DAY)
    five = remembered(sorted(list(BY_DAY) * 5))
    for hours in (23, 25):
        assert after(once, hours).silent_since == after(five, hours).silent_since
    assert habit_of([END] * 1) is None


@given(
    st.lists(st.integers(0, 13 * DAY - 1), max_size=60),
    st.floats(0, 9_000),
)
def test_a_feed_that_was_watched_for_less_than_two_weeks_is_never_silent(ages, hours):
    state = remembered(sorted(END - age for age in ages))
    assert after(state, hours) == state


@given(st.lists(st.integers(0, 300 * DAY), max_size=8), st.floats(0, 9_000))
def test_a_feed_that_spoke_hardly_ever_is_never_silent(ages, hours):
    state = remembered(sorted(END - age for age in ages))
    assert after(state, hours) == state


@given(st.lists(st.integers(0, 300 * DAY), max_size=60), st.floats(0, 9_000))
def test_what_the_first_document_held_is_no_sign_of_life(ages, hours):
    state = remembered(sorted(END - age for age in ages), first_success_at=NOW)
    assert after(state, hours) == state


@given(st.floats(0, 400), st.floats(0, 400))
def test_a_silence_lasts_until_the_feed_speaks(hours, more):
    state = after(remembered(BY_DAY), hours)
    later = follow(state, NOW + timedelta(hours=hours + more))
    assert state.silent_since is None or later == state


def test_something_new_ends_it():
    silent = after(remembered(BY_DAY), 30)
    entry = Seen("h", 1, END + 31 * HOUR, END + 31 * HOUR)
    spoken = heard(replace(silent, seen=silent.seen | {"new": entry}))
    assert spoken.silent_since is None
    changed = Seen("h", 2, END, END + 31 * HOUR, revised=END + 31 * HOUR)
    last = max(silent.seen, key=lambda item_id: silent.seen[item_id].first_seen)
    assert heard(replace(silent, seen=silent.seen | {last: changed})) == replace(
        silent, seen=silent.seen | {last: changed}
    ), "what is only corrected is nothing new"


# --- what is told -----------------------------------------------------------------------------


def test_begin_and_end_tell_what_a_person_wants_to_know():
    state = remembered(BY_DAY)
    silent = after(state, 30)
    (begin,) = told(state, silent, NOW + timedelta(hours=30))
    assert (begin.kind, begin.phase, begin.feed_id, begin.figure_id) == (
        "silence", "begin", "a", ""
    )  # fmt: skip
    assert (begin.window_start, begin.window_end) == (NOW, NOW + timedelta(hours=30))
    assert begin.reason == "silent for 30 h, usually for 12 h at most"
    assert begin.count == 0
    assert 13 < begin.expected < 20, "of thirteen a day"
    assert begin.score > 1.5
    assert (
        reason(silent, NOW + timedelta(hours=60)) == "silent for 2.5 days, usually for 12 h at most"
    )

    moment = END + 60 * HOUR
    entries = {str(number): Seen("h", 1, moment, moment) for number in range(3)}
    spoken = heard(replace(silent, seen=silent.seen | entries))
    (end,) = told(silent, spoken, NOW + timedelta(hours=60))
    assert (end.trend_id, end.phase, end.count) == (begin.trend_id, "end", 3)
    assert end.reason == "3 new after 2.5 days"
    assert reason(spoken, NOW + timedelta(hours=60)) == ""


def test_the_id_depends_on_feed_and_begin_alone():
    state = remembered(BY_DAY)
    early, late = (
        told(state, after(state, hours), NOW + timedelta(hours=hours))[0] for hours in (25, 99)
    )
    assert early.trend_id == late.trend_id == stable_id("silence", "a", str(END))
    other = replace(state, feed_id="b")
    (by_other,) = told(other, after(other, 25), NOW + timedelta(hours=25))
    assert by_other.trend_id != early.trend_id


# --- in the course of polls -------------------------------------------------------------------

OK, SAME = Outcome(status=200, new=1), Outcome(status=304)
DOWN = Outcome(error="server", message="HTTP 500", status=500)


def poll(state, outcome, hours):
    """What is remembered, and what is told."""
    now = NOW + timedelta(hours=hours)
    found = state
    if outcome.new:
        moment = int(now.timestamp())
        found = replace(state, seen=state.seen | {str(moment): Seen("h", 1, moment, moment)})
    judged = judge(FEED, found, outcome, now)
    return judged, told(state, judged, now)


def test_a_silent_feed_is_stale_until_it_speaks():
    state, trends = poll(remembered(BY_DAY), SAME, 23)
    assert (state.health, trends) == ("ok", ())
    state, trends = poll(state, SAME, 25)
    assert (state.health, [trend.phase for trend in trends]) == ("stale", ["begin"])
    assert state.reason == "silent for 25 h, usually for 12 h at most"
    state, trends = poll(state, SAME, 26)
    assert (state.health, trends) == ("stale", ())
    state, trends = poll(state, OK, 27)
    assert (state.health, [trend.phase for trend in trends]) == ("ok", ["end"])


def test_a_feed_that_fails_is_unhealthy_and_not_silent():
    state, trends = poll(remembered(BY_DAY), DOWN, 20)
    assert trends == ()
    state, trends = poll(state, DOWN, 70)
    assert (state.health, trends) == ("failing", ())
    state, trends = poll(state, SAME, 71)
    assert (state.health, trends) == ("ok", ()), "its silence counts from when it answers again"
    state, trends = poll(state, SAME, 94)
    assert trends == ()
    state, trends = poll(state, SAME, 96)
    assert [trend.window_start for trend in trends] == [NOW]


def test_a_silence_outlasts_a_failure():
    state, _ = poll(remembered(BY_DAY), SAME, 25)
    state, trends = poll(state, DOWN, 26)
    assert (state.health, trends) == ("failing", ())
    state, trends = poll(state, SAME, 28)
    assert (state.health, trends) == ("stale", ())
    _, trends = poll(state, OK, 29)
    assert [trend.phase for trend in trends] == ["end"]


def test_a_failure_of_minutes_changes_nothing():
    state, _ = poll(remembered(BY_DAY), DOWN, 24.2)
    _, trends = poll(state, SAME, 24.5)
    assert [trend.phase for trend in trends] == ["begin"]


LOG = st.lists(
    st.tuples(st.sampled_from([0.25, 1, 6, 26, 60]), st.sampled_from([OK, SAME, DOWN])), max_size=12
)


@given(LOG)
def test_a_restart_changes_nothing(log):
    whole = restarted = remembered(BY_DAY)
    hours = 0
    for step, outcome in log:
        hours += step
        whole, trends = poll(whole, outcome, hours)
        restarted, again = poll(decode(FeedState, encode(restarted)), outcome, hours)
        assert (restarted, again) == (whole, trends)


@given(LOG, st.sets(st.integers(0, 11)))
def test_a_silence_is_told_once_whatever_is_repeated(log, crashes):
    """After a crash between the ack of a trend and that of the state, the poll is made again."""
    state, hours, open_id, told_ids = remembered(BY_DAY), 0, "", set()
    for number, (step, outcome) in enumerate(log):
        hours += step
        judged, trends = poll(state, outcome, hours)
        if number in crashes:
            judged, again = poll(state, outcome, hours + 0.01)
            assert [(t.trend_id, t.phase) for t in again[: len(trends)]] == [
                (t.trend_id, t.phase) for t in trends
            ]
            trends = again
        state = judged
        for trend in trends:
            if trend.phase == "begin":
                assert not open_id
                assert trend.trend_id not in told_ids
                open_id = trend.trend_id
                told_ids.add(open_id)
            else:
                assert trend.trend_id == open_id
                open_id = ""
        assert (state.silent_since is not None) == bool(open_id)


async def test_a_push_ends_a_silence():
    silent = after(remembered(BY_DAY), 30)
    clock = Clock(NOW + timedelta(hours=31))
    pushed = await receive(FEED, silent, rss("one"), "", PlainParser(), clock)
    assert [(trend.phase, trend.count) for trend in pushed.trends] == [("end", 1)]
    assert pushed.state.silent_since is None
    again = await receive(FEED, pushed.state, rss("one"), "", PlainParser(), clock)
    assert again.trends == ()


async def test_a_new_address_ends_a_silence():
    """That is how people mend it; what the first document there holds may be old."""
    silent = after(remembered(BY_DAY), 30)
    moved = make_feed("a", url=url_of("b"))
    state, hours = at_new_url(silent, moved.url), 31
    failed = judge(moved, state, DOWN, NOW + timedelta(hours=hours))
    assert told(state, failed, NOW) == ()
    answers = judge(moved, failed, SAME, NOW + timedelta(hours=hours + 1))
    (end,) = told(failed, answers, NOW + timedelta(hours=hours + 1))
    assert (end.phase, end.count, end.reason) == ("end", 0, "polled at another address after 32 h")
