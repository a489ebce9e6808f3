"""A feed server that costs as little as possible: one process, ready-made answers, any host name."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Literal

from aiohttp.abc import AbstractResolver, ResolveResult

from tests.bench.samples import make_feed

SPAWN = multiprocessing.get_context("spawn")
FULL_ENTRIES = 30
"""About 60 kB."""
Kind = Literal["same", "full"]
_ETAG = b'"the-only-one"'
ETAG = _ETAG.decode()


class FeedServer:
    """Serves `http://<any name>:port/same/<n>` and `/full/<n>`.

    `same` never changes and says so when asked with its validator; `full` has a new entry at every
    request, and no validators.
    """

    def __init__(self, port: int, answered: dict[str, Any]) -> None:
        self.port = port
        self._answered = answered

    def answered(self, kind: Kind) -> int:
        """Requests so far: with 304 for `same`, with a document for `full`."""
        return int(self._answered[kind].value)

    def url(self, kind: Kind, number: int) -> str:
        """A feed on a host of its own."""
        return f"http://site{number}.example:{self.port}/{kind}/{number}"


@contextmanager
def serving() -> Iterator[FeedServer]:
    """Run a server in a process of its own."""
    answered = {kind: SPAWN.Value("L", 0, lock=False) for kind in ("same", "full")}
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=_main, args=(there, answered), daemon=True)
    process.start()
    try:
        yield FeedServer(here.recv(), answered)
    finally:
        process.kill()
        process.join()


class Loopback(AbstractResolver):
    """Every name leads to this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """One address."""
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _main(pipe: Connection, answered: dict[str, Any]) -> None:
    asyncio.run(_serve(pipe, answered))


async def _serve(pipe: Connection, answered: dict[str, Any]) -> None:
    documents = _Documents()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Answers(documents, answered), "127.0.0.1", 0, backlog=4096
    )
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Documents:
    """Windows over an endless list of entries."""

    def __init__(self) -> None:
        text = make_feed("rss", FULL_ENTRIES).decode()
        head, *items = text.split("<item>")
        items[-1], self._tail = items[-1].split("</item>")
        self._head = head
        self._halves = [item.removesuffix("</item>").split("sample-", 1) for item in items]
        self._halves = [[first, rest.partition("<")[2]] for first, rest in self._halves]
        self._asked: dict[bytes, int] = {}

    def next(self, path: bytes) -> bytes:
        """The document of a feed, one entry further than the last time."""
        asked = self._asked[path] = self._asked.get(path, 0) + 1
        entries = []
        for number in range(asked + FULL_ENTRIES, asked, -1):
            first, rest = self._halves[number % FULL_ENTRIES]
            entries.append(f"<item>{first}{number}<{rest}</item>")
        return f"{self._head}{''.join(entries)}{self._tail}".encode()


class _Answers(asyncio.Protocol):
    def __init__(self, documents: _Documents, answered: dict[str, Any]) -> None:
        self._documents = documents
        self._answered = answered
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            request, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        path = request.split(b" ", 2)[1]
        if path.startswith(b"/full/"):
            self._answered["full"].value += 1
            return _document(self._documents.next(path))
        if _ETAG in request:
            self._answered["same"].value += 1
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + _ETAG + b"\r\n\r\n"
        return _document(_SMALL, b"ETag: " + _ETAG + b"\r\n")


_SMALL = make_feed("rss", 1)


def _document(body: bytes, headers: bytes = b"") -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
        + headers
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
    )
