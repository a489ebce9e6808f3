"""Setting a record aside that cannot be processed, with the reason."""

from __future__ import annotations

from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.broker.topics import DEAD_LETTERS
from streams.errors import BrokerError
from streams.metrics import DEAD_LETTERS as DEAD_LETTERS_METRIC
from streams.wire import attempts_before, dead_letter, traceparent

__all__ = ["send_dead_letter"]

log = structlog.get_logger(__name__)


async def send_dead_letter(
    producer: AIOKafkaProducer, record: Any, *, stage: str, error: Exception, attempts: int = 0
) -> None:
    """Write the original bytes to `news.dead-letters`, and wait for the broker's ack.

    Args:
        producer: where to.
        record: aiokafka's ConsumerRecord.
        stage: who gave up, such as "archive" or "notify:<receiver>".
        error: why.
        attempts: how often it was tried, if that is another number than how often it was sent back.

    Raises:
        BrokerError: it was not acknowledged, so the record must not count as done.
    """
    came_with = getattr(record, "headers", ())
    attempts = attempts or attempts_before(came_with) + 1
    key, value, headers = dead_letter(
        record.key,
        record.value,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        stage=stage,
        error=error,
        attempts=attempts,
        timestamp_ms=int(getattr(record, "timestamp", -1)),
        trace=traceparent(came_with),
    )
    try:
        await producer.send_and_wait(DEAD_LETTERS, key=key, value=value, headers=headers)
    except KafkaError as failure:
        raise BrokerError(f"a dead letter was not acknowledged: {failure}") from failure
    DEAD_LETTERS_METRIC.labels(stage, type(error).__name__).inc()
    place = f"{record.topic}/{record.partition}/{record.offset}"
    log.warning("dead_letter", stage=stage, place=place, reason=str(error), attempts=attempts)
