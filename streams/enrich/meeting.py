"""Where terms stand and slots meet: findings within sentences, on bits. Pure.

What a term is good for is a bit: one for each slot, each kind of term of a topic, each label.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeVar

from msgspec import Struct

from streams.enrich.lexicon import Pattern
from streams.enrich.terms import Hit

__all__ = [
    "KINDS",
    "CompiledPattern",
    "CompiledTopic",
    "Finding",
    "Hits",
    "Possible",
    "TermKind",
    "by_sentence",
    "strongest_patterns",
    "term_findings",
    "trial_order",
    "with_bit",
]

WEIGHTS = {"strong": 1.0, "weak": 0.5, "context": 0.3}
NEIGHBOUR_FACTOR = 0.7
"""A pattern that takes two sentences says less surely that its words belong together."""
MAX_CHOICES = 8
"""Words per slot and sentence that are tried; bounds the combinations in texts without stops."""

TermKind = Literal["strong", "weak", "context"]
KINDS: tuple[TermKind, ...] = ("strong", "weak", "context")

N = TypeVar("N", bound=str)
Hits = list[Hit]
"""Terms of one sentence in text order."""


class Finding(Struct, frozen=True):
    """A term or pattern with one place where it was found."""

    rule: str
    detail: str
    weight: float
    hits: tuple[Hit, ...]
    slots: tuple[str, ...] = ()
    """Of a pattern, which slot each hit fills."""


class CompiledPattern(Struct, frozen=True):
    """A pattern as bits."""

    rank: int
    """Its place among all: by topic, the weightiest of a topic first."""
    topic: str
    pattern: Pattern
    places: tuple[tuple[tuple[int, str], ...], ...]
    """For each place, the slots that may fill it: their bits and names."""
    masks: tuple[int, ...]
    """For each place, those bits together."""
    without: int


Possible = tuple[CompiledPattern, int, int]
"""A pattern whose slots meet, with the first and the last sentence that they take."""


class CompiledTopic(Struct, frozen=True):
    """A topic as bits."""

    kinds: tuple[tuple[int, TermKind], ...]
    terms: int
    """All kinds of terms."""
    telling: int
    """Those that say something by themselves; context does not."""
    blockers: int
    labels: tuple[tuple[str, int], ...]
    labelling: int
    """The bits of all labels."""


def _weight(possible: Possible) -> float:
    """What a pattern weighs where it stands."""
    compiled, first, last = possible
    return compiled.pattern.weight * (1.0 if first == last else NEIGHBOUR_FACTOR)


def trial_order(possible: Possible) -> tuple[float, int, int]:
    """The weightiest first; of equal ones those in one sentence, then as the lexicon has them."""
    compiled, first, last = possible
    return -_weight(possible), last - first, compiled.rank


# --- sentences -------------------------------------------------------------------------------


def by_sentence(hits: Hits, starts: Sequence[int]) -> tuple[list[Hits], list[int]]:
    """Terms by the sentence in which they start, and all bits of each sentence."""
    sentences: list[Hits] = [[] for _ in range(len(starts) + 1)]
    masks = [0] * (len(starts) + 1)
    upcoming = iter((*starts, sys.maxsize))
    number, following = 0, next(upcoming)
    for hit in hits:
        while following <= hit.start:
            number, following = number + 1, next(upcoming)
        sentences[number].append(hit)
        masks[number] |= hit.bits
    return sentences, masks


def with_bit(hits: Iterable[Hit], bits: int) -> Hits:
    """The terms that have one of the bits."""
    return [hit for hit in hits if hit.bits & bits]


def _free(hits: Hits, bits: int, blockers: Sequence[Hit]) -> Hits:
    """The terms that have one of the bits and do not lie inside a blocker."""
    having = [hit for hit in hits if hit.bits & bits]
    return [hit for hit in having if not _blocked(hit, blockers)] if blockers else having


def _blocked(hit: Hit, blockers: Sequence[Hit]) -> bool:
    """Whether a hit lies inside a blocker."""
    return any(block.start <= hit.start and hit.end <= block.end for block in blockers)


# --- terms -----------------------------------------------------------------------------------


def term_findings(
    topic: CompiledTopic,
    sentences: Sequence[Hits],
    masks: Sequence[int],
    blockers: Sequence[Hit],
) -> Iterator[Finding]:
    """Terms; context only in the sentence of a weak term or in one next to it."""
    kept: dict[int, list[tuple[Hit, TermKind]]] = {}
    for number, mask in enumerate(masks):
        if mask & topic.terms:
            kept[number] = _longest(_free(sentences[number], topic.terms, blockers), topic)
    weak = {number for number, terms in kept.items() if any(kind == "weak" for _, kind in terms)}
    near = {number + step for number in weak for step in (-1, 0, 1)}
    for number, terms in kept.items():
        for hit, kind in terms:
            if kind != "context" or number in near:
                yield Finding(kind, hit.term, WEIGHTS[kind], (hit,))


def _named(bits: Iterable[tuple[int, N]], hit: Hit) -> N:
    """The name of the first bit that a hit has; it has one of them."""
    for bit, name in bits:
        if hit.bits & bit:
            return name
    raise LookupError(hit)


def _longest(hits: Hits, topic: CompiledTopic) -> list[tuple[Hit, TermKind]]:
    """Terms that do not lie inside a longer one, with their kind; of equal ones the strongest."""
    kinds = [(hit, _named(topic.kinds, hit)) for hit in hits]
    if len(kinds) > 1:
        kinds.sort(key=lambda each: (each[0].start, -each[0].end, -WEIGHTS[each[1]]))
    kept: list[tuple[Hit, TermKind]] = []
    reach = -1
    for hit, kind in kinds:
        if hit.end > reach:
            kept.append((hit, kind))
            reach = hit.end
    return kept


# --- patterns --------------------------------------------------------------------------------


def strongest_patterns(
    possible: Sequence[Possible],
    sentences: Sequence[Hits],
    blockers: Sequence[Hit],
) -> list[Finding]:
    """The weightiest pattern of a topic in each sentence."""
    found: dict[int, Finding] = {}
    taken: set[int] = set()
    for compiled, first, last in possible:
        if first in taken or last in taken:
            continue
        choices = [_choices(mask, sentences, first, last, blockers) for mask in compiled.masks]
        hits = _closest(choices, compiled.pattern.within)
        if hits:
            slots = map(_named, compiled.places, hits)
            weight = round(_weight((compiled, first, last)), 4)
            found[first] = Finding("pattern", compiled.pattern.id, weight, hits, tuple(slots))
            taken.update((first, last))
    return [found[number] for number in sorted(found)]


def _choices(
    mask: int, sentences: Sequence[Hits], first: int, last: int, blockers: Sequence[Hit]
) -> Hits:
    """The first words of one or two sentences that may fill a place."""
    found: Hits = []
    for number in range(first, last + 1):
        found += _free(sentences[number], mask, blockers)[:MAX_CHOICES]
    return found


def _closest(choices: Sequence[Hits], within: int) -> tuple[Hit, ...]:
    """One hit per slot, none on the same words, as close together as can be; () if too far.

    What is too far, or on the same words, is given up at once; so many slots do not multiply.
    """
    best: tuple[Hit, ...] = ()
    best_span = within
    waiting: list[tuple[tuple[Hit, ...], int, int]] = [((), sys.maxsize, -1)]
    while waiting:
        hits, first, last = waiting.pop()
        if len(hits) == len(choices):
            if last - first < best_span:
                best, best_span = hits, last - first
            continue
        for hit in reversed(choices[len(hits)]):
            low = hit.first if hit.first < first else first
            high = hit.last if hit.last > last else last
            if high - low < best_span and _apart(hit, hits):
                waiting.append(((*hits, hit), low, high))
    return best


def _apart(hit: Hit, hits: Iterable[Hit]) -> bool:
    """Whether a hit shares no word with others."""
    for other in hits:  # noqa: SIM110 - as a generator it takes three times as long
        if hit.first <= other.last and other.first <= hit.last:
            return False
    return True
