"""The desk's web server, and the process that fills it from `news.alerts`.

    GET /             the page, rendered with all alerts
    GET /api/alerts   the same as JSON: {"cursor": …, "alerts": [Alert, …]}, newest first
    GET /api/stream   server-sent events: alert (a card), remove (an alert_id), reset (read anew)
    GET /livez        {"status": "ok", "alerts": n, "undecodable": n}

The page carries the cursor of its alerts and hands it to the stream, so nothing falls between
the two; after a broken connection the browser resumes by Last-Event-ID.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from streams import __version__
from streams.broker.clients import connect_consumer
from streams.broker.topics import ALERTS
from streams.config import Settings, utc_now
from streams.desk.guard import Guard, check_binding, is_loopback, listen
from streams.desk.live import Desk
from streams.desk.view import duration_text, make_card
from streams.errors import BrokerError
from streams.health import HEALTH, Offsets
from streams.records import Alert
from streams.sinks.signals import stop_on_signals, until_stopped

__all__ = ["create_app", "follow", "new_desk", "serve", "serve_app"]

log = structlog.get_logger(__name__)

SEND_TIMEOUT_SECONDS = 10.0
"""A client that takes no byte for so long is gone."""
PING_SECONDS = 15
SHUTDOWN_SECONDS = 3
"""For answers in progress; together with the rest a process ends within 5 s."""
RECONNECT_SECONDS = 2.0

_FOLDER = Path(__file__).parent
_templates = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["duration"] = duration_text


def render_card(alert: Alert) -> str:
    """The HTML of one alert: one template for the first paint and for live updates."""
    return _templates.get_template("card.html").render(card=make_card(alert))


def new_desk(started_at: datetime) -> Desk:
    """An empty desk whose cursors are those of a process that started then."""
    return Desk(f"{int(started_at.timestamp() * 1000):x}", render_card)


def create_app(desk: Desk, *, token: str = "", local_only: bool = True) -> Starlette:
    """Build the web application around a desk.

    Args:
        desk: what is shown.
        token: needed for every request; empty asks for nothing.
        local_only: served on a loopback address, so the Host header must name one.
    """

    async def page(request: Request) -> Response:
        # The cursor first: an alert that arrives in between is then sent again, not missed.
        cursor = desk.cursor
        html = _templates.get_template("page.html").render(
            cursor=cursor, cards=desk.cards(), version=__version__
        )
        return HTMLResponse(html)

    async def alerts(request: Request) -> Response:
        body = {"cursor": desk.cursor, "alerts": desk.alerts()}
        return Response(msgspec.json.encode(body), media_type="application/json")

    async def stream(request: Request) -> Response:
        cursor = request.headers.get("last-event-id") or request.query_params.get("cursor", "")

        async def events() -> AsyncIterator[ServerSentEvent]:
            async for change in desk.changes(cursor or desk.cursor):
                yield ServerSentEvent(data=change.data, event=change.name, id=change.cursor)

        return EventSourceResponse(events(), ping=PING_SECONDS, send_timeout=SEND_TIMEOUT_SECONDS)

    async def livez(request: Request) -> Response:
        body = {"status": "ok", "alerts": len(desk), "undecodable": desk.undecodable}
        return Response(msgspec.json.encode(body), media_type="application/json")

    return Starlette(
        routes=[
            Route("/", page),
            Route("/api/alerts", alerts),
            Route("/api/stream", stream),
            Route("/livez", livez),
            Mount("/static", StaticFiles(directory=_FOLDER / "static")),
        ],
        middleware=[Middleware(Guard, token=token, local_only=local_only)],
    )


async def follow(records: AsyncIterable[Any], desk: Desk) -> None:
    """Put every record of `news.alerts` on the desk; `records` yields aiokafka's ConsumerRecords."""
    async for record in records:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        desk.take(record.key, record.value, place)


async def _keep_following(settings: Settings, desk: Desk, consumer: AIOKafkaConsumer) -> None:
    """Follow the topic from its start; after trouble with the broker, connect and read anew.

    Alerts that are read twice change nothing.
    """
    connected: AIOKafkaConsumer | None = consumer
    while True:
        try:
            if connected is None:
                connected = await connect_consumer(settings, ALERTS)
            HEALTH.report("assigned")
            await follow(connected, desk)
        except (BrokerError, KafkaError) as error:
            HEALTH.report("assigned", lambda: "the broker was lost; connecting anew")
            log.warning("broker_lost", reason=str(error), retry_seconds=RECONNECT_SECONDS)
        finally:
            if connected is not None:
                await connected.stop()
                connected = None
        await asyncio.sleep(RECONNECT_SECONDS)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process.

    uvicorn raises a signal again after it has stopped, and the process would end by it instead
    of with exit code 0.
    """

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve_app(
    app: Starlette, listener: socket.socket, desk: Desk, stop: asyncio.Event
) -> None:
    """Serve until `stop` is set, then end the streams first, for they would never end by themselves."""
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        desk.close()
        server.should_exit = True
        await serving


async def serve(
    settings: Settings, *, host: str, port: int, token: str, tell: Callable[[str], None]
) -> None:
    """Run the desk until SIGTERM or SIGINT.

    Args:
        settings: whose broker is set.
        host: address to listen on; any other than a loopback one needs a token.
        port: 0 takes a free one.
        token: what every request must know, or empty.
        tell: is called with the address of the page once it is served.

    Raises:
        ConfigError: the address needs a token or cannot be listened on.
        BrokerError: the broker cannot be reached at the start.
    """
    check_binding(host, token)
    listener = listen(host, port, what="the desk", cure="give another --port or --host")
    try:
        desk = new_desk(utc_now())
        HEALTH.watch_loop()
        HEALTH.offsets = Offsets(settings=settings)
        consumer = await connect_consumer(settings, ALERTS)
        stop = stop_on_signals()
        following = asyncio.create_task(
            until_stopped(_keep_following(settings, desk, consumer), stop)
        )
        # An unforeseen failure of the follower ends the page too, rather than leave it stale.
        following.add_done_callback(lambda _: stop.set())
        tell(f"http://{_url_host(host)}:{listener.getsockname()[1]}/")
        app = create_app(desk, token=token, local_only=is_loopback(host))
        await serve_app(app, listener, desk, stop)
        await following
    finally:
        listener.close()


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
