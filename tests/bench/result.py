"""What a benchmark reports, and how it is shown."""

from __future__ import annotations

import math

from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.table import Table

Cell = str | int | float
Row = dict[str, Cell]
"""Column to value; every row of a result has the same columns, and not-a-number means unknown."""


class Result(Struct, frozen=True, kw_only=True):
    """Outcome of one benchmark."""

    name: str
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    """What must be known to read the rows."""


class Skipped(Exception):  # noqa: N818 - no error: the reason why there is nothing to measure
    """A benchmark needs something that is not here."""


def show(result: Result, console: Console) -> None:
    """Print a result as a table with its notes below."""
    table = Table(title=result.name, title_justify="left", title_style="bold")
    for column, value in (result.rows[0] if result.rows else {}).items():
        table.add_column(column, justify="left" if isinstance(value, str) else "right")
    for row in result.rows:
        table.add_row(*(escape(_text(cell)) for cell in row.values()))
    console.print(table if result.rows else f"[bold]{escape(result.name)}[/bold]")
    for note in result.notes:
        console.print(f"  {escape(note)}", style="dim", highlight=False)
    console.print()


def _text(cell: Cell) -> str:
    """Three significant digits of a measurement; more would be noise."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    if math.isnan(cell):
        return "–"
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
