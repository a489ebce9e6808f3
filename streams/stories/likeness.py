"""Do two items tell the same news? Decided for each pair by itself, so that order takes no part.

Three answers: near-copies, the same news in other words, or neither. What makes the same news was learned
from the dev half of tests/gold/stories (`make likeness`): a logistic regression on how far names, rare words
and, where the semantic layer has read both, meanings agree. `wirewatch eval stories` measures it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from operator import mul
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from streams.records import EnrichedItem
from streams.stories.reading import read
from streams.stories.signature import Wording, compare_facts, resemblance, wording_of
from streams.stories.terms import LEAD_WORDS, Term, is_name, is_neutral, looked_up, terms_of

__all__ = [
    "NEWS_SECONDS", "NO_LIKENESS", "WEIGHTS", "Case", "Comparison", "Likeness", "Traits", "Weights",
    "traits_of",
]  # fmt: skip

COPY = 0.6
"""Resemblance from which on items that agree in facts are copies; unrelated ones have less than .05."""
COPIED_KEYS = 0.25
"""Cosine of keys below which wording is not looked at: copies have .6 and more."""
SAME_TEXT = 0.95
"""From here on facts need not agree: somebody has mended something."""
WORDED_ALIKE = 0.35
"""From here on one text was made from the other, or both from a template."""
MENDED = 1
"""Slots that a copy may fill otherwise."""
OTHER_NUMBERS = 3
"""Slots with another number from which on it is another report of the kind."""
UPDATE_SECONDS = 8 * 3600
"""A report with another number within this time is an update; later, it is the next of its kind."""
NEWS_SECONDS = 40 * 3600.0
"""Other words for the same news come within this time."""
SHARED = 2
SHARED_WEIGHT = 12.0
"""Keys that must be shared where only keys are compared, and what they must weigh: short texts agree by chance."""

WEIGHTS = Path(__file__).parent / "data" / "likeness.json"

Case = Literal["words", "words and meaning", "across", "across and meaning"]
"""What two items have in common to be compared by: their language or not, vectors or not."""


class Weights(msgspec.Struct, frozen=True):
    """How features are weighed in one case."""

    features: tuple[float, ...]
    bias: float
    """Log-odds of the same news where all features are 0, less the threshold: news from 0 on."""


class Traits(msgspec.Struct, frozen=True, gc=False):
    """What is compared of an item."""

    lang: str
    at: float
    """`seen_at`, in seconds."""
    wording: Wording
    keys: tuple[Term, ...]
    norm: float
    """Euclidean length of all weights."""
    neutral_norm: float
    """The same of names and numbers, which every language shares."""
    vector: bytes = b""
    model: str = ""
    """Which model made the vector: those of others cannot be compared."""


class Likeness(NamedTuple):
    """How two items belong together; `kind` is empty where they do not."""

    kind: Literal["", "copy", "news"]
    score: float
    """copy: resemblance; news: probability."""
    reason: str


NO_LIKENESS = Likeness("", 0.0, "")


def traits_of(enriched: EnrichedItem) -> Traits:
    """Take what is compared of an item."""
    lang, reading = enriched.item.lang, read(enriched)
    title, told = looked_up(reading.title, lang), looked_up(reading.told[:LEAD_WORDS], lang)
    keys = terms_of(enriched, (*title, *told))
    squares = sum(weight * weight for _, weight in keys)
    neutral = sum(weight * weight for key, weight in keys if is_neutral(key))
    return Traits(
        lang=lang,
        at=enriched.item.seen_at.timestamp(),
        wording=wording_of(reading, title, told),
        keys=keys,
        norm=squares**0.5,
        neutral_norm=neutral**0.5,
        vector=enriched.vector,
        model=enriched.versions.get("semantics", "") if enriched.vector else "",
    )


class Comparison:
    """Compares one item with others; the answer is the same whichever of the two is the one.

    Args:
        traits: of the one item.
    """

    def __init__(self, traits: Traits) -> None:
        self._one = traits
        self._keys = {key for key, _ in traits.keys}

    def likeness(self, other: Traits) -> Likeness:
        """How another item belongs together with this one."""
        one = self._one
        mark = one.wording.mark if one.lang == other.lang else ""
        if mark and mark == other.wording.mark:
            return Likeness("copy", 1.0, "the same words")
        case = self.case(other)
        features = self.features(other, case)
        if features is None:
            return NO_LIKENESS
        weights = _weights()[case]
        odds = weights.bias + sum(map(mul, weights.features, features))
        is_news = odds >= 0 and self._apart(other) <= NEWS_SECONDS
        looks_alike = one.lang == other.lang and (is_news or features[0] >= COPIED_KEYS)
        if looks_alike and (found := self._from_one_text(other)) is not None:
            return found
        if not is_news:
            return NO_LIKENESS
        return Likeness("news", 1 / (1 + math.exp(-odds)), _reason(case, features))

    def _from_one_text(self, other: Traits) -> Likeness | None:
        """Whether one text was made from the other, or both from a template; None: it may be news."""
        mine, theirs = self._one.wording, other.wording
        alike = resemblance(mine.digest, theirs.digest)
        facts = compare_facts(mine.slots, theirs.slots)
        conflicts = facts.names + facts.numbers
        if alike >= SAME_TEXT or (alike >= COPY and conflicts <= MENDED):
            return Likeness("copy", alike, f"{alike:.0%} of its wording")
        if facts.numbers >= OTHER_NUMBERS or (facts.names and conflicts >= 2):
            return NO_LIKENESS
        if alike >= WORDED_ALIKE and conflicts and self._apart(other) > UPDATE_SECONDS:
            return NO_LIKENESS
        return None

    def _apart(self, other: Traits) -> float:
        return abs(self._one.at - other.at)

    def is_settled(self, other: Traits) -> bool:
        """Whether wording alone says that the other item is a copy, or of the same template."""
        mine, theirs = self._one.wording, other.wording
        if self._one.lang != other.lang:
            return False
        return (mine.mark != "" and mine.mark == theirs.mark) or (
            self._from_one_text(other) is not None
        )

    def case(self, other: Traits) -> Case:
        """What the two items can be compared by."""
        one = self._one
        meaning = bool(one.vector) and bool(other.vector) and one.model == other.model
        if one.lang == other.lang:
            return "words and meaning" if meaning else "words"
        return "across and meaning" if meaning else "across"

    def features(self, other: Traits, case: Case) -> tuple[float, ...] | None:
        """What is weighed: cosine of keys, days between, then cosine of meanings, or of what keys they share.

        Returns:
            None where too little is shared to say anything.
        """
        one = self._one
        shared = [term for term in other.keys if term[0] in self._keys]
        lengths = one.norm * other.norm
        if one.lang != other.lang:
            shared = [term for term in shared if is_neutral(term[0])]
            lengths = one.neutral_norm * other.neutral_norm
        cosine = sum([weight * weight for _, weight in shared]) / lengths if shared else 0.0
        days = self._apart(other) / 86_400
        if case == "words and meaning" or case == "across and meaning":
            return cosine, days, _cosine(one.vector, other.vector)
        if not shared or (case == "words" and not _enough(shared)):
            return None
        neutral = sum([weight for key, weight in shared if is_neutral(key)])
        words = sum([weight for key, weight in shared if not is_neutral(key)])
        return cosine, days, min(neutral, 40.0) / 10, min(words, 60.0) / 10, float(len(shared) >= 2)


def _enough(shared: Sequence[Term]) -> bool:
    """Whether two items share enough to be compared by it; a name counts by its words alone."""
    counted = [weight for key, weight in shared if not is_name(key)]
    return len(counted) >= SHARED and sum(counted) >= SHARED_WEIGHT


def _cosine(one: bytes, other: bytes) -> float:
    a, b = (np.frombuffer(each, np.int8).astype(np.float32) for each in (one, other))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _reason(case: Case, found: tuple[float, ...]) -> str:
    told = f"its names and rare words agree by {found[0]:.0%}"
    return f"{told}, its meaning by {found[2]:.0%}" if case.endswith("meaning") else told


@functools.cache
def _weights() -> Mapping[Case, Weights]:
    return msgspec.json.decode(WEIGHTS.read_bytes(), type=dict[Case, Weights])
