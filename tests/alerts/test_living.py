"""Alerts grow quiet, close, begin again, go on as another, and end with their rule or figure."""

from datetime import timedelta

import msgspec
import pytest

from streams.alerts.living import merge
from streams.alerts.revise import close_orphans
from streams.records import PolicyTopicSelector, Story
from streams.testing import NOW, make_figure_hit, make_item_ref, make_mention, make_rule
from tests.alerts.logs import Partition

HOUR = timedelta(hours=1)
RULES = {"everything": make_rule()}


def told(number, hours, *, story="one", absorbed=(), figure="ada-example", **item):
    at = NOW + timedelta(hours=hours)
    return make_mention(
        item=make_item_ref(
            number=number, feed_id=f"feed-{number}", seen_at=at, published_at=at, **item
        ),
        story=Story(story_id=story, absorbed=absorbed),
        figure=make_figure_hit(figure_id=figure),
    )


def other(number, hours):
    """Something else in the same partition, which only moves its clock."""
    return told(number, hours, story=f"else-{number}", figure="bob")


def run(*mentions):
    part = Partition(RULES)
    part.take_all(mentions)
    return part


def of(part, story, episode=0):
    return next(a for a in part.alerts.values() if (a.story_id, a.episode) == (story, episode))


@pytest.mark.parametrize(
    ("hours", "state", "reason"),
    [
        (6, "open", "first item of this story"),  # ten minutes may still come late
        (6.2, "quiet", "nothing new for 6 hours"),
        (24.1, "quiet", "nothing new for 6 hours"),
        (24.2, "closed", "nothing new for 24 hours"),
    ],
)
def test_the_state_follows_the_clock_of_the_partition(hours, state, reason):
    part = run(told(1, 0), other(8, min(hours, 7)), other(9, hours))
    assert (of(part, "one").state, of(part, "one").update_reason) == (state, reason)
    assert not any(a.notify for a in part.published if a.update_reason.startswith("nothing new"))


def test_within_a_day_the_same_alert_goes_on():
    part = run(told(1, 0), other(9, 10), told(2, 20))
    alert = of(part, "one")
    assert (alert.state, alert.episode, len(alert.sources)) == ("open", 0, 2)


def test_after_a_day_the_story_begins_a_new_episode():
    part = run(told(1, 0), told(2, 25))
    first, second = of(part, "one"), of(part, "one", 1)
    assert (first.state, first.superseded_by) == ("closed", "")
    assert (second.derived_from, second.notify) == (first.alert_id, True)
    assert second.update_reason == "the story goes on after a day without news"


def test_an_item_that_comes_late_joins_two_episodes():
    part = run(told(1, 0), told(3, 24.05), told(2, 23.95))
    first, second = of(part, "one"), of(part, "one", 1)
    assert len(first.sources) == 3
    assert (second.state, second.superseded_by) == ("closed", first.alert_id)


def test_a_clock_that_jumps_closes_what_is_open_but_silences_nothing():
    part = run(told(1, 0), other(9, 24 * 365))
    assert of(part, "one").state == "closed"
    later = part.take(told(2, 1, story="two"))
    assert any(a.notify and a.story_id == "two" for a in later)


def test_stories_that_turn_out_to_be_one_have_one_alert():
    part = run(told(1, 0), told(2, 1, story="two"), told(3, 2, story="two", absorbed=("one",)))
    heir, ended = of(part, "two"), of(part, "one")
    assert [s.item.feed_id for s in heir.sources] == ["feed-1", "feed-2", "feed-3"]
    assert heir.publishers == ("feed-1", "feed-2", "feed-3")
    assert (heir.derived_from, heir.first_seen_at) == (ended.alert_id, NOW)
    assert (ended.state, ended.superseded_by, ended.notify) == ("closed", heir.alert_id, False)
    told_of_it = [a.update_reason for a in part.published if a.notify]
    assert told_of_it == [
        "first item of this story", "first item of this story", "3 publishers tell it",
    ]  # fmt: skip


def test_what_comes_late_under_a_name_that_has_ended_belongs_to_the_heir():
    part = run(told(1, 1, story="two", absorbed=("one",)), told(2, 0.95))
    assert {a.story_id for a in part.alerts.values()} == {"two"}
    assert len(of(part, "two").sources) == 2


def test_names_that_end_one_after_the_other():
    part = run(
        told(1, 0),
        told(2, 1, story="two", absorbed=("one",)),
        told(3, 2, story="three", absorbed=("two",)),
        told(4, 3),
    )
    assert len(of(part, "three").sources) == 4


