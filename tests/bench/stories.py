"""What naming the story of an item costs, with a full window behind it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from rensa import RMinHash

from streams.records import EnrichedItem, Entity, FieldSpan, ItemRef, stable_id
from streams.stories.cluster import Clusters
from streams.stories.terms import FREQUENCIES
from streams.testing import NOW, make_figure_hit
from streams.wire import decode, encode
from tests.bench.result import Result, Row

COPIES = 0.3
WATCHED = 0.1
"""Shares of the items."""
TITLE_WORDS, LEAD_WORDS = 8, 35


def run(*, window: int = 300_000, measured: int = 20_000) -> Result:
    """Fill a window of 72 hours, then time the items that follow, beside MinHash alone.

    Args:
        window: items in the window.
        measured: items that are timed.
    """
    clusters = Clusters()
    news = _news(window + measured, window)
    before = _resident_bytes()
    began = time.process_time()
    for item in (next(news) for _ in range(window)):
        clusters.mentions(item)
    filling = time.process_time() - began
    grown = _resident_bytes() - before
    values = [encode(item) for item in news]
    began = time.process_time()
    for value in values:
        clusters.mentions(decode(EnrichedItem, value))
    whole = time.process_time() - began
    began = time.process_time()
    for value in values:
        decode(EnrichedItem, value)
    decoding = time.process_time() - began
    bare = _bare([decode(EnrichedItem, value) for value in values])
    rows: tuple[Row, ...] = (
        {"step": "decode and name the story", "items/s": measured / whole},
        {"step": "decode alone", "items/s": measured / decoding},
        {"step": "rensa MinHash of three-word runs alone", "items/s": measured / bare},
        {"step": "while the window filled, with making the items", "items/s": window / filling},
    )
    notes = (
        f"{window:,} items in the window take {grown / 1e6:,.0f} MB",
        f"{COPIES:.0%} are copies, {WATCHED:.0%} name a watched figure; "
        f"{TITLE_WORDS} + {LEAD_WORDS} words; CPU time of one process",
    )
    return Result(name="stories", rows=rows, notes=notes)


def _bare(items: list[EnrichedItem]) -> float:
    began = time.process_time()
    for item in items:
        words = item.text.split()
        hashed = RMinHash(num_perm=48, seed=1)
        hashed.update([" ".join(run) for run in zip(words, words[1:], words[2:], strict=False)])
        hashed.digest()
    return time.process_time() - began


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _news(count: int, window: int) -> Iterator[EnrichedItem]:
    """Items of words as frequent as in our own texts, with invented names, evenly in time."""
    random = Random(7)
    words, weights = _vocabulary()
    step = timedelta(hours=72) / window
    texts: list[tuple[str, str]] = []
    for number in range(count):
        if texts and random.random() < COPIES:
            title, lead = random.choice(texts[-2_000:])
        else:
            drawn = random.choices(words, weights, k=TITLE_WORDS + LEAD_WORDS)
            name = f"{random.choice('BDFGKLMNPRSTW')}{random.choice(words)}"
            drawn[2], drawn[TITLE_WORDS + 3] = name, name
            title, lead = " ".join(drawn[:TITLE_WORDS]), " ".join(drawn[TITLE_WORDS:])
            texts.append((title, lead))
        yield _item(number, title, lead, NOW + step * number, watched=random.random() < WATCHED)


def _vocabulary() -> tuple[list[str], list[int]]:
    rows = (line.split("\t") for line in FREQUENCIES.read_text("utf-8").splitlines()[1:])
    german = [(term, int(number)) for lang, term, number in rows if lang == "de" and term]
    return [term for term, _ in german], [number for _, number in german]


def _item(number: int, title: str, lead: str, at: datetime, *, watched: bool) -> EnrichedItem:
    text = f"{title}\n\n{lead}"
    name = title.split()[2]
    start = text.index(name)
    figure = (make_figure_hit(figure_id=f"figure-{number % 1_000}"),) if watched else ()
    return EnrichedItem(
        item=ItemRef(
            item_id=stable_id("item", str(number)),
            feed_id=f"feed-{number % 400}",
            title=title,
            lang="de",
            published_at=at,
            seen_at=at,
            enriched_at=at,
        ),
        text=text,
        fields=(
            FieldSpan(name="title", start=0, end=len(title)),
            FieldSpan(name="summary", start=len(title) + 2, end=len(text)),
        ),
        entities=(Entity(text=name, label="PER", start=start, end=start + len(name), name=name),),
        figures=figure,
    )
