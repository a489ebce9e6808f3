"""The time that a partition has reached: that of most records, whatever a few claim."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.event_clock import FIRM, EventClock
from streams.testing import NOW

HOUR = timedelta(hours=1)
hours = st.floats(0, 23.9)
far = st.floats(24.1, 24 * 365 * 20)


def times(*offsets):
    return [NOW + offset * HOUR for offset in offsets]


def clock_of(log):
    clock = EventClock()
    for at in log:
        clock.take(at)
    return clock


def orderly(gaps, start=NOW):
    """Times that follow each other."""
    log, at = [], start
    for gap in gaps:
        at += gap * HOUR
        log.append(at)
    return log


@given(st.lists(st.tuples(hours, hours), min_size=1))
def test_where_nothing_is_a_day_off_the_clock_is_the_latest_time(drawn):
    """What comes late by less changes nothing, as if there were no votes."""
    log, clock = list[datetime](), EventClock()
    for gap, late in drawn:
        latest = max(log, default=NOW)
        log.append(latest + (gap - late) * HOUR)
        assert clock.take(log[-1]) == max(log)


@given(st.lists(far, min_size=1))
def test_where_records_are_more_than_a_day_apart_each_moves_it_at_once(gaps):
    for log in (orderly(gaps), orderly(gaps)[:1]):
        assert clock_of(log).reached == log[-1]


@given(st.lists(st.floats(0, 2), min_size=FIRM), st.data())
def test_nine_times_from_far_ahead_move_nothing_that_is_firm(gaps, data):
    right = orderly(gap + 0.1 for gap in gaps)
    wrong = [right[-1] + ahead * HOUR for ahead in data.draw(st.lists(far, max_size=FIRM - 1))]
    clock = clock_of(right)
    for at in wrong:
        assert clock.take(at) == right[-1]


@given(
    st.lists(st.floats(0, 100)),
    far.map(lambda ahead: ahead + 100),
    st.lists(hours),
    st.integers(0, 30),
)
def test_five_right_times_set_it_back_whatever_was_ahead_before(before, ahead, wrong, minutes):
    log = orderly(before)
    log += orderly(wrong, max(log, default=NOW) + (ahead + 24 * len(wrong)) * HOUR)
    clock = clock_of(log)
    start = orderly(before)[-1] if before else NOW
    right = [start + timedelta(minutes=minutes + n) for n in range(1, 6)]
    for at in right:
        reached = clock.take(at)
    assert reached == right[-1]


@pytest.mark.parametrize(
    ("log", "reached"),
    [
        ([0], 0),
        ([49], 49),
        ([49, 1], 1),  # one word against another: the earlier counts
        ([0, 49], 49),  # likewise, where nothing has come since
        ([0, 1, 49], 1),
        ([0, 1, 49, 50], 50),
        ([0, 1, 49, 2, 50], 2),
        ([*range(10), *[60] * 50], 9),  # one poll, whatever it holds
        ([*range(10), *range(60, 69)], 9),
        ([*range(10), *range(60, 70)], 69),
        ([*range(10), *range(60, 70), 10], 10),
        ([*range(10), *range(60, 110), 10, 11, 12, 13], 109),
        ([*range(10), *range(60, 110), 10, 11, 12, 13, 14], 14),
        ([*range(10), -48], 9),  # told late, by days
        ([*range(10), -48, -47, -46, -45], 9),
        ([*range(10), -100, 10, 11, -99, 12, 13, -98, 14, 15], 15),
        ([*range(10), -49, -48, -47, -46, -45, 10], 10),  # and no longer believed than need be
    ],
)
def test_who_is_believed(log, reached):
    assert clock_of(times(*log)).reached == NOW + reached * HOUR


anything = st.floats(-24 * 400, 24 * 400).map(lambda offset: NOW + offset * HOUR)


@given(st.lists(anything), st.lists(anything), st.lists(st.floats(1, 23), min_size=2 * FIRM + 24))
def test_what_came_before_some_days_is_forgotten(one, other, gaps):
    """So a clock that is read again is the one that was lived through."""
    recent = orderly(gaps, NOW - timedelta(days=500))
    assert vars(clock_of([*one, *recent])) == vars(clock_of([*other, *recent]))
