"""Reported speech: what somebody said, without quotation marks.

A verb of saying with what follows or precedes it ("Merz sagte, er …", "Er wolle …, sagte Merz",
"Musk told reporters that …", "…, Musk said"), a phrase ("laut Merz", "nach Angaben von Merz",
"according to Musk"), or a name with a colon that opens a headline or a block ("Merz: Wir müssen …").

Only verbs outside quotation marks count, and of each sentence only the first. Without a
"dass"/"that" the words behind the comma must look like a clause of their own, so "Er sagte Termine
ab, die …" is no speech; "announced a plan" is none either.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from streams.enrich.clause_words import (
    ADVERBS,
    CONJUNCTIONS,
    DATES,
    FINITE,
    PREPOSITIONS,
    PRONOUNS,
    SUBORDINATORS,
)
from streams.enrich.figure_words import DETERMINERS, TITLE_ENDINGS
from streams.enrich.quote_marks import QUOTE_LIMIT, Marked
from streams.enrich.speakers import Phrase, clause_start, follows, precedes, subject_of
from streams.enrich.speech_words import BY_WORDS_OF, TITLE_CASE, VERBS
from streams.enrich.text import Document
from streams.enrich.words import HYPHENS, Words

__all__ = ["Reported", "reported"]

MIN_WORDS = 3
"""Words of reported speech."""
REACH = 14
"""Words from a verb to what it reports."""

_CONTENT_OPENERS = frozenset("dass ob wie warum weshalb wann wer was wo wohin man".split())
_NO_CONTENT = (CONJUNCTIONS | SUBORDINATORS) - _CONTENT_OPENERS
_CLAUSE_OPENERS = frozenset("he she it they there we i".split())
_SPEAKABLE = _CLAUSE_OPENERS | frozenset(
    "the a an his her its their our my this these those no some most all".split()
)
_MODAL = frozenset(
    """wir ich uns muss mussen soll sollen sollte sollten darf durfen kann konnen braucht brauchen
    ist sind wird werden war habe haben sei ware we i our must should can will is are need needs
    cannot""".split()
)
_CUES = frozenset({"laut", "zufolge", "according", "so", "nach"})
_INFINITIVE = re.compile(r"(?:ab|an|auf|aus|bei|durch|ein|her|hin|mit|nach|um|vor|weg|zuruck)zu\w+n$")


class Reported(NamedTuple):
    """Reported speech with the phrase that names who said it."""

    start: int
    end: int
    speaker: Phrase


class _Sentence(NamedTuple):
    """A sentence as words: `low` is the first, `high` the end."""

    words: Words
    low: int
    high: int
    end: int
    """Offset of its end."""


def reported(document: Document, marks: list[Marked], used: set[int]) -> list[Reported]:
    """All reported speech of a document, in order.

    Args:
        document: text with words and sentences.
        marks: its quotations, in which nothing is looked for.
        used: verbs that belong to direct speech.
    """
    words, found = document.words, []
    outer = [mark for mark in marks if not mark.nested]
    starts = [mark.start for mark in outer]
    done = -1
    for index in _signs(words, used):
        at = bisect_right(starts, words.starts[index]) - 1
        if at >= 0 and words.starts[index] < outer[at].end:
            continue
        number = max(bisect_right(document.sentence_starts, words.starts[index]) - 1, 0)
        if number == done:
            continue
        sentence = _sentence(document, number)
        entry = _said(sentence, index)
        if entry is not None and entry.end - entry.start <= QUOTE_LIMIT:
            done = number
            found.append(entry)
    return _headed(document, outer, found)


def _signs(words: Words, used: set[int]) -> Iterator[int]:
    """The words that may lead to reported speech."""
    for index, key in enumerate(words.keys):
        if key in _CUES:
            yield index
        elif key in VERBS and index not in used:
            if words.raws[index].islower() or key in TITLE_CASE:
                yield index


def _sentence(document: Document, number: int) -> _Sentence:
    start, end = document.sentences[number]
    starts = document.words.starts
    return _Sentence(document.words, bisect_left(starts, start), bisect_left(starts, end), end)


def _said(sentence: _Sentence, index: int) -> Reported | None:
    key = sentence.words.keys[index]
    if key in _CUES:
        return _by_phrase(sentence, index, key)
    if VERBS[key].use == "name":
        return None
    return _german(sentence, index) if VERBS[key].lang == "de" else _english(sentence, index)


def _content(
    sentence: _Sentence, low: int, high: int, speaker: Phrase | None
) -> Reported | None:
    """The words [low, high) as reported speech, if they are enough and not the speaker's name."""
    if speaker is None or high - low < MIN_WORDS or low <= speaker[0] < high:
        return None
    words = sentence.words
    return Reported(words.starts[low], words.ends[high - 1], speaker)


