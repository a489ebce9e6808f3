"""What the words of an item say about its policy topics: terms, and patterns of actors and acts.

Headlines seldom name a law; they say who does what to whom. A pattern is found where a word of each
of its slots stands in one sentence, or, for less, in two that follow each other. All words come from
the lexicon; watched figures and named entities may fill slots too.
"""

from __future__ import annotations

import itertools
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

Kind = Literal["strong", "weak", "context", "blockers", "slot", "label"]
_KINDS: tuple[Literal["strong", "weak", "context"], ...] = ("strong", "weak", "context")


class _Channel(NamedTuple):
    """What a term is good for: a kind of evidence for a topic, a slot's word, a label's name."""

    owner: str
    kind: Kind


class Placed(NamedTuple):
    """A term in a sentence."""

    hit: Hit[int]
    sentence: int
    """Number of the sentence in which it starts."""


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


class _CompiledPattern(NamedTuple):
    pattern: Pattern
    places: tuple[tuple[int, ...], ...]
    """Channels that may fill each place."""
    masks: tuple[int, ...]
    """The same as bits: a quick look whether a text can hold the pattern at all."""
    without: tuple[int, ...]


class _CompiledTopic(NamedTuple):
    mask: int
    """Channels as bits of which a text needs at least one."""
    terms: tuple[int, ...]
    blockers: int
    patterns: tuple[_CompiledPattern, ...]
    """The weightiest first."""
    labels: tuple[tuple[str, int], ...]


_Places = Mapping[int, list[Placed]]


class Frames:
    """Finds the terms and patterns of a lexicon; immutable."""

    def __init__(self, lexicon: PolicyLexicon) -> None:
        self._lexicon = lexicon
        self._channels: dict[_Channel, int] = {}
        self._owners: list[str] = []
        for slot in lexicon.all_slots():
            self._channel(slot.id, "slot")
        self._topics = {topic.id: self._compile(topic) for topic in lexicon.topics}
        self._indexes: dict[tuple[str, ...], TermIndex[int]] = {}
        self._hints = frozenset(
            self._channel(slot.id, "slot") for slot in lexicon.all_slots() if slot.hint
        )
        self._by_list: dict[str, list[int]] = defaultdict(list)
        self._by_label: dict[str, list[int]] = defaultdict(list)
        for slot in lexicon.all_slots():
            channel = self._channel(slot.id, "slot")
            for name in slot.figures:
                self._by_list[name].append(channel)
            for label in slot.entities:
                self._by_label[label].append(channel)

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
        places = self._places(document, lang, figures, entities)
        mask = sum(1 << channel for channel in places)
        found = {}
        for id_, topic in self._topics.items():
            if not mask & topic.mask:
                continue
            blockers = [placed.hit for placed in places.get(topic.blockers, ())]
            findings = (
                *_term_findings(topic, places, blockers),
                *_pattern_findings(topic, places, mask, blockers, self._owners),
            )
            labels = tuple(label for label, channel in topic.labels if channel in places)
            if findings or labels:
                found[id_] = Reading(findings, labels)
        return found, not self._hints.isdisjoint(places)

    def _places(
        self,
        document: Document,
        lang: str,
        figures: Sequence[FigureHit],
        entities: Sequence[Entity],
    ) -> _Places:
        """All terms of a document by channel, in text order."""
        starts = document.sentence_starts
        found: dict[int, list[Placed]] = defaultdict(list)
        for hit in self._index(lang).find(document.words):
            found[hit.payload].append(Placed(hit, bisect_right(starts, hit.start)))
        spans = [
            (place.start, place.end, channel)
            for figure in figures
            for name in figure.lists
            for channel in self._by_list.get(name, ())
            for place in figure.mentions
        ]
        spans += [
            (entity.start, entity.end, channel)
            for entity in entities
            for channel in self._by_label.get(entity.label, ())
        ]
        for start, end, channel in spans:
            hit = _span_hit(document, start, end, channel)
            found[channel].append(Placed(hit, bisect_right(starts, start)))
        return found

    def _index(self, lang: str) -> TermIndex[int]:
        langs = (lang,) if lang in ("de", "en") else ("de", "en")
        if langs not in self._indexes:
            self._indexes[langs] = TermIndex(self._entries(("any", *langs)), langs)
        return self._indexes[langs]

    def _entries(self, langs: Sequence[str]) -> Iterator[tuple[str, int]]:
        """All terms for some languages, each with its channel."""

        def pick(terms: Terms, owner: str, kind: Kind) -> Iterator[tuple[str, int]]:
            channel = self._channel(owner, kind)
            return ((term, channel) for _, term in terms.of(langs))

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

    def _channel(self, owner: str, kind: Kind) -> int:
        key = _Channel(owner, kind)
        if key not in self._channels:
            self._channels[key] = len(self._channels)
            self._owners.append(owner)
        return self._channels[key]

    def _compile(self, topic: Topic) -> _CompiledTopic:
        def channels(names: Iterable[str]) -> tuple[int, ...]:
            return tuple(self._channel(name, "slot") for name in names)

        patterns = []
        for pattern in sorted(topic.patterns, key=lambda pattern: -pattern.weight):
            places = tuple(channels(names) for names in pattern.alternatives())
            masks = tuple(sum(1 << channel for channel in set(place)) for place in places)
            patterns.append(_CompiledPattern(pattern, places, masks, channels(pattern.without)))
        terms = tuple(self._channel(topic.id, kind) for kind in _KINDS)
        labels = tuple(
            (label.id, self._channel(f"{topic.id}/{label.id}", "label")) for label in topic.labels
        )
        needed = {*terms, *(channel for _, channel in labels)}
        needed.update(channel for compiled in patterns for channel in compiled.places[0])
        return _CompiledTopic(
            sum(1 << channel for channel in needed),
            terms,
            self._channel(topic.id, "blockers"),
            tuple(patterns),
            labels,
        )


