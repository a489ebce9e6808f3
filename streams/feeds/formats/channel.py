"""What a feed says about itself before its first entry: when to ask, and where. Pure.

Read from the text, because no parser tells all of it: feedparser gives `skipHours` as "", and
fastfeedparser drops `ttl`, `language` and the links. Every pattern takes linear time.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

from msgspec import Struct

from streams.feeds.links import is_web_link

__all__ = ["Channel", "read_channel", "read_json_channel"]

MAX_TTL_SECONDS = 86_400
_MAX_URL = 2_048
_UNIT_SECONDS = {  # RSS 1.0, module syndication
    "hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000,
}  # fmt: skip
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PREFIX = r"(?:[\w.-]{1,32}:)?"
_VALUE = re.compile(
    rf"<{_PREFIX}(ttl|language|updatePeriod|updateFrequency)(?:\s[^<>]{{0,200}})?>"
    r"\s{0,20}(?:<!\[CDATA\[)?\s{0,20}([\w-]{1,20})",
    re.IGNORECASE,
)
_SKIP = re.compile(
    rf"<{_PREFIX}skip(Hours|Days)\b[^<>]{{0,200}}>(.{{0,4000}}?)</{_PREFIX}skip",
    re.IGNORECASE | re.DOTALL,
)
_SKIPPED = re.compile(
    rf"<{_PREFIX}(?:hour|day)\b[^<>]{{0,200}}>\s{{0,20}}(\w{{1,9}})", re.IGNORECASE
)
_LINK = re.compile(rf"<{_PREFIX}link\s([^<>]{{1,4000}})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(rel|href)\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


class Channel(Struct, frozen=True, kw_only=True):
    """Named and meant as in `ParsedFeed`."""

    lang: str = ""
    """As written: a language tag, or anything."""
    ttl_seconds: int = 0
    cadence_seconds: int = 0
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    hub: str = ""
    feed_url: str = ""


def read_channel(header: str, url: str) -> Channel:
    """Read the part of an RSS or Atom document before its entries.

    Args:
        header: that text.
        url: where the document was found; relative links are resolved against it.
    """
    values = {name.lower(): value for name, value in _VALUE.findall(header)}
    skip = {name.lower(): _SKIPPED.findall(inside) for name, inside in _SKIP.findall(header)}
    hours = {int(hour) % 24 for hour in skip.get("hours", ()) if _is_number(hour, 24)}
    names = {day[:3].lower() for day in skip.get("days", ())}
    links = dict(reversed(list(_links(header))))  # the first of each kind
    return Channel(
        lang=values.get("language", ""),
        ttl_seconds=_ttl(values.get("ttl", "")),
        cadence_seconds=_cadence(
            values.get("updateperiod", ""), values.get("updatefrequency", "1")
        ),
        # A publisher who wants no hour or no day at all has filled in a form too eagerly.
        skip_hours=tuple(sorted(hours)) if len(hours) < 24 else (),
        skip_days=tuple(n for n, day in enumerate(_DAYS) if day in names and len(names) < 7),
        hub=_address(links.get("hub", ""), url),
        feed_url=_address(links.get("self", ""), url),
    )


def read_json_channel(feed: dict[str, Any], url: str) -> Channel:
    """Read the same of a JSON Feed, which has no say in when it is asked."""
    hubs = feed.get("hubs")
    hub = next(
        (
            each.get("url")
            for each in (hubs if isinstance(hubs, list) else ())
            if isinstance(each, dict) and str(each.get("type", "")).lower() == "websub"
        ),
        "",
    )
    return Channel(hub=_address(hub, url), feed_url=_address(feed.get("feed_url"), url))


def _links(header: str) -> Iterator[tuple[str, str]]:
    """Relation and address of each link; a link may have several relations."""
    for attributes in _LINK.findall(header):
        found = {name.lower(): a or b for name, a, b in _ATTRIBUTE.findall(attributes)}
        for relation in found.get("rel", "").lower().split():
            yield relation, html.unescape(found.get("href", ""))


def _address(link: object, url: str) -> str:
    try:
        address = urljoin(url, link.strip()) if isinstance(link, str) and link else ""
    except ValueError:
        return ""
    return address if len(address) <= _MAX_URL and is_web_link(address) else ""


def _ttl(text: str) -> int:
    """RSS gives minutes."""
    return min(int(text) * 60, MAX_TTL_SECONDS) if _is_number(text, 10**7) else 0


def _cadence(period: str, frequency: str) -> int:
    """A period, and how many times in it; once if that is no number."""
    times = max(int(frequency), 1) if _is_number(frequency, 10**6) else 1
    return _UNIT_SECONDS.get(period.lower(), 0) // times


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= most
