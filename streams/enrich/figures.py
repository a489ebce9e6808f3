"""Finding watched figures in a text, with reasons.

Every name of every figure is a path in one trie (`streams.enrich.names`); so are the phrases
that speak for or against a figure. A text is walked once. Then, in this order:

1. The longest span wins; a blocker ("Judd Trump", "Meta-Analyse") takes part and yields nothing.
   Equal spans keep all their figures.
2. Whose surname it is: the nearest full name before it decides ("Boris Johnson … Johnson"), and
   an unwatched given name directly before it makes it somebody else's ("Melania Trump").
3. Each mention is weighed by `RULES`: summands in log-odds from one table, `WEIGHTS`, turned
   into a probability by the logistic function. A figure is as sure as its best mention.

The rules are the same for every language. The language only switches one rule off where
capitals mean nothing, so a wrong guess does not lose a strong name.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from streams.enrich.figure_rules import RULES
from streams.enrich.name_trie import NameTrie, Place
from streams.enrich.names import capitals, given_names_of, path_of, spellings
from streams.enrich.namesakes import assign
from streams.enrich.near_names import NearNames
from streams.enrich.scene import (
    Entry,
    Mention,
    Role,
    Scene,
    SignalRole,
    Watched,
    capitals_fit,
    compound,
    stage,
)
from streams.enrich.text import Document
from streams.enrich.weak_names import settled
from streams.enrich.words import Words
from streams.records import Evidence, Figure, FigureHit, Name, Reason, stable_id

__all__ = ["ALERT", "POSSIBLE", "FigureMatcher", "Weighed", "is_possible"]

ALERT = 0.75
"""Confidence from which a figure may alert, judged on sentences with traps."""
POSSIBLE = 0.40
"""Confidence from which a figure is reported at all."""

MENTIONS_KEPT = 100
"""Places per figure; a live blog names somebody many hundred times."""


class FigureMatcher:
    """Finds the figures of a watchlist in documents.

    Not safe for use while `update` runs in another thread; edit between documents.
    """

    def __init__(self, figures: Iterable[Figure] = ()) -> None:
        self._watched: dict[str, Watched] = {}
        self._phrases: Counter[str] = Counter()
        """Surfaces of titles and cues, with how many figures have them."""
        self._trie: NameTrie[Entry] = NameTrie()
        self.near = NearNames()
        """Finds whose name is nearly a watched one, where persons are known to stand."""
        self._version = ""
        for figure in figures:
            self.update(figure.figure_id, figure)

    @property
    def version(self) -> str:
        """Short hash of the watchlist's content, the same in every process and order."""
        if not self._version:
            figures = sorted(self._watched.items())
            parts = (msgspec.json.encode(watched.figure).decode() for _, watched in figures)
            self._version = stable_id("watchlist", *parts)[:12]
        return self._version

    def update(self, figure_id: str, figure: Figure | None) -> None:
        """Watch a figure, watch it differently, or (None) no longer; in place."""
        old = self._watched.pop(figure_id, None)
        if old is not None:
            self._take_out(old)
            self.near.remove(old.figure)
        if figure is not None:
            self._watched[figure_id] = new = _compile(figure_id, figure)
            self._put_in(new)
            self.near.add(figure)
        self._version = ""

    def find(self, document: Document, lang: str) -> tuple[FigureHit, ...]:
        """Find the watched figures of a document.

        Args:
            document: text with fields and sentences.
            lang: primary language, or "und".

        Returns:
            One hit per figure with confidence of at least `POSSIBLE`, by first mention.
        """
        by_figure: dict[str, list[Weighed]] = {}
        for weighed in self.weigh(document, lang):
            if is_possible(weighed):
                by_figure.setdefault(weighed.figure.figure_id, []).append(weighed)
        return tuple(_hit(weighed, document) for weighed in by_figure.values())

    def weigh(self, document: Document, lang: str) -> tuple[Weighed, ...]:
        """Weigh the names of watched figures in a document, however little they weigh.

        Returns:
            The first hundred names of each figure, by figure in the order of its first name.
        """
        words = document.words
        spans, phrases = [], []
        for place in self._trie.places(words):
            if place.payload.role == "phrase":
                phrases.append(place)
            elif capitals_fit(place, words):
                spans.append(place)
        chosen = _longest(spans)
        if not any(place.payload.role == "name" for place in chosen):
            return ()
        scene = stage(words, settled(lang, words), chosen, phrases, self._watched)
        weighed: dict[str, list[Weighed]] = {}
        for mention in assign(chosen, scene, self._watched):
            of_figure = weighed.setdefault(mention.watched.figure.figure_id, [])
            if len(of_figure) < MENTIONS_KEPT:
                of_figure.append(_weigh(mention, scene))
        return tuple(itertools.chain.from_iterable(weighed.values()))

    def _put_in(self, watched: Watched) -> None:
        for path, entry in watched.entries:
            self._trie.add(path, entry)
        for surface, _ in watched.phrases:
            self._phrases[surface] += 1
            if self._phrases[surface] == 1:
                self._trie.add(path_of(surface), _phrase(surface))

    def _take_out(self, watched: Watched) -> None:
        for path, entry in watched.entries:
            self._trie.remove(path, entry)
        for surface, _ in watched.phrases:
            self._phrases[surface] -= 1
            if not self._phrases[surface]:
                del self._phrases[surface]
                self._trie.remove(path_of(surface), _phrase(surface))


