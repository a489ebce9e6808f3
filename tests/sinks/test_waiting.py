from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records import Triage
from streams.sinks.ledger import Ledger, read_bookmark
from streams.sinks.waiting import TOLD_KEPT, WAITING_LIMIT, Waiting
from tests.desk.samples import NOON, make_alert

FIRST: dict[str, Any] = {}
QUIET: dict[str, Any] = {"notify": False, "update_kind": "coverage"}
CLOSED: dict[str, Any] = {"notify": False, "update_kind": "closed", "state": "closed"}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def record_at(offset: int, made: datetime) -> Any:
    return SimpleNamespace(offset=offset, timestamp=made.timestamp() * 1000)


def until(seconds: float) -> dict[str, Any]:
    return {"hold_until": at(seconds)}


def by(status: Any, seconds: float | None = None) -> dict[str, Any]:
    triage = Triage(status=status, actor="kim", until=None if seconds is None else at(seconds))
    return {"notify": False, "update_kind": "human", "triage": triage}


def play(revisions, until_second=100_000.0, step=1.0) -> list[tuple[float, int, str]]:
    """Seconds, revision and why not, of every message of one alert that is read as it is made."""
    waiting, told = Waiting(), []
    coming = [
        (second, make_alert("a", number, **changes))
        for number, (second, changes) in enumerate(revisions, 1)
    ]
    ticks = sorted({s for s, _ in coming} | {s + step * n for s, _ in coming for n in range(400)})
    for second in [*ticks, until_second]:
        for made, alert in coming:
            if made == second:
                waiting.take(alert, record_at(alert.revision, at(made)))
        told += [(second, due.alert.revision, due.dropped) for due in waiting.due(at(second))]
    return told


@pytest.mark.parametrize(
    ("revisions", "expected"),
    [
        # at once, and never again
        ([(0, FIRST)], [(0, 1, "")]),
        ([(0, FIRST), (40, QUIET)], [(0, 1, "")]),
        # one message for what comes within the wait, in its newest form
        ([(0, until(30)), (10, QUIET | until(30))], [(30, 2, "")]),
        ([(0, until(30)), (10, until(30)), (20, QUIET | until(30))], [(30, 3, "")]),
        # what comes after it carries the time of a message that is told
        ([(0, until(30)), (40, QUIET | until(30))], [(30, 1, "")]),
        ([(0, until(30)), (40, until(330)), (90, QUIET | until(330))], [(30, 1, ""), (330, 3, "")]),
        # flash does not wait, and takes along what did
        ([(0, until(30)), (10, {"severity": "flash"})], [(10, 2, "")]),
        # suppressed until the morning; the night's coverage goes along
        ([(0, QUIET | until(9_000)), (60, QUIET | until(9_000))], [(100_000, 2, "")]),
        ([(0, QUIET | until(50)), (20, QUIET | until(50))], [(50, 2, "")]),
        # a rule that was edited, or a silence: the newest time counts
        ([(0, until(30)), (10, QUIET | until(200))], [(200, 2, "")]),
        # suppressed for good: nobody is told
        ([(0, QUIET | {"suppressed_by": "backfill"})], []),
        # closed, superseded, dismissed, snoozed before it was due
        ([(0, until(30)), (10, CLOSED)], [(30, 2, "closed")]),
        ([(0, until(30)), (10, CLOSED | {"superseded_by": "b"})], [(30, 2, "superseded by b")]),
        ([(0, until(30)), (10, by("dismissed") | until(30))], [(30, 2, "dismissed by kim")]),
        ([(0, until(30)), (10, by("snoozed", 99) | until(30))], [(30, 2, "snoozed by kim")]),
        ([(0, until(30)), (10, by("snoozed") | until(30))], [(30, 2, "snoozed by kim")]),
        # a snooze that ends then has only held it back
        ([(0, QUIET | by("snoozed", 60) | until(60))], [(60, 1, "")]),
        # what a person is at work on is told to the others
        ([(0, until(30)), (10, by("acknowledged") | until(30))], [(30, 2, "")]),
        # reopened in time
        ([(0, until(30)), (10, by("dismissed") | until(30)), (20, by("new") | until(30))], [(30, 3, "")]),
        # taken back before anybody was told: decide gives no notification, and none is sent
        ([(0, until(30)), (10, CLOSED | {"update_kind": "retraction"})], [(30, 2, "closed")]),
        # taken back, or corrected, after that: told whatever has been done with it
        ([(0, FIRST), (10, {"update_kind": "retraction", "state": "closed"})], [(0, 1, ""), (10, 2, "")]),
        (
            [(0, FIRST), (10, {"update_kind": "retraction", "state": "closed"} | until(60)),
             (20, by("dismissed") | until(60) | {"state": "closed"})],
            [(0, 1, ""), (60, 3, "")],
        ),
        (
            [(0, FIRST), (10, by("dismissed") | {"notify": True, "update_kind": "correction"})],
            [(0, 1, ""), (10, 2, "")],
        ),
    ],
)  # fmt: skip
def test_when_people_are_told_and_of_what(revisions, expected):
    assert play(revisions) == expected


