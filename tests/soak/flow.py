"""One soak run: all processes on a broker of their own, at half of what they can do, with their memory watched."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.alerts.rules import read_rules
from streams.broker.broadcast import publish
from streams.broker.clients import administer
from streams.broker.topics import (
    ALERTS,
    ENRICHED,
    FEEDS,
    ITEMS,
    RULES,
    TOPICS,
    WATCHLIST,
    apply,
    config_of,
)
from streams.config import BrokerSettings, Settings
from streams.enrich.watchlist import read_watchlist
from streams.records import EnrichedItem, Item
from streams.supervise import Child, Supervisor
from streams.wire import decode
from tests.brokers import KafkaBroker, free_port
from tests.chaos.news import news
from tests.e2e.stream import CONFIG, SOURCES, count, lag_of, read_all
from tests.soak.clock import Clock
from tests.soak.memory import growth, resident
from tests.soak.publisher import Publisher
from tests.soak.report import Report, Wanted

__all__ = ["run"]

LOAD = 0.5
"""Share of what the stream can do here, at which it runs."""
VOCABULARY = 20_000
"""Names, and as many words: that of a few weeks of news."""
LAG_EVERY_SECONDS = 5.0
"""Between two questions to the broker."""
_SECRET = "whsec_c29hay1zb2FrLXNvYWstc29hay1zb2FrLXNvYWs="
_NOTIFY = """\
receivers:
  - id: soak
    kind: webhook
    url: {url}/notified
    secret_env: SOAK_SECRET
    allow_private: true
