"""The alerts that a running desk holds, and a bounded memory of what changed.

The memory is a ring of alert ids, shared by all clients: a client is a position in it. A client
that falls behind by more than the ring is told to start over, so a slow one costs nothing and
delays nobody. A change is rendered when it is sent, in the alert's newest revision.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Literal, NamedTuple

import structlog

from streams.desk.view import Board
from streams.errors import RecordError
from streams.metrics import RECORDS
from streams.records import Alert
from streams.wire import decode

__all__ = ["Change", "Desk"]

log = structlog.get_logger(__name__)

RING_SIZE = 1_000
"""Changes that a client may be behind; twice the board, so that a reload is never the dearer way."""


class Change(NamedTuple):
    """One event of the live stream."""

    name: Literal["alert", "remove", "reset"]
    cursor: str
    """Where to resume after this event."""
    data: str
    """alert: the card; remove: the alert_id; reset: a note; the page must be read anew."""


class Desk:
    """Alerts in, cards and changes out.

    Args:
        epoch: sets the cursors of this process apart from those of an earlier one; no dash.
        render: makes the card of an alert.
        board: where the alerts are kept.
        ring_size: changes that are remembered.
    """

    def __init__(
        self,
        epoch: str,
        render: Callable[[Alert], str],
        board: Board | None = None,
        ring_size: int = RING_SIZE,
    ) -> None:
        self._epoch = epoch
        self._render = render
        self._board = Board() if board is None else board
        self._cards: dict[str, tuple[int, str]] = {}
        self._ring: deque[str] = deque(maxlen=ring_size)
        self._published = 0
        self._news = asyncio.Event()
        self._closed = False
        self.undecodable = 0

    def __len__(self) -> int:
        return len(self._board)

    @property
    def cursor(self) -> str:
        """Where a client that has everything resumes."""
        return self._cursor_at(self._published)

    def alerts(self) -> list[Alert]:
        """All alerts, newest first."""
        return self._board.newest_first()

    def cards(self) -> list[str]:
        """All cards, newest first."""
        return [self._card(alert) for alert in self.alerts()]

    def take(self, key: bytes | None, value: bytes | None, place: str) -> None:
        """Take in a record of `news.alerts`; one that cannot be decoded is counted and logged.

        Args:
            key: the alert_id.
            value: an Alert; None for an alert that the topic has forgotten.
            place: topic, partition and offset, for the log.
        """
        if value is None:
            alert_id = (key or b"").decode("utf-8", "replace")
            if self._board.remove(alert_id):
                self._publish(alert_id)
            return
        try:
            alert = decode(Alert, value)
        except RecordError as error:
            self.undecodable += 1
            RECORDS.labels("desk", "undecodable").inc()
            log.warning("undecodable_alert", place=place, reason=str(error))
            return
        if alert.superseded_by:  # the same news goes on under another alert
            if self._board.remove(alert.alert_id):
                self._publish(alert.alert_id)
            RECORDS.labels("desk", "superseded").inc()
            return
        outcome = self._board.apply(alert)
        RECORDS.labels("desk", outcome).inc()
        if outcome in ("added", "revised"):
            self._publish(alert.alert_id)

    async def changes(self, cursor: str) -> AsyncIterator[Change]:
        """Follow the changes after a cursor until the desk is closed.

        A cursor of another process, or one that the ring has forgotten, yields a reset first.
        """
        position = self._position(cursor)
        while not self._closed:
            oldest = self._published - len(self._ring)
            if position is None or position < oldest:
                position = self._published
                yield Change("reset", self.cursor, "read the page anew")
            elif position < self._published:
                alert_id = self._ring[position - oldest]
                position += 1
                yield self._change(alert_id, position)
            else:
                await self._news.wait()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._news.set()

    def _publish(self, alert_id: str) -> None:
        self._ring.append(alert_id)
        self._published += 1
        self._news.set()
        self._news = asyncio.Event()

    def _change(self, alert_id: str, position: int) -> Change:
        alert = self._board.get(alert_id)
        if alert is None:
            return Change("remove", self._cursor_at(position), alert_id)
        return Change("alert", self._cursor_at(position), self._card(alert))

    def _card(self, alert: Alert) -> str:
        held = self._cards.get(alert.alert_id)
        if held is None or held[0] != alert.revision:
            if len(self._cards) > 2 * len(self._board):  # cards of alerts that left the board
                self._cards = {
                    key: card for key, card in self._cards.items() if self._board.get(key)
                }
            held = self._cards[alert.alert_id] = (alert.revision, self._render(alert))
        return held[1]

    def _cursor_at(self, position: int) -> str:
        return f"{self._epoch}-{position}"

    def _position(self, cursor: str) -> int | None:
        epoch, _, count = cursor.partition("-")
        # isdecimal also accepts digits of other scripts; int() reads those as well.
        if epoch != self._epoch or not count.isdecimal() or len(count) > 18:
            return None
        position = int(count)
        return position if position <= self._published else None
