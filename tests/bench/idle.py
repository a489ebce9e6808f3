"""What a consumer costs that waits for records, with and without pacing."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

from aiokafka.consumer.fetcher import Fetcher

from streams.broker import pacing
from streams.broker.clients import connect_consumer
from streams.broker.topics import ITEMS, apply
from streams.config import Settings
from tests.bench.broker import embedded_broker
from tests.bench.measure import cpu_seconds
from tests.bench.result import Result, Row

Sample = tuple[float, float]
"""CPU of the consumer's and of the broker's process, in per cent of a core."""


def _remove_pacing() -> None:
    setattr(Fetcher, "_proc_fetch_request", pacing._fetch)  # noqa: B010 - as install_pacing does


VARIANTS: dict[str, Callable[[], None]] = {
    "paced": pacing.install_pacing,
    "not paced": _remove_pacing,
}


def run(*, seconds: float = 3.0, rounds: int = 5) -> Result:
    """Let a consumer wait on an empty topic of the embedded broker, paced and not by turns."""
    with embedded_broker() as (settings, broker):
        try:
            samples = asyncio.run(_sample(settings, broker, seconds, rounds))
        finally:
            pacing.install_pacing()
    rows: list[Row] = [
        {
            "consumer": name,
            "CPU % of a core": statistics.median(consumer for consumer, _ in found),
            "broker's CPU %": statistics.median(broker for _, broker in found),
        }
        for name, found in samples.items()
    ]
    return Result(
        name="idle",
        rows=tuple(rows),
        notes=(
            f"one consumer of {settings.partitions} empty partitions, {rounds} x {seconds:g} s each",
        ),
    )


async def _sample(
    settings: Settings, broker: int, seconds: float, rounds: int
) -> dict[str, list[Sample]]:
    await apply(settings)
    samples: dict[str, list[Sample]] = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name, install in VARIANTS.items():
            install()
            samples[name].append(await _one(settings, broker, seconds))
    return samples


async def _one(settings: Settings, broker: int, seconds: float) -> Sample:
    consumer = await connect_consumer(settings, ITEMS)
    try:
        await asyncio.sleep(seconds / 4)  # connecting costs, too, but only once
        began, own, others = time.monotonic(), time.process_time(), cpu_seconds(broker)
        await asyncio.sleep(seconds)
        passed = time.monotonic() - began
        return (
            100 * (time.process_time() - own) / passed,
            100 * (cpu_seconds(broker) - others) / passed,
        )
    finally:
        await consumer.stop()
