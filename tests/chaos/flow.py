"""One run on a broker of its own: feed, disturb, wait until all is done, and judge."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from aiokafka.errors import KafkaError

from streams.alerts.rules import read_rules
from streams.broker.broadcast import publish
from streams.broker.clients import administer, connect_producer
from streams.broker.topics import (
    ALERTS,
    DEAD_LETTERS,
    ENRICHED,
    ITEMS,
    MENTIONS,
    RULES,
    WATCHLIST,
    apply,
)
from streams.config import BrokerSettings, Settings
from streams.enrich.entities import DEFAULT_MODELS
from streams.enrich.pipeline import build_enricher
from streams.enrich.watchlist import read_watchlist
from streams.errors import BrokerError
from streams.records import EnrichedItem, Item
from streams.testing import NOW
from streams.wire import encode
from tests.brokers import KafkaCluster
from tests.chaos.disturb import BROKER, Disturbance
from tests.chaos.judge import Line, Logs, Verdict, judge
from tests.chaos.news import news, poison
from tests.chaos.workers import CONFIG, Workers
from tests.e2e.stream import count, lag_of, read_all

__all__ = ["Report", "Wanted", "run"]

STAGES = ("enrich", "stories", "alerts")
CHUNK = 50
SAMPLED = 200
QUIET_SECONDS = 3.0
"""Nothing may be left to do for so long before a run counts as done: commits lag behind by one."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to be."""

    items: int = 20_000
    poison: float = 0.0
    """Share of records that cannot be processed, beside the items."""
    seed: int = 1
    feed_seconds: float = 480.0
    """How long it takes to send the items, evenly."""
    disturbances: tuple[Disturbance, ...] = ()
    stages: tuple[str, ...] = STAGES
    without: tuple[str, ...] = ()
    """Guards that are switched off in the workers."""
    slow_every: int = 400
    """Outputs of every so many-th item wait."""
    slow_seconds: float = 1.0
    entities: bool = False
    partitions: int = 8
    brokers: int = 1
    """Of several, each holds all partitions, and two must have a record before it is acked."""
    patience_seconds: float = 300.0
    """How long the rest may take once the last disturbance is over."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, and what came of it."""

    wanted: Wanted
    done: tuple[str, ...]
    """What was done to whom and when, in words."""
    ends: dict[str, dict[int, int]]
    """Processes to their exit codes, signals as negative numbers, and how often each."""
    seconds: float
    drained: bool
    """Whether every stage has committed all of its input."""
    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether the promises were kept."""
        return self.drained and not self.verdict.faults


async def run(wanted: Wanted, folder: Path, tell: Callable[[str], None]) -> Report:
    """Run it.

    Args:
        wanted: what to do.
        folder: new and empty; keeps the broker's data and the logs.
        tell: is told in a sentence what happens.
    """
    kafka = KafkaCluster(folder, wanted.brokers)
    await asyncio.to_thread(kafka.start)
    try:
        settings = Settings(
            broker=BrokerSettings(bootstrap=kafka.address),
            data_folder=folder,
            partitions=wanted.partitions,
            replication=wanted.brokers,
            config_folder=CONFIG,
        )
        return await _Run(wanted, settings, kafka, tell).report()
    finally:
        await asyncio.to_thread(kafka.stop)


class _Run:
    def __init__(
        self, wanted: Wanted, settings: Settings, kafka: KafkaCluster, tell: Callable[[str], None]
    ) -> None:
        self._wanted, self._settings, self._kafka = wanted, settings, kafka
        self._tell = tell
        self._done: list[str] = []
        self._workers = Workers(
            settings,
            {
                "CHAOS_WITHOUT": ",".join(wanted.without),
                "CHAOS_SLOW_SECONDS": str(wanted.slow_seconds),
                "CHAOS_ENTITIES": "on" if wanted.entities else "off",
            },
        )
        self._figures = read_watchlist(CONFIG / "watchlist.yaml")
        self._rules = {rule.rule_id: rule for rule in read_rules(CONFIG / "rules.yaml")}
        self._items = list(
            news(
                wanted.items,
                wanted.seed,
                [figure for figure in self._figures if figure.kind == "person"],
                slow_every=wanted.slow_every,
            )
        )

    async def report(self) -> Report:
        began = time.monotonic()
        await apply(self._settings)
        await publish(self._settings, WATCHLIST, {f.figure_id: f for f in self._figures})
        await publish(self._settings, RULES, self._rules)
        for stage in self._wanted.stages:
            self._workers.start(f"{stage}-1")
        try:
            async with asyncio.timeout(self._longest()):
                await asyncio.gather(self._feed(), self._disturb())
                await self._workers.wake()
                self._tell("no more disturbances; waiting until all is done")
            drained = await self._drained()
        finally:
            await self._workers.stop()
        logs = await self._logs()
        self._tell("judging")
        verdict = judge(logs, self._rules, self._sample(), stages=self._wanted.stages)
        return Report(
            wanted=self._wanted,
            done=tuple(self._done),
            ends={name: dict(codes) for name, codes in self._workers.ends.items()},
            seconds=round(time.monotonic() - began, 1),
            drained=drained,
            verdict=verdict,
        )

    def _longest(self) -> float:
        last = max((each.at for each in self._wanted.disturbances), default=0.0)
        return max(last, self._wanted.feed_seconds) + self._wanted.patience_seconds

    # --- feeding ---

    async def _feed(self) -> None:
        """Send all records at an even pace, however often the broker goes away."""
        records = _with_poison(self._items, self._wanted)
        began = time.monotonic()
        for start in range(0, len(records), CHUNK):
            await asyncio.sleep(
                began + self._wanted.feed_seconds * start / len(records) - time.monotonic()
            )
            await self._send(records[start : start + CHUNK])

    async def _send(self, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Send until all are acked; a second try may write some of them twice."""
        while True:
            with contextlib.suppress(BrokerError, KafkaError, OSError):
                producer = await connect_producer(self._settings)
                try:
                    sent = [await producer.send(ITEMS, value, key) for key, value in records]
                    await asyncio.gather(*sent)
                    return
                finally:
                    await producer.stop()
            await asyncio.sleep(0.5)

    # --- disturbing ---

    async def _disturb(self) -> None:
        while not await count(self._settings, ENRICHED):
            await asyncio.sleep(0.2)
        began = time.monotonic()
        for what in self._wanted.disturbances:
            await asyncio.sleep(began + what.at - time.monotonic())
            self._tell(str(what))
            self._done.append(str(what))
            if what.whom.startswith(BROKER):
                await self._restart_broker(what)
            else:
                self._workers.disturb(what)

    async def _restart_broker(self, what: Disturbance) -> None:
        number = int(what.whom.removeprefix(BROKER).removeprefix("-") or 1)
        broker = self._kafka.nodes[number - 1]
        await asyncio.to_thread(broker.kill if what.kind == "crash" else broker.stop)
        await asyncio.sleep(what.seconds)
        await asyncio.to_thread(broker.start)
        while not await self._replicated():  # or the next kill would leave less than two copies
            await asyncio.sleep(0.5)

    async def _replicated(self) -> bool:
        """Whether every broker has caught up with all partitions."""
        async with administer(self._settings) as admin:
            return all(
                len(partition["isr"]) == self._wanted.brokers
                for topic in await admin.describe_topics()
                for partition in topic["partitions"]
            )

    # --- waiting ---

    async def _drained(self) -> bool:
        """Wait until nothing is left to do, stage after stage; False if that takes too long."""
        deadline = time.monotonic() + self._wanted.patience_seconds
        quiet_since = None
        while time.monotonic() < deadline:
            left = [await lag_of(self._settings, stage) for stage in self._wanted.stages]
            if any(left):
                quiet_since = None
            elif quiet_since is None:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > QUIET_SECONDS:
                return True
            await asyncio.sleep(1)
        self._tell(
            f"not done in time; left to do: {dict(zip(self._wanted.stages, left, strict=True))}"
        )
        return False

    # --- judging ---

    async def _logs(self) -> Logs:
        return {
            topic: [
                Line(r.partition, r.offset, r.key, r.value, tuple(r.headers))
                for r in await read_all(self._settings, topic)
            ]
            for topic in (ITEMS, ENRICHED, MENTIONS, ALERTS, DEAD_LETTERS)
        }

    def _sample(self) -> list[EnrichedItem]:
        """Some of the items as the pure code enriches them."""
        models = {} if self._wanted.entities else dict.fromkeys(DEFAULT_MODELS, "")
        enricher = build_enricher(self._figures, CONFIG / "policy", models, "off")
        dice = random.Random(self._wanted.seed)
        chosen = dice.sample(self._items, min(SAMPLED, len(self._items)))
        return [enricher.enrich(item, NOW) for item in chosen]


def _with_poison(items: Sequence[Item], wanted: Wanted) -> list[tuple[bytes, bytes]]:
    """Keys and values, with records that cannot be processed scattered among them."""
    dice = random.Random(wanted.seed + 1)
    records: list[tuple[bytes, bytes]] = []
    poisoned = 0
    for item in items:
        if dice.random() < wanted.poison:
            records.append(poison(poisoned))
            poisoned += 1
        records.append((item.item_id.encode(), encode(item)))
    return records
