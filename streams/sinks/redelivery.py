"""Alerts that a receiver has not got, told to it again when a person asks: dead letters of `notify`.

What was to be told is days old by then. So what has come after it in `news.alerts` is asked first: an alert that was
deleted, closed or dismissed since is not told any more, nor one that was corrected, which the receiver may know.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import ClientSession
from aiokafka.errors import KafkaError
from standardwebhooks.webhooks import Webhook

from streams.alerts.suppress import PIERCING
from streams.broker.broadcast import read
from streams.broker.clients import connect_producer
from streams.broker.dead_letters import GONE, Letter, mark_redriven, receiver_of, with_values
from streams.broker.ranges import TopicReader
from streams.broker.topics import ALERTS, WATCHLIST
from streams.config import Settings, utc_now
from streams.enrich.watchlist.erasing import is_erased
from streams.errors import BrokerError, RecordError, SinkError
from streams.records import Alert, Figure
from streams.sinks.receivers import why_not
from streams.sinks.waiting import asks, pointless
from streams.sinks.webhook import ReceiverGoneError, WebhookReceiver, open_session, post_alert
from streams.wire import decode, time_of

__all__ = ["FAILURES_IN_A_ROW", "overtaken", "redeliver"]

Receivers = Mapping[str, tuple[WebhookReceiver, Webhook]]

FAILURES_IN_A_ROW = 3
"""Then a receiver is left alone: each may take 20 s, and a thousand may wait."""


class Later(msgspec.Struct, frozen=True):
    """What has come after the record of a letter."""

    alert: Alert | None
    """The newest revision; None if the alert was deleted."""
    corrected: int = 0
    """The newest revision that told people that something was wrong or is taken back; 0 if there is none."""


async def redeliver(
    settings: Settings,
    letters: Sequence[Letter],
    receivers: Receivers,
    *,
    insist: bool = False,
    step: Callable[[], object] = bool,
) -> dict[str, str]:
    """Post letters once more, each to its receiver and under the webhook-id of its revision, and mark them.

    Args:
        settings: whose broker is set.
        letters: that a receiver has not got, for which `why_not` has no objection.
        receivers: with their signers, by id.
        insist: also what the alert's later revisions have made pointless.
        step: is called before each.

    Returns:
        Why one was not taken, by place; the others were.

    Raises:
        BrokerError: the broker cannot be used; what came before is done, and it may be done again.
    """
    figures = await read(settings, WATCHLIST, Figure)
    later = {} if insist else await _later(settings, letters)
    left = {each.place: GONE for each in letters}
    async with AsyncExitStack() as stack:
        posts = _Posts(settings, receivers, figures, stack)
        producer = await connect_producer(settings)
        stack.push_async_callback(producer.stop)
        async with aclosing(with_values(settings, letters)) as every:
            async for each in every:
                step()
                left[each.place] = await posts.post(each, later.get(each.origin))
                if left[each.place]:
                    continue
                try:
                    await mark_redriven(producer, each)
                except KafkaError as error:
                    raise BrokerError(
                        f"the broker did not acknowledge: {error}",
                        cure="run it again: receivers know the webhook-id of what they have got",
                    ) from error
    return {place: why for place, why in left.items() if why}


async def _later(settings: Settings, letters: Sequence[Letter]) -> dict[str, Later | None]:
    """What has become of the alerts of letters since, by origin; None or missing if nothing has."""
    wanted: defaultdict[tuple[int, bytes | None], list[Letter]] = defaultdict(list)
    first: dict[int, int] = {}
    for each in letters:
        told = each.letter
        wanted[told.partition, told.key].append(each)
        first[told.partition] = min(told.offset, first.get(told.partition, told.offset))
    found: dict[str, Later | None] = {}
    async with TopicReader(settings, ALERTS) as reader:
        here = [number for number in reader.partitions(ALERTS) if number in first]
        for span in await reader.spans(ALERTS, partitions=here):
            begin = max(span.begin, first[span.partition])
            async for batch in reader.read(msgspec.structs.replace(span, begin=begin)):
                for record in batch:
                    for each in wanted.get((record.partition, record.key), ()):
                        if each.letter.offset < record.offset:
                            found[each.origin] = _fold(found.get(each.origin), record)
    return found


def _fold(before: Later | None, record: Any) -> Later | None:
    """Take in the next record of an alert."""
    if record.value is None:
        return Later(None)
    try:
        alert = decode(Alert, record.value)
    except RecordError:  # written by somebody else; readers pass it by, too
        return before
    if alert.update_kind in PIERCING and asks(alert, time_of(record)):
        return Later(alert, alert.revision)
    return Later(alert, before.corrected if before else 0)


def overtaken(alert: Alert, later: Later | None, now: datetime) -> str:
    """Why an alert is not told as it was, after what has come since; empty if it is. Pure.

    Args:
        alert: the revision that a receiver has not got.
        later: what has come after it; None if nothing has.
        now: UTC.
    """
    if later is None:
        return ""
    if later.alert is None:
        return "its alert was deleted"
    if later.corrected > alert.revision:
        return f"revision {later.corrected} has corrected it"
    return "" if alert.update_kind in PIERCING else pointless(later.alert, now)


class _Posts:
    """Posts letters, and remembers who fails."""

    def __init__(
        self,
        settings: Settings,
        receivers: Receivers,
        figures: Mapping[str, Figure],
        stack: AsyncExitStack,
    ) -> None:
        self._settings, self._receivers, self._figures = settings, receivers, figures
        self._stack = stack
        self._sessions: dict[str, ClientSession] = {}
        self._failures: Counter[str] = Counter()
        """In a row, by receiver."""
        self._alone: dict[str, str] = {}
        """Why a receiver is not asked any more."""

    async def post(self, each: Letter, later: Later | None) -> str:
        """Post a letter; returns why it was not taken, or an empty text."""
        receiver_id = receiver_of(each.letter)
        if receiver_id not in self._receivers:
            return f"notify.yaml has no receiver {receiver_id!r}"
        receiver, signer = self._receivers[receiver_id]
        try:
            alert, now = decode(Alert, each.letter.value), utc_now()
            if is_erased(alert.figure_id, self._figures):
                return "its figure was erased"
            if why := why_not(alert, receiver) or overtaken(alert, later, now):
                return why
            if receiver_id in self._alone:
                return f"not tried: {self._alone[receiver_id]}"
            await post_alert(await self._session(receiver), receiver, signer, alert, now)
        except RecordError as error:
            return str(error)
        except SinkError as error:
            self._failed(receiver_id, error)
            return str(error)
        del self._failures[receiver_id]
        return ""

    def _failed(self, receiver_id: str, error: SinkError) -> None:
        """Leave a receiver alone that wants to be, or seems to be down."""
        self._failures[receiver_id] += 1
        if isinstance(error, ReceiverGoneError):
            self._alone[receiver_id] = f"{receiver_id} wants no more"
        elif error.retry_after_seconds:
            self._alone[receiver_id] = (
                f"{receiver_id} wants nothing for {error.retry_after_seconds:,.0f} s"
            )
        elif self._failures[receiver_id] >= FAILURES_IN_A_ROW:
            self._alone[receiver_id] = f"{receiver_id} failed {FAILURES_IN_A_ROW} times in a row"

    async def _session(self, receiver: WebhookReceiver) -> ClientSession:
        if receiver.id not in self._sessions:
            session = open_session(self._settings.user_agent, allow_private=receiver.allow_private)
            self._sessions[receiver.id] = await self._stack.enter_async_context(session)
        return self._sessions[receiver.id]
