"""Names as people type them: `Apple:context`, several in one cell as `Meta|Facebook:context`.

Behind the name stand, in any order and each at most once, its strength, its kind and the case that
it demands: `NW:handle:never`, `noyb:any`. What is not said is found out (`streams.enrich.watchlist.grading`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from streams.enrich.names import path_of
from streams.printable import stream_safe
from streams.records import Name

__all__ = [
    "Alias",
    "Case",
    "NameKind",
    "Strength",
    "clean",
    "infer_kind",
    "join",
    "parse_alias",
    "split",
    "write_alias",
]

Strength = Literal["strong", "context", "never"]
Case = Literal["cap", "any"]
NameKind = Literal["full", "initial", "surname", "word", "given", "handle", "acronym"]

ACRONYM_LETTERS = 6
"""Longest run of capitals that is taken for an acronym."""

_MARKS: dict[str, str] = {
    mark: field
    for field, type_ in (("strength", Strength), ("kind", NameKind), ("case", Case))
    for mark in get_args(type_)
}
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Categories of control characters, of marks such as the soft hyphen, and of half characters."""
_CELL = re.compile(r"(?:\\[\\|]|[^|])+")
_ESCAPED = re.compile(r"\\([\\|])")


class Alias(Struct, frozen=True):
    """A name, with as much about it as was said."""

    surface: str
    strength: Strength | Literal[""] = ""
    """Empty lets the grading decide."""
    kind: NameKind | Literal[""] = ""
    """Empty lets it be inferred."""
    case: Case = "cap"


def parse_alias(text: str) -> Alias:
    """Read a name with its marks. A word that is no mark belongs to the name."""
    surface, marks = text, dict[str, str]()
    while True:
        rest, colon, mark = surface.rpartition(":")
        field = _MARKS.get(mark.strip().lower(), "")
        if not colon or not field or field in marks:
            break
        surface, marks[field] = rest, mark.strip().lower()
    return msgspec.convert({"surface": clean(surface), **marks}, Alias)


def clean(text: str) -> str:
    """A phrase as texts have it: composed letters, single spaces, nothing that cannot be seen."""
    composed = unicodedata.normalize("NFC", stream_safe(text))
    seen = (
        char for char in composed if char.isspace() or unicodedata.category(char) not in _UNSEEN
    )
    return " ".join("".join(seen).split())


def infer_kind(surface: str, figure_name: str, figure_kind: str) -> NameKind:
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


def write_alias(name: Name, figure_name: str, figure_kind: str) -> str:
    """Write a name so that `parse_alias` reads it back, with marks where it needs them.

    The strength is left out where no grading would weaken it: of strong names of several words.
    """
    inferred = infer_kind(name.surface, figure_name, figure_kind)
    graded = name.kind == "surname" or len(path_of(name.surface)) < 2
    marks = (
        name.strength if graded or name.strength != "strong" else "",
        name.kind if name.kind != inferred else "",
        name.case if name.case != "cap" else "",
    )
    written = ":".join([name.surface, *(mark for mark in marks if mark)])
    if parse_alias(written).surface == name.surface:
        return written
    return ":".join([name.surface, name.strength, name.kind, name.case])


def split(cell: str) -> tuple[str, ...]:
    r"""The parts of a cell, without empty ones. `\|` and `\\` stand for themselves."""
    parts = (clean(_ESCAPED.sub(r"\1", part)) for part in _CELL.findall(cell))
    return tuple(dict.fromkeys(part for part in parts if part))


def join(parts: Iterable[str]) -> str:
    """One cell that `split` takes apart again."""
    return "|".join(part.replace("\\", r"\\").replace("|", r"\|") for part in parts)
