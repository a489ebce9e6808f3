"""When alerts may reach people, on every clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.alerts.schedule import DAYS, next_active, parse_span, zone_of
from streams.records import Schedule

BERLIN = ZoneInfo("Europe/Berlin")


def schedule(*active, timezone="Europe/Berlin"):
    return Schedule(timezone=timezone, active=active)


def berlin(text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


# 2026-11-23 is a Monday.
@pytest.mark.parametrize(
    ("active", "at", "expected"),
    [
        (["Mon-Fri 07:00-20:00"], "2026-11-23 07:00", None),
        (["Mon-Fri 07:00-20:00"], "2026-11-23 06:59:59", "2026-11-23 07:00"),
        (["Mon-Fri 07:00-20:00"], "2026-11-23 20:00", "2026-11-24 07:00"),
        (["Mon-Fri 07:00-20:00"], "2026-11-27 20:00", "2026-11-30 07:00"),
        (["Sat,Sun 9:00-12:00"], "2026-11-23 10:00", "2026-11-28 09:00"),
        (["sat, sun 9:00-12:00"], "2026-11-29 10:00", None),
        (["Sat Sun 9:00-12:00"], "2026-11-29 10:00", None),
        (["Fri-Mon 9:00-12:00"], "2026-11-23 10:00", None),
        (["Fri-Mon 9:00-12:00"], "2026-11-24 10:00", "2026-11-27 09:00"),
        (["daily 12:00-13:00"], "2026-11-23 13:00", "2026-11-24 12:00"),
        (["12:00-13:00"], "2026-11-23 12:30", None),
        (["Mon 00:00-24:00"], "2026-11-23 23:59", None),
        (["Mon 00:00-24:00"], "2026-11-24 00:00", "2026-11-30 00:00"),
        # Over midnight a span belongs to the day on which it begins.
        (["Fri 22:00-06:00"], "2026-11-28 05:59", None),
        (["Fri 22:00-06:00"], "2026-11-27 05:00", "2026-11-27 22:00"),
        (["Fri 22:00-06:00"], "2026-11-28 06:00", "2026-12-04 22:00"),
        (["Mon 08:00-09:00", "Mon 18:00-19:00"], "2026-11-23 09:30", "2026-11-23 18:00"),
        (["Mon 18:00-19:00", "Mon 08:00-09:00"], "2026-11-23 07:30", "2026-11-23 08:00"),
        ([], "2026-11-23 03:00", None),
        # Clocks jump from 02:00 to 03:00 on 2026-03-29: what begins between begins at the jump,
        # what lies between has no moment.
        (["02:30-06:00"], "2026-03-29 01:59", "2026-03-29 03:00"),
        (["02:30-06:00"], "2026-03-29 03:00", None),
        (["Sun 02:10-02:50"], "2026-03-29 01:00", "2026-04-05 02:10"),
    ],
)
def test_when_it_is_active_next(active, at, expected):
    found = next_active(schedule(*active), berlin(at))
    assert found == (berlin(expected) if expected else None)


def test_the_hour_that_comes_twice_counts_twice():
    """Clocks go from 03:00 back to 02:00 on 2026-10-25."""
    until, since = schedule("Sat 22:00-02:30"), schedule("Sun 02:30-06:00")
    for fold in (0, 1):
        assert next_active(until, berlin("2026-10-25 02:15", fold)) is None
        assert next_active(since, berlin("2026-10-25 02:45", fold)) is None
    assert next_active(until, berlin("2026-10-25 02:30", 1)) == berlin("2026-10-31 22:00")


def test_a_day_that_a_country_left_out():
    """Samoa went from the 29th to the 31st of December 2011."""
    samoa = schedule("daily 12:00-13:00", timezone="Pacific/Apia")
    at = datetime(2011, 12, 29, 13, 30, tzinfo=ZoneInfo("Pacific/Apia"))
    assert next_active(samoa, at) == datetime(2011, 12, 31, 12, tzinfo=ZoneInfo("Pacific/Apia"))


@pytest.mark.parametrize("broken", [schedule("whenever"), schedule("9:00-17:00", timezone="Mars")])
def test_a_schedule_that_cannot_be_read_holds_nothing_back(broken):
    assert next_active(broken, berlin("2026-11-23 03:00")) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a span"),
        ("Mon-Fri", "not a span"),
        ("Mon-Fri 7-20", "not a span"),
        ("Mo 07:00-20:00", "names the day 'Mo'; write Mon, Tue"),
        ("Mon-Foo 07:00-20:00", "names the day 'Foo'"),
        ("Mon 25:00-26:00", "'25:00' is no time of day"),
        ("Mon 07:60-08:00", "'07:60' is no time of day"),
        ("Mon 24:00-08:00", "00:00 of the next day"),
        ("Mon 07:00-07:00", "the whole day is 00:00-24:00"),
    ],
)
def test_spans_that_are_none(text, words):
    with pytest.raises(ValueError, match=words):
        parse_span(text)


@pytest.mark.parametrize("name", ["Europe/Berlim", "Europe", "", "../etc/passwd", "/etc/passwd"])
def test_zones_that_are_none(name):
    with pytest.raises(ValueError, match="no time zone"):
        zone_of(name)


times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
spans = (
    st.tuples(st.sets(st.sampled_from(DAYS), min_size=1).map(sorted).map(",".join), times, times)
    .filter(lambda parts: parts[1] != parts[2])
    .map(lambda parts: f"{parts[0]} {parts[1]}-{parts[2]}")
)
schedules = st.builds(
    Schedule,
    timezone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
    ),
    active=st.lists(spans, min_size=1, max_size=3).map(tuple),
)
moments = st.integers(0, 730 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(schedules, moments)
@example(schedule("Sun 02:30-06:00"), datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
def test_it_is_active_when_it_was_said_to_be_and_not_before(given_schedule, at):
    begins = next_active(given_schedule, at)
    if begins is None:
        return
    assert at < begins <= at + timedelta(days=15)
    assert next_active(given_schedule, begins) is None
    assert next_active(given_schedule, begins - timedelta(seconds=1)) == begins
    assert next_active(given_schedule, at + (begins - at) / 2) == begins


@given(schedules, moments)
def test_the_clock_on_the_wall_decides(given_schedule, at):
    """Active is what shows a time within a span, but for nights on which clocks change."""
    zone = zone_of(given_schedule.timezone)
    day = timedelta(days=1)
    if len({(at + n * day).astimezone(zone).utcoffset() for n in (-1, 0, 1)}) > 1:
        return
    wall = at.astimezone(zone)
    minute = wall.hour * 60 + wall.minute
    shown = any(
        (wall.weekday() in span.days and span.start <= minute < span.end)
        or (
            span.end <= span.start
            and (
                (wall.weekday() in span.days and minute >= span.start)
                or ((wall.weekday() - 1) % 7 in span.days and minute < span.end)
            )
        )
        for span in map(parse_span, given_schedule.active)
    )
    assert (next_active(given_schedule, at) is None) == shown


@given(schedules, spans, moments)
def test_a_further_span_never_makes_it_later(given_schedule, span, at):
    wider = Schedule(timezone=given_schedule.timezone, active=(*given_schedule.active, span))
    before, after = next_active(given_schedule, at), next_active(wider, at)
    assert after is None or (before is not None and after <= before)
