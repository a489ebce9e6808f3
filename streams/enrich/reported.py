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
from typing import NamedTuple

from streams.enrich.clause_words import (
    ADVERBS,
    CONJUNCTIONS,
    DATES,
    FINITE,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
    SUBORDINATORS,
)
from streams.enrich.figure_words import TITLE_ENDINGS
from streams.enrich.quote_marks import QUOTE_LIMIT, Marked
from streams.enrich.speakers import Phrase, clause_start, follows, precedes, subject_of
from streams.enrich.speech_words import BY_WORDS_OF, DENIALS, VERBS
from streams.enrich.text import Document
from streams.enrich.words import HYPHENS, Words

__all__ = ["Reported", "reported"]

MIN_WORDS = 3
"""Words of reported speech."""
FRONTED_WORDS = 8
"""Words of "In a statement on Monday" at most; what is longer is a clause with a fronted phrase."""
REACH = 14
"""Words from a verb to what it reports."""

_CONTENT_OPENERS = frozenset("dass ob wie warum weshalb wann wer was wo wohin man".split())
_NO_CONTENT = (CONJUNCTIONS | SUBORDINATORS) - _CONTENT_OPENERS
_NO_SPEAKER = SUBORDINATORS | CONJUNCTIONS | PREPOSITIONS
_CLAUSE_OPENERS = frozenset("he she it they there we i".split())
_SPEAKABLE = _CLAUSE_OPENERS | frozenset(
    "the a an his her its their our my this these those no some most all".split()
)
_MODAL = frozenset(
    """wir ich uns muss mussen soll sollen sollte sollten darf durfen kann konnen braucht brauchen
    ist sind wird werden war habe haben sei ware we i our must should can will is are need needs
    cannot""".split()
)
_NEGATIONS = frozenset("nicht nie niemals kaum not never cannot n't".split())
_VERB_ENDINGS = ("ed", "et", "te", "ten", "t")
_CUES = frozenset({"laut", "zufolge", "according", "so", "nach"})
_INFINITIVE = re.compile(
    r"(?:ab|an|auf|aus|bei|durch|ein|her|hin|mit|nach|um|vor|weg|zuruck)zu\w+n$"
)


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


def reported(document: Document, marks: list[Marked], verbs: list[int]) -> list[Reported]:
    """All reported speech of a document, in order.

    Args:
        document: text with words and sentences.
        marks: its quotations, in which nothing is looked for.
        verbs: indices of verbs of saying that belong to no direct speech.
    """
    words, found = document.words, []
    outer = [mark for mark in marks if not mark.nested]
    starts = [mark.start for mark in outer]
    done = -1
    for index in sorted([*verbs, *_phrases(words)]):
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


def _phrases(words: Words) -> list[int]:
    """The words that may belong to a phrase of source."""
    if _CUES.isdisjoint(words.keys):
        return []
    return [index for index, key in enumerate(words.keys) if key in _CUES]


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


def _content(sentence: _Sentence, low: int, high: int, speaker: Phrase | None) -> Reported | None:
    """The words [low, high) as reported speech, if they are enough and not the speaker's name."""
    if speaker is None or high - low < MIN_WORDS or low <= speaker[0] < high:
        return None
    words = sentence.words
    return Reported(words.starts[low], words.ends[high - 1], speaker)


# --- German verbs -----------------------------------------------------------------------------


def _german(sentence: _Sentence, verb: int) -> Reported | None:
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
    return _content(sentence, start, _german_end(sentence, start), speaker)


def _german_before(sentence: _Sentence, verb: int, speaker: Phrase) -> Reported | None:
    """ "Er wolle kämpfen, sagte Merz", and "Er wolle, sagte Merz, kämpfen" as a whole."""
    words, low, high = sentence.words, sentence.low, sentence.high
    behind = words.between(speaker[1])
    if ":" in behind or words.keys[verb] in DENIALS or not _has_verb(sentence, low, verb):
        return None
    if "," in behind and high - speaker[1] > MIN_WORDS:
        key = words.keys[speaker[1] + 1]
        if key not in RELATIVES and key not in _NO_CONTENT and words.raws[speaker[1] + 1].islower():
            return _whole(sentence, speaker)
    return _content(sentence, low, verb, speaker)


def _whole(sentence: _Sentence, speaker: Phrase) -> Reported | None:
    """A sentence in the midst of which stands who says it."""
    words = sentence.words
    return Reported(words.starts[sentence.low], words.ends[sentence.high - 1], speaker)


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


def _german_end(sentence: _Sentence, start: int) -> int:
    """Where a dass-clause ends and the main clause goes on: "…, dass er kommt, lehnte aber …"."""
    words = sentence.words
    for index in range(start + MIN_WORDS, sentence.high - 1):
        if "," in words.between(index) and words.keys[start] == "dass":
            following = words.keys[index + 1]
            if following.endswith("te") and words.raws[index + 1].islower():
                return index + 1
    return sentence.high


