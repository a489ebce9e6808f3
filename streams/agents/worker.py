"""The process of one stage: a Faust app whose only agent feeds the acking pipeline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import faust
import structlog
from mode import Service

from streams import metrics
from streams.agents.acking import AckingPipeline, Stage
from streams.agents.alerts import AlertsStage
from streams.agents.app import (
    GROUP_PREFIX,
    HEARTBEAT_SECONDS,
    SESSION_SECONDS,
    make_app,
    raw_topic,
)
from streams.agents.enrich import EnrichStage
from streams.agents.guards import (
    install_commit_guard,
    install_copartitioning,
    install_gap_guard,
    require_compiled_streams,
)
from streams.agents.stories import StoriesStage
from streams.agents.watchdog import Awake, Watchdog, limit_shutdown
from streams.broker.clients import connect_consumer
from streams.broker.topics import DEAD_LETTERS
from streams.config import Settings
from streams.health import HEALTH, Offsets
from streams.instance import hold_instance

__all__ = ["STAGES", "run_stage"]

log = structlog.get_logger(__name__)

STAGES: dict[str, Callable[[Settings], Stage]] = {
    "enrich": EnrichStage,
    "stories": StoriesStage,
    "alerts": AlertsStage,
}
"""In the order of the stream."""

SHUTDOWN_SECONDS = 8.0
"""`wirewatch up` promises to end within ten seconds."""

UNACKED_SECONDS = 10.0
"""How long outputs may wait for the broker's acks before the producer counts as not ready; at 30 s
the sending fails, and the process with it."""


def run_stage(name: str, settings: Settings) -> None:
    """Run a stage until SIGTERM or SIGINT (exit 0) or a crash (exit 1).

    Args:
        name: one of `STAGES`.
        settings: `broker.bootstrap` must be set.

    Raises:
        BrokerError: the broker cannot be reached, or lacks the topics.
    """
    require_compiled_streams()
    install_commit_guard()
    install_gap_guard()
    install_copartitioning()
    stage = STAGES[name](settings)
    HEALTH.offsets = Offsets(settings=settings, group=GROUP_PREFIX + name, topics=stage.sources)
    asyncio.run(_check_broker(stage, settings))
    app = make_app(name, settings)
    _add_agent(app, stage)
    app.finalize()
    worker = _Worker(app, loglevel=logging.getLevelName(settings.log_level), override_logging=False)
    with hold_instance(name, settings):
        worker.execute_from_commandline()


async def _check_broker(stage: Stage, settings: Settings) -> None:
    """Find out now what Faust would only retry: no broker, or no topics."""
    consumer = await connect_consumer(settings, *stage.sources, *stage.outputs, DEAD_LETTERS)
    await consumer.stop()


def _add_agent(app: faust.App, stage: Stage) -> None:
    topics = {name: raw_topic(app, name) for name in (*stage.outputs, DEAD_LETTERS)}
    runner = _StageRunner(stage, topics)
    HEALTH.report("recovered", lambda: "a rebalance is going on" if app.rebalancing else "")

    @app.on_partitions_assigned.connect(weak=False)  # type: ignore[untyped-decorator, unused-ignore]
    async def forget(app: Any, assigned: Any, **_: Any) -> None:
        stage.reset()
        HEALTH.report("assigned")
        metrics.REBALANCES.labels(app.conf.id).inc()

    @app.agent(raw_topic(app, *stage.sources), name=f"streams.{stage.name}", concurrency=1)
    async def agent(stream: Any) -> None:
        # Not an app service: those start after recovery, which is too late for the first record.
        await app.add_runtime_dependency(runner)
        async for event in stream.noack().events():
            await runner.pipeline.put(event)


class _StageRunner(Service):
    """Starts and stops a stage with its pipeline and watchdog."""

    logger = logging.getLogger("mode")  # Faust's chatter about services; warnings still show

    def __init__(self, stage: Stage, topics: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stage = stage
        awake = Awake(SESSION_SECONDS - HEARTBEAT_SECONDS)
        self.pipeline = AckingPipeline(stage, topics, lost=awake.lost)
        in_flight = self.pipeline.in_flight
        self._watchdog = Watchdog(in_flight.still_seconds, awake)
        HEALTH.live_by(self._watchdog.stuck)
        metrics.IN_FLIGHT_SECONDS.labels(stage.name).set_function(in_flight.oldest_age_seconds)

    async def on_start(self) -> None:
        await self.stage.start()
        await self.add_runtime_dependency(self.pipeline)
        self._watchdog.start(self.loop)
        HEALTH.report("models")
        HEALTH.report("producer", self._why_no_producer)
        log.info("ready", stage=self.stage.name)

    @Service.task
    async def _watch(self) -> None:
        await self.stage.watch()  # raising crashes the process

    def _why_no_producer(self) -> str:
        waiting = self.pipeline.unacked_seconds()
        if waiting <= UNACKED_SECONDS:
            return ""
        return f"outputs have waited for the broker's acks for {waiting:.0f} s"

    async def on_stop(self) -> None:
        self._watchdog.stop()
        await self.stage.stop()


class _Worker(faust.Worker):
    """Faust's worker, quiet at start and ending in bounded time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.spinner = None

    def _on_sigterm(self) -> None:
        limit_shutdown(SHUTDOWN_SECONDS)
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        limit_shutdown(SHUTDOWN_SECONDS)
        super()._on_sigterm()  # the same tidy end, without the shouting
