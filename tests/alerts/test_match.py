"""A rule that does not match says which of its conditions failed."""

import pytest

from streams.alerts.match import mismatch
from streams.alerts.rules import RuleIndex
from streams.records import FigureSelector, PolicyTopicHit, PolicyTopicSelector, SourceSelector
from streams.testing import make_figure_hit, make_item_ref, make_mention, make_rule


def topics(**scores):
    return tuple(
        PolicyTopicHit(policy_topic=name.replace("_", "-"), score=score, evidence=())
        for name, score in scores.items()
    )


MENTION = make_mention(
    item=make_item_ref(lang="de", tier=2, feed_id="morgenblatt"),
    figure=make_figure_hit(figure_id="ada", lists=("people",), confidence=0.8),
    policy_topics=topics(ai=0.9, regulation=0.55),
)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (make_rule(), ""),
        (make_rule(figures=FigureSelector(any=("ada", "bob"))), ""),
        (make_rule(figures=FigureSelector(any=("bob",))), "figures.any"),
        (make_rule(figures=FigureSelector(lists=("people",))), ""),
        (make_rule(figures=FigureSelector(lists=("firms",))), "figures.lists"),
        (make_rule(figures=FigureSelector(exclude=("ada",))), "figures.exclude"),
        (make_rule(figures=FigureSelector(min_confidence=0.8)), ""),
        (make_rule(figures=FigureSelector(min_confidence=0.81)), "figures.min_confidence"),
        (make_rule(policy_topics=PolicyTopicSelector(any=("ai", "elections"))), ""),
        (make_rule(policy_topics=PolicyTopicSelector(any=("elections",))), "policy_topics.any"),
        (make_rule(policy_topics=PolicyTopicSelector(all=("ai", "regulation"))), ""),
        (
            make_rule(policy_topics=PolicyTopicSelector(all=("ai", "regulation"), min_score=0.6)),
            "policy_topics.all: regulation has 0.55",
        ),
        (make_rule(policy_topics=PolicyTopicSelector(none=("elections",))), ""),
        (make_rule(policy_topics=PolicyTopicSelector(none=("regulation",), min_score=0.6)), ""),
        (make_rule(policy_topics=PolicyTopicSelector(none=("ai",))), "policy_topics.none: ai"),
        (make_rule(sources=SourceSelector(langs=("de",), tiers=(1, 2))), ""),
        (make_rule(sources=SourceSelector(langs=("en",))), "sources.langs"),
        (make_rule(sources=SourceSelector(tiers=(1,))), "sources.tiers"),
        (make_rule(sources=SourceSelector(feeds=("other",))), "sources.feeds"),
        (make_rule(sources=SourceSelector(exclude=("morgenblatt",))), "sources.exclude"),
    ],
)
def test_mismatch(rule, reason):
    found = mismatch(rule, MENTION)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def test_the_index_tries_only_rules_that_may_match():
    rules = {
        "b-ada": make_rule(rule_id="b-ada", figures=FigureSelector(any=("ada",))),
        "c-bob": make_rule(rule_id="c-bob", figures=FigureSelector(any=("bob",))),
        "a-all": make_rule(rule_id="a-all"),
        "d-off": make_rule(rule_id="d-off", enabled=False),
    }
    index = RuleIndex(rules)
    assert [r.rule_id for r in index.candidates("ada")] == ["b-ada", "a-all"]
    assert [r.rule_id for r in index.candidates("eve")] == ["a-all"]
