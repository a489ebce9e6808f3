"""`wirewatch newsroom`: the demo feeds alone, for trying out a poller."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

import typer

from streams.demo.newsroom import demo_feeds, run

__all__ = ["newsroom"]

PORT = 8770


def newsroom(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = PORT,
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Play the script so many times as fast.")
    ] = 1.0,
) -> None:
    """Serve invented German and English feeds that publish over about 17 minutes."""
    with suppress(KeyboardInterrupt):
        asyncio.run(run(port, speed, _announce))


def _announce(base_url: str) -> None:
    typer.echo(base_url)
    for feed in demo_feeds(base_url):
        typer.echo(f"  {feed.lang}  {feed.url}", err=True)
    typer.echo("The first request for a feed starts the clock; Ctrl-C ends.", err=True)
