from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from streams.desk.live import Desk
from streams.desk.server import create_app, serve_app

Served = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Served]:
    """Serve a desk on a free loopback port until the test ends; returns its address."""

    @asynccontextmanager
    async def running(desk: Desk, **options: object) -> AsyncIterator[str]:
        listener = socket.create_server(("127.0.0.1", 0))
        stop = asyncio.Event()
        app = create_app(desk, **options)  # type: ignore[arg-type]
        serving = asyncio.create_task(serve_app(app, listener, desk, stop))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop.set()
        async with asyncio.timeout(5):
            await serving
        listener.close()

    async with AsyncExitStack() as stack:

        async def start(desk: Desk, **options: object) -> str:
            return await stack.enter_async_context(running(desk, **options))

        yield start
