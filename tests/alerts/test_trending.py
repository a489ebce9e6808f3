"""Alerts about bursts and silences: when they begin, rise and end, and that a crash changes nothing."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from streams.alerts.naming import burst_story, is_burst, is_silence
from streams.alerts.series import observation_of
from streams.alerts.trends import Partition as Trends
from streams.alerts.trends import observe
from streams.records import Condition, PolicyTopicSelector, Schedule, Silence, Story
from streams.stories.cluster import Clusters
from streams.testing import (
    NOW,
    make_enriched,
    make_figure_hit,
    make_item_ref,
    make_mention,
    make_rule,
)
from tests.alerts.logs import OF_TRENDS, Partition, broken_off, crowded_logs, hits

FAST = settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))


def told(number, minutes, *, figure="ada", topics=("ai",), feed="", **item):
    at = NOW + timedelta(minutes=minutes)
    return make_mention(
        item=make_item_ref(
            **{
                "number": number,
                "feed_id": feed or f"feed-{number % 4}",
                "seen_at": at,
                "published_at": at,
                **item,
            }
        ),
        story=Story(story_id=f"s{number}", stories_hour=20, stories_window=60),
        figure=make_figure_hit(figure_id=figure),
        policy_topics=hits(*topics),
    )


def rush(count, *, start=0, first=1, **changes):
    return [told(first + n, start + n, **changes) for n in range(count)]


def bursting(at_least=1, **changes):
    when = Condition(kind="burst", at_least=at_least)
    return Partition({"burst": make_rule(rule_id="burst", when=when, **changes)})


def silent(hours=24, **changes):
    when = Condition(kind="silence", window_seconds=hours * 3_600)
    return Partition({"silence": make_rule(rule_id="silence", when=when, **changes)})


def items(alert):
    return len(alert.sources) + len(alert.further_item_ids)


# --- bursts -----------------------------------------------------------------------------------


def test_a_burst_is_one_alert_with_what_came_in_its_hour():
    part = bursting()
    out = part.take_all([*rush(3), told(4, 4, feed="feed-1"), told(5, 70, figure="bob")])
    (alert,) = part.alerts.values()
    begin = part.trends_published[0]
    assert (begin.kind, begin.phase) == ("burst", "begin")
    assert alert.story_id == burst_story(begin.trend_id)
    assert items(alert) == 4
    assert out[0].update_reason == f"burst of level {begin.level}: {begin.reason}"
    held = [a.hold_until for a in out if a.notify]
    assert held == [held[0]] * 2 + [held[0] + timedelta(minutes=5)], "one message, one for its rise"


def test_a_burst_that_rises_is_material_and_its_end_is_quiet():
    part = bursting()
    out = part.take_all([*rush(30), told(99, 300, figure="bob")])
    risen = [a for a in out if "has risen" in a.update_reason]
    assert [(a.update_kind, a.burst_level) for a in risen] == [("material", 2), ("material", 3)]
    (alert,) = part.alerts.values()
    assert alert.state == "quiet"
    assert alert.update_reason.startswith("the burst is over after ")
    part.take_all([told(100 + n, 2_000 + 100 * n, figure="bob") for n in range(10)])
    assert [a.state for a in part.alerts.values()] == ["closed"]


def test_the_next_burst_is_another_alert():
    part = bursting()
    part.take_all([*rush(6), told(50, 300, figure="bob"), *rush(6, start=400, first=60)])
    assert [(items(a), a.state) for a in part.alerts.values()] == [(6, "quiet"), (6, "open")]


def test_a_level_is_waited_for():
    part = bursting(at_least=3)
    log = rush(30)
    out = part.take_all(log)
    reached = next(t for t in part.trends_published if t.level == 3)
    assert out[0].burst_level == 3
    assert out[0].sources[0].item == log[0].item, "what came before is shown"
    assert reached.reason in out[0].update_reason


@pytest.mark.parametrize("others", [2, 4])
def test_a_burst_that_begins_with_what_does_not_match_tells_what_did(others):
    part = bursting(policy_topics=PolicyTopicSelector(any=("ai",)))
    part.take_all([told(1, 0), *rush(others, start=1, first=2, topics=("law",))])
    (alert,) = part.alerts.values()
    assert [s.item.feed_id for s in alert.sources] == ["feed-1"]


def test_what_does_not_match_makes_no_alert_of_a_burst():
    part = bursting(policy_topics=PolicyTopicSelector(any=("ai",)))
    part.take_all(rush(6, topics=("law",)))
    assert {t.kind for t in part.trends_published} == {"burst"}
    assert part.alerts == {}


def test_a_rise_by_what_does_not_match_is_told():
    part = bursting(policy_topics=PolicyTopicSelector(any=("ai",)))
    out = part.take_all([*rush(4), *rush(30, start=4, first=10, topics=("law",))])
    assert [a.burst_level for a in out if "has risen" in a.update_reason] == [2, 3]
    assert {items(a) for a in part.alerts.values()} == {4}


def test_backfill_is_no_burst_and_no_part_of_one():
    part = bursting()
    part.take_all([*rush(8, backfill=True), *rush(6, start=10, first=20)])
    assert [items(a) for a in part.alerts.values()] == [6]


def test_an_item_that_is_revised_after_the_burst_is_put_right_in_its_alert():
    part = bursting(policy_topics=PolicyTopicSelector(any=("ai",)))
    part.take_all([*rush(6), told(50, 300, figure="bob")])
    (out,) = part.take(told(1, 310, revision=2, title="Another headline"), 7)
    assert out.update_kind == "correction"
    assert [s.item.title for s in out.sources].count("Another headline") == 1
    (out,) = part.take(told(1, 320, revision=3, topics=("law",)), 8)
    assert out.update_kind == "retraction"
    assert len(part.alerts) == 1


def test_a_burst_that_is_silenced_goes_out_when_the_silence_ends():
    end = NOW + timedelta(hours=2)
    silence = Silence(start=NOW, end=end, author="Ann", comment="known")
    out = bursting(silences=(silence,)).take_all(rush(6))
    assert not any(a.notify for a in out)
    assert out[-1].hold_until == end


def test_a_burst_whose_id_comes_out_as_another_after_a_restart_goes_on_as_one_alert():
    """The begin of a burst is computed from a shorter past, and lies in another hour."""
    part, log = bursting(), rush(12, start=55)
    part.take_all(log[:9])
    part.crash([])  # the mentions before are no longer kept
    part.take_all(log[9:])
    for offset, mention in enumerate(rush(6, start=68, first=60), 12):
        part.take(mention, offset)
    ids = {t.trend_id for t in part.trends_published if t.kind == "burst"}
    assert len(ids) == 2, "otherwise this tests nothing"
    assert len(part.alerts) == 1


def test_carriers_of_merged_stories_are_no_news_of_the_figure():
    clusters, trends = Clusters(), Trends()
    text = "Ada Example announces a very large new battery plant in the northern town of Example"
    figures = {"first": ("ada",), "second": ("bob",), "third": ()}
    for n, names in enumerate(figures.values()):
        at = NOW + timedelta(minutes=n)
        enriched = make_enriched(
            text if n else "Something else altogether happens today in the far south of the land",
            item=make_item_ref(number=n, seen_at=at, published_at=at),
            figures=tuple(make_figure_hit(figure_id=name) for name in names),
        )
        for mention in clusters.mentions(enriched):
            observe(trends, observation_of(mention))
    carrier = make_mention(
        figure=make_figure_hit(figure_id="carl", confidence=0.0, level="possible", mentions=()),
        story=Story(story_id="s1", absorbed=("s2",), stories_hour=3, stories_window=9),
    )
    observe(trends, observation_of(carrier))
    assert set(trends.figures) == {"ada", "bob"}


# --- silences ---------------------------------------------------------------------------------


def test_a_silence_begins_when_nothing_has_matched_and_ends_with_the_next_story():
    part = silent()
    out = part.take_all([told(1, 0), told(2, 60), told(3, 24 * 60 + 69, figure="bob")])
    assert out == [], "ten minutes are left for what comes late"
    (begun,) = part.take(told(4, 24 * 60 + 70, figure="bob"), 3)
    assert is_silence(begun)
    assert (begun.figure_id, begun.state, begun.notify) == ("ada", "open", True)
    assert begun.update_reason == (
        "no story for 24 h; the last was seen 2026-11-22 13:00 UTC, by Morning Post"
    )
    assert [s.item.feed_id for s in begun.sources] == ["feed-2"]
    assert part.take_all([told(5, 40 * 60, figure="bob")]) == [], "it is told once, and stays open"
    (over,) = [a for a in part.take(told(6, 50 * 60), 5) if a.figure_id == "ada"]
    assert over.update_kind == "closed"
    assert over.update_reason.startswith("a story again after 49 h: ")


@pytest.mark.parametrize(
    ("then", "why"),
    [
        (told(2, 23 * 60), "a story came in time"),
        (told(2, 23 * 60, topics=("law",)), ""),
        (told(2, 23 * 60, backfill=True), ""),
    ],
)
def test_what_ends_a_silence(then, why):
    part = silent(policy_topics=PolicyTopicSelector(any=("ai",)))
    part.take_all([told(1, 0), then, told(3, 25 * 60, figure="bob")])
    assert bool(part.alerts) is not bool(why)


def test_a_figure_of_which_nothing_was_ever_heard_is_not_silent():
    part = silent()
    part.take_all([told(n, n * 600, figure="bob") for n in range(9)])
    assert part.alerts == {}


def test_a_story_that_comes_after_the_window_but_before_anything_else_is_no_silence():
    part = silent()
    assert part.take_all([told(1, 0), told(2, 3_000)]) == []


def test_a_longer_window_holds_as_soon_as_it_is_edited():
    part = silent(hours=2)
    part.take(told(1, 0), 0)
    when = Condition(kind="silence", window_seconds=4 * 3_600)
    part.rules["silence"] = msgspec.structs.replace(part.rules["silence"], when=when)
    assert part.take(told(2, 200, figure="bob"), 1) == []
    (begun,) = part.take(told(3, 260, figure="bob"), 2)
    assert begun.update_reason.startswith("no story for 4 h")


def test_a_silence_waits_for_the_hours_of_its_schedule():
    part = silent(schedule=Schedule(active=("Mon-Fri 07:00-20:00",)))  # NOW is a Sunday
    (begun,) = part.take_all([told(1, -1_440), told(2, 60, figure="bob")])
    assert not begun.notify
    assert begun.hold_until == NOW.replace(hour=7) + timedelta(days=1)


# --- laws -------------------------------------------------------------------------------------


def trends_of(part):
    return {(t.trend_id, t.phase, t.level): t for t in part.trends_published}


@given(crowded_logs(), st.data())
@settings(FAST, max_examples=150)
def test_wherever_a_run_breaks_off_alerts_and_trends_are_the_same(log, data):
    whole = Partition(OF_TRENDS)
    whole.take_all(log)
    for alert in whole.alerts.values():
        event("burst" if is_burst(alert) else "silence" if is_silence(alert) else "story")
    broken = broken_off(Partition(OF_TRENDS), log, data.draw)
    assert broken.alerts == whole.alerts
    assert trends_of(broken) == trends_of(whole)


@given(crowded_logs(), st.data())
@settings(FAST, max_examples=150)
def test_a_record_whose_outputs_were_published_in_part_is_finished(log, data):
    # A merge that was told in part is told by one more silent revision, which is another matter.
    rules = {rule_id: rule for rule_id, rule in OF_TRENDS.items() if rule_id != "all"}
    whole = Partition(rules)
    whole.take_all(log)
    broken = Partition(rules)
    last = data.draw(st.integers(0, len(log) - 1))
    for offset in range(last + 1):
        before = len(broken.published)
        out = broken.take(log[offset], offset)
    del broken.published[before + data.draw(st.integers(0, len(out))) :]
    broken.crash(log[:last])
    for offset in range(last, len(log)):
        broken.take(log[offset], offset)
    assert broken.alerts == whole.alerts


@given(crowded_logs())
@settings(FAST)
def test_a_replay_tells_nothing_and_the_same_trends(log):
    part = Partition(OF_TRENDS)
    part.take_all(log)
    before, trends = dict(part.alerts), trends_of(part)
    part.crash([])
    assert not any(alert.notify for alert in part.take_all(log))
    assert part.alerts == before
    assert trends_of(part) == trends


@given(crowded_logs())
@settings(FAST)
def test_each_burst_is_one_alert_per_rule_and_only_what_is_new_notifies(log):
    part = Partition(OF_TRENDS)
    out = part.take_all(log)
    begun = Counter(
        t.figure_id for t in part.trends_published if (t.kind, t.phase) == ("burst", "begin")
    )
    alerts = Counter(
        a.figure_id for a in part.alerts.values() if is_burst(a) and a.rule_id == "burst"
    )
    assert all(alerts[figure] <= begun[figure] for figure in alerts)
    told_twice = Counter((a.alert_id, a.revision) for a in out)
    assert set(told_twice.values()) <= {1}
