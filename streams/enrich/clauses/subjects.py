"""Who speaks: the noun phrase that is the subject of a verb of saying.

German puts the verb second, so whatever opens the clause decides on which side of the verb its
subject stands ("Merz sagte", "Am Montag sagte Merz"). English has the subject before the verb, except
directly behind a quotation ("said Musk").
"""

from __future__ import annotations

from streams.enrich.clauses.phrases import (
    PEOPLE,
    Phrase,
    before_parenthesis,
    breaks,
    clause_start,
    follows,
    precedes,
)
from streams.enrich.clauses.small_words import (
    ADVERBS,
    AUXILIARIES,
    CONJUNCTIONS,
    FINITE,
    PREPOSITIONS,
    RELATIVES,
    SUBORDINATORS,
)
from streams.enrich.clauses.speech_verbs import PARTICIPLES, VERBS
from streams.enrich.figure_words import DETERMINERS
from streams.enrich.words import Words

__all__ = ["fronted", "subject_of"]

RELATIVE_WORDS = 10
"""Words of a relative clause without commas, at most."""

# What opens a German clause without being its subject. "Das sagte Merz" counts, "Das Amt" does not.
_FRONTED = PREPOSITIONS | ADVERBS | SUBORDINATORS
_OBJECTS = frozenset(
    {"mehr", "das", "dies", "dazu", "darauf", "daran", "damit", "so", "wortlich", "den", "dem"}
)
_VERB_LAST = SUBORDINATORS - PREPOSITIONS | {"wie"}
"""What opens a clause whose subject follows at once: "wie Merz sagte", "indem er einwarf"."""
_PARTICLES = frozenset({"auch", "selbst", "sogar", "nur", "nicht"})
_PASSIVE_DE = frozenset({"wird", "werden", "wurde", "wurden"})
_PASSIVE_EN = frozenset({"was", "were", "is", "are", "be", "been"})


def subject_of(words: Words, verb: int, low: int, high: int) -> Phrase | None:
    """The phrase that says something by the verb.

    Args:
        words: of the document.
        verb: index of a word in `VERBS`.
        low: first word that may belong to it, usually that of the sentence.
        high: end of the words that may, exclusive.
    """
    if VERBS[words.keys[verb]].lang == "en":
        return _english_subject(words, verb, low, high)
    return _german_subject(words, verb, low, high)


# --- German -----------------------------------------------------------------------------------


def _german_subject(words: Words, verb: int, low: int, high: int) -> Phrase | None:
    keys = words.keys
    start = clause_start(words, verb, low)
    finite = _finite(words, verb, start)
    if finite is None:
        return None
    if start == finite:
        return _resumed(words, finite, low) or follows(words, finite + 1, high)
    if keys[start] in _VERB_LAST:
        return follows(words, start + 1, finite)
    if keys[start] in CONJUNCTIONS and start + 1 < finite:
        start += 1
    if fronted(words, start, finite):
        return follows(words, finite + 1, high)
    last = before_parenthesis(words, finite - 1)
    if words.raws[last].islower() and keys[last] not in PEOPLE:
        return follows(words, finite + 1, high)  # no noun: "Entspannt äußerte sich X"
    return precedes(words, last, start)


def _finite(words: Words, verb: int, start: int) -> int | None:
    """The verb or its auxiliary, beside which the subject stands; None for a passive."""
    if words.keys[verb] not in PARTICIPLES and not words.keys[verb].endswith("en"):
        return verb
    found = next((i for i in range(start, verb) if words.keys[i] in AUXILIARIES), verb)
    return None if words.keys[found] in _PASSIVE_DE else found


def fronted(words: Words, start: int, verb: int) -> bool:
    """Whether the words before a German verb, which open the clause, are not its subject."""
    key = words.keys[start]
    if key in _FRONTED or key.endswith(("erweise", "falls")):
        # "Auch Clegg äußerte sich", "Selbst Merz sagte": a particle within the subject.
        return not (key in _PARTICLES and start + 1 < verb)
    return key in _OBJECTS and (verb - start == 1 or key in ("den", "dem"))


def _resumed(words: Words, verb: int, low: int) -> Phrase | None:
    """The subject before an insertion: "Frenz, der X leitet, sagte", "Frenz, Chef von X, sagte"."""
    if verb - low < 3 or "," not in words.between(verb - 1):
        return None
    last = low
    while last < verb and not breaks(words, last):
        if words.keys[last] in FINITE or (words.keys[last] in VERBS and last > low):
            return None
        last += 1
    if last >= verb - 1 or "," not in words.between(last):
        return None
    phrase = follows(words, low, verb)
    named = words.raws[last + 1][:1].isupper()
    if phrase is None or not (named or words.keys[last + 1] in RELATIVES):
        return None
    if named and words.keys[low] in DETERMINERS and clause_start(words, verb - 1, low) == last + 1:
        return follows(words, last + 1, verb)
    return phrase


# --- English ----------------------------------------------------------------------------------


def _english_subject(words: Words, verb: int, low: int, high: int) -> Phrase | None:
    keys = words.keys
    if verb == low or _behind_mark(words, verb):
        return follows(words, verb + 1, high)
    if phrase := _inverted(words, verb, high):
        return phrase
    last = verb - 1
    while last >= low and _beside_verb(words, last) and not breaks(words, last - 1):
        if keys[last] in _PASSIVE_EN:
            return None  # "was told", "is said"
        last -= 1
    if last < low:
        return None
    if keys[last] in ("and", "but", "then"):
        return follows(words, low, verb)
    last = _before_relative(words, last, low)
    if words.between(last).strip() == ",":
        return _before_insertion(words, last, low)
    return precedes(words, last, low)


def _inverted(words: Words, verb: int, high: int) -> Phrase | None:
    """The phrase behind a verb that ends the sentence: "…, say experts."."""
    if words.between(verb - 1) != ", " or words.keys[verb] in ("tell", "tells", "told"):
        return None
    phrase = follows(words, verb + 1, high)
    if phrase is None:
        return None
    # Not "X, who leads Y, said the company would …".
    return phrase if phrase[1] + 1 >= high or breaks(words, phrase[1]) else None


def _before_relative(words: Words, last: int, low: int) -> int:
    """For "the man who leads X" the word before "who"."""
    for index in range(last, max(low, last - RELATIVE_WORDS), -1):
        if words.keys[index] in ("who", "which"):
            return index - 1
        if "," in words.between(index - 1):
            break
    return last


def _behind_mark(words: Words, verb: int) -> bool:
    """Whether a closing mark or a comma stands directly before an inverted verb ("…," said X)."""
    gap = words.between(verb - 1).strip()
    return len(gap) > 1 and gap[-1] in "\"”“'’»«"


def _beside_verb(words: Words, index: int) -> bool:
    """Whether a word may stand between an English subject and its verb."""
    key = words.keys[index]
    if not words.raws[index].islower():
        return False
    return key in AUXILIARIES or key in ADVERBS or (key.endswith("ly") and len(key) > 4)


def _before_insertion(words: Words, last: int, low: int) -> Phrase | None:
    """The subject of "X, who leads Y, said" is X, of "The head of Y, X, said" it is the name."""
    start = clause_start(words, last, low)
    name = precedes(words, last, start)
    plain = name is not None and name[0] == start and words.raws[last][:1].isupper()
    if (plain and last > start) or start == low:
        return name
    before = precedes(words, start - 1, clause_start(words, start - 1, low))
    return before or name