# --- German verbs -----------------------------------------------------------------------------


def _german(sentence: _Sentence, verb: int) -> Reported | None:
    words, low = sentence.words, sentence.low
    if words.keys[clause_start(words, verb, low)] == "wie":
        return _german_as(sentence, verb)
    if verb > low and "," in words.between(verb - 1) and verb - low >= MIN_WORDS:
        speaker = follows(words, verb + 1, sentence.high)
        if speaker == subject_of(words, verb, low, sentence.high):
            return _content(sentence, low, verb, speaker)
    start = _german_start(sentence, verb)
    if start is None:
        return None
    return _content(sentence, start, sentence.high, subject_of(words, verb, low, start))


def _german_as(sentence: _Sentence, verb: int) -> Reported | None:
    """ "Wie Merz mitteilte, …" and "…, wie Merz mitteilte"."""
    words, low = sentence.words, sentence.low
    first = clause_start(words, verb, low)
    speaker = follows(words, first + 1, verb)
    if first == low:
        return _content(sentence, verb + 1, sentence.high, speaker)
    return _content(sentence, low, first, speaker)


def _german_start(sentence: _Sentence, verb: int) -> int | None:
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


def _is_content(sentence: _Sentence, start: int, bare: bool) -> bool:
    """Whether the words behind a comma are what is said."""
    keys = sentence.words.keys
    key = keys[start]
    if key in _CONTENT_OPENERS:
        return True
    if key in _NO_CONTENT:
        return False
    if "zu" in keys[start + 1 : sentence.high] or _INFINITIVE.search(keys[sentence.high - 1]):
        return True
    early = keys[start + 1 : start + 8]
    return (bare or key in PRONOUNS) and any(k in FINITE or k in _MODAL for k in early)


# --- English verbs ----------------------------------------------------------------------------


def _english(sentence: _Sentence, verb: int) -> Reported | None:
    words, low = sentence.words, sentence.low
    speaker = subject_of(words, verb, low, sentence.high)
    if speaker is None:
        return None
    start = _english_start(sentence, verb)
    if start is not None and (entry := _content(sentence, start, sentence.high, speaker)):
        return entry
    return _english_before(sentence, verb, speaker)


def _english_start(sentence: _Sentence, verb: int) -> int | None:
    """The first word of what an English verb reports."""
    keys, high = sentence.words.keys, sentence.high
    for index in range(verb + 1, min(verb + 1 + REACH, high)):
        if keys[index] == "that":
            return index + 1
        if ";" in sentence.words.between(index - 1):
            break
    after = keys[verb + 1 : verb + 2]
    if not after or verb + 1 >= high:
        return None
    if keys[verb] in ("told", "tells", "tell"):
        return _behind_addressee(sentence, verb)
    if after[0] in _CLAUSE_OPENERS:
        return verb + 1
    if VERBS[keys[verb]].use != "say" or "," in sentence.words.between(verb):
        return None
    if after[0] in _SPEAKABLE or sentence.words.raws[verb + 1][:1].isupper():
        return verb + 1 if _has_verb(sentence, verb + 2) else None
    return _behind_date(sentence, verb)


def _behind_addressee(sentence: _Sentence, verb: int) -> int | None:
    """Behind "told reporters (on Friday)", where a pronoun opens what is told."""
    keys = sentence.words.keys
    for index in range(verb + 2, min(verb + 8, sentence.high)):
        if keys[index] in _CLAUSE_OPENERS:
            return index
    return None


def _behind_date(sentence: _Sentence, verb: int) -> int | None:
    """Behind "said (on) Monday"."""
    keys, index = sentence.words.keys, verb + 1
    while index < sentence.high and (keys[index] in DATES or keys[index] == "on"):
        index += 1
    if index == verb + 1 or index >= sentence.high or keys[index] not in _SPEAKABLE:
        return None
    return index


