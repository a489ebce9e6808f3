"""Explanations of alerts and items must name what happened, and what did not."""

from datetime import timedelta

import msgspec
import pytest

from streams.alerts.book import Book
from streams.alerts.explaining import (
    explain_alert,
    explain_item,
)
from streams.alerts.revise import command, revise
from streams.alerts.wording import in_words, ledger_in_words
from streams.records import (
    Command,
    Condition,
    FigureSelector,
    Latency,
    PolicyTopicSelector,
    SourceSelector,
    Story,
)
from streams.stories.cluster import mentions_of
from streams.testing import (
    NOW,
    make_enriched,
    make_figure_hit,
    make_item_ref,
    make_mention,
    make_rule,
)

MINUTE = timedelta(minutes=1)
RULE = make_rule(rule_id="ai", policy_topics=PolicyTopicSelector(any=("ai",), min_score=0.6))


def mention(number, minutes, **changes):
    at = NOW + minutes * MINUTE
    item = make_item_ref(number=number, feed_id=f"feed-{number}", seen_at=at, published_at=at)
    item = msgspec.structs.replace(item, **changes.pop("item", {}))
    return make_mention(item=item, **changes)


def revisions_of(*events):
    book, found = Book(), []
    for number, event in enumerate(events):
        if isinstance(event, Command):
            found += command(book, event, number)
        else:
            found += revise(book, event, [RULE], event.item.seen_at, rules={"ai": RULE})
    return found


def test_every_revision_says_whom_it_told():
    first, copy = mention(1, 0), mention(2, 10, story=Story(story_id="story-1", copy_of="x"))
    late = mention(3, 20, item={"backfill": True})
    revisions = revisions_of(first, copy, late)
    found = explain_alert(list(reversed(revisions)) * 2, [first, copy, late], RULE)
    assert [each.revision for each in found.revisions] == [1, 2, 3]
    assert found.missing_revisions == 0
    begun, copied, old = found.revisions
    assert (
        begun.notification == "notifies at 2026-11-22 12:00:30 UTC, with what else comes until then"
    )
    assert "copies it" in copied.reason
    assert "notifies nobody" in copied.notification
    assert "notifies nobody" in old.notification
    assert [step.copy_of for step in found.story] == ["", "x", ""]


def test_compacted_revisions_are_missed():
    revisions = revisions_of(mention(1, 0), mention(2, 1), mention(3, 2))
    found = explain_alert(revisions[-1:], [], RULE)
    assert found.missing_revisions == 2
    assert found.conditions == ()


def test_what_a_person_did_is_told():
    first = mention(1, 0)
    (alert,) = revisions_of(first)
    act = Command(
        command_id="c1",
        alert_id=alert.alert_id,
        action="dismiss",
        actor="Ann",
        at=NOW + MINUTE,
        expected_revision=1,
        argument="a namesake",
    )
    found = explain_alert(revisions_of(first, act), [first], RULE)
    assert found.revisions[-1].triage == "dismissed by Ann a namesake"
    assert found.revisions[-1].at == NOW + MINUTE


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RULE, "rule ai, version 1"),
        (None, "the rule is gone"),
        (msgspec.structs.replace(RULE, version=4), "it is version 4 now"),
        (msgspec.structs.replace(RULE, enabled=False), "switched off now"),
    ],
)
def test_the_rule_is_named_as_it_was(rule, words):
    first = mention(1, 0)
    found = explain_alert(revisions_of(first), [first], rule)
    assert words in found.rule_note
    assert bool(found.conditions) == (rule is not None)


def test_stories_that_became_one_are_told():
    first = mention(1, 0)
    joined = mention(
        2, 5, story=Story(story_id="story-1", absorbed=("story-2",), reason="the same words")
    )
    found = explain_alert(revisions_of(first, joined), [first, joined], RULE)
    assert found.story[-1].absorbed == ("story-2",)
    assert found.story[-1].reason == "the same words"


def explained(rules, *, alerts=(), **figure):
    item = make_enriched("Ada Example speaks", figures=(make_figure_hit(**figure),))
    item = msgspec.structs.replace(item, policy_topics=make_mention().policy_topics)
    return explain_item(
        item.item.item_id,
        where=[],
        enriched=item,
        mentions=mentions_of(item, Story(story_id="story-1")),
        alerts=alerts,
        rules=rules,
    )


@pytest.mark.parametrize(
    ("rule", "outcome", "words"),
    [
        (
            make_rule(policy_topics=PolicyTopicSelector(any=("ai",), min_score=0.9)),
            "no",
            "0.80 < 0.90",
        ),
        (make_rule(sources=SourceSelector(langs=("de",))), "no", "sources.langs"),
        (make_rule(enabled=False), "off", "switched off"),
        (make_rule(when=Condition(kind="count", at_least=3)), "matches", "3 stories within 1 h"),
        (make_rule(), "matches", "has made no alert of it"),
    ],
)
def test_each_rule_says_why_it_did_not_fire(rule, outcome, words):
    (verdict,) = explained([rule]).rules
    assert verdict.outcome == outcome
    assert words in verdict.why


def test_a_rule_that_fired_names_its_alert():
    enriched_mention = mentions_of(
        make_enriched("Ada Example speaks", figures=(make_figure_hit(),)), Story(story_id="story-1")
    )[0]
    enriched_mention = msgspec.structs.replace(
        enriched_mention, policy_topics=make_mention().policy_topics
    )
    (alert,) = revisions_of(enriched_mention)
    (verdict,) = explained([RULE], alerts=[alert]).rules
    assert (verdict.outcome, verdict.alert_id) == ("fired", alert.alert_id)
    assert verdict.why == "people were told"
    stricter = msgspec.structs.replace(RULE, policy_topics=PolicyTopicSelector(any=("law",)))
    (verdict,) = explained([stricter], alerts=[alert]).rules
    assert "by the rule as it is now it would not: policy_topics.any" in verdict.why


def test_rules_about_other_figures_are_only_counted():
    others = [
        make_rule(rule_id=f"r{n}", figures=FigureSelector(any=(f"other-{n}",))) for n in range(50)
    ]
    found = explained([RULE, *others])
    assert [verdict.rule_id for verdict in found.rules] == ["ai"]
    assert found.about_others == 50


def test_an_item_that_is_not_enriched():
    found = explain_item(
        "x", where=["news.items: revision 1"], enriched=None, mentions=[], alerts=[], rules=[RULE]
    )
    assert (found.item, found.rules) == (None, ())


def test_the_ledger_in_words():
    ledger = Latency(
        published_at=NOW,
        seen_at=NOW + 2.5 * MINUTE,
        enriched_at=NOW + 2.5 * MINUTE + timedelta(seconds=0.4),
        alerted_at=NOW + 2.5 * MINUTE + timedelta(seconds=0.9),
    )
    told = ledger_in_words(ledger)
    assert "seen 2.5 min later, enriched 0.40 s after that, alert 0.50 s after that" in told
    assert "0.90 s from seen to alert" in told
    ahead = msgspec.structs.replace(ledger, published_at=NOW + 5 * MINUTE)
    assert "seen 2.5 min before that date" in ledger_in_words(ahead)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.42, "0.42 s"), (42, "42 s"), (210, "3.5 min"), (7_200, "2.0 h"), (400_000, "4.6 days")],
)
def test_spans_in_words(seconds, words):
    assert in_words(timedelta(seconds=seconds)) == words
