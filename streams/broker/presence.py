"""Says in one line that a broker is gone, and in one that it is back.

aiokafka tries again by itself, for ever, and logs every try of every client. Nowhere does it say that the
trouble is over. All clients of a process connect by one method, Faust's too, so this listens there.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from aiokafka.client import AIOKafkaClient

__all__ = ["Presence", "install_presence"]

log = structlog.get_logger(__name__)


class Presence:
    """Which brokers do not answer, and since when. Pure."""

    def __init__(self) -> None:
        self._lost: dict[str, float] = {}

    def lose(self, address: str, now: float) -> bool:
        """Note that a broker cannot be reached.

        Args:
            address: host:port.
            now: seconds of a clock that does not jump.

        Returns:
            Whether that is news.
        """
        is_news = address not in self._lost
        self._lost.setdefault(address, now)
        return is_news

    def find(self, address: str, now: float) -> float | None:
        """Note that a broker answers.

        Returns:
            For how many seconds it had been gone; None if it had not.
        """
        since = self._lost.pop(address, None)
        return None if since is None else now - since


_connect = AIOKafkaClient._get_conn
_presence = Presence()
"""One per process: its clients lose a broker together."""


async def _watched_connect(self: Any, node_id: Any, **options: Any) -> Any:
    connection = await _connect(self, node_id, **options)
    node = self.cluster.broker_metadata(node_id)
    if node is not None:
        _note(f"{node.host}:{node.port}", answers=connection is not None)
    return connection


def _note(address: str, *, answers: bool) -> None:
    now = time.monotonic()
    if not answers:
        if _presence.lose(address, now):
            log.warning("broker_lost", broker=address, then="it is asked again until it answers")
    elif (seconds := _presence.find(address, now)) is not None:
        log.warning("broker_back", broker=address, after_seconds=round(seconds, 1))


def install_presence() -> None:
    """Listen to all aiokafka clients of this process. Safe to call twice."""
    setattr(AIOKafkaClient, "_get_conn", _watched_connect)  # noqa: B010 - a patch, seen as one
