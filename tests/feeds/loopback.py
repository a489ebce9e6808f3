"""A web server on loopback, for tests of what really goes over a socket."""

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.abc import AbstractResolver


@asynccontextmanager
async def serving(host="127.0.0.1", /, **handlers):
    """A loopback server with a handler per path, for any method; yields its address."""
    app = web.Application()
    for name, handler in handlers.items():
        app.router.add_route("*", f"/{name}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def answer(status=200, body=b"<rss/>", **headers):
    async def handle(request):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return handle


def redirect(to, status=302, **headers):
    return answer(status, b"", Location=to, **headers)


def in_turn(*handlers):
    """The first handler for the first request, and so on; the last for all that follow."""
    left = list(handlers)

    async def handle(request):
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return handle


@asynccontextmanager
async def saying(say, host="127.0.0.1"):
    """A server that need not speak HTTP: `say(writer)` answers each request; yields its address."""

    async def talk(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await say(writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, host, 0)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def words(*pieces, every=0.0):
    """For `saying`: send pieces of bytes, with a pause in seconds after each."""

    async def say(writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)

    return say


class Names(AbstractResolver):
    """A name server of which each lookup of a name brings the next answer, the last for ever."""

    def __init__(self, **answers):
        """From the first part of a name to its answers, each a list of addresses."""
        self._answers = {name: list(each) for name, each in answers.items()}
        self.asked = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        left = self._answers[host.partition(".")[0]]
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in addresses
        ]

    async def close(self):
        """Nothing to close."""
