"""Which policy topics an item is about, and why: the verdict on what its words say and mean.

1. `streams.enrich.frames` finds terms and patterns. Their weights add up; what stands in the title
   counts double. That alone decides where the semantic layer is not installed.
2. `streams.enrich.semantics` reads what an item means, where words leave it undecided.

The score is the logistic of the sum of all reasons, each told with its weight in log-odds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from streams.enrich.frames import Finding, Frames, Reading
from streams.enrich.lexicon import PolicyLexicon, Topic, read_policy
from streams.enrich.text import Document
from streams.records import Entity, Evidence, FigureHit, PolicyTopicHit, Reason

__all__ = ["MIN_SCORE", "Judgement", "PolicyLexicon", "PolicyMatcher", "Semantics", "read_policy"]

MIN_SCORE = 0.5
"""Topics below are not reported."""
NEEDED = 0.8
"""Sum of weights, the title not doubled, at which words are undecided: a weak term and context."""
SLOPE = 2.5
"""Log-odds per unit of weight; a strong term in the body gives 0.62, in the title 0.95."""
TITLE_FACTOR = 2.0
MAX_PLACES = 3
"""Places shown per term or pattern."""
DECIDED = 2.5
"""Log-odds from which words need no second opinion."""


class Judgement(NamedTuple):
    """What the semantic layer says about a topic."""

    log_odds: float
    """The verdict, words included."""
    meaning: float
    """Its own part of that."""
    sentence: tuple[int, int]
    """Start and end of the sentence that speaks most for the topic."""


class Semantics(Protocol):
    """The second layer, as `PolicyMatcher` needs it."""

    version: str

    def load(self) -> None:
        """Load its model."""
        ...

    def judge(self, document: Document, words: Mapping[str, float]) -> Mapping[str, Judgement]:
        """Judge the topics it knows.

        Args:
            document: the text.
            words: log-odds by topic id of what the words say; topics without any are absent.
        """
        ...

    def vector(self, document: Document) -> bytes:
        """What the text means, as `EnrichedItem.vector`."""
        ...


class PolicyMatcher:
    """Finds the topics of a lexicon; immutable, to be replaced when the lexicon changes."""

    def __init__(self, lexicon: PolicyLexicon, semantics: Semantics | None = None) -> None:
        self.lexicon = lexicon
        self.version = lexicon.version
        self.semantics = semantics
        self._frames = Frames(lexicon)
        self._topics = {topic.id: topic for topic in lexicon.topics}

    def find(
        self,
        document: Document,
        lang: str,
        figures: Sequence[FigureHit] = (),
        entities: Sequence[Entity] = (),
    ) -> tuple[PolicyTopicHit, ...]:
        """Topics of a document, the surest first.

        Args:
            document: the text.
            lang: "de" or "en" restricts the words to that language; otherwise all are used.
            figures: watched figures in it; they fill slots, and call for the semantic layer.
            entities: named entities in it, which fill slots.
        """
        readings, hinted = self._frames.read(document, lang, figures, entities)
        verdicts = {id_: _add_up(reading, document) for id_, reading in readings.items()}
        judged: Mapping[str, Judgement] = {}
        if self.semantics is not None and _undecided(verdicts, hinted or bool(figures)):
            words = {id_: verdict.log_odds for id_, verdict in verdicts.items()}
            judged = self.semantics.judge(document, words)
        hits = (
            _hit(topic, readings.get(id_), verdicts.get(id_, NOTHING), judged.get(id_), document)
            for id_, topic in self._topics.items()
            if id_ in verdicts or id_ in judged
        )
        return tuple(sorted((hit for hit in hits if hit), key=lambda hit: -hit.score))

    def vector_of(self, document: Document) -> bytes:
        """What a document means, as `EnrichedItem.vector`; empty without the semantic layer."""
        return self.semantics.vector(document) if self.semantics is not None else b""

    def words(self, document: Document, lang: str) -> dict[str, float]:
        """Log-odds by topic id of what the words alone say; for training the semantic layer."""
        readings, _ = self._frames.read(document, lang)
        return {id_: _add_up(reading, document).log_odds for id_, reading in readings.items()}


def _undecided(verdicts: Mapping[str, _Verdict], hinted: bool) -> bool:
    """Whether an item deserves a second opinion: its words hint at policy, or say it unclearly."""
    return hinted or any(abs(verdict.log_odds) < DECIDED for verdict in verdicts.values())


class _Verdict(NamedTuple):
    """What the words say about a topic, added up."""

    log_odds: float
    counted: tuple[tuple[Finding, float], ...]
    """The findings with what each weighs."""


def _add_up(reading: Reading, document: Document) -> _Verdict:
    """Add up the findings: each term and pattern counts once, where it weighs most."""
    weights: dict[tuple[str, str], float] = {}
    plain: dict[tuple[str, str], float] = {}
    counted = []
    title_end = document.title_end
    for finding in reading.findings:
        # Context supports, however much of it there is: all of it counts as one.
        key = (finding.rule, "" if finding.rule == "context" else finding.detail)
        in_title = sum([hit.start < title_end for hit in finding.hits])
        weight = finding.weight * (1.0 + in_title / len(finding.hits) * (TITLE_FACTOR - 1.0))
        plain[key] = max(finding.weight, plain.get(key, 0.0))
        weights[key] = max(weight, weights.get(key, 0.0))
        counted.append((finding, weight))
    # The title makes surer what is enough without it, and never makes enough of too little.
    total = sum(weights.values()) if sum(plain.values()) >= NEEDED else sum(plain.values())
    return _Verdict(round(SLOPE * (total - NEEDED), 4), tuple(counted))


NOTHING = _Verdict(-SLOPE * NEEDED, ())
"""What words say that do not speak of a topic."""


def _hit(
    topic: Topic,
    reading: Reading | None,
    verdict: _Verdict,
    judgement: Judgement | None,
    document: Document,
) -> PolicyTopicHit | None:
    """The topic with everything that speaks for it, or None if that is too little."""
    log_odds = judgement.log_odds if judgement else verdict.log_odds
    score = 1.0 / (1.0 + math.exp(-max(min(log_odds, 30.0), -30.0)))
    if score < MIN_SCORE:
        return None
    meaning = judgement.meaning if judgement else 0.0
    evidence = _shown(verdict, document)
    told = ", ".join(dict.fromkeys(place.surface for place in evidence))
    reasons = [Reason(rule="words", detail=told, weight=round(log_odds - meaning, 4))]
    if judgement is not None:
        detail = f"reads like {topic.name}" if meaning > 0 else f"does not read like {topic.name}"
        reasons.append(Reason(rule="meaning", detail=detail, weight=round(meaning, 4)))
        if meaning > 0:
            evidence = (*evidence, _meaning(detail, judgement, document))
    named = reading.labels if reading else ()
    labels = [label for label in topic.labels if label.id in named]
    codes = dict.fromkeys([*topic.iptc, *(label.iptc for label in labels if label.iptc)])
    return PolicyTopicHit(
        policy_topic=topic.id,
        score=round(score, 4),
        evidence=evidence,
        labels=tuple(label.id for label in labels),
        iptc=tuple(codes),
        reasons=tuple(reasons),
    )


def _shown(verdict: _Verdict, document: Document) -> tuple[Evidence, ...]:
    """The places of everything that counted, a few of each, in text order."""
    places: Counter[tuple[str, str]] = Counter()
    shown: list[Evidence] = []
    for finding, weight in verdict.counted:
        key = (finding.rule, finding.detail)
        places[key] += 1
        if places[key] <= MAX_PLACES:
            shown.extend(_evidence(finding, weight, document))
    return tuple(sorted(shown, key=lambda place: (place.start, -place.weight, place.detail)))


def _evidence(finding: Finding, weight: float, document: Document) -> Iterator[Evidence]:
    """Evidence per place of the finding; a pattern's weight is shared by its slots."""
    text, share = document.text, round(weight / len(finding.hits), 4)
    for number, hit in enumerate(finding.hits):
        start, end = document.sentence_at(hit.start, hit.end)
        slot = finding.slots[number] if finding.slots else ""
        yield Evidence(
            field=document.field_at(hit.start),
            start=hit.start,
            end=hit.end,
            surface=text[hit.start : hit.end],
            sentence=text[start:end],
            sentence_start=start,
            rule=finding.rule,
            detail=f"{finding.detail} {slot}: {hit.term}" if slot else finding.detail,
            weight=share,
        )


def _meaning(detail: str, judgement: Judgement, document: Document) -> Evidence:
    start, end = judgement.sentence
    shown = document.sentence_at(start, end)
    return Evidence(
        field=document.field_at(start),
        start=start,
        end=end,
        surface=document.text[start:end],
        sentence=document.text[shown[0] : shown[1]],
        sentence_start=shown[0],
        rule="meaning",
        detail=detail,
        weight=round(judgement.meaning, 4),
    )