def test_a_late_item_bridges_alerts_that_are_closed_by_then():
    """The day without news between the two stories had news after all, under the name of a third."""
    early, late = told(1, 0, story="one"), told(2, 23, story="two")
    bridge = told(3, 46.9, story="one", absorbed=("two",))
    renamed = told(4, 47, story="three", absorbed=("one",), figure="bob")
    for log in ((early, late, bridge, renamed), (early, late, renamed, bridge)):
        part = run(*log)
        (alert,) = (a for a in part.alerts.values() if not a.superseded_by and a.figure_id != "bob")
        assert (alert.story_id, alert.state, len(alert.sources)) == ("three", "open", 3)


def test_a_closed_alert_takes_the_name_of_its_story_and_stays_closed():
    part = run(told(1, 0), other(9, 30), told(2, 60, story="two", absorbed=("one",)))
    assert of(part, "one").superseded_by == of(part, "two").alert_id
    assert of(part, "two").state == "closed"
    assert of(part, "two", 1).derived_from == of(part, "two").alert_id


def test_an_alert_that_no_item_of_the_other_story_has_goes_on_all_the_same():
    """The item that joins the stories is about somebody else."""
    part = run(told(1, 0), told(2, 1, story="two", absorbed=("one",), figure="bob"))
    heirs = [a for a in part.alerts.values() if a.story_id == "two"]
    assert {(a.figure_id, a.update_kind, a.notify) for a in heirs} == {
        ("ada-example", "new", False),
        ("bob", "new", True),
    }


def test_a_message_that_waits_goes_along():
    part = run(told(1, 0), told(2, 0.001, story="two", absorbed=("one",), figure="bob"))
    heir = next(
        a for a in part.alerts.values() if (a.story_id, a.figure_id) == ("two", "ada-example")
    )
    assert heir.hold_until == NOW + timedelta(seconds=30)
    assert of(part, "one").hold_until is None, "or two messages would tell it"


def test_news_of_a_story_whose_parts_were_old_is_told():
    part = run(
        told(1, 0, backfill=True),
        told(2, 1, story="two", backfill=True),
        told(3, 2, story="two", absorbed=("one",)),
    )
    assert [a.update_reason for a in part.published if a.notify] == [
        "first item of this story that is news"
    ]


def test_a_merge_keeps_what_people_were_told():
    first, second = run(told(1, 0)).published[0], run(told(2, 1, story="two")).published[0]
    heir, _ = merge(
        second,
        first,
        alert_id=second.alert_id,
        story_id="two",
        episode=0,
        reason="",
        at=NOW + HOUR,
    )
    assert heir.told == first.told
    assert heir.notified_at == second.notified_at


@pytest.mark.parametrize(
    ("rules", "watched", "reason"),
    [
        ({}, True, "rule everything is deleted"),
        ({"everything": make_rule(enabled=False)}, True, "rule everything is switched off"),
        (RULES, False, "Ada Example is no longer watched"),
        (RULES, True, None),
    ],
)
def test_an_alert_ends_with_its_rule_or_figure(rules, watched, reason):
    part = run(told(1, 0))
    closed = close_orphans(part.book, rules, lambda _: watched)
    assert [a.update_reason for a in closed] == ([reason] if reason else [])
    assert all(a.state == "closed" and not a.notify for a in closed)
    assert close_orphans(part.book, rules, lambda _: watched) == []


def test_a_rule_that_is_back_goes_on_with_the_alert():
    part = run(told(1, 0))
    close_orphans(part.book, {}, lambda _: True)
    (alert,) = part.take(told(2, 1))
    assert (alert.state, alert.revision) == ("open", 3)
    assert alert.update_reason.endswith("the alert was closed and goes on")


def test_an_item_that_loses_the_topic_of_a_rule_is_taken_back():
    """Its rule is no candidate then, since rules are found by topic."""
    rule = make_rule(rule_id="ai", policy_topics=PolicyTopicSelector(any=("ai",)))
    part = Partition({"ai": rule})
    part.take(told(1, 0))
    changed = msgspec.structs.replace(told(1, 1, revision=2), policy_topics=())
    (alert,) = part.take(changed)
    assert (alert.update_kind, alert.notify) == ("retraction", True)
    assert "policy_topics.any" in alert.update_reason
    assert part.take(told(1, 0)) == [], "its old version comes late"


def test_a_version_that_comes_before_the_older_one_counts():
    rule = make_rule(rule_id="ai", policy_topics=PolicyTopicSelector(any=("ai",)))
    part = Partition({"ai": rule})
    changed = msgspec.structs.replace(told(1, 0.1, revision=2), policy_topics=())
    assert part.take_all([changed, told(1, 0)]) == []
