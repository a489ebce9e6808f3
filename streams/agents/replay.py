"""`wirewatch replay`: a stage runs again over what it has read, into shadow topics, and is compared.

Only reads what is real: no consumer group takes part, nothing is committed, and every record goes to a topic
whose name ends in `.shadow-NAME`. `enrich` and `stories` are the stages themselves; `alerts` is the same fold
from three days before on, without what people did.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from rich.console import Console
from rich.progress import Progress

from streams.agents.acking import Output, Received, Stage
from streams.agents.comparing import Changed, begun, changes, id_of
from streams.agents.enrich import EnrichStage
from streams.agents.stories import StoriesStage
from streams.alerts.backtest import warm_up
from streams.alerts.replaying import Replaying
from streams.broker.broadcast import read as read_control
from streams.broker.clients import MESSAGE_BYTES, administer, connect_producer
from streams.broker.ranges import TopicReader
from streams.broker.topics import ALERTS, ENRICHED, ITEMS, MENTIONS, RULES, WATCHLIST
from streams.config import Settings
from streams.enrich.watchlist.erasing import is_erased
from streams.errors import BrokerError, RecordError
from streams.records import Alert, EnrichedItem, Figure, Mention, Record, Rule
from streams.wire import decode, encode, headers_for, time_of

__all__ = ["ReplayReport", "replay", "shadow_topic"]

OUTPUTS: dict[str, tuple[str, str, type[Record]]] = {
    "enrich": (ITEMS, ENRICHED, EnrichedItem),
    "stories": (ENRICHED, MENTIONS, Mention),
    "alerts": (MENTIONS, ALERTS, Alert),
}
"""Stage to the topic that it reads, the one that it writes, and what is in that."""

_RETENTION = timedelta(days=1)


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a replay; records are compared by id, by what each run said of it last."""

    stage: str
    since: datetime
    until: datetime
    read: int
    refused: int
    """Records that the stage could not process."""
    written: dict[str, int]
    """Records by shadow topic."""
    same: int
    only_shadow: tuple[str, ...]
    only_real: tuple[str, ...]
    changed: tuple[Changed, ...]


def shadow_topic(topic: str, name: str) -> str:
    """Where a replay writes what the stage writes to a topic."""
    return f"{topic}.shadow-{name}"


async def replay(
    settings: Settings, stage: str, since: datetime, until: datetime, shadow: str
) -> ReplayReport:
    """Run a stage again, and compare what it makes with what it has made.

    Args:
        settings: whose broker is set.
        stage: enrich, stories or alerts.
        since: begin of the input, by the time at which items were seen.
        until: its end.
        shadow: name of the shadow topics.

    Raises:
        BrokerError: the broker cannot be reached, or has the shadow topics already.
    """
    source, target, type_ = OUTPUTS[stage]
    run = _Run(settings, since, until)
    async with TopicReader(settings, source, target) as reader:
        real = await run.real(reader, target, type_)
        topic = await _create(settings, target, shadow, len(reader.partitions(target)))
        producer = await connect_producer(settings)
        try:
            made: dict[str, Record] = {}
            outputs = run.alerts(reader) if stage == "alerts" else run.stage(reader, stage)
            async for batch in outputs:
                await _send(producer, topic, batch)
                run.written += len(batch)
                for output in batch:
                    record = decode(type_, output.value)
                    made[id_of(record)] = record
        finally:
            await producer.stop()
    if stage == "alerts":  # which alerts there are is known only at the end: stories become one
        made, real = begun(made, since), begun(real, since)
    changed = changes(made, real)
    return ReplayReport(
        stage=stage,
        since=since,
        until=until,
        read=run.read,
        refused=run.refused,
        written={topic: run.written},
        same=len(made.keys() & real.keys()) - len(changed),
        only_shadow=tuple(sorted(made.keys() - real.keys())),
        only_real=tuple(sorted(real.keys() - made.keys())),
        changed=changed,
    )


