"""What waits to be told: per alert its newest revision, and when a message is due. Pure.

A revision asks for a message if it has `notify`, or a `hold_until` that lay ahead when it was made: then what
suppressed it ends at that time. The message is due at `hold_until`, or at once, and tells the newest revision
of that moment; so two that ask within the wait become one message. Then it is dropped where a person or the
news has made it pointless: the alert is closed, dismissed or snoozed. What corrects or takes back what people
were told is told all the same, as `streams.alerts.suppress` decides: they would go on believing it.

"When it was made" is the time of the record, which is that of what it stems from, never today's clock: a
revision that carries the `hold_until` of a message that went out before asks for nothing, however late it is read.

A message that waits for what else comes, and was made by a clock that has been set back since, is due at once:
else it would wait for the hour that the clock was wrong. What waits for a schedule or a silence waits for that.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from streams.alerts.suppress import GROUP_INTERVAL, PIERCING
from streams.records import Alert
from streams.wire import time_of

__all__ = ["AT_ONCE", "TOLD_KEPT", "WAITING_LIMIT", "Due", "Taken", "Waiting", "asks", "pointless"]

WAITING_LIMIT = 1_000
"""Alerts of a partition that wait: 17 MB with four sources each, 160 MB if all had the 50 that an alert can have.
Beyond, they go to the dead letters rather than into memory."""
TOLD_KEPT = 10_000
"""Alerts of a partition whose latest message is remembered: 2.5 MB."""
AT_ONCE = datetime.min.replace(tzinfo=UTC)
"""Before all that has a time; also where the clock of another machine goes ahead of ours."""


class Taken(NamedTuple):
    """What has become of a revision."""

    waits: bool = False
    """Its offset stays open until its message is told or dropped."""
    released: tuple[int, ...] = ()
    """Offsets that need not stay open any more, since this revision stands for them."""
    refused: str = ""
    """Why a message that it asks for cannot wait here."""


class Due(NamedTuple):
    """A message whose time has come."""

    alert: Alert
    record: Any
    """The one that holds the alert."""
    offsets: tuple[int, ...]
    """Open until it has been told."""
    dropped: str
    """Why it is not told; empty if it is."""


class _Message(msgspec.Struct):
    """One that waits."""

    alert: Alert
    record: Any
    asked: int
    """Offset of the latest revision that asked for it: with this it can be made again."""
    at: datetime
    pierces: bool
    """Whether it corrects or takes back something."""

    def is_due(self, now: datetime) -> bool:
        """Whether it must be told or dropped."""
        if self.at <= now:
            return True
        made = time_of(self.record)
        return made - now > GROUP_INTERVAL and self.at - made <= GROUP_INTERVAL

    @property
    def offsets(self) -> tuple[int, ...]:
        newest: int = self.record.offset
        return (self.asked,) if newest == self.asked else (self.asked, newest)


class _Told(NamedTuple):
    """The latest message of an alert."""

    revision: int
    hold_until: datetime | None


class Waiting:
    """The messages of one partition, whose records come in their order."""

    def __init__(self) -> None:
        self._messages: dict[str, _Message] = {}
        self._told: OrderedDict[str, _Told] = OrderedDict()

    def __len__(self) -> int:
        return len(self._messages)

    def take(self, alert: Alert, record: Any, *, was_open: bool | None = None) -> Taken:
        """Take in a revision.

        Args:
            alert: in the record.
            record: aiokafka's ConsumerRecord.
            was_open: of a record that was read before a restart, whether its message was still to be told;
                None for one that is new.
        """
        made = time_of(record)
        message, told = self._messages.get(alert.alert_id), self._told.get(alert.alert_id)
        newest = max(message.alert.revision if message else 0, told.revision if told else 0)
        if alert.revision <= newest:  # written twice, or by a worker that did not know of the other
            return Taken()
        wants = was_open is not False and asks(alert, made, told)
        if message is not None:
            return self._renew(message, alert, record, made, wants=wants)
        if not (wants or was_open):
            return Taken()
        if len(self) >= WAITING_LIMIT and alert.hold_until is not None:
            return Taken(refused=f"{WAITING_LIMIT} messages wait already")
        self._messages[alert.alert_id] = _Message(
            alert=alert,
            record=record,
            asked=record.offset,
            at=alert.hold_until or AT_ONCE,
            pierces=alert.update_kind in PIERCING,
        )
        return Taken(waits=True)

    def _renew(
        self, message: _Message, alert: Alert, record: Any, made: datetime, *, wants: bool
    ) -> Taken:
        """Let a newer revision take the place of the one that waits."""
        if alert.state == "closed" and not wants and message.at <= made:
            # It was due before the alert ended, and has only not been told yet.
            return Taken()
        before = message.offsets
        message.alert, message.record = alert, record
        if wants:
            message.asked, message.at = record.offset, alert.hold_until or AT_ONCE
            message.pierces = message.pierces or alert.update_kind in PIERCING
        return Taken(
            waits=True,
            released=tuple(offset for offset in before if offset not in message.offsets),
        )

    def forget(self, alert_id: str) -> tuple[int, ...]:
        """Take in that the topic has forgotten an alert: what waits is not told any more.

        Returns:
            Offsets that need not stay open any more.
        """
        message = self._messages.pop(alert_id, None)
        self._told.pop(alert_id, None)
        return message.offsets if message else ()

    def due(self, now: datetime) -> list[Due]:
        """Hand out what must be told or dropped now, the earliest first; it waits no longer."""
        ready = sorted(
            (message for message in self._messages.values() if message.is_due(now)),
            key=lambda message: (message.at, message.asked),
        )
        for message in ready:
            self._remember(self._messages.pop(message.alert.alert_id).alert)
        return [
            Due(
                message.alert,
                message.record,
                message.offsets,
                "" if message.pierces else pointless(message.alert, now),
            )
            for message in ready
        ]

    def next_due(self) -> datetime | None:
        """When the next one must be told or dropped; None if nothing waits."""
        return min((message.at for message in self._messages.values()), default=None)

    def _remember(self, alert: Alert) -> None:
        self._told[alert.alert_id] = _Told(alert.revision, alert.hold_until)
        self._told.move_to_end(alert.alert_id)
        if len(self._told) > TOLD_KEPT:
            self._told.popitem(last=False)


def asks(alert: Alert, made: datetime, told: _Told | None = None) -> bool:
    """Whether a revision by itself asks for a message.

    Args:
        alert: the revision.
        made: the time of its record, UTC.
        told: the latest message of the alert, if it is known.
    """
    if alert.notify:
        return True
    hold = alert.hold_until
    # An item that comes late carries a time that lay ahead of it, and has passed with its message.
    return hold is not None and hold > made and not (told and told.hold_until == hold)


def pointless(alert: Alert, now: datetime) -> str:
    """Why a message about an alert is not told any more; empty if it is.

    Args:
        alert: its newest revision. What corrects or takes back something is told in any case.
        now: UTC.
    """
    triage = alert.triage
    if alert.state == "closed":
        return f"superseded by {alert.superseded_by}" if alert.superseded_by else "closed"
    if triage.status == "dismissed":
        return f"dismissed by {triage.actor}"
    if triage.status == "snoozed" and (triage.until is None or triage.until > now):
        return f"snoozed by {triage.actor}"
    return ""
