"""A rule that does not match says which of its conditions failed, and by how much."""

import pytest
from hypothesis import assume, given

from streams.alerts.match import explain, mismatch
from streams.records import (
    FigureSelector,
    PolicyTopicSelector,
    Selection,
    SourceSelector,
)
from streams.testing import (
    make_evidence,
    make_figure_hit,
    make_item_ref,
    make_mention,
    make_rule,
)
from tests.alerts.rule_samples import SENTENCE, mentions, rules, selections, topics

MENTION = make_mention(
    item=make_item_ref(lang="de", tier=2, feed_id="morgenblatt"),
    figure=make_figure_hit(
        figure_id="ada",
        lists=("people", "left"),
        confidence=0.8,
        role="object",
        mentions=(
            make_evidence(SENTENCE, "Ada", field="summary"),
            make_evidence(SENTENCE, "Ada", field="body"),
        ),
    ),
    policy_topics=topics(ai=0.9, regulation=0.55),
    other_figures=("bob", "eve"),
)


def figures(**parts):
    return make_rule(figures=FigureSelector(**parts))


def policy(**parts):
    return make_rule(policy_topics=PolicyTopicSelector(**parts))


def sources(**parts):
    return make_rule(sources=SourceSelector(**parts))


def ai(score=0.5):
    return Selection(policy_topics=PolicyTopicSelector(any=("ai",), min_score=score))


def english():
    return Selection(sources=SourceSelector(langs=("en",)))


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (make_rule(), ""),
        (figures(any=("ada", "bob")), ""),
        (figures(any=("bob",)), "figures.any: ada is not among bob"),
        (figures(lists=("firms", "left")), ""),
        (figures(lists=("firms",)), "figures.lists: ada is on none of firms"),
        (figures(exclude=("bob",)), ""),
        (figures(exclude=("ada",)), "figures.exclude: ada is excluded"),
        (figures(min_confidence=0.8), ""),
        (figures(min_confidence=0.81), "figures.min_confidence: 0.80 < 0.81"),
        (figures(min_confidence=0.8004), "figures.min_confidence: 0.8000 < 0.8004"),
        (figures(roles=("subject", "object")), ""),
        (figures(roles=("speaker",)), "figures.roles: the part is object, not speaker"),
        (figures(fields=("title", "body")), ""),
        (figures(fields=("title",)), "figures.fields: named in body, summary, not in title"),
        (figures(together=("eve", "zoe")), ""),
        (figures(together=("zoe",)), "figures.together: none of zoe, only bob, eve"),
        (policy(any=("ai", "elections")), ""),
        (
            policy(any=("elections", "regulation"), min_score=0.6),
            "policy_topics.any: best is regulation with 0.55 < 0.60",
        ),
        (policy(any=("elections",)), "policy_topics.any: none of elections was found"),
        (policy(all=("ai", "regulation")), ""),
        (
            policy(all=("ai", "regulation"), min_score=0.6),
            "policy_topics.all: regulation has 0.55 < 0.60",
        ),
        (policy(all=("ai", "elections")), "policy_topics.all: elections was not found"),
        (policy(none=("elections",)), ""),
        (policy(none=("regulation",), min_score=0.6), ""),
        (policy(none=("ai",)), "policy_topics.none: ai has 0.90 ≥ 0.50"),
        (sources(langs=("de",), tiers=(1, 2)), ""),
        (sources(langs=("en",)), "sources.langs: de is not among en"),
        (sources(tiers=(1, 3)), "sources.tiers: 2 is not among 1, 3"),
        (sources(feeds=("other",)), "sources.feeds: morgenblatt is not among other"),
        (sources(exclude=("morgenblatt",)), "sources.exclude: morgenblatt is excluded"),
        (make_rule(any=(english(), ai())), ""),
        (
            make_rule(any=(english(), ai(0.95))),
            "any: [0] sources.langs: de is not among en; [1] policy_topics.any: best is ai",
        ),
        (make_rule(none=(english(), ai(0.95))), ""),
        (make_rule(none=(english(), ai())), "not: [1] holds ("),
        (make_rule(any=(ai(),), none=(ai(),)), "not: [0] holds ("),
    ],
)
def test_mismatch(rule, reason):
    found = mismatch(rule, MENTION)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def test_a_part_that_was_not_decided_is_none_of_those_wanted():
    mention = make_mention(figure=make_figure_hit(role=""))
    assert mismatch(figures(roles=("speaker",)), mention) == (
        "figures.roles: the part was not decided, not speaker"
    )


def test_a_reason_stays_short_where_a_rule_names_thousands():
    rule = figures(any=tuple(f"figure-{number}" for number in range(5_000)))
    assert mismatch(rule, MENTION).endswith("figure-7 and 4992 more")


def test_every_stated_condition_is_explained_with_its_numbers():
    rule = make_rule(
        figures=FigureSelector(lists=("people",), together=("zoe",)),
        policy_topics=PolicyTopicSelector(any=("ai",), none=("elections",)),
        any=(english(), ai()),
        none=(english(),),
    )
    told = {check.condition: (check.passed, check.detail) for check in explain(rule, MENTION)}
    assert told == {
        "figures.lists": (True, "ada is on people"),
        "figures.min_confidence": (True, "0.80 ≥ 0.75"),
        "figures.together": (False, "none of zoe, only bob, eve"),
        "policy_topics.any": (True, "best is ai with 0.90 ≥ 0.50"),
        "policy_topics.none": (True, "elections was not found"),
        "any": (
            True,
            "[1] holds (figures.min_confidence: 0.80 ≥ 0.75; "
            "policy_topics.any: best is ai with 0.90 ≥ 0.50)",
        ),
        "not": (True, "[0] sources.langs: de is not among en"),
    }
    parts = {part.condition: part.passed for part in explain(rule, MENTION)[-2].parts}
    assert parts["any[0].sources.langs"] is False
    assert parts["any[1].policy_topics.any"] is True


# --- laws -------------------------------------------------------------------------------------


@given(rules, mentions)
def test_the_explanation_agrees_with_the_verdict(rule, mention):
    checks = explain(rule, mention)
    failed = [check for check in checks if not check.passed]
    told = f"{failed[0].condition}: {failed[0].detail}" if failed else ""
    assert mismatch(rule, mention) == told


@given(selections, mentions)
def test_not_is_the_opposite_of_any(selection, mention):
    assume(mention.figure.confidence > 0)  # no rule matches an item that does not name the figure
    wanted = make_rule(figures=FigureSelector(min_confidence=0.0), any=(selection,))
    unwanted = make_rule(figures=FigureSelector(min_confidence=0.0), none=(selection,))
    assert bool(mismatch(wanted, mention)) != bool(mismatch(unwanted, mention))
