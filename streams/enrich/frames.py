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

from streams.enrich.lexicon import PolicyLexicon, Terms, Topic
from streams.enrich.meeting import (
    KINDS,
    CompiledPattern,
    CompiledTopic,
    Finding,
    Possible,
    by_sentence,
    meets,
    possible_patterns,
    strongest_patterns,
    term_findings,
    trial_order,
    with_bit,
)
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
        sentences, masks = by_sentence(hits, document.sentence_starts)
        whole = 0
        for mask in masks:
            whole |= mask
        patterns = self._patterns(masks)
        found = {}
        for id_, topic in self._topics.items():
            blockers = with_bit(hits, topic.blockers) if whole & topic.blockers else []
            telling = whole & topic.telling
            terms = term_findings(topic, sentences, masks, blockers) if telling else ()
            findings = (*terms, *strongest_patterns(patterns.get(id_, ()), sentences, blockers))
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

    def _patterns(self, masks: Sequence[int]) -> dict[str, list[Possible]]:
        """By topic, the patterns whose slots meet, each with first and last sentence; the weightiest
        first, and of equal ones those in a single sentence.
        """
        found: dict[str, list[Possible]] = defaultdict(list)
        for number, mask in enumerate(masks):
            for compiled in possible_patterns(mask, self._anchor_bits, self._anchored):
                if not mask & compiled.without:
                    found[compiled.topic].append((compiled, number, number))
        for possible in self._wide_patterns(masks):
            found[possible[0].topic].append(possible)
        for each in found.values():
            each.sort(key=trial_order)
        return found

    def _wide_patterns(self, masks: Sequence[int]) -> Iterator[Possible]:
        """Patterns whose slots meet in two sentences that follow each other, and not in one."""
        for number, (mask, following) in enumerate(itertools.pairwise(masks)):
            both = mask | following
            if both in (mask, following) or not both & self._wide_bits:
                continue
            for compiled in possible_patterns(both, self._wide_bits, self._wide):
                alone = meets(mask, compiled) or meets(following, compiled)
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

    def _compile(self, topic: Topic) -> CompiledTopic:
        kinds = tuple((self._bit(topic.id, kind), kind) for kind in KINDS)
        labels = (
            (label.id, self._bit(f"{topic.id}/{label.id}", "label")) for label in topic.labels
        )
        return CompiledTopic(
            kinds,
            sum(bit for bit, _ in kinds),
            sum(bit for bit, kind in kinds if kind != "context"),
            self._bit(topic.id, "blockers"),
            tuple(labels),
        )

    def _anchors(self, lexicon: PolicyLexicon) -> dict[int, list[CompiledPattern]]:
        """Patterns by the bits of their rarest place: only where one of them is need we look."""
        sizes = {
            slot.id: len(slot.any) + len(slot.de) + len(slot.en) for slot in lexicon.all_slots()
        }
        anchored: dict[int, list[CompiledPattern]] = defaultdict(list)
        rank = itertools.count()
        for topic in lexicon.topics:
            for pattern in sorted(topic.patterns, key=lambda pattern: -pattern.weight):
                names = [tuple(dict.fromkeys(place)) for place in pattern.alternatives()]
                places = tuple(
                    tuple((self._bit(name, "slot"), name) for name in place) for place in names
                )
                masks = tuple(sum(bit for bit, _ in place) for place in places)
                without = sum(self._bit(name, "slot") for name in set(pattern.without))
                compiled = CompiledPattern(next(rank), topic.id, pattern, places, masks, without)
                rarest = min(names, key=lambda place: sum(sizes[name] for name in place))
                for name in rarest:
                    anchored[self._bit(name, "slot")].append(compiled)
        return dict(anchored)


def _span(document: Document, start: int, end: int, mask: int) -> Hit[int]:
    """A span of the text that somebody else has found, as a hit."""
    starts = document.words.starts
    first = max(bisect_right(starts, start) - 1, 0)
    last = max(bisect_right(starts, end - 1) - 1, first)
    return Hit(start, end, first, last, document.text[start:end], mask)
