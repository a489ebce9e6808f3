"""Which entries are new, which have changed, and what their Items are called. Pure.

An entry is known by the first of: guid, link, enclosure, title with date and text. Where a
document uses a guid twice, the other entries are known by guid and link, then by guid and
content. An entry that was emitted before keeps its name whatever joins it in the document.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from streams.feeds.document import ParsedEntry, ParsedFeed
from streams.feeds.links import canonical_url
from streams.records import DateSource, Feed, FeedState, Item, Seen, stable_id

__all__ = ["Decision", "Identity", "content_hash", "decide", "identities"]

Identity = Literal["guid", "link", "enclosure", "content"]

MAX_REVISIONS = 24
"""Entries that change at every poll (counters, rotating advertisements) stop here."""
MAX_SEEN = 5_000
KEEP_SEEN = timedelta(days=90)
"""How long an entry is remembered after it left the feed; feeds do bring old entries back."""
FRESH = timedelta(hours=24)
"""Dated entries of a first poll that are younger than this are news, not backfill."""
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""Older dates are defaults of broken software; there was no web news before."""
AHEAD = timedelta(minutes=10)
"""Clock error granted to publishers."""
_TEXT_IN_KEY = 1_024
_HASH_LENGTH = 16  # 80 bits, compared only with the same entry's earlier hash
_TAG = re.compile(r"<[^<>]*>")


class Decision(Struct, frozen=True, kw_only=True):
    """What to emit, and what to remember once that is acknowledged."""

    items: tuple[Item, ...]
    seen: dict[str, Seen]
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    warnings: tuple[str, ...] = ()


def decide(parsed: ParsedFeed, feed: Feed, state: FeedState | None, now: datetime) -> Decision:
    """Compare a document with what was emitted before.

    Args:
        parsed: the document.
        feed: whose it is.
        state: what is remembered; None if the feed was never polled.
        now: time of the poll, UTC.

    Returns:
        Items for new entries (revision 1) and changed ones (revision + 1), in document order.
    """
    known = state.seen if state else {}
    first_poll = state is None or state.last_success_at is None
    moment = int(now.timestamp())
    candidates = _distinct(_candidate(entry, feed.feed_id) for entry in parsed.entries)
    named = _name(candidates, known)
    items: list[Item] = []
    current: dict[str, Seen] = {}
    for entry, digest, item_id, kind in named:
        before = known.get(item_id)
        if before and (before.content_hash == digest or before.revision >= MAX_REVISIONS):
            current[item_id] = msgspec.structs.replace(before, last_seen=moment)
            continue
        seen = Seen(
            content_hash=digest,
            revision=before.revision + 1 if before else 1,
            first_seen=before.first_seen if before else moment,
            last_seen=moment,
        )
        current[item_id] = seen
        item = _item(entry, item_id, kind, seen, parsed, feed, now)
        if first_poll and (item.date_source == "first_seen" or now - item.published_at > FRESH):
            item = msgspec.structs.replace(item, backfill=True)
        items.append(item)
    new = sum(item.revision == 1 for item in items)
    repeated = len(parsed.entries) - len(named)
    return Decision(
        items=tuple(items),
        seen=_bounded(known, current, now),
        new=new,
        updated=len(items) - new,
        unchanged=len(named) - len(items),
        warnings=(f"{repeated} entries are exact repetitions",) if repeated else (),
    )


def _item(
    entry: ParsedEntry,
    item_id: str,
    kind: Identity,
    seen: Seen,
    parsed: ParsedFeed,
    feed: Feed,
    now: datetime,
) -> Item:
    published_at, source = _date(entry, datetime.fromtimestamp(seen.first_seen, UTC))
    return Item(
        item_id=item_id,
        feed_id=feed.feed_id,
        revision=seen.revision,
        url=entry.link,
        canonical_url=canonical_url(entry.link),
        title=entry.title,
        summary=entry.summary,
        body=entry.body,
        authors=entry.authors,
        categories=entry.categories,
        lang=entry.lang or parsed.lang or feed.lang,
        feed_title=feed.title or parsed.title,
        tier=feed.tier,
        published_at=published_at,
        date_source=source,
        seen_at=now,
        content_hash=seen.content_hash,
        identity=kind,
    )


