"""What a candidate makes of a figure: a new one, or one that is there with more names.

Names are graded here; what depends on figures that come later in a file is left to the importer.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs

from streams.enrich.names import path_of
from streams.enrich.watchlist.aliases import Alias
from streams.enrich.watchlist.candidates import Candidate, Kind, Problem
from streams.enrich.watchlist.checking import own_errors
from streams.enrich.watchlist.editing import Graded, graded, merged, with_own_name
from streams.enrich.watchlist.grading import Surnames, weakness
from streams.records import Figure

__all__ = ["Draft", "continued", "draft", "regraded"]

Path = tuple[str, ...]


class Draft(Struct):
    """A figure that a file speaks of."""

    line: int
    before: Figure | None
    after: Figure
    automatic: set[Path]
    """Names that were graded, and may be graded again once all figures are known."""
    notes: list[str]


def draft(
    candidate: Candidate, figure_id: str, kind: Kind, found: Figure | None
) -> Draft | Problem:
    """Make or change a figure.

    Args:
        candidate: what a file says.
        figure_id: of the figure.
        kind: of a new figure.
        found: the figure that is there already.
    """
    aliases = candidate.aliases
    if found:
        aliases = (Alias(surface=candidate.name), *aliases)
    made = _named(candidate, aliases, _stated(candidate, figure_id, kind, found), found)
    if found:
        made.after = merged(found, made.after)
        if candidate.qid and not found.qid:
            made.notes.append(f"takes the QID {candidate.qid} because of its name: compare it")
    else:
        made.after, notes = _own_name(made.after, is_chosen=candidate.is_chosen)
        made.notes += notes
    for fault in own_errors(made.after):
        return Problem(candidate.line, fault.field, fault.message, fault.cure)
    return made


def continued(made: Draft, earlier: Draft | None) -> Draft:
    """A draft that goes on from an earlier one about the same figure."""
    if earlier is None:
        return made
    notes = list(dict.fromkeys((*earlier.notes, *made.notes)))
    automatic = earlier.automatic | made.automatic
    return Draft(earlier.line, earlier.before, made.after, automatic, notes)


def regraded(made: Draft, surnames: Surnames) -> Draft:
    """A draft whose graded surnames need support if others bear them too."""
    names, notes = [], list(made.notes)
    for name in made.after.names:
        shared = None
        if name.strength == "strong" and path_of(name.surface) in made.automatic:
            shared = weakness(name, made.after.figure_id, surnames)
        if shared:
            notes.append(Graded(name, shared).note)
        names.append(structs.replace(name, strength="context") if shared else name)
    after = structs.replace(made.after, names=tuple(names))
    return Draft(made.line, made.before, after, made.automatic, notes)


def _stated(candidate: Candidate, figure_id: str, kind: Kind, found: Figure | None) -> Figure:
    """A figure of all that a candidate says, but without its aliases."""
    return Figure(
        figure_id=figure_id,
        name=found.name if found else candidate.name,
        kind=found.kind if found else kind,
        qid=candidate.qid,
        qid_checked=candidate.qid_checked,
        description=candidate.description,
        titles=candidate.titles,
        cues=candidate.cues,
        negative_cues=candidate.negative_cues,
        blockers=candidate.blockers,
        lists=candidate.lists,
        related=candidate.related,
        purpose=candidate.purpose,
        owner=candidate.owner,
        review=candidate.review,
        active=candidate.active is not False,
    )


def _own_name(figure: Figure, *, is_chosen: bool) -> tuple[Figure, list[str]]:
    """A new figure whose own name needs support if it is weak, unless a person chose it."""
    weakened, weak = with_own_name(figure, Alias(surface=figure.name))
    if weak is None:
        return figure, []
    told = f"{figure.name!r} is {weak.reason}"
    if is_chosen:
        alias = f"'{figure.name}:context'"
        return figure, [f"{told}, and stands alone; {alias} among its aliases would change that"]
    return weakened, [f"{told}: it counts only with cues or a title"]


def _named(
    candidate: Candidate, aliases: Iterable[Alias], figure: Figure, before: Figure | None
) -> Draft:
    """A draft with those aliases that are new to the figure."""
    own = path_of(figure.name)
    known = {path_of(name.surface) for name in before.names} if before else set()
    names, automatic, notes = [], set(), []
    for alias in aliases:
        path = path_of(alias.surface)
        says_nothing = path == own and alias == Alias(surface=alias.surface)
        if path and (path in known or says_nothing):
            continue
        grade = graded(alias, figure)
        names.append(grade.name)
        known.add(path)
        if not alias.strength:
            automatic.add(path)
        if grade.note:
            notes.append(grade.note)
    after = structs.replace(figure, names=tuple(names))
    if before and candidate.active is None:
        after = structs.replace(after, active=before.active)
    return Draft(candidate.line, before, after, automatic, notes)
