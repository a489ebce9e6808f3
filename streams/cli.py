"""The `wirewatch` command: puts the rooms' verbs together and turns errors into one line."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from streams import __version__
from streams.alerts.verbs import backtesting, explaining, ruling
from streams.broker import verbs as broker_verbs
from streams.broker.clients import administer, resolve_broker
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import (
    Settings,
    instance_name,
    is_supervised,
    parse_duration,
    set_health_port,
    set_log_level,
)
from streams.demo import verbs as demo_verbs
from streams.desk import verbs as desk_verbs
from streams.enrich.verbs import analyzing, evaluating, watching
from streams.errors import ConfigError, NotFoundError, WirewatchError
from streams.feeds.verbs import changing as feeds_verbs
from streams.log import setup_logging
from streams.printable import printable
from streams.privacy import verbs as privacy_verbs
from streams.sinks import letter_verbs
from streams.sinks import verbs as sinks_verbs
from streams.stories import verbs as stories_verbs
from streams.supervise import Child, Supervisor, follow_parent, with_health_ports
from streams.tracing import tracing

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Watches news feeds and publishes explained alerts about watched figures and policy "
        "topics to Kafka.\n\nTry it: [bold]wirewatch up --demo[/bold]"
    ),
)

SERVED = ("poll", "desk", "notify", "archive")
"""Verbs that are one process each, whose health can be served; a `worker` is three."""
STAGES = ("enrich", "stories", "alerts")
"""As in streams.agents.worker, which is imported only where it runs: it loads Faust."""
EXIT_IO = 74
"""sysexits.h: an error while doing I/O on some file."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wirewatch {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    log_level: Annotated[
        str, typer.Option(help="DEBUG, INFO, WARNING or ERROR; also WIREWATCH_LOG_LEVEL.")
    ] = "",
    health_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Serve /livez, /readyz and /metrics of a running process there, of several from "
            "there on; 0 for nowhere. Also WIREWATCH_HEALTH_PORT.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    settings = Settings.from_environment()
    level = (log_level or settings.log_level).upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ConfigError(f"log level {level!r}", cure="use DEBUG, INFO, WARNING or ERROR")
    set_log_level(level)
    setup_logging(level, settings.log_format)
    if health_port is not None:
        set_health_port(health_port)
        settings = msgspec.structs.replace(settings, health_port=health_port)
    if context.invoked_subcommand in SERVED:
        _watch(context, context.invoked_subcommand, settings)


def _watch(context: typer.Context, process: str, settings: Settings) -> None:
    """Trace a process and serve its health, until the command has ended."""
    context.with_resource(tracing(process, settings))
    if settings.health_port:
        from streams.health_server import serving_health  # loads a web server

        context.with_resource(serving_health(process, settings))


@app.command(rich_help_panel="Run")
def up(
    broker: Annotated[
        str, typer.Option("--broker", help="host:port of Apache Kafka; default: embedded broker.")
    ] = "",
    demo: Annotated[
        bool, typer.Option("--demo", help="Add a loopback newsroom; needs no internet.")
    ] = False,
    archive: Annotated[bool, typer.Option("--archive", help="Also write Parquet files.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(help="Folder of feeds.yaml, watchlist.yaml, rules.yaml, policy/"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the embedded broker and the logs.")
    ] = None,
    desk_port: Annotated[
        int, typer.Option(min=1, max=65_535, help="Port of the desk; taken ones are avoided.")
    ] = 8600,
    end_after: Annotated[str, typer.Option(help="End after a while, such as 90s or 10m.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print alerts as JSON lines.")] = False,
) -> None:
    """Run everything on this machine and print alerts as they come."""
    from streams.up import UpOptions, run_up

    if demo and broker:
        raise typer.BadParameter(
            "the demo has a broker of its own, and would replace the feeds of yours",
            param_hint="--demo --broker",
        )

    settings = Settings.from_environment()
    settings = msgspec.structs.replace(
        settings,
        config_folder=_folder(config) if config else settings.config_folder,
        data_folder=data or settings.data_folder,
    )
    options = UpOptions(
        broker=broker,
        demo=demo,
        archive=archive,
        desk_port=desk_port,
        as_json=as_json,
        end_after_seconds=_duration(end_after),
    )
    setup_logging("WARNING", settings.log_format)  # the processes have their own log files
    # A broker that dies is reported once, by `up` itself.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asyncio.run(run_up(settings, options))


