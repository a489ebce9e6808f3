"""What the words of an item say about its policy topics: terms, and patterns of actors and acts.

Headlines seldom name a law; they say who does what to whom. A pattern is found where a word of each
of its slots stands in one sentence, or, for less, in two that follow each other. All words come from
the lexicon; watched figures and named entities may fill slots too.

What a term is good for is a bit: one for each slot, each kind of term of a topic, each label. So a
glance at the bits of a sentence tells which patterns it can hold at all, and few remain to be tried.
"""

from __future__ import annotations

import itertools
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from streams.enrich.lexicon import Pattern, PolicyLexicon, Terms, Topic
from streams.enrich.terms import Hit, TermIndex
from streams.enrich.text import Document
from streams.records import Entity, FigureHit

__all__ = ["Finding", "Frames", "Reading"]

WEIGHTS = {"strong": 1.0, "weak": 0.5, "context": 0.3}
NEIGHBOUR_FACTOR = 0.7
"""A pattern that takes two sentences says less surely that its words belong together."""
MAX_CHOICES = 8
"""Words per slot and sentence that are tried; bounds the combinations in texts without stops."""

TermKind = Literal["strong", "weak", "context"]
Kind = Literal["strong", "weak", "context", "blockers", "slot", "label"]
_KINDS: tuple[TermKind, ...] = ("strong", "weak", "context")

_Hits = list[Hit[int]]
"""Terms of one sentence in text order; the payload has a bit for each thing a term is good for."""


class Finding(NamedTuple):
    """A term or pattern with one place where it was found."""

    rule: str
    detail: str
    weight: float
    hits: tuple[Hit[int], ...]
    slots: tuple[str, ...] = ()
    """Of a pattern, which slot each hit fills."""


class Reading(NamedTuple):
    """What the words of an item say about one topic."""

    findings: tuple[Finding, ...]
    labels: tuple[str, ...]
    """Ids of the topic's labels that are named."""


class _Compiled(NamedTuple):
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


_Possible = tuple[_Compiled, int, int]
"""A pattern whose slots meet, with the first and the last sentence that they take."""


class _Compilation(NamedTuple):
    """A topic as bits."""

    kinds: tuple[tuple[int, TermKind], ...]
    terms: int
    """All kinds of terms."""
    telling: int
    """Those that say something by themselves; context does not."""
    blockers: int
    labels: tuple[tuple[str, int], ...]


