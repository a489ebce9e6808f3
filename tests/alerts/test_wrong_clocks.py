"""Whoever polls may have a wrong clock for a while: alerts about what comes after are told all the same."""

from datetime import timedelta
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.alerts.living import CLOSED_AFTER
from streams.event_clock import APART
from streams.records import Condition, Story
from streams.sinks.waiting import Waiting
from streams.testing import NOW, make_item_ref, make_mention, make_rule
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