@app.command(rich_help_panel="Run")
def poll(broker: BrokerOption = "") -> None:
    """Poll the feeds until stopped; new and changed entries go to news.items.

    Several processes share the feeds. One that is killed and comes back takes up its share at once
    if it has a WIREWATCH_INSTANCE of its own.
    """
    from streams.enrich.language import certain

    feeds_verbs.poll(broker, certain)


@app.command(rich_help_panel="Run")
def worker(
    context: typer.Context,
    only: Annotated[
        str, typer.Option(help="Run one stage: enrich, stories or alerts. Default: all three.")
    ] = "",
    broker: BrokerOption = "",
) -> None:
    """Run the Faust agents: enrich, stories, alerts, each a process of its own."""
    settings = resolve_broker(Settings.from_environment(), broker)
    if not only:
        asyncio.run(_all_stages(settings))
        return
    if only not in STAGES:
        raise typer.BadParameter(f"{only!r} is not one of {', '.join(STAGES)}", param_hint="--only")
    from streams.agents.worker import run_stage

    _watch(context, only, settings)
    run_stage(only, settings)


async def _all_stages(settings: Settings) -> None:
    async with administer(settings):  # find out now that there is no broker, not in each child
        pass
    notes = Console(stderr=True, highlight=False)
    children = with_health_ports(
        [Child(stage, ("worker", "--only", stage)) for stage in STAGES], settings.health_port
    )
    environment = {
        "WIREWATCH_BROKER": settings.broker.bootstrap,
        "WIREWATCH_INSTANCE": settings.instance or instance_name(settings.data_folder),
    }
    supervisor = Supervisor(children, None, environment, notes.print)
    running = asyncio.create_task(supervisor.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(
            number, lambda: asyncio.create_task(supervisor.stop())
        )
    await running


@app.command(
    rich_help_panel="Inspect",
    epilog="Examples:\n\nwirewatch replay enrich --since 6h --shadow new-lexicon\n\n"
    "wirewatch replay alerts --since 2d --shadow try --json",
)
def replay(
    stage: Annotated[str, typer.Argument(help="enrich, stories or alerts.")],
    since: Annotated[str, typer.Option(help="From when: 6h ago, or a time such as 2026-11-20.")],
    until: Annotated[str, typer.Option(help="Until when, likewise; by default now.")] = "",
    shadow: Annotated[
        str, typer.Option(help="Name of the shadow topics: letters, digits and hyphens.")
    ] = "",
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    r"""Process what a stage has read again, into topics beside the real ones, and compare.

    Nothing that runs takes notice: real topics are only read, and no consumer group is used. The
    shadow topics, such as news.mentions.shadow-NAME, lose their records after a day.

    As JSON: {"stage", "since", "until", "read", "refused", "written": {topic: records}, "same",
    "only_shadow": \[id, ...], "only_real": \[id, ...], "changed": [{"id", "fields"}]}.
    """
    from streams.agents.verbs import run_replay  # loads Faust and the models

    if stage not in STAGES:
        raise typer.BadParameter(f"{stage!r} is not one of {', '.join(STAGES)}", param_hint="STAGE")
    run_replay(stage, since, until, shadow, broker, as_json=as_json)


@app.command(rich_help_panel="Inspect")
def schemas(
    folder: Annotated[Path, typer.Argument(help="Where the schemas are.")] = Path("deploy/schemas"),
    write: Annotated[
        bool, typer.Option("--write", help="Write them instead of comparing.")
    ] = False,
) -> None:
    """Compare the records' JSON Schemas with published ones, or write them.

    Exits with 1 if a change would break a reader.
    """
    from streams.schemas import PUBLISHED, breaking_changes, export, read_published, schema_of

    if write:
        for path in export(folder):
            typer.echo(path)
        return
    published = read_published(folder)
    breaks = [
        problem
        for type_ in PUBLISHED
        if type_.__name__ in published
        for problem in breaking_changes(published[type_.__name__], schema_of(type_))
    ]
    for problem in breaks:
        typer.echo(problem)
    if breaks:
        raise typer.Exit(1)
    typer.echo(f"{len(published)} schemas: no change breaks a reader")


config_app = typer.Typer(
    no_args_is_help=True, help="Check and publish feeds.yaml, watchlist.yaml and the like."
)
FolderArgument = Annotated[
    Path | None, typer.Argument(help="Folder of the files; default WIREWATCH_CONFIG.")
]


@config_app.command("check")
def config_check(folder: FolderArgument = None) -> None:
    """Read all files and say what is in them; the first error names file, line and cure."""
    from streams.content import read_content

    content = read_content(_folder(folder) if folder else Settings.from_environment().config_folder)
    for warning in content.warnings:
        typer.echo(f"warning: {warning}")
    typer.echo(
        f"{len(content.feeds)} feeds, {len(content.figures)} figures, {len(content.rules)} rules, "
        f"{len(content.policy_topics)} policy topics, {len(content.receivers)} receivers: all good"
    )


@config_app.command("publish")
def config_publish(
    folder: FolderArgument = None,
    allow_again: Annotated[
        list[str] | None,
        typer.Option(metavar="FIGURE_ID", help="Watch a figure although it was erased."),
    ] = None,
    broker: BrokerOption = "",
) -> None:
    """Create missing topics and bring feeds, watchlist and rules on the broker up to the files.

    Running processes follow at once. What was added by command stays, and a figure that was erased
    stays out. The folder policy/ is read by the workers themselves, when they start.
    """
    from streams.broker.topics import apply
    from streams.content import Published, publish_content, read_content

    settings = Settings.from_environment()
    content = read_content(_folder(folder) if folder else settings.config_folder)
    for figure_id in allow_again or ():
        if figure_id not in content.figures:
            raise NotFoundError(f"no figure {figure_id!r} in watchlist.yaml", cure="check the id")
    settings = resolve_broker(settings, broker)

    async def publish() -> Published:
        await apply(settings)
        return await publish_content(settings, content, allow_again or ())

    published = asyncio.run(publish())
    for topic, changes in published.changes.items():
        typer.echo(f"{topic}: {changes} changed")
    for warning in published.warnings:
        typer.echo(f"warning: {warning}", err=True)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise NotFoundError(f"no folder {path}", cure="check the path")
    return path


def _duration(text: str) -> int | None:
    if not text:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--end-after") from error


app.command(rich_help_panel="Run")(desk_verbs.desk)
app.command(rich_help_panel="Run")(sinks_verbs.notify)
app.command(rich_help_panel="Run")(sinks_verbs.archive)
app.command(rich_help_panel="Run")(demo_verbs.newsroom)
app.command(rich_help_panel="Inspect")(analyzing.analyze)
app.command(rich_help_panel="Inspect")(sinks_verbs.query)
app.command(
    rich_help_panel="Inspect",
    epilog="Examples:\n\nwirewatch backtest my-rules.yaml --since 7d\n\n"
    "wirewatch backtest ai --since 2026-11-01 --until 2026-11-08 --json",
)(backtesting.backtest)
app.command(
    rich_help_panel="Inspect",
    epilog="Examples:\n\nwirewatch explain ALERT_ID\n\nwirewatch explain ITEM_ID --since 2d --json",
)(explaining.explain)
evaluating.app.command()(stories_verbs.stories)
app.add_typer(evaluating.app, name="eval", rich_help_panel="Inspect")
app.add_typer(feeds_verbs.app, name="feeds", rich_help_panel="Manage")
app.add_typer(watching.app, name="watchlist", rich_help_panel="Manage")
app.add_typer(ruling.app, name="rules", rich_help_panel="Manage")
app.add_typer(config_app, name="config", rich_help_panel="Manage")
app.add_typer(privacy_verbs.app, name="privacy", rich_help_panel="Manage")
app.add_typer(broker_verbs.app, name="topics", rich_help_panel="Manage")
app.add_typer(letter_verbs.app, name="dead-letters", rich_help_panel="Manage")


def main() -> None:
    """Run the command; every expected failure is one message and an exit code."""
    if is_supervised():
        follow_parent()
    try:
        app()
    except WirewatchError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `wirewatch … | head`
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:  # a full disk, a folder that cannot be written
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror or error}", EXIT_IO)


def _fail(message: str, code: int) -> NoReturn:
    Console(stderr=True, highlight=False).print(
        f"error: {printable(message)}", style="red", markup=False, soft_wrap=True
    )
    sys.exit(code)
