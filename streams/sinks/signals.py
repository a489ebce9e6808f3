"""Ending on request: SIGTERM and SIGINT ask a process to stop, and it then ends by itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

__all__ = ["stop_on_signals", "stop_within", "until_stopped"]

log = structlog.get_logger(__name__)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets, instead of ending the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def until_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Run until the work ends or `stop` is set, which cancels it; its errors pass through."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()
        # Wait for its clean-up; a failure of the work is raised below, not here.
        await asyncio.wait({working})
    if not working.cancelled():
        working.result()


async def stop_within(seconds: float, stop: Callable[[], Awaitable[None]]) -> None:
    """Let a client take its leave of the broker, but not wait for a broker that hangs."""
    try:
        async with asyncio.timeout(seconds):
            await stop()
    except TimeoutError:
        log.warning("left_without_goodbye", seconds=seconds)
