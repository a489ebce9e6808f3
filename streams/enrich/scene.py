"""What a text says about the names in it: the view that the rules for figures read."""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal, NamedTuple

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
    "compound",
    "is_full_name",
    "nearest",
]

Role = Literal["name", "blocker", "phrase"]
"""phrase: a title or a cue, whoever's; figures say what it is to them."""
SignalRole = Literal["title", "cue", "negative"]
Ownership = Literal["", "before", "later", "other"]


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
    """before, later: the figure's full name stands there; other: the nearest is not ours."""
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
    """All watched names, in text order."""
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
