"""The watchlist as files: YAML like that of the configuration, CSV, JSON lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import msgspec
import yaml

from streams.enrich.watchlist.aliases import infer_kind
from streams.enrich.watchlist.candidates import LISTS
from streams.enrich.watchlist.spreadsheet import write_rows
from streams.records import Figure, Name

__all__ = ["FORMATS", "Format", "export_figures"]

Format = Literal["yaml", "csv", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)
WIDTH = 100


def export_figures(figures: Iterable[Figure], format_: Format) -> str:
    """Write figures, in order of their ids.

    Returns:
        YAML that `read_watchlist` reads, CSV that `read_rows` reads, or a record a line.
    """
    ordered = sorted(figures, key=lambda figure: figure.figure_id)
    if format_ == "csv":
        return write_rows(ordered)
    if format_ == "jsonl":
        return "".join(f"{msgspec.json.encode(figure).decode()}\n" for figure in ordered)
    if not ordered:
        return "figures: []\n"
    return "figures:\n" + "\n".join(map(_entry, ordered))


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


class _Entry(dict[str, Any]):
    """A figure: a field a line, however short it is."""


def _represent_entry(dumper: yaml.SafeDumper, entry: _Entry) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", entry, flow_style=False)


_Dumper.add_representer(_Entry, _represent_entry)


def _entry(figure: Figure) -> str:
    stated: dict[str, Any] = {
        "id": figure.figure_id,
        "name": figure.name,
        "kind": figure.kind,
        "qid": figure.qid,
        "qid_checked": figure.qid_checked,
        "description": figure.description,
        "lists": list(figure.lists),
        "names": [_name(name, figure) for name in figure.names],
        **{field: list(getattr(figure, field)) for field in LISTS if field != "lists"},
        "purpose": figure.purpose,
        "owner": figure.owner,
        "review": figure.review,
    }
    entry = _Entry((field, value) for field, value in stated.items() if value)
    if not figure.active:
        entry["active"] = False
    document: str = yaml.dump(
        {"figures": [entry]},
        Dumper=_Dumper,
        default_flow_style=None,
        sort_keys=False,
        allow_unicode=True,
        width=WIDTH,
    )
    return document.removeprefix("figures:\n")


def _name(name: Name, figure: Figure) -> str | dict[str, str]:
    """A plain word where everything about the name follows from it."""
    marks: dict[str, str] = {"surface": name.surface}
    if name.kind != infer_kind(name.surface, figure.name, figure.kind):
        marks["kind"] = name.kind
    if name.strength != "strong":
        marks["strength"] = name.strength
    if name.case != "cap":
        marks["case"] = name.case
    return marks if len(marks) > 1 else name.surface
