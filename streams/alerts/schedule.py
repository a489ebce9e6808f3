"""When an alert may reach people: weekly spans of local time. Pure.

A span such as "Mon-Fri 07:00-20:00" is read as a clock on the wall is: it begins when the clock first
shows its start, and ends when it last shows its end. So on the night when clocks go back, "22:00-02:30"
ends at the second 02:30, and on the night when they go forward, "02:30-06:00" begins when the clock jumps
from 02:00 to 03:00. A span that has no moment on such a night is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from streams.records import Schedule

__all__ = ["DAYS", "Span", "next_active", "parse_span", "zone_of"]

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAILY = frozenset(range(7))
_DAY = timedelta(days=1)
_LOOK_AHEAD_DAYS = 15
"""A span comes every week, but may fall into the hour that is left out in spring."""

_SPAN = re.compile(r"(?:(?P<days>\S.*?)\s+)?(?P<start>\d\d?:\d\d)\s*[-–]\s*(?P<end>\d\d?:\d\d)")


class Span(Struct, frozen=True):
    """A time of day on some days of the week."""

    days: frozenset[int]
    """On which it begins, 0 for Monday."""
    start: int
    """Minute of the day, 0 to 1439."""
    end: int
    """Minute of the day, to 1440; of the next day where it is not after `start`."""


def next_active(schedule: Schedule, at: datetime) -> datetime | None:
    """Say when a schedule is active next.

    Args:
        schedule: without spans it is always active. One that cannot be read holds nothing back either:
            rules are checked when they are made, and one from elsewhere must not silence a desk.
        at: any moment, with a time zone.

    Returns:
        None if it is active at that moment, else when it becomes so, in UTC.
    """
    if not schedule.active:
        return None
    compiled = _compiled(schedule)
    if compiled is None:
        return None
    zone, spans = compiled
    later: datetime | None = None
    for start, end in _occurrences(zone, spans, at):
        if start <= at < end:
            return None
        if later is not None and start > later + _DAY:
            break
        if start > at and (later is None or start < later):
            later = start
    return later


def parse_span(text: str) -> Span:
    """Read "Mon-Fri 07:00-20:00", "Sat,Sun 9:00-12:00", "daily 22:00-06:00" or "22:00-06:00".

    Raises:
        ValueError: it is none of these; says why.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a span such as 'Mon-Fri 07:00-20:00'")
    start, end = _minute(match["start"]), _minute(match["end"])
    if start == 1440:
        raise ValueError(f"{text!r} begins at 24:00, which is 00:00 of the next day")
    if start == end:
        raise ValueError(f"{text!r} ends when it begins; the whole day is 00:00-24:00")
    return Span(_days(match["days"] or "daily", text), start, end)


def zone_of(name: str) -> tzinfo:
    """Find a time zone.

    Raises:
        ValueError: nothing has that name.
    """
    if name == "UTC":  # there even where the machine has no time zone data
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # OSError: the name of a folder
        raise ValueError(f"no time zone {name!r}") from error


def _minute(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    if minute > 59 or hour * 60 + minute > 1440:
        raise ValueError(f"{text!r} is no time of day")
    return hour * 60 + minute


def _days(text: str, span: str) -> frozenset[int]:
    if text.lower() == "daily":
        return _DAILY
    found: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip(" ,")):
        first, dash, last = part.replace("–", "-").partition("-")
        begin = _day(first, span)
        end = _day(last, span) if dash else begin
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(found)


def _day(text: str, span: str) -> int:
    names = [name.lower() for name in DAYS]
    if text.lower() not in names:
        raise ValueError(f"{span!r} names the day {text!r}; write {', '.join(DAYS)} or daily")
    return names.index(text.lower())


@lru_cache(maxsize=1024)
def _compiled(schedule: Schedule) -> tuple[tzinfo, tuple[Span, ...]] | None:
    try:
        return zone_of(schedule.timezone), tuple(map(parse_span, schedule.active))
    except ValueError:
        return None


def _occurrences(
    zone: tzinfo, spans: tuple[Span, ...], at: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Begin and end, in UTC, of the spans from the day before; what began earlier is over."""
    today = at.astimezone(zone).date()
    for offset in range(-1, _LOOK_AHEAD_DAYS):
        day = today + offset * _DAY
        for span in spans:
            if day.weekday() in span.days:
                over_midnight = span.end <= span.start
                start = _first_shown(zone, day, span.start)
                end = _last_shown(zone, day + over_midnight * _DAY, span.end)
                if start < end:
                    yield start, end


def _first_shown(zone: tzinfo, day: date, minute: int) -> datetime:
    """First moment at which the clock shows a time, or a later one where that is left out."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return _moment(zone, wall, fold=0)


def _last_shown(zone: tzinfo, day: date, minute: int) -> datetime:
    """Last moment at which the clock comes to a time, or to a later one where that is left out."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return _moment(zone, wall, fold=1)


def _moment(zone: tzinfo, wall: datetime, *, fold: int) -> datetime:
    moment = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return moment
    # The clock jumps over this time. Read with the offset of before and of after the jump it gives
    # two moments with the jump between them; Python calls them fold 0 and fold 1.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        shown = middle.astimezone(zone).replace(tzinfo=None, fold=0)
        before, after = (before, middle) if shown >= wall else (middle, after)
    return after.replace(microsecond=0)
