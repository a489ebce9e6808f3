"""The watchlist file: YAML to figures, with errors that say where and how to mend them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from streams.enrich.watchlist.aliases import Case, NameKind, Strength, infer_kind
from streams.enrich.watchlist.candidates import Kind
from streams.enrich.watchlist.checking import QID, SLUG, Finding, errors
from streams.errors import ConfigError
from streams.records import Figure, Name
from streams.yaml_files import read_yaml

__all__ = ["line_of", "parse_watchlist", "read_watchlist"]

Text = Annotated[str, Meta(min_length=1)]
Slug = Annotated[str, Meta(pattern=SLUG)]
Qid = Annotated[str, Meta(pattern=QID)]

_ENTRY = re.compile(r"( *)-\s")


class _NameEntry(Struct, frozen=True, forbid_unknown_fields=True):
    surface: Text
    kind: NameKind | None = None
    strength: Strength = "strong"
    case: Case = "cap"


class _FigureEntry(Struct, frozen=True, forbid_unknown_fields=True):
    id: Slug
    name: Text
    kind: Kind
    qid: Qid = ""
    qid_checked: bool = False
    description: str = ""
    lists: list[Slug] = []
    names: list[_NameEntry | Text] = []
    titles: list[Text] = []
    cues: list[Text] = []
    negative_cues: list[Text] = []
    blockers: list[Text] = []
    related: list[Slug] = []
    purpose: str = ""
    owner: str = ""
    review: date | None = None
    active: bool = True


class _WatchlistFile(Struct, frozen=True, forbid_unknown_fields=True):
    figures: list[_FigureEntry]


def read_watchlist(path: Path) -> list[Figure]:
    """Read a watchlist file.

    Args:
        path: YAML with one key, `figures`.

    Returns:
        The figures in the order of the file, with `origin="file"`.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: the file is wrong; names line or figure, field and cure.
    """
    figures = parse_watchlist(path)
    for found in errors(figures):
        raise ConfigError(
            found.message,
            file=str(path),
            line=line_of(path.read_text("utf-8"), found),
            field=f"figures[{found.position}].{found.field} ({found.figure_id})",
            cure=found.cure,
        )
    return figures


def parse_watchlist(path: Path) -> list[Figure]:
    """Read a watchlist file whose figures may contradict each other, for `checking.check`.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is not YAML, or has unknown or wrong fields.
    """
    return [_figure(entry) for entry in read_yaml(path, _WatchlistFile).figures]


def _figure(entry: _FigureEntry) -> Figure:
    return Figure(
        figure_id=entry.id,
        name=entry.name,
        kind=entry.kind,
        qid=entry.qid,
        qid_checked=entry.qid_checked,
        description=entry.description,
        lists=tuple(entry.lists),
        names=tuple(_name(name, entry) for name in entry.names),
        titles=tuple(entry.titles),
        cues=tuple(entry.cues),
        negative_cues=tuple(entry.negative_cues),
        blockers=tuple(entry.blockers),
        related=tuple(entry.related),
        purpose=entry.purpose,
        owner=entry.owner,
        review=entry.review,
        active=entry.active,
        origin="file",
    )


def _name(stated: _NameEntry | str, entry: _FigureEntry) -> Name:
    if isinstance(stated, str):
        stated = _NameEntry(surface=stated)
    return Name(
        surface=stated.surface,
        kind=stated.kind or infer_kind(stated.surface, entry.name, entry.kind),
        strength=stated.strength,
        case=stated.case,
    )


# --- where it stands in the file --------------------------------------------------------------


def line_of(text: str, finding: Finding) -> int:
    """Line of the field that a finding is about, or of its figure; 0 if neither is found."""
    lines = text.splitlines()
    opening = [match if (match := _ENTRY.match(line)) else None for line in lines]
    depth = next((len(match[1]) for match in opening if match), 0)
    entries = [at for at, match in enumerate(opening) if match and len(match[1]) == depth]
    if finding.position >= len(entries):
        return 0
    first, last = (*entries, len(lines))[finding.position : finding.position + 2]
    field = re.compile(rf"[\s{{,-]{re.escape(finding.field)}:")
    return next((at for at in range(first, last) if field.search(lines[at])), first) + 1
