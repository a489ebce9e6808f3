"""Watchlists as CSV: one figure a row, several names or words in one cell separated by `|`.

    id, name, kind, qid, aliases, titles, cues, negative_cues, blockers, lists, related,
    description, active, qid_checked, purpose, owner, review, lang

Only `name` is required. Aliases may carry marks (`Apple:context`, see `streams.enrich.watchlist.aliases`).
A QID may be the address of the entity. `lang` is allowed and not used: a name counts in all
languages. `review` is a date (2027-01-31). Commas, semicolons and tabs separate columns, whichever
the header uses.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Literal

from msgspec import structs

from streams.enrich.watchlist.aliases import clean, join, parse_alias, split, write_alias
from streams.enrich.watchlist.candidates import LISTS, Candidate, Kind, Problem
from streams.meant import did_you_mean
from streams.records import Figure

__all__ = ["COLUMNS", "read_rows", "write_rows"]

COLUMNS = (
    "id", "name", "kind", "qid", "aliases", "titles", "cues", "negative_cues", "blockers", "lists",
    "related", "description", "active", "qid_checked", "purpose", "owner", "review", "lang",
)  # fmt: skip
WRITTEN = COLUMNS[:-1]

_KINDS: dict[str, Kind | Literal[""]] = {
    "": "",
    "person": "person",
    "organisation": "organisation",
    "organization": "organisation",
}
_FLAGS = {"": None, "yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_QID_ADDRESS = re.compile(r"https?://(?:www\.)?wikidata\.org/(?:entity|wiki)/(Q[0-9]+)")


def read_rows(text: str) -> Iterator[Candidate | Problem]:
    """Read a CSV file.

    Returns:
        An iterator over candidates, and over problems with their lines. Without a header that
        names the columns there is one problem, and nothing else. An unknown column is a problem
        too, and its cells are passed over.
    """
    head = next((line for line in text.splitlines() if line.strip()), "")
    columns: list[str] = []
    for line, row in _rows(text, _delimiter(head)):
        if isinstance(row, Problem):
            yield row
        elif not columns:
            columns = [_column(cell) for cell in row]
            problems = list(_header_problems(line, row, columns))
            yield from problems
            if any(problem.field == "name" for problem in problems):
                return
        elif any(cell.strip() for cell in row):
            yield _candidate(line, columns, row)


def write_rows(figures: Iterable[Figure]) -> str:
    """Write figures as CSV that `read_rows` reads."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(WRITTEN)
    for figure in figures:
        writer.writerow(_cells(figure))
    return written.getvalue()


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | Problem]]:
    """Rows that are not empty, each with the line it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Problem(line, "", f"cannot be read: {error}", "correct the quotes")
            continue
        if row:
            yield line, row


def _delimiter(head: str) -> str:
    """Whatever parts the header into the most known names."""

    def known(delimiter: str) -> int:
        return len({_column(cell) for cell in head.split(delimiter)} & set(COLUMNS))

    return max(",;\t", key=known)


def _column(cell: str) -> str:
    return "_".join(cell.strip().strip('"').lower().replace("-", " ").split())


def _header_problems(line: int, row: Sequence[str], columns: Sequence[str]) -> Iterator[Problem]:
    if "name" not in columns:
        cure = f"name the columns in the first line: {', '.join(COLUMNS)}; only name must be there"
        yield Problem(line, "name", "there is no such column", cure)
        return
    for cell, column in zip(row, columns, strict=True):
        if column not in COLUMNS:
            cure = did_you_mean(column, COLUMNS) or f"use {', '.join(COLUMNS)}"
            yield Problem(line, cell[:40], "there is no such column", cure)
        elif columns.count(column) > 1:
            yield Problem(line, column, "the column is there twice", "remove one")
            return


def _candidate(line: int, columns: Sequence[str], row: Sequence[str]) -> Candidate | Problem:
    if len(row) > len(columns):
        message = f"has {len(row)} cells, the header {len(columns)}"
        return Problem(line, "", message, "put cells that hold the separator in quotes")
    cells = {column: clean(cell) for column, cell in zip(columns, row, strict=False)}

    def cell(column: str) -> str:
        return cells.get(column, "")

    for problem in _cell_problems(line, cell("name"), cells):
        return problem
    address = _QID_ADDRESS.fullmatch(cell("qid"))
    candidate = Candidate(
        line=line,
        figure_id=cell("id"),
        name=cell("name"),
        kind=_KINDS[cell("kind").lower()],
        qid=address[1] if address else cell("qid").upper(),
        qid_checked=_FLAGS[cell("qid_checked").lower()] or False,
        description=cell("description"),
        aliases=tuple(parse_alias(part) for part in split(cell("aliases"))),
        purpose=cell("purpose"),
        owner=cell("owner"),
        review=_date(cell("review")),
        active=_FLAGS[cell("active").lower()],
    )
    return structs.replace(candidate, **{column: split(cell(column)) for column in LISTS})


def _cell_problems(line: int, name: str, cells: Mapping[str, str]) -> Iterator[Problem]:
    if not name:
        yield Problem(line, "name", "is empty", "give the figure's full name")
    allowed: tuple[tuple[str, Iterable[str], str], ...] = (
        ("kind", _KINDS, "write person or organisation"),
        ("active", _FLAGS, "write yes or no"),
        ("qid_checked", _FLAGS, "write yes or no"),
    )
    for column, values, cure in allowed:
        if cells.get(column, "").lower() not in values:
            yield Problem(line, column, f"is {cells[column][:40]!r}", cure)
    review = cells.get("review", "")
    if review and _date(review) is None:
        yield Problem(line, "review", f"is {review[:40]!r}", "write a date like 2027-01-31")


def _date(text: str) -> date | None:
    """A date as 2027-01-31; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _cells(figure: Figure) -> list[str]:
    aliases = (write_alias(name, figure.name, figure.kind) for name in figure.names)
    cells = {
        "id": figure.figure_id,
        "name": figure.name,
        "kind": figure.kind,
        "qid": figure.qid,
        "aliases": join(aliases),
        "description": figure.description,
        "active": "" if figure.active else "no",
        "qid_checked": "yes" if figure.qid_checked else "",
        "purpose": figure.purpose,
        "owner": figure.owner,
        "review": figure.review.isoformat() if figure.review else "",
        **{column: join(getattr(figure, column)) for column in LISTS},
    }
    return [cells[column] for column in WRITTEN]
