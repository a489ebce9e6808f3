"""Which policy topics an item is about, and the words that say so.

An item is about a topic if one strong term, two weak ones, or a weak one and its context are
there, or if the words of a pattern meet in a sentence: an authority, an act and a platform, say.
Headlines seldom name a law; they say who does what to whom. All words come from the lexicon.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from streams.enrich.lexicon import Pattern, PolicyLexicon, Terms, Topic, read_policy
from streams.enrich.terms import Hit, TermIndex
from streams.enrich.text import Document
from streams.records import Evidence, PolicyTopicHit

__all__ = ["MIN_SCORE", "PolicyLexicon", "PolicyMatcher", "read_policy"]

MIN_SCORE = 0.5
"""Topics below are not reported."""
WEIGHTS = {"strong": 1.0, "weak": 0.5, "context": 0.3}
NEEDED = 0.8
"""Sum of weights, the title not doubled, below which nothing counts: a weak term and its context."""
TITLE_FACTOR = 2.0
SATURATION = 0.9
"""1 - exp(-0.9 x sum): 0.8 gives 0.51, a strong term 0.59, a strong term in the title 0.83."""
MAX_PLACES = 3
"""Places shown per term or pattern."""
MAX_CHOICES = 8
"""Words per slot and sentence that are tried; bounds the combinations in texts without stops."""

Kind = Literal["strong", "weak", "context", "blockers", "slot"]


class _Role(NamedTuple):
    """What a term is good for: a kind of evidence for a topic, or a word of the slot `owner`."""

    owner: str
    kind: Kind


_Hits = list[Hit[_Role]]


class _Finding(NamedTuple):
    """A term or pattern with one place where it was found."""

    rule: str
    detail: str
    weight: float
    hits: tuple[Hit[_Role], ...]


class PolicyMatcher:
    """Finds the topics of a lexicon; immutable, to be replaced when the lexicon changes."""

    def __init__(self, lexicon: PolicyLexicon) -> None:
        self.lexicon = lexicon
        self.version = lexicon.version
        self._indexes: dict[str, TermIndex[_Role]] = {}

    def find(self, document: Document, lang: str) -> tuple[PolicyTopicHit, ...]:
        """Topics of a document, the surest first.

        Args:
            document: the text.
            lang: "de" or "en" restricts the words to that language; otherwise all are used.
        """
        owned: dict[_Role, _Hits] = defaultdict(list)
        for hit in self._index(lang).find(document.text):
            owned[hit.payload].append(hit)
        starts = [start for start, _ in document.sentences]
        slots = {role.owner: hits for role, hits in owned.items() if role.kind == "slot"}
        found = []
        for topic in self.lexicon.topics:
            blockers = owned.get(_Role(topic.id, "blockers"), [])
            terms = itertools.chain.from_iterable(
                owned.get(_Role(topic.id, kind), ()) for kind in ("strong", "weak", "context")
            )
            findings = [
                *_term_findings(_longest(_allowed(terms, blockers)), starts),
                *_pattern_findings(topic, slots, blockers, starts),
            ]
            topic_hit = _judge(topic.id, findings, document)
            if topic_hit is not None:
                found.append(topic_hit)
        return tuple(sorted(found, key=lambda hit: -hit.score))

    def _index(self, lang: str) -> TermIndex[_Role]:
        langs = (lang,) if lang in ("de", "en") else ("de", "en")
        key = "+".join(langs)
        if key not in self._indexes:
            self._indexes[key] = TermIndex(_entries(self.lexicon, ("any", *langs)), langs)
        return self._indexes[key]


def _entries(lexicon: PolicyLexicon, langs: Sequence[str]) -> Iterator[tuple[str, _Role]]:
    """All terms for some languages, each with its role."""

    def pick(terms: Terms, owner: str, kind: Kind) -> Iterator[tuple[str, _Role]]:
        return ((term, _Role(owner, kind)) for _, term in terms.of(langs))

    for slot in lexicon.slots:
        yield from pick(slot, slot.id, "slot")
    for topic in lexicon.topics:
        yield from pick(topic.strong, topic.id, "strong")
        yield from pick(topic.weak, topic.id, "weak")
        yield from pick(topic.context, topic.id, "context")
        yield from pick(topic.blockers, topic.id, "blockers")
        for compound in topic.compounds:
            yield from pick(Terms(de=list(compound.terms())), topic.id, "strong")


# --- terms and patterns --------------------------------------------------------------------


def _allowed(hits: Iterable[Hit[_Role]], blockers: _Hits) -> _Hits:
    """Hits that do not lie inside a blocker."""
    return [
        hit
        for hit in hits
        if not any(block.start <= hit.start and hit.end <= block.end for block in blockers)
    ]


def _longest(hits: _Hits) -> _Hits:
    """Hits that do not lie inside a longer one; of equal ones the strongest."""
    kept: _Hits = []
    reach = -1
    for hit in sorted(hits, key=lambda h: (h.start, -h.end, -WEIGHTS[h.payload.kind])):
        if hit.end > reach:
            kept.append(hit)
            reach = hit.end
    return kept


def _sentence_of(hit: Hit[_Role], starts: list[int]) -> int:
    """Number of the sentence in which a hit starts."""
    return bisect.bisect_right(starts, hit.start)


def _term_findings(hits: _Hits, starts: list[int]) -> Iterator[_Finding]:
    """Terms; context only in the sentence of a weak term or in one next to it."""
    weak = {_sentence_of(hit, starts) for hit in hits if hit.payload.kind == "weak"}
    near = {sentence + step for sentence in weak for step in (-1, 0, 1)}
    for hit in hits:
        kind = hit.payload.kind
        if kind != "context" or _sentence_of(hit, starts) in near:
            yield _Finding(kind, hit.term, WEIGHTS[kind], (hit,))


def _pattern_findings(
    topic: Topic, slots: dict[str, _Hits], blockers: _Hits, starts: list[int]
) -> list[_Finding]:
    """The weightiest pattern of a topic in each sentence."""

    def by_sentence(names: Iterable[str]) -> dict[int, _Hits]:
        found: dict[int, _Hits] = defaultdict(list)
        for hit in _allowed((hit for name in names for hit in slots.get(name, ())), blockers):
            found[_sentence_of(hit, starts)].append(hit)
        return found

    strongest: dict[int, _Finding] = {}
    for pattern in sorted(topic.patterns, key=lambda pattern: -pattern.weight):
        places = [by_sentence(names) for names in pattern.alternatives()]
        shared = set.intersection(*(set(place) for place in places))
        excluded = by_sentence(pattern.without) if shared else {}
        for sentence in shared - set(excluded) - set(strongest):
            hits = _closest([place[sentence] for place in places], pattern)
            if hits:
                strongest[sentence] = _Finding("pattern", pattern.id, pattern.weight, hits)
    return [strongest[sentence] for sentence in sorted(strongest)]


def _closest(choices: list[_Hits], pattern: Pattern) -> tuple[Hit[_Role], ...]:
    """One hit per slot, none on the same words, as close together as can be; () if too far."""
    best: tuple[Hit[_Role], ...] = ()
    best_span = pattern.within
    for hits in itertools.product(*(choice[:MAX_CHOICES] for choice in choices)):
        ordered = sorted(hits, key=lambda hit: hit.first)
        span = max(hit.last for hit in hits) - ordered[0].first
        apart = all(a.last < b.first for a, b in itertools.pairwise(ordered))
        if apart and span < best_span:
            best, best_span = hits, span
    return best


# --- the verdict -----------------------------------------------------------------------------


def _judge(id_: str, findings: list[_Finding], document: Document) -> PolicyTopicHit | None:
    """Add up the findings: each term and pattern counts once, where it weighs most."""
    weights: dict[tuple[str, str], float] = {}
    plain: dict[tuple[str, str], float] = {}
    evidence: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for finding in findings:
        # Context supports, however much of it there is: all of it counts as one.
        key = (finding.rule, "" if finding.rule == "context" else finding.detail)
        in_title = document.field_at(finding.hits[0].start) == "title"
        weight = finding.weight * (TITLE_FACTOR if in_title else 1.0)
        plain[key] = finding.weight
        weights[key] = max(weight, weights.get(key, 0.0))
        if len(evidence[key]) < MAX_PLACES * len(finding.hits):
            evidence[key].extend(_evidence(finding, weight, document))
    score = 1.0 - math.exp(-SATURATION * sum(weights.values()))
    if sum(plain.values()) < NEEDED or score < MIN_SCORE:
        return None
    places = itertools.chain.from_iterable(evidence.values())
    ordered = sorted(places, key=lambda place: (place.start, -place.weight, place.detail))
    return PolicyTopicHit(policy_topic=id_, score=round(score, 4), evidence=tuple(ordered))


def _evidence(finding: _Finding, weight: float, document: Document) -> Iterator[Evidence]:
    """Evidence per place of the finding; a pattern's weight is shared by its slots."""
    for hit in finding.hits:
        start, end = document.sentence_at(hit.start, hit.end)
        slot = f" {hit.payload.owner}" if hit.payload.kind == "slot" else ""
        detail = f"{finding.detail}{slot}: {hit.term}" if slot else finding.detail
        yield Evidence(
            field=document.field_at(hit.start),
            start=hit.start,
            end=hit.end,
            surface=document.text[hit.start : hit.end],
            sentence=document.text[start:end],
            sentence_start=start,
            rule=finding.rule,
            detail=detail,
            weight=round(weight / len(finding.hits), 4),
        )