class Frames:
    """Finds the terms and patterns of a lexicon; immutable."""

    def __init__(self, lexicon: PolicyLexicon) -> None:
        self._lexicon = lexicon
        self._bits: dict[tuple[str, Kind], int] = {}
        self._topics = {topic.id: self._compile(topic) for topic in lexicon.topics}
        self._indexes: dict[tuple[str, ...], TermIndex[int]] = {}
        self._anchored = self._anchors(lexicon)
        self._wide = {
            bit: [each for each in patterns if each.pattern.neighbours]
            for bit, patterns in self._anchored.items()
            if any(each.pattern.neighbours for each in patterns)
        }
        """The patterns among them that may take two sentences."""
        self._anchor_bits, self._wide_bits = sum(self._anchored), sum(self._wide)
        slots = list(lexicon.all_slots())
        self._hints = sum(self._bit(slot.id, "slot") for slot in slots if slot.hint)
        self._by_list: dict[str, int] = defaultdict(int)
        self._by_label: dict[str, int] = defaultdict(int)
        for slot in slots:
            for name in slot.figures:
                self._by_list[name] |= self._bit(slot.id, "slot")
            for label in slot.entities:
                self._by_label[label] |= self._bit(slot.id, "slot")

    def read(
        self,
        document: Document,
        lang: str,
        figures: Sequence[FigureHit] = (),
        entities: Sequence[Entity] = (),
    ) -> tuple[dict[str, Reading], bool]:
        """Read a document.

        Args:
            document: the text.
            lang: "de" or "en" restricts the words to that language; otherwise all are used.
            figures: watched figures in it, which fill the slots that name their lists.
            entities: named entities in it, which fill the slots that name their labels.

        Returns:
            What was found by topic id, topics without anything left out; and whether the text holds
            a word that hints at policy, whatever topic it may be.
        """
        hits = self._index(lang).find(document.words)
        others = list(self._others(document, figures, entities))
        if others:
            hits = sorted([*hits, *others])
        sentences, masks = _by_sentence(hits, document.sentence_starts)
        whole = 0
        for mask in masks:
            whole |= mask
        patterns = self._patterns(masks)
        found = {}
        for id_, topic in self._topics.items():
            blockers = _with_bit(hits, topic.blockers) if whole & topic.blockers else []
            telling = whole & topic.telling
            terms = _term_findings(topic, sentences, masks, blockers) if telling else ()
            findings = (*terms, *_strongest(patterns.get(id_, ()), sentences, blockers))
            labels = tuple(label for label, bit in topic.labels if whole & bit)
            if findings or labels:
                found[id_] = Reading(findings, labels)
        return found, bool(whole & self._hints)

    def _others(
        self, document: Document, figures: Sequence[FigureHit], entities: Sequence[Entity]
    ) -> Iterator[Hit[int]]:
        """What others have found in the text and is good for a slot."""
        for figure in figures:
            mask = 0
            for name in figure.lists:
                mask |= self._by_list.get(name, 0)
            if mask:
                yield from (_span(document, p.start, p.end, mask) for p in figure.mentions)
        for entity in entities:
            mask = self._by_label.get(entity.label, 0)
            if mask:
                yield _span(document, entity.start, entity.end, mask)

    def _patterns(self, masks: Sequence[int]) -> dict[str, list[_Possible]]:
        """By topic, the patterns whose slots meet, each with first and last sentence; the weightiest
        first, and of equal ones those in a single sentence.
        """
        found: dict[str, list[_Possible]] = defaultdict(list)
        for number, mask in enumerate(masks):
            for compiled in _possible(mask, self._anchor_bits, self._anchored):
                if not mask & compiled.without:
                    found[compiled.topic].append((compiled, number, number))
        for possible in self._wide_patterns(masks):
            found[possible[0].topic].append(possible)
        for each in found.values():
            each.sort(key=_order)
        return found

    def _wide_patterns(self, masks: Sequence[int]) -> Iterator[_Possible]:
        """Patterns whose slots meet in two sentences that follow each other, and not in one."""
        for number, (mask, following) in enumerate(itertools.pairwise(masks)):
            both = mask | following
            if both in (mask, following) or not both & self._wide_bits:
                continue
            for compiled in _possible(both, self._wide_bits, self._wide):
                alone = _meets(mask, compiled) or _meets(following, compiled)
                if not alone and not both & compiled.without:
                    yield compiled, number, number + 1

    # --- compiling -----------------------------------------------------------------------------

    def _index(self, lang: str) -> TermIndex[int]:
        langs = (lang,) if lang in ("de", "en") else ("de", "en")
        if langs not in self._indexes:
            masks: dict[str, int] = defaultdict(int)
            for term, bit in self._entries(("any", *langs)):
                masks[term] |= bit
            self._indexes[langs] = TermIndex(masks.items(), langs)
        return self._indexes[langs]

    def _entries(self, langs: Sequence[str]) -> Iterator[tuple[str, int]]:
        """All terms for some languages, each with its bit."""

        def pick(terms: Terms, owner: str, kind: Kind) -> Iterator[tuple[str, int]]:
            bit = self._bit(owner, kind)
            return ((term, bit) for _, term in terms.of(langs))

        for slot in self._lexicon.all_slots():
            yield from pick(slot, slot.id, "slot")
        for topic in self._lexicon.topics:
            yield from pick(topic.strong, topic.id, "strong")
            yield from pick(topic.weak, topic.id, "weak")
            yield from pick(topic.context, topic.id, "context")
            yield from pick(topic.blockers, topic.id, "blockers")
            for compound in topic.compounds:
                yield from pick(Terms(de=list(compound.terms())), topic.id, "strong")
            for label in topic.labels:
                yield from pick(label.terms, f"{topic.id}/{label.id}", "label")

    def _bit(self, owner: str, kind: Kind) -> int:
        return self._bits.setdefault((owner, kind), 1 << len(self._bits))

    def _compile(self, topic: Topic) -> _Compilation:
        kinds = tuple((self._bit(topic.id, kind), kind) for kind in _KINDS)
        labels = (
            (label.id, self._bit(f"{topic.id}/{label.id}", "label")) for label in topic.labels
        )
        return _Compilation(
            kinds,
            sum(bit for bit, _ in kinds),
            sum(bit for bit, kind in kinds if kind != "context"),
            self._bit(topic.id, "blockers"),
            tuple(labels),
        )

    def _anchors(self, lexicon: PolicyLexicon) -> dict[int, list[_Compiled]]:
        """Patterns by the bits of their rarest place: only where one of them is need we look."""
        sizes = {
            slot.id: len(slot.any) + len(slot.de) + len(slot.en) for slot in lexicon.all_slots()
        }
        anchored: dict[int, list[_Compiled]] = defaultdict(list)
        rank = itertools.count()
        for topic in lexicon.topics:
            for pattern in sorted(topic.patterns, key=lambda pattern: -pattern.weight):
                names = [tuple(dict.fromkeys(place)) for place in pattern.alternatives()]
                places = tuple(
                    tuple((self._bit(name, "slot"), name) for name in place) for place in names
                )
                masks = tuple(sum(bit for bit, _ in place) for place in places)
                without = sum(self._bit(name, "slot") for name in set(pattern.without))
                compiled = _Compiled(next(rank), topic.id, pattern, places, masks, without)
                rarest = min(names, key=lambda place: sum(sizes[name] for name in place))
                for name in rarest:
                    anchored[self._bit(name, "slot")].append(compiled)
        return dict(anchored)


