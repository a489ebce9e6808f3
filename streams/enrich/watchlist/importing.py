"""Candidates to changes of the watchlist: who is known, what is new, what is left out, and why.

Nothing here decides whether to go on after a problem; that is for whoever asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct, structs

from streams.enrich.names import path_of, spellings
from streams.enrich.watchlist.candidates import Candidate, Kind, Problem
from streams.enrich.watchlist.checking import LONGEST_PHRASE
from streams.enrich.watchlist.drafting import Draft, continued, draft, regraded
from streams.enrich.watchlist.editing import new_figure_id, same_but_origin
from streams.enrich.watchlist.erasing import is_erased
from streams.enrich.watchlist.grading import surnames_of
from streams.enrich.watchlist.vetting import Dropped, vetted
from streams.records import Figure

__all__ = ["Change", "Imported", "import_figures"]

MAX_FIGURES = 100_000
"""Changes of one import: a whole dump is to update figures with, not to watch."""

Path = tuple[str, ...]


class Change(Struct, frozen=True):
    """What became of one candidate."""

    line: int
    outcome: Literal["added", "updated", "unchanged"]
    figure_id: str
    name: str
    notes: tuple[str, ...] = ()


class Imported(Struct, frozen=True):
    """What a file held."""

    figures: tuple[Figure, ...]
    """Those added and updated."""
    changes: tuple[Change, ...]
    """One per figure, in the order of the file."""
    problems: tuple[Problem, ...]
    dropped: tuple[Dropped, ...]
    """Names that were not taken."""

    def count(self, outcome: str) -> int:
        """How many figures had this outcome."""
        return sum(change.outcome == outcome for change in self.changes)

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why names were dropped, and how often; the most frequent first."""
        return dict(Counter(each.reason for each in self.dropped).most_common())


def import_figures(
    read: Iterable[Candidate | Problem],
    known: Iterable[Figure],
    *,
    kind: Kind | Literal[""] = "",
    update_only: bool = False,
) -> Imported:
    """Bring what was read together with a watchlist.

    Args:
        read: from a file.
        known: the watchlist, with the marks of erased figures.
        kind: of figures for which the file does not say it. By default they are persons where a
            person wrote the file, and a problem elsewhere.
        update_only: pass over all figures that the watchlist does not know.
    """
    importer = _Importer(known, kind, update_only=update_only)
    for each in read:
        if isinstance(each, Problem):
            importer.report(each)
        elif len(importer.drafts) < MAX_FIGURES:
            importer.take(each)
        else:
            message = f"more than {MAX_FIGURES} figures"
            importer.report(Problem(each.line, "", message, "import fewer, or only update"))
            break
    return importer.finish()


