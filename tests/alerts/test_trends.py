"""Trends are told once, at the right time and with their reasons, whatever order mentions come in."""

import copy
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.alerts.series import Observation, observation_of
from streams.alerts.trends import DOUBTFUL_KEPT, JUMP, Partition, advance, observe, read
from streams.records import Story
from streams.testing import NOW, make_figure_hit, make_item_ref, make_mention

HOUR, DAY = 3_600.0, 86_400.0
START = 1_767_571_200.0
"""A Monday, 00:00 UTC."""


def seen(story, hours, *, publisher="post", figure="ada", **changes):
    fields = {
        "figure_id": figure,
        "story_id": story,
        "publisher": publisher,
        "at": START + hours * HOUR,
        "of_hour": 20,
        "of_window": 1_440,
    }
    return Observation(**{**fields, **changes})


def fold(partition, observations):
    return [trend for each in observations for trend in observe(partition, each)]


def history(days, *, per_day=2, figures=("ada",), start=0):
    """Every hour somebody tells of the volume; each figure has its stories spread over the day."""
    log = []
    for hour in range(start * 24, days * 24):
        log.append(seen(f"crowd-{hour:08d}", hour + 0.5, figure="crowd"))
        if hour % (24 // per_day) == 1:
            log += [seen(f"{f}-{hour:08d}", hour + 0.6, figure=f) for f in figures]
    return log


def warm(days=10, **kwargs):
    partition = Partition()
    fold(partition, history(days, **kwargs))
    return partition


def rush(day, count=6, publishers=3, minutes=5, **changes):
    """Many stories of Ada, some minutes apart."""
    return [
        seen(
            f"rush-{n:08d}", day * 24 + n * minutes / 60, publisher=f"p{n % publishers}", **changes
        )
        for n in range(count)
    ]


def shown(trends, figure="ada"):
    return [(t.kind, t.phase) for t in trends if t.figure_id == figure]


# --- bursts -----------------------------------------------------------------------------------


def test_a_burst_begins_rises_and_ends_under_one_id():
    partition = warm()
    trends = fold(partition, rush(10, count=24, minutes=2))
    trends += advance(partition, START + 10 * DAY + 4 * HOUR)
    bursts = [t for t in trends if t.kind == "burst"]
    assert shown(bursts) == [
        ("burst", "begin"),
        ("burst", "level"),
        ("burst", "level"),
        ("burst", "end"),
    ]
    assert [t.level for t in bursts] == [1, 2, 3, 3]
    assert len({t.trend_id for t in bursts}) == 1
    begin, end = bursts[0], bursts[-1]
    assert begin.count >= 3
    assert begin.publishers >= 2
    assert begin.story_ids[0] == f"rush-{begin.count - 1:08d}", "newest first"
    assert begin.reason.startswith(f"{begin.count} stories in ")
    assert f"{begin.expected:.1f} expected; {begin.publishers} publishers" in begin.reason
    assert not begin.cold
    assert "24 stories in all" in end.reason
    assert partition.bursting == []


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (rush(10, publishers=1), "one publisher alone is no burst"),
        (rush(10, count=2), "two stories are no burst"),
        (
            [seen("same", 240 + n / 30, publisher=f"p{n}") for n in range(20)],
            "copies are one story",
        ),
        (rush(10, counts=False), "backfill and merely possible figures do not count"),
        (rush(10, of_hour=4_000, of_window=10_000), "all news has doubled, and the figure with it"),
        (rush(10, of_hour=2), "feeds have failed"),
    ],
)
def test_what_is_no_burst(log, why):
    assert "burst" not in {t.kind for t in fold(warm(), log)}, why


def test_an_outage_says_so():
    partition = warm()
    assert partition.suspended == ""
    observe(partition, seen("late", 240, of_hour=2))
    assert partition.suspended == "suspended: 2 stories of all news in 60 min, 20 are usual"


