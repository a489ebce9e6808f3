"""What is compared of an entry: the names that it may have, and hashes of what it says. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal, NamedTuple

from streams.feeds.document import ParsedEntry
from streams.feeds.links import canonical_url
from streams.records import Seen, stable_id

__all__ = [
    "LINK",
    "NOTHING",
    "TEXT",
    "TITLE",
    "WORDS",
    "Candidate",
    "Change",
    "IdPolicy",
    "Identity",
    "Name",
    "changes",
    "content_hash",
    "latest_name",
]

Identity = Literal["guid", "link", "enclosure", "content"]
IdPolicy = Literal["guid", "guid+link"]
Change = Literal["title", "text", "link", "other"]

_TEXT_IN_KEY = 1_024
_CONTENT_LENGTH = 16  # 80 bits, compared with hashes of the same feed only
_TAG = re.compile(r"<[^<>]*>")

# `Seen.parts` is a row of hashes of eight characters each, 48 bits: a pair of different texts has
# the same hash once in 2.8e14 times. When 50 entries that nobody knows meet 5,000 known ones, one
# of them is taken for another by its link in one of 10**9 documents; by title and text never.
TITLE, TEXT, LINK = slice(0, 8), slice(8, 16), slice(16, 24)
WORDS = slice(0, 16)
_RAW = slice(24, 32)
"""All that is compared, as written: where this is the same nothing else need be computed."""
_NAME = slice(32, 40)
"""The first name that the entry has now, where that is not its item_id."""


def _short(text: str) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return b2a_base64(digest, newline=False).decode("ascii")


NOTHING = _short("")
"""A part that is not there."""


class Name(NamedTuple):
    """An item_id, and what it was made from."""

    item_id: str
    kind: Identity


class Candidate:
    """An entry that is about to be named.

    Hashes are made when asked for: for an entry that is as it was, which most are, its first name
    and one hash are enough.

    Args:
        entry: the entry.
        feed_id: whose it is.
        policy: what names the entries of that feed.
    """

    def __init__(self, entry: ParsedEntry, feed_id: str, policy: IdPolicy) -> None:
        self.entry = entry
        self._feed_id = feed_id
        self._policy = policy
        self._names = self._possible_names()
        self.first = next(self._names)
        """What it is called if no other entry is."""
        media, authors = "\0".join(entry.enclosures), "\0".join(entry.authors)
        self._raw = _short(
            "\0\0".join((entry.title, entry.summary, entry.body, entry.link, media, authors))
        )

    @cached_property
    def link(self) -> str:
        """Canonical."""
        return canonical_url(self.entry.link)

    @cached_property
    def others(self) -> tuple[Name, ...]:
        """What it is called if the first name is taken, best first."""
        return tuple(self._names)

    @cached_property
    def former(self) -> tuple[Name, ...]:
        """What it was called before its feed's policy changed, perhaps; never to be given anew."""
        guid = self.entry.guid.strip()
        is_qualified = guid and self.link and self._policy == "guid+link"
        return (self._name("guid", guid),) if is_qualified else ()

    @cached_property
    def digest(self) -> str:
        """`content_hash` of the entry."""
        return _digest(self.entry, self._texts, _addresses(self.entry, self.link))

    @cached_property
    def parts(self) -> str:
        """Its `Seen.parts`, without the name."""
        title, summary, body = self._texts
        text = f"{summary}\0{body}".strip("\0")
        # Without the scheme: a page is the same by http and by https.
        address = self.link.partition(":")[2]
        return _short(title) + _short(text) + _short(address) + self._raw

    @cached_property
    def _texts(self) -> tuple[str, str, str]:
        return _plain_texts(self.entry)

    def says_the_same(self, before: Seen) -> bool:
        """Whether it says what it said when it was emitted."""
        return before.parts[_RAW] == self._raw or before.content_hash == self.digest

    def only_moved(self, before: Seen) -> bool:
        """Whether it says the same at https instead of http, or the reverse."""
        addresses = map(_by_other_scheme, _addresses(self.entry, self.link))
        return before.content_hash == _digest(self.entry, self._texts, addresses)

    def recall(self, before: Seen) -> None:
        """Take over the hashes that were made when it said the same."""
        if before.parts:
            self.parts = before.parts[: _RAW.start] + self._raw

    def with_name(self, parts: str, item_id: str) -> str:
        """Append to `Seen.parts` the name that the entry has, if its item_id is another."""
        parts = parts[: _NAME.start]
        is_other = parts and item_id != self.first.item_id
        return parts + self.first.item_id[:8] if is_other else parts

    def _possible_names(self) -> Iterator[Name]:
        entry = self.entry
        if guid := entry.guid.strip():
            if self._policy == "guid" or not self.link:
                yield self._name("guid", guid)
            if self.link:
                yield self._name("guid", guid, self.link)
            yield self._name("guid", guid, self._content)
        elif self.link:
            yield self._name("link", self.link)
            yield self._name("link", self.link, self._content)
        elif entry.enclosures:
            yield self._name("enclosure", entry.enclosures[0])
            yield self._name("enclosure", entry.enclosures[0], self._content)
        else:
            yield self._name("content", self._content)

    @property
    def _content(self) -> str:
        entry = self.entry
        text = (entry.summary or entry.body)[:_TEXT_IN_KEY]
        return "\n".join((entry.title, entry.raw_date, text))

    def _name(self, kind: Identity, *values: str) -> Name:
        return Name(stable_id("item", self._feed_id, kind, "\n".join(values)), kind)


def latest_name(seen: Seen) -> str:
    """The start of the first name that an item goes by, if that is not its item_id; else ""."""
    return seen.parts[_NAME]


def changes(before: Seen, candidate: Candidate) -> tuple[Change, ...]:
    """What differs from the revision before, of an entry that does differ; () if unknown."""
    if not before.parts:
        return ()
    parts: tuple[tuple[Change, slice], ...] = (("title", TITLE), ("text", TEXT), ("link", LINK))
    found = tuple(name for name, part in parts if before.parts[part] != candidate.parts[part])
    return found or ("other",)


def content_hash(entry: ParsedEntry) -> str:
    """What a reader would notice changing: not markup, spacing or tracking parameters.

    Must stay as it is: all that is known would be emitted again.
    """
    addresses = _addresses(entry, canonical_url(entry.link))
    return _digest(entry, _plain_texts(entry), addresses)


def _digest(entry: ParsedEntry, texts: Iterable[str], addresses: Iterable[str]) -> str:
    return stable_id("content", *texts, *addresses, *entry.authors)[:_CONTENT_LENGTH]


def _addresses(entry: ParsedEntry, link: str) -> list[str]:
    return [link, *(canonical_url(url).partition("?")[0] for url in entry.enclosures)]


def _by_other_scheme(url: str) -> str:
    scheme, colon, address = url.partition(":")
    return {"http": "https", "https": "http"}.get(scheme, scheme) + colon + address


def _plain_texts(entry: ParsedEntry) -> tuple[str, str, str]:
    return _plain(entry.title), _plain(entry.summary), _plain(entry.body)


def _plain(text: str) -> str:
    """Text without tags, in NFC, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", _TAG.sub(" ", text)).split())
