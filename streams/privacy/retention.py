"""Until when what cannot be erased by its key has gone. Pure: the table of topics says it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from streams.broker.topics import (
    COMMANDS,
    DEAD_LETTERS,
    ENRICHED,
    ITEMS,
    MENTIONS,
    TOPICS,
    TRENDS,
    config_of,
)

__all__ = ["REMAINING", "gone_by"]

REMAINING = (ITEMS, ENRICHED, MENTIONS, TRENDS, COMMANDS, DEAD_LETTERS)
"""Topics whose records have no key by which one could be deleted: they go by their age."""

_CHECKED = timedelta(days=1)
"""Kafka looks every few minutes; a whole day, since it is a date that is told."""


def gone_by(topic: str, now: datetime) -> date:
    """The day at whose end all that a topic holds now has been removed by its age.

    Kafka removes segments as a whole, when their newest record is old enough; so a record stays for as long as
    is kept, and as a segment may span.

    Args:
        topic: one that has a retention.
        now: aware; a record cannot be younger.
    """
    config = config_of(TOPICS[topic])
    kept = timedelta(milliseconds=int(config["retention.ms"]) + int(config["segment.ms"]))
    return (now + kept + _CHECKED).date()
