"""Whoever polls may have a wrong clock for a while: alerts about what comes after are told all the same."""

from datetime import timedelta
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.alerts.evidence import item_ids
from streams.alerts.living import CLOSED_AFTER
from streams.alerts.revise import revise
from streams.event_clock import APART
from streams.records import Condition, FigureSelector, Story, Trend
from streams.sinks.waiting import Waiting
from streams.testing import NOW, make_figure_hit, make_item_ref, make_mention, make_rule
from tests.alerts.logs import OF_TRENDS, RULES, Partition, broken_off, mention_logs

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AHEAD = pytest.mark.parametrize("ahead", [26 * HOUR, 49 * HOUR, 400 * 24 * HOUR])
FAST = settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))


def told(number, at, story=""):
    return make_mention(
        item=make_item_ref(number=number, seen_at=at, published_at=at, enriched_at=at),
        story=Story(story_id=story or f"s{number}"),
    )


def news(count, begin=NOW, *, first=0, every=20 * MINUTE):
    """A story of its own every 20 minutes."""
    return [told(first + n, begin + n * every) for n in range(count)]


class Desk:
    """A partition with the notifier behind it, which has looked at every message in its time."""

    def __init__(self):
        self.part = Partition({"everything": make_rule()})
        self.told, self.dropped = [], []
        self._waiting, self._offset = Waiting(), 0

    def take(self, log):
        for mention in log:
            at = mention.item.seen_at
            for alert in self.part.take(mention, len(self.part.published)):
                record = SimpleNamespace(offset=self._offset, timestamp=int(at.timestamp() * 1000))
                self._offset += 1
                self._waiting.take(alert, record)
            for due in self._waiting.due(at + 10 * MINUTE):
                (self.dropped if due.dropped else self.told).append(due.alert.story_id)
        return self


@AHEAD
@pytest.mark.parametrize(
    ("before", "wrong", "missed"),
    [(0, 1, 0), (0, 3, 1), (1, 1, 0), (5, 1, 0), (5, 3, 0), (15, 1, 0), (15, 3, 0), (15, 9, 0), (15, 50, 4), (0, 50, 4)],
)  # fmt: skip
def test_news_after_a_clock_that_was_ahead_is_told(ahead, before, wrong, missed):
    """All of it where few records were ahead; after any number of them no more than four alerts are missed."""
    desk = Desk()
    begin = NOW + before * 20 * MINUTE
    desk.take(news(before))
    desk.take(news(wrong, begin + ahead, first=100, every=MINUTE))
    right = news(30, begin, first=1_000)
    desk.take(right)
    assert [s for s in desk.dropped if s.startswith("s1") and len(s) == 5] == [
        mention.story.story_id for mention in right[:missed]
    ]
    assert {mention.story.story_id for mention in right[missed:]} <= set(desk.told)


@AHEAD
def test_a_few_records_ahead_close_nothing_that_is_open(ahead):
    desk = Desk().take(news(15))
    wrong = news(9, NOW + ahead + 6 * HOUR, first=100)
    desk.take(wrong)
    assert not [a for a in desk.part.published if a.update_kind == "closed"]
    desk.take(news(30, NOW + 5 * HOUR, first=1_000))
    assert desk.dropped == []


def test_time_goes_on_after_a_clock_that_was_ahead():
    desk = Desk().take([*news(15), *news(3, NOW + 54 * HOUR, first=100)])
    desk.take(news(80, NOW + 5 * HOUR, first=1_000, every=HOUR))
    closed = {a.story_id for a in desk.part.alerts.values() if a.state == "closed"}
    assert {f"s{n}" for n in [*range(15), *range(100, 103)]} <= closed
    assert not any(a.state == "open" for a in desk.part.alerts.values() if a.story_id == "s1070")


@AHEAD
def test_messages_of_a_wrong_clock_are_no_storm_of_now(ahead):
    desk = Desk().take(news(15))
    desk.take(news(60, NOW + 5 * HOUR + ahead, first=100, every=timedelta(seconds=10)))
    right = news(12, NOW + 5 * HOUR, first=1_000, every=10 * MINUTE)
    desk.take(right)
    storms = [a for a in desk.part.published if a.suppressed_by.startswith("storm")]
    assert {a.sources[0].item.seen_at >= NOW + ahead for a in storms} == {True}
    assert {mention.story.story_id for mention in right[4:]} <= set(desk.told)


def test_a_day_off_is_less_than_what_closes():
    """An item that agrees with the clock is never closed with the mention that brings it."""
    assert APART <= CLOSED_AFTER
    desk = Desk().take([*news(15, NOW + APART + 5 * HOUR), *news(20, NOW + 10 * HOUR, first=1_000)])
    assert desk.dropped == []