def _weight(possible: _Possible) -> float:
    """What a pattern weighs where it stands."""
    compiled, first, last = possible
    return compiled.pattern.weight * (1.0 if first == last else NEIGHBOUR_FACTOR)


def _order(possible: _Possible) -> tuple[float, int, int]:
    """The weightiest first; of equal ones those in one sentence, then as the lexicon has them."""
    compiled, first, last = possible
    return -_weight(possible), last - first, compiled.rank


def _possible(
    mask: int, anchors: int, anchored: Mapping[int, Sequence[_Compiled]]
) -> list[_Compiled]:
    """Patterns of which every slot has a word among the bits.

    Args:
        mask: the bits.
        anchors: those of all anchors.
        anchored: patterns by the bits of their anchor.
    """
    possible: dict[int, _Compiled] = {}
    rest = mask & anchors
    while rest:
        bit = rest & -rest
        rest ^= bit
        for each in anchored[bit]:
            if _meets(mask, each):
                possible[each.rank] = each
    return list(possible.values())


def _meets(mask: int, compiled: _Compiled) -> bool:
    for place in compiled.masks:  # noqa: SIM110 - a generator takes three times as long
        if not mask & place:
            return False
    return True


# --- sentences -------------------------------------------------------------------------------


def _by_sentence(hits: _Hits, starts: Sequence[int]) -> tuple[list[_Hits], list[int]]:
    """Terms by the sentence in which they start, and all bits of each sentence."""
    sentences: list[_Hits] = [[] for _ in range(len(starts) + 1)]
    masks = [0] * (len(starts) + 1)
    number, following = 0, starts[0] if starts else 0
    for hit in hits:
        while number < len(starts) and following <= hit.start:
            number += 1
            following = starts[number] if number < len(starts) else hit.start + 1
        sentences[number].append(hit)
        masks[number] |= hit.payload
    return sentences, masks


def _span(document: Document, start: int, end: int, mask: int) -> Hit[int]:
    """A span of the text that somebody else has found, as a hit."""
    starts = document.words.starts
    first = max(bisect_right(starts, start) - 1, 0)
    last = max(bisect_right(starts, end - 1) - 1, first)
    return Hit(start, end, first, last, document.text[start:end], mask)


def _with_bit(hits: Iterable[Hit[int]], bits: int) -> _Hits:
    return [hit for hit in hits if hit.payload & bits]


