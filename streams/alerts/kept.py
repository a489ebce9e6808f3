"""The alerts that a partition remembers: as long as `news.alerts` keeps them, and packed once they are closed.

Closed ones are nearly all, and hardly one of them is ever asked for again: by people, or by a late item. As objects
they take some 20 kB each, packed 1 to 2.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.records import Alert
from streams.wire import decode, encode

__all__ = ["ALERTS_KEPT", "Kept"]

ALERTS_KEPT = timedelta(days=90)
"""What `news.alerts` keeps. What the topic has forgotten is not known after a restart either."""


class _Packed(NamedTuple):
    last_seen_at: datetime
    body: bytes


class Kept(Mapping[str, Alert]):
    """Newest revision by alert_id."""

    def __init__(self) -> None:
        self._open: dict[str, Alert] = {}
        self._closed: dict[str, _Packed] = {}
        """In the order in which they were closed."""

    def __getitem__(self, alert_id: str) -> Alert:
        alert = self._open.get(alert_id)
        return alert if alert is not None else _unpacked(self._closed[alert_id])

    def get(self, alert_id: str, default: Alert | None = None) -> Alert | None:  # type: ignore[override]
        """The alert; `default` if there is none. Most are asked for that have not been begun."""
        alert = self._open.get(alert_id)
        if alert is not None:
            return alert
        packed = self._closed.get(alert_id)
        return default if packed is None else _unpacked(packed)

    def __contains__(self, alert_id: object) -> bool:
        return alert_id in self._open or alert_id in self._closed

    def __len__(self) -> int:
        return len(self._open) + len(self._closed)

    def __iter__(self) -> Iterator[str]:
        yield from self._open
        yield from self._closed

    def put(self, alert: Alert) -> None:
        """Take in a revision in the place of the one before."""
        self._closed.pop(alert.alert_id, None)
        if alert.state != "closed":
            self._open[alert.alert_id] = alert
            return
        self._open.pop(alert.alert_id, None)
        last = alert.last_seen_at or alert.latency.seen_at
        self._closed[alert.alert_id] = _Packed(last, zlib.compress(encode(alert), 1))

    def open(self) -> list[Alert]:
        """All that are not closed."""
        return list(self._open.values())

    def forget(self, now: datetime) -> list[Alert]:
        """Drop closed alerts that have had no news for as long as alerts are kept; returns them.

        One that was closed late keeps those that were closed after it; that matters to nobody.

        Args:
            now: event time.
        """
        forgotten = []
        for alert_id, packed in self._closed.items():
            if packed.last_seen_at + ALERTS_KEPT >= now:
                break
            forgotten.append(alert_id)
        return [_unpacked(self._closed.pop(alert_id)) for alert_id in forgotten]


def _unpacked(packed: _Packed) -> Alert:
    return decode(Alert, zlib.decompress(packed.body))
