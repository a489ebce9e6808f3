"""What a server's answer means: kind of trouble, waiting times, validators, links. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urldefrag, urljoin

from streams.feeds.document import primary_lang
from streams.feeds.guard import refuse_url

__all__ = [
    "PERMANENT",
    "REDIRECTS",
    "Headers",
    "fold",
    "language",
    "links",
    "redirect_target",
    "retry_after",
    "trouble",
    "validators",
    "wait_asked",
]

Headers = Mapping[str, str]
"""Lower-case name to value, as `fold` makes it."""

REDIRECTS = (301, 302, 303, 307, 308)
PERMANENT = (301, 308)
MAX_WAIT_SECONDS = 86_400.0
"""No wait that a server asks for is taken for longer than a day."""
MAX_VALIDATOR = 4_096
"""Characters; a longer validator would not fit into a request that servers accept."""
_MAX_AGE = re.compile(r"\bmax-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NEVER_CACHE = re.compile(r"\bno-(?:cache|store)\b", re.IGNORECASE)
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_UNDECODED = re.compile("[\udc80-\udcff]")
_AHEAD = timedelta(days=1)
_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)
_LISTS = frozenset({"cache-control", "content-language", "link"})


def fold(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Make `Headers`: repeated lists are joined, of all else the first counts (RFC 9110, 5.3)."""
    folded: dict[str, str] = {}
    for spelt, value in fields:
        name = spelt.lower()
        if name in folded and name in _LISTS:
            folded[name] += f", {value}"
        else:
            folded.setdefault(name, value)
    return folded


def trouble(status: int, headers: Headers) -> str:
    """Name what is wrong with an answer that brings no document.

    Returns:
        `slow_down`, `blocked`, `gone`, `not_found`, `server`, `redirects` (to nowhere) or `http`.
    """
    if headers.get("cf-mitigated", "").lower() == "challenge" or status in (401, 403):
        return "blocked"
    if status == 429 or (status == 503 and "retry-after" in headers):
        return "slow_down"
    if status >= 500:
        return "server"
    if status in REDIRECTS:
        return "redirects"
    return {404: "not_found", 410: "gone"}.get(status, "http")


def retry_after(headers: Headers, now: datetime) -> float | None:
    """Seconds that the server asks to wait, a day at most; None if it does not say.

    A date is taken relative to the server's own clock where it tells it.
    """
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text[:9]), MAX_WAIT_SECONDS)
    until = _date(text)
    return None if until is None else _seconds_until(until, headers, now)


def wait_asked(headers: Headers, now: datetime) -> float:
    """Seconds for which the publisher calls the document fresh, a day at most; 0 if not said."""
    if _NEVER_CACHE.search(headers.get("cache-control", "")):
        return 0.0
    if age := _max_age(headers):
        return min(float(age[1]), MAX_WAIT_SECONDS)
    expires = _date(headers.get("expires", ""))
    return 0.0 if expires is None else _seconds_until(expires, headers, now)


def validators(headers: Headers, now: datetime) -> tuple[str, str]:
    """ETag and Last-Modified, byte for byte, or "" where missing or unusable.

    A Last-Modified more than a day ahead would hide news until then (FreshRSS issue 1020), and
    publishers whose answers expire at `0` were found to repeat validators of documents that have
    changed.
    """
    if headers.get("expires", "").strip() == "0" and not _max_age(headers):
        return "", ""
    etag, modified = (
        value if len(value) <= MAX_VALIDATOR and _VISIBLE.fullmatch(value) else ""
        for value in (headers.get("etag", ""), headers.get("last-modified", ""))
    )
    date = _date(modified)
    return etag, "" if date and date > now + _AHEAD else modified


def links(headers: Headers, base: str) -> dict[str, str]:
    """Relation, in lower case, to the first web address that Link headers give it (RFC 8288).

    Args:
        headers: of the document.
        base: its address, for relative links.
    """
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(headers.get("link", "")):
        relations = _REL.search(parameters)
        address = _web_address(target, base) if relations else ""
        if relations and address:
            for relation in (relations[1] or relations[2] or "").lower().split():
                found.setdefault(relation, address)
    return found


def language(headers: Headers) -> str:
    """The language of the readers, as "de" or "en"; "" if none is named, or several are."""
    named = {primary_lang(tag) for tag in headers.get("content-language", "").split(",")}
    return named.pop() if len(named) == 1 else ""


def redirect_target(location: str, base: str) -> str:
    """Where a Location header leads, absolute and without fragment.

    Bytes that are no UTF-8 arrive as surrogates, and leave percent-encoded.

    Raises:
        ValueError: nowhere.
    """
    location = _UNDECODED.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", location.strip())
    return urldefrag(urljoin(base, location)).url


def _web_address(target: str, base: str) -> str:
    try:
        address = urljoin(base, target.strip())
    except ValueError:
        return ""
    return address if _VISIBLE.fullmatch(address) and not refuse_url(address) else ""


def _max_age(headers: Headers) -> re.Match[str] | None:
    return _MAX_AGE.search(headers.get("cache-control", ""))


def _seconds_until(date: datetime, headers: Headers, now: datetime) -> float:
    """By the server's own clock where it tells it; from 0 to a day."""
    seconds = (date - (_date(headers.get("date", "")) or now)).total_seconds()
    return min(max(seconds, 0.0), MAX_WAIT_SECONDS)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
