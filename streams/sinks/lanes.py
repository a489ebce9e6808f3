"""One lane per receiver, so that a slow or dead one never delays the others.

A lane sends its receiver one message at a time and tries each a bounded number of times. Because
lanes are independent, an offset is committed only when every lane is done with everything up to
it: the ledger knows how far that is (`streams.sinks.ledger`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from streams import metrics
from streams.config import utc_now
from streams.errors import SinkError
from streams.records import Alert
from streams.sinks.webhook import ReceiverGoneError
from streams.tracing import follow

__all__ = ["Delivery", "GiveUp", "Lane", "Message", "RetryAfter", "decide"]

log = structlog.get_logger(__name__)

RETRY_SECONDS = (5.0, 30.0, 120.0, 300.0)
"""Waits between attempts: a restart of the receiver is bridged, and five attempts in under eight
minutes keep the alerts behind this one fresh. What fails longer waits in the dead letters."""
LANE_LIMIT = 5_000
"""Messages for one receiver; beyond, they go to the dead letters rather than into memory. What a night has
held back falls due within a moment, so there must be room for it."""


class RetryAfter(NamedTuple):
    """Try again after so many seconds."""

    seconds: float


class GiveUp(NamedTuple):
    """Set the alert aside."""

    reason: str


def decide(error: SinkError, attempts: int) -> RetryAfter | GiveUp:
    """What follows a failed attempt.

    Args:
        error: of the last attempt.
        attempts: made so far, at least 1.
    """
    if error.retry_after_seconds is None:
        return GiveUp("the receiver will never take it")
    if attempts > len(RETRY_SECONDS):
        return GiveUp(f"{attempts} attempts failed")
    return RetryAfter(max(RETRY_SECONDS[attempts - 1], error.retry_after_seconds))


class Delivery(NamedTuple):
    """An alert on its way to one receiver."""

    alert: Alert
    record: Any
    """aiokafka's ConsumerRecord, for the dead letter."""
    offsets: tuple[int, ...] = ()
    """In the record's partition: open until the receiver has it."""


class Message(NamedTuple):
    """What one request tells: an alert, or a digest of several."""

    told: tuple[Delivery, ...]
    covered: tuple[Delivery, ...] = ()
    """Earlier revisions of the same alerts, which need not be told any more."""


class Lane:
    """Sends one receiver its messages, one after the other.

    Args:
        receiver_id: for the log.
        tell: makes one attempt to tell the alerts of a message; raises SinkError.
        give_up: sets a delivery aside, with the error and the number of attempts.
        done: is called when a delivery has been made or set aside.
        wanted: False if a delivery is somebody else's by now, or has been made; it is dropped.
        sleep: waits; a parameter for the tests, like the clock.
        clock: for the latency.
    """

    def __init__(
        self,
        receiver_id: str,
        *,
        tell: Callable[[Sequence[Alert]], Awaitable[None]],
        give_up: Callable[[Delivery, SinkError, int], Awaitable[None]],
        done: Callable[[Delivery], None],
        wanted: Callable[[Delivery], bool],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._id, self._log = receiver_id, log.bind(receiver=receiver_id)
        self._tell, self._give_up, self._done = tell, give_up, done
        self._wanted, self._sleep, self._clock = wanted, sleep, clock
        self._queue: asyncio.Queue[Message] = asyncio.Queue(LANE_LIMIT)
        self._held: dict[str, list[Delivery]] = {}
        """What is in the queue or being told, by alert_id."""
        self.disabled = False

    async def put(self, message: Message) -> None:
        """Take a message; set it aside if too many wait already."""
        if self._queue.full():
            error = SinkError("too many alerts wait for this receiver")
            await self._set_aside(message.told, error, 0)
            self._finish(message)
        else:
            self._queue.put_nowait(message)
            for delivery in (*message.told, *message.covered):
                self._held.setdefault(delivery.alert.alert_id, []).append(delivery)

    def forget(self, alert_id: str) -> None:
        """Tell no more of an alert that is no more; what is on its way in this moment cannot be called back."""
        for delivery in self._held.get(alert_id, ()):
            self._done(delivery)

    async def run(self) -> None:
        """Deliver until cancelled; what has not been done by then is read again later."""
        while True:
            message = await self._queue.get()
            told = tuple(delivery for delivery in message.told if self._wanted(delivery))
            if told:
                await self._trace(told)
            self._finish(Message(told, message.covered))
            for delivery in (*message.told, *message.covered):
                self._let_go(delivery)

    def _finish(self, message: Message) -> None:
        for delivery in (*message.told, *message.covered):
            self._done(delivery)

    def _let_go(self, delivery: Delivery) -> None:
        held = self._held[delivery.alert.alert_id]
        held.remove(delivery)
        if not held:
            del self._held[delivery.alert.alert_id]

    async def _trace(self, told: tuple[Delivery, ...]) -> None:
        """Deliver, as the last step of each alert's way; its wait before was on purpose."""
        steps = [follow("notify", delivery.record, receiver=self._id) for delivery in told]
        failure = await self._deliver(told)
        for step in steps:
            if failure is not None:
                step.fail(failure)
            step.end()

    async def _deliver(self, told: tuple[Delivery, ...]) -> SinkError | None:
        """Try until it is told, set aside or not wanted any more; returns why it was set aside."""
        attempts = 0
        while not self.disabled:
            told = tuple(delivery for delivery in told if self._wanted(delivery))
            if not told:
                return None
            attempts += 1
            try:
                await self._tell([delivery.alert for delivery in told])
            except SinkError as error:
                self.disabled = isinstance(error, ReceiverGoneError)
                match decide(error, attempts):
                    case GiveUp():
                        await self._set_aside(told, error, attempts)
                        return error
                    case RetryAfter(seconds):
                        metrics.NOTIFICATIONS.labels(self._id, "retry").inc()
                        self._log.warning("retry", reason=str(error), seconds=seconds)
                        await self._sleep(seconds)
            else:
                self._note(told, attempts)
                return None
        gone = ReceiverGoneError("disabled by an earlier 410 Gone")
        await self._set_aside(told, gone, 0)
        return gone

    async def _set_aside(self, told: Sequence[Delivery], error: SinkError, attempts: int) -> None:
        for delivery in told:
            await self._give_up(delivery, error, attempts)
        metrics.NOTIFICATIONS.labels(self._id, "given_up").inc()

    def _note(self, told: tuple[Delivery, ...], attempts: int) -> None:
        """Write down what has been delivered: the end of the latency ledger."""
        now = self._clock()
        for alert, _, _ in told:
            seconds = (now - alert.latency.seen_at).total_seconds()
            metrics.DELIVERED_SECONDS.labels(self._id).observe(max(seconds, 0.0))
            self._log.info(
                "delivered",
                alert=alert.alert_id,
                revision=alert.revision,
                attempts=attempts,
                digest=len(told) > 1,
                seen_to_delivered_seconds=round(seconds, 3),
            )
        metrics.NOTIFICATIONS.labels(self._id, "digest" if len(told) > 1 else "delivered").inc()
