"""What parsing a feed costs above the parser below it."""

from __future__ import annotations

import io
from functools import partial
from typing import Any, Literal

import feedparser

from streams.feeds.parse import parse
from tests.bench.measure import compare
from tests.bench.result import Result, Row
from tests.bench.samples import make_feed

FORMS: tuple[Literal["rss", "atom"], ...] = ("rss", "atom")
BARE = "feedparser"
RAW = "feedparser, raw"


def run(*, entries: int = 30, rounds: int = 15) -> Result:
    """Compare on feeds of `entries` full texts."""
    rows: list[Row] = []
    for form in FORMS:
        feed = make_feed(form, entries)
        timings = compare(
            {
                "streams.feeds.parse": partial(parse, feed, "application/xml"),
                BARE: partial(_bare, feed),
                RAW: partial(_bare, feed, sanitize_html=False, resolve_relative_uris=False),
            },
            units=1,
            rounds=rounds,
        )
        rows += [
            {
                "feed": f"{form}, {entries} items, {len(feed) / 1000:.0f} kB",
                "variant": variant,
                "CPU ms/feed": timing.cpu * 1e3,
                "wall ms/feed": timing.wall * 1e3,
                "items/s of a core": entries / timing.cpu,
                "time / feedparser": timing.cpu / timings[BARE].cpu,
                "time / raw": timing.cpu / timings[RAW].cpu,
            }
            for variant, timing in timings.items()
        ]
    return Result(
        name="parse",
        rows=tuple(rows),
        notes=(
            "raw: neither sanitised nor with relative links resolved, as streams.feeds.parse asks;",
            "streams.feeds.parse also finds the charset, reads odd dates and the feed's own hints,",
            "resolves links, cleans and caps all texts",
        ),
    )


def _bare(feed: bytes, **flags: bool) -> Any:
    return feedparser.parse(io.BytesIO(feed), **flags)
