"""The one way in which agents process records: nothing is acked before its outputs are safe.

    put -> batch -> stage.process -> send outputs -> wait for all broker acks -> ack the inputs

Batches finish in the order in which they began (FIFO), so that outputs of a key keep their order
and offsets are acked in order. A stage may stop within one; then what it has decided is finished first, and the
rest is a batch by itself. A record that its stage refuses goes to the dead letters, whose ack
is awaited like any other. A failure of anything else crashes the process; what was not acked is
read again. The limit on records in flight pushes back on the consumer.

What is made of a record belongs to its trace (`streams.tracing`); a stage need not know of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec
import structlog
from mode import Service

from streams import metrics, tracing
from streams.agents.in_flight import InFlight
from streams.broker.clients import MESSAGE_BYTES
from streams.broker.topics import DEAD_LETTERS
from streams.errors import RecordError, WirewatchError
from streams.tracing import Step
from streams.wire import LAST_MILLISECOND, attempts_before, dead_letter, with_trace

__all__ = ["AckingPipeline", "Outcome", "Output", "Received", "Stage", "oversize"]

log = structlog.get_logger(__name__)

OUTPUT_BYTES = MESSAGE_BYTES - 16 * 1024
"""Largest key and value that a stage may write: what the topics take, less headers and batch."""


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it came from Kafka."""

    topic: str
    partition: int
    offset: int
    timestamp: float
    """Seconds since the epoch."""
    key: bytes | None
    value: bytes | None


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """A record to write; `partition` None leaves the choice to the key."""

    topic: str
    key: bytes
    value: bytes
    timestamp: float
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


Outcome = tuple[Output, ...] | Exception
"""What became of one record: its outputs, or why it cannot be processed."""


def oversize(outputs: Sequence[Output]) -> RecordError | None:
    """Why outputs cannot be written; all are, or none."""
    largest = max((len(output.key) + len(output.value) for output in outputs), default=0)
    if largest <= OUTPUT_BYTES:
        return None
    return RecordError(f"its output has {largest} bytes, the limit is {OUTPUT_BYTES}")


class Stage(Protocol):
    """What an agent does with records."""

    name: str
    sources: tuple[str, ...]
    """Topics that it reads; of several, one worker reads partition p of all."""
    outputs: tuple[str, ...]
    """Topics that it writes."""
    overlap: bool
    """True if a batch may start before the previous one is finished (stages without state)."""
    batch_size: int
    """Records that are processed and acked together."""
    depth: int
    """Full batches in flight; a tidy end waits for them, so few where records are slow."""

    async def start(self) -> None:
        """Make ready; called before the first record."""
        ...

    async def watch(self) -> None:
        """Return at once, or raise when something that the stage depends on fails later."""
        ...

    async def stop(self) -> None:
        """Let go of what `start` took."""
        ...

    def reset(self) -> None:
        """Forget what is remembered of partitions: they have been assigned anew."""
        ...

    async def process(self, batch: Sequence[Received]) -> list[Outcome]:
        """Decide what becomes of each record, in their order. Raising crashes the process.

        Where batches do not overlap it may stop behind any record but before the first: with the rest it is called
        again once all that it has decided so far is in Kafka.
        """
        ...