def _has_verb(sentence: _Sentence, start: int) -> bool:
    """Whether a clause seems to follow, and not only an object ("said the word")."""
    keys = sentence.words.keys[start : min(start + 10, sentence.high)]
    return any(key in FINITE or key.endswith("ed") for key in keys)


def _english_before(sentence: _Sentence, verb: int, speaker: Phrase) -> Reported | None:
    """ "The order will be appealed, Hartley said"."""
    words, low = sentence.words, sentence.low
    first = clause_start(words, min(verb, speaker[0]), low)
    if first <= low or words.between(first - 1).strip() != ",":
        return None
    entry = _content(sentence, low, first, speaker)
    fronted = words.keys[low] in PREPOSITIONS or words.keys[low] in SUBORDINATORS
    if entry is None or (fronted and first - low < 8) or words.keys[low] in ("asked", "speaking"):
        return None
    return entry if _has_verb(sentence, low) or words.keys[verb] in ("said", "says") else None


# --- phrases ----------------------------------------------------------------------------------


def _by_phrase(sentence: _Sentence, index: int, key: str) -> Reported | None:
    """ "laut X", "X zufolge", "nach Angaben von X", "according to X", "…, so X"."""
    words, high = sentence.words, sentence.high
    if key == "zufolge":
        speaker = precedes(words, index - 1, sentence.low) if index > sentence.low else None
        return _around(sentence, speaker, index) if speaker else None
    first = _source(sentence, index, key)
    if first is None:
        return None
    speaker = follows(words, first, high)
    if speaker is None or speaker[0] > first + 4:
        return None
    if key == "so":
        ends = speaker[1] + 1 >= high or "," in words.between(speaker[1])
        return _content(sentence, sentence.low, index, speaker) if ends else None
    return _around(sentence, (index, speaker[1]), speaker[1], speaker)


def _source(sentence: _Sentence, index: int, key: str) -> int | None:
    """The first word behind a phrase that announces a source."""
    words, keys, high = sentence.words, sentence.words.keys, sentence.high
    following = keys[index + 1] if index + 1 < high else ""
    if key == "according":
        return index + 2 if following == "to" else None
    if key == "so":
        inside = index > sentence.low and "," in words.between(index - 1)
        return index + 1 if inside and words.raws[index] == "so" else None
    at = next((i for i in range(index + 1, min(index + 4, high)) if keys[i] in BY_WORDS_OF), None)
    if at is not None:
        return at + 2 if keys[at + 1 : at + 2] in (["von"], ["vom"]) else at + 1
    return index + 1 if key == "laut" else None


def _around(
    sentence: _Sentence, phrase: Phrase | None, last: int, speaker: Phrase | None = None
) -> Reported | None:
    """What stands behind a phrase of source that opens its sentence, or else before it."""
    if phrase is None:
        return None
    speaker = speaker or phrase
    if phrase[0] - sentence.low < MIN_WORDS:
        return _content(sentence, last + 1, sentence.high, speaker)
    return _content(sentence, sentence.low, phrase[0], speaker)


# --- headlines --------------------------------------------------------------------------------


def _headed(document: Document, marks: list[Marked], found: list[Reported]) -> list[Reported]:
    """Add what stands behind a name with a colon that opens the title."""
    title = next((span for span in document.fields if span.name == "title"), None)
    words = document.words
    colon = document.text.find(": ", title.start, title.end) if title else -1
    if colon < 0 or title is None or any(mark.start < title.end for mark in marks):
        return found
    low, high = bisect_left(words.starts, colon), bisect_left(words.starts, title.end)
    speaker = follows(words, 0, low)
    if speaker is None or speaker[1] != low - 1 or high - low < MIN_WORDS:
        return found
    if not _MODAL.intersection(words.keys[low:high]) or _is_topic(words, low):
        return found
    said = Reported(words.starts[low], words.ends[high - 1], speaker)
    return [said, *(entry for entry in found if entry.start >= title.end)]


def _is_topic(words: Words, first: int) -> bool:
    """Whether a colon only names the topic: "Merz: Kanzler muss warten"."""
    key = words.keys[first]
    hyphen = words.between(first) in HYPHENS
    return key.endswith(TITLE_ENDINGS) or hyphen or (key in DETERMINERS | ADVERBS and False)
