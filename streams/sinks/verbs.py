"""`wirewatch notify`, `archive` and `query`: what leaves Wirewatch."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from streams.broker.clients import resolve_broker
from streams.broker.verbs import BrokerOption
from streams.config import Settings, parse_duration
from streams.errors import ConfigError

__all__ = ["ReceiversOption", "app", "archive", "notify", "query"]

ReceiversOption = Annotated[
    Path | None,
    typer.Option(help="Receivers; notify.yaml in the configuration folder if not given."),
]

app = typer.Typer(no_args_is_help=True, help="Send alerts out, archive the stream, query it.")

_notes = Console(stderr=True)


@app.command()
def notify(
    config: ReceiversOption = None,
    broker: BrokerOption = "",
) -> None:
    """Tell receivers about alerts until it is stopped."""
    from streams.sinks.notify import read_receivers, run_notify

    settings = Settings.from_environment()
    path = config or settings.config_folder / "notify.yaml"
    receivers = read_receivers(path)
    if not receivers:
        raise ConfigError(
            "names no receivers", file=str(path), cure="add one, as its comments show"
        )
    settings = resolve_broker(settings, broker)
    _notes.print(f"Notifying {', '.join(receivers)}", highlight=False)
    asyncio.run(run_notify(settings, receivers))


@app.command()
def archive(
    to: Annotated[
        Path | None, typer.Option(help="Folder; archive in the data folder if not given.")
    ] = None,
    every: Annotated[str, typer.Option(help="Write at least so often, such as 30s or 5m.")] = "30s",
    broker: BrokerOption = "",
) -> None:
    """Keep items, mentions and alerts as Parquet files until it is stopped."""
    from streams.sinks.archive import run_archive

    try:
        every_seconds = parse_duration(every)
    except ValueError as error:
        raise ConfigError(str(error), field="--every", cure="give for example 30s") from error
    settings = resolve_broker(Settings.from_environment(), broker)
    folder = to or settings.data_folder / "archive"
    _notes.print(f"Archiving into {folder}", highlight=False)
    asyncio.run(run_archive(settings, folder, every_seconds))


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="SQL over items, mentions, alerts and alerts_latest.")],
    folder: Annotated[
        Path | None,
        typer.Option("--from", help="The archive; archive in the data folder if not given."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
) -> None:
    """Ask the archive, in SQL."""
    from streams.sinks import query as archive_query

    if as_json and as_csv:
        raise ConfigError("--json and --csv exclude each other", cure="give one of them")
    folder = folder or Settings.from_environment().data_folder / "archive"
    result = archive_query.run_query(folder, sql)
    if as_json:
        sys.stdout.write(archive_query.as_json(result) + "\n")
    elif as_csv:
        archive_query.as_csv(result, sys.stdout)
    else:
        Console().print(archive_query.as_table(result))