def _compile(figure_id: str, figure: Figure) -> Watched:
    if not figure.active:
        return Watched(figure, (), (), frozenset())
    names = [name for name in spellings(figure) if name.strength != "never"]
    entries = [
        (path_of(name.surface), _entry(figure_id, "name", name, capital=name.case == "cap"))
        for name in names
    ]
    for surface in dict.fromkeys(figure.blockers):
        blocker = Name(surface=surface, kind="word")
        entries.append((path_of(surface), _entry(figure_id, "blocker", blocker, capital=False)))
    signals: tuple[tuple[SignalRole, Sequence[str]], ...] = (
        ("title", figure.titles),
        ("cue", figure.cues),
        ("negative", figure.negative_cues),
    )
    phrases = [
        (surface, role)
        for role, surfaces in signals
        for surface in dict.fromkeys(surfaces)
        if path_of(surface)
    ]
    given = given_names_of(figure) if figure.kind == "person" else frozenset()
    return Watched(figure, tuple(entries), tuple(phrases), given)


def _entry(figure_id: str, role: Role, name: Name, *, capital: bool) -> Entry:
    demanded = capitals(name.surface) if capital else ()
    return Entry(figure_id, role, name, demanded, tuple(Words(name.surface).keys))


def _phrase(surface: str) -> Entry:
    """A title or cue, the same for all figures that have it."""
    return _entry("", "phrase", Name(surface=surface, kind="word"), capital=True)


# --- 1. which spans ---------------------------------------------------------------------------


def _longest(spans: list[Place[Entry]]) -> list[Place[Entry]]:
    """Keep the longest of overlapping spans, and all figures of equal ones; in text order."""
    spans.sort(key=lambda p: (p.start - p.end, p.start, p.payload.figure_id, p.ending))
    owner: dict[int, tuple[int, int]] = {}
    kept: dict[tuple[int, int, str, str], Place[Entry]] = {}
    for place in spans:
        span = (place.start, place.end)
        indices = range(place.first, place.last + 1)
        if all(owner.get(index, span) == span for index in indices):
            owner.update(dict.fromkeys(indices, span))
            kept.setdefault((*span, place.payload.figure_id, place.payload.role), place)
    return [kept[key] for key in sorted(kept)]


# --- what is reported -------------------------------------------------------------------------


class Weighed(NamedTuple):
    """A name in a text with everything that speaks for and against it."""

    log_odds: float
    """Sum of the reasons."""
    mention: Mention
    reasons: tuple[Reason, ...]

    @property
    def figure(self) -> Figure:
        """Whose name it would be."""
        return self.mention.watched.figure


_THRESHOLD = math.log(POSSIBLE / (1 - POSSIBLE))


def is_possible(weighed: Weighed) -> bool:
    """Whether a name is sure enough to be reported at all."""
    return weighed.log_odds >= _THRESHOLD


def _weigh(mention: Mention, scene: Scene) -> Weighed:
    reasons = tuple(reason for rule in RULES if (reason := rule(mention, scene)) is not None)
    return Weighed(round(sum(reason.weight for reason in reasons), 4), mention, reasons)


def _hit(weighed: Sequence[Weighed], document: Document) -> FigureHit:
    best = max(weighed, key=lambda w: w.log_odds)  # the first of equals
    figure = best.figure
    confidence = round(1 / (1 + math.exp(-best.log_odds)), 4)
    evidence = tuple(_evidence(w, document) for w in weighed)
    return FigureHit(
        figure_id=figure.figure_id,
        name=figure.name,
        qid=figure.qid,
        kind=figure.kind,
        lists=figure.lists,
        confidence=confidence,
        level="alert" if confidence >= ALERT else "possible",
        in_title=any(e.field == "title" for e in evidence),
        mentions=evidence,
        reasons=best.reasons,
    )


def _evidence(weighed: Weighed, document: Document) -> Evidence:
    place = weighed.mention.place
    start, end = document.sentence_at(place.start, place.end)
    return Evidence(
        field=document.field_at(place.start),
        start=place.start,
        end=place.end,
        surface=document.text[place.start : place.end],
        sentence=document.text[start:end],
        sentence_start=start,
        rule=place.payload.name.kind,
        detail=place.payload.name.surface,
        weight=weighed.log_odds,
        inflection=place.ending,
        compound=compound(place, document.words),
    )
