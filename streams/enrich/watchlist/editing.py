"""Figures made and changed: ids, graded names, two statements about one figure merged. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from msgspec import structs

from streams.enrich.names import path_of
from streams.enrich.watchlist.aliases import Alias, infer_kind
from streams.enrich.watchlist.candidates import LISTS
from streams.enrich.watchlist.grading import Surnames, Weakness, weakness, worries
from streams.feeds.registry import slug
from streams.records import Figure, Name, stable_id

__all__ = [
    "Graded",
    "graded",
    "merged",
    "new_figure_id",
    "same_but_origin",
    "with_names",
    "with_own_name",
]


class Graded(NamedTuple):
    """A name with its strength, and why it is not stronger."""

    name: Name
    weakness: Weakness | None
    """Set where the grading made it a context name."""

    @property
    def note(self) -> str:
        """What to tell whoever gave the name; "" if nothing."""
        if self.weakness is None:
            return ""
        support = "cues, a title or the full name"
        return f"{self.name.surface!r} is {self.weakness.reason}: it counts only with {support}"


def graded(alias: Alias, figure: Figure, surnames: Surnames | None = None) -> Graded:
    """Make a name of an alias: what was said about it stands, the rest is found out.

    Args:
        alias: what was given.
        figure: whose it is; its name and kind matter.
        surnames: those of the watchlist.
    """
    kind = alias.kind or infer_kind(alias.surface, figure.name, figure.kind)
    name = Name(surface=alias.surface, kind=kind, strength=alias.strength or "strong")
    name = structs.replace(name, case=alias.case)
    if alias.strength:
        return Graded(name, None)
    weak = weakness(name, figure.figure_id, surnames)
    if weak is None:
        return Graded(name, None)
    if weak.kind == "given" and kind == "word" and figure.kind == "person" and not alias.kind:
        name = structs.replace(name, kind="given")
    return Graded(structs.replace(name, strength="context"), weak)


def with_names(figure: Figure, names: Iterable[Name]) -> Figure:
    """Add names, or state them anew: of two with the same words the later one counts."""
    stated = {path_of(name.surface) or (name.surface,): name for name in figure.names}
    for name in names:
        stated[path_of(name.surface) or (name.surface,)] = name
    return structs.replace(figure, names=tuple(stated.values()))


def with_own_name(figure: Figure, stated: Alias) -> tuple[Figure, Weakness | None]:
    """State a figure's own name again where it should not simply stand alone.

    What was said about it holds, here or among its other names. Otherwise a weak word comes to
    need support, unless the figure has blockers or negative cues, or the word may well be meant.

    Args:
        figure: with all that was said about it.
        stated: its name, as it was given.

    Returns:
        The figure, and why its own name needs support; None if it does not, or was to.
    """
    path = path_of(figure.name)
    others = tuple(name for name in figure.names if path_of(name.surface) != path)
    unmarked = stated == Alias(surface=stated.surface)
    if unmarked and len(others) < len(figure.names):
        return figure, None
    figure = structs.replace(figure, names=others)
    doubted = any(worry.is_own and not worry.mild for worry in worries([figure]))
    if stated == Alias(surface=stated.surface, strength="strong") or (unmarked and not doubted):
        return figure, None
    grade = graded(stated, figure)
    return with_names(figure, [grade.name]), grade.weakness


def merged(figure: Figure, more: Figure) -> Figure:
    """What a figure becomes when more is said about it: nothing that was stated is lost.

    Names whose words are stated already, in whatever strength, stay as they are. QID, description,
    purpose and owner are taken where there are none; of two dates of review the later one counts.
    """
    known = {path_of(name.surface) for name in figure.names}
    others = more.names
    if path_of(more.name) != path_of(figure.name):
        others = (Name(surface=more.name, kind="full"), *others)
    added: dict[tuple[str, ...], Name] = {}
    for name in others:
        if path_of(name.surface) not in known:
            added.setdefault(path_of(name.surface), name)
    return structs.replace(
        figure,
        names=(*figure.names, *added.values()),
        qid=figure.qid or more.qid,
        qid_checked=figure.qid_checked or (more.qid_checked and more.qid in ("", figure.qid)),
        description=figure.description or more.description,
        purpose=figure.purpose or more.purpose,
        owner=figure.owner or more.owner,
        review=max((each.review for each in (figure, more) if each.review), default=None),
        active=more.active,
        **{
            field: tuple(dict.fromkeys((*getattr(figure, field), *getattr(more, field))))
            for field in LISTS
        },
    )


def same_but_origin(figure: Figure, other: Figure | None) -> bool:
    """Whether two figures say the same, wherever they come from."""
    return other is not None and structs.replace(other, origin=figure.origin) == figure


def new_figure_id(name: str, qid: str, taken: Container[str]) -> str:
    """Choose the id of a figure, once: from its name, else from its QID.

    Of several figures with one name, later ones carry their QID or a number too.
    """
    return next(each for each in _ids(name, qid) if each not in taken)


def _ids(name: str, qid: str) -> Iterator[str]:
    first = slug(name) or qid.lower() or f"figure-{stable_id('figure', name)[:8]}"
    yield first
    if qid:
        yield f"{first}-{qid.lower()}"
    for number in itertools.count(2):
        yield f"{first}-{number}"
