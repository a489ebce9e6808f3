"""What happens to a record of `news.alerts`: its message waits, is given to the lanes that want it, or to none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.broker.dead_letters import stage_of
from streams.enrich.watchlist.erasing import is_erased
from streams.errors import RecordError, SinkError
from streams.metrics import RECORDS
from streams.records import Alert
from streams.sinks.dead_letters import send_dead_letter
from streams.sinks.lanes import Delivery, Lane
from streams.sinks.ledger import WAITS, Ledger
from streams.sinks.quota import Quota
from streams.sinks.receivers import why_not
from streams.sinks.waiting import Due, Taken, Waiting
from streams.sinks.webhook import WebhookReceiver
from streams.wire import decode

__all__ = ["Notifier", "make_lane"]

log = structlog.get_logger(__name__)


class Notifier:
    """Lets messages wait until they are due, spreads them over the lanes, and knows which offsets are done.

    Args:
        receivers: by id.
        lanes: by the same ids.
        ledger: shared with the lanes.
        producer: for dead letters.
        marks: has the keys of the marks of erased figures, such as the whole watchlist of this moment. The
            deletions of their alerts lie at the end of the log, behind what a late start tells first.
    """

    def __init__(
        self,
        receivers: Mapping[str, WebhookReceiver],
        lanes: Mapping[str, Lane],
        ledger: Ledger[TopicPartition],
        producer: AIOKafkaProducer,
        marks: Container[str] = (),
    ) -> None:
        self._receivers, self._lanes = receivers, lanes
        self._ledger, self._producer, self._marks = ledger, producer, marks
        self._waiting: defaultdict[TopicPartition, Waiting] = defaultdict(Waiting)
        self._quotas = {key: Quota(each.max_per_hour) for key, each in receivers.items()}

    def keep(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget the partitions that another member of the group has taken over."""
        for lost in self._ledger.keep(partitions):
            self._waiting.pop(lost, None)

    async def take(self, record: Any) -> None:
        """Read a record of `news.alerts`; what it asks for waits until it is due."""
        partition = TopicPartition(record.topic, record.partition)
        if not self._ledger.expects(partition, record.offset):
            return
        was_open = self._ledger.was_open(partition, record.offset)
        alert = await self._decode(record, again=was_open is False)
        taken = Taken()
        if alert is not None:
            taken = self._waiting[partition].take(alert, record, was_open=was_open)
            if taken.refused:
                await self._set_aside(alert, record, SinkError(taken.refused))
            RECORDS.labels("notify", "waits" if taken.waits else "silent").inc()
        elif record.value is None and record.key is not None:
            taken = Taken(released=self._forget(partition, record.key.decode("utf-8", "replace")))
        self._ledger.add(partition, record.offset, [WAITS] if taken.waits else [])
        for offset in taken.released:
            self._ledger.done(partition, offset, WAITS)

    def _forget(self, partition: TopicPartition, alert_id: str) -> tuple[int, ...]:
        """Tell nobody of an alert that was deleted; returns the offsets that its message kept open."""
        for receiver_id, lane in self._lanes.items():
            lane.forget(alert_id)
            for delivery in self._quotas[receiver_id].forget(alert_id):
                for offset in delivery.offsets:
                    self._ledger.done(partition_of(delivery), offset, receiver_id)
        return self._waiting[partition].forget(alert_id)

    async def hand_out(self, now: datetime) -> None:
        """Give the lanes what is due by now."""
        for partition, waiting in self._waiting.items():
            for due in waiting.due(now):
                await self._spread(partition, due, now)
        for receiver_id, quota in self._quotas.items():
            if digest := quota.due(now):
                await self._lanes[receiver_id].put(digest)

    def next_due(self) -> datetime | None:
        """When something is due next; None if nothing waits."""
        times = [waiting.next_due() for waiting in self._waiting.values()]
        times += [quota.next_due() for quota in self._quotas.values()]
        return min((time for time in times if time), default=None)

    async def _set_aside(self, alert: Alert, record: Any, error: SinkError) -> None:
        """Write a letter for each that would have been told, so that it can be told again."""
        for receiver_id, reason in self._reasons(alert).items():
            if not reason:
                await send_dead_letter(
                    self._producer, record, stage=stage_of(receiver_id), error=error
                )

    def _reasons(self, alert: Alert, dropped: str = "") -> dict[str, str]:
        """Why each receiver is not told; empty for one that is."""
        if is_erased(alert.figure_id, self._marks):
            dropped = "its figure was erased"
        return {key: dropped or why_not(alert, each) for key, each in self._receivers.items()}

    async def _spread(self, partition: TopicPartition, due: Due, now: datetime) -> None:
        reasons = self._reasons(due.alert, due.dropped)
        wanted = [receiver_id for receiver_id, reason in reasons.items() if not reason]
        for offset in due.offsets:
            self._ledger.owe(partition, offset, wanted)
            self._ledger.done(partition, offset, WAITS)
        RECORDS.labels("notify", "told" if wanted else "dropped").inc()
        if not wanted:
            log.info("dropped", alert=due.alert.alert_id, reasons=reasons)
        for receiver_id in wanted:
            delivery = Delivery(due.alert, due.record, due.offsets)
            if message := self._quotas[receiver_id].admit(delivery, now):
                await self._lanes[receiver_id].put(message)

    async def _decode(self, record: Any, *, again: bool) -> Alert | None:
        if record.value is None:  # the topic has forgotten the alert
            return None
        try:
            return decode(Alert, record.value)
        except RecordError as error:
            if not again:  # else it is among the dead letters already
                await send_dead_letter(self._producer, record, stage="notify", error=error)
            return None


def partition_of(delivery: Delivery) -> TopicPartition:
    """Where a delivery came from."""
    return TopicPartition(delivery.record.topic, delivery.record.partition)


def make_lane(
    receiver: WebhookReceiver,
    tell: Callable[[Sequence[Alert]], Awaitable[None]],
    ledger: Ledger[TopicPartition],
    producer: AIOKafkaProducer,
) -> Lane:
    """Tie a lane to the ledger and the dead letters."""

    def done(delivery: Delivery) -> None:
        for offset in delivery.offsets:
            ledger.done(partition_of(delivery), offset, receiver.id)

    def wanted(delivery: Delivery) -> bool:
        partition = partition_of(delivery)
        return any(ledger.is_open(partition, each, receiver.id) for each in delivery.offsets)

    async def give_up(delivery: Delivery, error: SinkError, attempts: int) -> None:
        await send_dead_letter(
            producer, delivery.record, stage=stage_of(receiver.id), error=error, attempts=attempts
        )

    return Lane(receiver.id, tell=tell, give_up=give_up, done=done, wanted=wanted)
