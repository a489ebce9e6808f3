"""What a verb of saying reports, without quotation marks, in German and English."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from streams.enrich.clauses.phrases import Phrase, clause_start, follows
from streams.enrich.clauses.small_words import (
    ADVERBS,
    CONJUNCTIONS,
    DATES,
    FINITE,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
    SUBORDINATORS,
    folded,
)
from streams.enrich.clauses.speech_verbs import DENIALS, VERBS
from streams.enrich.clauses.subjects import subject_of
from streams.enrich.text import Document
from streams.enrich.words import Words

__all__ = [
    "CLAIMS",
    "MIN_WORDS",
    "REACH",
    "Reported",
    "Sentence",
    "by_verb",
    "content",
    "sentence_of",
    "whole",
]

MIN_WORDS = 3
"""Words of reported speech."""
REACH = 14
"""Words from a verb to what it reports."""
FRONTED_WORDS = 8
"""Words of "In a statement on Monday" at most; what is longer is a clause with a fronted phrase."""

CLAIMS = folded("""
    wir ich uns muss müssen soll sollen sollte sollten darf dürfen kann können braucht brauchen ist
    sind wird werden war habe haben sei wäre we i our must should can will is are need needs cannot
""")
"""Words of somebody's opinion, as headlines give it."""

_CONTENT_OPENERS = folded("dass ob wie warum weshalb wann wer was wo wohin man")
_NO_CONTENT = (CONJUNCTIONS | SUBORDINATORS | folded("um ohne statt anstatt")) - _CONTENT_OPENERS
_WHERE_WHEN = PREPOSITIONS | DATES | ADVERBS
_NO_SPEAKER = SUBORDINATORS | CONJUNCTIONS | PREPOSITIONS
_CLAUSE_OPENERS = folded("he she it they there we i")
_SPEAKABLE = _CLAUSE_OPENERS | folded(
    "the a an his her its their our my this these those no some most all"
)
_NEGATIONS = folded("nicht nie niemals kaum not never cannot")
_VERB_ENDINGS = ("ed", "et", "te", "ten", "t")
_NOUN_JOINTS = frozenset({"of", "about", "amid", "over", "against"})
_INFINITIVE = re.compile(
    r"(?:ab|an|auf|aus|bei|durch|ein|her|hin|mit|nach|um|vor|weg|zuruck)zu\w+n$"
)


class Reported(NamedTuple):
    """Reported speech with the phrase that names who said it."""

    start: int
    end: int
    speaker: Phrase


class Sentence(NamedTuple):
    """A sentence as words: `low` is the first, `high` the end."""

    words: Words
    low: int
    high: int


def sentence_of(document: Document, number: int) -> Sentence:
    """A sentence of a document by its number."""
    start, end = document.sentences[number]
    starts = document.words.starts
    return Sentence(document.words, bisect_left(starts, start), bisect_left(starts, end))


def content(sentence: Sentence, low: int, high: int, speaker: Phrase | None) -> Reported | None:
    """The words [low, high) as reported speech, if they are enough and not the speaker's name."""
    if speaker is None or high - low < MIN_WORDS or low <= speaker[0] < high:
        return None
    words = sentence.words
    return Reported(words.starts[low], words.ends[high - 1], speaker)


def whole(sentence: Sentence, speaker: Phrase) -> Reported | None:
    """A sentence in the midst of which stands who says it."""
    words = sentence.words
    return Reported(words.starts[sentence.low], words.ends[sentence.high - 1], speaker)


def by_verb(sentence: Sentence, verb: int) -> Reported | None:
    """What a verb of saying reports; None if it reports nothing."""
    entry = VERBS[sentence.words.keys[verb]]
    if entry.use == "name":
        return None
    return _german(sentence, verb) if entry.lang == "de" else _english(sentence, verb)


# --- German -----------------------------------------------------------------------------------


