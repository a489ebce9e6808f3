"""Items to the broker, all acknowledged on return."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.broker.clients import send_all
from streams.broker.topics import DEAD_LETTERS, ITEMS
from streams.errors import BrokerError, RecordError
from streams.metrics import DEAD_LETTERS as DEAD_LETTER_COUNT
from streams.records import Item
from streams.wire import dead_letter, encode

__all__ = ["publish_items"]

log = structlog.get_logger(__name__)

_STAGE = "poll"
_LETTER_BYTES = 1024 * 1024
"""What is kept of an Item that is too large to be published."""


async def publish_items(producer: AIOKafkaProducer, items: Sequence[Item]) -> None:
    """Send Items and wait for every ack; one that is too large becomes a dead letter.

    After a refusal all are sent again one by one: a broker may refuse a whole batch for one
    record in it, and sending an Item twice is harmless.

    Raises:
        BrokerError: the broker did not acknowledge; nothing may be remembered then.
    """
    try:
        await send_all(producer, [(ITEMS, item.item_id, item) for item in items])
    except RecordError:
        for item in items:
            await _publish_alone(producer, item)


async def _publish_alone(producer: AIOKafkaProducer, item: Item) -> None:
    try:
        await send_all(producer, [(ITEMS, item.item_id, item)])
    except RecordError as error:
        log.warning("item_too_large", feed=item.feed_id, item=item.item_id, error=str(error))
        DEAD_LETTER_COUNT.labels(stage=_STAGE, error=type(error).__name__).inc()
        await _send_dead_letter(producer, item, error)


async def _send_dead_letter(producer: AIOKafkaProducer, item: Item, error: RecordError) -> None:
    value, headers = dead_letter(
        encode(item),
        topic=ITEMS,
        partition=-1,
        offset=-1,
        stage=_STAGE,
        error=error,
        limit_bytes=_LETTER_BYTES,
    )
    try:
        await producer.send_and_wait(
            DEAD_LETTERS,
            key=item.item_id.encode(),
            value=value,
            headers=headers,
        )
    except KafkaError as failure:
        raise BrokerError(
            f"{DEAD_LETTERS}: the broker did not acknowledge a dead letter: {failure!r}"
        ) from failure
