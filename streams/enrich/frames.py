"""What the words of an item say about its policy topics: terms, and patterns of actors and acts.

Headlines seldom name a law; they say who does what to whom. A pattern is found where a word of each
of its slots stands in one sentence, or, for less, in two that follow each other. All words come from
the lexicon; watched figures and named entities may fill slots too.

Here a lexicon is compiled and a document is read; `streams.enrich.meeting` looks into sentences.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from streams.enrich.lexicon import Pattern, PolicyLexicon, Terms, Topic
from streams.enrich.meeting import (
    KINDS,
    CompiledPattern,
    CompiledTopic,
    Finding,
    Possible,
    by_sentence,
    strongest_patterns,
    term_findings,
    trial_order,
    with_bit,
)
from streams.enrich.pattern_grid import PatternGrid, numbers
from streams.enrich.terms import Hit, TermIndex
from streams.enrich.text import Document
from streams.records import Entity, FigureHit

__all__ = ["Finding", "Frames", "Reading"]

Kind = Literal["strong", "weak", "context", "blockers", "slot", "label"]


class Reading(NamedTuple):
    """What the words of an item say about one topic."""

    findings: tuple[Finding, ...]
    labels: tuple[str, ...]
    """Ids of the topic's labels that are named."""


class Frames:
    """Finds the terms and patterns of a lexicon; immutable."""

    def __init__(self, lexicon: PolicyLexicon) -> None:
        self._lexicon = lexicon
        ranked = [
            (topic.id, pattern)
            for topic in lexicon.topics
            for pattern in sorted(topic.patterns, key=lambda pattern: -pattern.weight)
        ]
        self._grid = PatternGrid([pattern for _, pattern in ranked])
        self._bits: dict[tuple[str, Kind], int] = {}
        self._topics = {topic.id: self._compile(topic) for topic in lexicon.topics}
        self._patterns = [
            self._compile_pattern(rank, topic, pattern)
            for rank, (topic, pattern) in enumerate(ranked)
        ]
        self._wide = sum(1 << each.rank for each in self._patterns if each.pattern.neighbours)
        """The patterns that may take two sentences."""
        slots = list(lexicon.all_slots())
        self._hints = sum(self._bit(slot.id, "slot") for slot in slots if slot.hint)
        self._by_list: dict[str, int] = defaultdict(int)
        self._by_label: dict[str, int] = defaultdict(int)
        for slot in slots:
            for name in slot.figures:
                self._by_list[name] |= self._slot_bits(slot.id)
            for label in slot.entities:
                self._by_label[label] |= self._slot_bits(slot.id)
        self._indexes: dict[tuple[str, ...], TermIndex] = {}

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
        sentences, masks = by_sentence(hits, document.sentence_starts)
        whole = 0
        for mask in masks:
            whole |= mask
        patterns = self._possible_patterns(masks)
        found = {}
        for id_, topic in self._topics.items():
            blockers = with_bit(hits, topic.blockers) if whole & topic.blockers else []
            telling = whole & topic.telling
            terms = term_findings(topic, sentences, masks, blockers) if telling else ()
            findings = (*terms, *strongest_patterns(patterns.get(id_, ()), sentences, blockers))
            named = whole & topic.labelling
            labels = tuple([label for label, bit in topic.labels if named & bit]) if named else ()
            if findings or labels:
                found[id_] = Reading(findings, labels)
        return found, bool(whole & self._hints)

    def _others(
        self, document: Document, figures: Sequence[FigureHit], entities: Sequence[Entity]
    ) -> Iterator[Hit]:
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

    def _possible_patterns(self, masks: Sequence[int]) -> dict[str, list[Possible]]:
        """By topic, the patterns whose slots meet, each with first and last sentence; the weightiest
        first, and of equal ones those in a single sentence.
        """
        found: dict[str, list[Possible]] = defaultdict(list)
        met = [self._grid.met(mask) for mask in masks]
        for number, mask in enumerate(masks):
            if met[number]:
                for compiled in self._allowed(met[number], mask):
                    found[compiled.topic].append((compiled, number, number))
        for number, (mask, following) in enumerate(itertools.pairwise(masks)):
            alone = met[number] | met[number + 1]
            together = self._grid.met(mask | following) & self._wide & ~alone
            if together:
                for compiled in self._allowed(together, mask | following):
                    found[compiled.topic].append((compiled, number, number + 1))
        for each in found.values():
            each.sort(key=trial_order)
        return found

    def _allowed(self, met: int, mask: int) -> list[CompiledPattern]:
        """Of the patterns that are met, those that nothing in the text forbids."""
        patterns = [self._patterns[number] for number in numbers(met)]
        return [each for each in patterns if not mask & each.without]

    # --- compiling -----------------------------------------------------------------------------

    def _index(self, lang: str) -> TermIndex:
        langs = (lang,) if lang in ("de", "en") else ("de", "en")
        if langs not in self._indexes:
            masks: dict[str, int] = defaultdict(int)
            for term, bits in self._entries(("any", *langs)):
                masks[term] |= bits
            self._indexes[langs] = TermIndex(masks, langs)
        return self._indexes[langs]

    def _entries(self, langs: Sequence[str]) -> Iterator[tuple[str, int]]:
        """All terms for some languages, each with its bits."""

        def pick(terms: Terms, owner: str, kind: Kind) -> Iterator[tuple[str, int]]:
            bits = self._slot_bits(owner) if kind == "slot" else self._bit(owner, kind)
            return ((term, bits) for _, term in terms.of(langs))

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
        return self._bits.setdefault((owner, kind), 1 << self._grid.size + len(self._bits))

    def _slot_bits(self, slot: str) -> int:
        """The bit of a slot, and those of the places in patterns that it fills."""
        return self._bit(slot, "slot") | self._grid.filled_by(slot)

    def _compile(self, topic: Topic) -> CompiledTopic:
        kinds = tuple((self._bit(topic.id, kind), kind) for kind in KINDS)
        labels = tuple(
            (label.id, self._bit(f"{topic.id}/{label.id}", "label")) for label in topic.labels
        )
        return CompiledTopic(
            kinds,
            sum(bit for bit, _ in kinds),
            sum(bit for bit, kind in kinds if kind != "context"),
            self._bit(topic.id, "blockers"),
            labels,
            sum(bit for _, bit in labels),
        )

    def _compile_pattern(self, rank: int, topic: str, pattern: Pattern) -> CompiledPattern:
        places = tuple(
            tuple((self._bit(name, "slot"), name) for name in dict.fromkeys(names))
            for names in pattern.alternatives()
        )
        masks = tuple(sum(bit for bit, _ in place) for place in places)
        without = sum(self._bit(name, "slot") for name in set(pattern.without))
        return CompiledPattern(rank, topic, pattern, places, masks, without)


def _span(document: Document, start: int, end: int, mask: int) -> Hit:
    """A span of the text that somebody else has found, as a hit."""
    starts = document.words.starts
    first = max(bisect_right(starts, start) - 1, 0)
    last = max(bisect_right(starts, end - 1) - 1, first)
    return Hit(start, end, first, last, document.text[start:end], mask)
