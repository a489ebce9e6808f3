"""One lane per receiver, so that a slow or dead one never delays the others.

A lane tells its receiver one alert at a time and tries each a bounded number of times. Because
lanes are independent, an offset is committed only when every lane is done with everything up to
it: the ledger knows how far that is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import structlog

from streams.errors import SinkError
from streams.records import Alert
from streams.sinks.webhook import ReceiverGoneError

__all__ = ["Delivery", "GiveUp", "Lane", "Ledger", "RetryAfter", "decide"]

log = structlog.get_logger(__name__)
P = TypeVar("P")

RETRY_SECONDS = (5.0, 30.0, 120.0, 300.0)
"""Waits between attempts: a restart of the receiver is bridged, and five attempts in under eight
minutes keep the alerts behind this one fresh. What fails longer waits in the dead letters."""
LANE_LIMIT = 1_000
"""Alerts that wait for one receiver; beyond, they go to the dead letters rather than into memory."""


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


class Ledger(Generic[P]):
    """Who still owes what, per partition `P`.

    Offsets of a partition are added in order; a repeated one is known already. Receivers are
    named, not counted: when a partition leaves and returns, a lane may hold an offset twice, and
    being done with both copies must not stand for two receivers.
    """

    def __init__(self) -> None:
        self._open: dict[P, dict[int, set[str]]] = {}
        self._next: dict[P, int] = {}

    def knows(self, partition: P) -> bool:
        """True from `begin` until the partition is lost."""
        return partition in self._next

    def begin(self, partition: P, offset: int) -> None:
        """Start with a partition, from an offset on."""
        self._next[partition] = offset
        self._open[partition] = {}

    def add(self, partition: P, offset: int, receiver_ids: Iterable[str]) -> bool:
        """Note an offset that these receivers must be done with.

        Returns:
            False if it is known already, or the partition is not ours.
        """
        if partition not in self._next or offset < self._next[partition]:
            return False
        self._next[partition] = offset + 1
        if owing := set(receiver_ids):
            self._open[partition][offset] = owing
        return True

    def is_open(self, partition: P, offset: int, receiver_id: str) -> bool:
        """True while this receiver still has to be done with the offset."""
        return receiver_id in self._open.get(partition, {}).get(offset, ())

    def done(self, partition: P, offset: int, receiver_id: str) -> None:
        """A receiver is done with the offset; saying so twice changes nothing."""
        waiting = self._open.get(partition, {})
        if offset in waiting:
            waiting[offset].discard(receiver_id)
            if not waiting[offset]:
                del waiting[offset]

    def committable(self) -> dict[P, int]:
        """The next offset to read, per partition, if everything before it is done."""
        return {
            partition: min(waiting, default=self._next[partition])
            for partition, waiting in self._open.items()
        }

    def keep(self, partitions: Iterable[P]) -> None:
        """Forget the partitions that another member of the group has taken over."""
        for lost in set(self._open) - set(partitions):
            del self._open[lost], self._next[lost]


class Delivery(NamedTuple):
    """An alert on its way to one receiver."""

    alert: Alert
    record: Any
    """aiokafka's ConsumerRecord, for the dead letter."""


class Lane:
    """Tells one receiver its alerts, one after the other.

    Args:
        receiver_id: for the log.
        tell: makes one attempt; raises SinkError.
        give_up: sets a delivery aside, with the error and the number of attempts.
        done: is called when a delivery has been made or set aside.
        wanted: False if a delivery is somebody else's by now, or has been made; it is dropped.
        sleep: waits; a parameter for the tests.
    """

    def __init__(
        self,
        receiver_id: str,
        *,
        tell: Callable[[Alert], Awaitable[None]],
        give_up: Callable[[Delivery, SinkError, int], Awaitable[None]],
        done: Callable[[Delivery], None],
        wanted: Callable[[Delivery], bool],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._log = log.bind(receiver=receiver_id)
        self._tell, self._give_up, self._done = tell, give_up, done
        self._wanted, self._sleep = wanted, sleep
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue(LANE_LIMIT)
        self.disabled = False

    async def put(self, delivery: Delivery) -> None:
        """Take a delivery; set it aside if too many wait already."""
        if self._queue.full():
            await self._give_up(delivery, SinkError("too many alerts wait for this receiver"), 0)
            self._done(delivery)
        else:
            self._queue.put_nowait(delivery)

    async def run(self) -> None:
        """Deliver until cancelled; what has not been done by then is read again later."""
        while True:
            delivery = await self._queue.get()
            if self._wanted(delivery):
                await self._deliver(delivery)
                self._done(delivery)

    async def _deliver(self, delivery: Delivery) -> None:
        attempts = 0
        while not self.disabled:
            attempts += 1
            try:
                await self._tell(delivery.alert)
            except SinkError as error:
                self.disabled = isinstance(error, ReceiverGoneError)
                match decide(error, attempts):
                    case GiveUp():
                        await self._give_up(delivery, error, attempts)
                        return
                    case RetryAfter(seconds):
                        self._log.warning("retry", reason=str(error), seconds=seconds)
                        await self._sleep(seconds)
            else:
                self._log.info("delivered", alert=delivery.alert.alert_id, attempts=attempts)
                return
        await self._give_up(delivery, ReceiverGoneError("disabled by an earlier 410 Gone"), 0)
