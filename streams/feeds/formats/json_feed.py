"""JSON Feed 1 and 1.1 (jsonfeed.org), leniently: feedparser 6.0.14 does not read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

from streams.errors import ParseError
from streams.feeds.document import (
    MAX_ENTRIES,
    MAX_TITLE_BYTES,
    ParsedEntry,
    ParsedFeed,
    Warn,
    clean,
    make_entry,
    numbered,
    primary_lang,
)
from streams.feeds.formats.channel import read_json_channel
from streams.feeds.formats.dates import DateReader

__all__ = ["parse_json"]


def parse_json(text: str, url: str) -> ParsedFeed:
    """Parse a JSON Feed.

    Args:
        text: the document.
        url: where it was found; relative links are resolved against it.

    Raises:
        ParseError: not JSON (`malformed`), or JSON without a list of items (`not_a_feed`).
    """
    try:
        # The standard library's decoder, because it lets half an emoji and raw line breaks pass.
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not valid JSON: {error}", kind="malformed") from error
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise ParseError(
            "JSON, but no JSON Feed: it has no list of items",
            kind="not_a_feed",
            cure="find the address of the feed on the site",
        )
    warnings: list[str] = []
    channel = read_json_channel(data, url)
    items = data["items"]
    if len(items) > MAX_ENTRIES:
        warnings.append(f"only the first {MAX_ENTRIES:,} of {len(items):,} entries are read")
    return ParsedFeed(
        version="json1",
        title=clean(_word(data.get("title")), MAX_TITLE_BYTES),
        lang=primary_lang(_word(data.get("language"))),
        hub=channel.hub,
        feed_url=channel.feed_url,
        entries=tuple(_entries(items[:MAX_ENTRIES], data, url, warnings.append)),
        warnings=tuple(warnings),
    )


def _entries(items: list[Any], feed: dict[str, Any], url: str, warn: Warn) -> Iterator[ParsedEntry]:
    authors = _authors(feed)
    dates = DateReader(_word(feed.get("language")))
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            warn(f"entry {number} left out: not an object")
            continue
        try:
            yield _entry(item, authors, dates, url, numbered(warn, number))
        except Exception as error:  # noqa: BLE001 - one bad entry, whatever is wrong with it
            warn(f"entry {number} left out: {error!r:.200}")


def _entry(
    item: dict[str, Any], authors: list[str], dates: DateReader, url: str, warn: Warn
) -> ParsedEntry:
    published, updated = _word(item.get("date_published")), _word(item.get("date_modified"))
    return make_entry(
        warn,
        guid=_word(item.get("id")),
        link=_join(url, _word(item.get("url")) or _word(item.get("external_url"))),
        title=_word(item.get("title")),
        summary=_word(item.get("summary")),
        body=_word(item.get("content_html")) or _word(item.get("content_text")),
        authors=_authors(item) or authors,
        categories=[_word(tag) for tag in _list(item.get("tags"))],
        enclosures=[
            _join(url, _word(each.get("url")))
            for each in _list(item.get("attachments"))
            if isinstance(each, dict)
        ],
        media=[_join(url, _word(item.get(key))) for key in ("image", "banner_image")],
        lang=_word(item.get("language")),
        published=dates.read(published),
        updated=dates.read(updated),
        raw_date=published or updated,
    )


def _word(value: Any) -> str:
    """Text as it is; a number, which some feeds use as id, as text; anything else as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _authors(owner: dict[str, Any]) -> list[str]:
    """Version 1.1 has `authors`, version 1 has `author`."""
    found = [*_list(owner.get("authors")), owner.get("author")]
    return [_word(each.get("name")) for each in found if isinstance(each, dict)]


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url.strip()) if url else ""
    except ValueError:
        return ""
