"""Serves whether this process lives, whether it is ready, and its metrics.

    GET /livez    200 {"status": "ok"}, or 503 {"status": "stuck", "reason": …}
    GET /readyz   200 {"status": "ready"}, or 503 {"status": "not ready", "missing": {name: reason}}
    GET /metrics  for Prometheus

Off unless a port is given. The server has a thread with an event loop of its own: it answers also
while the process's loop is busy, and takes none of its time but what Python's lock costs. The same thread
asks the broker how far behind the group is. Starlette and uvicorn serve it rather than aiohttp.web, so
that the desk's guard stands before it too.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streams.broker.lag import BrokerWatch
from streams.config import Settings, secret
from streams.desk.guard import Guard, check_binding, is_loopback, listen
from streams.health import HEALTH, NEEDS, Health

__all__ = ["create_app", "serving_health"]

log = structlog.get_logger(__name__)

_END_SECONDS = 1.5
"""For the thread's end; the process does not wait longer, for it has promised to end soon."""


def create_app(health: Health, *, token: str = "", local_only: bool = True) -> Starlette:
    """Build the web application.

    Args:
        health: is asked anew for each request.
        token: what every request must know; empty asks for nothing.
        local_only: served on a loopback address, so the Host header must name one.
    """

    async def livez(request: Request) -> Response:
        if reason := health.stuck():
            return JSONResponse({"status": "stuck", "reason": reason}, 503)
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        if missing := health.missing():
            return JSONResponse({"status": "not ready", "missing": missing}, 503)
        return JSONResponse({"status": "ready"})

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)],
        middleware=[Middleware(Guard, token=token, local_only=local_only, login=False)],
    )


@contextlib.contextmanager
def serving_health(process: str, settings: Settings) -> Iterator[None]:
    """Serve the health of this process inside the block; without a port, do nothing.

    Args:
        process: one of `NEEDS`.
        settings: `health_port` and `health_host`; the token comes from WIREWATCH_HEALTH_TOKEN.

    Raises:
        ConfigError: the address needs a token or cannot be listened on.
    """
    if not settings.health_port:
        yield
        return
    host, token = settings.health_host, secret("WIREWATCH_HEALTH_TOKEN")
    check_binding(host, token, what="health and metrics", variable="WIREWATCH_HEALTH_TOKEN")
    HEALTH.needs = NEEDS[process]
    app = create_app(HEALTH, token=token, local_only=is_loopback(host))
    with listen(
        host,
        settings.health_port,
        what="health and metrics",
        cure="give another --health-port, or 0 for none; check WIREWATCH_HEALTH_HOST",
    ) as listener:
        thread = _ServerThread(app, listener, HEALTH)
        thread.start()
        try:
            yield
        finally:
            thread.end()


class _ServerThread(threading.Thread):
    """Runs the server and the broker watch. A daemon, so that it can never hold up an end."""

    def __init__(self, app: Starlette, listener: socket.socket, health: Health) -> None:
        super().__init__(name="health", daemon=True)
        self._listener = listener
        self._watch = BrokerWatch(lambda: health.offsets)
        health.report("broker", self._watch.why_not)
        # Outside the main thread uvicorn leaves signals alone.
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )

    def run(self) -> None:
        """Serve until `end`."""
        try:
            asyncio.run(self._serve())
        except Exception:  # a process without health is still better than none
            log.exception("health_server_failed")

    async def _serve(self) -> None:
        watching = asyncio.create_task(self._watch.run())
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            watching.cancel()
            await asyncio.wait({watching}, timeout=_END_SECONDS)

    def end(self) -> None:
        """Stop serving; waits a moment."""
        self._server.should_exit = True
        self.join(_END_SECONDS)