class _Importer:
    """Finds and changes figures, one candidate after the other."""

    def __init__(
        self, known: Iterable[Figure], kind: Kind | Literal[""], *, update_only: bool
    ) -> None:
        self.drafts: dict[str, Draft] = {}
        self._figures: dict[str, Figure] = {}
        self._erased: set[str] = set()
        self._qids: dict[str, str] = {}
        self._names: dict[Path, list[str]] = {}
        self._problems: list[Problem] = []
        self._dropped: list[Dropped] = []
        self._kind = kind
        self._update_only = update_only
        for figure in known:
            if figure.erased:
                self._erased.add(figure.figure_id)
            else:
                self._remember(figure)

    def report(self, problem: Problem) -> None:
        """Keep a problem, unless it is about an entity that would be passed over anyway."""
        if not (self._update_only and problem.field[:1] == "Q" and problem.field not in self._qids):
            self._problems.append(problem)

    def take(self, candidate: Candidate) -> None:
        """Make or change the figure that a candidate is about."""
        for problem in _unreadable(candidate):
            self.report(problem)
            return
        found = self._locate(candidate)
        if isinstance(found, Figure):
            found = self._fitting(candidate, found)
        if isinstance(found, Problem):
            self.report(found)
        elif found or not self._update_only:
            made = self._draft(candidate, found)
            if isinstance(made, Problem):
                self.report(made)
            else:
                self.drafts[made.after.figure_id] = made
                self._remember(made.after)

    def finish(self) -> Imported:
        """Look once more at what depends on figures that came later."""
        surnames = surnames_of(self._figures.values())
        self.drafts = {
            figure_id: regraded(made, surnames) for figure_id, made in self.drafts.items()
        }
        self._check_related()
        changes = [_change(made) for made in self.drafts.values()]
        return Imported(
            figures=tuple(
                structs.replace(self.drafts[change.figure_id].after, origin="cli")
                for change in changes
                if change.outcome != "unchanged"
            ),
            changes=tuple(changes),
            problems=tuple(sorted(self._problems, key=lambda each: each.line)),
            dropped=tuple(self._dropped),
        )

    # --- which figure it is ---------------------------------------------------------------

    def _locate(self, candidate: Candidate) -> Figure | Problem | None:
        """The figure that a candidate is about: by its id, else by its QID, else by its name."""
        holder = self._qids.get(candidate.qid, "")
        if candidate.figure_id:
            if holder and holder != candidate.figure_id:
                return _taken(candidate, holder, "")
            return self._figures.get(candidate.figure_id)
        if holder:
            found = self._figures[holder]
            if not _share_a_name(found, candidate):
                return _taken(candidate, holder, f", which is {found.name!r}")
            return found
        if self._update_only and not candidate.is_chosen:
            return None  # among all people there are, somebody has the same name
        for figure_id in self._names.get(path_of(candidate.name), ()):
            found = self._figures[figure_id]
            if not (found.qid and candidate.qid) and candidate.kind in ("", found.kind):
                return found
        return None

    def _fitting(self, candidate: Candidate, found: Figure) -> Figure | Problem:
        """The figure found, unless it cannot be the candidate."""
        line, figure_id = candidate.line, found.figure_id
        earlier = self.drafts.get(figure_id)
        if earlier and candidate.is_chosen:
            message = f"is {figure_id!r}, as is line {earlier.line}"
            return Problem(line, candidate.name, message, "make one row of both, or give ids")
        if candidate.qid and found.qid and candidate.qid != found.qid:
            message = f"{figure_id!r} has the QID {found.qid}, not {candidate.qid}"
            return Problem(line, "qid", message, "look both up in Wikidata")
        if candidate.kind and candidate.kind != found.kind:
            message = f"{figure_id!r} is of kind {found.kind}, not {candidate.kind}"
            return Problem(line, "kind", message, "correct the kind, or the QID")
        if not (candidate.qid and found.qid) and not _share_a_name(found, candidate):
            message = f"{figure_id!r} is {found.name!r}, and has no such name"
            return Problem(line, "id", message, "correct the id, or add the name by hand first")
        return found

    # --- what it becomes ------------------------------------------------------------------

    def _draft(self, candidate: Candidate, found: Figure | None) -> Draft | Problem:
        kind = found.kind if found else candidate.kind or self._kind
        if not kind and not candidate.is_chosen:
            message = "is neither person nor organisation: it has no P31"
            cure = "export it with its claims, or say --kind"
            return Problem(candidate.line, candidate.qid or candidate.name, message, cure)
        figure_id = found.figure_id if found else candidate.figure_id
        figure_id = figure_id or new_figure_id(candidate.name, candidate.qid, self._figures)
        if is_erased(figure_id, self._erased):
            cure = f"leave it out, or add it by hand with `watchlist add --id {figure_id}`"
            return Problem(candidate.line, "id", f"{figure_id!r} was erased", cure)
        if not candidate.is_chosen:
            candidate, dropped = vetted(candidate, figure_id)
            self._dropped += dropped
        made = draft(candidate, figure_id, kind or "person", found)
        if isinstance(made, Problem):
            return made
        return continued(made, self.drafts.get(figure_id))

    def _check_related(self) -> None:
        """Leave out figures whose related ones do not exist, until all of them do."""
        known = set(self._figures)
        faults = list(_unrelated(self.drafts, known))
        while faults:
            for figure_id, problem in faults:
                self._problems.append(problem)
                if self.drafts.pop(figure_id).before is None:
                    known.discard(figure_id)
            faults = list(_unrelated(self.drafts, known))

    def _remember(self, figure: Figure) -> None:
        self._figures[figure.figure_id] = figure
        if figure.qid:
            self._qids.setdefault(figure.qid, figure.figure_id)
        full = (name.surface for name in figure.names if name.kind == "full")
        for surface in (figure.name, *full):
            bearers = self._names.setdefault(path_of(surface), [])
            if figure.figure_id not in bearers:
                bearers.append(figure.figure_id)


def _unreadable(candidate: Candidate) -> Iterator[Problem]:
    """Reasons not even to look at the names, which are folded for that."""
    if len(candidate.name) > LONGEST_PHRASE:
        message = f"has more than {LONGEST_PHRASE} characters"
        yield Problem(candidate.line, "name", message, "write the name only")
    elif not path_of(candidate.name):
        cure = "write words as they stand in a text, without brackets or dashes"
        yield Problem(candidate.line, "name", f"{candidate.name!r} can never be found", cure)


def _taken(candidate: Candidate, holder: str, more: str) -> Problem:
    message = f"{candidate.qid} is already the QID of {holder!r}{more}"
    cure = "look both up in Wikidata, and correct the wrong one"
    return Problem(candidate.line, "qid", message, cure)


def _share_a_name(figure: Figure, candidate: Candidate) -> bool:
    own = {path_of(name.surface) for name in spellings(figure)}
    surfaces = (candidate.name, *(alias.surface for alias in candidate.aliases))
    return any(path_of(each) in own for each in surfaces)


def _unrelated(drafts: Mapping[str, Draft], known: set[str]) -> Iterator[tuple[str, Problem]]:
    for figure_id, made in drafts.items():
        for other in made.after.related:
            if other not in known or other == figure_id:
                cure = "name the id of another figure"
                yield figure_id, Problem(made.line, "related", f"{other!r} is none", cure)
                break


def _change(draft: Draft) -> Change:
    outcome: Literal["added", "updated", "unchanged"] = "updated"
    if draft.before is None:
        outcome = "added"
    elif same_but_origin(draft.after, draft.before):
        outcome = "unchanged"
    notes = tuple(draft.notes) if outcome != "unchanged" else ()
    return Change(draft.line, outcome, draft.after.figure_id, draft.after.name, notes)
