"""What must have happened before mentions become an alert, and that their order does not matter."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.conditions import longest_window
from streams.alerts.event_time import LATENESS
from streams.alerts.revise import revise
from streams.records import Condition, Story, Trend
from streams.testing import NOW, make_item_ref, make_mention, make_rule
from tests.alerts.logs import Partition, living


def told(number, minutes, *, story=None, feed=None, **changes):
    at = NOW + timedelta(minutes=minutes)
    item = make_item_ref(
        number=number, feed_id=feed or f"feed-{number}", seen_at=at, published_at=at
    )
    return make_mention(item=item, story=Story(story_id=story or f"s{number}"), **changes)


def partition(kind, at_least=1, minutes=60, **rule):
    when = Condition(kind=kind, at_least=at_least, window_seconds=minutes * 60)
    return Partition({"everything": make_rule(when=when, **rule)})


def sources(part):
    return [[s.item.feed_id for s in alert.sources] for alert in part.alerts.values()]


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        ([told(1, 0), told(2, 10)], []),
        ([told(1, 0), told(2, 10), told(3, 20)], [["feed-1", "feed-2", "feed-3"]]),
        ([told(1, 0), told(2, 30), told(3, 60)], []),  # the window has ended for the first
        ([told(1, 0), told(2, 10, story="s1"), told(3, 20, story="s1")], []),
        ([told(1, 0), told(2, 30), told(3, 61), told(4, 70)], [["feed-2", "feed-3", "feed-4"]]),
        ([told(1, 0), told(2, 10), told(3, 20), told(4, 300)], [["feed-1", "feed-2", "feed-3", "feed-4"]]),
    ],
)  # fmt: skip
def test_count_is_of_stories_and_makes_one_alert_of_all(mentions, expected):
    part = partition("count", 3)
    part.take_all(mentions)
    assert sources(part) == expected


def test_the_alert_of_a_count_is_told_once():
    part = partition("count", 3)
    out = part.take_all([told(n, n) for n in range(1, 4)])
    assert [a.update_kind for a in out if a.notify] == ["new", "material"]
    assert len({a.hold_until for a in out if a.notify}) == 1, "in one message"


@pytest.mark.parametrize(
    ("group_by", "stories", "expected"),
    [
        ("story", ("a", "a", "a"), [["feed-1", "feed-2", "feed-3"]]),
        ("story", ("a", "b", "c"), []),
        ("figure", ("a", "b", "c"), [["feed-1", "feed-2", "feed-3"]]),
    ],
)
def test_distinct_sources_are_counted_of_what_the_alert_is_about(group_by, stories, expected):
    part = partition("distinct_sources", 3, group_by=group_by)
    part.take_all([told(n, n, story=story) for n, story in enumerate(stories, 1)])
    assert sources(part) == expected


def test_one_source_again_is_one_source():
    part = partition("distinct_sources", 2)
    part.take_all([told(n, n, story="a", feed="same") for n in range(5)])
    assert part.alerts == {}


def test_sources_of_stories_that_turn_out_to_be_one_are_counted_together():
    part = partition("distinct_sources", 3)
    other = make_mention(
        item=make_item_ref(number=3, feed_id="feed-3", seen_at=NOW + timedelta(minutes=3)),
        story=Story(story_id="a", absorbed=("b",)),
    )
    part.take_all([told(1, 0, story="a"), told(2, 1, story="b"), other])
    assert sources(part) == [["feed-1", "feed-2", "feed-3"]]


@pytest.mark.parametrize(("hours", "expected"), [(0.5, [["feed-1", "feed-2", "feed-3"]]), (70, [])])
def test_what_days_later_turns_out_to_be_one_story_is_no_news(hours, expected):
    """Also with the first record after days without any, whose time is not believed yet."""
    part = partition("distinct_sources", 2)
    part.take_all([told(100 + n, n - 400, feed="crowd") for n in range(20)])
    joins = make_mention(
        item=make_item_ref(number=3, feed_id="feed-3", seen_at=NOW + timedelta(hours=hours)),
        story=Story(story_id="a", absorbed=("b",)),
    )
    part.take_all([told(1, 0, story="a"), told(2, 10, story="b"), joins])
    assert sources(part) == expected


def test_a_story_that_comes_hours_late_completes_the_alert_of_all_that_were_seen_since():
    part = partition("count", 3, group_by="figure")
    part.take_all([told(n, minutes) for n, minutes in enumerate((0, 10, 95, 100, 20), 1)])
    assert sources(part) == [["feed-1", "feed-2", "feed-5", "feed-3", "feed-4"]]


@pytest.mark.parametrize(("minutes", "alerts"), [(30, 1), (61, 2)])
def test_first_seen_wants_no_other_story_before(minutes, alerts):
    part = partition("first_seen")
    part.take_all([told(1, 0), told(2, 5, story="s1"), told(3, 5 + minutes)])
    assert len(part.alerts) == alerts
    assert len(next(iter(part.alerts.values())).sources) == 2


def test_why_nothing_became_of_it_is_told_with_numbers():
    for kind, words in (
        ("count", "when.count: 1 stories in 1 h < 2"),
        ("distinct_sources", "when.distinct_sources: 1 sources in 1 h < 2"),
        ("burst", "when.burst: level 0 < 2"),
        ("silence", "when.silence: the figure is in the news"),
    ):
        part, reasons = partition(kind, 2), []
        mention = told(1, 0)
        revise(part.book, mention, part.index.rules, NOW, told=lambda _, why: reasons.append(why))  # noqa: B023
        assert reasons == [words]


def burst(mention, phase, level):
    at = mention.item.seen_at
    return Trend(
        trend_id="trend-1",
        figure_id=mention.figure.figure_id,
        kind="burst",
        phase=phase,
        level=level,
        window_start=at,
        window_end=at,
        count=3,
        expected=0.1,
        score=4.0,
        reason="over",
    )


def test_a_burst_admits_what_comes_while_it_lasts():
    part = partition("burst", 2)

    def take(mention, *phase):
        trends = (burst(mention, *phase),) if phase else ()
        return revise(part.book, mention, part.index.rules, NOW, trends=trends)

    assert take(told(1, 0), "begin", 1) == []
    assert len(take(told(2, 1), "level", 2)) == 2
    assert sources(part) == [["feed-1", "feed-2"]], "what came within the hour before belongs to it"
    assert len(take(told(3, 2))) == 1
    assert take(told(4, 90), "end", 2)[0].state == "quiet"
    assert sources(part) == [["feed-1", "feed-2", "feed-3"]]


def test_how_far_back_mentions_are_read():
    rules = [make_rule(when=Condition(window_seconds=60))]
    assert longest_window(rules) == 2 * LATENESS
    counting = make_rule(when=Condition(kind="count", window_seconds=7_200))
    assert longest_window([*rules, counting]) == 2 * (timedelta(hours=2) + LATENESS)


def test_thousands_of_repetitions_of_one_story_stay_cheap():
    part = partition("count", 3)
    for n in range(5_000):
        part.take(told(n, n / 100, story="same"))
    assert part.alerts == {}


@given(
    st.sampled_from(["count", "distinct_sources"]),
    st.sampled_from(["story", "figure"]),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=3, max_size=9),
    st.randoms(use_true_random=False),
)
def test_within_the_lateness_the_order_does_not_matter(kind, group_by, told_at, random):
    mentions = [told(n, at, story=f"s{story}") for n, (at, story) in enumerate(told_at)]
    ordered = partition(kind, 3, 4, group_by=group_by)
    ordered.take_all(sorted(mentions, key=lambda m: m.item.seen_at))
    random.shuffle(mentions)
    shuffled = partition(kind, 3, 4, group_by=group_by)
    shuffled.take_all(mentions)
    assert living(shuffled.alerts) == living(ordered.alerts)
