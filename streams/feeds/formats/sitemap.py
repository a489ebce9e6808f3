"""Sitemaps (sitemaps.org) as feeds: those for news, and others whose addresses have dates.

A news sitemap is often fresher and more complete than the feeds of the same publisher. It brings
titles and dates, but no text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from streams.errors import ParseError
from streams.feeds.document import MAX_ENTRIES, ParsedEntry, ParsedFeed, Warn, make_entry, numbered
from streams.feeds.formats.dates import DateReader

__all__ = ["is_sitemap", "parse_sitemap"]

_ROOT = re.compile(r"<(?:[\w.-]{1,32}:)?(urlset|sitemapindex)[\s>]")
_WITHIN = 2_000  # characters from the start
_NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
_IMAGE = "{http://www.google.com/schemas/sitemap-image/1.1}"
_NEVER = datetime.min.replace(tzinfo=UTC)


def is_sitemap(text: str) -> bool:
    """Whether the document is one, by its root element."""
    return _ROOT.search(text, 0, _WITHIN) is not None


def parse_sitemap(text: str, warnings: Iterable[str] = ()) -> ParsedFeed:
    """Parse a sitemap.

    Args:
        text: the document, without document type: entities must not be declared in it.
        warnings: what was odd about it so far.

    Raises:
        ParseError: `not_a_feed` for an index of sitemaps, and for one that tells no news from old.
    """
    root = _ROOT.search(text, 0, _WITHIN)
    if root and root[1] == "sitemapindex":
        raise ParseError(
            "an index of sitemaps, not a feed",
            kind="not_a_feed",
            cure="name one of the sitemaps that it lists, best the one for news",
        )
    said = list(warnings)
    entries = list(_entries(text, said.append))
    if not any(entry.published or entry.updated for entry in entries):
        raise ParseError(
            "a sitemap without dates, not a feed",
            kind="not_a_feed",
            cure="find the publisher's news sitemap or feed",
        )
    if len(entries) > MAX_ENTRIES:  # in no particular order
        said.append(f"only the newest {MAX_ENTRIES:,} of {len(entries):,} entries are read")
        entries = sorted(entries, key=_date, reverse=True)[:MAX_ENTRIES]
    return ParsedFeed(
        version="sitemap",
        lang=next((entry.lang for entry in entries if entry.lang), ""),
        entries=tuple(entries),
        warnings=tuple(said),
    )


def _date(entry: ParsedEntry) -> datetime:
    return entry.published or entry.updated or _NEVER


def _entries(text: str, warn: Warn) -> Iterator[ParsedEntry]:
    dates = DateReader()
    try:
        for number, element in enumerate(_addresses(text), 1):
            try:
                yield _entry(element, dates, numbered(warn, number))
            except Exception as error:  # noqa: BLE001 - one bad entry, whatever is wrong with it
                warn(f"entry {number} left out: {error!r:.200}")
    except ElementTree.ParseError as error:
        warn(f"not well-formed, read up to there: {error}")


def _addresses(text: str) -> Iterator[Element]:
    """Each `url` element as soon as it is read, so that memory stays small."""
    # Without document type there are no entities that could expand, and expat never fetches.
    events = ElementTree.iterparse(io.StringIO(text), ("start", "end"))  # noqa: S314
    _, root = next(events)
    for event, element in events:
        if event == "end" and _name(element) == "url":
            yield element
            root.clear()


def _entry(element: Element, dates: DateReader, warn: Warn) -> ParsedEntry:
    own = {_name(child): (child.text or "").strip() for child in element}
    news = element.find(f"{_NEWS}news")
    written = _text(news, f"{_NEWS}publication_date")
    pictures = (each.text or "" for each in element.iterfind(f"{_IMAGE}image/{_IMAGE}loc"))
    return make_entry(
        warn,
        link=own.get("loc", ""),
        title=_text(news, f"{_NEWS}title"),
        categories=_text(news, f"{_NEWS}keywords").split(","),
        media=pictures,
        lang=_text(news, f"{_NEWS}publication/{_NEWS}language"),
        published=dates.read(written),
        updated=dates.read(own.get("lastmod", "")),
        raw_date=written or own.get("lastmod", ""),
    )


def _text(element: Element | None, path: str) -> str:
    return (element.findtext(path) or "").strip() if element is not None else ""


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
