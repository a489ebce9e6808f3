"""Alerts are kept for as long as their topic keeps them; those that are closed take little room."""

import tracemalloc
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.kept import ALERTS_KEPT, Kept
from streams.broker.topics import ALERTS, TOPICS
from streams.records import Alert, Story
from streams.testing import NOW, make_item_ref, make_mention, make_rule
from streams.wire import decode, encode
from tests.alerts.logs import Partition

DAY = timedelta(days=1)


def told(number, day, story):
    at = NOW + DAY * day
    return make_mention(
        item=make_item_ref(number=number, seen_at=at, published_at=at), story=Story(story_id=story)
    )


def alert(name, state, day=0):
    (begun,) = Partition({"everything": make_rule()}).take(told(1, 0, "one"))
    return msgspec.structs.replace(begun, alert_id=name, state=state, last_seen_at=NOW + DAY * day)


def test_as_long_as_the_topic_keeps_them():
    assert ALERTS_KEPT.total_seconds() == TOPICS[ALERTS].retention_seconds


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(("open", "quiet", "closed"))),
        max_size=12,
    )
)
def test_what_was_put_last_is_found_open_or_closed(revisions):
    kept, plain = Kept(), {}
    for number, (name, state) in enumerate(revisions):
        each = msgspec.structs.replace(alert(name, state), revision=number + 1)
        kept.put(each)
        plain[name] = each
    assert kept == plain
    assert len(kept) == len(plain)
    assert {a.alert_id for a in kept.open()} == {n for n, a in plain.items() if a.state != "closed"}
    assert [kept.get(name) for name in "abcd"] == [plain.get(name) for name in "abcd"]
    assert "e" not in kept
    assert kept.get("e") is None
    with pytest.raises(KeyError):
        kept["e"]


def test_closed_alerts_are_forgotten_after_ninety_days_open_ones_never():
    kept = Kept()
    for each in (alert("old", "closed"), alert("new", "closed", 5), alert("open", "open")):
        kept.put(each)
    assert not kept.forget(NOW + ALERTS_KEPT)
    assert [a.alert_id for a in kept.forget(NOW + ALERTS_KEPT + DAY)] == ["old"]
    assert {*kept} == {"new", "open"}


def test_a_year_of_stories_leaves_the_alerts_of_ninety_days():
    part = Partition({"everything": make_rule()})
    part.take_all([told(day, day, f"story-{day}") for day in range(365)])
    assert len(part.alerts) <= 93
    assert part.alerts[part.published[-1].alert_id].state == "open"


def test_a_story_that_returns_within_ninety_days_gets_an_episode_of_its_own():
    part = Partition({"everything": make_rule()})
    others = [told(9, day, f"else-{day}") for day in range(1, 60)]
    part.take_all([told(1, 0, "one"), *others, told(2, 60, "one")])
    of_it = [a for a in part.alerts.values() if a.story_id == "one"]
    first, second = sorted(of_it, key=lambda a: a.episode)
    assert (second.episode, second.derived_from) == (1, first.alert_id)


def test_a_closed_alert_takes_less_than_half_of_the_memory():
    def size(state):
        tracemalloc.start()
        kept = Kept()
        for number in range(300):
            kept.put(decode(Alert, encode(alert(f"alert-{number}", state))))
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held

    assert size("closed") < size("open") / 2