def _german(sentence: Sentence, verb: int) -> Reported | None:
    words, keys, low = sentence.words, sentence.words.keys, sentence.low
    if keys[clause_start(words, verb, low)] == "wie":
        return _german_as(sentence, verb)
    if verb > low and "," in words.between(verb - 1) and verb - low > 1:
        speaker = follows(words, verb + 1, sentence.high)
        if speaker and speaker == subject_of(words, verb, low, sentence.high):
            return _german_before(sentence, verb, speaker)
    start = _german_start(sentence, verb)
    if start is None:
        return None
    negated = not _NEGATIONS.isdisjoint(keys[verb:start])
    if negated and keys[start] not in _CONTENT_OPENERS:
        return None
    speaker = subject_of(words, verb, low, start)
    if negated or keys[verb] in DENIALS:
        start = verb  # "glaubt nicht, dass …" must not become "dass …"
    return content(sentence, start, _german_end(sentence, start), speaker)


def _german_before(sentence: Sentence, verb: int, speaker: Phrase) -> Reported | None:
    """What stands before: "Er wolle kämpfen, sagte Merz"; "Er wolle, sagte Merz, kämpfen" as a whole."""
    words, low, high = sentence.words, sentence.low, sentence.high
    behind = words.between(speaker[1])
    particles = VERBS[words.keys[verb]].particles
    if particles and particles.isdisjoint(words.keys[verb:high]):
        return None
    if ":" in behind or words.keys[verb] in DENIALS or not _has_verb(sentence, low, verb):
        return None
    if "," in behind and high - speaker[1] > MIN_WORDS:
        key = words.keys[speaker[1] + 1]
        if key not in RELATIVES and key not in _NO_CONTENT and words.raws[speaker[1] + 1].islower():
            return whole(sentence, speaker)
    return content(sentence, low, verb, speaker)


def _german_as(sentence: Sentence, verb: int) -> Reported | None:
    """What stands beside "wie Merz mitteilte": behind it or, if it comes last, before it."""
    words, low = sentence.words, sentence.low
    first = clause_start(words, verb, low)
    speaker = follows(words, first + 1, verb)
    if first == low:
        return content(sentence, verb + 1, sentence.high, speaker)
    return content(sentence, low, first, speaker)


def _german_start(sentence: Sentence, verb: int) -> int | None:
    """The first word of what a German verb reports."""
    words, keys = sentence.words, sentence.words.keys
    for index in range(verb, min(verb + REACH, sentence.high - 1)):
        gap = words.between(index)
        if "," not in gap and ":" not in gap:
            continue
        particles = VERBS[keys[verb]].particles
        if particles and particles.isdisjoint(keys[verb + 1 : index + 1]):
            return None
        if ":" in gap or _is_content(sentence, index + 1, VERBS[keys[verb]].use == "say"):
            return index + 1
        return None
    return None


def _german_end(sentence: Sentence, start: int) -> int:
    """Where a dass-clause ends and the main clause goes on: "…, dass er kommt, lehnte aber …"."""
    words = sentence.words
    for index in range(start + MIN_WORDS - 1, sentence.high - 1):
        if "," in words.between(index) and words.keys[start] == "dass":
            following = words.keys[index + 1]
            if following.endswith("te") and words.raws[index + 1].islower():
                return index + 1
    return sentence.high


def _is_content(sentence: Sentence, start: int, bare: bool) -> bool:
    """Whether the words behind a comma are what is said."""
    keys = sentence.words.keys
    key = keys[start]
    if key in _CONTENT_OPENERS:
        return True
    relative = key in PREPOSITIONS and not RELATIVES.isdisjoint(keys[start + 1 : start + 2])
    if key in _NO_CONTENT or relative:
        return False
    if "zu" in keys[start + 1 : sentence.high] or _INFINITIVE.search(keys[sentence.high - 1]):
        return True
    early = keys[start + 1 : start + 8]
    return (bare or key in PRONOUNS) and any(k in FINITE or k in CLAIMS for k in early)


# --- English ----------------------------------------------------------------------------------


def _english(sentence: Sentence, verb: int) -> Reported | None:
    words, low, high = sentence.words, sentence.low, sentence.high
    speaker = subject_of(words, verb, low, high)
    if speaker is None or words.keys[verb + 1 : verb + 2] == ["to"]:
        return None  # "men believed to be …"
    start = _english_start(sentence, verb)
    if start is not None:
        if words.keys[verb] in DENIALS:
            start = verb
        elif speaker[1] < verb and not _NEGATIONS.isdisjoint(words.keys[speaker[1] + 1 : verb]):
            start = speaker[1] + 1  # "does not believe that …" must not become "…"
        if entry := content(sentence, start, _english_end(sentence, start), speaker):
            return entry
    return _english_before(sentence, verb, speaker)


