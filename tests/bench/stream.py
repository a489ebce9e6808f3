"""The processes of the stream on an embedded broker: delay when quiet, drain rate after a burst.

The floor beside it is the least that three hops cost: one process that reads with aiokafka and
writes the same bytes to the next topic, waits for the acks, and commits.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic
from msgspec import Struct
from msgspec.structs import replace

from streams.broker.clients import administer, connect_consumer, connect_producer, send_all
from streams.broker.topics import ALERTS, ENRICHED, ITEMS, MENTIONS
from streams.config import Settings, utc_now
from streams.enrich.watchlist import read_watchlist
from streams.records import Alert, EnrichedItem, Item, Mention
from streams.testing import make_item
from streams.wire import decode
from tests.bench.broker import embedded_broker
from tests.bench.measure import NAN, cpu_seconds, quantile
from tests.bench.result import Result, Row
from tests.bench.samples import LANGS, newsroom_items
from tests.e2e.stream import CONFIG, Stream

STAGES = ("enrich", "stories", "alerts")
FLOOR_TOPICS = ("bench.in", "bench.one", "bench.two", "bench.out")
PATIENCE_SECONDS = 180.0
"""Until a load must have come through; several times what it takes on a busy machine."""

ItemId = str


class Line(Struct, frozen=True, kw_only=True):
    """What items go through: the topic they enter, and where they arrive."""

    name: str
    entry: str
    exits: Mapping[str, Callable[[bytes], ItemId]]
    """Topic to the id of the item that a record in it is about."""
    processes: Mapping[str, int]
    """Topic to the process that writes to it; its children count as well."""


class Load(Struct, frozen=True, kw_only=True):
    """Items to send, and how far apart."""

    name: str
    count: int
    pause_seconds: float = 0.0


def run(
    *, per_second: float = 5, seconds: float = 20, burst: int = 2_000, warm_up: int = 40
) -> Result:
    """Send a light load and a burst through the stream, then through the floor.

    Args:
        per_second: items a second of the light load.
        seconds: length of the light load.
        burst: items sent at once.
        warm_up: items sent before, so that all partitions have been read and all models loaded.
    """
    loads = (
        Load(name=f"{warm_up} to warm up", count=warm_up),
        Load(
            name=f"{per_second:g} a second",
            count=round(per_second * seconds),
            pause_seconds=1 / per_second,
        ),
        Load(name=f"{burst:,} at once", count=burst),
    )
    with embedded_broker() as (settings, _):
        rows, ledger = asyncio.run(_stream_rows(settings, loads))
        rows += asyncio.run(_floor_rows(settings, loads))
    return Result(
        name="stream",
        rows=tuple(rows),
        notes=(
            "delay: from just before an item is sent until a record about it is read here",
            f"by the alerts' own ledger, seen to alerted at {loads[1].name}: "
            f"p50 {quantile(ledger, 0.5) * 1e3:,.0f} ms, p95 {quantile(ledger, 0.95) * 1e3:,.0f} ms",
            "CPU: of the processes that write the topic, waiting included; for floor of all three hops",
            f"every item names a figure and a policy topic; half are German; "
            f"{settings.partitions} partitions, {settings.pool_processes} process that enriches",
        ),
    )


# --- the stream -------------------------------------------------------------------------------


async def _stream_rows(settings: Settings, loads: Sequence[Load]) -> tuple[list[Row], list[float]]:
    """Rows of the loads but the first, and seconds from seen to alerted of the second."""
    ledger: dict[ItemId, float] = {}

    def item_of_alert(value: bytes) -> ItemId:
        alert = decode(Alert, value)
        told = alert.sources[-1].item.item_id
        ledger[told] = (alert.latency.alerted_at - alert.latency.seen_at).total_seconds()
        return told

    async with Stream(settings, *STAGES) as stream:
        while len(stream.supervisor._processes) < len(STAGES):
            await asyncio.sleep(0.1)
        pids = [stream.supervisor._processes[stage].pid for stage in STAGES]
        exits: dict[str, Callable[[bytes], ItemId]] = {
            ENRICHED: lambda value: decode(EnrichedItem, value).item.item_id,
            MENTIONS: lambda value: decode(Mention, value).item.item_id,
            ALERTS: item_of_alert,
        }
        processes = dict(zip(exits, pids, strict=True))
        line = Line(name="stream", entry=ITEMS, exits=exits, processes=processes)
        samples = _samples(sum(load.count for load in loads))
        rows, told = await _send_loads(settings, line, loads, samples)
        if stream.notes:  # a process was started again: its figures are not to be trusted
            raise RuntimeError(stream.notes[0])
    return rows, [ledger[item_id] for item_id in told[1]]


def _samples(count: int) -> list[Item]:
    """Items that all raise an alert of a story of their own."""
    names = itertools.cycle(
        f.name for f in read_watchlist(CONFIG / "watchlist.yaml") if f.kind == "person"
    )
    summaries = [itertools.cycle(newsroom_items(lang)) for lang in LANGS]
    titles = (
        "{} stellt Plan Nummer {} zur Regulierung künstlicher Intelligenz vor",
        "{} presents plan number {} for the regulation of artificial intelligence",
    )
    return [
        make_item(
            number=number,
            title=titles[number % 2].format(next(names), number),
            summary=next(summaries[number % 2]).summary,
            lang=LANGS[number % 2],
        )
        for number in range(count)
    ]


# --- the floor --------------------------------------------------------------------------------


async def _floor_rows(settings: Settings, loads: Sequence[Load]) -> list[Row]:
    async with administer(settings) as admin:
        await admin.create_topics(
            [NewTopic(topic, settings.partitions, 1) for topic in FLOOR_TOPICS]
        )
    hops = multiprocessing.get_context("spawn").Process(
        target=_floor, args=(settings,), name="floor", daemon=True
    )
    hops.start()
    assert hops.pid is not None
    try:
        line = Line(
            name="floor",
            entry=FLOOR_TOPICS[0],
            exits={FLOOR_TOPICS[-1]: lambda value: decode(Item, value).item_id},
            processes={FLOOR_TOPICS[-1]: hops.pid},
        )
        samples = _samples(sum(load.count for load in loads))
        rows, _ = await _send_loads(settings, line, loads, samples)
        return rows
    finally:
        hops.kill()
        hops.join()


def _floor(settings: Settings) -> None:
    """In a process of its own: carry records from topic to topic until killed."""

    async def run_all() -> None:
        await asyncio.gather(
            *(_hop(settings, *topics) for topics in itertools.pairwise(FLOOR_TOPICS))
        )

    asyncio.run(run_all())


async def _hop(settings: Settings, source: str, target: str) -> None:
    consumer = await connect_consumer(settings, source, group=f"bench-{target}")
    producer = await connect_producer(settings)
    while True:
        batches = await consumer.getmany(timeout_ms=1_000)
        records = [record for batch in batches.values() for record in batch]
        sent = [await producer.send(target, record.value, record.key) for record in records]
        await asyncio.gather(*sent)
        if records:
            await consumer.commit()


# --- sending and watching ---------------------------------------------------------------------


async def _send_loads(
    settings: Settings, line: Line, loads: Sequence[Load], samples: Sequence[Item]
) -> tuple[list[Row], list[list[ItemId]]]:
    """Send one load after the other, each when the one before has arrived.

    Returns:
        Rows of all loads but the first, and the ids of the items of these.
    """
    rows: list[Row] = []
    ids: list[list[ItemId]] = []
    rest = iter(samples)
    async with _watching(settings, line) as watch, _producing(settings) as producer:
        for load in loads:
            items = list(itertools.islice(rest, load.count))
            spent = {topic: cpu_seconds(pid) for topic, pid in line.processes.items()}
            sent = await _send(producer, line.entry, items, load.pause_seconds)
            await watch.wait_for({item.item_id for item in items})
            spent = {t: cpu_seconds(pid) - spent[t] for t, pid in line.processes.items()}
            rows += [_row(line, load, topic, sent, watch, spent[topic]) for topic in line.exits]
            ids.append([item.item_id for item in items])
    return rows[len(line.exits) :], ids


async def _send(
    producer: AIOKafkaProducer, topic: str, items: Sequence[Item], pause: float
) -> dict[ItemId, float]:
    """Send items as if just seen; return when each was sent, by the monotonic clock."""
    sent: dict[ItemId, float] = {}
    began = time.monotonic()

    async def one(number: int, item: Item) -> None:
        await asyncio.sleep(began + number * pause - time.monotonic())
        sent[item.item_id] = time.monotonic()
        await send_all(producer, [(topic, item.item_id, _seen_now(item))])

    if pause:
        await asyncio.gather(*(one(number, item) for number, item in enumerate(items)))
    else:
        sent = dict.fromkeys((item.item_id for item in items), began)
        await send_all(producer, [(topic, item.item_id, _seen_now(item)) for item in items])
    return sent


def _seen_now(item: Item) -> Item:
    now = utc_now()
    return replace(item, seen_at=now, published_at=now)


def _row(
    line: Line, load: Load, topic: str, sent: Mapping[ItemId, float], watch: _Watch, cpu: float
) -> Row:
    arrived = watch.arrived[topic]
    delays = [arrived[item_id] - at for item_id, at in sent.items()]
    seconds = max(arrived[item_id] for item_id in sent) - min(sent.values())
    return {
        "line": line.name,
        "items": load.name,
        "until in": topic,
        "items/s": NAN if load.pause_seconds else load.count / seconds,
        "delay p50 ms": quantile(delays, 0.5) * 1e3,
        "delay p95 ms": quantile(delays, 0.95) * 1e3,
        "CPU ms/item": cpu / load.count * 1e3,
    }


class _Watch:
    """Remembers when the first record about each item was read from each exit of a line."""

    def __init__(self, line: Line, consumer: AIOKafkaConsumer) -> None:
        self.arrived: dict[str, dict[ItemId, float]] = {topic: {} for topic in line.exits}
        self._line = line
        self._consumer = consumer

    async def follow(self) -> None:
        while True:
            batches = await self._consumer.getmany(timeout_ms=1_000)
            now = time.monotonic()
            for place, records in batches.items():
                item_of = self._line.exits[place.topic]
                for record in records:
                    self.arrived[place.topic].setdefault(item_of(record.value), now)

    async def wait_for(self, items: set[ItemId]) -> None:
        """Wait until all items have arrived at all exits."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(items - arrived.keys() for arrived in self.arrived.values()):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _watching(settings: Settings, line: Line) -> AsyncIterator[_Watch]:
    consumer = await connect_consumer(settings, *line.exits)
    watch = _Watch(line, consumer)
    following = asyncio.create_task(watch.follow())
    try:
        yield watch
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await consumer.stop()


@asynccontextmanager
async def _producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = await connect_producer(settings)
    try:
        yield producer
    finally:
        await producer.stop()