class _Run:
    """One replay: reads input and real output, and hands out what the stage makes."""

    def __init__(self, settings: Settings, since: datetime, until: datetime) -> None:
        self._settings, self._since, self._until = settings, since, until
        self.read = self.refused = self.written = 0

    async def real(self, reader: TopicReader, topic: str, type_: type[Record]) -> dict[str, Record]:
        """The newest of each id that the real stage has written of that time."""
        found: dict[str, Record] = {}
        async for record in self._records(reader, topic, self._since):
            try:
                known = decode(type_, record.value)
            except RecordError:
                continue
            found[id_of(known)] = known
        return found

    async def stage(self, reader: TopicReader, name: str) -> AsyncIterator[list[Output]]:
        """What a stage makes of its input."""
        stage: Stage = (
            EnrichStage(self._settings) if name == "enrich" else StoriesStage(self._settings)
        )
        await stage.start()
        try:
            async for batch in _batches(
                self._records(reader, OUTPUTS[name][0], self._since, show=True), stage.batch_size
            ):
                self.read += len(batch)
                rest = batch
                while rest:  # a stage may stop behind a record that it cannot process
                    outcomes = await stage.process(rest)
                    rest = rest[len(outcomes) :]
                    self.refused += sum(isinstance(each, Exception) for each in outcomes)
                    yield [
                        output
                        for each in outcomes
                        if not isinstance(each, Exception)
                        for output in each
                    ]
        finally:
            await stage.stop()

    async def alerts(self, reader: TopicReader) -> AsyncIterator[list[Output]]:
        """What the alerts stage makes of mentions, each partition by itself."""
        rules = await read_control(self._settings, RULES, Rule)
        enabled = [rule for rule in rules.values() if rule.enabled]
        figures = await read_control(self._settings, WATCHLIST, Figure)
        begin = self._since - warm_up(enabled)
        states: dict[int, Replaying] = {}
        async for record in self._records(reader, MENTIONS, begin, show=True):
            state = states.setdefault(record.partition, Replaying(enabled, self._since))
            try:
                mention = decode(Mention, record.value)
            except RecordError:
                self.refused += 1
                continue
            if is_erased(mention.figure.figure_id, figures):
                continue
            revisions = state.take(mention)
            if mention.item.seen_at >= self._since:
                self.read += 1
                yield [_output(alert, record.partition) for alert in revisions]

    async def _records(
        self, reader: TopicReader, topic: str, since: datetime, *, show: bool = False
    ) -> AsyncIterator[Received]:
        spans = await reader.spans(topic, since=since.timestamp(), until=self._until.timestamp())
        console = Console(stderr=True)
        quiet = not (show and console.is_terminal)
        with Progress(console=console, transient=True, disable=quiet) as progress:
            task = progress.add_task("reading", total=sum(map(len, spans)))
            for span in spans:
                async for batch in reader.read(span):
                    for record in batch:
                        yield Received(
                            topic=topic,
                            partition=record.partition,
                            offset=record.offset,
                            timestamp=time_of(record).timestamp(),
                            key=record.key,
                            value=record.value,
                        )
                    progress.advance(task, len(batch))


async def _batches(records: AsyncIterator[Received], size: int) -> AsyncIterator[list[Received]]:
    batch: list[Received] = []
    async for record in records:
        batch.append(record)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


async def _create(settings: Settings, topic: str, shadow: str, partitions: int) -> str:
    """Make the shadow of a topic, with as many partitions."""
    name = shadow_topic(topic, shadow)
    wanted = NewTopic(
        name,
        partitions,
        settings.replication,
        topic_configs={
            "cleanup.policy": "delete",
            "max.message.bytes": str(MESSAGE_BYTES),
            "retention.ms": str(int(_RETENTION.total_seconds() * 1000)),
            # Records carry the time at which items were seen; counted from that they would be gone at once.
            "message.timestamp.type": "LogAppendTime",
        },
    )
    async with administer(settings) as admin:
        if name in await admin.list_topics():
            raise BrokerError(
                f"{name} is there already, from an earlier replay",
                cure="give another --shadow, or delete the topic",
            )
        response = await admin.create_topics([wanted])
    for _, code, message in response.topic_errors:
        if code:
            raise BrokerError(
                f"the broker refuses {name}: {message or f'Kafka error {code}'}",
                cure="check the rights of the user and WIREWATCH_REPLICATION",
            )
    return name


async def _send(producer: AIOKafkaProducer, topic: str, outputs: Sequence[Output]) -> None:
    sent = [
        await producer.send(
            topic,
            output.value,
            key=output.key,
            partition=output.partition,
            headers=list(output.headers),
        )
        for output in outputs
    ]
    await asyncio.gather(*sent)


def _output(alert: Alert, partition: int) -> Output:
    return Output(
        topic=ALERTS,
        key=alert.alert_id.encode(),
        value=encode(alert),
        timestamp=alert.latency.seen_at.timestamp(),
        headers=headers_for(Alert),
        partition=partition,
    )