def _blocked(hit: Hit[int], blockers: Sequence[Hit[int]]) -> bool:
    """Whether a hit lies inside a blocker."""
    return any(block.start <= hit.start and hit.end <= block.end for block in blockers)


# --- terms -----------------------------------------------------------------------------------


def _term_findings(
    topic: _Compilation,
    sentences: Sequence[_Hits],
    masks: Sequence[int],
    blockers: Sequence[Hit[int]],
) -> Iterator[Finding]:
    """Terms; context only in the sentence of a weak term or in one next to it."""
    kept: dict[int, list[tuple[Hit[int], TermKind]]] = {}
    for number, mask in enumerate(masks):
        if mask & topic.terms:
            hits = _with_bit(sentences[number], topic.terms)
            kept[number] = _longest([hit for hit in hits if not _blocked(hit, blockers)], topic)
    weak = {number for number, terms in kept.items() if any(kind == "weak" for _, kind in terms)}
    near = {number + step for number in weak for step in (-1, 0, 1)}
    for number, terms in kept.items():
        for hit, kind in terms:
            if kind != "context" or number in near:
                yield Finding(kind, hit.term, WEIGHTS[kind], (hit,))


def _longest(hits: _Hits, topic: _Compilation) -> list[tuple[Hit[int], TermKind]]:
    """Terms that do not lie inside a longer one, with their kind; of equal ones the strongest."""
    kinds = [(hit, next(kind for bit, kind in topic.kinds if hit.payload & bit)) for hit in hits]
    kinds.sort(key=lambda each: (each[0].start, -each[0].end, -WEIGHTS[each[1]]))
    kept: list[tuple[Hit[int], TermKind]] = []
    reach = -1
    for hit, kind in kinds:
        if hit.end > reach:
            kept.append((hit, kind))
            reach = hit.end
    return kept


# --- patterns --------------------------------------------------------------------------------


def _strongest(
    possible: Sequence[_Possible],
    sentences: Sequence[_Hits],
    blockers: Sequence[Hit[int]],
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
            slots = (_slot(place, hit) for place, hit in zip(compiled.places, hits, strict=True))
            weight = round(_weight((compiled, first, last)), 4)
            found[first] = Finding("pattern", compiled.pattern.id, weight, hits, tuple(slots))
            taken.update((first, last))
    return [found[number] for number in sorted(found)]


def _slot(place: tuple[tuple[int, str], ...], hit: Hit[int]) -> str:
    """Which slot of a place a word fills."""
    return next(name for bit, name in place if hit.payload & bit)


def _choices(
    mask: int, sentences: Sequence[_Hits], first: int, last: int, blockers: Sequence[Hit[int]]
) -> _Hits:
    """The first words of one or two sentences that may fill a place."""
    found: _Hits = []
    for number in range(first, last + 1):
        fitting = [
            hit
            for hit in sentences[number]
            if hit.payload & mask and not (blockers and _blocked(hit, blockers))
        ]
        found += fitting[:MAX_CHOICES]
    return found


def _closest(choices: Sequence[_Hits], within: int) -> tuple[Hit[int], ...]:
    """One hit per slot, none on the same words, as close together as can be; () if too far.

    What is too far, or on the same words, is given up at once; so many slots do not multiply.
    """
    best: tuple[Hit[int], ...] = ()
    best_span = within
    waiting: list[tuple[tuple[Hit[int], ...], int, int]] = [((), sys.maxsize, -1)]
    while waiting:
        hits, first, last = waiting.pop()
        if len(hits) == len(choices):
            if last - first < best_span:
                best, best_span = hits, last - first
            continue
        for hit in reversed(choices[len(hits)]):
            low, high = min(first, hit.first), max(last, hit.last)
            if high - low < best_span and _apart(hit, hits):
                waiting.append(((*hits, hit), low, high))
    return best


def _apart(hit: Hit[int], hits: Iterable[Hit[int]]) -> bool:
    """Whether a hit shares no word with others."""
    return all(hit.last < other.first or other.last < hit.first for other in hits)
