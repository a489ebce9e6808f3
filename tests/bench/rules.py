"""How many mentions per second find their rules, as rules become more."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

from streams.alerts.match import mismatch
from streams.alerts.rules import RuleIndex
from streams.records import (
    FigureSelector,
    Mention,
    PolicyTopicHit,
    PolicyTopicSelector,
    Rule,
    SourceSelector,
    stable_id,
)
from streams.testing import make_figure_hit, make_item_ref, make_mention, make_rule
from tests.bench.measure import NAN, compare
from tests.bench.result import Result, Row

TOPICS = (
    "ai", "competition", "content-moderation", "copyright", "data-protection", "elections", "regulation",
)  # fmt: skip
LISTS = tuple(f"list-{number}" for number in range(20))
WIDE = 20
"""Rules for lists and for every figure, however many rules there are; all others name figures."""
SEED = 6


def run(
    *,
    figures: int = 1_000,
    sizes: Sequence[int] = (100, 1_000, 10_000),
    mentions: int = 2_000,
    rounds: int = 5,
    tried_whole: int = 1_000,
) -> Result:
    """Find and try the rules of mentions, for several numbers of rules.

    Args:
        figures: that rules and mentions are about.
        sizes: numbers of rules.
        mentions: per round.
        rounds: that count.
        tried_whole: up to this many rules all are also tried without an index, which takes long.
    """
    chance = random.Random(SEED)
    ids = [f"figure-{number}" for number in range(figures)]
    lists = {each: tuple(chance.sample(LISTS, 2)) for each in ids}
    found = [_mention(number, chance, ids, lists) for number in range(mentions)]
    others = [f"other-{number}" for number in range(figures)]
    rows: list[Row] = []
    for size, foreign in (*((size, 0) for size in sizes), (sizes[-1], sizes[-1] - sizes[0])):
        rules = [
            _rule(number, chance, ids if number < size - foreign else others)
            for number in range(size)
        ]
        index = RuleIndex({rule.rule_id: rule for rule in rules})
        timing = compare({"": partial(_matches, index, found)}, units=mentions, rounds=rounds)[""]
        candidates = sum(len(index.candidates(each.figure, each.policy_topics)) for each in found)
        rows.append(
            {
                "rules": size,
                "about figures never mentioned": foreign,
                "mentions/s": 1 / timing.cpu,
                "CPU µs": timing.cpu * 1e6,
                "tried": candidates / mentions,
                "matching": _matches(index, found) / mentions,
                "mentions/s, all tried": _whole(rules, found) if size <= tried_whole else NAN,
            }
        )
    return Result(
        name="rules",
        rows=tuple(rows),
        notes=(
            f"{figures:,} figures, of each rule one to three, but for {WIDE} rules for lists and for all;",
            "tried, matching: rules per mention, of those that the index finds",
        ),
    )


def _rule(number: int, chance: random.Random, ids: Sequence[str]) -> Rule:
    """Every rule needs policy topics; some look at languages or tiers as well."""
    named: tuple[str, ...] = tuple(chance.sample(ids, min(len(ids), chance.randint(1, 3))))
    lists: tuple[str, ...] = ()
    if number < WIDE:
        named, lists = (), (chance.choice(LISTS),) if number % 2 else ()
    return make_rule(
        rule_id=f"rule-{number}",
        figures=FigureSelector(any=named, lists=lists),
        policy_topics=PolicyTopicSelector(any=tuple(chance.sample(TOPICS, 2)), min_score=0.6),
        sources=SourceSelector(langs=("de", "en"), tiers=chance.choice([(), (), (1, 2)])),
    )


def _mention(
    number: int, chance: random.Random, ids: Sequence[str], lists: dict[str, tuple[str, ...]]
) -> Mention:
    figure_id = chance.choice(ids)
    return make_mention(
        item=make_item_ref(number=number, tier=chance.choice((1, 2, 3))),
        mention_id=stable_id("mention", str(number)),
        figure=make_figure_hit(figure_id=figure_id, lists=lists[figure_id]),
        policy_topics=tuple(
            PolicyTopicHit(policy_topic=topic, score=chance.uniform(0.5, 1.0), evidence=())
            for topic in chance.sample(TOPICS, chance.randint(0, 3))
        ),
    )


def _matches(index: RuleIndex, mentions: Sequence[Mention]) -> int:
    return sum(
        not mismatch(rule, mention)
        for mention in mentions
        for rule in index.candidates(mention.figure, mention.policy_topics)
    )


def _whole(rules: Sequence[Rule], mentions: Sequence[Mention]) -> float:
    """Mentions per second that try every rule."""
    some = mentions[:50]

    def work() -> int:
        return sum(not mismatch(rule, mention) for mention in some for rule in rules)

    return 1 / compare({"": work}, units=len(some), rounds=1)[""].cpu