def read(waiting: Waiting, *revisions) -> None:
    """What a process reads at once that has been away."""
    for offset, (second, alert) in enumerate(revisions):
        waiting.take(alert, record_at(offset, at(second)))


def told(waiting: Waiting, second: float) -> list[tuple[str, int, str]]:
    return [(d.alert.alert_id, d.alert.revision, d.dropped) for d in waiting.due(at(second))]


def test_an_alert_that_ended_long_after_its_message_was_due_is_told():
    waiting = Waiting()
    read(waiting, (0, make_alert("a", 1, **until(30))), (86_400, make_alert("a", 2, **CLOSED)))
    assert told(waiting, 90_000) == [("a", 1, "")]


def test_late_coverage_does_not_tell_again():
    """It was seen before the message went out, and read after."""
    waiting = Waiting()
    read(waiting, (0, make_alert("a", 1, **until(30))))
    assert told(waiting, 30) == [("a", 1, "")]
    read(waiting, (20, make_alert("a", 2, **QUIET, **until(30))))
    assert told(waiting, 40) == []


def test_after_a_restart_coverage_of_what_was_told_before_tells_nothing():
    waiting = Waiting()
    read(waiting, (40, make_alert("a", 2, **QUIET, **until(30))))
    assert told(waiting, 40) == []


def test_what_was_open_is_told_though_the_revision_that_asked_is_compacted_away():
    """The process was away when it was due; by then there was coverage, which alone is kept."""
    waiting, late = Waiting(), make_alert("a", 2, **QUIET, **until(30))
    assert waiting.take(late, record_at(7, at(40)), was_open=True).waits
    assert told(waiting, 40) == [("a", 2, "")]


def test_the_revision_that_asked_stays_open_if_the_newest_would_not_ask_again():
    waiting = Waiting()
    waiting.take(make_alert("a", 1, **until(30)), record_at(4, at(0)))
    again = waiting.take(make_alert("a", 2, **until(30)), record_at(5, at(10)))
    assert (again.waits, again.released) == (True, (4,))
    for number, made in [(6, 40), (7, 50)]:
        taken = waiting.take(
            make_alert("a", number, **QUIET, **until(30)), record_at(number, at(made))
        )
        assert taken.waits
    assert taken.released == (6,)
    [due] = waiting.due(at(60))
    assert due.offsets == (5, 7)


def test_a_revision_that_is_written_twice_or_too_late_is_told_once():
    waiting = Waiting()
    read(waiting, (0, make_alert("a", 2)), (0, make_alert("a", 2)), (0, make_alert("a", 1)))
    assert told(waiting, 0) == [("a", 2, "")]
    read(waiting, (0, make_alert("a", 2)), (0, make_alert("a", 1)))
    assert told(waiting, 0) == []


def test_what_is_due_at_once_does_not_wait_for_a_clock_that_goes_ahead():
    waiting = Waiting()
    read(waiting, (5, make_alert("a")))
    assert told(waiting, 0) == [("a", 1, "")]


def test_it_does_not_grow_without_bound():
    waiting = Waiting()
    for number in range(WAITING_LIMIT):
        assert waiting.take(make_alert(f"a{number}", **until(30)), record_at(number, NOON)).waits
    late = record_at(9_999, NOON)
    assert waiting.take(make_alert("b", **until(30)), late).refused
    assert waiting.take(make_alert("a1", 2, **until(30)), late).waits  # in the place of the first
    assert waiting.take(make_alert("c"), late).waits  # at once
    assert len(told(waiting, 30)) == WAITING_LIMIT + 1
    for number in range(TOLD_KEPT + 10):
        read(waiting, (0, make_alert(f"b{number}")))
        waiting.due(NOON)
    assert len(waiting._told) == TOLD_KEPT


# --- laws -------------------------------------------------------------------------------------------

DELAYS = st.sampled_from([None, -5.0, 0.0, 10.0, 30.0, 300.0])
SHAPES: list[dict[str, Any]] = [
    FIRST, FIRST, QUIET, QUIET, QUIET, CLOSED, by("dismissed"), by("snoozed", 200), by("new"),
    {"severity": "flash"}, {"update_kind": "retraction", "state": "closed"},
]  # fmt: skip
STEPS = st.one_of(
    st.tuples(st.sampled_from("abc"), st.sampled_from(SHAPES), DELAYS, st.sampled_from([0, 20])),
    st.floats(0.1, 60),  # time passes
    st.just("restart"),
)


