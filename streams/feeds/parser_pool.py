"""Parsing in processes that may be killed: a document that overruns takes no other along."""

from __future__ import annotations

import contextlib
import resource

from streams.errors import ParseError
from streams.feeds.document import ParsedFeed
from streams.feeds.parse import parse_apart
from streams.pool import KillablePool, PoolBrokenError

__all__ = ["ParserPool", "limit_memory"]

DEADLINE_SECONDS = 10.0
"""The slowest real feed of 200 took 0.4 s; hostile ones take half a minute and more."""
PROCESSES = 2
MAX_DOCUMENTS = 500
"""Read by one process: parsers leak and fragment memory, and a new process costs little."""
_MEMORY_BYTES = 1024**3
_LARGE_BYTES = 256 * 1024**2
"""A process that once needed so much, where 80 MB are usual, does not give it back."""


class ParserPool:
    """Parses documents off the event loop.

    Args:
        processes: how many documents are parsed side by side.
        deadline_seconds: the longest that one document may take.
        max_documents: read by a process before it is replaced.
    """

    def __init__(
        self,
        processes: int = PROCESSES,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        max_documents: int = MAX_DOCUMENTS,
    ) -> None:
        self._pool = KillablePool(
            processes,
            limit_memory,
            deadline_seconds=deadline_seconds,
            max_tasks=max_documents,
            max_bytes=_LARGE_BYTES,
            # A process imports the main module of its parent, too. So a new one starts in 15 ms
            # instead of 600, and has 7 MB of its own instead of 45.
            preload=("streams.__main__", __name__),
        )

    async def parse(self, body: bytes, content_type: str, url: str) -> ParsedFeed:
        """`streams.feeds.parse.parse`, elsewhere.

        Raises:
            ParseError: as from `parse`, and `parser_killed` for a document that overran the
                deadline or ended its process.
        """
        try:
            result = await self._pool.run(parse_apart, body, content_type, url)
        except PoolBrokenError as error:
            raise ParseError(f"the parser was stopped: {error}", kind="parser_killed") from error
        if isinstance(result, ParsedFeed):
            return result
        kind, message, cure = result
        raise ParseError(message, kind=kind, cure=cure)

    def stop(self) -> None:
        """End all processes at once."""
        self._pool.stop()


def limit_memory() -> None:
    """In a parsing process: fail with MemoryError instead of starving the machine."""
    with contextlib.suppress(ValueError, OSError):  # some systems do not limit address space
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