class AckingPipeline(Service):
    """Runs a stage over records that were taken from a stream with `noack()`.

    Args:
        stage: what to do.
        topics: Faust topic by name, for the stage's outputs and the dead letters.
        lost: says why the records may be somebody else's by now; empty if they cannot.
        linger_seconds: how long an incomplete batch waits for more.
    """

    logger = logging.getLogger("mode")  # Faust's chatter about services; warnings still show

    def __init__(
        self,
        stage: Stage,
        topics: dict[str, Any],
        *,
        lost: Callable[[], str] = str,
        linger_seconds: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stage = stage
        self.topics = topics
        self.in_flight = InFlight()
        self._lost = lost
        self._linger = linger_seconds
        self._slots = asyncio.Semaphore(stage.batch_size * stage.depth)
        self._open: list[Any] = []
        self._batches: asyncio.Queue[tuple[list[Any], Awaitable[list[Outcome]]]] = asyncio.Queue()
        self._steps: dict[int, Step] = {}
        self._sent_at: float | None = None
        self._watermark = metrics.Watermark(stage.name)

    async def put(self, event: Any) -> None:
        """Take a Faust event; waits while too much is in flight."""
        await self._slots.acquire()
        self.in_flight.take(event)
        self._steps[id(event)] = tracing.follow(self.stage.name, event.message)
        self._open.append(event)
        if len(self._open) >= self.stage.batch_size:
            self._close_batch(self._open)
        elif len(self._open) == 1:
            self.loop.call_later(self._linger, self._close_batch, self._open)

    def unacked_seconds(self) -> float:
        """How long outputs have been waiting for the broker's acks; 0 if none do."""
        sent_at = self._sent_at  # once, because another thread asks
        return time.monotonic() - sent_at if sent_at is not None else 0.0

    def _close_batch(self, events: list[Any]) -> None:
        if events is not self._open or not events:
            return  # the timer of a batch that has filled up meanwhile
        self._open = []
        work: Awaitable[list[Outcome]] = self._process(events)
        if self.stage.overlap:
            work = asyncio.ensure_future(work)  # starts now; a bare coroutine starts when awaited
        self._batches.put_nowait((events, work))

    async def _process(self, events: list[Any]) -> list[Outcome]:
        self.in_flight.work_on(events)
        return await self.stage.process([_received(event) for event in events])

    @Service.task
    async def _finish_batches(self) -> None:
        try:
            while not self.should_stop:
                await self._finish(*await self._batches.get())
        except asyncio.CancelledError:
            if not self.should_stop:  # the service would go on without its task, in silence
                await self.crash(RuntimeError(f"the {self.stage.name} pipeline was cancelled"))
            raise

    async def _finish(self, events: list[Any], work: Awaitable[list[Outcome]]) -> None:
        """Bring one batch to its end, in as many parts as its stage makes of it."""
        rest = await self._finish_part(events, work)
        while rest:
            rest = await self._finish_part(rest, self._process(rest))

    async def _finish_part(self, events: list[Any], work: Awaitable[list[Outcome]]) -> list[Any]:
        """Outputs, their acks, then the acks of the inputs that were decided on; returns the others."""
        with metrics.STAGE_SECONDS.labels(self.stage.name).time():
            outcomes = await work
            if not outcomes:  # it would be asked for ever
                raise RuntimeError(f"the {self.stage.name} stage has decided on no record")
            decided, rest = events[: len(outcomes)], events[len(outcomes) :]
            if reason := self._lost():  # another worker has gone on from the last ack
                raise WirewatchError(reason, cure="it starts again, and what it had is done anew")
            self._sent_at = time.monotonic()
            acks = [
                ack
                for event, outcome in zip(decided, outcomes, strict=True)
                for ack in await self._send(event, outcome)
            ]
            await asyncio.gather(*acks)  # every output is on the broker, or this raises
            self._sent_at = None
        for event in decided:
            event.ack()
            self.in_flight.done(event)
            self._steps.pop(id(event)).end()
            self._slots.release()
        self._watermark.reach(max(event.message.timestamp for event in decided))
        return rest

    async def _send(self, event: Any, outcome: Outcome) -> list[Awaitable[Any]]:
        """Enqueue what became of one record; the returned awaitables are the broker's acks."""
        step = self._steps[id(event)]
        if isinstance(outcome, Exception):
            return [await self._send_dead_letter(event, outcome, step)]
        if error := oversize(outcome):  # poison on the way out
            return [await self._send_dead_letter(event, error, step)]
        acks = [await self._send_output(output, step) for output in outcome]
        metrics.RECORDS.labels(self.stage.name, "ok").inc()
        return acks

    async def _send_output(self, output: Output, step: Step) -> Awaitable[Any]:
        sent: Awaitable[Any] = await self.topics[output.topic].send(
            key=output.key,
            value=output.value,
            partition=output.partition,
            timestamp=output.timestamp,
            headers=dict(with_trace(output.headers, step.traceparent)),
        )
        return sent

    async def _send_dead_letter(self, event: Any, error: Exception, step: Step) -> Awaitable[Any]:
        message = event.message
        step.fail(error)
        log.warning(
            "dead_letter",
            stage=self.stage.name,
            record=f"{message.topic}/{message.partition}/{message.offset}",
            error=type(error).__name__,
            reason=str(error)[:200],
        )
        metrics.DEAD_LETTERS.labels(self.stage.name, type(error).__name__).inc()
        key, value, headers = dead_letter(
            message.key,
            message.value,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            stage=self.stage.name,
            error=error,
            attempts=attempts_before(event.message.headers or ()) + 1,
            timestamp_ms=int(message.timestamp * 1000),
            trace=step.traceparent,
        )
        sent: Awaitable[Any] = await self.topics[DEAD_LETTERS].send(
            key=key, value=value, headers=dict(headers)
        )
        return sent


def _received(event: Any) -> Received:
    message = event.message
    return Received(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=min(max(message.timestamp, 0.0), LAST_MILLISECOND / 1_000),
        key=message.key,
        value=message.value,
    )
