"""How many messages a receiver gets: beyond its `max_per_hour`, one digest instead of many. Pure.

What is too much is collected until a message of the hour before is an hour old. Then one digest tells how many
there are, with their headlines. Flash is told at once by itself, and so is what corrects or takes back something:
it must not wait for what is less.

The hour is remembered in memory only: after a restart it begins anew. What was collected is not lost then, since
its offsets are still open.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from streams.alerts.suppress import PIERCING
from streams.records import Alert
from streams.sinks.lanes import Delivery, Message

__all__ = ["DIGEST_LIMIT", "Quota"]

HOUR = timedelta(hours=1)
DIGEST_LIMIT = 500
"""Alerts in a digest. Where more are collected it goes out early: what waits must fit into memory."""


class Quota:
    """The messages of one receiver.

    Args:
        max_per_hour: at least 1; None: any number, one by one.
    """

    def __init__(self, max_per_hour: int | None) -> None:
        self._limit = max_per_hour
        self._sent: deque[datetime] = deque(maxlen=max_per_hour)
        """Times of the latest messages."""
        self._collected: dict[str, tuple[Delivery, ...]] = {}
        """Revisions by alert_id; only the last one of each is told."""

    def admit(self, delivery: Delivery, now: datetime) -> Message | None:
        """Say which message goes out because of an alert that is due; None if it is collected."""
        if self._limit is None:
            return Message((delivery,))
        alert = delivery.alert
        earlier = self._collected.pop(alert.alert_id, ())
        if _passes(alert) or (not self._collected and self._has_room(now)):
            self._sent.append(now)
            return Message((delivery,), earlier)
        self._collected[alert.alert_id] = (*earlier, delivery)
        return self._digest(now) if len(self._collected) >= DIGEST_LIMIT else None

    def due(self, now: datetime) -> Message | None:
        """Say which digest goes out by now; None if there is none."""
        return self._digest(now) if self._collected and self._has_room(now) else None

    def forget(self, alert_id: str) -> tuple[Delivery, ...]:
        """Collect an alert no more, since it is no more; returns its revisions that were collected."""
        return self._collected.pop(alert_id, ())

    def next_due(self) -> datetime | None:
        """When the next digest goes out; None if nothing is collected."""
        return self._sent[0] + HOUR if self._collected and self._sent else None

    def _has_room(self, now: datetime) -> bool:
        if len(self._sent) < (self._limit or 1):
            return True
        ago = now - self._sent[0]  # less than nothing where the clock has been set back since
        return not timedelta(0) <= ago < HOUR

    def _digest(self, now: datetime) -> Message:
        collected = list(self._collected.values())
        self._collected.clear()
        self._sent.append(now)
        return Message(
            tuple(each[-1] for each in collected),
            tuple(delivery for each in collected for delivery in each[:-1]),
        )


def _passes(alert: Alert) -> bool:
    return alert.severity == "flash" or alert.update_kind in PIERCING
