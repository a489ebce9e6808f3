"""What a text says about the names in it: the view that the rules for figures read."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from streams.enrich.figure_words import NAMESAKE_SUFFIXES
from streams.enrich.name_trie import Place
from streams.enrich.words import Words
from streams.records import Figure, Name

__all__ = [
    "Entry",
    "Mention",
    "Named",
    "Ownership",
    "Role",
    "Scene",
    "Signal",
    "SignalRole",
    "Watched",
    "capitals_fit",
    "compound",
    "is_full_name",
    "namesake_suffix",
    "nearest",
    "stage",
]

TITLE_CASE_WORDS = 40
TITLE_CASE_SHARE = 0.8
"""Of the first words of a text: from here on capitals say nothing."""

Role = Literal["name", "blocker", "phrase"]
"""phrase: a title or a cue, whoever's; figures say what it is to them."""
SignalRole = Literal["title", "cue", "negative"]
Ownership = Literal["", "before", "later", "other", "other later"]


class Entry(NamedTuple):
    """What a path in the trie means: a name or blocker of a figure, or a phrase that many share."""

    figure_id: str
    """Empty for phrases."""
    role: Role
    name: Name
    capitals: tuple[int, ...]
    keys: tuple[str, ...]
    """Folded words of the surface."""


class Watched(NamedTuple):
    """A figure as it is looked for."""

    figure: Figure
    entries: tuple[tuple[tuple[str, ...], Entry], ...]
    phrases: tuple[tuple[str, SignalRole], ...]
    """Surfaces of its titles and cues."""
    given: frozenset[str]


class Mention(NamedTuple):
    """A name in a text, and what was decided about whose it is."""

    place: Place[Entry]
    watched: Watched
    ownership: Ownership
    """before, later: the figure's full name stands there; other: the nearest is not ours; other
    later: only somebody else with this surname follows."""
    neighbour: tuple[str, str]
    """Rule and word where what stands directly beside the name decides; else two times empty."""


class Signal(NamedTuple):
    """A phrase in a text."""

    first: int
    """Number of its first word."""
    surface: str


class Named(NamedTuple):
    """A watched name in a text."""

    first: int
    last: int
    figure_id: str
    kind: Literal["person", "organisation"]
    strong: bool


class Scene(NamedTuple):
    """What one text says, for the rules to read."""

    words: Words
    lang: str
    title_case: bool
    """Whether nearly all words have capitals, so that a capital says nothing."""
    covered: frozenset[int]
    """Numbers of words that belong to some watched name or blocker."""
    in_full: frozenset[str]
    """figure_ids whose full name occurs."""
    named: tuple[Named, ...]
    """The watched names, in text order; of many who share one, two of a kind stand for all."""
    titles: frozenset[tuple[str, int]]
    """figure_id, and the number of the last word of one of its own titles."""
    cues: dict[str, list[Signal]]
    """figure_id to its cues, in text order."""
    negatives: dict[str, list[Signal]]

    def starts_sentence(self, index: int) -> bool:
        """Whether a word may owe its capital to its place."""
        if index == 0:
            return True
        return any(mark in self.words.between(index - 1) for mark in "\n.:!?–—|\"“„»«'‘’”(")


def nearest(signals: list[Signal], place: Place[Entry]) -> tuple[int, str] | None:
    """Distance in words, and surface, of the signal nearest to a name."""
    at = bisect_left(signals, Signal(place.first, ""))
    around = signals[max(at - 1, 0) : at + 1]
    return min(((abs(each.first - place.first), each.surface) for each in around), default=None)


def is_full_name(place: Place[Entry]) -> bool:
    """Whether a span is a figure's full name."""
    return place.payload.role == "name" and place.payload.name.kind == "full"


def compound(place: Place[Entry], words: Words) -> Literal["", "head", "tail"]:
    """Whether the name opens or closes a hyphen compound."""
    if not place.ending and words.hyphen_after(place.last):
        return "head"
    return "tail" if words.hyphen_before(place.first) else ""


def namesake_suffix(place: Place[Entry], words: Words) -> str:
    """The "Jr." or "III" behind a name, which makes it a relative's; else empty."""
    behind = place.last + 1
    if behind >= len(words) or words.keys[behind] not in NAMESAKE_SUFFIXES:
        return ""
    raw = words.raws[behind]
    return raw if raw[0].isupper() and words.gap(place.last) in (" ", ",") else ""


def capitals_fit(place: Place[Entry], words: Words) -> bool:
    """Whether the text has the capitals that the name demands; all capitals also pass."""
    for index, demanded in zip(
        range(place.first, place.last + 1), place.payload.capitals, strict=False
    ):
        raw = words.text[words.starts[index] : min(words.ends[index], place.end)]
        if (demanded == 1 and not raw[0].isupper()) or (demanded == 2 and not raw.isupper()):
            return False
    # "FTCs" is a genitive or plural of FTC, "FTCS" another acronym.
    return place.payload.name.kind != "acronym" or not place.ending.startswith("S")


def stage(
    words: Words,
    lang: str,
    chosen: list[Place[Entry]],
    phrases: list[Place[Entry]],
    watched: Mapping[str, Watched],
) -> Scene:
    """Set the scene for the rules.

    Args:
        words: the text.
        lang: primary language, or "und".
        chosen: names and blockers that count, in text order.
        phrases: titles and cues in the text, whoever's.
        watched: figures by figure_id.
    """
    found: dict[str, list[Place[Entry]]] = defaultdict(list)
    for place in phrases:
        if capitals_fit(place, words):
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
        named=tuple(_named(names, watched)),
        titles=frozenset(titles),
        cues=signals["cue"],
        negatives=signals["negative"],
    )


def _named(names: list[Place[Entry]], watched: Mapping[str, Watched]) -> Iterator[Named]:
    """Two of a kind are enough to find another than oneself among them."""
    alike: Counter[tuple[int, int, str, bool]] = Counter()
    for place in names:
        figure_id, strong = place.payload.figure_id, place.payload.name.strength == "strong"
        kind = watched[figure_id].figure.kind
        key = (place.first, place.last, kind, strong)
        alike[key] += 1
        if alike[key] <= 2:
            yield Named(place.first, place.last, figure_id, kind, strong)


def _is_title_case(words: Words) -> bool:
    """Whether nearly all longer words of a text have capitals, as some headlines do."""
    longer = [raw for raw in words.raws[:TITLE_CASE_WORDS] if len(raw) > 3 and raw[0].isalpha()]
    return sum(raw[0].isupper() for raw in longer) >= TITLE_CASE_SHARE * len(longer)
