"""`wirewatch up`: the whole stream on one machine, and its alerts in this terminal."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

import msgspec
import structlog
from aiokafka import ConsumerRecord

from streams import __version__
from streams.broker.clients import connect_consumer, resolve_broker
from streams.broker.embedded import NOTICE, EmbeddedBroker, running_broker
from streams.broker.topics import ALERTS
from streams.broker.topics import apply as apply_topics
from streams.config import BrokerSettings, Settings, instance_name
from streams.content import Content, publish_content, read_content
from streams.demo.newsroom import demo_feeds
from streams.errors import BrokerError, RecordError, WirewatchError
from streams.records import Alert
from streams.screen import Screen
from streams.supervise import Child, Supervisor, with_health_ports
from streams.wire import decode

__all__ = ["UpOptions", "run_up"]

log = structlog.get_logger(__name__)

DESK_PORT = 8600
DEMO_POLL_SECONDS = 2
BROKER_CHECK_SECONDS = 1.0
CREDENTIALS = (
    "SASL_USERNAME",
    "SASL_PASSWORD",
    "SASL_PASSWORD_FILE",
    "SSL_CA_FILE",
    "SSL_CERT_FILE",
    "SSL_KEY_FILE",
)
GATHER_MILLISECONDS = 250
"""How long alerts of the same item may take to come in from their partitions."""


class UpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    broker: str = ""
    """Empty: the embedded one, or the one of the settings."""
    demo: bool = False
    archive: bool = False
    desk_port: int = DESK_PORT
    as_json: bool = False
    end_after_seconds: int | None = None


async def run_up(settings: Settings, options: UpOptions) -> None:
    """Run until a signal, until the time is up, or until a process keeps crashing.

    Raises:
        ConfigError, NotFoundError: the configuration is wrong; nothing has been started.
        BrokerError: no broker can be had.
        WirewatchError: a process keeps crashing, or the embedded broker died.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if options.end_after_seconds:
        loop.call_later(options.end_after_seconds, ended.set)
    if options.demo:
        settings = _demo_settings(settings)
    newsroom_port = _free_port() if options.demo else 0
    demo = demo_feeds(f"http://127.0.0.1:{newsroom_port}", DEMO_POLL_SECONDS)
    content = read_content(settings.config_folder, demo if options.demo else None)

    def reader_gone() -> None:
        loop.call_soon_threadsafe(ended.set)

    screen = Screen(as_json=options.as_json, on_closed=reader_gone)
    async with _broker(settings, options) as (settings, watch_broker):
        await apply_topics(settings)
        published = await publish_content(settings, content)
        for warning in published.warnings:
            screen.note(f"  {warning}")
        desk_port = _free_port(options.desk_port)
        children = with_health_ports(_children(content, options, desk_port), settings.health_port)
        if newsroom_port:
            children.insert(0, Child("newsroom", ("newsroom", "--port", str(newsroom_port))))
        _introduce(screen, settings, content, children, desk_port)
        supervisor = Supervisor(
            children, settings.data_folder / "logs", _environment(settings), screen.note
        )
        work = [
            asyncio.create_task(supervisor.run()),
            asyncio.create_task(_show_alerts(settings, screen)),
            asyncio.create_task(watch_broker()),
        ]
        try:
            await _first_of(ended, work)
        finally:
            screen.note("Stopping …")
            await supervisor.stop()  # before the broker, so that they can finish what they began
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            screen.close()


def _introduce(
    screen: Screen,
    settings: Settings,
    content: Content,
    children: Sequence[Child],
    desk_port: int,
) -> None:
    embedded = (settings.data_folder / "broker.json").exists()
    screen.note(f"Wirewatch {__version__}", style="bold")
    screen.note(
        f"  broker  {settings.broker.bootstrap}{' (embedded)' if embedded else ''}\n"
        f"  watch   {len(content.feeds)} feeds, {len(content.figures)} figures, "
        f"{len(content.rules)} rules from {settings.config_folder}\n"
        f"  logs    {settings.data_folder / 'logs'}\n"
        f"  desk    http://127.0.0.1:{desk_port}",
        style="none",
    )
    if ports := {child.name: child.health_port for child in children if child.health_port}:
        told = ", ".join(f"{name} {port}" for name, port in ports.items())
        screen.note(f"  health  {settings.health_host}, ports {told}", style="none")
    for line in (*content.warnings, *([NOTICE] if embedded else [])):
        screen.note(f"  {line}")
    screen.note("Waiting for alerts; Ctrl-C ends.\n", style="none")


