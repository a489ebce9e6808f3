"""Where hubs call back: confirmations and pushes over HTTP, bounded in size, time and number.

    GET  …/websub/<feed_id>/<token>    the hub confirms or denies
    POST …/websub/<feed_id>/<token>    the hub pushes

The token cannot be guessed, and whoever does not know it gets 404 before a body is read. A push is
answered 202 before it is worked on, and 503 while there is no room for it or nobody to take it, so
that the hub repeats it. Whether its signature was right the sender does not learn, as the recommendation wants it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web

from streams.errors import ConfigError
from streams.feeds.websub.signature import signed

__all__ = ["CallbackServer"]

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 10 * 1024 * 1024
"""After decompression; as for a polled document."""
BODY_SECONDS = 30.0
MAX_PUSHES = 16
"""Being read, waiting or worked on, together: so many bodies are in memory at most."""
MAX_PUSHES_PER_FEED = 3
_RETRY_AFTER_SECONDS = 30
_CHUNK_BYTES = 64 * 1024
_LINGER_SECONDS = 1.0
_SHUTDOWN_SECONDS = 1.0
_END_SECONDS = 3.0
"""How long a stop waits for what is being worked on."""


class CallbackServer:
    """A small web server for hubs. To all it calls, a wrong token is like an unknown feed.

    Args:
        listen: host:port; port 0 for any.
        verify: gives status and body for a hub that confirms or denies; takes feed_id, token and
            query.
        secret: gives what pushes to a callback are signed with, "" if there is no such callback;
            takes feed_id and token.
        takes: whether a push of a feed could be worked on now.
        receive: works on a push that was signed well and raises nothing; takes feed_id, body and
            content type. Called for one push of a feed at a time, in order.
        max_body_bytes: of a push, decompressed.
        body_seconds: for reading it.

    Raises:
        ConfigError: `listen` is no address.
    """

    def __init__(
        self,
        listen: str,
        *,
        verify: Callable[[str, str, Mapping[str, str]], tuple[int, str]],
        secret: Callable[[str, str], str],
        takes: Callable[[str], bool],
        receive: Callable[[str, bytes, str], Awaitable[None]],
        max_body_bytes: int = MAX_BODY_BYTES,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._listen = listen
        self._host, self._port = _host_and_port(listen)
        self._decide = verify
        self._secret = secret
        self._takes = takes
        self._receive = receive
        self._max_body_bytes = max_body_bytes
        self._body_seconds = body_seconds
        self._runner: web.AppRunner | None = None
        self._busy: Counter[str] = Counter()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._working: set[asyncio.Task[None]] = set()
        self.pushes: Counter[str] = Counter()
        """How many were taken, ignored (signed wrongly or not at all), refused (too large, slow or
        broken) and turned away (no room, or not ours at the moment)."""

    @property
    def port(self) -> int:
        """Where it listens; 0 while it does not."""
        return int(self._runner.addresses[0][1]) if self._runner else 0

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: the address cannot be had.
        """
        app = web.Application()
        # What a proxy leaves of its own path comes before.
        path = r"/{before:(?:.*/)?}websub/{feed_id}/{token}"
        app.router.add_get(path, self._verify, allow_head=False)
        app.router.add_post(path, self._push)
        # Without a log of requests: their paths hold tokens.
        runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            lingering_time=_LINGER_SECONDS,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigError(
                f"WIREWATCH_WEBSUB_LISTEN: nothing can listen on {self._listen}: {error.strerror}",
                cure="name an address of this machine and a free port",
            ) from error
        self._runner = runner

    async def stop(self) -> None:
        """Take no more, and finish what was taken, for some seconds at most."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=_END_SECONDS)
            for task in late:
                task.cancel()

    async def _verify(self, request: web.Request) -> web.Response:
        found = request.match_info
        status, body = self._decide(found["feed_id"], found["token"], request.query)
        # The challenge is text from outside and must not become a page.
        return web.Response(
            status=status, text=body or None, headers={"X-Content-Type-Options": "nosniff"}
        )

    async def _push(self, request: web.Request) -> web.Response:
        feed_id = request.match_info["feed_id"]
        secret = self._secret(feed_id, request.match_info["token"])
        if not secret:
            raise web.HTTPNotFound
        if not (self._takes(feed_id) and self._has_room(feed_id)):
            self._note("turned_away", feed_id)
            raise web.HTTPServiceUnavailable(headers={"Retry-After": str(_RETRY_AFTER_SECONDS)})
        self._busy[feed_id] += 1
        try:
            body = await self._read(request, feed_id)
            signature = request.headers.get("X-Hub-Signature", "")
            if signed(body, signature, secret):
                self._work_on(feed_id, body, request.headers.get("Content-Type", ""))
            else:
                self._note("ignored", feed_id, signature="wrong" if signature else "none")
        finally:
            self._release(feed_id)
        return web.Response(status=202)

    def _has_room(self, feed_id: str) -> bool:
        return self._busy.total() < MAX_PUSHES and self._busy[feed_id] < MAX_PUSHES_PER_FEED

    async def _read(self, request: web.Request, feed_id: str) -> bytes:
        """Read and decompress in pieces, so that neither bombs nor drips cost much."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > self._max_body_bytes:
                        raise web.HTTPRequestEntityTooLarge(self._max_body_bytes)
        except (TimeoutError, web.RequestPayloadError, OSError, web.HTTPException) as error:
            self._note("refused", feed_id, error=type(error).__name__)
            raise _refusal(error) from error
        return bytes(body)

    def _work_on(self, feed_id: str, body: bytes, content_type: str) -> None:
        """Let a push be worked on after the answer."""
        self.pushes["taken"] += 1
        self._busy[feed_id] += 1

        async def work() -> None:
            try:
                async with self._turns[feed_id]:
                    await self._receive(feed_id, body, content_type)
            finally:
                self._release(feed_id)

        task = asyncio.create_task(work(), name=f"push {feed_id}")
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    def _release(self, feed_id: str) -> None:
        self._busy[feed_id] -= 1
        if not self._busy[feed_id]:
            del self._busy[feed_id]

    def _note(self, what: str, feed_id: str, **fields: str) -> None:
        self.pushes[what] += 1
        log.warning("websub_push_not_taken", why=what, feed=feed_id, **fields)


def _refusal(error: Exception) -> web.HTTPException:
    if isinstance(error, web.HTTPException):
        return error
    return web.HTTPRequestTimeout() if isinstance(error, TimeoutError) else web.HTTPBadRequest()


def _host_and_port(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise ConfigError(
            f"WIREWATCH_WEBSUB_LISTEN is {listen!r}", cure="give host:port such as 127.0.0.1:8610"
        )
    return host, int(port)