def test_a_new_figure_is_judged_by_a_prior_and_flagged():
    partition = warm(figures=())
    begin = next(t for t in fold(partition, rush(10, count=9)) if t.kind == "burst")
    assert begin.cold
    assert "known for less than a week" in begin.reason


def test_a_burst_does_not_become_usual():
    calm, after = warm(), warm()
    fold(after, rush(10, count=12))
    for partition in (calm, after):
        fold(partition, history(13, start=11))
    usual = read(calm, "ada").expected
    assert read(after, "ada").expected < 2 * usual


def test_stories_that_become_one_count_once():
    partition = warm()
    fold(partition, rush(10, count=2))
    observe(partition, seen("rush-00000000", 240.3, absorbed=("rush-00000001",), counts=False))
    assert set(partition.figures["ada"].stories) == {"rush-00000000"}
    assert shown(fold(partition, [seen("third", 240.4, publisher="p5")])) == []


def test_an_old_story_that_is_told_again_is_not_new():
    partition = warm()
    fold(partition, rush(10, count=3, publishers=1))
    fold(partition, history(11, start=10, figures=()))
    before = copy.deepcopy(partition.figures["ada"].stories)
    fold(partition, [seen(f"rush-{n:08d}", 264.5, publisher="other") for n in range(3)])
    assert partition.figures["ada"].stories == before


# --- order, repetition, clocks ----------------------------------------------------------------


@st.composite
def logs(draw):
    """Mentions of a few hours, with the lateness that the log may have."""
    return [
        seen(
            f"s{draw(st.integers(0, 12)):09d}",
            240 + draw(st.integers(0, 3 * 60)) / 60,
            publisher=f"p{draw(st.integers(0, 3))}",
        )
        for _ in range(draw(st.integers(1, 30)))
    ]


WARM = warm()


def counted(partition):
    """What is known of the stories, beside what has been told of them."""
    series = partition.figures["ada"]
    stories = {name: (told.bucket, set(told.publishers)) for name, told in series.stories.items()}
    return stories, series.told, series.baseline, series.quiet.since, partition.volume


@settings(max_examples=60)
@given(log=logs(), data=st.data())
def test_any_order_within_the_lateness_counts_the_same(log, data):
    log.sort(key=lambda each: each.at)
    late = [each.at + data.draw(st.integers(0, 600)) for each in log]
    shuffled = [each for _, each in sorted(zip(late, log, strict=True), key=lambda pair: pair[0])]
    one, other = copy.deepcopy(WARM), copy.deepcopy(WARM)
    fold(one, log)
    fold(other, shuffled)
    assert counted(one) == counted(other)


@settings(max_examples=60)
@given(log=logs())
def test_repetition_tells_and_changes_nothing(log):
    partition = copy.deepcopy(WARM)
    fold(partition, sorted(log, key=lambda each: each.at))
    before = copy.deepcopy(partition)
    assert fold(partition, log) == []
    assert partition == before


@settings(max_examples=30)
@given(log=logs(), cut=st.integers(0, 30))
def test_the_same_log_gives_the_same_trends_from_any_stored_state(log, cut):
    log.sort(key=lambda each: each.at)
    whole, first = copy.deepcopy(WARM), copy.deepcopy(WARM)
    expected = fold(whole, log)
    told = fold(first, log[:cut])
    stored = msgspec.json.decode(msgspec.json.encode(first), type=Partition)
    assert told + fold(stored, log[cut:]) == expected
    assert stored == whole


@settings(max_examples=30)
@given(log=logs(), steps=st.integers(1, 30))
def test_time_may_pass_in_one_step_or_in_many(log, steps):
    one = copy.deepcopy(WARM)
    fold(one, sorted(log, key=lambda each: each.at))
    many, until = copy.deepcopy(one), one.clock + 9 * HOUR
    at_once = advance(one, until)
    in_steps = [t for n in range(1, steps + 1) for t in advance(many, until - (steps - n) * 600)]
    assert list(at_once) == in_steps
    assert one == many


