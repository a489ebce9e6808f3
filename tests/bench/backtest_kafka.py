"""How long `wirewatch backtest` takes over items that Apache Kafka has stored, beside reading them alone."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from streams.broker.broadcast import publish
from streams.broker.clients import connect_producer
from streams.broker.ranges import TopicReader
from streams.broker.topics import ENRICHED, RULES, apply
from streams.config import BrokerSettings, Settings, environment, utc_now
from streams.enrich.language import shard_of
from streams.records import EnrichedItem
from streams.wire import decode
from tests.bench import backtest
from tests.bench.result import Result, Row, Skipped
from tests.brokers import KafkaBroker, kafka_missing

PARTITIONS = 8
BATCH = 2_000
RULE_FILE = """
rules:
  - id: ai
    figures: {{any: [{figures}]}}
    policy_topics: {{any: [ai]}}
    severity: {{base: alert, bump: [headline]}}
  - id: all
    policy_topics: {{any: [{topics}]}}
"""


def run(*, items: int = 100_000, days: float = backtest.DAYS) -> Result:
    """Store items on Apache Kafka, and run the command over them.

    Args:
        items: how many, in the manner of `tests.bench backtest`.
        days: over which they are spread, up to now.

    Raises:
        Skipped: Apache Kafka cannot be had here.
    """
    if reason := kafka_missing():
        raise Skipped(reason)
    return asyncio.run(_run(items, days))


async def _run(items: int, days: float) -> Result:
    async with _kafka() as settings:
        size = await _store(settings, items, days)
        bare, bare_cpu = await _read_alone(settings)
        report, wall, cpu = await _command(settings, days)
    rows: tuple[Row, ...] = (
        {"what": "wirewatch backtest", "seconds": wall, "CPU s": cpu, "items/s": items / wall},
        {"what": "reading alone", "seconds": bare, "CPU s": bare_cpu, "items/s": items / bare},
    )
    read = report["items"] + report["warm_up_items"]
    alerts = sum(rule["alerts"] for rule in report["rules"])
    return Result(
        name="backtest-kafka",
        rows=rows,
        notes=(
            f"{read:,} of {items:,} items of {size / items:,.0f} bytes read over {days:g} days; {alerts:,} alerts "
            "of two rules, one of them",
            "against its version in force; the command with all its start; Apache Kafka on the same machine",
        ),
    )


@asynccontextmanager
async def _kafka() -> AsyncIterator[Settings]:
    with tempfile.TemporaryDirectory() as folder:
        broker = KafkaBroker(Path(folder))
        await asyncio.to_thread(broker.start)
        try:
            yield Settings(
                broker=BrokerSettings(bootstrap=broker.address),
                data_folder=Path(folder),
                partitions=PARTITIONS,
            )
        finally:
            await asyncio.to_thread(broker.stop)


async def _store(settings: Settings, items: int, days: float) -> int:
    """Write what the enrich stage would have written; returns its bytes."""
    await apply(settings)
    in_force = replace(backtest.RULES[0], policy_topics=backtest.RULES[1].policy_topics)
    await publish(settings, RULES, {in_force.rule_id: in_force})
    producer = await connect_producer(settings)
    values = backtest.stored_items(items, days, utc_now() - timedelta(days=days))
    size = 0
    while batch := list(itertools.islice(values, BATCH)):
        sent = []
        for value in batch:
            item = decode(EnrichedItem, value).item
            sent.append(
                await producer.send(
                    ENRICHED,
                    value,
                    key=shard_of(item.lang).encode(),
                    timestamp_ms=int(item.seen_at.timestamp() * 1000),
                )
            )
            size += len(value)
        await asyncio.gather(*sent)
    await producer.stop()
    return size


async def _read_alone(settings: Settings) -> tuple[float, float]:
    """Wall and CPU seconds in which the same records are read, and nothing is done with them."""
    wall, cpu = time.perf_counter(), time.process_time()
    async with TopicReader(settings, ENRICHED) as reader:
        for span in await reader.spans(ENRICHED):
            async for _ in reader.read(span):
                pass
    return time.perf_counter() - wall, time.process_time() - cpu


async def _command(settings: Settings, days: float) -> tuple[dict[str, Any], float, float]:
    """Report of `wirewatch backtest`, with its wall and CPU seconds."""
    rules = settings.data_folder / "rules.yaml"
    figures = ", ".join(backtest.RULES[0].figures.any)
    rules.write_text(RULE_FILE.format(figures=figures, topics=", ".join(backtest.TOPICS)), "utf-8")
    began, before = time.perf_counter(), os.times()
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "streams",
            "backtest",
            str(rules),
            "--since",
            f"{days:g}d",
            "--json",
        ),
        stdout=asyncio.subprocess.PIPE,
        env=environment({"WIREWATCH_BROKER": settings.broker.bootstrap}),
    )
    told, _ = await process.communicate()
    wall, after = time.perf_counter() - began, os.times()
    if process.returncode:
        raise RuntimeError(f"wirewatch backtest ended with {process.returncode}")
    cpu = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return json.loads(told), wall, cpu
