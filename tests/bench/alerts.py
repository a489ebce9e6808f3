"""What deciding on mentions costs: rules found and held against each, alerts revised, bytes in and out.

Mentions are in the order in which they would come: stories begin, are told by several feeds, and end. Each is
decoded, runs through the very code of the agent, and what comes of it is encoded. A second run has nothing but
copies of one wire story; a third a storm of one figure.
"""

from __future__ import annotations

import gc
import random
import time
from datetime import timedelta

from streams.alerts.book import Book
from streams.alerts.revise import revise
from streams.alerts.rules import RuleIndex
from streams.alerts.series import observation_of
from streams.alerts.trends import Partition, observe
from streams.records import (
    Condition,
    FigureSelector,
    Mention,
    PolicyTopicHit,
    PolicyTopicSelector,
    Rule,
    SeverityPolicy,
    Story,
)
from streams.testing import NOW, make_evidence, make_figure_hit, make_item_ref, make_mention
from streams.wire import decode, encode
from tests.bench.measure import resident_megabytes
from tests.bench.result import Result, Row

TOPICS = ("ai", "regulation", "content-moderation")
SENTENCE = "Ada Example says that the new AI rules for platforms go too far, and asks for a delay."


def run(*, mentions: int = 20_000, figures: int = 1_000, rules: int = 10_000) -> Result:
    """Mentions per second of one core, with 1,000 figures and 10,000 rules.

    Args:
        mentions: per row.
        figures: watched.
        rules: in force; one in ten counts stories or sources.
    """
    index = RuleIndex({rule.rule_id: rule for rule in _rules(rules, figures)})
    logs = {
        f"{figures:,} figures, 4 items a story": _log(mentions, figures, per_story=4),
        "copies of one wire story": _log(mentions // 20, 1, per_story=mentions),
        "a storm: one figure, one minute": _log(mentions // 2, 1, per_story=1, seconds=60),
    }
    return Result(
        name="alerts",
        rows=tuple(_measure(name, log, index) for name, log in logs.items()),
        notes=(
            f"{len(index.rules):,} rules; decode, match, decide and encode; bar: 5,000 per second",
        ),
    )


def _rules(count: int, figures: int) -> list[Rule]:
    return [
        Rule(
            rule_id=f"rule-{n}",
            figures=FigureSelector(any=(f"figure-{n % figures}",)),
            policy_topics=PolicyTopicSelector(any=(TOPICS[n // figures % len(TOPICS)],)),
            severity=SeverityPolicy(base="alert", bump=("headline", "tier1")),
            when=Condition(kind="distinct_sources" if n % 2 else "count", at_least=3)
            if n // figures % 10 == 0
            else Condition(),
        )
        for n in range(count)
    ]


def _log(count: int, figures: int, *, per_story: int, seconds: float = 7_200.0) -> list[bytes]:
    """Encoded mentions; stories of all figures overlap."""
    dice = random.Random(7)
    found = []
    for n in range(count):
        at = NOW + timedelta(seconds=seconds * n / count)
        number = n // per_story
        evidence = make_evidence(SENTENCE, "Ada Example")
        found.append(
            make_mention(
                item=make_item_ref(
                    number=n,
                    feed_id=f"feed-{dice.randrange(40)}",
                    tier=dice.choice((1, 2, 2, 3)),
                    seen_at=at,
                    published_at=at,
                ),
                story=Story(story_id=f"story-{number}", copy_of="first" if n % per_story else ""),
                figure=make_figure_hit(
                    figure_id=f"figure-{number * 7919 % figures}", mentions=(evidence,) * 3
                ),
                policy_topics=(
                    PolicyTopicHit(
                        policy_topic=dice.choice(TOPICS), score=0.8, evidence=(evidence,) * 3
                    ),
                ),
            )
        )
    if per_story < count:  # tellings of a story are spread among those of others
        window = 40 * per_story
        order = sorted(range(count), key=lambda n: n + dice.randrange(window))
        found = [found[n] for n in order]
    return [encode(mention) for mention in found]


def _measure(name: str, log: list[bytes], index: RuleIndex) -> Row:
    book, trends, out, told, size = Book(), Partition(), 0, 0, 0
    rules = {rule.rule_id: rule for rule in index.rules}
    gc.collect()
    before, began = resident_megabytes(), time.process_time()
    for offset, value in enumerate(log):
        mention = decode(Mention, value)
        candidates = index.candidates(mention.figure, mention.policy_topics)
        found = observe(trends, observation_of(mention))
        for alert in revise(
            book, mention, candidates, NOW, offset=offset, rules=rules, trends=found
        ):
            out += 1
            told += alert.notify
            size += len(encode(alert))
    seconds = time.process_time() - began
    return {
        "log": name,
        "mentions": len(log),
        "per second": len(log) / seconds,
        "alerts": len(book.alerts),
        "revisions": out,
        "messages": told,
        "written, MB": size / 1e6,
        "memory, MB": resident_megabytes() - before,
    }