def _english_end(sentence: Sentence, start: int) -> int:
    """Where what is said ends before another attribution: "…, sources say"."""
    words, high = sentence.words, sentence.high
    if words.keys[high - 1] not in ("say", "says", "said"):
        return high
    ends = (i + 1 for i in range(high - 2, start, -1) if "," in words.between(i))
    return next(ends, high)


def _english_start(sentence: Sentence, verb: int) -> int | None:
    """The first word of what an English verb reports."""
    that = _behind_that(sentence, verb)
    if that is not None or verb + 1 >= sentence.high:
        return that
    key, following = sentence.words.keys[verb], sentence.words.keys[verb + 1]
    if key in ("told", "tells", "tell"):
        return _behind_addressee(sentence, verb)
    if following in _CLAUSE_OPENERS:
        return verb + 1
    if VERBS[key].use != "say" or "," in sentence.words.between(verb):
        return None
    if following in DATES:
        return _behind_date(sentence, verb)
    if following in _SPEAKABLE or sentence.words.raws[verb + 1][:1].isupper():
        return verb + 1 if _has_verb(sentence, verb + 2, sentence.high) else None
    return _behind_date(sentence, verb)


def _behind_that(sentence: Sentence, verb: int) -> int | None:
    """Behind "said (to reporters in Leeds) that"; not "warned of fatigue that may …"."""
    words = sentence.words
    for index in range(verb + 1, min(verb + 1 + REACH, sentence.high - 1)):
        if words.keys[index] == "that":
            return index + 1
        # "said on Monday, following a report that …"
        inserted = "," in words.between(index) and words.raws[index + 1].islower()
        if words.keys[index] in _NOUN_JOINTS or inserted:
            break
    return None


def _behind_addressee(sentence: Sentence, verb: int) -> int | None:
    """Behind "told reporters (on Friday)", where a pronoun opens what is told."""
    keys = sentence.words.keys
    for index in range(verb + 2, min(verb + 8, sentence.high)):
        if keys[index] in _CLAUSE_OPENERS:
            return index
    return None


def _behind_date(sentence: Sentence, verb: int) -> int | None:
    """Behind "said (on) Monday"."""
    keys, index = sentence.words.keys, verb + 1
    if keys[index] == "on" and not DATES.isdisjoint(keys[index + 1 : index + 2]):
        index += 1
    while index < sentence.high and keys[index] in DATES:
        index += 1
    if index == verb + 1 or index >= sentence.high or keys[index] not in _SPEAKABLE:
        return None
    return index


def _has_verb(sentence: Sentence, start: int, end: int) -> bool:
    """Whether a clause seems to begin at a word, and not only an object ("said the word")."""
    words = sentence.words
    return any(
        words.keys[i] in FINITE
        or (words.raws[i].islower() and words.keys[i].endswith(_VERB_ENDINGS))
        for i in range(start, min(start + REACH, end))
    )


def _english_before(sentence: Sentence, verb: int, speaker: Phrase) -> Reported | None:
    """What stands before: "The order will be appealed, Hartley said", "…, say experts"."""
    words, keys, low = sentence.words, sentence.words.keys, sentence.low
    first = clause_start(words, min(verb, speaker[0]), low)
    if first <= low or words.between(first - 1).strip() != "," or keys[first] in _NO_SPEAKER:
        return None
    if keys[verb] in DENIALS or (speaker[1] < verb and not _closes(sentence, verb)):
        return None
    fronted = keys[low] in PREPOSITIONS or keys[low] in SUBORDINATORS
    if (fronted and first - low < FRONTED_WORDS) or keys[low].endswith("ing"):
        return None
    return content(sentence, low, first, speaker) if _has_verb(sentence, low, first) else None


def _closes(sentence: Sentence, verb: int) -> bool:
    """Whether nothing but where, when and to whom stands behind a verb."""
    keys, following = sentence.words.keys, verb + 1
    if following >= sentence.high or keys[verb] in ("told", "tells"):
        return True
    placed = keys[following] in _WHERE_WHEN
    return placed or "," in sentence.words.between(verb)
