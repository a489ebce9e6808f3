"""`wirewatch poll`: everything that a poller needs, connected, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack

import structlog
from aiohttp.abc import AbstractResolver
from aiokafka import AIOKafkaProducer

from streams.broker.clients import connect_producer
from streams.config import Settings, secret
from streams.feeds.census import keep_counting
from streams.feeds.fetch import Fetcher
from streams.feeds.languages import Detects
from streams.feeds.parser_pool import ParserPool
from streams.feeds.poller import Poller
from streams.feeds.sharing.share import Share
from streams.feeds.websub.subscriber import Subscriber
from streams.health import HEALTH, Offsets
from streams.instance import hold_instance

__all__ = ["run"]

log = structlog.get_logger(__name__)

_FLUSH_SECONDS = 1.0
"""The poller has waited for its acks before."""


async def run(
    settings: Settings,
    resolver: AbstractResolver | None = None,
    detects: Detects | None = None,
) -> None:
    """Poll until SIGTERM or cancelled; the topics must exist.

    Args:
        settings: with a broker address.
        detects: tells languages; None where they are not learned.
        resolver: instead of the system's, for tests.

    Raises:
        BrokerError: the broker cannot be reached or stopped taking records.
        ConfigError: a setting is unusable, or another poller runs under the same name.
    """
    _raise_file_limit()
    HEALTH.watch_loop()
    HEALTH.offsets = Offsets(settings=settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_instance("poll", settings))
        fetcher = await stack.enter_async_context(Fetcher(settings, resolver=resolver))
        producer = await connect_producer(settings)
        stack.push_async_callback(_let_go, producer)
        HEALTH.report("producer")
        parser = ParserPool()
        stack.callback(parser.stop)

        async def leave(feed_ids: frozenset[str]) -> None:
            await poller.leave(feed_ids)

        share = Share(settings, leave)
        HEALTH.report(
            "assigned", lambda: "" if share.is_settled else "the share of the feeds is not settled"
        )
        subscriber = Subscriber(
            settings,
            secret("WIREWATCH_WEBSUB_SECRET").encode(),
            fetcher,
            lambda *push: poller.push(*push),
            known=lambda feed_id: poller.subscription(feed_id),
            takes=lambda feed_id: poller.takes(feed_id),
        )
        poller = Poller(producer, share, fetcher, parser, pushes=subscriber, detects=detects)
        await share.start()
        stack.push_async_callback(share.stop)
        await subscriber.start()
        stack.push_async_callback(subscriber.stop)
        log.info("poller_started", feeds=len(share.feeds), share=round(share.fraction, 3))
        await _until_stopped(poller.run(), share.wait_failed(), keep_counting(share))
    log.info("poller_stopped")


async def _let_go(producer: AIOKafkaProducer) -> None:
    """Stop it, without waiting for a broker that answers no more: aiokafka would, for ever. What
    is not acknowledged by now nobody has remembered.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FLUSH_SECONDS):
            await producer.stop()


def _raise_file_limit() -> None:
    """A connection is a file; the usual limit of 1,024 is one for interactive shells."""
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _until_stopped(
    work: Coroutine[None, None, None], *watched: Coroutine[None, None, None]
) -> None:
    """Run until SIGTERM, or until one of these ends; raise what it raised."""
    tasks = [asyncio.create_task(each) for each in (work, *watched)]
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, tasks[0].cancel)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):  # a cancellation is none
            raise result