"""


async def run(wanted: Wanted, folder: Path, tell: Callable[[str], None]) -> Report:
    """Run it.

    Args:
        wanted: what to do.
        folder: new and empty; keeps the broker's data, the archive and the logs.
        tell: is told in a sentence what happens.
    """
    kafka = KafkaBroker(folder / "kafka")
    kafka.folder.mkdir()
    await asyncio.to_thread(kafka.start)
    try:
        return await _Soak(wanted, folder, kafka.address, tell).report()
    finally:
        await asyncio.to_thread(kafka.stop)


class _Supervisor(Supervisor):
    module = "tests.soak.process"


class _Soak:
    def __init__(
        self, wanted: Wanted, folder: Path, broker: str, tell: Callable[[str], None]
    ) -> None:
        self._wanted, self._tell = wanted, tell
        self._clock = Clock(time.time())
        self._settings = Settings(
            broker=BrokerSettings(bootstrap=broker),
            data_folder=folder,
            partitions=wanted.partitions,
            config_folder=folder / "config",
        )
        figures = read_watchlist(CONFIG / "watchlist.yaml")
        people = [figure for figure in figures if figure.kind == "person"]
        made = partial(news, figures=people, slow_every=10**9)
        unheard = made(wanted.unheard, 1)
        endless = made(10**9, 2, vocabulary=VOCABULARY, first=wanted.unheard)
        self._publisher = Publisher(chain(unheard, endless), self._clock)
        self._told: list[str] = []
        self._samples: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._lags: list[float] = []

    async def report(self) -> Report:
        async with self._publisher, self._stream() as supervisor:
            await self._fill()
            can = 0.0 if self._wanted.rate else await self._measure()
            rate = self._wanted.rate or max(round(can * LOAD, 1), 1.0)
            self._tell(f"{rate:g} items a second for {self._wanted.minutes:g} minutes")
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(self._watch(supervisor, rate))
                await self._publisher.publish(rate, self._wanted.minutes * 60)
                await self._drained()
                watching.cancel()
            return await self._judge(rate, can)

    @contextlib.asynccontextmanager
    async def _stream(self) -> AsyncIterator[Supervisor]:
        """All processes, from topics to the first item that has come through."""
        settings, folder = self._settings, self._settings.data_folder
        shutil.copytree(CONFIG, settings.config_folder)
        (settings.config_folder / "notify.yaml").write_text(_NOTIFY.format(url=self._publisher.url))
        await apply(settings)
        await _keep_segments(settings)
        figures = {f.figure_id: f for f in read_watchlist(CONFIG / "watchlist.yaml")}
        await publish(settings, WATCHLIST, figures)
        await publish(settings, RULES, {r.rule_id: r for r in read_rules(CONFIG / "rules.yaml")})
        await publish(settings, FEEDS, {feed.feed_id: feed for feed in self._publisher.feeds()})
        supervisor = _Supervisor(
            _children(), folder / "logs", self._environment(), self._told.append
        )
        running = asyncio.create_task(supervisor.run())
        try:
            await self._publisher.publish(20, 2)
            async with asyncio.timeout(self._wanted.patience_seconds):
                while not await count(self._settings, ALERTS):
                    if running.done():
                        running.result()
                    await asyncio.sleep(0.5)
            yield supervisor
        finally:
            await supervisor.stop()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def _environment(self) -> dict[str, str]:
        settings = self._settings
        return {
            "SOAK_START": str(self._clock.start),
            "SOAK_SPEED": str(self._clock.speed),
            "SOAK_SECRET": _SECRET,
            "WIREWATCH_BROKER": settings.broker.bootstrap,
            "WIREWATCH_CONFIG": str(settings.config_folder),
            "WIREWATCH_DATA": str(settings.data_folder),
            "WIREWATCH_PARTITIONS": str(settings.partitions),
            "WIREWATCH_ALLOW_PRIVATE": "127.0.0.0/8",
            "WIREWATCH_LOG_FORMAT": "text",
            "WIREWATCH_INSTANCE": "soak",
            "WIREWATCH_SEMANTICS": "off",
        }

    # --- load ---

    async def _fill(self) -> None:
        """Publish words that nobody has read before, as fast as they are read."""
        for done in range(0, self._wanted.unheard, self._wanted.tried):
            await self._publish_at_once(min(self._wanted.tried, self._wanted.unheard - done))
            await self._drained()

    async def _publish_at_once(self, items: int) -> None:
        await self._publisher.publish(10**5, items / 10**5)

    async def _measure(self) -> float:
        """Items a second from feed to alerts: of many that are there at once, all but the first tenth."""
        before = await count(self._settings, ENRICHED)
        await self._publish_at_once(self._wanted.tried)
        goal = before + self._wanted.tried // 10
        while (first := await count(self._settings, ENRICHED)) < goal:
            await asyncio.sleep(0.2)
        began = time.monotonic()
        await self._drained()
        rate = (await count(self._settings, ENRICHED) - first) / (time.monotonic() - began)
        self._tell(f"the stream can do {rate:.0f} items a second here")
        return rate

    async def _drained(self) -> None:
        """Wait until all that was published has come through."""
        quiet = 0
        async with asyncio.timeout(self._wanted.patience_seconds):
            while quiet < 3:
                quiet = 0 if await self._behind() else quiet + 1
                await asyncio.sleep(1)

    async def _behind(self) -> int:
        """Items between the publisher and the end of the stream."""
        unpolled = max(len(self._publisher.published) - await count(self._settings, ITEMS), 0)
        return unpolled + sum([await lag_of(self._settings, stage) for stage in SOURCES])

    # --- looks ---

    async def _watch(self, supervisor: Supervisor, rate: float) -> None:
        began = time.monotonic()
        lag = asked = told = 0.0
        while True:
            await asyncio.sleep(self._wanted.every_seconds)
            at = time.monotonic() - began
            counts = at >= self._wanted.warm_up * 60
            held: dict[str, int] = {}
            for name, pid in supervisor.running().items():
                held |= resident(name, pid)
            if counts:
                for name, size in held.items():
                    self._samples[name].append((at, size))
            if at - asked >= LAG_EVERY_SECONDS:
                asked, lag = at, await self._behind() / rate
                if counts:
                    self._lags.append(lag)
            if at - told >= 60:
                told = at
                self._tell(f"{at / 60:3.0f} min, lag {lag:4.1f} s, MB: {_sizes(held)}")

    # --- judging ---

    async def _judge(self, rate: float, can: float) -> Report:
        items = [decode(Item, r.value) for r in await read_all(self._settings, ITEMS)]
        links = {item.url.removeprefix(self._publisher.url) for item in items}
        enriched = {
            decode(EnrichedItem, r.value).item.item_id
            for r in await read_all(self._settings, ENRICHED)
        }
        lost = len(self._publisher.published - links)
        lost += len({item.item_id for item in items} - enriched)
        third = max(len(self._lags) // 3, 1)
        return Report(
            wanted=self._wanted,
            rate=rate,
            can=round(can, 1),
            processes={n: growth(s) for n, s in sorted(self._samples.items()) if len(s) >= 3},
            restarted=tuple(self._told),
            lag_before=round(median(self._lags[:third]), 1),
            lag_after=round(median(self._lags[-third:]), 1),
            published=len(self._publisher.published),
            lost=lost,
            alerts=await count(self._settings, ALERTS),
            notified=self._publisher.notified,
        )


def _children() -> list[Child]:
    return [
        Child("poll", ("poll",)),
        *(Child(stage, ("worker", "--only", stage)) for stage in SOURCES),
        Child("desk", ("desk", "--port", str(free_port()))),
        Child("notify", ("notify",)),
        Child("archive", ("archive",)),
    ]


def _sizes(held: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size / 1e6:.0f}" for name, size in held.items())


async def _keep_segments(settings: Settings) -> None:
    """Records bear the fast clock: a segment of an hour would last for half a second."""
    wanted: Sequence[ConfigResource] = [
        ConfigResource(
            ConfigResourceType.TOPIC,
            name,
            config_of(spec) | {"segment.ms": str(2**62), "retention.ms": "-1"},
        )
        for name, spec in TOPICS.items()
    ]
    async with administer(settings) as admin:
        await admin.alter_configs(list(wanted))