def _span_hit(document: Document, start: int, end: int, channel: int) -> Hit[int]:
    """A span of the text that somebody else has found, as a hit."""
    words = document.words
    first = max(bisect_right(words.starts, start) - 1, 0)
    last = max(bisect_right(words.starts, end - 1) - 1, first)
    return Hit(start, end, first, last, document.text[start:end], channel)


# --- terms -----------------------------------------------------------------------------------


def _blocked(hit: Hit[int], blockers: Sequence[Hit[int]]) -> bool:
    """Whether a hit lies inside a blocker."""
    return any(block.start <= hit.start and hit.end <= block.end for block in blockers)


def _term_findings(
    topic: _CompiledTopic, places: _Places, blockers: Sequence[Hit[int]]
) -> Iterator[Finding]:
    """Terms; context only in the sentence of a weak term or in one next to it."""
    kinds = dict(zip(topic.terms, _KINDS, strict=True))
    found = [placed for channel in topic.terms for placed in places.get(channel, ())]
    if not found:
        return
    kept = _longest([p for p in found if not _blocked(p.hit, blockers)], kinds)
    weak = {placed.sentence for placed in kept if kinds[placed.hit.payload] == "weak"}
    near = {sentence + step for sentence in weak for step in (-1, 0, 1)}
    for hit, sentence in kept:
        kind = kinds[hit.payload]
        if kind != "context" or sentence in near:
            yield Finding(kind, hit.term, WEIGHTS[kind], (hit,))


def _longest(found: list[Placed], kinds: Mapping[int, str]) -> list[Placed]:
    """Hits that do not lie inside a longer one; of equal ones the strongest."""
    kept: list[Placed] = []
    reach = -1
    for placed in sorted(
        found, key=lambda p: (p.hit.start, -p.hit.end, -WEIGHTS[kinds[p.hit.payload]])
    ):
        if placed.hit.end > reach:
            kept.append(placed)
            reach = placed.hit.end
    return kept


# --- patterns --------------------------------------------------------------------------------


def _pattern_findings(
    topic: _CompiledTopic,
    places: _Places,
    mask: int,
    blockers: Sequence[Hit[int]],
    owners: Sequence[str],
) -> list[Finding]:
    """The weightiest pattern of a topic in each sentence."""
    strongest: dict[int, Finding] = {}
    for compiled in topic.patterns:
        if not all(mask & each for each in compiled.masks):
            continue
        candidates = [_by_sentence(place, places, blockers) for place in compiled.places]
        excluded = set(_by_sentence(compiled.without, places, ()))
        for sentence, last in _windows(candidates, neighbours=compiled.pattern.neighbours):
            window = {sentence, last}
            if excluded & window or strongest.keys() & window:
                continue
            choices = [_window(candidate, sentence, last) for candidate in candidates]
            hits = _closest(choices, compiled.pattern.within)
            if hits:
                factor = 1.0 if sentence == last else NEIGHBOUR_FACTOR
                strongest[sentence] = Finding(
                    "pattern",
                    compiled.pattern.id,
                    round(compiled.pattern.weight * factor, 4),
                    hits,
                    tuple(owners[hit.payload] for hit in hits),
                )
    return [strongest[sentence] for sentence in sorted(strongest)]


_BySentence = Mapping[int, list[Hit[int]]]


def _by_sentence(
    channels: Iterable[int], places: _Places, blockers: Sequence[Hit[int]]
) -> _BySentence:
    found: dict[int, list[Hit[int]]] = defaultdict(list)
    for channel in channels:
        for hit, sentence in places.get(channel, ()):
            if not blockers or not _blocked(hit, blockers):
                found[sentence].append(hit)
    return found


def _windows(candidates: Sequence[_BySentence], *, neighbours: bool) -> list[tuple[int, int]]:
    """First and last sentence of the places where all slots meet; single sentences come first."""
    sentences = [set(candidate) for candidate in candidates]
    single = sorted(set.intersection(*sentences))
    windows = [(sentence, sentence) for sentence in single]
    if neighbours:
        pairs = set.intersection(
            *({sentence - step for sentence in each for step in (0, 1)} for each in sentences)
        )
        windows += [(sentence, sentence + 1) for sentence in sorted(pairs)]
    return windows


def _window(candidate: _BySentence, first: int, last: int) -> list[Hit[int]]:
    hits = candidate.get(first, [])[:MAX_CHOICES]
    return hits if first == last else hits + candidate.get(last, [])[:MAX_CHOICES]


def _closest(choices: list[list[Hit[int]]], within: int) -> tuple[Hit[int], ...]:
    """One hit per slot, none on the same words, as close together as can be; () if too far."""
    best: tuple[Hit[int], ...] = ()
    best_span = within
    for hits in itertools.product(*choices):
        ordered = sorted(hits, key=lambda hit: hit.first)
        span = max(hit.last for hit in hits) - ordered[0].first
        if span < best_span and all(a.last < b.first for a, b in itertools.pairwise(ordered)):
            best, best_span = hits, span
    return best
