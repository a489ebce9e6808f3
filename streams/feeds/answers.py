"""What a server's answer means: kind of trouble, waiting times, validators. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["retry_after", "trouble", "validators", "wait_asked"]

MAX_WAIT_SECONDS = 86_400.0
MAX_VALIDATOR = 4_096
"""Characters; a longer validator would not fit into a request that servers accept."""
_MAX_AGE = re.compile(r"\bmax-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NEVER_CACHE = re.compile(r"\bno-(?:cache|store)\b", re.IGNORECASE)
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_AHEAD = timedelta(days=1)

Headers = Mapping[str, str]


def trouble(status: int, headers: Headers) -> str:
    """Name what is wrong with an answer that brings no document.

    Returns:
        `slow_down`, `blocked`, `gone`, `not_found`, `server` or `http`.
    """
    if headers.get("cf-mitigated", "").lower() == "challenge" or status in (401, 403):
        return "blocked"
    if status == 429 or (status == 503 and "Retry-After" in headers):
        return "slow_down"
    if status >= 500:
        return "server"
    return {404: "not_found", 410: "gone"}.get(status, "http")


def retry_after(headers: Headers, now: datetime) -> float | None:
    """Seconds that the server asks to wait; None if it does not say.

    A date is taken relative to the server's own clock where it tells it.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text[:9])
    until = _date(text)
    if until is None:
        return None
    return max(0.0, (until - (_date(headers.get("Date", "")) or now)).total_seconds())


def wait_asked(headers: Headers, now: datetime) -> float:
    """Seconds for which the publisher calls the document fresh, a day at most; 0 if not said."""
    control = headers.get("Cache-Control", "")
    if _NEVER_CACHE.search(control):
        return 0.0
    age = _MAX_AGE.search(control)
    if age:
        return min(float(age[1]), MAX_WAIT_SECONDS)
    expires = _date(headers.get("Expires", ""))
    if expires is None:
        return 0.0
    fresh = (expires - (_date(headers.get("Date", "")) or now)).total_seconds()
    return min(max(fresh, 0.0), MAX_WAIT_SECONDS)


def validators(headers: Headers, now: datetime) -> tuple[str, str]:
    """ETag and Last-Modified, byte for byte, or "" where missing or unusable.

    A Last-Modified more than a day ahead would hide news until then.
    """
    etag, modified = (
        value if len(value) <= MAX_VALIDATOR and _VISIBLE.fullmatch(value) else ""
        for value in (headers.get("ETag", ""), headers.get("Last-Modified", ""))
    )
    date = _date(modified)
    return etag, "" if date and date > now + _AHEAD else modified


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