def test_an_hour_that_was_a_year_ahead_forgets_nothing_that_was_told():
    desk = Desk().take(news(40))
    desk.take(news(90, NOW + 365 * 24 * HOUR, first=100, every=MINUTE))
    assert {f"s{n}" for n in range(40)} <= {a.story_id for a in desk.part.alerts.values()}
    desk.take(news(10, NOW + 14 * HOUR, first=1_000))
    again = desk.part.take(msgspec.structs.replace(told(3, NOW + HOUR), mention_id="again"))
    assert not any(alert.notify for alert in again)


def test_a_silence_is_told_when_the_time_has_come_and_not_when_a_clock_says_so():
    when = Condition(kind="silence", window_seconds=2 * 86_400)
    part = Partition({"silence": make_rule(rule_id="silence", when=when)})
    log = [
        *news(15),
        *news(3, NOW + 60 * HOUR, first=100),
    ]
    part.take_all(log)
    assert part.published == []


# --- conditions -------------------------------------------------------------------------------


def about(number, at, figure="ada", *, story="", feed=""):
    """A story of its own and a feed of its own, unless named."""
    item = make_item_ref(
        number=number,
        seen_at=at,
        published_at=at,
        enriched_at=at,
        feed_id=feed or f"feed-{number}",
    )
    story_of = Story(story_id=story or f"s{number}")
    return make_mention(item=item, story=story_of, figure=make_figure_hit(figure_id=figure))


def of_bob(hours):
    """News by which the partition knows the time."""
    return [about(5_000 + n, NOW + n * HOUR + 30 * MINUTE, "bob") for n in range(hours)]


def in_order(*logs):
    return sorted((m for log in logs for m in log), key=lambda mention: mention.item.seen_at)


def asking(kind, at_least=1, hours=24.0, **changes):
    when = Condition(kind=kind, at_least=at_least, window_seconds=int(hours * 3_600))
    return {
        "it": make_rule(rule_id="it", figures=FigureSelector(any=("ada",)), when=when, **changes)
    }


HOURLY = [about(n, NOW + n * HOUR) for n in range(20)]
ONE_STORY = [about(n, NOW + n * HOUR, story="same") for n in range(20)]
LATER = [about(1_000 + n, NOW + (61 + n) * HOUR) for n in range(2)]
"""When what is two days ahead would be news of the last day."""


OF_ADA = pytest.mark.parametrize(
    ("rules", "about_ada", "wrong"),
    [
        (asking("match"), HOURLY, {}),
        (asking("count", 12), HOURLY, {}),
        (asking("count", 3, group_by="figure"), [*HOURLY[:3], *LATER], {}),
        (asking("count", 18, group_by="figure"), HOURLY, {}),
        (asking("distinct_sources", 15), ONE_STORY, {"story": "same"}),
        (asking("distinct_sources", 15, group_by="figure"), HOURLY, {}),
        (asking("distinct_sources", 3, group_by="figure"), [*HOURLY[:3], *LATER], {}),
        (asking("first_seen", hours=7 * 24), HOURLY, {}),
        (asking("first_seen"), [*HOURLY, *LATER], {}),
        (asking("silence"), HOURLY, {}),
        (asking("silence"), [*HOURLY, *LATER], {}),
    ],
    ids=[
        "match", "count", "count when time has come there", "count by figure",
        "sources", "sources of a figure", "sources when time has come there",
        "first seen", "first seen when time has come there", "silence", "silence that is over",
    ],
)  # fmt: skip


def with_one_ahead(about_ada, wrong, ahead):
    """A log of right clocks, the same with one item that is ahead, and that item."""
    log, at = in_order(about_ada, of_bob(110)), NOW + 11 * HOUR
    item = about(9_999, at + ahead, **wrong)
    before = [mention for mention in log if mention.item.seen_at < at]
    return log, [*before, item, *log[len(before) :]], item


@AHEAD
@OF_ADA
def test_one_item_ahead_changes_no_alert_of_right_clocks(rules, about_ada, wrong, ahead):
    log, with_it, item = with_one_ahead(about_ada, wrong, ahead)
    right, other = Partition(rules), Partition(rules)
    right.take_all(log)
    other.take_all(with_it)
    own = {a.alert_id for a in other.published if item_ids(a) == {item.item.item_id}}
    assert right.published, "otherwise this tests nothing"
    assert told_of(other, own) == told_of(right, set())


