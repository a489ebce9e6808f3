"""One living alert per rule, figure and story: told once, revised in place, silent for copies."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.decide import decide, retract
from streams.alerts.evidence import EVIDENCE_KEPT, SOURCES_KEPT
from streams.alerts.naming import alert_id_of
from streams.alerts.severity import severity_of
from streams.records import PolicyTopicHit, SeverityPolicy, Story
from streams.testing import (
    NOW,
    make_evidence,
    make_figure_hit,
    make_item_ref,
    make_mention,
    make_rule,
)

LATER = NOW + timedelta(seconds=3)
RULE = make_rule()


def topics(*names, score=0.8):
    return tuple(PolicyTopicHit(policy_topic=n, score=score, evidence=()) for n in names)


def fold(mentions, rule=RULE):
    alert, revisions = None, []
    for mention in mentions:
        decision = decide(alert, rule, mention, LATER)
        if decision.alert is not None:
            alert = decision.alert
            revisions.append(alert)
    return revisions


def test_the_first_mention_makes_a_notifying_alert_that_explains_itself():
    mention = make_mention()
    (alert,) = fold([mention])
    assert (alert.revision, alert.update_kind, alert.notify) == (1, "new", True)
    assert alert.headline == mention.item.title
    assert alert.sources[0].figure == mention.figure.mentions
    assert alert.sources[0].policy_topics == mention.policy_topics
    assert alert.latency.alerted_at == LATER


def test_telling_it_again_changes_nothing():
    decision = decide(fold([make_mention()])[-1], RULE, make_mention(), LATER)
    assert decision.alert is None
    assert "already told" in decision.reason


def test_a_copy_attaches_silently():
    copy = make_mention(
        item=make_item_ref(number=2, feed_title="Evening Post"),
        story=Story(story_id="story-1", copy_of="x"),
    )
    first, second = fold([make_mention(), copy])
    assert second.alert_id == first.alert_id
    assert (second.revision, second.update_kind, second.notify) == (2, "coverage", False)
    assert second.update_reason == "Evening Post copies it"
    assert len(second.sources) == 2
    assert second.latency == first.latency


def test_a_revised_item_replaces_its_evidence_and_headline():
    revised = make_mention(item=make_item_ref(number=1, revision=2, title="Now different"))
    second = fold([make_mention(), revised])[-1]
    assert (second.update_kind, second.notify, second.headline) == (
        "correction", True, "Now different",
    )  # fmt: skip
    assert second.update_reason.startswith("Morning Post changed the headline from")
    assert len(second.sources) == 1


def test_an_older_revision_that_comes_late_is_ignored():
    revised = make_mention(item=make_item_ref(number=1, revision=2))
    assert len(fold([revised, make_mention()])) == 1


def test_a_new_policy_topic_is_material_and_notifies():
    more = make_mention(number=2, policy_topics=topics("ai", "regulation"))
    second = fold([make_mention(), more])[-1]
    assert (second.update_kind, second.notify) == ("material", True)
    assert second.update_reason == "new policy topic: regulation"
    assert second.policy_topics == ("ai", "regulation")


def test_a_raised_severity_is_material_and_notifies():
    rule = make_rule(severity=SeverityPolicy(base="alert", bump=("headline", "tier1")))
    more = make_mention(item=make_item_ref(number=2, tier=1), figure=make_figure_hit(in_title=True))
    second = fold([make_mention(), more], rule)[-1]
    assert (second.update_kind, second.notify, second.severity) == ("material", True, "flash")
    assert len(second.severity_reasons) == 2


def test_severity_never_falls():
    rule = make_rule(severity=SeverityPolicy(base="alert", bump=("headline",)))
    high = make_mention(figure=make_figure_hit(in_title=True))
    assert [a.severity for a in fold([high, make_mention(number=2)], rule)] == ["urgent", "urgent"]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (make_item_ref(backfill=True), "backfill"),
        (make_item_ref(published_at=NOW - timedelta(hours=25)), "max_age"),
    ],
)
def test_what_is_not_news_is_recorded_but_never_notifies(item, reason):
    (alert,) = fold([make_mention(item=item)])
    assert alert.notify is False
    assert alert.suppressed_by.startswith(reason)


def test_news_after_backfill_notifies_once():
    old = make_mention(item=make_item_ref(number=1, backfill=True))
    revisions = fold([old, make_mention(number=2), make_mention(number=3)])
    assert [r.notify for r in revisions] == [False, True, False]
    assert revisions[1].update_reason == "first item of this story that is news"


def test_a_backfill_does_not_use_up_what_fresh_news_would_notify_about():
    rule = make_rule(severity=SeverityPolicy(base="alert", bump=("headline",)))
    headline = make_figure_hit(in_title=True)
    both_names = ("ai", "regulation")
    both = topics(*both_names)
    old = make_mention(
        item=make_item_ref(number=2, backfill=True), figure=headline, policy_topics=both
    )
    fresh = make_mention(number=3, figure=headline, policy_topics=both)
    first, second, third = fold([make_mention(), old, fresh], rule)
    assert (second.severity, second.policy_topics, second.notify) == ("urgent", both_names, False)
    assert second.suppressed_by.startswith("backfill")
    assert (third.severity, third.update_kind, third.notify) == ("urgent", "material", True)
    assert first.notify


def test_an_item_full_of_mentions_does_not_swell_the_alert():
    text = "Ada Example speaks. " * 500
    places = tuple(
        make_evidence(text, "Ada Example", start=n * 20, end=n * 20 + 11, weight=n % 7)
        for n in range(500)
    )
    (alert,) = fold([make_mention(figure=make_figure_hit(mentions=places))])
    kept = alert.sources[0].figure
    assert len(kept) == EVIDENCE_KEPT
    assert [e.start for e in kept] == sorted(e.start for e in kept)
    assert {e.weight for e in kept} == {6}


def test_more_items_than_are_kept_are_still_known():
    mentions = [make_mention(number=n) for n in range(SOURCES_KEPT + 20)]
    revisions = fold([*mentions, *mentions])
    assert len(revisions) == SOURCES_KEPT + 20
    last = revisions[-1]
    assert len(last.sources) == SOURCES_KEPT
    assert len(last.further_item_ids) == 20
    assert last.sources[0].item.item_id == mentions[0].item.item_id


@pytest.mark.parametrize(
    "other", [{"figure": make_figure_hit(figure_id="b")}, {"story": Story(story_id="s2")}]
)
def test_another_figure_or_story_is_another_alert(other):
    assert alert_id_of(RULE, make_mention(**other)) != alert_id_of(RULE, make_mention())


def test_another_rule_is_another_alert():
    assert alert_id_of(make_rule(rule_id="b"), make_mention()) != alert_id_of(RULE, make_mention())


@pytest.mark.parametrize(
    ("bump", "severity"),
    [((), "alert"), (("tier1",), "alert"), (("headline",), "urgent"), (("headline", "two_figures"), "flash"),
     (("headline", "two_figures", "tier1"), "flash")],
)  # fmt: skip
def test_severity(bump, severity):
    rule = make_rule(severity=SeverityPolicy(base="alert", bump=bump))
    mention = make_mention(figure=make_figure_hit(in_title=True), other_figures=("bob",))
    found, reasons = severity_of(rule, mention)
    assert found == severity
    assert len(reasons) == {"alert": 0, "urgent": 1, "flash": 2}[severity]


mentions = st.builds(
    make_mention,
    item=st.builds(
        make_item_ref,
        number=st.integers(1, 5),
        revision=st.integers(1, 3),
        backfill=st.booleans(),
        tier=st.integers(1, 3),
    ),
    policy_topics=st.sampled_from([topics("ai"), topics("ai", "regulation"), ()]),
    figure=st.builds(make_figure_hit, in_title=st.booleans()),
)


@given(st.lists(mentions, max_size=12))
def test_revisions_count_up_and_replays_add_nothing(log):
    revisions = fold(log)
    assert [r.revision for r in revisions] == list(range(1, len(revisions) + 1))
    assert fold(log) == revisions
    if revisions:
        assert all(decide(revisions[-1], RULE, m, LATER).alert is None for m in log)


@given(st.lists(mentions, max_size=12))
def test_backfill_alone_never_notifies(log):
    only_old = [m for m in log if m.item.backfill]
    assert not any(r.notify for r in fold(only_old))


def told(*mentions, rule=RULE):
    """Reasons of the revisions that reach people."""
    return [alert.update_reason for alert in fold(mentions, rule) if alert.notify]


def from_feed(number, **changes):
    return make_mention(item=make_item_ref(number=number, feed_id=f"feed-{number}", **changes))


def test_spreading_is_told_at_three_ten_and_twenty_five_publishers():
    mentions = [from_feed(n, seen_at=NOW + timedelta(hours=n)) for n in range(40)]
    assert told(*mentions) == [
        "first item of this story",
        "3 publishers tell it",
        "10 publishers tell it",
        "25 publishers tell it",
    ]


def test_the_first_tier_1_source_is_told_once():
    first, second = from_feed(2, tier=1, feed_title="Wire"), from_feed(1, tier=1)
    assert told(from_feed(1), first, second)[1:] == ["first tier-1 source: Wire"]


def test_a_headline_that_changes_is_told_only_if_it_is_the_one_that_people_saw():
    shown = make_mention(item=make_item_ref(number=1, revision=2, title="Now different"))
    other = make_mention(item=make_item_ref(number=2, revision=2, title="Now different"))
    both = [make_mention(number=1), make_mention(number=2)]
    assert fold([*both, shown])[-1].notify is True
    last = fold([*both, other])[-1]
    assert (last.update_kind, last.notify) == ("correction", False)
    assert last.headline == both[0].item.title


def test_what_nobody_was_told_is_corrected_in_silence():
    old = make_mention(item=make_item_ref(backfill=True))
    changed = make_mention(item=make_item_ref(backfill=True, revision=2, title="Now different"))
    assert [(a.update_kind, a.notify) for a in fold([old, changed])] == [
        ("new", False),
        ("correction", False),
    ]


def retracted(*mentions, number=1, revision=2, at=NOW + timedelta(hours=1), **changes):
    previous = fold(mentions)[-1]
    gone = make_mention(item=make_item_ref(number=number, revision=revision, seen_at=at, **changes))
    return retract(previous, RULE, gone, "policy_topics.any: best is ai with 0.10 < 0.50", LATER)


def test_the_last_item_taken_back_ends_the_alert_and_is_told():
    alert = retracted(make_mention())
    assert (alert.update_kind, alert.notify, alert.state) == ("retraction", True, "closed")
    assert "no longer matches: policy_topics.any" in alert.update_reason
    assert alert.update_reason.endswith("no other item tells it")
    assert len(alert.sources) == 1, "what people were told stays to be seen"
    assert decide(alert, RULE, make_mention(), LATER).alert is None, "its old version comes again"


def test_one_of_several_items_taken_back_goes_in_silence():
    alert = retracted(make_mention(number=2), make_mention(number=1))
    assert (alert.notify, alert.state) == (False, "open")
    assert [s.item.item_id for s in alert.sources] == [make_item_ref(number=2).item_id]


def test_what_is_taken_back_before_it_was_told_tells_nothing():
    alert = retracted(make_mention(), at=NOW + timedelta(seconds=5))
    assert (alert.notify, alert.hold_until, alert.state) == (False, None, "closed")


@pytest.mark.parametrize("changes", [{"revision": 1}, {"number": 7}])
def test_only_a_newer_version_of_a_source_takes_it_back(changes):
    assert retracted(make_mention(), **changes) is None


def test_an_edited_rule_goes_on_with_the_alert_and_says_so():
    (first,) = fold([make_mention()], make_rule(severity=SeverityPolicy(base="flash")))
    milder = make_rule(version=2, severity=SeverityPolicy(base="info"))
    second = decide(first, milder, make_mention(number=2), LATER).alert
    assert second is not None
    assert (second.severity, second.rule_version) == ("flash", 2)
    assert second.update_reason == "Morning Post tells it too; the rule is version 2 now, was 1"


def test_alerts_by_figure_are_one_a_day():
    rule = make_rule(group_by="figure")
    one, other = make_mention(), make_mention(number=2, story=Story(story_id="story-2"))
    late = make_mention(item=make_item_ref(number=3, seen_at=NOW + timedelta(hours=12)))
    assert alert_id_of(rule, one) == alert_id_of(rule, other)
    assert alert_id_of(rule, one) != alert_id_of(rule, late)


def test_an_alert_from_before_it_was_kept_what_was_told_is_not_told_again():
    (first,) = fold([make_mention()])
    before = msgspec.structs.replace(first, told=None, publishers=("morning-post",))
    second = decide(before, RULE, make_mention(number=2), LATER).alert
    assert second is not None
    assert second.notify is False
