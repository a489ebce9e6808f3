"""OPML in and out: lists of feeds from and for other readers. Pure.

Groups become tags. Our own settings travel as attributes in a namespace of their own, which other
readers ignore, so that an export comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.parsers import expat  # safe: document types, and with them entities, are refused
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from streams.errors import ConfigError
from streams.feeds.document import primary_lang
from streams.feeds.guard import refuse_url
from streams.feeds.links import canonical_url
from streams.feeds.registry import is_feed_id, new_feed_id
from streams.records import Feed

__all__ = ["Imported", "Skipped", "export_opml", "import_opml"]

NAMESPACE = "https://pypi.org/project/wirewatch/opml"
MAX_DEPTH = 32
# What most broken exports have: four of five real lists that were tried.
_BARE_AMPERSAND = re.compile(rb"&(?!(?:#[0-9]+|#x[0-9a-fA-F]+|amp|lt|gt|quot|apos);)")
_DEFAULT = Feed(feed_id="", url="")


class Skipped(Struct, frozen=True):
    """An outline that did not become a feed."""

    line: int
    title: str
    reason: str


class Imported(Struct, frozen=True):
    """What a file held."""

    feeds: tuple[Feed, ...]
    skipped: tuple[Skipped, ...]


def import_opml(data: bytes, known: Iterable[Feed] = (), file: str = "") -> Imported:
    """Read an OPML file.

    Args:
        data: the file.
        known: feeds that are there already; those with the same URL are skipped.
        file: its name, for messages.

    Raises:
        ConfigError: not well-formed XML, not OPML, or with a document type; names the line.
    """
    known = tuple(known)
    try:
        return _read(data, known, file)
    except expat.ExpatError:
        repaired = _BARE_AMPERSAND.sub(b"&amp;", data)
    try:
        return _read(repaired, known, file)
    except expat.ExpatError as error:
        raise ConfigError(
            f"not well-formed: {expat.ErrorString(error.code)}",
            file=file,
            line=error.lineno,
            cure="export it again from the other reader",
        ) from error


def _read(data: bytes, known: Iterable[Feed], file: str) -> Imported:
    reader = _Reader(known, file)
    reader.parser.Parse(data, True)
    return Imported(tuple(reader.feeds), tuple(reader.skipped))


class _Reader:
    """Walks the outlines: groups are on a stack, feeds are collected."""

    def __init__(self, known: Iterable[Feed], file: str) -> None:
        self.feeds: list[Feed] = []
        self.skipped: list[Skipped] = []
        self._file = file
        self._groups: list[str] = []  # one per open outline; "" for a feed
        self._ids: set[str] = set()
        self._urls: dict[str, str] = {}
        for feed in known:
            self._remember(feed)
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._is_opml = False

    def _refuse(self, *_: object) -> None:
        raise ConfigError(
            "has a document type, which may hide an expansion bomb",
            file=self._file,
            line=self.parser.CurrentLineNumber,
            cure="remove the <!DOCTYPE …> line",
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._is_opml:
            self._is_opml = name.lower() == "opml"
            if not self._is_opml:
                raise ConfigError(
                    f"is not OPML but <{name}>", file=self._file, line=1, cure="name an OPML file"
                )
        if name != "outline":
            return
        fields = {key.lower(): value for key, value in attributes.items()}
        title = fields.get("title") or fields.get("text") or ""
        url = fields.get("xmlurl", "").strip()
        if len(self._groups) >= MAX_DEPTH:
            self._skip(title, f"nested deeper than {MAX_DEPTH}")
        elif url:
            self._take(title, url, fields)
        elif fields.get("type", "").lower() in ("rss", "atom", "link", "include"):
            self._skip(title, "has no xmlUrl")
        self._groups.append("" if url else _tag(title))

    def _end(self, name: str) -> None:
        if name == "outline":
            self._groups.pop()

    def _take(self, title: str, url: str, fields: dict[str, str]) -> None:
        reason = refuse_url(url)
        same = self._urls.get(canonical_url(url))
        if reason:
            self._skip(title, reason)
        elif same:
            self._skip(title, f"the same address as {same!r}")
        else:
            feed = self._feed(title, url, fields)
            self._remember(feed)
            self.feeds.append(feed)

    def _feed(self, title: str, url: str, fields: dict[str, str]) -> Feed:
        def own(name: str) -> str:
            return fields.get(f"{NAMESPACE} {name}", "")

        tags = [*self._groups, *map(_tag, fields.get("category", "").split(","))]
        feed_id, tier, interval = own("id"), own("tier"), own("interval")
        if not is_feed_id(feed_id) or feed_id in self._ids:
            feed_id = new_feed_id(title, url, self._ids)
        return Feed(
            feed_id=feed_id,
            url=url,
            title=fields.get("title", "") if own("id") else title,
            lang=primary_lang(fields.get("language", "")),
            tier=int(tier) if tier in ("1", "2", "3") else _DEFAULT.tier,
            tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
            enabled=own("enabled") != "false",
            interval_seconds=int(interval) if _is_count(interval) else None,
        )

    def _skip(self, title: str, reason: str) -> None:
        self.skipped.append(Skipped(self.parser.CurrentLineNumber, title, reason))

    def _remember(self, feed: Feed) -> None:
        self._ids.add(feed.feed_id)
        self._urls[canonical_url(feed.url)] = feed.feed_id


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 9 and int(text) > 0


def _tag(text: str) -> str:
    """A group's name as a tag: commas and slashes separate tags in OPML."""
    return " ".join(text.replace(",", " ").replace("/", " ").split())


def export_opml(feeds: Iterable[Feed], title: str = "Wirewatch") -> str:
    """Write feeds as OPML 2.0, grouped by their first tag, in order of title."""
    groups: dict[str, list[Feed]] = {}
    for feed in sorted(feeds, key=lambda feed: (feed.title.casefold(), feed.feed_id)):
        groups.setdefault(feed.tags[0] if feed.tags else "", []).append(feed)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<opml version="2.0" xmlns:wirewatch="{NAMESPACE}">',
        f"  <head><title>{escape(title)}</title></head>",
        "  <body>",
    ]
    for group in sorted(groups):
        if group:
            lines.append(f"    <outline text={quoteattr(group)}>")
        indent = "      " if group else "    "
        lines += [f"{indent}{_outline(feed)}" for feed in groups[group]]
        if group:
            lines.append("    </outline>")
    return "\n".join([*lines, "  </body>", "</opml>", ""])


def _outline(feed: Feed) -> str:
    attributes = {
        "type": "rss",
        "text": feed.title or feed.feed_id,
        "title": feed.title,
        "xmlUrl": feed.url,
        "language": feed.lang,
        "category": ",".join(feed.tags),
        "wirewatch:id": feed.feed_id,
        "wirewatch:tier": str(feed.tier),
        "wirewatch:interval": str(feed.interval_seconds or ""),
        "wirewatch:enabled": "" if feed.enabled else "false",
    }
    written = (f"{name}={quoteattr(value)}" for name, value in attributes.items() if value)
    return f"<outline {' '.join(written)}/>"