class Scene:
    """A log that is read as it grows, by a process that is restarted; and all that it told."""

    def __init__(self) -> None:
        self.now = NOON
        self.log: list[tuple[Any, Any]] = []
        self.waiting, self.ledger = Waiting(), Ledger[str]()
        self.ledger.begin("p", 0)
        self.told: list[tuple[datetime, Any, str]] = []
        self.asked: list[Any] = []
        self.reread = 0

    def publish(self, alert_id: str, shape, delay, late) -> None:
        revisions = [a.revision for a, _ in self.log if a.alert_id == alert_id]
        made = self.now - timedelta(seconds=late)
        hold = None if delay is None else made + timedelta(seconds=delay)
        changes = shape if shape.get("severity") == "flash" else shape | {"hold_until": hold}
        alert = make_alert(alert_id, max(revisions, default=0) + 1, **changes)
        record = record_at(len(self.log), made)
        self.log.append((alert, record))
        if alert.notify:
            self.asked.append(alert)
        self.take(alert, record)

    def take(self, alert, record) -> None:
        taken = self.waiting.take(alert, record, was_open=self.ledger.was_open("p", record.offset))
        self.ledger.add("p", record.offset, [""] if taken.waits else [])
        for offset in taken.released:
            self.ledger.done("p", offset, "")

    def tick(self) -> None:
        for due in self.waiting.due(self.now):
            self.told.append((self.now, due.alert, due.dropped))
            for offset in due.offsets:
                self.ledger.done("p", offset, "")

    def restart(self) -> None:
        [(offset, text)] = self.ledger.committable().values()
        self.waiting, self.ledger = Waiting(), Ledger[str]()
        self.ledger.begin("p", offset, read_bookmark(offset, text))
        for alert, record in self.log[offset:]:
            self.take(alert, record)


@given(st.lists(STEPS, max_size=40))
def test_laws(steps):
    scene = Scene()
    for step in [*steps, 100_000.0]:
        if step == "restart":
            scene.restart()
        elif isinstance(step, float):
            scene.now += timedelta(seconds=step)
        else:
            scene.publish(*step)
        scene.tick()
        # What is due is told in this moment.
        following = scene.waiting.next_due()
        assert following is None or following > scene.now
    told_revisions = [(a.alert_id, a.revision) for _, a, dropped in scene.told if not dropped]
    # Nothing is told twice.
    assert len(set(told_revisions)) == len(told_revisions)
    for alert_id in "abc":
        # Never an older revision after a newer one.
        revisions = [revision for each, revision in told_revisions if each == alert_id]
        assert revisions == sorted(revisions)
    for now, alert, dropped in scene.told:
        # Never before its time, and dropped only for a reason that can be seen in it.
        assert alert.hold_until is None or now >= alert.hold_until
        assert not dropped or alert.state == "closed" or alert.triage.status != "new"
    for asked in scene.asked:
        # Nothing is lost: it is told, or dropped, in this form or a newer one.
        assert any(
            alert.alert_id == asked.alert_id and alert.revision >= asked.revision
            for _, alert, _ in scene.told
        )
    # All is done in the end.
    assert not len(scene.waiting)
    [(offset, text)] = scene.ledger.committable().values()
    assert (offset, text) == (len(scene.log), "")


def test_an_alert_that_the_topic_has_forgotten_is_not_told():
    waiting = Waiting()
    for offset, name in enumerate("ab"):
        waiting.take(make_alert(name, **until(60)), record_at(offset, at(0)))
    assert waiting.forget("a") == (0,)
    assert waiting.forget("a") == ()
    assert [due.alert.alert_id for due in waiting.due(at(60))] == ["b"]


@pytest.mark.parametrize(
    ("wait", "set_back", "is_told"),
    [
        (30, 0, False),
        (30, 60, False),  # clocks of two machines may differ by so much
        (30, 3600, True),
        (300, 3600, True),
        (8 * 3600, 3600, False),  # quiet hours: it waits for the time of the day
    ],
)
def test_a_clock_that_was_set_back_holds_up_no_message_that_only_waits_for_more(
    wait, set_back, is_told
):
    waiting = Waiting()
    waiting.take(make_alert("a", 1, **until(wait)), record_at(1, at(0)))
    assert bool(waiting.due(at(1 - set_back))) == is_told
    assert len(waiting) == (not is_told)
