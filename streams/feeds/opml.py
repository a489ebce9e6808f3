"""OPML in and out: lists of feeds from and for other readers. Pure.

Groups become tags. Our own settings travel as attributes in a namespace of their own, which other
readers ignore, so that an export comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import Literal
from xml.parsers import expat  # safe: document types, and with them entities, are refused
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from streams.errors import ConfigError
from streams.feeds.document import (
    MAX_NAME_BYTES,
    MAX_TITLE_BYTES,
    MAX_VALUES,
    clean,
    primary_lang,
)
from streams.feeds.guard import refuse_url
from streams.feeds.links import canonical_url
from streams.feeds.registry import (
    is_feed_id,
    new_feed_id,
    refuse_limits,
    refuse_user_agent,
)
from streams.records import Feed

__all__ = ["Imported", "Outline", "export_opml", "import_opml"]

NAMESPACE = "https://pypi.org/project/wirewatch/opml"
MAX_DEPTH = 32
# What most broken exports have: four of five real lists that were tried.
_BARE_AMPERSAND = re.compile(rb"&(?!(?:#[0-9]+|#x[0-9a-fA-F]+|amp|lt|gt|quot|apos);)")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEFAULT = Feed(feed_id="", url="")


class Outline(Struct, frozen=True):
    """What became of one outline of a file."""

    line: int
    title: str
    url: str
    outcome: Literal["added", "known", "skipped", "group"]
    """known: a feed with this address is there already; group: its title is a tag of what is in
    it."""
    feed_id: str = ""
    """Of the feed added or known."""
    reason: str = ""
    """Why it was skipped, or which of its settings could not be used."""


class Imported(Struct, frozen=True):
    """What a file held."""

    feeds: tuple[Feed, ...]
    """To be added."""
    outlines: tuple[Outline, ...]
    """All of them, by line."""

    def count(self, outcome: str) -> int:
        """How many outlines had this outcome."""
        return sum(outline.outcome == outcome for outline in self.outlines)


def import_opml(data: bytes, known: Iterable[Feed] = (), file: str = "") -> Imported:
    """Read an OPML file.

    Args:
        data: the file.
        known: feeds that are there already; those with the same URL are not added again.
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
    return Imported(tuple(reader.feeds), tuple(sorted(reader.outlines, key=lambda each: each.line)))


class _Reader:
    """Walks the outlines: those that are open are on a stack, feeds are collected."""

    def __init__(self, known: Iterable[Feed], file: str) -> None:
        self.feeds: list[Feed] = []
        self.outlines: list[Outline] = []
        self._file = file
        self._open: list[_Open] = []
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
        if name.lower() != "outline":
            return
        fields = {key.lower(): value for key, value in attributes.items()}
        title = clean(fields.get("title") or fields.get("text") or "", MAX_TITLE_BYTES)
        here = _Open(self.parser.CurrentLineNumber, title, fields.get("xmlurl", "").strip())
        if self._open:
            self._open[-1].is_group = True
        if here.url:
            self._take(here, fields)
        self._open.append(here)

    def _end(self, name: str) -> None:
        """A group is known by what is in it, so it is reported when it closes."""
        if name.lower() != "outline":
            return
        here = self._open.pop()
        if here.url:
            return
        if not here.is_group:
            self._report(here, "skipped", reason="has no xmlUrl")
        elif here.title:
            self._report(here, "group")

    def _take(self, here: _Open, fields: dict[str, str]) -> None:
        same = self._urls.get(canonical_url(here.url))
        reason = refuse_url(here.url)
        if len(self._open) >= MAX_DEPTH:
            reason = f"nested deeper than {MAX_DEPTH}"
        if reason:
            self._report(here, "skipped", reason=reason)
        elif same:
            self._report(here, "known", same)
        else:
            feed, unusable = self._feed(here, fields)
            self._remember(feed)
            self.feeds.append(feed)
            self._report(here, "added", feed.feed_id, unusable)

    def _feed(self, here: _Open, fields: dict[str, str]) -> tuple[Feed, str]:
        """The feed, and which of its settings cannot be used."""
        own = _Settings(fields)
        feed_id = own.feed_id(self._ids) or new_feed_id(here.title, here.url, self._ids)
        groups = [_tag(each.title) for each in self._open if not each.url]
        tags = [*groups, *map(_tag, fields.get("category", "").split(","))]
        least, most = own.seconds("minInterval"), own.seconds("maxInterval")
        if reason := refuse_limits(least, most):
            own.refuse("minInterval", reason)
            least = None
        feed = Feed(
            feed_id=feed_id,
            url=here.url,
            title=here.title if fields.get("title") or not own.text("id") else "",
            lang=primary_lang(fields.get("language", "")),
            tier=own.tier(),
            tags=tuple(dict.fromkeys(tag for tag in tags if tag))[:MAX_VALUES],
            enabled=own.text("enabled") != "false",
            interval_seconds=own.seconds("interval"),
            min_interval_seconds=least,
            max_interval_seconds=most,
            user_agent=own.user_agent(),
        )
        return feed, "; ".join(own.refused)

    def _report(
        self,
        here: _Open,
        outcome: Literal["added", "known", "skipped", "group"],
        feed_id: str = "",
        reason: str = "",
    ) -> None:
        self.outlines.append(Outline(here.line, here.title, here.url, outcome, feed_id, reason))

    def _remember(self, feed: Feed) -> None:
        self._ids.add(feed.feed_id)
        self._urls[canonical_url(feed.url)] = feed.feed_id


