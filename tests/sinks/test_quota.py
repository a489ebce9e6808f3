from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from streams.sinks.lanes import Delivery
from streams.sinks.quota import DIGEST_LIMIT, Quota
from tests.desk.samples import NOON, make_alert


class Scene:
    """A quota, and the messages that it let out: minute, alerts told, alerts covered."""

    def __init__(self, max_per_hour: int | None) -> None:
        self.quota = Quota(max_per_hour)
        self.messages: list[tuple[float, list[str], list[str]]] = []

    def admit(self, minute: float, name: str, revision: int = 1, **changes) -> None:
        delivery = Delivery(make_alert(name, revision, **changes), SimpleNamespace())
        self._note(minute, self.quota.admit(delivery, NOON + timedelta(minutes=minute)))

    def tick(self, minute: float) -> None:
        self._note(minute, self.quota.due(NOON + timedelta(minutes=minute)))

    def _note(self, minute, message) -> None:
        if message:
            told, covered = (
                [f"{d.alert.alert_id}{d.alert.revision}" for d in each] for each in message
            )
            self.messages.append((minute, told, covered))


def test_without_a_limit_each_is_a_message():
    scene = Scene(None)
    for name in "abc":
        scene.admit(0, name)
        scene.tick(0)
    assert scene.messages == [(0, ["a1"], []), (0, ["b1"], []), (0, ["c1"], [])]
    assert scene.quota.next_due() is None


def test_beyond_the_limit_one_digest_tells_all_when_the_hour_is_over():
    scene = Scene(2)
    for minute, name in enumerate("abcd"):
        scene.admit(minute, name)
        scene.tick(minute)
    assert scene.quota.next_due() == NOON + timedelta(minutes=60)
    scene.tick(59.9)
    assert scene.messages == [(0, ["a1"], []), (1, ["b1"], [])]
    scene.tick(60)
    assert scene.messages[2:] == [(60, ["c1", "d1"], [])]
    scene.admit(60.5, "e")  # b and the digest fill the hour
    scene.tick(61)
    assert scene.messages[3:] == [(61, ["e1"], [])]


def test_what_comes_when_a_digest_is_due_goes_along():
    scene = Scene(1)
    for minute, name in [(0, "a"), (1, "b"), (60, "c")]:
        scene.admit(minute, name)
    scene.tick(60)
    assert scene.messages[1:] == [(60, ["b1", "c1"], [])]


def test_a_digest_tells_the_newest_revision_of_each_alert():
    scene = Scene(1)
    scene.admit(0, "a")
    for name, revision in [("b", 1), ("c", 1), ("b", 2)]:
        scene.admit(1, name, revision)
    scene.tick(60)
    assert scene.messages[1:] == [(60, ["c1", "b2"], ["b1"])]


def test_flash_and_what_takes_back_something_do_not_wait_and_leave_nothing_older_behind():
    scene = Scene(1)
    scene.admit(0, "a")
    scene.admit(1, "b")
    scene.admit(2, "b", 2, severity="flash")
    scene.admit(3, "a", 2, update_kind="retraction")
    assert scene.messages[1:] == [(2, ["b2"], ["b1"]), (3, ["a2"], [])]
    scene.tick(500)
    assert len(scene.messages) == 3


def test_what_is_collected_does_not_grow_without_bound():
    scene = Scene(1)
    for number in range(DIGEST_LIMIT + 1):
        scene.admit(1, f"a{number}-")
    assert [len(told) for _, told, _ in scene.messages] == [1, DIGEST_LIMIT]


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from([0, 1, 7, 40]), st.sampled_from("abcd")), max_size=40),
)
def test_laws(limit, coming):
    scene, minute = Scene(limit), 0.0
    for revision, (step, name) in enumerate(coming, 1):
        for _ in range(step):
            minute += 1
            scene.tick(minute)
        scene.admit(minute, name, revision)
    scene.tick(minute + 60)
    accounted = [each for _, told, covered in scene.messages for each in (*told, *covered)]
    assert sorted(accounted) == sorted(f"{name}{n}" for n, (_, name) in enumerate(coming, 1))
    times = [minute for minute, _, _ in scene.messages]
    assert all(later - first >= 60 for first, later in zip(times, times[limit:], strict=False))
    for name in "abcd":
        told = [each for _, message, _ in scene.messages for each in message if each[0] == name]
        assert told == sorted(told, key=lambda each: int(each[1:]))


def test_a_clock_that_was_set_back_holds_up_no_digest():
    scene = Scene(1)
    scene.admit(0, "a")
    scene.admit(1, "b")
    scene.tick(30)
    scene.tick(-50)  # an hour back, ten minutes later
    assert scene.messages[1:] == [(-50, ["b1"], [])]