async def _first_of(ended: asyncio.Event, work: list[asyncio.Task[None]]) -> None:
    """Wait for the end, or for the first task that fails."""
    waiting = asyncio.create_task(ended.wait())
    done, _ = await asyncio.wait({waiting, *work}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done - {waiting}:
        await task


def _demo_settings(settings: Settings) -> Settings:
    """The demo starts from nothing, in a folder of its own, and may poll loopback."""
    folder = settings.data_folder / "demo"
    if address := running_broker(folder):
        raise BrokerError(
            f"a demo already runs on {folder}, with its broker at {address}",
            cure="end it first, or give --data another folder",
        )
    shutil.rmtree(folder, ignore_errors=True)
    return msgspec.structs.replace(settings, data_folder=folder, allow_private=("127.0.0.0/8",))


@contextlib.asynccontextmanager
async def _broker(
    settings: Settings, options: UpOptions
) -> AsyncIterator[tuple[Settings, Callable[[], Coroutine[None, None, None]]]]:
    """The broker that was named, or the embedded one for as long as this runs."""
    if options.broker or (settings.broker.bootstrap and not options.demo):

        async def nothing() -> None:
            await asyncio.Event().wait()

        yield resolve_broker(settings, options.broker), nothing
        return
    broker = EmbeddedBroker(settings.data_folder)
    address = await asyncio.to_thread(broker.start)

    async def alive() -> None:
        while broker.is_running:
            broker.saving.look()
            await asyncio.sleep(BROKER_CHECK_SECONDS)
        raise BrokerError("the embedded broker died", cure=f"see {broker.log_file}")

    try:
        # Nothing of the settings for another broker, such as its credentials, is for this one.
        embedded = msgspec.structs.replace(settings, broker=BrokerSettings(bootstrap=address))
        yield embedded, alive
    finally:
        await asyncio.to_thread(broker.stop)
        if broker.saving.unfinished:
            log.error(
                "embedded_broker_has_lost_data",
                folder=str(broker.data_folder / "broker"),
                why="it could not save when it ended: is the disk full?",
            )


def _children(content: Content, options: UpOptions, desk_port: int) -> list[Child]:
    """The processes, in the order of the stream."""
    children = [
        Child("poll", ("poll",)),
        *(Child(stage, ("worker", "--only", stage)) for stage in ("enrich", "stories", "alerts")),
        Child("desk", ("desk", "--port", str(desk_port))),
    ]
    if content.receivers:
        children.append(Child("notify", ("notify",)))
    if options.archive:
        children.append(Child("archive", ("archive",)))
    return children


def _environment(settings: Settings) -> dict[str, str]:
    """What the children must know beyond this process's own variables."""
    return {
        **_broker_variables(settings.broker),
        "WIREWATCH_DATA": str(settings.data_folder),
        "WIREWATCH_CONFIG": str(settings.config_folder),
        "WIREWATCH_ALLOW_PRIVATE": ",".join(settings.allow_private),
        "WIREWATCH_LOG_LEVEL": settings.log_level,
        "WIREWATCH_INSTANCE": settings.instance or instance_name(settings.data_folder),
    }


def _broker_variables(broker: BrokerSettings) -> dict[str, str]:
    variables = {
        "WIREWATCH_BROKER": broker.bootstrap,
        "WIREWATCH_SECURITY_PROTOCOL": broker.security_protocol,
    }
    if broker.security_protocol == "PLAINTEXT":  # what is set for another broker must not be used
        variables |= {f"WIREWATCH_{name}": "" for name in CREDENTIALS}
    return variables


async def _show_alerts(settings: Settings, screen: Screen) -> None:
    """Print every revision from now on; those of one item arrive together and are shown so."""
    consumer = await connect_consumer(settings, ALERTS, from_start=False)
    try:
        while True:
            batches = await consumer.getmany(timeout_ms=GATHER_MILLISECONDS)
            alerts = [a for messages in batches.values() for m in messages if (a := _alert_in(m))]
            if alerts:
                await asyncio.sleep(GATHER_MILLISECONDS / 1000)
                batches = await consumer.getmany()
                alerts += [a for ms in batches.values() for m in ms if (a := _alert_in(m))]
            screen.show(alerts)
    finally:
        await consumer.stop()


def _alert_in(message: ConsumerRecord) -> Alert | None:
    if message.value is None:  # the topic has forgotten the alert
        return None
    try:
        return decode(Alert, message.value)
    except RecordError as error:
        log.warning("unreadable_alert", reason=str(error))
        return None


def _free_port(preferred: int = 0) -> int:
    """The preferred port if nobody has it, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise WirewatchError("no free port on 127.0.0.1")
