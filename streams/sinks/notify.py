"""The process that tells receivers: `news.alerts` in, webhooks out.

Only revisions that should reach people (`notify`) are sent. Offsets are committed once every
receiver has an alert or it lies in the dead letters, so a crash repeats a notification rather
than lose it, and the repetition carries the same webhook-id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import msgspec
import structlog
from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from standardwebhooks.webhooks import Webhook

from streams.broker.clients import connect_consumer, connect_producer
from streams.broker.topics import ALERTS, DEAD_LETTER_BYTES
from streams.config import Settings, read_yaml, secret, utc_now
from streams.errors import BrokerError, ConfigError, RecordError, SinkError
from streams.metrics import RECORDS
from streams.records import Alert, Severity
from streams.sinks.dead_letters import send_dead_letter
from streams.sinks.lanes import Delivery, Lane, Ledger
from streams.sinks.signals import stop_on_signals, stop_within, until_stopped
from streams.sinks.webhook import WebhookReceiver, make_signer, open_session, post_alert
from streams.wire import decode

__all__ = ["Notifier", "NotifyConfig", "read_receivers", "run_notify", "why_not"]

log = structlog.get_logger(__name__)

GROUP = "wirewatch-notify"
POLL_MILLISECONDS = 500
"""How long a read waits for records; also how often finished offsets are committed."""
LAST_COMMIT_SECONDS = 2.0
GOODBYE_SECONDS = 1.0
"""For consumer and producer each: with the last commit less than the 5 s promised for ending, also
where the broker hangs and each request would wait 30 s for its answer."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From least to most urgent, as `records.Severity` lists them."""


class NotifyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `notify.yaml`."""

    receivers: tuple[WebhookReceiver, ...] = ()


def read_receivers(path: Path) -> dict[str, tuple[WebhookReceiver, Webhook]]:
    """Read `notify.yaml` and the secrets that it names.

    Returns:
        Receiver and signer by receiver id, in the order of the file; empty if it names nobody.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is wrong, or a secret is missing; names receiver and field.
    """
    config = read_yaml(path, NotifyConfig)
    ids = [receiver.id for receiver in config.receivers]
    if twice := next((each for each in ids if ids.count(each) > 1), ""):
        raise ConfigError(
            f"two receivers are called {twice!r}",
            file=str(path),
            field=f"receivers[{twice}].id",
            cure="rename one of them",
        )
    return {receiver.id: (receiver, _read_signer(path, receiver)) for receiver in config.receivers}


def _read_signer(path: Path, receiver: WebhookReceiver) -> Webhook:
    try:
        found = secret(receiver.secret_env)
    except ConfigError as error:  # knows the variable, but not who asked for it
        raise ConfigError(
            error.message,
            file=str(path),
            field=f"receivers[{receiver.id}].secret_env",
            cure=error.cure,
        ) from error
    return make_signer(receiver, found, file=str(path))


def why_not(alert: Alert, receiver: WebhookReceiver) -> str:
    """Why a receiver is not told of a revision; empty if it is."""
    if not alert.notify:
        return alert.suppressed_by or "nothing new for people"
    if SEVERITIES.index(alert.severity) < SEVERITIES.index(receiver.min_severity):
        return f"below {receiver.min_severity}"
    return ""


class Notifier:
    """Spreads records over the receivers' lanes and knows which offsets are done.

    Args:
        receivers: by id.
        lanes: by the same ids.
        ledger: shared with the lanes.
        producer: for dead letters.
    """

    def __init__(
        self,
        receivers: Mapping[str, WebhookReceiver],
        lanes: Mapping[str, Lane],
        ledger: Ledger[TopicPartition],
        producer: AIOKafkaProducer,
    ) -> None:
        self._receivers, self._lanes = receivers, lanes
        self._ledger, self._producer = ledger, producer

    async def take(self, record: Any) -> None:
        """Hand a record of `news.alerts` to the lanes that want it."""
        partition = TopicPartition(record.topic, record.partition)
        alert = await self._decode(record)
        wanted = [
            receiver_id
            for receiver_id, receiver in self._receivers.items()
            if alert is not None and not why_not(alert, receiver)
        ]
        if self._ledger.add(partition, record.offset, wanted) and alert is not None:
            RECORDS.labels("notify", "told" if wanted else "silent").inc()
            for receiver_id in wanted:
                await self._lanes[receiver_id].put(Delivery(alert, record))

    async def _decode(self, record: Any) -> Alert | None:
        if record.value is None:  # the topic has forgotten the alert
            return None
        try:
            return decode(Alert, record.value)
        except RecordError as error:
            await send_dead_letter(self._producer, record, stage="notify", error=error)
            return None


def partition_of(delivery: Delivery) -> TopicPartition:
    """Where a delivery came from."""
    return TopicPartition(delivery.record.topic, delivery.record.partition)


async def consume(
    consumer: AIOKafkaConsumer, notifier: Notifier, ledger: Ledger[TopicPartition]
) -> None:
    """Read, hand out and commit until cancelled."""
    committed: dict[TopicPartition, int] = {}
    try:
        while True:
            batches = await consumer.getmany(timeout_ms=POLL_MILLISECONDS)
            await _begin(consumer, ledger, batches)
            for records in batches.values():
                for record in records:
                    await notifier.take(record)
            committed = await _commit(consumer, ledger.committable(), committed)
    finally:
        await _commit_last(consumer, ledger.committable(), committed)


async def _commit_last(
    consumer: AIOKafkaConsumer,
    offsets: dict[TopicPartition, int],
    committed: dict[TopicPartition, int],
) -> None:
    """Commit while ending. What fails here is read again, and told again under the same id."""
    try:
        async with asyncio.timeout(LAST_COMMIT_SECONDS):
            await _commit(consumer, offsets, committed)
    except (TimeoutError, KafkaError) as error:
        log.warning("last_commit_failed", reason=str(error) or "no answer from the broker")


async def _commit(
    consumer: AIOKafkaConsumer,
    offsets: dict[TopicPartition, int],
    committed: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
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
    return offsets


async def _begin(
    consumer: AIOKafkaConsumer,
    ledger: Ledger[TopicPartition],
    batches: Mapping[TopicPartition, Sequence[Any]],
) -> None:
    """Open the books of newly assigned partitions.

    Their first position is committed even before there is a record: a group that began at the
    end of the topic then goes on from there after a restart, and skips nothing.
    """
    assigned = consumer.assignment()
    ledger.keep(assigned)
    for partition in assigned:
        if not ledger.knows(partition):
            records = batches.get(partition)
            try:
                start = records[0].offset if records else await consumer.position(partition)
            except IllegalStateError:  # taken away again in this moment
                continue
            ledger.begin(partition, start)


def make_lane(
    receiver: WebhookReceiver,
    tell: Callable[[Alert], Awaitable[None]],
    ledger: Ledger[TopicPartition],
    producer: AIOKafkaProducer,
) -> Lane:
    """Tie a lane to the ledger and the dead letters."""

    def place(delivery: Delivery) -> tuple[TopicPartition, int, str]:
        return partition_of(delivery), delivery.record.offset, receiver.id

    async def give_up(delivery: Delivery, error: SinkError, attempts: int) -> None:
        await send_dead_letter(
            producer, delivery.record, stage=f"notify:{receiver.id}", error=error, attempts=attempts
        )

    return Lane(
        receiver.id,
        tell=tell,
        give_up=give_up,
        done=lambda delivery: ledger.done(*place(delivery)),
        wanted=lambda delivery: ledger.is_open(*place(delivery)),
    )


async def run_notify(
    settings: Settings, receivers: Mapping[str, tuple[WebhookReceiver, Webhook]]
) -> None:
    """Notify until SIGTERM or SIGINT.

    The first start begins with the alerts of that moment: those before it are history.

    Raises:
        BrokerError: the broker cannot be reached, or was lost for good.
    """
    stop = stop_on_signals()
    await until_stopped(notify(settings, receivers), stop)


async def notify(
    settings: Settings, receivers: Mapping[str, tuple[WebhookReceiver, Webhook]]
) -> None:
    """Notify until cancelled; see `run_notify`."""
    ledger: Ledger[TopicPartition] = Ledger()
    async with AsyncExitStack() as stack:
        producer = await connect_producer(settings, message_bytes=DEAD_LETTER_BYTES)
        stack.push_async_callback(stop_within, GOODBYE_SECONDS, producer.stop)
        consumer = await connect_consumer(settings, ALERTS, group=GROUP, from_start=False)
        stack.push_async_callback(stop_within, GOODBYE_SECONDS, consumer.stop)
        lanes: dict[str, Lane] = {}
        for receiver, signer in receivers.values():
            session = open_session(settings.user_agent, allow_private=receiver.allow_private)
            await stack.enter_async_context(session)
            tell = _teller(session, receiver, signer)
            lanes[receiver.id] = make_lane(receiver, tell, ledger, producer)
        notifier = Notifier(
            {key: receiver for key, (receiver, _) in receivers.items()}, lanes, ledger, producer
        )
        log.info("notifying", receivers=sorted(lanes))
        await _all_or_none(
            [consume(consumer, notifier, ledger), *(lane.run() for lane in lanes.values())]
        )


def _teller(
    session: ClientSession, receiver: WebhookReceiver, signer: Webhook
) -> Callable[[Alert], Awaitable[None]]:
    async def tell(alert: Alert) -> None:
        await post_alert(session, receiver, signer, alert, utc_now())

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
