"""Persons whose name is nearly that of a watched one: slips of the pen ("Mark Zuckerburg").

The matcher of `streams.enrich.figures` knows spellings and guesses nothing. Here is guessed, where that
is safe: where the entity model saw a person, with a full name of which one part is right and the other
a letter off, or two in a long one (`streams.enrich.slips`). What is found so is `possible`, however
often it stands there.

Of 8,270 names of persons in news and in corpora, each sought among all others, 22 pairs are near beside
genitives; in 14 of them it seems to be the same person. Where a namesake is met, a blocker ends it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from streams.enrich.figure_weights import weighed
from streams.enrich.names import given_names, split_name, stated_names
from streams.enrich.slips import first_sound, slip
from streams.enrich.text import Document
from streams.enrich.watchlist.grading import frequent_surnames
from streams.enrich.words import Words
from streams.records import Entity, Evidence, Figure, FigureHit, Reason

__all__ = ["NearNames"]

SHORTEST = 3
"""Letters of the part that is right; fewer are an initial, or a name that very many bear."""
LONGEST = 60
"""Letters of a part."""
MOST_WORDS = 8
"""Words of a name, titles included; more are a mistake of the model."""
PLACES_KEPT = 100
"""Places per figure."""


class _Full(NamedTuple):
    """A full name of a watched person."""

    figure: Figure
    surface: str
    given: str
    """First given name, folded."""
    family: str
    """Family name with its particles, folded."""


class _Near(NamedTuple):
    """A full name, and how what stands in a text differs from it."""

    edits: int
    """0: it does not."""
    full: _Full
    written: str
    """The part that differs, as it stands there."""
    meant: str
    inflection: str
    """Ending that does not belong to the name."""


class NearNames:
    """Finds persons whose name is nearly that of a watched one.

    A name is looked up by one part and the first sound of the other, so that few are compared.
    """

    def __init__(self) -> None:
        self._index: dict[str, list[_Full]] = {}

    def add(self, figure: Figure) -> None:
        """Watch the full names of a figure, if it is a person and active."""
        for full in _full_names(figure):
            for key in _keys(full.given, full.family):
                self._index.setdefault(key, []).append(full)

    def remove(self, figure: Figure) -> None:
        """Watch a figure that was added no longer."""
        for full in _full_names(figure):
            for key in _keys(full.given, full.family):
                names = self._index[key]
                names.remove(full)
                if not names:
                    del self._index[key]

    def find(
        self, document: Document, entities: Iterable[Entity], known: Sequence[FigureHit]
    ) -> tuple[FigureHit, ...]:
        """Find figures that are possibly meant, with what was probably mistyped.

        Args:
            document: any text.
            entities: what the entity model found in it; nothing comes of none.
            known: figures that were found by their names. They are not found again, and where they
                stand nobody else does.

        Returns:
            One hit per figure, all possible, by first place and then by figure_id.
        """
        if not self._index:
            return ()
        known_ids = {hit.figure_id for hit in known}
        by_figure: dict[str, list[tuple[Entity, _Near]]] = {}
        for entity in entities:
            if entity.label != "PER" or _stands_in(entity, known):
                continue
            for near in self._nearest(entity.text):
                if near.full.figure.figure_id not in known_ids:
                    places = by_figure.setdefault(near.full.figure.figure_id, [])
                    places.append((entity, near))
        return tuple(_hit(places[:PLACES_KEPT], document) for places in by_figure.values())

    def _nearest(self, text: str) -> list[_Near]:
        """The nearest name of each figure that is nearly meant, by figure_id.

        A name that is right to the letter is none of ours, whatever else is near it.
        """
        best: dict[str, _Near] = {}
        for near in self._compared(text):
            figure_id = near.full.figure.figure_id
            if figure_id not in best or _order(near) < _order(best[figure_id]):
                best[figure_id] = near
        if not best or any(near.edits == 0 for near in best.values()):
            return []
        keys = _folded(text)
        return [best[each] for each in sorted(best) if not _is_ruled_out(best[each].full, keys)]

    def _compared(self, text: str) -> Iterator[_Near]:
        surnames, givens = frequent_surnames(), given_names()
        for raw_given, raw_family in _readings(text):
            given = _folded(raw_given)
            for family, raw, ending in _with_bases(_folded(raw_family), raw_family):
                by_given, by_family = _keys(given, family)
                for full in self._index.get(by_given, ()):
                    edits = slip(family, full.family, surnames)
                    if edits is not None:
                        yield _Near(edits, full, raw, _meant(full)[1], ending)
                for full in self._index.get(by_family, ()):
                    edits = slip(given, full.given, givens)
                    if edits:  # what is right to the letter was found by its given name
                        yield _Near(edits, full, raw_given, _meant(full)[0], ending)


# --- names ------------------------------------------------------------------------------------


def _full_names(figure: Figure) -> Iterator[_Full]:
    """Names of two or more words that stand alone; each once."""
    if figure.kind != "person" or not figure.active:
        return
    seen = set()
    for name in stated_names(figure):
        if name.kind == "full" and name.strength == "strong":
            given, family = split_name(name.surface)
            parts = (_folded(given[0]), _folded(" ".join(family))) if given else ("", "")
            if (
                parts not in seen
                and SHORTEST <= min(map(len, parts)) <= max(map(len, parts)) <= LONGEST
            ):
                seen.add(parts)
                yield _Full(figure, name.surface, *parts)


def _meant(full: _Full) -> tuple[str, str]:
    """Given and family name as they are written."""
    given, family = split_name(full.surface)
    return given[0], " ".join(family)


def _keys(given: str, family: str) -> tuple[str, str]:
    """Where a name is looked up by its given name, and where by its family name."""
    return f"{given}>{first_sound(family)}", f"{first_sound(given)}<{family}"


def _readings(text: str) -> Iterator[tuple[str, str]]:
    """Given and family name; of several words before a family name each may be the given one."""
    given, family = split_name(text)
    if len(given) + len(family) <= MOST_WORDS and len(text) <= 2 * LONGEST:
        for part in given:
            yield part, " ".join(family)


def _with_bases(family: str, raw: str) -> Iterator[tuple[str, str, str]]:
    """A family name folded and as it stands, and the ending that it may have beside."""
    yield family, raw, ""
    if family.endswith("s") and raw.endswith(("s", "S")) and len(family) > SHORTEST:
        yield family[:-1], raw[:-1], raw[-1]


def _folded(text: str) -> str:
    return " ".join(Words(text).keys)


def _is_ruled_out(full: _Full, keys: str) -> bool:
    """Whether the watchlist says that this is not, or not to be, the figure."""
    figure = full.figure
    never = (name.surface for name in figure.names if name.strength == "never")
    return any(f" {_folded(surface)} " in f" {keys} " for surface in (*figure.blockers, *never))


# --- what is reported -------------------------------------------------------------------------


def _order(near: _Near) -> tuple[int, str, str, str]:
    return near.edits, near.full.surface, near.written, near.inflection


def _stands_in(entity: Entity, known: Sequence[FigureHit]) -> bool:
    """Whether a figure is known to stand there."""
    return any(
        place.start < entity.end and entity.start < place.end
        for hit in known
        for place in hit.mentions
    )


def _hit(places: Sequence[tuple[Entity, _Near]], document: Document) -> FigureHit:
    best = min((near for _, near in places), key=_order)
    figure = best.full.figure
    evidence = tuple(_evidence(entity, near, document) for entity, near in places)
    reasons = _reasons(best)
    return FigureHit(
        figure_id=figure.figure_id,
        name=figure.name,
        qid=figure.qid,
        kind=figure.kind,
        lists=figure.lists,
        confidence=round(1 / (1 + math.exp(-_weight(reasons))), 4),
        level="possible",
        in_title=any(place.field == "title" for place in evidence),
        mentions=evidence,
        reasons=reasons,
    )


def _reasons(near: _Near) -> tuple[Reason, ...]:
    """Which name it nearly is, and what differs."""
    off = "a letter off" if near.edits == 1 else "two letters off"
    detail = f"“{near.written}” for “{near.meant}”"
    return weighed("nearly full", near.full.surface), weighed(off, detail)


def _weight(reasons: Iterable[Reason]) -> float:
    return round(sum(reason.weight for reason in reasons), 4)


def _evidence(entity: Entity, near: _Near, document: Document) -> Evidence:
    end = entity.end - len(near.inflection)
    low, high = document.sentence_at(entity.start, end)
    return Evidence(
        field=document.field_at(entity.start),
        start=entity.start,
        end=end,
        surface=document.text[entity.start : end],
        sentence=document.text[low:high],
        sentence_start=low,
        rule="nearly full",
        detail=near.full.surface,
        weight=_weight(_reasons(near)),
        inflection=near.inflection,
    )
