from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from streams.errors import SinkError
from streams.sinks.lanes import (
    LANE_LIMIT,
    RETRY_SECONDS,
    Delivery,
    GiveUp,
    Lane,
    Message,
    RetryAfter,
    decide,
)
from streams.sinks.webhook import ReceiverGoneError
from tests.desk.samples import NOON, make_alert

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


# --- lanes -----------------------------------------------------------------------------------------


def delivery(alert_id: str) -> Delivery:
    return Delivery(make_alert(alert_id), SimpleNamespace())


class Scene:
    """A lane whose receiver fails as told, and what came of it."""

    def __init__(self, *failures: SinkError | None) -> None:
        self.failures = list(failures)
        self.told: list[str] = []
        self.given_up: list[tuple[str, int]] = []
        self.done: list[str] = []
        self.slept: list[float] = []
        self.unwanted: set[str] = set()
        self.messages = 0
        self.lane = Lane(
            "desk",
            tell=self.tell,
            give_up=self.give_up,
            done=lambda delivery: self.done.append(delivery.alert.alert_id),
            wanted=lambda delivery: delivery.alert.alert_id not in self.unwanted,
            sleep=self.sleep,
            clock=lambda: NOON + timedelta(seconds=40.2),
        )

    async def tell(self, alerts) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        self.told += [alert.alert_id for alert in alerts]
        self.messages += 1

    async def give_up(self, delivery, error, attempts) -> None:
        self.given_up.append((delivery.alert.alert_id, attempts))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def play(self, *alert_ids: str) -> None:
        for alert_id in alert_ids:
            await self.lane.put(Message((delivery(alert_id),)))
        await self.run()

    async def run(self) -> None:
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
        await scene.lane.put(Message((Delivery(alert, SimpleNamespace()),)))
    assert scene.given_up == [("a", 0)]
    assert scene.done == ["a"]


async def test_a_digest_is_one_message_and_done_with_all_that_it_covers():
    scene = Scene(refused(), None)
    scene.unwanted = {"b"}
    await scene.lane.put(Message((delivery("a"), delivery("b"), delivery("c")), (delivery("a"),)))
    await scene.run()
    assert (scene.told, scene.messages) == (["a", "c"], 1)
    assert scene.done == ["a", "c", "a"]


async def test_a_digest_that_nobody_takes_is_set_aside_alert_by_alert():
    scene = Scene(refused(None))
    await scene.lane.put(Message((delivery("a"), delivery("c"))))
    await scene.run()
    assert scene.given_up == [("a", 1), ("c", 1)]


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"receiver": "desk", **labels}) or 0.0


async def test_the_latency_ledger_ends_with_the_delivery():
    """Alerts of these samples were first seen 1.8 s before noon."""
    before = sample("news_delivery_latency_seconds_sum")
    counted = sample("news_notifications_total", outcome="delivered")
    with capture_logs() as lines:
        await Scene().play("a")
    assert sample("news_delivery_latency_seconds_sum") - before == pytest.approx(42.0)
    assert sample("news_notifications_total", outcome="delivered") - counted == 1
    [line] = [line for line in lines if line["event"] == "delivered"]
    assert (line["alert"], line["seen_to_delivered_seconds"]) == ("a", 42.0)


async def test_what_was_deleted_meanwhile_is_not_told():
    """Neither what waits in the queue nor what is being tried again."""
    scene = Scene(refused(), refused(), None)
    sleep = scene.sleep

    async def delete_meanwhile(seconds: float) -> None:
        await sleep(seconds)
        for alert_id in ("a", "b"):
            scene.lane.forget(alert_id)
            scene.unwanted.update(scene.done)

    scene.lane._sleep = delete_meanwhile
    await scene.play("a", "b", "c")
    assert scene.slept == [5.0, 5.0]
    assert scene.told == ["c"]
    assert {"a", "b", "c"} == set(scene.done)
    assert scene.given_up == []
    assert scene.lane._held == {}
