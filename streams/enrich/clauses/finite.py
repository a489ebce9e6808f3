"""Whether a finite verb follows a name, as far as endings, word lists and punctuation tell."""

from __future__ import annotations

from streams.enrich.clauses.phrases import breaks
from streams.enrich.clauses.small_words import (
    ADVERBS,
    AUXILIARIES,
    CONJUNCTIONS,
    FINITE,
    JOINING,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
    SUBORDINATORS,
)
from streams.enrich.clauses.speech_verbs import VERBS
from streams.enrich.figure_words import ACTS, DETERMINERS
from streams.enrich.words import Words

__all__ = ["CLOSED", "is_verb", "verb_follows"]

INSERTION_WORDS = 20
"""Words between a subject and its verb, at most: "X, der … führt, will"."""

CLOSED = PREPOSITIONS | SUBORDINATORS | CONJUNCTIONS | PRONOUNS | ADVERBS | DETERMINERS
"""Words that are neither nouns nor verbs."""
_VERB_ENDINGS = ("t", "te", "ten", "en", "n", "s", "ed", "d")


def verb_follows(words: Words, last: int, high: int) -> bool:
    """Whether a finite verb follows a subject, perhaps behind an insertion or another name."""
    index = last + 1
    if index >= high:
        return False
    gap = words.between(last)
    if "," in gap or "(" in gap or " – " in gap:
        return _verb_behind_insertion(words, last, high)
    if breaks(words, last):
        return False
    if words.keys[index] in JOINING or words.keys[index] in PREPOSITIONS:
        index = _behind_phrase(words, index + 1, high)
    while index < high and _is_beside_verb(words, index) and not breaks(words, index):
        index += 1
    return index < high and not breaks(words, index - 1) and is_verb(words, index)


def _is_beside_verb(words: Words, index: int) -> bool:
    """Whether a word may stand between a subject and its verb."""
    key = words.keys[index]
    return key in ADVERBS or (key.endswith("ly") and words.raws[index].islower())


def _behind_phrase(words: Words, index: int, high: int) -> int:
    """Behind the second name of "X und Y", or the complement of "X aus Y"."""
    while index < high and not breaks(words, index):
        capital = words.raws[index][:1].isupper()
        if not capital and words.keys[index] not in DETERMINERS:
            return index
        index += 1
    return index


def _verb_behind_insertion(words: Words, last: int, high: int) -> bool:
    """Whether a verb follows what is inserted behind a name: "X, der … führt, will …"."""
    index = last + 1
    end = min(last + INSERTION_WORDS, high - 1)
    while index < end:
        gap = words.between(index)
        if ("," in gap or ")" in gap or "–" in gap) and is_verb(words, index + 1):
            return words.keys[index + 1] not in RELATIVES
        index += 1
    return False


def is_verb(words: Words, index: int) -> bool:
    """Whether a word looks like a finite verb, where one is expected."""
    key = words.keys[index]
    if not words.raws[index].islower():  # "Veltron Unveils Chatbot", but not "May"
        return key in ACTS and key not in AUXILIARIES
    if key in FINITE or key in VERBS or key in ACTS:
        return True
    return key not in CLOSED and key.endswith(_VERB_ENDINGS)
