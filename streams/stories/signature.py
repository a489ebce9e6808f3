"""What makes two items copies of each other: their wording, and the facts in it.

Wording is compared by MinHash over runs of three words (A. Broder, "On the resemblance and containment
of documents", 1997), by rensa, which is MIT and takes microseconds. Reports from a template (weather,
markets, matches) are worded alike too: what stands in their slots tells them from copies. A slot is a name or number
with the two words before or behind it; two texts conflict where a slot holds something else.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from streams.records import stable_id
from streams.stories.reading import Reading
from streams.stories.terms import Word, key_of

__all__ = [
    "COMPARED_WORDS",
    "Facts",
    "Wording",
    "compare_facts",
    "resemblance",
    "signature",
    "wording_of",
]

MINIMUM_WORDS = 5
"""Shorter texts ("Live", "Wetter heute") say too little to be called copies of each other."""

BODY_WORDS = 50
"""Of the body, where there is no summary: headlines such as "Der Tag im Überblick" return daily."""

COMPARED_WORDS = 50
"""Of the text behind the title: copies are cut at different places, and have headlines of their own."""
ALONE_WORDS = 20
"""From so many words on the text is compared without its headline."""
SHINGLED_WORDS = 8
"""Shorter texts are copies only if they are the same."""
PERMUTATIONS = 48
"""Resemblance is off by less than .15 in 95 of 100 cases."""
_SEED = 1
_SLOTS = 24
_CONTEXT = 3.0
"""Weight that the two words beside a slot must have together: "in der" is beside everything."""


class Wording(msgspec.Struct, frozen=True, gc=False):
    """How an item is worded. Packed, since there are very many of them."""

    mark: str
    """The same for items of the same words; empty where they are too few."""
    digest: bytes
    """MinHash, `PERMUTATIONS` values; empty where the words are too few."""
    slots: bytes
    """Pairs of 32-bit keys: what stands beside a name or number, and that; odd for a number."""


class Facts(NamedTuple):
    """How the slots that two texts share are filled."""

    agreements: int
    names: int
    """Slots with another name."""
    numbers: int
    """Slots with another number."""


def signature(reading: Reading) -> str:
    """Fingerprint of title and summary, regardless of case, punctuation, spacing and markup.

    Without a summary the beginning of the body counts in its place.

    Returns:
        A 26-character id; empty if the text is too short to compare.
    """
    words = [*reading.title, *(reading.summary or reading.body[:BODY_WORDS])]
    if len(words) < MINIMUM_WORDS:
        return ""
    return stable_id("signature", " ".join(words).casefold())


def wording_of(reading: Reading, title: Sequence[Word], told: Sequence[Word]) -> Wording:
    """How an item is worded.

    Args:
        reading: its words.
        title: the same of its title, looked up.
        told: likewise of what follows.
    """
    title, told = title[:COMPARED_WORDS], told[:COMPARED_WORDS]
    compared = told if len(told) >= ALONE_WORDS else [*title, *told]
    slots: dict[int, int] = {}
    for words in (told, title):
        _fill(slots, words)
    pairs = [key for slot in slots.items() for key in slot]
    return Wording(signature(reading), _digest(compared), struct.pack(f"{len(pairs)}I", *pairs))


def _digest(words: Sequence[Word]) -> bytes:
    if len(words) < SHINGLED_WORDS:
        return b""
    folded = [word.folded for word in words]
    runs = zip(folded, folded[1:], folded[2:], strict=False)
    hashed = _minhash()(num_perm=PERMUTATIONS, seed=_SEED)
    hashed.update([" ".join(run) for run in runs])
    return struct.pack(f"{PERMUTATIONS}I", *hashed.digest())


def _fill(slots: dict[int, int], words: Sequence[Word]) -> None:
    """Add what is beside each name and number, as a key; and the name or number. The first in a slot counts."""
    for at, word in enumerate(words):
        if word.fact < 0:
            continue
        for side, first in (("<", at - 2), (">", at + 1)):
            if len(slots) == _SLOTS:
                return
            if first < 0 or first + 2 > len(words):
                continue
            one, other = words[first], words[first + 1]
            if one.weight + other.weight >= _CONTEXT:
                slots.setdefault(key_of(f"{side}{one.folded} {other.folded}"), word.fact)


@functools.cache
def _minhash() -> Any:
    """Rensa when it is needed: loading it reserves a gigabyte of addresses, which parsing processes do not have."""
    from rensa import RMinHash

    return RMinHash


def resemblance(one: bytes, other: bytes) -> float:
    """Estimated Jaccard index of two digests, 0 to 1; 0 where there is none."""
    if not one or not other:
        return 0.0
    equal = np.frombuffer(one, np.uint32) == np.frombuffer(other, np.uint32)
    return float(np.count_nonzero(equal)) / PERMUTATIONS


def compare_facts(one: bytes, other: bytes) -> Facts:
    """Compare what stands in the slots that two texts share."""
    mine, theirs = memoryview(one).cast("I"), memoryview(other).cast("I")
    filled = dict(zip(mine[::2], mine[1::2], strict=True))
    agreements = names = numbers = 0
    for context, fact in zip(theirs[::2], theirs[1::2], strict=True):
        known = filled.get(context)
        if known is None:
            continue
        if known == fact:
            agreements += 1
        elif known & 1 and fact & 1:
            numbers += 1
        else:
            names += 1
    return Facts(agreements, names, numbers)
