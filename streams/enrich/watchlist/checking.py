"""What is wrong with a watchlist, and what is probably not meant.

Errors make a figure unusable: a watchlist with errors is refused wherever it comes from. Warnings
name what finds the wrong things or nothing; notes are warnings that may well be meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal

from msgspec import Struct, structs

from streams.enrich.names import path_of, stated_names
from streams.enrich.watchlist.grading import surnames_of, worries
from streams.enrich.words import Words
from streams.errors import ConfigError
from streams.records import Figure, Name

__all__ = ["QID", "SLUG", "Finding", "check", "errors", "own_errors", "refuse"]

SLUG = "^[a-z0-9][a-z0-9-]*$"
QID = "^(Q[1-9][0-9]*)?$"
LONGEST_PHRASE = 200
"""Characters of a name, title, cue or blocker."""
_GAP = re.compile(r"^[\W_]+")

Names = Mapping[tuple[str, ...], Sequence[tuple[Figure, Name]]]
"""Path to the figures that have a name there, with that name."""


class Finding(Struct, frozen=True):
    """Something about one figure."""

    level: Literal["error", "warning", "note"]
    figure_id: str
    field: str
    message: str
    cure: str
    position: int = 0
    """Of the figure in the list, from 0."""


def check(figures: Sequence[Figure]) -> list[Finding]:
    """Everything that is to be said about a watchlist: errors first, then in its order."""
    active = [figure for figure in figures if figure.active]
    names = _names(active)
    warnings = chain(
        _standing_alone(active),
        _unsupported(active),
        _shared_names(names),
        _shared_surnames(active),
        _hidden_names(active, names),
        chain.from_iterable(map(_idle_blockers, active)),
        chain.from_iterable(map(_without_full_name, active)),
        chain.from_iterable(map(_same_words, active)),
    )
    places = {figure.figure_id: place for place, figure in enumerate(figures)}
    placed = (structs.replace(each, position=places[each.figure_id]) for each in warnings)
    return [*errors(figures), *sorted(placed, key=lambda each: each.position)]


def refuse(figure: Figure, others: Iterable[Figure], file: str = "") -> None:
    """Check a figure beside others, such as one that is about to be added.

    Raises:
        ConfigError: it has an error; the first one is told.
    """
    beside = [other for other in others if other.figure_id != figure.figure_id]
    for found in errors([*beside, figure]):
        if found.figure_id == figure.figure_id:
            field = f"{found.field} ({found.figure_id})"
            raise ConfigError(found.message, file=file, field=field, cure=found.cure)


# --- errors -----------------------------------------------------------------------------------


def errors(figures: Sequence[Figure]) -> Iterator[Finding]:
    """What makes figures unusable, by themselves or beside each other, in the order of the list."""
    known = {figure.figure_id for figure in figures}
    ids: dict[str, int] = {}
    qids: dict[str, str] = {}
    for position, figure in enumerate(figures):
        about = _about(figure, position)
        if figure.figure_id in ids:
            message = f"id {figure.figure_id!r} is taken by figures[{ids[figure.figure_id]}]"
            yield about("id", message, "give every figure its own id, or merge the two")
        if figure.qid and figure.qid in qids:
            message = f"{figure.qid} is already the QID of {qids[figure.qid]!r}"
            yield about("qid", message, "look both up in Wikidata, and leave the wrong one empty")
        ids[figure.figure_id] = position
        qids[figure.qid] = figure.figure_id
        yield from own_errors(figure, position)
        for other in figure.related:
            if other not in known or other == figure.figure_id:
                itself = other == figure.figure_id
                message = f"{other!r} is {'the figure itself' if itself else 'no figure here'}"
                yield about("related", message, "name the id of another figure of the watchlist")


def own_errors(figure: Figure, position: int = 0) -> Iterator[Finding]:
    """What makes a figure unusable whatever else is in the watchlist."""
    about = _about(figure, position)
    if not re.match(SLUG, figure.figure_id) or figure.figure_id.endswith("\n"):
        yield about("id", f"{figure.figure_id!r} cannot be an id", "use a-z, 0-9 and -")
    if not re.match(QID, figure.qid) or figure.qid.endswith("\n"):
        yield about("qid", f"{figure.qid!r} is no QID", "write it like Q42, or leave it empty")
    for listed in figure.lists:
        if not re.match(SLUG, listed) or listed.endswith("\n"):
            yield about("lists", f"{listed!r} cannot be a list", "use a-z, 0-9 and -")
    for field, surface in _phrases(figure):
        message, cure = _phrase_fault(surface)
        if message:
            yield about(field, message, cure)


def _phrase_fault(surface: str) -> tuple[str, str]:
    """Why a phrase can never be found, and the cure; two times "" if it can."""
    if len(surface) > LONGEST_PHRASE:
        message = f"{surface[:40]!r}… has more than {LONGEST_PHRASE} characters"
        return message, "write what would stand in a text"
    if not unicodedata.is_normalized("NFC", surface):
        message = f"{surface!r} can never be found: its accents stand apart from their letters"
        return message, "write it in Unicode form NFC"
    visible = "".join(c for c in surface if unicodedata.category(c) != "Cf")
    if path_of(visible) != path_of(surface):
        message = f"{surface!r} can never be found: it holds an invisible character"
        return message, f"write {visible!r}"
    if not path_of(surface):
        cure = "write words as they stand in a text, without brackets or dashes"
        return f"{surface!r} can never be found", cure
    return "", ""


def _phrases(figure: Figure) -> Iterator[tuple[str, str]]:
    yield "name", figure.name
    yield from (("names", name.surface) for name in figure.names)
    for field in ("titles", "cues", "negative_cues", "blockers"):
        yield from ((field, surface) for surface in getattr(figure, field))


def _about(figure: Figure, position: int) -> Callable[[str, str, str], Finding]:
    def finding(field: str, message: str, cure: str) -> Finding:
        return Finding("error", figure.figure_id, field, message, cure, position)

    return finding


# --- warnings ---------------------------------------------------------------------------------


def _standing_alone(figures: Iterable[Figure]) -> Iterator[Finding]:
    for worry in worries(figures):
        surface = worry.name.surface
        cure = f"make it '{surface}:context' and add cues, or add blockers for what else it means"
        if worry.is_own:
            cure = f"add '{surface}:context' to its names, and cues, or add blockers"
        yield Finding(
            "note" if worry.mild else "warning",
            worry.figure.figure_id,
            "name" if worry.is_own else "names",
            f"{surface!r} is {worry.weakness.reason}, yet it stands alone",
            cure,
        )


def _unsupported(figures: Iterable[Figure]) -> Iterator[Finding]:
    """Names that need support, of figures that have none to give."""
    for figure in figures:
        weak = [name.surface for name in figure.names if name.strength == "context"]
        if weak and not (figure.cues or figure.titles or figure.related):
            surfaces = ", ".join(map(repr, weak))
            stands = any(name.strength == "strong" for name in stated_names(figure))
            counts = "only counts beside the full name" if stands else "hardly ever counts"
            message = f"without cues, titles or related figures, {surfaces} {counts}"
            yield Finding("warning", figure.figure_id, "names", message, "add cues or titles")


def _shared_names(names: Names) -> Iterator[Finding]:
    """Names, surnames apart, under which several figures are found at once."""
    for bearers in names.values():
        strong = {
            figure.figure_id: (figure, name)
            for figure, name in bearers
            if name.strength == "strong" and name.kind != "surname"
        }
        figure_ids = sorted(strong)
        for figure, name in strong.values():
            others = [other for other in figure_ids if other != figure.figure_id]
            if others:
                yield Finding(
                    "warning",
                    figure.figure_id,
                    "name" if name.surface == figure.name else "names",
                    f"{name.surface!r} is a name of {', '.join(others)} too: all are found at once",
                    "merge them, or make it a context name of all but one",
                )


def _shared_surnames(figures: Sequence[Figure]) -> Iterator[Finding]:
    surnames = surnames_of(figures)
    for figure in figures:
        for name in figure.names:
            others = surnames.get(path_of(name.surface), frozenset()) - {figure.figure_id}
            if others and name.kind == "surname" and name.strength == "strong":
                yield Finding(
                    "warning",
                    figure.figure_id,
                    "names",
                    f"{name.surface!r} stands alone, and is a surname of "
                    f"{', '.join(sorted(others))} too",
                    f"make it '{name.surface}:context'",
                )


def _hidden_names(figures: Iterable[Figure], names: Names) -> Iterator[Finding]:
    """Blockers in which other figures' names are overlooked.

    A blocker that is exactly a name hides nothing, and one around a name of its own figure is
    meant to hide that word, whoever else bears it.
    """
    for figure in figures:
        own = {path_of(name.surface) for name in _stated(figure)}
        for blocker in figure.blockers:
            path = path_of(blocker)
            for part in _parts(path) - {path} - own:
                for other, name in names.get(part, ()):
                    if other.figure_id != figure.figure_id and name.kind != "surname":
                        yield Finding(
                            "warning",
                            figure.figure_id,
                            "blockers",
                            f"{blocker!r} hides {name.surface!r}, a name of {other.figure_id}",
                            f"drop it, or add {blocker!r} as a name of {other.figure_id}",
                        )


def _idle_blockers(figure: Figure) -> Iterator[Finding]:
    """Blockers that do not touch any name of their figure, or are one."""
    stated = _stated(figure)
    paths = {path_of(name.surface): name.surface for name in stated}
    keys = {key for name in stated for key in Words(name.surface).keys}
    for blocker in figure.blockers:
        message = ""
        if path_of(blocker) in paths:
            message = f"{blocker!r} is also a name of the figure"
        elif not keys & set(Words(blocker).keys):
            message = f"{blocker!r} holds no word of a name of the figure"
        if message:
            cure = "write a longer phrase around a name, or drop it"
            yield Finding(
                "warning", figure.figure_id, "blockers", f"{message}: it blocks nothing", cure
            )


def _without_full_name(figure: Figure) -> Iterator[Finding]:
    full = any(name.kind == "full" and len(path_of(name.surface)) > 1 for name in _stated(figure))
    if figure.kind == "person" and not full:
        message = f"{figure.name!r} is no full name"
        cure = "give given name and surname: they tell namesakes apart"
        yield Finding("warning", figure.figure_id, "name", message, cure)


def _same_words(figure: Figure) -> Iterator[Finding]:
    """Names that differ only in case, accents or hyphens: the first one is looked for."""
    own, *_ = stated_names(figure)
    if own.surface != figure.name and own.strength != "never":
        message = f"{own.surface!r} is looked for instead of {figure.name!r}, of the same words"
        yield Finding("warning", figure.figure_id, "names", message, "write both alike")
    first: dict[tuple[str, ...], str] = {}
    for name in stated_names(figure):
        path = path_of(name.surface)
        if path not in first:
            first[path] = name.surface
        else:
            message = f"{name.surface!r} has no effect: {first[path]!r} has the same words"
            yield Finding("warning", figure.figure_id, "names", message, "drop one of them")


def _stated(figure: Figure) -> list[Name]:
    """The names of a figure that are looked for, without those derived from them."""
    return [name for name in stated_names(figure) if name.strength != "never"]


def _names(figures: Iterable[Figure]) -> dict[tuple[str, ...], list[tuple[Figure, Name]]]:
    found: dict[tuple[str, ...], list[tuple[Figure, Name]]] = {}
    for figure in figures:
        for name in _stated(figure):
            found.setdefault(path_of(name.surface), []).append((figure, name))
    return found


def _parts(path: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Every run of words in a path, itself a path: its first word has no gap before it."""
    starts = range(len(path))
    return {
        (_GAP.sub("", path[start]), *path[start + 1 : end])
        for start in starts
        for end in range(start + 1, len(path) + 1)
    }