def test_what_is_too_late_is_ignored():
    partition = warm()
    assert fold(partition, rush(9)) == []
    assert set(partition.figures["ada"].stories) <= {"ada-00000229", "ada-00000239"}


def test_a_clock_that_is_wrong_stops_nobody():
    """A poll finds stories of several publishers, all with its time."""
    partition, log = warm(), rush(10)
    for hour, right in enumerate(log):
        wrong = [seen(f"f-{hour}-{n}", 5_000 + hour, publisher=f"p{n}") for n in range(12)]
        log = [*log, *wrong, right]
    assert ("burst", "begin") in shown(fold(partition, log[6:]))
    assert not partition.doubtful


@pytest.mark.parametrize("at_once", [1, 3, 6, 60])
@pytest.mark.parametrize("wrong", [0, 1, 2, 5, 9, 12])
def test_after_quiet_days_a_burst_is_told_in_full_whatever_one_clock_says(at_once, wrong):
    partition = warm()
    log = [
        [seen(f"c-{poll}-{n}", 300 + poll / 12, figure=f"f{n}") for n in range(at_once)]
        + [seen(f"rush-{poll}", 300 + poll / 12, publisher=f"p{poll % 3}")]
        for poll in range(14)
    ]
    log[wrong].insert(0, seen("future", 9_000))
    told = shown(fold(partition, [each for poll in log for each in poll]))
    assert ("burst", "begin") in told
    assert told.count(("burst", "level")) == 2
    assert partition.clock == START + (300 + 13 / 12) * HOUR
    assert START + 300 * HOUR > START + 10 * DAY + JUMP


def test_what_waits_for_another_poll_is_bounded():
    partition = warm()
    fold(partition, [seen(f"s{n}", 5_000) for n in range(5_000)])
    assert len(partition.doubtful) == DOUBTFUL_KEPT


def test_a_leap_of_years_does_not_take_long():
    partition = warm()
    years = 240 + 50 * 365 * 24
    fold(partition, [seen("one", years), seen("two", years + 0.1, publisher="b")])
    assert partition.clock > START + years * HOUR
    assert partition.figures["ada"].baseline.stories < 1


def test_mentions_older_than_the_counts_tell_no_trends():
    partition = Partition()
    log = [msgspec.structs.replace(each, of_hour=0, of_window=0) for each in history(10) + rush(10)]
    assert fold(partition, log) == []
    assert "no mention tells" in partition.suspended


def test_a_storm_keeps_the_state_small():
    partition = warm()
    for n in range(10_000):
        observe(partition, seen(f"{n:010d}", 240 + n / 10_000, publisher=f"p{n % 300}"))
    advance(partition, START + 15 * DAY)
    assert len(msgspec.json.encode(partition.figures["ada"])) < 4_096


# --- silences ---------------------------------------------------------------------------------


def test_a_silence_begins_when_it_is_implausible_and_ends_with_a_story():
    partition = warm(days=20, per_day=8)
    trends = fold(partition, history(24, start=20, figures=()))
    begin = next(t for t in trends if t.kind == "silence")
    assert shown(trends) == [("silence", "begin")]
    assert begin.window_end - begin.window_start >= timedelta(days=1)
    assert begin.score >= 3
    assert begin.reason.startswith("no story for ")
    end = [t for t in observe(partition, seen("back", 24 * 24 + 1)) if t.figure_id == "ada"]
    assert shown(end) == [("silence", "end")]
    assert end[0].trend_id == begin.trend_id
    assert end[0].story_ids == ("back",)


@pytest.mark.parametrize(
    ("partition", "log", "why"),
    [
        (warm(days=20, per_day=8), history(21, start=20, figures=()), "a day is not enough"),
        (warm(days=5, per_day=8), history(12, start=5, figures=()), "it is known for five days"),
        (
            warm(days=20, per_day=8),
            [seen("c", 20 * 24 + n * 20, figure="crowd") for n in range(8)],
            "nobody knows what news there was",
        ),
        (
            warm(days=20, per_day=8),
            [msgspec.structs.replace(o, of_hour=1) for o in history(24, start=20, figures=())],
            "feeds have failed",
        ),
    ],
)
def test_what_is_no_silence(partition, log, why):
    assert shown(fold(partition, log)) == [], why


