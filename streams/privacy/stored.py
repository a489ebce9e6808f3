"""Reads from the topics all that is about a figure. Reads them whole, without a consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from aiokafka import ConsumerRecord
from msgspec import Struct

from streams.broker.broadcast import read
from streams.broker.ranges import TopicReader
from streams.broker.topics import ALERTS, COMMANDS, MENTIONS, TRENDS, WATCHLIST
from streams.config import Settings
from streams.enrich.watchlist.erasing import is_erased, watched
from streams.errors import RecordError
from streams.privacy.about import AlertsOf, Found, names
from streams.records import Alert, Figure, Mention, Record, Trend
from streams.wire import decode, time_of

__all__ = ["Stored", "living_alerts", "read_stored"]

R = TypeVar("R", bound=Record)


class Stored(Struct, frozen=True, kw_only=True):
    """What the topics hold about a figure."""

    figure: Figure | None
    """The entry of the watchlist."""
    watchlist: dict[str, Figure]
    """All of it, without marks."""
    erased: bool
    """Whether the figure was erased before."""
    alerts: list[Found]
    """The newest revision of each."""
    revisions: list[Found]
    """All of them, also of alerts that were deleted, without their values."""
    mentions: list[Found]
    trends: list[Found]
    commands: list[Found]

    def __len__(self) -> int:
        found = (self.alerts, self.mentions, self.trends, self.commands)
        return (self.figure is not None) + sum(map(len, found))


async def read_stored(settings: Settings, figure_id: str) -> Stored:
    """Read all that is about a figure, or names it beside another one.

    Raises:
        BrokerError: the broker cannot be reached, or lacks a topic.
    """
    records = await read(settings, WATCHLIST, Figure)
    async with TopicReader(settings, ALERTS, MENTIONS, TRENDS, COMMANDS) as reader:
        alerts = await _alerts(reader, figure_id)
        keys = {alert_id.encode() for alert_id in alerts.ids}
        return Stored(
            figure=watched(records).get(figure_id),
            watchlist=watched(records),
            erased=is_erased(figure_id, records),
            alerts=list(alerts.living.values()),
            revisions=alerts.revisions,
            mentions=[f async for f in _naming(reader, MENTIONS, Mention, figure_id)],
            trends=[f async for f in _naming(reader, TRENDS, Trend, figure_id)],
            commands=[
                _found(each)
                async for each in _every(reader, COMMANDS)
                if each.key in keys and each.value is not None
            ],
        )


async def living_alerts(settings: Settings, figure_id: str) -> dict[str, Found]:
    """The newest revision of each alert of a figure, by alert_id; without those that were deleted.

    Raises:
        BrokerError: the broker cannot be reached, or lacks the topic.
    """
    async with TopicReader(settings, ALERTS) as reader:
        return (await _alerts(reader, figure_id)).living


async def _alerts(reader: TopicReader, figure_id: str) -> AlertsOf:
    alerts = AlertsOf(figure_id)
    async for record in _every(reader, ALERTS):
        if record.value is None:
            alerts.forget((record.key or b"").decode("utf-8", "replace"))
        elif alert := _decoded(Alert, record, figure_id):
            alerts.take(alert, _found(record))
    return alerts


async def _naming(
    reader: TopicReader, topic: str, type_: type[R], figure_id: str
) -> AsyncIterator[Found]:
    async for record in _every(reader, topic):
        decoded = _decoded(type_, record, figure_id)
        if decoded is not None and names(decoded, figure_id):
            yield _found(record)


async def _every(reader: TopicReader, topic: str) -> AsyncIterator[ConsumerRecord]:
    for span in await reader.spans(topic):
        async for batch in reader.read(span):
            for record in batch:
                yield record


def _decoded(type_: type[R], record: ConsumerRecord, figure_id: str) -> R | None:
    """The record, if it may name the figure: most need not be decoded to see that they do not."""
    if record.value is None or figure_id.encode() not in record.value:
        return None
    try:
        return decode(type_, record.value)
    except RecordError:  # written by somebody else
        return None


def _found(record: ConsumerRecord) -> Found:
    return Found(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at=time_of(record),
        value=record.value,
    )