def identities(entry: ParsedEntry) -> Iterator[tuple[Identity, str]]:
    """What may name an entry, best first; the second and third only where the first is taken."""
    text = (entry.summary or entry.body)[:_TEXT_IN_KEY]
    content = "\n".join((entry.title, entry.raw_date, text))
    link = canonical_url(entry.link)
    guid = entry.guid.strip()
    if guid:
        yield "guid", guid
        if link:
            yield "guid", f"{guid}\n{link}"
        yield "guid", f"{guid}\n{content}"
    elif link:
        yield "link", link
        yield "link", f"{link}\n{content}"
    elif entry.enclosures:
        yield "enclosure", entry.enclosures[0]
        yield "enclosure", f"{entry.enclosures[0]}\n{content}"
    else:
        yield "content", content


def content_hash(entry: ParsedEntry) -> str:
    """What a reader would notice changing: not markup, spacing or tracking parameters."""
    parts = (
        _plain(entry.title),
        _plain(entry.summary),
        _plain(entry.body),
        canonical_url(entry.link),
        *(canonical_url(url).partition("?")[0] for url in entry.enclosures),
        *entry.authors,
    )
    return stable_id("content", *parts)[:_HASH_LENGTH]


class _Candidate(Struct, frozen=True):
    entry: ParsedEntry
    digest: str
    options: tuple[tuple[str, Identity], ...]
    """item_id with what it was made from, best first."""


class _Named(NamedTuple):
    entry: ParsedEntry
    digest: str
    item_id: str
    kind: Identity


def _candidate(entry: ParsedEntry, feed_id: str) -> _Candidate:
    options = ((stable_id("item", feed_id, *each), each[0]) for each in identities(entry))
    return _Candidate(entry, content_hash(entry), tuple(options))


def _distinct(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """Leave out what a document says twice: the same name and the same content."""
    return list({(c.options[0][0], c.digest): c for c in candidates}.values())


def _name(candidates: Sequence[_Candidate], known: Mapping[str, Seen]) -> list[_Named]:
    """Give every entry an item_id of its own; where none is left to give, leave it out.

    Entries that are known unchanged choose first: else a new entry that reuses the guid of an
    older one would pass for its next revision, and the older one for new.
    """
    named: dict[int, _Named] = {}
    taken: set[str] = set()
    for unchanged_only in (True, False):
        for index, candidate in enumerate(candidates):
            if index in named:
                continue
            for item_id, kind in candidate.options:
                fits = not unchanged_only or _is_same(known.get(item_id), candidate)
                if fits and item_id not in taken:
                    taken.add(item_id)
                    named[index] = _Named(candidate.entry, candidate.digest, item_id, kind)
                    break
    return [named[index] for index in sorted(named)]


def _is_same(before: Seen | None, candidate: _Candidate) -> bool:
    return before is not None and before.content_hash == candidate.digest


def _plain(text: str) -> str:
    """Text without tags, in NFC, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", _TAG.sub(" ", text)).split())


def _date(entry: ParsedEntry, first_seen: datetime) -> tuple[datetime, DateSource]:
    """The first usable date. Judged by `first_seen`, not by now, so that revisions agree."""
    options: tuple[tuple[datetime | None, DateSource], ...] = (
        (entry.published, "published"),
        (entry.updated, "updated"),
    )
    for date, source in options:
        if date is not None and EARLIEST <= date <= first_seen + AHEAD:
            return date, source
    return first_seen, "first_seen"


def _bounded(known: dict[str, Seen], current: dict[str, Seen], now: datetime) -> dict[str, Seen]:
    """Everything in the document, and of the rest the latest, up to the limits."""
    oldest = (now - KEEP_SEEN).timestamp()
    gone = [
        (item_id, seen)
        for item_id, seen in known.items()
        if item_id not in current and seen.last_seen >= oldest
    ]
    gone.sort(key=lambda each: (-each[1].last_seen, each[0]))
    return current | dict(gone[: max(0, MAX_SEEN - len(current))])