def test_who_is_rarely_in_the_news_is_never_silent():
    partition = Partition()
    log = [
        each
        for each in history(20, per_day=1)
        if each.figure_id != "ada" or each.at % (3 * DAY) < DAY
    ]
    fold(partition, log)
    assert shown(fold(partition, history(60, start=20, figures=()))) == []


# --- pairs ------------------------------------------------------------------------------------


def both(story, day, publisher, **changes):
    return seen(story, day * 24, publisher=publisher, **{"others": ("bob",), **changes})


def test_two_figures_in_one_story_for_the_first_time():
    partition = warm(figures=("ada", "bob"))
    trends = fold(partition, [both("s", 10, "a"), both("s", 10.1, "b"), both("s", 10.2, "c")])
    assert shown(trends) == [("together", "begin")]
    (told,) = trends
    assert (told.other_figure, told.publishers, told.story_ids) == ("bob", 2, ("s",))
    assert told.reason == "first story with ada and bob in 10 days; 2 publishers"
    assert told.cold, "30 days are not known yet"


def test_a_pair_has_one_id_from_both_sides():
    partition = warm(figures=("ada", "bob"))
    log = [
        both("s", 10, publisher, figure=figure, others=(other,))
        for publisher in ("a", "b")
        for figure, other in (("ada", "bob"), ("bob", "ada"))
    ]
    trends = fold(partition, log)
    assert [t.figure_id for t in trends] == ["ada", "bob"]
    assert len({t.trend_id for t in trends}) == 1


@pytest.mark.parametrize(
    ("known", "log", "why"),
    [
        (("ada", "bob"), [both("s", 10, "a"), both("t", 10.1, "a")], "one publisher may be wrong"),
        (("ada", "bob"), [both("s", 10, "a"), both("t", 11.5, "b")], "not within a day"),
        (("ada",), [both("s", 10, "a"), both("s", 10.1, "b")], "Bob is new on the watchlist"),
        (("bob",), [both("s", 10, "a"), both("s", 10.1, "b")], "Ada is new on the watchlist"),
        (
            ("ada", "bob"),
            [both("s", 10, p, others=("bob", "c", "d", "e", "f", "g")) for p in "ab"],
            "it is a list",
        ),
    ],
)
def test_what_is_no_new_pair(known, log, why):
    assert fold(warm(figures=known), log) == [], why


@pytest.mark.parametrize(("days", "again"), [(3, False), (29, False), (32, True)])
def test_a_pair_is_new_again_after_a_month(days, again):
    partition = warm(figures=("ada", "bob"))
    fold(partition, [both("s", 10, "a"), both("s", 10.1, "b")])
    fold(partition, history(10 + days, start=11, figures=("ada", "bob")))
    log = [both("t", 10.1 + days, "a"), both("t", 10.2 + days, "b")]
    assert (("together", "begin") in shown(fold(partition, log))) == again


# --- mentions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"figure": make_figure_hit(level="possible", confidence=0.4)}, False),
        ({"item": make_item_ref(backfill=True)}, False),
    ],
)
def test_an_observation_is_made_of_a_mention(changes, counts):
    story = Story(story_id="s", stories_hour=7, stories_window=300, absorbed=("t",))
    mention = make_mention(story=story, other_figures=("bob",), **changes)
    made = observation_of(mention)
    assert made == Observation(
        figure_id="ada-example",
        story_id="s",
        publisher="morning-post",
        at=NOW.timestamp(),
        shard=made.shard,
        of_hour=7,
        of_window=300,
        others=("bob",),
        absorbed=("t",),
        counts=counts,
    )
