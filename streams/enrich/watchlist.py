"""The watchlist file: YAML to figures, with errors that say where and how to mend them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.config import read_yaml
from streams.enrich.names import given_names, path_of
from streams.enrich.words import fold
from streams.errors import ConfigError
from streams.records import Figure, Name

__all__ = ["infer_kind", "read_watchlist", "weak_names"]

Text = Annotated[str, Meta(min_length=1)]
Slug = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]*$")]
Qid = Annotated[str, Meta(pattern="^(Q[1-9][0-9]*)?$")]
Kind = Literal["full", "initial", "surname", "word", "given", "handle", "acronym"]

ACRONYM_LETTERS = 6
"""Longest run of capitals that is taken for an acronym."""

_COMMON = """
    alphabet amazon apple arm baker berg block bush carr chase claude clay cook cruise fischer
    gates gemini grant grok johnson jones khan klein koch koenig lang lee meta meyer miller mistral
    mueller oracle orange page schmidt signal smith stein telegram threads vogel visa weber williams
    wolf wong x young
"""
COMMON_WORDS = frozenset(_COMMON.split())
"""Folded ordinary words and frequent surnames, German and English: a warning, never an error."""


class _NameEntry(Struct, frozen=True, forbid_unknown_fields=True):
    surface: Text
    kind: Kind | None = None
    strength: Literal["strong", "context", "never"] = "strong"
    case: Literal["cap", "any"] = "cap"


class _FigureEntry(Struct, frozen=True, forbid_unknown_fields=True):
    id: Slug
    name: Text
    kind: Literal["person", "organisation"]
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
    entries = read_yaml(path, _WatchlistFile).figures
    _check_unique(entries, path)
    known = {entry.id for entry in entries}
    for index, entry in enumerate(entries):
        _check_related(index, entry, known, path)
        _check_phrases(index, entry, path)
    return [_figure(entry) for entry in entries]


def weak_names(figures: Sequence[Figure]) -> list[str]:
    """Warn of names that stand alone although they are ordinary words or frequent names.

    A figure with blockers or negative cues has been thought about and is left in peace.

    Returns:
        One sentence per name, in the order of the figures.
    """
    return [
        f"{figure.figure_id}: {name.surface!r} is {reason}, yet it stands alone; "
        "make it `strength: context` and add cues, or add blockers"
        for figure in figures
        if figure.active and not (figure.blockers or figure.negative_cues)
        for name in (Name(surface=figure.name, kind="full"), *figure.names)
        if name.strength == "strong" and (reason := _weakness(name))
    ]


def infer_kind(surface: str, figure_name: str, figure_kind: str) -> Kind:
    """Kind of a name that was written without one.

    What a person's name ends with is the surname ("von der Leyen"), several words are a full
    name, up to six capitals an acronym, and any other word is just a word.
    """
    if figure_kind == "person" and figure_name.endswith(f" {surface}"):
        return "surname"
    if len(surface.split()) > 1:
        return "full"
    if surface.isupper() and surface.isalpha() and len(surface) <= ACRONYM_LETTERS:
        return "acronym"
    return "word"


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


def _weakness(name: Name) -> str:
    """Why a name is too weak to stand alone; empty if it is not."""
    path = path_of(name.surface)
    if len(path) != 1:
        return ""
    word = fold(path[0])
    if word in given_names():
        return "a given name"
    if word in COMMON_WORDS:
        return "an ordinary word or a frequent name"
    short = len(word) <= (2 if name.surface[1:].upper() == name.surface[1:] else 3)
    return "very short" if short else ""


# --- checks across fields ---------------------------------------------------------------------


def _check_unique(entries: Iterable[_FigureEntry], path: Path) -> None:
    ids: dict[str, int] = {}
    qids: dict[str, str] = {}
    for index, entry in enumerate(entries):
        if entry.id in ids:
            raise ConfigError(
                f"id {entry.id!r} is taken by figures[{ids[entry.id]}]",
                file=str(path),
                field=f"figures[{index}].id",
                cure="give every figure its own id, or merge the two",
            )
        ids[entry.id] = index
        if entry.qid and entry.qid in qids:
            raise ConfigError(
                f"{entry.qid} is already the QID of {qids[entry.qid]!r}",
                file=str(path),
                field=f"figures[{index}].qid ({entry.id})",
                cure="look both up in Wikidata, and leave the wrong one empty",
            )
        qids[entry.qid] = entry.id


def _check_related(index: int, entry: _FigureEntry, known: set[str], path: Path) -> None:
    for other in entry.related:
        if other not in known or other == entry.id:
            raise ConfigError(
                f"{other!r} is {'the figure itself' if other == entry.id else 'no figure here'}",
                file=str(path),
                field=f"figures[{index}].related ({entry.id})",
                cure="name the id of another figure of this file",
            )


def _check_phrases(index: int, entry: _FigureEntry, path: Path) -> None:
    """Every phrase must be findable: at least one word, and nothing that parts its words."""
    names = [name if isinstance(name, str) else name.surface for name in entry.names]
    phrases = {
        "name": [entry.name],
        "names": names,
        "titles": entry.titles,
        "cues": entry.cues,
        "negative_cues": entry.negative_cues,
        "blockers": entry.blockers,
    }
    for field, surfaces in phrases.items():
        for surface in surfaces:
            if not path_of(surface):
                raise ConfigError(
                    f"{surface!r} can never be found",
                    file=str(path),
                    field=f"figures[{index}].{field} ({entry.id})",
                    cure="write words as they stand in a text, without brackets or dashes",
                )
