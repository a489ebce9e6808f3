"""The rows of the Parquet archive that are about a figure: found, and taken out.

`items` has no figures: it holds what publishers wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from streams.errors import ConfigError, NotFoundError
from streams.privacy.about import Found
from streams.sinks.parquet import TABLES, next_offset, replace_file

__all__ = ["Rows", "erase_rows", "find_rows", "records_in", "unread"]

_OWNED = [table.name for table in TABLES.values() if "figure_id" in table.schema.names]


class Rows(NamedTuple):
    """Rows of one file."""

    file: Path
    number: int


def find_rows(folder: Path, figure_id: str) -> Iterator[Rows]:
    """The files of an archive that have rows about a figure.

    Raises:
        NotFoundError: there is no such folder.
        ConfigError: a file cannot be read.
    """
    if not folder.is_dir():
        raise NotFoundError(f"no archive in {folder}", cure="check --archive")
    for name in _OWNED:
        for file in sorted((folder / name).glob("dt=*/*.parquet")):
            ids = _read(file, ["figure_id"])["figure_id"]
            if count := pc.sum(pc.equal(ids, figure_id)).as_py():
                yield Rows(file, count)


def records_in(file: Path, figure_id: str) -> list[str]:
    """The JSON of the records about a figure in a file, by offset."""
    table = _read(file, ["figure_id", "record"])
    found: list[str] = table.filter(pc.equal(table["figure_id"], figure_id))["record"].to_pylist()
    return found


def erase_rows(folder: Path, figure_id: str) -> int:
    """Write files anew without the rows about a figure; whoever reads meanwhile sees the old or the new one.

    A file without any row stays: its name tells how far the archive goes. The caller holds the folder's lock.

    Returns:
        How many rows are gone.

    Raises:
        NotFoundError, ConfigError: see `find_rows`.
    """
    gone = 0
    for file, count in find_rows(folder, figure_id):
        table = _read(file)
        kept = table.filter(pc.not_equal(table["figure_id"], figure_id))
        replace_file(file, partial(pq.write_table, kept, compression="zstd"))
        gone += count
    return gone


def unread(folder: Path, found: Iterable[Found]) -> int:
    """How many of these records the archive has not taken in yet, and would still."""
    ends: dict[tuple[str, int], int] = {}
    count = 0
    for each in found:
        place = (each.topic, each.partition)
        if place not in ends:
            ends[place] = next_offset(folder, *place) or 0
        count += each.offset >= ends[place]
    return count


def _read(file: Path, columns: list[str] | None = None) -> Any:
    """A table as it is in the file: the day in the name of its folder is no column of it."""
    try:
        return pq.ParquetFile(file).read(columns=columns)
    except (OSError, ValueError) as error:  # pyarrow's own errors are one of these
        raise ConfigError(
            f"cannot be read: {error}", file=str(file), cure="restore it, or move it away"
        ) from error
