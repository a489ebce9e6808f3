"""Alerts that a receiver has not got, told to it again when a person asks: dead letters of `notify`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, aclosing

from aiohttp import ClientSession
from aiokafka.errors import KafkaError
from standardwebhooks.webhooks import Webhook

from streams.broker.broadcast import read
from streams.broker.clients import connect_producer
from streams.broker.dead_letters import Letter, mark_redriven, receiver_of, with_values
from streams.broker.topics import WATCHLIST
from streams.config import Settings, utc_now
from streams.enrich.watchlist.erasing import is_erased
from streams.errors import BrokerError, RecordError, SinkError
from streams.records import Alert, Figure
from streams.sinks.webhook import WebhookReceiver, open_session, post_alert
from streams.wire import decode

__all__ = ["FAILURES_IN_A_ROW", "redeliver"]

Receivers = Mapping[str, tuple[WebhookReceiver, Webhook]]

FAILURES_IN_A_ROW = 3
"""Then a receiver is left alone: each may take 20 s, and a thousand may wait."""


async def redeliver(
    settings: Settings, letters: Sequence[Letter], receivers: Receivers
) -> dict[str, str]:
    """Post letters once more, each to its receiver and under the webhook-id of then, and mark them.

    Args:
        settings: whose broker is set.
        letters: that a receiver has not got, for which `why_not` has no objection.
        receivers: with their signers, by id.

    Returns:
        Why one was not taken, by place; the others were.

    Raises:
        BrokerError: the broker cannot be used; what came before is done, and it may be done again.
    """
    figures = await read(settings, WATCHLIST, Figure)
    left: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        posts = _Posts(settings, receivers, figures, stack)
        producer = await connect_producer(settings)
        stack.push_async_callback(producer.stop)
        async with aclosing(with_values(settings, letters)) as every:
            async for each in every:
                if why := await posts.post(each):
                    left[each.place] = why
                    continue
                try:
                    await mark_redriven(producer, each)
                except KafkaError as error:
                    raise BrokerError(
                        f"the broker did not acknowledge: {error}",
                        cure="run it again: receivers know the webhook-id of what they have got",
                    ) from error
    return left


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

    async def post(self, each: Letter) -> str:
        """Post a letter; returns why it was not taken, or an empty text."""
        receiver_id = receiver_of(each.letter)
        if receiver_id not in self._receivers:
            return f"notify.yaml has no receiver {receiver_id!r}"
        if self._failures[receiver_id] >= FAILURES_IN_A_ROW:
            return f"not tried: {receiver_id} failed {FAILURES_IN_A_ROW} times in a row"
        try:
            alert = decode(Alert, each.letter.value)
            if is_erased(alert.figure_id, self._figures):
                return "its figure was erased"
            receiver, signer = self._receivers[receiver_id]
            session = await self._session(receiver)
            await post_alert(session, receiver, signer, alert, utc_now())
        except RecordError as error:
            return str(error)
        except SinkError as error:
            self._failures[receiver_id] += 1
            return str(error)
        del self._failures[receiver_id]
        return ""

    async def _session(self, receiver: WebhookReceiver) -> ClientSession:
        if receiver.id not in self._sessions:
            session = open_session(self._settings.user_agent, allow_private=receiver.allow_private)
            self._sessions[receiver.id] = await self._stack.enter_async_context(session)
        return self._sessions[receiver.id]
