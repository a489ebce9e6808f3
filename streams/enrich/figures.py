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

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from streams.enrich.figure_rules import RULES
from streams.enrich.name_trie import NameTrie, Place
from streams.enrich.names import capitals, given_names_of, path_of, spellings
from streams.enrich.namesakes import assign, namesake_suffix
from streams.enrich.scene import (
    Entry,
    Mention,
    Named,
    Role,
    Scene,
    Signal,
    SignalRole,
    Watched,
    compound,
    is_full_name,
)
from streams.enrich.text import Document
from streams.enrich.words import Words
from streams.records import Evidence, Figure, FigureHit, Name, Reason, stable_id

__all__ = ["ALERT", "POSSIBLE", "FigureMatcher"]

ALERT = 0.75
"""Confidence from which a figure may alert, judged on sentences with traps."""
POSSIBLE = 0.40
"""Confidence from which a figure is reported at all."""

TITLE_CASE_WORDS = 40
TITLE_CASE_SHARE = 0.8
"""Of the first words of a text: from here on capitals say nothing."""

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
        if figure is not None:
            self._watched[figure_id] = new = _compile(figure_id, figure)
            self._put_in(new)
        self._version = ""

    def find(self, document: Document, lang: str) -> tuple[FigureHit, ...]:
        """Find the watched figures of a document.

        Args:
            document: text with fields and sentences.
            lang: primary language, or "und".

        Returns:
            One hit per figure with confidence of at least `POSSIBLE`, by first mention.
        """
        words = document.words
        spans, phrases = [], []
        for place in self._trie.places(words):
            if place.payload.role == "phrase":
                phrases.append(place)
            elif _capitals_fit(place, words):
                spans.append(place)
        chosen = _longest(spans)
        if not any(place.payload.role == "name" for place in chosen):
            return ()
        scene = _scene(words, lang, chosen, phrases, self._watched)
        mentions = assign(chosen, scene, self._watched)
        return _hits(mentions, scene, document)

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


def _capitals_fit(place: Place[Entry], words: Words) -> bool:
    """Whether the text has the capitals that the name demands; all capitals also pass."""
    for index, demanded in zip(
        range(place.first, place.last + 1), place.payload.capitals, strict=False
    ):
        raw = words.text[words.starts[index] : min(words.ends[index], place.end)]
        if (demanded == 1 and not raw[0].isupper()) or (demanded == 2 and not raw.isupper()):
            return False
    # "FTCs" is a genitive or plural of FTC, "FTCS" another acronym.
    return place.payload.name.kind != "acronym" or not place.ending.startswith("S")


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


# --- 2. what the text says --------------------------------------------------------------------


def _scene(
    words: Words,
    lang: str,
    chosen: list[Place[Entry]],
    phrases: list[Place[Entry]],
    watched: Mapping[str, Watched],
) -> Scene:
    found: dict[str, list[Place[Entry]]] = defaultdict(list)
    for place in phrases:
        if _capitals_fit(place, words):
            found[place.payload.name.surface].append(place)
    signals: dict[SignalRole, dict[str, list[Signal]]] = defaultdict(lambda: defaultdict(list))
    titles = set()
    names = [place for place in chosen if place.payload.role == "name"]
    for figure_id in dict.fromkeys(place.payload.figure_id for place in names):
        for surface, role in watched[figure_id].phrases:
            for place in found.get(surface, ()):
                if role == "title":
                    titles.add((figure_id, place.last))
                else:
                    signals[role][figure_id].append(Signal(place.first, surface))
        for by_figure in signals.values():
            by_figure[figure_id].sort()
    return Scene(
        words=words,
        lang=lang,
        title_case=_is_title_case(words),
        covered=frozenset(i for p in chosen for i in range(p.first, p.last + 1)),
        in_full=frozenset(
            p.payload.figure_id for p in names if is_full_name(p) and not namesake_suffix(p, words)
        ),
        named=tuple(_named(place, watched) for place in names),
        titles=frozenset(titles),
        cues=signals["cue"],
        negatives=signals["negative"],
    )


def _named(place: Place[Entry], watched: Mapping[str, Watched]) -> Named:
    entry = place.payload
    kind = watched[entry.figure_id].figure.kind
    strong = entry.name.strength == "strong"
    return Named(place.first, place.last, entry.figure_id, kind, strong)


def _is_title_case(words: Words) -> bool:
    """Whether nearly all longer words of a text have capitals, as some headlines do."""
    longer = [raw for raw in words.raws[:TITLE_CASE_WORDS] if len(raw) > 3 and raw[0].isalpha()]
    return sum(raw[0].isupper() for raw in longer) >= TITLE_CASE_SHARE * len(longer)


# --- what is reported -------------------------------------------------------------------------


class _Weighed(NamedTuple):
    log_odds: float
    mention: Mention
    reasons: tuple[Reason, ...]


def _hits(mentions: list[Mention], scene: Scene, document: Document) -> tuple[FigureHit, ...]:
    threshold = math.log(POSSIBLE / (1 - POSSIBLE))
    by_figure: dict[str, list[_Weighed]] = {}
    for mention in mentions:
        weighed = _weigh(mention, scene)
        if weighed.log_odds >= threshold:
            by_figure.setdefault(mention.watched.figure.figure_id, []).append(weighed)
    return tuple(_hit(weighed, scene.words, document) for weighed in by_figure.values())


def _weigh(mention: Mention, scene: Scene) -> _Weighed:
    reasons = tuple(reason for rule in RULES if (reason := rule(mention, scene)) is not None)
    return _Weighed(round(sum(reason.weight for reason in reasons), 4), mention, reasons)


def _hit(weighed: list[_Weighed], words: Words, document: Document) -> FigureHit:
    best = max(weighed, key=lambda w: w.log_odds)  # the first of equals
    figure = best.mention.watched.figure
    confidence = round(1 / (1 + math.exp(-best.log_odds)), 4)
    evidence = tuple(_evidence(w, words, document) for w in weighed[:MENTIONS_KEPT])
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


def _evidence(weighed: _Weighed, words: Words, document: Document) -> Evidence:
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
        compound=compound(place, words),
    )
