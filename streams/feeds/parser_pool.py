"""Parsing in processes that may be killed: a document that overruns takes no other along."""

from __future__ import annotations

import asyncio
import contextlib
import resource

from streams.errors import ParseError
from streams.feeds.document import ParsedFeed
from streams.feeds.parse import parse_apart
from streams.pool import KillablePool, PoolBrokenError

__all__ = ["ParserPool"]

DEADLINE_SECONDS = 10.0
"""The slowest real feed of 200 took 0.4 s; hostile ones take half a minute and more."""
PROCESSES = 2
_MEMORY_BYTES = 1024**3


class ParserPool:
    """Parses documents off the event loop.

    Args:
        processes: how many documents are parsed side by side.
        deadline_seconds: the longest that one document may take.
    """

    def __init__(
        self, processes: int = PROCESSES, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._pool = KillablePool(processes, _limit_memory, deadline_seconds=deadline_seconds)
        # The pool's deadline includes waiting for a process, so nobody may have to wait there.
        self._free = asyncio.Semaphore(processes)

    async def parse(self, body: bytes, content_type: str, url: str) -> ParsedFeed:
        """`streams.feeds.parse.parse`, elsewhere.

        Raises:
            ParseError: as from `parse`, and `parser_killed` for a document that overran the
                deadline or ended its process.
        """
        async with self._free:
            try:
                result = await self._pool.run(parse_apart, body, content_type, url)
            except PoolBrokenError:  # perhaps another document's fault: ask this one alone
                result = await self._alone(body, content_type, url)
        if isinstance(result, ParsedFeed):
            return result
        kind, message = result
        raise ParseError(message, kind=kind)

    async def _alone(
        self, body: bytes, content_type: str, url: str
    ) -> ParsedFeed | tuple[str, str]:
        try:
            with self._pool.apart() as apart:
                return await apart.run(parse_apart, body, content_type, url)
        except PoolBrokenError as error:
            raise ParseError(f"the parser was stopped: {error}", kind="parser_killed") from error

    def stop(self) -> None:
        """End all processes at once."""
        self._pool.stop()


def _limit_memory() -> None:
    """In a parsing process: fail with MemoryError instead of starving the machine."""
    with contextlib.suppress(ValueError, OSError):  # some systems do not limit address space
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
