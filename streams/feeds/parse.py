"""Bytes to entries. Pure, but possibly slow: run it in a process that may be killed.

The ladder: JSON by its first character; feedparser; feedparser again without document type,
illegal characters and character references, for what makes it raise; `ParseError`. A document
that is not well-formed ("bozo") but yields entries is a success with a warning.
"""

from __future__ import annotations

import calendar
import io
import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import feedparser

from streams.errors import ParseError
from streams.feeds.charset import decode
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
from streams.feeds.json_feed import parse_json
from streams.feeds.links import is_web_link

__all__ = ["Problem", "parse", "parse_apart"]

Problem = tuple[str, str]
"""Kind and message of a ParseError; exceptions with keywords do not travel between processes."""

MAX_TTL_SECONDS = 86_400
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HTML_WITHIN = 2_000  # characters from the start
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CHARACTER_REFERENCE = re.compile(r"&#[0-9a-zA-Z]*;?")
_ENTRY_TAG = re.compile(r"<(/?)(?:\w+:)?(?:item|entry)\b", re.IGNORECASE)


def parse(body: bytes, content_type: str = "", url: str = "") -> ParsedFeed:
    """Parse a feed document of any kind.

    Args:
        body: the document, decompressed.
        content_type: value of the HTTP header; a hint for the charset, never believed otherwise.
        url: where it was found; relative links are resolved against it.

    Raises:
        ParseError: the only exception. Kinds: `empty`, `not_a_feed`, `malformed`.
    """
    text, _, damage = decode(body, content_type)
    text = text.lstrip("\ufeff \t\r\n\0")
    if not text:
        raise ParseError("the document is empty", kind="empty", cure="ask again later")
    if text.startswith("{"):
        return parse_json(text, url)
    warnings = [damage] if damage else []
    try:
        return _parse_xml(text, url, warnings)
    except ParseError:
        raise
    except Exception as error:  # noqa: BLE001 - feedparser raises anything (its issue 599)
        warnings.append(f"parsed again without document type and references: {error!r:.200}")
    try:
        return _parse_xml(_plain(text), url, warnings)
    except ParseError:
        raise
    except Exception as error:
        raise ParseError(f"cannot be parsed: {error!r:.200}", kind="malformed") from error


def parse_apart(body: bytes, content_type: str, url: str) -> ParsedFeed | Problem:
    """`parse` for another process: problems are returned."""
    try:
        return parse(body, content_type, url)
    except ParseError as error:
        return error.kind, error.message


def _plain(text: str) -> str:
    return _CHARACTER_REFERENCE.sub("", _ILLEGAL.sub("", _DOCTYPE.sub("", text, count=1)))


def _parse_xml(text: str, url: str, warnings: list[str]) -> ParsedFeed:
    document = feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),  # never a str: it would be opened as a file
        sanitize_html=False,
        resolve_relative_uris=False,
        # Without content-location: feedparser would resolve guids against it too, and every item
        # would change its name when the feed moves. Links are resolved below.
        response_headers={"content-type": "application/xml; charset=utf-8"},
    )
    entries, channel = document["entries"], document["feed"]
    is_page = _HTML.search(text, 0, _HTML_WITHIN) is not None
    if not document.get("version") and (is_page or not entries):
        raise ParseError(
            "a web page, not a feed" if is_page else "not a feed",
            kind="not_a_feed",
            cure="find the address of the feed on the site",
        )
    if document.get("bozo"):
        warnings.append(f"not well-formed: {document.get('bozo_exception')!s:.200}")
        entries = _without_torso(text, entries, warnings.append)
    if len(entries) > MAX_ENTRIES:
        warnings.append(f"only the first {MAX_ENTRIES:,} of {len(entries):,} entries are read")
    return ParsedFeed(
        version=str(document.get("version") or "unknown"),
        title=clean(_word(channel.get("title")), MAX_TITLE_BYTES),
        lang=primary_lang(_word(channel.get("language"))),
        ttl_seconds=_ttl(channel),
        entries=tuple(_entries(entries[:MAX_ENTRIES], channel, url, warnings.append)),
        warnings=tuple(warnings),
    )


def _without_torso(text: str, entries: list[Any], warn: Warn) -> list[Any]:
    """Drop the last entry if the document ends inside it; it comes whole with the next poll."""
    start = max(0, text.rfind("<item"), text.rfind("<entry"))
    tags = _ENTRY_TAG.findall(text, start)
    if not entries or not tags or tags[-1] == "/":
        return entries
    warn("the document ends inside its last entry, which is left out")
    return entries[:-1]


def _entries(entries: list[Any], channel: Any, url: str, warn: Warn) -> Iterator[ParsedEntry]:
    channel_authors = _authors(channel)
    for number, entry in enumerate(entries, 1):
        try:
            yield _entry(entry, channel_authors, url, numbered(warn, number))
        except Exception as error:  # noqa: BLE001 - one bad entry, whatever is wrong with it
            warn(f"entry {number} left out: {error!r:.200}")


def _entry(entry: Any, channel_authors: list[str], url: str, warn: Warn) -> ParsedEntry:
    contents = [_word(each.get("value")) for each in entry.get("content", ()) if _is_text(each)]
    published, updated = _stored(entry, "published"), _stored(entry, "updated")
    media = [*entry.get("enclosures", ()), *entry.get("media_content", ())]
    return make_entry(
        warn,
        guid=_word(entry.get("id")),
        link=_link(entry, url),
        title=_word(entry.get("title")),
        summary=_word(entry.get("summary")),
        body=max(contents, key=len, default=""),
        authors=_authors(entry) or channel_authors,
        categories=[
            _word(tag.get("label")) or _word(tag.get("term")) for tag in entry.get("tags", ())
        ],
        enclosures=[_join(url, _word(each.get("href") or each.get("url"))) for each in media],
        lang=_language(entry),
        published=_date(_stored(entry, "published_parsed")),
        updated=_date(_stored(entry, "updated_parsed")),
        raw_date=_word(published) or _word(updated),
    )


def _link(entry: Any, url: str) -> str:
    """The entry's link; a guid that feedparser takes for one only if it is a whole address."""
    link = _word(entry.get("link"))
    if entry.get("guidislink") and not is_web_link(link):
        return ""
    return _join(url, link)


def _stored(entry: Any, key: str) -> Any:
    """A value of the entry itself: feedparser's own lookup substitutes one date for another."""
    return dict.get(entry, key)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_text(content: Any) -> bool:
    kind = _word(content.get("type"))
    return kind.startswith("text/") or kind.endswith("xml") or not kind


def _language(entry: Any) -> str:
    detail = entry.get("title_detail") or {}
    return _word(entry.get("language")) or _word(detail.get("language"))


def _authors(owner: Any) -> list[str]:
    people: Iterable[Any] = owner.get("authors", ())
    return [_word(person.get("name")) for person in people]


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url.strip()) if url else ""
    except ValueError:
        return url


def _ttl(channel: Any) -> int:
    """RSS gives minutes."""
    text = _word(channel.get("ttl")).strip()
    return min(int(text) * 60, MAX_TTL_SECONDS) if text.isdecimal() and len(text) < 6 else 0


def _date(parsed: time.struct_time | None) -> datetime | None:
    """From feedparser's broken-down UTC time; None for dates that no calendar has."""
    if not parsed:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
