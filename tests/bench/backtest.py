"""How long a backtest takes per stored item, and what of that is decoding, stories and deciding."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from streams.alerts.backtest import Backtest
from streams.records import (
    EnrichedItem,
    Entity,
    FieldSpan,
    FigureSelector,
    PolicyTopicHit,
    PolicyTopicSelector,
    SeverityPolicy,
)
from streams.stories.terms import FREQUENCIES
from streams.testing import NOW, make_evidence, make_figure_hit, make_item_ref, make_rule
from streams.wire import decode, encode
from tests.bench.measure import resident_megabytes
from tests.bench.result import Result, Row

T = TypeVar("T")

SEED = 6
DAYS = 7
FIGURES = 200
TOPICS = ("ai", "regulation", "content-moderation")
FEEDS = 40
TITLE_WORDS, LEAD_WORDS = 8, 90
SHARE_NAMING = 0.3
"""Of items that name a watched figure."""
SHARE_COPIES = 0.2
"""Of items that a wire service has sent to others before."""
BATCH = 5_000

RULES = (
    make_rule(
        rule_id="ai",
        figures=FigureSelector(any=tuple(f"figure-{n}" for n in range(0, FIGURES, 4))),
        policy_topics=PolicyTopicSelector(any=("ai",)),
        severity=SeverityPolicy(base="alert", bump=("headline",)),
    ),
    make_rule(rule_id="all", policy_topics=PolicyTopicSelector(any=TOPICS)),
)


def run(*, items: int = 100_000, days: float = DAYS) -> Result:
    """Read items as they are stored, and run two rules over them, against one that is in force.

    Args:
        items: how many.
        days: over which they are spread.
    """
    before = {RULES[0].rule_id: make_rule(rule_id=RULES[0].rule_id, figures=RULES[0].figures)}
    testing = Backtest(
        RULES, before, since=NOW, until=NOW + timedelta(days=days) + timedelta(minutes=1)
    )
    decoding = folding = 0.0
    size = 0
    # Made batch by batch, or the sample would take more memory than what is measured.
    for batch in _batches(stored_items(items, days)):
        size += sum(map(len, batch))
        seconds, decoded = _timed(partial(_decode, batch))
        decoding += seconds
        seconds, _ = _timed(partial(_take, testing, decoded))
        folding += seconds
    deciding, report = _timed(testing.report)
    total = decoding + folding + deciding
    row: Row = {
        "items": items,
        "bytes each": size / items,
        "decode, CPU s": decoding,
        "stories and matching, CPU s": folding,
        "deciding, CPU s": deciding,
        "in all, CPU s": total,
        "items/s": items / total,
        "alerts": sum(rule.alerts for rule in report.rules),
        "MB": resident_megabytes(),
    }
    return Result(
        name="backtest",
        rows=(row,),
        notes=(
            f"two rules, one of them against its version in force; {SHARE_NAMING:.0%} of items name one of "
            f"{FIGURES} figures,",
            f"{SHARE_COPIES:.0%} are copies, over {days:g} days; without reading them from a broker",
        ),
    )


def _decode(values: Sequence[bytes]) -> list[EnrichedItem]:
    return [decode(EnrichedItem, value) for value in values]


def _take(testing: Backtest, items: Sequence[EnrichedItem]) -> None:
    for each in items:
        testing.take(0, each)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begin = time.process_time()
    done = work()
    return time.process_time() - begin, done


def _batches(values: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(itertools.islice(values, BATCH)):
        yield batch


def stored_items(count: int, days: float = DAYS, begin: datetime = NOW) -> Iterator[bytes]:
    """Values of `news.enriched`, oldest first: German words as frequent as they are, with invented names."""
    chance = random.Random(SEED)
    rows = (line.split("\t") for line in FREQUENCIES.read_text("utf-8").splitlines()[1:])
    german = [(term, int(number)) for lang, term, number in rows if lang == "de" and term]
    words, weights = [term for term, _ in german], [number for _, number in german]
    lately: list[str] = []
    for number in range(count):
        if lately and chance.random() < SHARE_COPIES:
            title, lead = chance.choice(lately[-500:]).split("\n")
        else:
            drawn = chance.choices(words, weights, k=TITLE_WORDS + LEAD_WORDS)
            drawn[2] = f"{chance.choice('BDFGKLMNPRSTW')}{chance.choice(words)}"
            title, lead = " ".join(drawn[:TITLE_WORDS]), " ".join(drawn[TITLE_WORDS:])
            lately = [*lately[-500:], f"{title}\n{lead}"]
        at = begin + timedelta(days=days) * (number / count)
        yield encode(_item(number, title, lead, at, chance))


def _item(number: int, title: str, lead: str, at: datetime, chance: random.Random) -> EnrichedItem:
    text, name = f"{title}\n{lead}", title.split()[2]
    start = text.index(name)
    place = make_evidence(title, name, start=start, end=start + len(name))
    named = chance.random() < SHARE_NAMING
    # Some are in the news far more than others.
    figure = min(int(chance.paretovariate(0.6)), FIGURES - 1)
    return EnrichedItem(
        item=make_item_ref(
            number=number,
            feed_id=f"feed-{number % FEEDS}",
            tier=1 + number % 3,
            title=title,
            lang="de",
            published_at=at,
            seen_at=at,
            enriched_at=at,
        ),
        text=text,
        fields=(
            FieldSpan(name="title", start=0, end=len(title)),
            FieldSpan(name="summary", start=len(title) + 1, end=len(text)),
        ),
        entities=(Entity(text=name, label="PER", start=start, end=start + len(name), name=name),),
        figures=(make_figure_hit(figure_id=f"figure-{figure}", name=name, mentions=(place,)),)
        if named
        else (),
        policy_topics=tuple(
            PolicyTopicHit(policy_topic=topic, score=chance.uniform(0.4, 1.0), evidence=(place,))
            for topic in TOPICS
            if chance.random() < 0.15
        ),
    )
