"""Dates as publishers write them, to UTC. Pure: nothing that a date leaves out is taken from today.

Order: ISO 8601; RFC 822 and asctime as read by feedparser, where the text has exactly that shape;
Unix time; anything else by dateparser, as long as it names year, month and day. feedparser alone is
not asked about other shapes, because it guesses: it reads `20-11-2026` as the year 2020, `3:15 PM`
as night, `CET` as UTC and `15:15` as today. A date without a time zone is taken as UTC.
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

__all__ = ["DateReader"]

MAX_LENGTH = 80
"""Characters; the longest that any language writes is about 60."""
MAX_FAILURES = 100
"""Unreadable dates of one document that are tried with all means; each costs up to 3 ms."""
OLDEST_YEAR = 1970
"""Earlier dates are zeros of some database: there were no feeds."""
_LANGUAGES = ("de", "en", "fr", "es", "it", "nl", "pt")

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?"
_ZONE = r"(?:[+-]\d{2}:?\d{2}|gmt|utc?|z|[ecmp][sd]t)"
_STANDARD = re.compile(  # RFC 822, section 5; the second is C's asctime, with a zone
    rf"(?:[a-z]+,?\s+)?\d{{1,2}}\s+{_MONTH}\s+(?:\d{{2}}|\d{{4}})\s+{_CLOCK}\s+{_ZONE}"
    rf"|[a-z]{{3}}\s+{_MONTH}\s+\d{{1,2}}\s+{_CLOCK}\s+(?:{_ZONE}\s+)?\d{{4}}",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")  # `(CET)`, `[Europe/Berlin]` after the offset
_SECONDS = re.compile(r"(1\d{9}|[2-9]\d{9})(?:\.\d+|\d{3})?")  # since 1970, or milliseconds
_COMPACT = re.compile(r"(\d{8})(\d{4}(?:\d{2})?)")
_TIME = re.compile(
    r"""(?<![\d+-])(?P<hour>\d{1,2})
        (?: :(?P<minute>\d{2}) (?: :(?P<second>\d{2}) (?:[.,]\d+)? )?
            (?: \s*(?P<half>[ap])\.?m\b\.? | \s*(?:Uhr|h)\b )?
          | (?: \.(?P<uhr_minute>\d{2}) )? \s*Uhr\b )""",
    re.IGNORECASE | re.VERBOSE,
)


class DateReader:
    """Reads the dates of one document.

    Args:
        lang: language tag of the document, or ""; tried first, and `en` or `en-US` makes the first
            number of `11/12/2026` the month.
    """

    def __init__(self, lang: str = "") -> None:
        self._lang = lang.lower().replace("_", "-")
        self._days: dict[str, datetime | None] = {}
        self._failures = 0

    def read(self, text: str, parsed: time.struct_time | None = None) -> datetime | None:
        """Read one date.

        Args:
            text: as written.
            parsed: what feedparser made of it.

        Returns:
            UTC, in whole seconds; None for what names no day that a feed can be from.
        """
        text = _REMARK.sub("", text.strip()) if len(text) <= MAX_LENGTH else ""
        date = _iso(text) or _standard(text, parsed) or _unix(text) or self._other(text)
        if date is None or date.year < OLDEST_YEAR:
            return None
        try:
            return date.astimezone(UTC).replace(microsecond=0)
        except OverflowError:  # the last hours of the year 9999
            return None

    def _other(self, text: str) -> datetime | None:
        """The day as a library reads it, and the time of day by ourselves.

        So days are read once each, however many entries they have, and what no library reads is
        read too: 24:00, which is the next day, and leap seconds.
        """
        clock = _TIME.search(text)
        since_midnight = _time_of_day(clock) if clock else timedelta()
        if not text or since_midnight is None:
            return None
        day = f"{text[: clock.start()]}00:00:00{text[clock.end() :]}" if clock else text
        if day not in self._days:
            self._days[day] = self._day(day)
        midnight = self._days[day]
        try:
            return midnight + since_midnight if midnight else None
        except OverflowError:
            return None

    def _day(self, text: str) -> datetime | None:
        date = _iso(text)
        if date is None and self._failures < MAX_FAILURES:
            date = _dateparser(self._lang.partition("-")[0], self._order(text))(text)
            self._failures += date is None
        return date

    def _order(self, text: str) -> str:
        if re.match(r"\d{4}", text):
            return "YMD"
        return "MDY" if "/" in text and self._lang in ("en", "en-us") else "DMY"


def _iso(text: str) -> datetime | None:
    """ISO 8601 with a whole date; also without separators, and with the number of the week."""
    compact = _COMPACT.fullmatch(text)
    try:
        date = datetime.fromisoformat(f"{compact[1]}T{compact[2]}" if compact else text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _standard(text: str, parsed: time.struct_time | None) -> datetime | None:
    if not parsed or not _STANDARD.fullmatch(text):
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _unix(text: str) -> datetime | None:
    """Ten digits count seconds, thirteen milliseconds."""
    found = _SECONDS.fullmatch(text)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _time_of_day(clock: re.Match[str]) -> timedelta | None:
    """What a clock shows, from midnight on; None if none can show that."""
    hour, second = int(clock["hour"]), int(clock["second"] or 0)
    minute = int(clock["minute"] or clock["uhr_minute"] or 0)
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"] in "pP" else 0)
    passed = timedelta(hours=hour, minutes=minute, seconds=second)
    possible = minute < 60 and second <= 60 and passed <= timedelta(days=1)
    return passed if possible else None


@cache
def _dateparser(lang: str, order: str) -> Callable[[str], datetime | None]:
    """A function from text to date. Loaded only here: most feeds never need it (0.2 s, 10 MB)."""
    from dateparser.data.languages_info import language_order
    from dateparser.date import DateDataParser

    known = [lang] if lang in language_order and lang not in _LANGUAGES else []
    parser = DateDataParser(
        languages=[*known, *_LANGUAGES],
        use_given_order=True,
        try_previous_locales=False,  # what was read before must not matter
        settings={
            "DATE_ORDER": order,
            "PREFER_LOCALE_DATE_ORDER": False,
            "REQUIRE_PARTS": ["year", "month", "day"],
            "PARSERS": ["absolute-time"],
            "RELATIVE_BASE": datetime(2000, 1, 1),  # noqa: DTZ001 - stands in for the clock
            "TIMEZONE": "UTC",
            "TO_TIMEZONE": "UTC",
            "RETURN_AS_TIMEZONE_AWARE": True,
        },
    )

    def read(text: str) -> datetime | None:
        try:
            date: datetime | None = parser.get_date_data(text).date_obj
        except Exception:  # noqa: BLE001 - it raises what its many parts raise
            return None
        return date

    return read
