"""Bytes to entries. Pure, but possibly slow: run it in a process that may be killed.

The ladder: gzip files are unpacked; JSON by its first character; sitemaps by their root; feedparser;
feedparser again without document type, illegal characters and character references, for what makes
it raise; fastfeedparser; `ParseError`. A document that is not well-formed ("bozo") but yields
entries is a success with a warning.
"""

from __future__ import annotations

import io
import re
from typing import Any

import feedparser

from streams.errors import ParseError
from streams.feeds.document import (
    MAX_ENTRIES,
    MAX_TITLE_BYTES,
    ParsedFeed,
    Warn,
    clean,
    primary_lang,
)
from streams.feeds.formats import outline, salvage
from streams.feeds.formats.channel import read_channel
from streams.feeds.formats.charset import decode
from streams.feeds.formats.json_feed import parse_json
from streams.feeds.formats.sitemap import is_sitemap, parse_sitemap
from streams.feeds.formats.unpack import unpack
from streams.feeds.formats.xml_feed import read_entries

__all__ = ["PARSER", "Problem", "parse", "parse_apart"]

PARSER = f"{feedparser.__version__}+2"
"""Version of what is read out of a document. Count up when entries of a document that has not
changed come out differently: pollers then read every feed anew."""

Problem = tuple[str, str, str]
"""Kind, message and cure of a ParseError; exceptions with keywords do not travel between processes."""

Document = dict[str, Any]
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HTML_WITHIN = 2_000  # characters from the start


def parse(body: bytes, content_type: str = "", url: str = "") -> ParsedFeed:
    """Parse a feed document of any kind.

    Args:
        body: the document, without transfer encoding; may be a gzip file.
        content_type: value of the HTTP header; a hint for the charset, never believed otherwise.
        url: where it was found; relative links are resolved against it.

    Raises:
        ParseError: the only exception. Kinds: `empty`, `not_a_feed`, `malformed`, `too_large`.
    """
    body, damage = unpack(body)
    text, _, misfit = decode(body, content_type)
    warnings = [warning for warning in (damage, misfit) if warning]
    text = text.lstrip("\ufeff \t\r\n\0")
    if not text:
        raise ParseError("the document is empty", kind="empty", cure="ask again later")
    try:
        if text.startswith("{"):
            return parse_json(text, url)
        if is_sitemap(text):
            return parse_sitemap(salvage.undeclared(text), warnings)
        return _parse_xml(outline.shorten(text, warnings.append), url, warnings)
    except ParseError:
        raise
    except Exception as error:
        raise ParseError(f"cannot be parsed: {error!r:.200}", kind="malformed") from error


def parse_apart(body: bytes, content_type: str, url: str) -> ParsedFeed | Problem:
    """`parse` for another process: problems are returned."""
    try:
        return parse(body, content_type, url)
    except ParseError as error:
        return error.kind, error.message, error.cure


def _parse_xml(text: str, url: str, warnings: list[str]) -> ParsedFeed:
    document = _document(text, warnings.append)
    entries, found = document["entries"], document["feed"]
    is_page = _HTML.search(text, 0, _HTML_WITHIN) is not None
    if not document.get("version") and (is_page or not entries):
        raise ParseError(
            "a web page, not a feed" if is_page else "not a feed",
            kind="not_a_feed",
            cure="find the address of the feed on the site",
        )
    is_cut_off = bool(document.get("bozo") and entries and outline.ends_inside_entry(text))
    if document.get("bozo"):
        warnings.append(f"not well-formed: {document.get('bozo_exception')!s:.200}")
    if is_cut_off:
        warnings.append("the document ends inside its last entry, which is left out")
        entries = entries[:-1]
    if len(entries) > MAX_ENTRIES:
        warnings.append(f"only the first {MAX_ENTRIES:,} of {len(entries):,} entries are read")
    channel = read_channel(outline.header(text), url)
    lang = str(found.get("language") or channel.lang)
    return ParsedFeed(
        version=str(document.get("version") or "unknown"),
        title=clean(str(found.get("title") or ""), MAX_TITLE_BYTES),
        lang=primary_lang(lang),
        ttl_seconds=channel.ttl_seconds,
        cadence_seconds=channel.cadence_seconds,
        skip_hours=channel.skip_hours,
        skip_days=channel.skip_days,
        hub=channel.hub,
        feed_url=channel.feed_url,
        is_cut_off=is_cut_off,
        entries=tuple(read_entries(entries[:MAX_ENTRIES], found, lang, url, warnings.append)),
        warnings=tuple(warnings),
    )


def _document(text: str, warn: Warn) -> Document:
    """What the first parser finds that does not fail; whatever the last one raises."""
    try:
        return _by_feedparser(text)
    except Exception as error:  # noqa: BLE001 - feedparser raises anything (its issue 599)
        warn(f"parsed again without document type and references: {error!r:.200}")
    text = salvage.plain(text)
    try:
        return _by_feedparser(text)
    except Exception as error:  # noqa: BLE001 - as above
        warn(f"read by another parser: {error!r:.200}")
    return salvage.parse_otherwise(text)


def _by_feedparser(text: str) -> Document:
    document: Document = feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),  # never a str: it would be opened as a file
        sanitize_html=False,
        resolve_relative_uris=False,
        # Without content-location: feedparser would resolve guids against it too, and every item
        # would change its name when the feed moves. Links are resolved afterwards.
        response_headers={"content-type": "application/xml; charset=utf-8"},
    )
    return document
