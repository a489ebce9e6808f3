"""What commands print: results on stdout, notes beside them on stderr. Words may be from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from streams.errors import ConfigError
from streams.printable import escaped, printable

__all__ = ["note", "plain", "print_json", "say", "write"]


def say(text: str) -> None:
    """Print a line."""
    typer.echo(printable(text))


def note(text: str) -> None:
    """Say something beside the result, on stderr."""
    Console(stderr=True).print(plain(text), soft_wrap=True)


def plain(value: object) -> Text:
    """Words for the terminal: neither rich's markup nor control characters count."""
    return Text(printable(str(value)))


def print_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(escaped(json.dumps(value, ensure_ascii=False, indent=2)))


def write(text: str, file: Path | None) -> None:
    """Write text as it is to a file, or to stdout.

    Raises:
        ConfigError: the file cannot be written.
    """
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror}",
            file=str(file),
            cure="give a file in a folder that exists and that you may write to",
        ) from error
