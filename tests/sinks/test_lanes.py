from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import SinkError
from streams.sinks.lanes import (
    LANE_LIMIT,
    RETRY_SECONDS,
    Delivery,
    GiveUp,
    Lane,
    Ledger,
    RetryAfter,
    decide,
)
from streams.sinks.webhook import ReceiverGoneError
from tests.desk.samples import make_alert

# --- the schedule -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempts", "asked", "expected"),
    [
        (1, 0.0, RetryAfter(5.0)),
        (2, 0.0, RetryAfter(30.0)),
        (3, 0.0, RetryAfter(120.0)),
        (4, 0.0, RetryAfter(300.0)),
        (5, 0.0, GiveUp("5 attempts failed")),
        (1, 60.0, RetryAfter(60.0)),  # the receiver may ask for more than the schedule
        (3, 60.0, RetryAfter(120.0)),  # but not for less
        (1, None, GiveUp("the receiver will never take it")),
    ],
)
def test_what_follows_a_failure(attempts, asked, expected):
    assert decide(SinkError("no", retry_after_seconds=asked), attempts) == expected


# --- the ledger -----------------------------------------------------------------------------------


def test_only_what_everybody_is_done_with_is_committable():
    ledger = Ledger[str]()
    ledger.begin("p", 10)
    assert ledger.committable() == {"p": 10}
    assert ledger.add("p", 10, ["a", "b"])
    assert ledger.add("p", 11, ["b"])
    assert ledger.add("p", 12, [])
    ledger.done("p", 11, "b")
    ledger.done("p", 10, "a")
    assert ledger.committable() == {"p": 10}
    ledger.done("p", 10, "b")
    assert ledger.committable() == {"p": 13}


def test_one_receiver_is_not_done_for_another():
    ledger = Ledger[str]()
    ledger.begin("p", 4)
    ledger.add("p", 4, ["a", "b"])
    ledger.done("p", 4, "a")
    ledger.done("p", 4, "a")
    assert not ledger.is_open("p", 4, "a")
    assert ledger.is_open("p", 4, "b")
    assert ledger.committable() == {"p": 4}


def test_a_repeated_offset_is_known():
    ledger = Ledger[str]()
    ledger.begin("p", 0)
    assert ledger.add("p", 0, ["a"])
    assert not ledger.add("p", 0, ["a"])
    ledger.done("p", 0, "a")
    assert not ledger.add("p", 0, ["a"])
    assert ledger.committable() == {"p": 1}


def test_a_lost_partition_is_forgotten():
    ledger = Ledger[str]()
    ledger.begin("p", 0)
    ledger.add("p", 0, ["a"])
    ledger.keep([])
    assert not ledger.is_open("p", 0, "a")
    assert not ledger.knows("p")
    ledger.done("p", 0, "a")
    assert ledger.committable() == {}
    assert not ledger.add("p", 1, ["a"])


@given(
    st.lists(st.frozensets(st.sampled_from("abc")), max_size=20),
    st.randoms(use_true_random=False),
)
def test_nothing_open_lies_before_what_is_committable(waits, random):
    ledger = Ledger[str]()
    ledger.begin("p", 0)
    work = [(offset, receiver) for offset, receivers in enumerate(waits) for receiver in receivers]
    for offset, receivers in enumerate(waits):
        ledger.add("p", offset, receivers)
    random.shuffle(work)
    while work:
        ledger.done("p", *work.pop())
        still_owed = [offset for offset, _ in work]
        assert ledger.committable() == {"p": min(still_owed, default=len(waits))}


# --- lanes -----------------------------------------------------------------------------------------


class Scene:
    """A lane whose receiver fails as told, and what came of it."""

    def __init__(self, *failures: SinkError | None) -> None:
        self.failures = list(failures)
        self.told: list[str] = []
        self.given_up: list[tuple[str, int]] = []
        self.done: list[str] = []
        self.slept: list[float] = []
        self.unwanted: set[str] = set()
        self.lane = Lane(
            "desk",
            tell=self.tell,
            give_up=self.give_up,
            done=lambda delivery: self.done.append(delivery.alert.alert_id),
            wanted=lambda delivery: delivery.alert.alert_id not in self.unwanted,
            sleep=self.sleep,
        )

    async def tell(self, alert) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        self.told.append(alert.alert_id)

    async def give_up(self, delivery, error, attempts) -> None:
        self.given_up.append((delivery.alert.alert_id, attempts))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def play(self, *alert_ids: str) -> None:
        for alert_id in alert_ids:
            await self.lane.put(Delivery(make_alert(alert_id), SimpleNamespace()))
        running = asyncio.create_task(self.lane.run())
        for _ in range(100):
            await asyncio.sleep(0)
        running.cancel()


def refused(wait: float | None = 0.0) -> SinkError:
    return SinkError("refused", retry_after_seconds=wait)


async def test_a_failing_alert_is_tried_again_and_the_next_one_waits():
    scene = Scene(refused(), refused(), None)
    await scene.play("a", "b")
    assert scene.told == ["a", "b"]
    assert scene.slept == [5.0, 30.0]
    assert scene.done == ["a", "b"]


async def test_after_the_last_attempt_an_alert_is_set_aside_and_the_next_one_told():
    scene = Scene(*[refused()] * 5)
    await scene.play("a", "b")
    assert scene.given_up == [("a", 5)]
    assert scene.slept == list(RETRY_SECONDS)
    assert scene.told == ["b"]
    assert scene.done == ["a", "b"]


async def test_what_will_never_work_is_not_tried_again():
    scene = Scene(refused(None))
    await scene.play("a", "b")
    assert scene.given_up == [("a", 1)]
    assert scene.slept == []
    assert scene.told == ["b"]


async def test_gone_disables_the_receiver_and_loses_nothing():
    scene = Scene(ReceiverGoneError("410"))
    await scene.play("a", "b")
    assert scene.told == []
    assert scene.given_up == [("a", 1), ("b", 0)]
    assert scene.lane.disabled


async def test_what_has_become_somebody_elses_is_dropped():
    scene = Scene()
    scene.unwanted = {"a"}
    await scene.play("a", "b")
    assert scene.told == ["b"]
    assert scene.done == ["b"]


async def test_too_many_waiting_alerts_are_set_aside_at_once():
    scene = Scene()
    alert = make_alert("a")
    for _ in range(LANE_LIMIT + 1):
        await scene.lane.put(Delivery(alert, SimpleNamespace()))
    assert scene.given_up == [("a", 0)]
    assert scene.done == ["a"]
