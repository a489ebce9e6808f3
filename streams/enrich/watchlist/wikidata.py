"""Wikidata's JSON to candidates: dumps with an entity a line, exports, and arrays.

A file with an entity a line is read line by line, however long it is. Anything else is one
document: `{"entities": …}` as Special:EntityData and wbgetentities send it, or an array over
several lines. Those are small, and bounded here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from streams.enrich.watchlist.aliases import Alias, clean
from streams.enrich.watchlist.candidates import Candidate, Kind, Problem

__all__ = ["MAX_DOCUMENT_BYTES", "read_entities"]

MAX_DOCUMENT_BYTES = 64 * 2**20
"""Largest line, and largest document of several lines; the largest entities have some 5 MB."""
MAX_DEPTH = 3
"""Of arrays and exports within each other."""
HUMAN = "Q5"
SCRIPTS = frozenset({"LATIN", "CYRILLIC"})
"""Labels in these are taken in all languages: they are how newsrooms there write the name."""
MULTILINGUAL = "mul"
"""Wikidata's code for what holds in all languages."""

_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises for bytes that are no JSON, or not of the type."""

T = TypeVar("T")


class _Term(Struct):
    value: str


class _Value(Struct):
    value: Any = None


class _Snak(Struct):
    datavalue: _Value | None = None


class _Claim(Struct):
    mainsnak: _Snak
    rank: str = "normal"


class _Claims(Struct):
    P31: list[_Claim] = []
    """What it is an instance of."""


class _Object(Struct):
    """An entity, or an export of entities. Wikidata writes empty maps as empty lists."""

    id: str = ""
    type: str = "item"
    labels: dict[str, _Term] | list[Any] = {}
    aliases: dict[str, list[_Term]] | list[Any] = {}
    descriptions: dict[str, _Term] | list[Any] = {}
    claims: _Claims | list[Any] | None = None
    """None: the export left them out."""
    missing: Any = msgspec.UNSET
    entities: dict[str, msgspec.Raw] | list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    """Set in an export."""


def read_entities(
    lines: Iterable[bytes], langs: Sequence[str] = ("de", "en")
) -> Iterator[Candidate | Problem]:
    """Read Wikidata entities.

    Args:
        lines: of a file, as it is; none longer than `MAX_DOCUMENT_BYTES`.
        langs: whose labels, aliases and descriptions are taken, the first one first. Beside them,
            labels in Latin and Cyrillic script are taken from all languages.

    Returns:
        An iterator over candidates, and over problems where an entity cannot be read.
    """
    numbered = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    filled = (each for each in numbered if each[1])
    opening: list[tuple[int, bytes]] = []
    for number, line in filled:
        opening.append((number, line))
        if line != b"[":
            break
    rest = chain(opening, filled)
    if opening and _is_json(opening[-1][1].rstrip(b",")):
        for number, line in rest:
            if line not in (b"[", b"]"):
                yield from _read_value(number, line.rstrip(b","), langs)
    else:
        yield from _read_document(rest, langs)


def _read_document(
    lines: Iterable[tuple[int, bytes]], langs: Sequence[str]
) -> Iterator[Candidate | Problem]:
    document = bytearray()
    for _, line in lines:
        document += line + b"\n"
        if len(document) > MAX_DOCUMENT_BYTES:
            message = f"is one document of more than {MAX_DOCUMENT_BYTES // 2**20} MB"
            yield Problem(0, "", message, "write one entity a line, as Wikidata's dumps do")
            return
    if document:
        yield from _read_value(0, bytes(document), langs)


def _read_value(
    line: int, data: bytes, langs: Sequence[str], depth: int = 0
) -> Iterator[Candidate | Problem]:
    """An entity, an export of entities, or an array of either."""
    try:
        parts, found = _parts(data)
    except _UNREADABLE as error:
        cure = "export it from Wikidata again, or name another file"
        yield Problem(line, "", f"no entity of Wikidata: {error}", cure)
        return
    if found is not None:
        yield _read_entity(line, found, langs)
        return
    if depth == MAX_DEPTH:
        yield Problem(line, "", "is nested too deep", "write one entity a line")
        return
    for part in parts:
        yield from _read_value(line, bytes(part), langs, depth + 1)


def _parts(data: bytes) -> tuple[Iterable[msgspec.Raw], _Object | None]:
    """What an array or export holds, or else an entity."""
    if data.startswith(b"["):
        return msgspec.json.decode(data, type=list[msgspec.Raw]), None
    found = msgspec.json.decode(data, type=_Object)
    if isinstance(found.entities, msgspec.UnsetType):
        return (), found
    return found.entities.values() if isinstance(found.entities, dict) else found.entities, None


def _read_entity(line: int, entity: _Object, langs: Sequence[str]) -> Candidate | Problem:
    if not entity.id:
        cure = "export items from Wikidata, as Special:EntityData does"
        return Problem(line, "", "no entity of Wikidata: it has no id", cure)
    if entity.missing is not msgspec.UNSET:
        return Problem(line, entity.id, "Wikidata has no such entity", "look its QID up")
    if entity.type != "item":
        return Problem(line, entity.id, f"is a {entity.type}", "export items, with ids like Q42")
    labels = _labels(entity, langs)
    if not labels:
        cure = "name other languages with --lang"
        return Problem(line, entity.id, "has no label in a language that is taken", cure)
    aliases = (*labels[1:], *_aliases(entity, langs), *_foreign_labels(entity, langs))
    return Candidate(
        line=line,
        name=labels[0],
        qid=entity.id,
        kind=_kind(entity),
        description=clean(next(iter(_in_langs(entity.descriptions, langs)), _NOTHING).value),
        aliases=tuple(_alias(surface) for surface in dict.fromkeys(aliases) if surface),
        is_chosen=False,
    )


_NOTHING = _Term("")


def _kind(entity: _Object) -> Kind | Literal[""]:
    """What it is; "" where that is not said."""
    claims = entity.claims.P31 if isinstance(entity.claims, _Claims) else []
    classes = {
        _class(claim.mainsnak.datavalue) for claim in claims if claim.rank != "deprecated"
    } - {""}
    if not classes:
        return ""
    return "person" if HUMAN in classes else "organisation"


def _class(datavalue: _Value | None) -> str:
    value = datavalue.value if datavalue else None
    return str(value.get("id") or "") if isinstance(value, dict) else ""


def _labels(entity: _Object, langs: Sequence[str]) -> list[str]:
    """Labels in the chosen languages, or else the first in a script that is taken."""
    labels = [clean(term.value) for term in _in_langs(entity.labels, langs)]
    return [label for label in labels if label] or _foreign_labels(entity, langs)[:1]


def _aliases(entity: _Object, langs: Sequence[str]) -> list[str]:
    groups = _in_langs(entity.aliases, langs)
    return [clean(term.value) for terms in groups for term in terms]


def _foreign_labels(entity: _Object, langs: Sequence[str]) -> list[str]:
    """Labels of other languages in Latin and Cyrillic script, those of most languages first."""
    labels = entity.labels if isinstance(entity.labels, dict) else {}
    counts: dict[str, int] = {}
    for lang, term in labels.items():
        label = clean(term.value)
        if _is_of(lang, (*langs, MULTILINGUAL)) == len(langs) + 1 and _is_read(label):
            counts[label] = counts.get(label, 0) + 1
    return sorted(counts, key=lambda label: -counts[label])


def _in_langs(terms: dict[str, T] | list[Any], langs: Sequence[str]) -> list[T]:
    """The terms of the chosen languages and their variants ("de-at"), in order, without others."""
    if not isinstance(terms, dict):
        return []
    chosen = (*langs, MULTILINGUAL)
    ranked = sorted((_is_of(lang, chosen), len(lang), lang) for lang in terms)
    return [terms[lang] for rank, _, lang in ranked if rank < len(chosen)]


def _is_of(lang: str, chosen: Sequence[str]) -> int:
    """Place of a language, or of the one it is a variant of, among the chosen; else their number."""
    base = lang.split("-")[0]
    return next((at for at, each in enumerate(chosen) if each in (lang, base)), len(chosen))


def _alias(surface: str) -> Alias:
    if surface.startswith("@") and " " not in surface:
        return Alias(surface=surface.removeprefix("@"), kind="handle")
    return Alias(surface=surface)


def _is_read(label: str) -> bool:
    """Whether all its letters are of a script that is taken."""
    return all(_script(char) in SCRIPTS for char in label if char.isalpha())


@lru_cache(maxsize=4_096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except _UNREADABLE:
        return False
    return True
