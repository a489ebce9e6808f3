"""SQL over the archive, by DuckDB in memory.

Views: `items`, `mentions`, `alerts` (every revision) and `alerts_latest` (the newest revision of
each alert). A table that has no file yet is an empty view with the same columns.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import msgspec
from rich.table import Table as RichTable
from rich.text import Text

from streams.errors import ConfigError, NotFoundError, WirewatchError
from streams.printable import escaped, printable
from streams.sinks.parquet import TABLES

try:
    import duckdb
except ImportError as error:
    raise ConfigError("queries need duckdb", cure="pip install 'wirewatch[archive]'") from error

__all__ = ["QueryError", "Result", "as_csv", "as_json", "as_table", "run_query"]


class QueryError(WirewatchError):
    """The SQL is wrong, or cannot be run over this archive."""

    exit_code = 64


class Result(NamedTuple):
    """What a query gives."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def run_query(folder: Path, sql: str) -> Result:
    """Run one SQL statement, or several of which the last one gives the result.

    Args:
        folder: of the archive.
        sql: in DuckDB's dialect.

    Raises:
        NotFoundError: there is no archive in that folder.
        QueryError: DuckDB refuses the statement; the message is DuckDB's.
    """
    if not folder.is_dir():
        raise NotFoundError(
            f"no archive in {folder}",
            cure="run `wirewatch archive`, or name its folder with --from",
        )
    with _database(folder) as database:
        try:
            cursor = database.execute(sql)
            columns = tuple(column[0] for column in cursor.description or ())
            return Result(columns, cursor.fetchall() if columns else [])
        except duckdb.Error as error:
            raise QueryError(
                str(error).strip(),
                cure=f"the views are {', '.join(_view_names())}; try DESCRIBE alerts",
            ) from error


def _view_names() -> list[str]:
    return [*(table.name for table in TABLES.values()), "alerts_latest"]


@contextmanager
def _database(folder: Path) -> Iterator[Any]:
    # Extensions are not fetched from the network behind the user's back.
    settings: dict[str, Any] = {"autoinstall_known_extensions": "false"}
    with duckdb.connect(":memory:", config=settings) as database:
        database.execute("SET TimeZone = 'UTC'")
        for table in TABLES.values():
            files = [str(file) for file in sorted((folder / table.name).glob("dt=*/*.parquet"))]
            if files:
                relation = database.read_parquet(files, hive_partitioning=True, union_by_name=True)
                relation.create_view(table.name)
            else:
                database.register(table.name, table.schema.empty_table())
        database.execute(
            "CREATE VIEW alerts_latest AS SELECT * FROM alerts"
            " QUALIFY row_number() OVER (PARTITION BY alert_id ORDER BY revision DESC) = 1"
        )
        yield database


def as_json(result: Result) -> str:
    """One JSON array of objects; what could steer a terminal is escaped, as JSON can."""
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return escaped(msgspec.json.encode(rows, enc_hook=str).decode())


def as_csv(result: Result, file: TextIO) -> None:
    """Write CSV with a header; lists and structs as JSON."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows([[_cell(value) for value in row] for row in result.rows])


def as_table(result: Result) -> RichTable:
    """A table for people; hostile control characters become a visible sign."""
    table = RichTable(*result.columns)
    for row in result.rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Sequence[Any]) -> list[Text]:
    return [Text(printable(str(_cell(value)))) for value in row]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list | dict | tuple):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return (
        value.isoformat(sep=" ")
        if hasattr(value, "isoformat") and hasattr(value, "hour")
        else value
    )