@OF_ADA
@given(data=st.data())
@settings(FAST, max_examples=15)
def test_wherever_a_run_with_one_item_ahead_breaks_off_the_end_is_the_same(
    rules, about_ada, wrong, data
):
    _, log, _ = with_one_ahead(about_ada, wrong, 49 * HOUR)
    whole = Partition(rules)
    whole.take_all(log)
    broken = broken_off(Partition(rules), log, data.draw)
    assert broken.alerts == whole.alerts


def told_of(part, without):
    """What was published but for some alerts, whatever the offset."""
    return [
        msgspec.structs.replace(alert, mention_offset=-1)
        for alert in part.published
        if alert.alert_id not in without
    ]


@AHEAD
def test_a_burst_of_right_clocks_is_told_with_what_they_saw(ahead):
    part = Partition(asking("burst", hours=1))
    part.take_all(in_order(HOURLY, of_bob(12)))
    part.take(about(9_999, NOW + 19 * HOUR + ahead))
    first, second = (about(n, NOW + 19 * HOUR + n * MINUTE) for n in (101, 102))
    revise(part.book, first, part.index.rules, NOW, rules=part.rules)
    other = about(6_000, NOW + 21 * HOUR, "bob")
    at = other.item.seen_at
    burst = Trend(
        trend_id="burst", figure_id="ada", kind="burst", phase="begin", level=1, count=3,
        window_start=at, window_end=at, expected=0.1, score=4.0, reason="over",
    )  # fmt: skip
    (told, *_) = revise(part.book, other, [], NOW, rules=part.rules, trends=[burst])
    assert item_ids(told) == {first.item.item_id}
    (joined,) = revise(part.book, second, part.index.rules, NOW, rules=part.rules)
    assert item_ids(joined) == {first.item.item_id, second.item.item_id}


@AHEAD
def test_what_is_ahead_still_makes_alerts_of_its_own(ahead):
    part = Partition(asking("count", 3, group_by="figure"))
    part.take_all(in_order(HOURLY[:2], of_bob(12)))
    out = part.take_all([about(9_990 + n, NOW + ahead + (12 + n) * HOUR) for n in range(3)])
    assert {item_id for a in out for item_id in item_ids(a)} == {
        about(9_990 + n, NOW).item.item_id for n in range(3)
    }


def test_what_comes_after_two_days_without_news_counts():
    """It is not believed at once, since ten polls have said another time before."""
    part = Partition(asking("count", 15, group_by="figure"))
    part.take_all(in_order(HOURLY, of_bob(12)))
    later = NOW + 70 * HOUR
    part.take_all([about(500 + n, later + n * 5 * MINUTE) for n in range(15)])
    assert len(item_ids(part.published[-1])) == 15


def test_a_silence_goes_by_what_comes_after_two_days_without_news():
    part = Partition(asking("silence"))
    part.take_all(in_order(HOURLY[:12], of_bob(12)))
    later = NOW + 70 * HOUR
    part.take(about(500, later))
    part.take_all([about(6_000 + n, later + n * 3 * HOUR, "bob") for n in range(8)])
    assert part.published == []
    (begun,) = part.take_all([about(7_000 + n, later + (24 + n) * HOUR, "bob") for n in range(3)])
    assert f"the last was seen {later:%Y-%m-%d %H:%M}" in begun.update_reason


def test_who_is_heard_by_a_wrong_clock_alone_is_not_silent():
    part = Partition(asking("silence"))
    wrong = [about(9_000 + n, NOW + (12 + 6 * n) * HOUR) for n in range(10)]
    log = in_order(HOURLY[:12], wrong, of_bob(100))
    for mention in log:
        if mention in wrong:
            item = mention.item
            late = msgspec.structs.replace(item, seen_at=item.seen_at + 30 * 24 * HOUR)
            mention = msgspec.structs.replace(mention, item=late)
        part.take(mention)
        if mention.item.seen_at == NOW + 89 * HOUR + 30 * MINUTE:
            assert part.published == [], "the last was heard after 66 hours"
    assert [a.update_kind for a in part.published] == ["new"]


def test_what_is_ahead_ends_no_silence_that_began_later_when_it_is_read_again():
    part = Partition(asking("silence"))
    _, log, _ = with_one_ahead(HOURLY, {}, 49 * HOUR)
    part.take_all(log)
    before = dict(part.alerts)
    part.crash([])
    part.take_all(log)
    assert before
    assert part.alerts == before


