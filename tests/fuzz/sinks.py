"""The topics that people and other programs are told from, as functions that must not raise whatever they are given."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

from aiokafka import TopicPartition

from streams.broker.topics import ALERTS
from streams.desk.live import Desk
from streams.desk.view import make_card
from streams.errors import RecordError
from streams.records import Alert
from streams.sinks.archive import Archiver
from streams.sinks.ledger import Ledger
from streams.sinks.notifier import Notifier
from streams.sinks.parquet import TABLES, next_offset
from streams.sinks.terminal import render_alerts
from streams.sinks.webhook import WebhookReceiver, digest_payload, payload
from streams.testing import NOW, make_mention
from streams.wire import (
    ATTEMPTS_HEADER,
    TRACE_HEADER,
    attempts_before,
    dead_letter,
    decode,
    encode,
    read_dead_letter,
    traceparent,
    with_trace,
)
from tests.broker.batches import Fetch, make_batch
from tests.desk.samples import make_alert

__all__ = ["alerts", "archived", "headers", "notified"]

TIMES = (-1, 0, int(NOW.timestamp() * 1_000), 2**63 - 1)
"""Milliseconds since the epoch that records may bear."""
LETTER = dict(
    dead_letter(b"", b"", topic=ALERTS, partition=0, offset=7, stage="s", error=OSError("no"))[-1]
)
"""Headers of a dead letter."""


def alerts(values: Sequence[bytes]) -> None:
    """Desk, terminal and webhooks read `news.alerts`."""
    desk = Desk("fuzz", lambda alert: str(make_card(alert)))
    for number, value in enumerate(values):
        desk.take(b"key", value, f"news.alerts/0/{number}")
        with contextlib.suppress(RecordError):
            alert = decode(Alert, value)
            payload(alert)
            digest_payload([alert])
            if alert.sources:
                render_alerts([alert], NOW)
    desk.cards()


def notified(values: Sequence[bytes]) -> None:
    """`notify` reads `news.alerts`, whose records may bear any time; a sane one among others is told."""
    desk = AsyncMock()
    ledger = Ledger[TopicPartition]()
    ledger.begin(TopicPartition(ALERTS, 0), 0)
    receiver = WebhookReceiver(id="desk", url="https://desk.example/", secret_env="SECRET")
    notifier = Notifier({"desk": receiver}, {"desk": desk}, ledger, AsyncMock())

    async def tell() -> None:
        for offset, value in enumerate([*values, encode(make_alert("sane"))]):
            made = TIMES[len(value) % len(TIMES)]
            await notifier.take(_record(ALERTS, offset, value, timestamp=made))
            await notifier.hand_out(NOW)
            notifier.next_due()
        await notifier.hand_out(NOW + timedelta(days=1))

    asyncio.run(tell())
    told = [each for call in desk.put.await_args_list for each in call.args[0].told]
    assert "sane" in {each.alert.alert_id for each in told}


def archived(values: Sequence[bytes]) -> None:
    """The archive reads three topics; sane records among others are kept, and the others set aside."""
    values = [*values, encode(make_mention())]
    partitions = [TopicPartition(topic, 0) for topic in TABLES]
    with tempfile.TemporaryDirectory() as folder:
        archiver = Archiver(Path(folder), AsyncMock(), every_seconds=1)
        for partition in partitions:
            records = [_record(partition.topic, n, value) for n, value in enumerate(values)]
            archiver.take(partition, records, 0.0)
        asyncio.run(archiver.flush())
        assert {next_offset(Path(folder), *each) for each in partitions} == {len(values)}
        assert list(Path(folder, "mentions").glob("dt=2*/*.parquet"))


def headers(values: Sequence[bytes]) -> None:
    """Anybody may write headers, of whom some have no value; a line of these values is one, or its name."""
    for value in values:
        lines = value.split(b"\n")
        [record] = Fetch(make_batch((b"v", lines))).read()
        attempts_before(record.headers)
        with_trace(record.headers, traceparent(record.headers))
        with contextlib.suppress(RecordError):
            read_dead_letter(record.key, record.value, record.headers)
        for name, _ in record.headers:
            name.encode()  # so that it can be written again
        fields = [field or None for field in lines]
        for name in (ATTEMPTS_HEADER, TRACE_HEADER):
            attempts_before([(name, field) for field in fields])
            traceparent([(name, field) for field in fields])
        with contextlib.suppress(RecordError):
            read_dead_letter(b"k", b"v", zip(LETTER, fields, strict=False))


def _record(topic: str, offset: int, value: bytes, timestamp: int = 0) -> Any:
    """As aiokafka hands it out."""
    return SimpleNamespace(
        topic=topic,
        partition=0,
        offset=offset,
        key=b"k",
        value=value,
        timestamp=timestamp,
        headers=(),
    )
