"""What a feed document says, in one shape for RSS, Atom, RDF and JSON Feed.

Everything in here is untrusted text from outside: cleaned of characters that no XML or JSON may
carry, and capped, but never silently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import accumulate, chain

from msgspec import Struct

from streams.feeds.links import is_web_link
from streams.printable import stream_safe

__all__ = [
    "MAX_ENTRIES",
    "MAX_TITLE_BYTES",
    "ParsedEntry",
    "ParsedFeed",
    "Warn",
    "clean",
    "make_entry",
    "numbered",
    "primary_lang",
]

Warn = Callable[[str], None]

MAX_ENTRIES = 2_000
"""Entries taken from one document; the largest real feed seen had 1,046."""
MAX_TEXT_BYTES = 256 * 1024
"""UTF-8 bytes of summary and of body: an Item fits a Kafka record of 1 MiB with room to spare."""
MAX_TITLE_BYTES = 8 * 1024
"""UTF-8 bytes of a title or a guid."""
MAX_URL_BYTES = 2_048
MAX_VALUES = 64
"""Authors, categories, enclosures, media of one entry."""
MAX_VALUES_BYTES = 16 * 1024
"""Of each of these together: relative addresses of two letters become absolute ones of 2 KB, and so
a document of 3 MB would become Items of 500."""
MAX_NAME_BYTES = 512

# Controls, lone surrogates and non-characters: none of them may reach JSON or a terminal.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# The controls of C1 steer terminals like those of ASCII, but in feeds they are the quotes and dashes
# of windows-1252, taken for Latin-1 by somebody. As in HTML they are read as what was meant:
# "Trump\x92s" must stay a word that can be found. Five mean nothing and are dropped.
_MEANT = {chr(code): bytes([code]).decode("windows-1252", "ignore") for code in range(0x80, 0xA0)}
_LANG = re.compile(r"[a-z]{2,3}")
_MAILBOX = re.compile(r"(?:mailto:)?[^\s@<>()]+@[^\s@<>()]+")
_PLAIN_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(?:/|$)")  # most are: no need to take it apart
_BRACKETS = " \t\r\n()<>\"'"


class ParsedEntry(Struct, frozen=True, kw_only=True):
    """One entry as the document has it."""

    guid: str = ""
    link: str = ""
    """Absolute, http or https; empty otherwise."""
    title: str = ""
    summary: str = ""
    body: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    enclosures: tuple[str, ...] = ()
    """What the entry is about, such as an episode; may name an entry that has nothing else."""
    media: tuple[str, ...] = ()
    """All that it shows or plays: enclosures, pictures, sound; absolute."""
    lang: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    raw_date: str = ""
    """The date as written, for entries that have nothing else to tell them apart."""


class ParsedFeed(Struct, frozen=True, kw_only=True):
    """A document that was understood."""

    version: str
    """`rss20`, `atom10`, `json1` and so on."""
    title: str = ""
    lang: str = ""
    ttl_seconds: int = 0
    """How long the publisher asks to wait between polls; 0 if it does not say."""
    cadence_seconds: int = 0
    """How often it says that it changes (`sy:updatePeriod`); 0 if it does not say."""
    skip_hours: tuple[int, ...] = ()
    """Hours (0 to 23, UTC) in which it does not want to be asked, ascending."""
    skip_days: tuple[int, ...] = ()
    """Days (0 Monday to 6 Sunday, UTC) likewise."""
    hub: str = ""
    """Its WebSub hub, absolute; "" if it names none."""
    feed_url: str = ""
    """The address that it gives itself (`rel="self"`), absolute; "" if it gives none."""
    entries: tuple[ParsedEntry, ...] = ()
    is_cut_off: bool = False
    """The document ends inside an entry, which was left out and is to be read again."""
    warnings: tuple[str, ...] = ()
    """What was repaired, cut or left out, in words for a person."""


def make_entry(
    warn: Warn,
    *,
    guid: str = "",
    link: str = "",
    title: str = "",
    summary: str = "",
    body: str = "",
    authors: Iterable[str] = (),
    categories: Iterable[str] = (),
    enclosures: Iterable[str] = (),
    media: Iterable[str] = (),
    lang: str = "",
    published: datetime | None = None,
    updated: datetime | None = None,
    raw_date: str = "",
) -> ParsedEntry:
    """Clean and cap what a parser found; `warn` is told what was cut.

    `media` need not repeat the enclosures.
    """
    enclosures = _few("enclosures", (_link("enclosure", url, warn) for url in enclosures), warn)
    shown = (_link("media", url, warn) for url in media)
    body = _text("body", body, MAX_TEXT_BYTES, warn)
    summary = _text("summary", summary, MAX_TEXT_BYTES, warn)
    return ParsedEntry(
        guid=_text("guid", guid, MAX_TITLE_BYTES, warn),
        link=_link("link", link, warn),
        title=_text("title", title, MAX_TITLE_BYTES, warn),
        summary="" if summary == body else summary,
        body=body,
        authors=_few("authors", map(_person, _each("author", authors, warn)), warn),
        categories=_few("categories", _each("category", categories, warn), warn),
        enclosures=enclosures,
        media=_few("media", chain(enclosures, shown), warn),
        lang=primary_lang(lang),
        published=published,
        updated=updated,
        raw_date=_text("date", raw_date, MAX_NAME_BYTES, warn),
    )


def numbered(warn: Warn, number: int) -> Warn:
    """Let warnings say which entry they are about, counted from 1."""
    return lambda what: warn(f"entry {number}: {what}")


def primary_lang(tag: str) -> str:
    """`de-AT` or `DE_de` to `de`; anything that is no language tag to ""."""
    primary = re.split(r"[-_]", tag.strip().lower(), maxsplit=1)[0]
    return primary if _LANG.fullmatch(primary) else ""


def clean(text: str, limit: int) -> str:
    """Text that JSON and terminals can take, without space around it, of `limit` UTF-8 bytes."""
    return _cut(_strip(text), limit)


def _strip(text: str) -> str:
    text = stream_safe(text)
    if text.isprintable():  # most short texts: ten times as fast
        return text.strip()
    return _ILLEGAL.sub(lambda found: _MEANT.get(found[0], ""), text).strip()


def _cut(text: str, limit: int) -> str:
    if len(text) * 4 <= limit:  # UTF-8 takes four bytes at most
        return text
    return text.encode("utf-8")[:limit].decode("utf-8", "ignore")


def _text(name: str, text: str, limit: int, warn: Warn) -> str:
    text = _strip(text)
    kept = _cut(text, limit)
    if len(kept) < len(text):
        warn(f"{name} cut from {len(text):,} to {len(kept):,} characters")
    return kept


def _link(name: str, url: str, warn: Warn) -> str:
    url = _strip(url)
    if not url:
        return ""
    if len(_cut(url, MAX_URL_BYTES)) < len(url):
        warn(f"{name} left out: longer than {MAX_URL_BYTES:,} bytes")
        return ""
    if not _PLAIN_LINK.match(url) and not is_web_link(url):
        warn(f"{name} left out: no http address: {url[:80]!r}")
        return ""
    return url


def _each(name: str, values: Iterable[str], warn: Warn) -> Iterator[str]:
    return (_text(name, value, MAX_NAME_BYTES, warn) for value in values)


def _person(author: str) -> str:
    """The name in `jane@news.example (Jane Doe)` and the like; "" where there is only an address."""
    if "@" not in author:
        return author
    return _MAILBOX.sub("", author).strip(_BRACKETS)


def _few(name: str, values: Iterable[str], warn: Warn) -> tuple[str, ...]:
    """Each value once, empty ones not at all, and no more than anybody needs."""
    found = tuple(dict.fromkeys(filter(None, values)))
    sizes = accumulate(len(each.encode()) for each in found[:MAX_VALUES])
    kept = sum(size <= MAX_VALUES_BYTES for size in sizes)
    if kept < len(found):
        warn(f"{name}: only {kept} of {len(found)} kept")
    return found[:kept]
