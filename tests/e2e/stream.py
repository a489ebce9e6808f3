"""Runs the real processes of the stream against a broker, and waits until all is processed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import web
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.agents.app import GROUP_PREFIX
from streams.alerts.rules import read_rules
from streams.broker.broadcast import publish
from streams.broker.clients import administer, connect_consumer, connect_producer
from streams.broker.topics import (
    COMMANDS,
    ENRICHED,
    FEEDS,
    ITEMS,
    MENTIONS,
    RULES,
    WATCHLIST,
    apply,
)
from streams.config import Settings
from streams.enrich.watchlist import read_watchlist
from streams.errors import BrokerError
from streams.records import Feed, Record
from streams.supervise import Child, Supervisor
from streams.wire import decode

CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "config"
SOURCES = {"enrich": (ITEMS,), "stories": (ENRICHED,), "alerts": (MENTIONS, COMMANDS)}
R = TypeVar("R", bound=Record)


class Stream:
    """Topics, starter watchlist and rules, and processes.

    Args:
        settings: of a broker without topics.
        verbs: what to run beside nothing: `poll`, and stages by name.
    """

    def __init__(self, settings: Settings, *verbs: str) -> None:
        self.settings = settings
        self._children = [
            Child(verb, (verb,) if verb == "poll" else ("worker", "--only", verb)) for verb in verbs
        ]
        self._stages = [verb for verb in verbs if verb != "poll"]
        self.notes: list[str] = []
        self.supervisor = Supervisor(
            self._children,
            settings.data_folder / "logs",
            {
                "WIREWATCH_BROKER": settings.broker.bootstrap,
                "WIREWATCH_CONFIG": str(CONFIG),
                "WIREWATCH_PARTITIONS": str(settings.partitions),
                "WIREWATCH_ALLOW_PRIVATE": "127.0.0.0/8",
                "WIREWATCH_LOG_FORMAT": "text",
                "WIREWATCH_INSTANCE": "test",
                "WIREWATCH_DATA": str(settings.data_folder),
            },
            self.notes.append,
        )

    async def __aenter__(self) -> Self:
        await apply(self.settings)
        figures = {f.figure_id: f for f in read_watchlist(CONFIG / "watchlist.yaml")}
        rules = {r.rule_id: r for r in read_rules(CONFIG / "rules.yaml")}
        await publish(self.settings, WATCHLIST, figures)
        await publish(self.settings, RULES, rules)
        self._running = asyncio.create_task(self.supervisor.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.supervisor.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    async def add_feeds(self, feeds: Iterable[Feed]) -> None:
        await publish(self.settings, FEEDS, {feed.feed_id: feed for feed in feeds})

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the running process of that name."""
        self.supervisor._processes[name].send_signal(number)

    async def exit_code(self, name: str) -> int:
        """Wait for the end of the process of that name."""
        return await self.supervisor._processes[name].wait()

    def log_of(self, name: str) -> str:
        return (self.settings.data_folder / "logs" / f"{name}.log").read_text()

    async def send_raw(
        self, topic: str, *records: tuple[str, bytes], time: int | None = None
    ) -> None:
        """Send keys and values that bear a time in milliseconds, or that of now."""
        producer = await connect_producer(self.settings)
        try:
            sent = [
                await producer.send(topic, value, key.encode(), timestamp_ms=time)
                for key, value in records
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def settle(self, *, patience: float = 90) -> None:
        """Wait until every stage has committed all of its input, stage after stage."""
        async with asyncio.timeout(patience):
            for stage in self._stages:
                while await lag_of(self.settings, stage):
                    self._raise_if_dead()
                    await asyncio.sleep(0.2)

    def _raise_if_dead(self) -> None:
        if self._running.done():
            self._running.result()

    async def records(self, topic: str) -> list[ConsumerRecord]:
        return await read_all(self.settings, topic)

    async def read(self, topic: str, type_: type[R]) -> list[R]:
        return [decode(type_, record.value) for record in await self.records(topic)]


async def lag_of(settings: Settings, stage: str) -> int:
    """Records that a stage has not committed; all of them while the broker does not say."""
    ends = {
        place: end
        for topic in SOURCES[stage]
        for place, end in (await end_offsets(settings, topic)).items()
    }
    try:
        async with administer(settings) as admin:
            committed = await admin.list_consumer_group_offsets(GROUP_PREFIX + stage)
    except BrokerError:  # a new Kafka has no coordinator before its first group
        committed = {}
    return sum(
        end - max(committed[place].offset if place in committed else 0, 0)
        for place, end in ends.items()
    )


async def count(settings: Settings, topic: str) -> int:
    """Records that a topic has had."""
    return sum((await end_offsets(settings, topic)).values())


async def end_offsets(settings: Settings, topic: str) -> Mapping[TopicPartition, int]:
    consumer = await connect_consumer(settings)
    try:
        return await _ends(consumer, topic, settings)
    finally:
        await consumer.stop()


async def _ends(consumer: AIOKafkaConsumer, topic: str, settings: Settings) -> dict[Any, int]:
    places = [TopicPartition(topic, n) for n in range(settings.partitions)]
    consumer.assign(places)
    ends: dict[Any, int] = await consumer.end_offsets(places)
    return ends


async def read_all(settings: Settings, topic: str) -> list[ConsumerRecord]:
    """Every record of a topic, partition by partition."""
    consumer = await connect_consumer(settings)
    try:
        ends = await _ends(consumer, topic, settings)
        await consumer.seek_to_beginning()
        found: list[ConsumerRecord] = []
        for place, end in ends.items():
            while await consumer.position(place) < end:
                found += (await consumer.getmany(place, timeout_ms=300)).get(place, [])
        return found
    finally:
        await consumer.stop()


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve on a free port of loopback; yields the address, without a slash at the end."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


class Publisher:
    """A loopback web server with documents at paths; counts requests and has no validators.

    Args:
        documents: body and content type by path.
        keeps_alive: whether a connection may be used again; if not, names are looked up again, too.
    """

    def __init__(
        self, documents: dict[str, tuple[bytes, str]], *, keeps_alive: bool = True
    ) -> None:
        self._keeps_alive = keeps_alive
        self.documents = documents
        self.requests: dict[str, int] = dict.fromkeys(documents, 0)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._serving = serving(app)
        self.url = await self._serving.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._serving.__aexit__(*error)

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if path not in self.documents:
            return web.Response(status=404)
        self.requests[path] += 1
        body, content_type = self.documents[path]
        response = web.Response(body=body, headers={"Content-Type": content_type})
        if not self._keeps_alive:
            response.force_close()
        return response

    async def polled_at(self, path: str, times: int, *, patience: float = 60) -> None:
        """Wait until one document has been asked for so many times more than now."""
        goal = self.requests[path] + times
        async with asyncio.timeout(patience):
            while self.requests[path] < goal:
                await asyncio.sleep(0.1)

    async def polled(self, times: int, *, patience: float = 60) -> None:
        """Wait until every document has been asked for so many times more than now."""
        goal = {path: count + times for path, count in self.requests.items()}
        async with asyncio.timeout(patience):
            while any(self.requests[path] < count for path, count in goal.items()):
                await asyncio.sleep(0.1)
