"""Which entries of a document are new, and which have changed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from streams.feeds.document import ParsedEntry, ParsedFeed
from streams.feeds.fingerprint import (
    Candidate,
    Identity,
    IdPolicy,
    changes,
    content_hash,
    latest_name,
)
from streams.feeds.naming import AHEAD, Named, are_guids_doubtful, distinct, name_all
from streams.records import DateSource, Feed, FeedState, Item, Seen

__all__ = ["Decision", "Identity", "content_hash", "decide"]

MAX_REVISIONS = 24
"""Entries that change at every poll (counters, rotating advertisements) stop here."""
REVISION_GAP = timedelta(minutes=10)
"""Between one update of an Item and the next. The first follows the Item at once: an early
correction is news, what is edited again and again is not."""
MAX_SEEN = 5_000
KEEP_SEEN = timedelta(days=90)
"""How long an entry is remembered after it left the feed; feeds do bring old entries back."""
FRESH = timedelta(hours=24)
"""Dated entries of a first poll that are younger than this are news, not backfill."""
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""Older dates are defaults of broken software; there was no web news before."""
DOUBTFUL_DOCUMENTS = 2
"""So many documents with doubtful guids change what names the entries of a feed, for good."""

_SWITCHED = "too many guids are not unique: from now on entries are named by guid and link"
_Verdict = Literal["new", "updated", "unchanged", "withheld", "exhausted"]


class Decision(Struct, frozen=True, kw_only=True):
    """What to emit, and what to remember once that is acknowledged."""

    items: tuple[Item, ...]
    seen: dict[str, Seen]
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    withheld: int = 0
    """Entries that changed again too soon. They are decided on anew when the same document is
    read again, so it must be: the validators that came with it must not be kept."""
    id_policy: IdPolicy = "guid"
    """For the next document."""
    doubtful_documents: int = 0
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
    state = state or FeedState(feed_id=feed.feed_id, url=feed.url)
    candidates = [Candidate(each, feed.feed_id, state.id_policy) for each in parsed.entries]
    named = name_all(distinct(candidates), state.seen, now)
    verdicts: Counter[_Verdict] = Counter()
    items: list[Item] = []
    current: dict[str, Seen] = {}
    renamed = 0
    for each in named:
        before = state.seen.get(each.item_id)
        verdict, seen = _follow(each, before, int(now.timestamp()))
        verdicts[verdict] += 1
        renamed += before is not None and latest_name(seen) not in ("", latest_name(before))
        current[each.item_id] = seen
        if verdict in ("new", "updated"):
            items.append(_item(each, before, seen, parsed, feed, now))
    if state.last_success_at is None:
        items = [_first_polled(item, now) for item in items]
    policy, doubtful = _policy(state, named, verdicts["new"])
    return Decision(
        items=tuple(items),
        seen=_bounded(state.seen, current, now),
        new=verdicts["new"],
        updated=verdicts["updated"],
        unchanged=verdicts["unchanged"] + verdicts["exhausted"],
        withheld=verdicts["withheld"],
        id_policy=policy,
        doubtful_documents=doubtful,
        warnings=_warnings(
            (len(parsed.entries) - len(named), "entries are exact repetitions"),
            (renamed, "entries are known under another name"),
            (verdicts["withheld"], "changes are held back, too soon after the last"),
            (verdicts["exhausted"], f"entries have changed {MAX_REVISIONS} times: not told again"),
        )
        + ((_SWITCHED,) if policy != state.id_policy else ()),
    )


def _follow(named: Named, before: Seen | None, moment: int) -> tuple[_Verdict, Seen]:
    """What becomes of an entry, and what is remembered of it."""
    candidate, item_id = named.candidate, named.item_id
    parts = candidate.with_name(candidate.parts, item_id)
    if before is None:
        return "new", Seen(candidate.digest, 1, moment, moment, parts)
    kept = Seen(
        before.content_hash, before.revision, before.first_seen, moment, parts, before.revised
    )
    if candidate.says_the_same(before) or candidate.only_moved(before):
        return "unchanged", kept
    if before.revision >= MAX_REVISIONS:
        return "exhausted", kept
    if abs(moment - before.revised) < REVISION_GAP.total_seconds():  # else a clock was ahead
        # Described as emitted, so that the change is found again.
        return "withheld", replace(kept, parts=candidate.with_name(before.parts, item_id))
    return "updated", replace(
        kept, content_hash=candidate.digest, revision=before.revision + 1, revised=moment
    )


def _item(
    named: Named,
    before: Seen | None,
    seen: Seen,
    parsed: ParsedFeed,
    feed: Feed,
    now: datetime,
) -> Item:
    entry = named.candidate.entry
    published_at, source = _date(entry, datetime.fromtimestamp(seen.first_seen, UTC))
    return Item(
        item_id=named.item_id,
        feed_id=feed.feed_id,
        revision=seen.revision,
        url=entry.link or next(iter(entry.enclosures), ""),
        canonical_url=named.candidate.link,
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
        identity=named.kind,
        changed=changes(before, named.candidate) if before else (),
        media=tuple(dict.fromkeys((*entry.enclosures, *entry.media))),
    )


def _first_polled(item: Item, now: datetime) -> Item:
    """An Item of a feed's first document: backfill, unless it surely is news."""
    is_fresh = item.date_source != "first_seen" and now - item.published_at <= FRESH
    return item if is_fresh else replace(item, backfill=True)


def _policy(state: FeedState, named: Sequence[Named], new: int) -> tuple[IdPolicy, int]:
    """What names the entries from now on, and how many documents have spoken against guids.

    A document that brings nothing new has been counted already.
    """
    if state.id_policy != "guid" or not new or not are_guids_doubtful(named):
        return state.id_policy, state.doubtful_documents
    doubtful = state.doubtful_documents + 1
    return ("guid+link" if doubtful >= DOUBTFUL_DOCUMENTS else "guid"), doubtful


def _warnings(*remarks: tuple[int, str]) -> tuple[str, ...]:
    return tuple(f"{count} {what}" for count, what in remarks if count)


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
    gone = {
        item_id: seen
        for item_id, seen in known.items()
        if item_id not in current and seen.last_seen >= oldest
    }
    room = max(0, MAX_SEEN - len(current))
    if len(gone) > room:
        latest = sorted(gone.items(), key=lambda each: each[1].last_seen, reverse=True)
        gone = dict(latest[:room])
    return current | gone
