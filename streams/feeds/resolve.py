"""Names to addresses, so that a lookup that is stuck holds up nobody: no other feed, and no exit."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["Resolver"]

MAX_PENDING = 256
"""Threads. With that many lookups stuck, no name server answers at all."""
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Resolver(AbstractResolver):
    """Asks the system (`getaddrinfo`) in a daemon thread per lookup.

    `getaddrinfo` cannot be cancelled and takes half a minute and more when name servers are
    silent. In the loop's executor, which aiohttp uses, a few dozen such names keep all others
    waiting, and Python waits for its threads when the process ends. Nobody waits for daemon threads.

    Args:
        seconds: how long an answer is waited for; the thread may live longer.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pending = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up.

        Raises:
            OSError: `socket.gaierror`; with `EAI_AGAIN` if another time may do better.
        """
        if self._pending >= MAX_PENDING:
            raise socket.gaierror(socket.EAI_AGAIN, f"{MAX_PENDING} lookups are stuck already")
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        threading.Thread(
            target=self._look_up, args=(answer, host, port, family), name="resolve", daemon=True
        ).start()
        self._pending += 1
        try:
            async with asyncio.timeout(self._seconds):
                found = await answer
        except TimeoutError:
            message = f"no name server answered within {self._seconds:g} s"
            raise socket.gaierror(socket.EAI_AGAIN, message) from None
        return [
            ResolveResult(
                hostname=host,
                host=address[0],
                port=address[1],
                family=kind,
                proto=protocol,
                flags=_NUMERIC,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Nothing to close: lookups under way end by themselves."""

    def _look_up(
        self, answer: asyncio.Future[list[Any]], host: str, port: int, family: int
    ) -> None:
        """In a thread of its own."""
        found: list[Any] | OSError
        try:
            found = socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
        except OSError as error:
            found = error
        except UnicodeError:  # parts that are empty or too long
            found = socket.gaierror(socket.EAI_NONAME, "not a host name")
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            answer.get_loop().call_soon_threadsafe(self._end, answer, found)

    def _end(self, answer: asyncio.Future[list[Any]], found: list[Any] | OSError) -> None:
        """In the event loop."""
        self._pending -= 1
        if answer.done():  # given up
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)
