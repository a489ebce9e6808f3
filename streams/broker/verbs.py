"""`wirewatch topics`: the table of topics, and bringing a broker in line with it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from streams.broker.clients import resolve_broker
from streams.broker.topics import TOPICS, TopicSpec, config_of
from streams.broker.topics import apply as apply_topics
from streams.broker.topics import check as check_topics
from streams.config import Settings
from streams.printable import printable

__all__ = ["BrokerOption", "JsonOption", "app"]

app = typer.Typer(no_args_is_help=True, help="List, create and check the Kafka topics.")

BrokerOption = Annotated[
    str,
    typer.Option(
        "--broker", help="host:port[,host:port]; by default WIREWATCH_BROKER or the running `up`."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """Show every topic with its key, records and cleanup; needs no broker."""
    if as_json:
        _print_json([_describe(spec) for spec in TOPICS.values()])
        return
    names = [Column(name, no_wrap=True) for name in ("topic", "key", "value", "kept")]
    table = Table(*names, "purpose", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for spec in TOPICS.values():
        table.add_row(spec.name, spec.key, _value(spec), _kept(spec), spec.purpose)
    Console().print(table)


@app.command()
def apply(
    broker: BrokerOption = "",
    alter: Annotated[
        bool, typer.Option("--alter", help="Also reconfigure existing topics to the table.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create missing topics and report differences; never deletes, never changes partitions."""
    settings = resolve_broker(Settings.from_environment(), broker)
    lines = asyncio.run(apply_topics(settings, alter=alter))
    if as_json:
        _print_json(lines)
        return
    for line in lines or ["all topics are as in the table"]:
        typer.echo(printable(line))


@app.command()
def check(broker: BrokerOption = "", as_json: JsonOption = False) -> None:
    """Compare the broker with the table; exit with 1 if a topic is missing or differs."""
    settings = resolve_broker(Settings.from_environment(), broker)
    found = asyncio.run(check_topics(settings))
    if as_json:
        _print_json(found)
    else:
        table = Table(Column("topic", no_wrap=True), "state", box=SIMPLE_HEAD, pad_edge=False)
        for name, differences in found.items():
            table.add_row(name, Text(printable("\n".join(differences) or "ok")))
        Console().print(table)
    if any(found.values()):
        Console(stderr=True).print(
            "`wirewatch topics apply` creates what is missing, with --alter it also reconfigures"
        )
        raise typer.Exit(1)


def _print_json(document: Any) -> None:
    typer.echo(msgspec.json.encode(document))


def _describe(spec: TopicSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "key": spec.key,
        "records": [record.__name__ for record in spec.records],
        "cleanup": spec.cleanup,
        "retention_seconds": spec.retention_seconds,
        "purpose": spec.purpose,
        "config": config_of(spec),
    }


def _value(spec: TopicSpec) -> str:
    return ", ".join(record.__name__ for record in spec.records) or "bytes"


def _kept(spec: TopicSpec) -> str:
    days = f"{spec.retention_seconds // 86_400} d" if spec.retention_seconds else "newest"
    return f"newest, {days}" if spec.cleanup == "compact,delete" else days
