"""The process that tells receivers: `news.alerts` in, webhooks out.

A message waits until it is due (`streams.sinks.waiting`). Offsets are committed once every receiver
has it, or it was dropped or lies in the dead letters, so a crash repeats a notification rather than
lose it, and the repetition carries the same webhook-id. A restart reads again what waits, and waits again.

One message that waits for the morning keeps its offset open, and a restart reads the night again. Measured with
20,000 alerts of 5 kB behind it, on the embedded broker: the first new one is told 0.9 s after the start, as without
them, and none of the others again, since the bookmark knows that they are done (`streams.sinks.ledger`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import structlog
from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    OffsetMetadataTooLargeError,
)
from standardwebhooks.webhooks import Webhook

from streams.broker.broadcast import Broadcast
from streams.broker.clients import administer, connect_consumer, connect_producer
from streams.broker.topics import ALERTS, DEAD_LETTER_BYTES, WATCHLIST
from streams.config import Settings, utc_now
from streams.errors import BrokerError
from streams.health import HEALTH, Offsets
from streams.metrics import REBALANCES
from streams.records import Alert, Figure
from streams.sinks.lanes import Lane
from streams.sinks.ledger import Bookmark, Ledger, read_bookmark
from streams.sinks.notifier import Notifier, make_lane
from streams.sinks.receivers import read_receivers
from streams.sinks.signals import stop_on_signals, stop_within, until_stopped
from streams.sinks.webhook import WebhookReceiver, open_session, post_alert, post_digest

__all__ = ["read_receivers", "run_notify"]

log = structlog.get_logger(__name__)

Committed = dict[TopicPartition, tuple[int, str]]
"""Offset and bookmark."""

GROUP = "wirewatch-notify"
POLL_MILLISECONDS = 500
"""How long a read waits for records; also how often finished offsets are committed."""
BATCH = 500
"""Records that are taken before lanes have their turn; one fetch of a backlog may hold ten thousand."""
LAST_COMMIT_SECONDS = 2.0
GOODBYE_SECONDS = 0.8
"""For each of three clients: with the last commit less than the 5 s promised for ending, also
where the broker hangs and each request would wait 30 s for its answer."""

ReadBookmarks = Callable[[Iterable[TopicPartition]], Awaitable[Mapping[TopicPartition, Bookmark]]]


async def consume(
    consumer: AIOKafkaConsumer,
    notifier: Notifier,
    ledger: Ledger[TopicPartition],
    read_bookmarks: ReadBookmarks,
) -> None:
    """Read, hand out and commit until cancelled."""
    committed: Committed = {}
    assigned: frozenset[TopicPartition] | None = None
    try:
        while True:
            batches = await consumer.getmany(
                timeout_ms=_patience(notifier.next_due(), utc_now()), max_records=BATCH
            )
            if assigned != (now_assigned := consumer.assignment()):  # an equal share goes unseen
                assigned = frozenset(now_assigned)
                REBALANCES.labels(GROUP).inc()
            notifier.keep(now_assigned)
            HEALTH.report("assigned")
            await _begin(consumer, ledger, batches, read_bookmarks)
            for records in batches.values():
                for record in records:
                    await notifier.take(record)
            await notifier.hand_out(utc_now())
            committed = await _commit(consumer, ledger.committable(), committed)
    finally:
        await _commit_last(consumer, ledger.committable(), committed)


def _patience(due: datetime | None, now: datetime) -> int:
    """Milliseconds to wait for records: no longer than until something is due, which makes this the timer."""
    if due is None:
        return POLL_MILLISECONDS
    left = math.ceil((due - now).total_seconds() * 1_000)
    return min(max(left, 0), POLL_MILLISECONDS)


async def _commit_last(
    consumer: AIOKafkaConsumer, offsets: Committed, committed: Committed
) -> None:
    """Commit while ending. What fails here is read again, and told again under the same id."""
    try:
        async with asyncio.timeout(LAST_COMMIT_SECONDS):
            await _commit(consumer, offsets, committed)
    except (TimeoutError, KafkaError) as error:
        log.warning("last_commit_failed", reason=str(error) or "no answer from the broker")


async def _commit(
    consumer: AIOKafkaConsumer, offsets: Committed, committed: Committed
) -> Committed:
    """Commit what has moved; returns what is committed now."""
    moved = {key: offset for key, offset in offsets.items() if committed.get(key) != offset}
    if not moved:
        return committed
    try:
        await consumer.commit(moved)
    except (CommitFailedError, IllegalStateError) as error:
        # The group has just shared out the partitions anew; the new owner repeats the rest.
        log.warning("not_committed", reason=str(error))
        return committed
    except OffsetMetadataTooLargeError:
        # A broker that keeps less than Kafka does by default: a restart then tells more again.
        log.warning("bookmark_too_long", cure="set offset.metadata.max.bytes=4096 at the broker")
        await consumer.commit({key: offset for key, (offset, _) in moved.items()})
    return offsets


async def _begin(
    consumer: AIOKafkaConsumer,
    ledger: Ledger[TopicPartition],
    batches: Mapping[TopicPartition, Sequence[Any]],
    read_bookmarks: ReadBookmarks,
) -> None:
    """Open the books of newly assigned partitions.

    Their first position is committed even before there is a record: a group that began at the
    end of the topic then goes on from there after a restart, and skips nothing.
    """
    fresh = [each for each in consumer.assignment() if not ledger.knows(each)]
    if not fresh:
        return
    bookmarks = await read_bookmarks(fresh)
    for partition in fresh:
        records = batches.get(partition)
        try:
            start = records[0].offset if records else await consumer.position(partition)
        except IllegalStateError:  # taken away again in this moment
            continue
        ledger.begin(partition, start, bookmarks.get(partition))


def bookmarks_of(settings: Settings) -> ReadBookmarks:
    """Read what the group has committed; the consumer itself keeps only the offsets of it."""

    async def read(partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, Bookmark]:
        async with administer(settings) as admin:
            found = await admin.list_consumer_group_offsets(GROUP, partitions=list(partitions))
        return {
            partition: read_bookmark(offset, metadata)
            for partition, (offset, metadata) in found.items()
            if offset >= 0
        }

    return read


async def run_notify(
    settings: Settings, receivers: Mapping[str, tuple[WebhookReceiver, Webhook]]
) -> None:
    """Notify until SIGTERM or SIGINT.

    The first start begins with the alerts of that moment: those before it are history.

    Raises:
        BrokerError: the broker cannot be reached, or was lost for good.
    """
    stop = stop_on_signals()
    HEALTH.watch_loop()
    HEALTH.offsets = Offsets(settings=settings, group=GROUP, topics=(ALERTS,))
    await until_stopped(notify(settings, receivers), stop)


async def notify(
    settings: Settings, receivers: Mapping[str, tuple[WebhookReceiver, Webhook]]
) -> None:
    """Notify until cancelled; see `run_notify`."""
    ledger: Ledger[TopicPartition] = Ledger()
    async with AsyncExitStack() as stack:
        producer = await connect_producer(settings, message_bytes=DEAD_LETTER_BYTES)
        stack.push_async_callback(stop_within, GOODBYE_SECONDS, producer.stop)
        HEALTH.report("producer")
        watchlist = Broadcast(settings, WATCHLIST, Figure)
        stack.push_async_callback(stop_within, GOODBYE_SECONDS, watchlist.stop)
        await watchlist.start()
        consumer = await connect_consumer(settings, ALERTS, group=GROUP, from_start=False)
        stack.push_async_callback(stop_within, GOODBYE_SECONDS, consumer.stop)
        lanes: dict[str, Lane] = {}
        for receiver, signer in receivers.values():
            session = open_session(settings.user_agent, allow_private=receiver.allow_private)
            await stack.enter_async_context(session)
            tell = _teller(session, receiver, signer)
            lanes[receiver.id] = make_lane(receiver, tell, ledger, producer)
        named = {key: receiver for key, (receiver, _) in receivers.items()}
        notifier = Notifier(named, lanes, ledger, producer, watchlist.values)
        log.info("notifying", receivers=sorted(lanes))
        await _all_or_none(
            [
                consume(consumer, notifier, ledger, bookmarks_of(settings)),
                watchlist.wait_failed(),
                *(lane.run() for lane in lanes.values()),
            ]
        )


def _teller(
    session: ClientSession, receiver: WebhookReceiver, signer: Webhook
) -> Callable[[Sequence[Alert]], Awaitable[None]]:
    async def tell(alerts: Sequence[Alert]) -> None:
        if len(alerts) == 1:
            await post_alert(session, receiver, signer, alerts[0], utc_now())
        else:
            await post_digest(session, receiver, signer, alerts, utc_now())

    return tell


async def _all_or_none(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run side by side; the first failure ends all, and is raised alone."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except ExceptionGroup as failures:
        first = failures.exceptions[0]
        if isinstance(first, KafkaError):
            raise BrokerError(
                f"the broker failed: {first}", cure="check the broker and start again"
            ) from first
        raise first from None
