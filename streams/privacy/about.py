"""Which records are about a figure, and which alerts of it live. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from streams.records import Alert, Figure, Mention, Record, Trend

__all__ = ["AlertsOf", "Found", "names"]


class Found(Struct, frozen=True, kw_only=True):
    """A record as it lies in a topic."""

    topic: str
    partition: int
    offset: int
    at: datetime
    """Timestamp of the record."""
    value: bytes
    """Its JSON, as it is there."""


def names(record: Record, figure_id: str) -> bool:
    """Whether a record is about a figure, or names it beside the one that it is about."""
    if isinstance(record, Mention):
        return figure_id in (record.figure.figure_id, *record.other_figures)
    if isinstance(record, Trend):
        return figure_id in (record.figure_id, record.other_figure)
    return isinstance(record, Alert | Figure) and record.figure_id == figure_id


class AlertsOf:
    """The alerts of a figure: a fold over `news.alerts`, each partition in its order."""

    def __init__(self, figure_id: str) -> None:
        self.ids: set[str] = set()
        """All that are or were there; commands bear these."""
        self.living: dict[str, Found] = {}
        """Newest revision by alert_id."""
        self.revisions: list[Found] = []
        """All that are there, also of alerts that were deleted; without their values."""
        self._figure_id = figure_id
        self._revisions: dict[str, int] = {}

    def take(self, alert: Alert, found: Found) -> None:
        """Take in a revision; one that is older than a known one changes nothing."""
        if not names(alert, self._figure_id):
            return
        self.ids.add(alert.alert_id)
        self.revisions.append(msgspec.structs.replace(found, value=b""))
        if alert.revision >= self._revisions.get(alert.alert_id, 0):
            self._revisions[alert.alert_id] = alert.revision
            self.living[alert.alert_id] = found

    def forget(self, alert_id: str) -> None:
        """Take in that the topic has forgotten an alert."""
        self.living.pop(alert_id, None)
        self._revisions.pop(alert_id, None)