def _is_content(sentence: _Sentence, start: int, bare: bool) -> bool:
    """Whether the words behind a comma are what is said."""
    keys = sentence.words.keys
    key = keys[start]
    if key in _CONTENT_OPENERS:
        return True
    relative = key in PREPOSITIONS and keys[start + 1 : start + 2] and keys[start + 1] in RELATIVES
    if key in _NO_CONTENT or relative:
        return False
    if "zu" in keys[start + 1 : sentence.high] or _INFINITIVE.search(keys[sentence.high - 1]):
        return True
    early = keys[start + 1 : start + 8]
    return (bare or key in PRONOUNS) and any(k in FINITE or k in _MODAL for k in early)


# --- English verbs ----------------------------------------------------------------------------


def _english(sentence: _Sentence, verb: int) -> Reported | None:
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
        if entry := _content(sentence, start, _english_end(sentence, start), speaker):
            return entry
    return _english_before(sentence, verb, speaker)


def _english_end(sentence: _Sentence, start: int) -> int:
    """Where what is said ends before another attribution: "…, sources say"."""
    words, high = sentence.words, sentence.high
    if words.keys[high - 1] not in ("say", "says", "said"):
        return high
    ends = (i + 1 for i in range(high - 2, start, -1) if "," in words.between(i))
    return next(ends, high)


def _english_start(sentence: _Sentence, verb: int) -> int | None:
    """The first word of what an English verb reports."""
    keys, high = sentence.words.keys, sentence.high
    for index in range(verb + 1, min(verb + 1 + REACH, high)):
        if keys[index] == "that":
            return index + 1
        if keys[index] in ("of", "about", "amid", "over", "against"):
            break  # "warned of fatigue that may …"
        if "," in sentence.words.between(index) and sentence.words.raws[index + 1].islower():
            break  # "said on Monday, following a report that …"
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
        return verb + 1 if _has_verb(sentence, verb + 2, sentence.high) else None
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
    if keys[index] == "on" and keys[index + 1 : index + 2] and keys[index + 1] in DATES:
        index += 1
    while index < sentence.high and keys[index] in DATES:
        index += 1
    if index == verb + 1 or index >= sentence.high or keys[index] not in _SPEAKABLE:
        return None
    return index


def _has_verb(sentence: _Sentence, start: int, end: int) -> bool:
    """Whether a clause seems to begin at a word, and not only an object ("said the word")."""
    words = sentence.words
    return any(
        words.keys[i] in FINITE
        or (words.raws[i].islower() and words.keys[i].endswith(_VERB_ENDINGS))
        for i in range(start, min(start + REACH, end))
    )


def _english_before(sentence: _Sentence, verb: int, speaker: Phrase) -> Reported | None:
    """ "The order will be appealed, Hartley said", "…, say experts"."""
    words, keys, low = sentence.words, sentence.words.keys, sentence.low
    first = clause_start(words, min(verb, speaker[0]), low)
    if first <= low or words.between(first - 1).strip() != "," or keys[first] in _NO_SPEAKER:
        return None
    if speaker[1] < verb and not _closes(sentence, verb):
        return None
    fronted = keys[low] in PREPOSITIONS or keys[low] in SUBORDINATORS
    if (fronted and first - low < FRONTED_WORDS) or keys[low].endswith("ing"):
        return None
    return _content(sentence, low, first, speaker) if _has_verb(sentence, low, first) else None


def _closes(sentence: _Sentence, verb: int) -> bool:
    """Whether nothing but where, when and to whom stands behind a verb."""
    keys, following = sentence.words.keys, verb + 1
    if following >= sentence.high or keys[verb] in ("told", "tells"):
        return True
    key = keys[following]
    return (
        key in PREPOSITIONS or key in DATES or key in ADVERBS or "," in sentence.words.between(verb)
    )


# --- phrases ----------------------------------------------------------------------------------


def _by_phrase(sentence: _Sentence, index: int, key: str) -> Reported | None:
    """ "laut X", "X zufolge", "nach Angaben von X", "according to X", "…, so X"."""
    words, high = sentence.words, sentence.high
    if key == "zufolge":
        if index == sentence.low or words.keys[index - 1] in BY_WORDS_OF:
            return None  # "eigenen Angaben zufolge"
        speaker = precedes(words, index - 1, sentence.low)
        return _around(sentence, speaker, index) if speaker else None
    first = _source(sentence, index, key)
    if first is None:
        return None
    speaker = follows(words, first, high)
    if speaker is None or speaker[0] > first + 4:
        return None
    if key != "according" and not words.raws[speaker[0]][:1].isupper() and speaker[0] == speaker[1]:
        return None  # "laut sagen"
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
        start = last + 1
        if sentence.words.keys[phrase[0]] == "according":
            commas = range(last, min(last + REACH, sentence.high))
            start = next((i + 1 for i in commas if "," in sentence.words.between(i)), start)
        return _content(sentence, start, sentence.high, speaker)
    if last + 1 < sentence.high and "," not in sentence.words.between(last):
        return _whole(sentence, speaker)
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
    if any(entry.start < title.end for entry in found):
        return found
    if not _MODAL.intersection(words.keys[low:high]) or _is_topic(words, low):
        return found
    said = Reported(words.starts[low], words.ends[high - 1], speaker)
    return [said, *found]


def _is_topic(words: Words, first: int) -> bool:
    """Whether a colon only names the topic: "Merz: Kanzler muss warten"."""
    key = words.keys[first]
    hyphen = words.between(first) in HYPHENS
    return key.endswith(TITLE_ENDINGS) or hyphen