class _Open(Struct):
    """An outline whose end has not come yet."""

    line: int
    title: str
    url: str
    """"" for what is no feed."""
    is_group: bool = False


class _Settings:
    """Our own attributes of an outline; what cannot be used counts as absent, and is noted."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields
        self.refused: list[str] = []

    def text(self, name: str) -> str:
        return self._fields.get(f"{NAMESPACE} {name.lower()}", "")

    def refuse(self, name: str, reason: str) -> None:
        self.refused.append(f"{name} {self.text(name)!r} {reason}")

    def feed_id(self, taken: Container[str]) -> str:
        text = self.text("id")
        if text and not is_feed_id(text):
            self.refuse("id", "cannot be an id")
        elif text in taken:
            self.refuse("id", "is taken")
        else:
            return text
        return ""

    def seconds(self, name: str) -> int | None:
        text = self.text(name)
        if text and not _is_count(text):
            self.refuse(name, "is no number of seconds")
            return None
        return int(text) if text else None

    def tier(self) -> int:
        text = self.text("tier")
        if text and text not in ("1", "2", "3"):
            self.refuse("tier", "is not 1, 2 or 3")
            return _DEFAULT.tier
        return int(text or _DEFAULT.tier)

    def user_agent(self) -> str:
        text = self.text("userAgent")
        if reason := refuse_user_agent(text):
            self.refuse("userAgent", reason)
            return ""
        return text


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 9 and int(text) > 0


def _tag(text: str) -> str:
    """A group's name as a tag: commas and slashes separate tags in OPML."""
    return " ".join(clean(text.replace(",", " ").replace("/", " "), MAX_NAME_BYTES).split())


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
            lines.append(f"    <outline text={quoteattr(_legal(group))}>")
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
        "wirewatch:minInterval": str(feed.min_interval_seconds or ""),
        "wirewatch:maxInterval": str(feed.max_interval_seconds or ""),
        "wirewatch:userAgent": feed.user_agent,
        "wirewatch:enabled": "" if feed.enabled else "false",
    }
    written = (f"{name}={quoteattr(_legal(value))}" for name, value in attributes.items() if value)
    return f"<outline {' '.join(written)}/>"


def _legal(text: str) -> str:
    """Without what no XML document may hold: one odd title must not spoil the whole file."""
    return _NOT_IN_XML.sub("", text)
