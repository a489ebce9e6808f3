"""What deciding on a document costs beside parsing it, and what is remembered of its feed."""

from __future__ import annotations

import io
from datetime import timedelta
from functools import partial

import feedparser
from msgspec.structs import replace

from streams.feeds.document import ParsedFeed
from streams.feeds.identity import decide
from streams.feeds.parse import parse
from streams.records import Feed, FeedState, Polled, Seen, stable_id
from streams.testing import NOW
from streams.wire import encode
from tests.bench.measure import compare
from tests.bench.parse import FORMS
from tests.bench.result import Result, Row
from tests.bench.samples import make_feed

FEED = Feed(feed_id="sample-post", url="https://news.example/feed")
BARE = "feedparser, raw"
FEW = 3
"""Entries that are new or edited in a usual document."""
HISTORY = 30
"""Polls in the history of a feed."""


def run(*, entries: int = 50, left: int = 1_000, rounds: int = 15, repeats: int = 20) -> Result:
    """Decide on a document under several pasts, beside the time that feedparser takes for it.

    Args:
        entries: of the document.
        left: entries that are remembered although they have left the feed.
        rounds: that count.
        repeats: decisions per round.
    """
    rows: list[Row] = []
    for form in FORMS:
        body = make_feed(form, entries)
        parsed = parse(body, "application/xml")
        pasts = _pasts(parsed, left)
        bare = compare({BARE: partial(_bare, body)}, units=1, rounds=rounds)[BARE]
        timings = compare(
            {name: partial(_decide, parsed, past, repeats) for name, past in pasts.items()},
            units=repeats,
            rounds=rounds,
        )
        rows += [
            {
                "document": f"{form}, {entries} entries, {len(body) / 1000:.0f} kB",
                "of these": name,
                "CPU µs": timing.cpu * 1e6,
                "CPU µs, feedparser raw": bare.cpu * 1e6,
                "share": timing.cpu / bare.cpu,
                "state, bytes": len(encode(pasts[name])),
            }
            for name, timing in timings.items()
        ]
    return Result(
        name="decide",
        rows=tuple(rows),
        notes=(
            "feedparser raw: neither sanitised nor with relative links resolved;",
            f"state: encoded, with {HISTORY} polls of history, as it was before the decision",
        ),
    )


def _pasts(parsed: ParsedFeed, left: int) -> dict[str, FeedState]:
    """What may be remembered when a document comes, by what of it is new or changed then."""
    before = NOW - timedelta(hours=1)
    first = decide(parsed, FEED, None, before).seen
    moment = int(before.timestamp())
    state = FeedState(
        feed_id=FEED.feed_id,
        url=FEED.url,
        last_success_at=before,
        history=tuple(Polled(moment - 900 * n, 200, "", 60_000, 250, 3) for n in range(HISTORY)),
        seen=first,
    )
    ids = list(first)
    edited = {each: replace(first[each], content_hash="", parts="-" * 32) for each in ids[:FEW]}
    gone = {
        stable_id("item", str(number)): Seen(
            stable_id("content", str(number))[:16], 1, moment - number, moment - number,
            (stable_id("title", str(number)) * 2)[:32],
        )
        for number in range(left)
    }  # fmt: skip
    some_new = {each: first[each] for each in ids[FEW:]}
    return {
        "none new": state,
        f"{FEW} edited": replace(state, seen=first | edited),
        f"{FEW} new": replace(state, seen=some_new),
        f"{FEW} new, {left:,} left": replace(state, seen=some_new | gone),
        "all new": replace(state, seen={}),
    }


def _decide(parsed: ParsedFeed, past: FeedState, repeats: int) -> None:
    for _ in range(repeats):
        decide(parsed, FEED, past, NOW)


def _bare(body: bytes) -> None:
    feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
