"""`wirewatch desk`: the live page."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from streams.broker.clients import resolve_broker
from streams.broker.verbs import BrokerOption
from streams.config import Settings, secret

__all__ = ["app", "desk"]

app = typer.Typer(no_args_is_help=True, help="The live page of the monitoring desk.")


@app.command()
def desk(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")
    ] = 8600,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. Any but a loopback one needs WIREWATCH_DESK_TOKEN."
        ),
    ] = "127.0.0.1",
    broker: BrokerOption = "",
) -> None:
    """Serve the live page of alerts until it is stopped."""
    from streams.desk.server import serve

    settings = resolve_broker(Settings.from_environment(), broker)
    notes = Console(stderr=True)
    asyncio.run(
        serve(
            settings,
            host=host,
            port=port,
            token=secret("WIREWATCH_DESK_TOKEN"),
            tell=lambda url: notes.print(f"The desk is at {url}", highlight=False),
        )
    )