@pytest.mark.parametrize("ahead", [5 * HOUR, 12 * HOUR, 23 * HOUR])
@pytest.mark.parametrize("kind", ["count", "distinct_sources"])
def test_one_item_some_hours_ahead_ends_no_window(kind, ahead):
    part = Partition(asking(kind, 3, hours=1, group_by="figure"))
    part.take_all(of_bob(12))
    at = NOW + 12 * HOUR
    part.take_all([about(0, at), about(1, at + 20 * MINUTE)])
    part.take(about(9_999, at + 25 * MINUTE + ahead))
    part.take(about(2, at + 40 * MINUTE))
    assert item_ids(next(iter(part.alerts.values()))) >= {
        about(n, at).item.item_id for n in range(3)
    }


def held(part):
    return sum(len(tally.held) for tally in part.book.conditions._tallies.values())


@AHEAD
def test_one_item_ahead_does_not_keep_all_that_comes_after_it(ahead):
    rules = asking("count", 500, hours=1)
    log = [about(n, NOW + n * 10 * MINUTE) for n in range(1_000)]
    right, other = Partition(rules), Partition(rules)
    right.take_all(log)
    other.take_all([*log[:20], about(9_999, log[20].item.seen_at + ahead), *log[20:]])
    assert held(other) == held(right) < 50


def test_what_is_only_ahead_is_forgotten_when_time_goes_on():
    """Each of some stories is told by a wrong clock alone, which never comes near them again."""
    part = Partition(asking("distinct_sources", 2, hours=1))
    log = of_bob(100)
    for n, mention in enumerate(log):
        part.take(mention)
        if n >= 12:
            part.take(about(9_000 + n, mention.item.seen_at + 400 * 24 * HOUR))
    assert held(part) < 30
    part.take_all([about(7_000 + n, NOW + (100 + n) * HOUR, "bob") for n in range(40)])
    assert part.book.conditions._tallies == {}


def test_a_clock_that_stays_ahead_does_not_fill_the_memory():
    part = Partition(asking("count", 500, hours=1))
    for n in range(2_000):
        at = NOW + n * 5 * MINUTE
        part.take(about(n, at))
        part.take(about(10_000 + n, at + 400 * 24 * HOUR * (n > 20)))
    assert held(part) < 100


# --- storms -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [2 * HOUR, 12 * HOUR, 23 * HOUR])
def test_a_clock_in_another_time_zone_makes_no_storm(ahead):
    """Two pollers, each with a story in half an hour."""
    desk = Desk()
    for n in range(100):
        at = NOW + n * 30 * MINUTE
        desk.take([told(n, at), told(1_000 + n, at + MINUTE + ahead)])
    assert not [a for a in desk.part.published if a.suppressed_by.startswith("storm")]


def test_a_language_that_catches_up_makes_no_storm():
    first, second = news(28, every=15 * MINUTE), news(28, first=1_000, every=15 * MINUTE)
    part = Partition({"everything": make_rule()})
    part.take_all([*first, *second])
    assert not [a for a in part.published if a.suppressed_by.startswith("storm")]


def test_a_storm_of_right_clocks_is_one_beside_a_clock_in_another_time_zone():
    part = Partition({"everything": make_rule()})
    other = news(200, NOW + 12 * HOUR, first=1_000, every=3 * MINUTE)
    part.take_all([*other, *news(40, NOW + 10 * HOUR, every=timedelta(seconds=5))])
    right = [a for a in part.published if a.revision == 1 and len(a.story_id) < 4]
    assert [a.notify for a in right] == [True] * 20 + [False] * 20


# --- laws -------------------------------------------------------------------------------------


@st.composite
def disturbed(draw):
    """A log in which some clocks are wrong, for one record or for several."""
    log, off = draw(mention_logs(most=25)), timedelta(0)
    offs: dict[str, timedelta] = {}  # what is told again bears the same time
    for n, mention in enumerate(log):
        if draw(st.integers(0, 3)) == 0:
            off = draw(st.sampled_from([0, 0, 49, 26, -60, 24 * 60])) * HOUR
        seen_at = mention.item.seen_at + offs.setdefault(mention.item.item_id, off)
        item = msgspec.structs.replace(mention.item, seen_at=seen_at)
        log[n] = msgspec.structs.replace(mention, item=item)
    return log


@pytest.mark.parametrize("rules", [RULES, OF_TRENDS], ids=["of mentions", "of time"])
@given(log=disturbed(), data=st.data())
@settings(FAST)
def test_wherever_a_run_breaks_off_the_end_is_the_same(rules, log, data):
    whole = Partition(rules)
    whole.take_all(log)
    broken = broken_off(Partition(rules), log, data.draw)
    assert broken.alerts == whole.alerts
    assert broken.book.clock == whole.book.clock
