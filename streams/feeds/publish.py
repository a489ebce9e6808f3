"""What polling brings to the broker, all acknowledged on return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.broker.clients import send_all
from streams.broker.topics import DEAD_LETTERS, ITEMS, TRENDS
from streams.errors import BrokerError, ParseError, RecordError
from streams.metrics import DEAD_LETTERS as DEAD_LETTER_COUNT
from streams.metrics import RECORDS, Watermark
from streams.metrics import TRENDS as TREND_COUNT
from streams.records import Feed, Item, Trend
from streams.tracing import first_steps
from streams.wire import dead_letter, encode

__all__ = ["publish_items", "publish_refused", "publish_trends"]

log = structlog.get_logger(__name__)

_STAGE = "poll"
_LETTER_BYTES = 1024 * 1024
"""What is kept of an Item or a document."""
_watermark = Watermark(_STAGE)


async def publish_items(producer: AIOKafkaProducer, items: Sequence[Item]) -> None:
    """Send Items and wait for every ack; one that is too large becomes a dead letter.

    After a refusal all are sent again one by one: a broker may refuse a whole batch for one
    record in it, and sending an Item twice is harmless.

    Raises:
        BrokerError: the broker did not acknowledge; nothing may be remembered then.
    """
    with first_steps(_STAGE, ITEMS, [item.item_id for item in items]) as traces:
        try:
            await send_all(producer, [(ITEMS, item.item_id, item) for item in items], traces)
        except RecordError:
            for item in items:
                await _publish_alone(producer, item, traces)
    RECORDS.labels(_STAGE, "ok").inc(len(items))
    for item in items:
        _watermark.reach(item.seen_at.timestamp())


async def publish_trends(producer: AIOKafkaProducer, trends: Sequence[Trend]) -> None:
    """Send what is to be told of a feed and wait for every ack.

    Raises:
        BrokerError: the broker did not acknowledge; nothing may be remembered then.
    """
    await send_all(producer, [(TRENDS, trend.feed_id, trend) for trend in trends])
    for trend in trends:
        TREND_COUNT.labels(trend.kind, trend.phase).inc()


async def publish_refused(
    producer: AIOKafkaProducer, feed: Feed, body: bytes, error: ParseError
) -> None:
    """Keep a document that could not be parsed as a dead letter, for whoever mends the parser.

    Its key is the feed_id, its origin `feed:<feed_id>`, which no topic can be called: there is
    nothing to send it back to. The address stays out of it, for it may hold a password.

    Args:
        producer: started.
        feed: where the document came from.
        body: the document; of a large one the beginning is kept.
        error: why it was refused.

    Raises:
        BrokerError: the broker did not acknowledge; the refusal may not be remembered then.
    """
    log.warning("document_refused", feed=feed.feed_id, bytes=len(body), kind=error.kind)
    origin = f"feed:{feed.feed_id}"
    await _set_aside(producer, body, key=feed.feed_id, origin=origin, error=error)


async def _publish_alone(
    producer: AIOKafkaProducer, item: Item, traces: Mapping[str, bytes]
) -> None:
    try:
        await send_all(producer, [(ITEMS, item.item_id, item)], traces)
    except RecordError as error:
        log.warning("item_too_large", feed=item.feed_id, item=item.item_id, error=str(error))
        key, trace = item.item_id, traces.get(item.item_id)
        await _set_aside(producer, encode(item), key=key, origin=ITEMS, error=error, trace=trace)


async def _set_aside(
    producer: AIOKafkaProducer,
    value: bytes,
    *,
    key: str,
    origin: str,
    error: Exception,
    trace: bytes | None = None,
) -> None:
    key_kept, value_kept, headers = dead_letter(
        key.encode(),
        value,
        topic=origin,
        partition=-1,
        offset=-1,
        stage=_STAGE,
        error=error,
        limit_bytes=_LETTER_BYTES,
        trace=trace,
    )
    try:
        await producer.send_and_wait(DEAD_LETTERS, key=key_kept, value=value_kept, headers=headers)
    except KafkaError as failure:
        raise BrokerError(
            f"{DEAD_LETTERS}: the broker did not acknowledge a dead letter: {failure!r}"
        ) from failure
    DEAD_LETTER_COUNT.labels(stage=_STAGE, error=type(error).__name__).inc()
