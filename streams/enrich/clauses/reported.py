"""Reported speech: what somebody said, without quotation marks.

A verb of saying with what follows or precedes it ("Merz sagte, er …", "Er wolle …, sagte Merz",
"Musk told reporters that …", "…, Musk said"), a phrase ("laut Merz", "nach Angaben von Merz",
"according to Musk"), or a name with a colon that opens a headline or a block ("Merz: Wir müssen …").

Only verbs outside quotation marks count, and of each sentence only the first. Without a
"dass"/"that" the words behind the comma must look like a clause of their own, so "Er sagte Termine
ab, die …" is no speech; "announced a plan" is none either.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter

from streams.enrich.clauses.marks import QUOTE_LIMIT, Marked
from streams.enrich.clauses.phrases import Phrase, follows, precedes
from streams.enrich.clauses.reporting import (
    CLAIMS,
    MIN_WORDS,
    REACH,
    Reported,
    Sentence,
    by_verb,
    content,
    sentence_of,
    whole,
)
from streams.enrich.clauses.small_words import PREPOSITIONS
from streams.enrich.clauses.speech_verbs import BY_WORDS_OF
from streams.enrich.figure_words import TITLE_ENDINGS
from streams.enrich.text import Document
from streams.enrich.words import HYPHENS, Words

__all__ = ["Reported", "reported"]

SIGNS_TRIED = 6
"""Verbs and phrases of one sentence."""

_CUES = frozenset({"laut", "zufolge", "according", "so", "nach"})


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
    tries: Counter[int] = Counter()
    for index in sorted([*verbs, *_phrases(words)]):
        offset = words.starts[index]
        at = bisect_right(starts, offset) - 1
        number = max(bisect_right(document.sentence_starts, offset) - 1, 0)
        if (at >= 0 and offset < outer[at].end) or tries[number] >= SIGNS_TRIED:
            continue
        tries[number] += 1
        entry = _said(sentence_of(document, number), index)
        if entry is not None and entry.end - entry.start <= QUOTE_LIMIT:
            tries[number] = SIGNS_TRIED
            found.append(entry)
    return _headed(document, outer, found)


def _said(sentence: Sentence, index: int) -> Reported | None:
    key = sentence.words.keys[index]
    return _by_phrase(sentence, index, key) if key in _CUES else by_verb(sentence, index)


def _phrases(words: Words) -> list[int]:
    """The words that may belong to a phrase of source."""
    if _CUES.isdisjoint(words.keys):
        return []
    return [index for index, key in enumerate(words.keys) if key in _CUES]


# --- phrases ----------------------------------------------------------------------------------


def _by_phrase(sentence: Sentence, index: int, key: str) -> Reported | None:
    """What a phrase reports: "laut X", "X zufolge", "nach Angaben von X", "according to X", "so X"."""
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
        ends = ends or words.keys[speaker[1] + 1] in PREPOSITIONS
        return content(sentence, sentence.low, index, speaker) if ends else None
    return _around(sentence, (index, speaker[1]), speaker[1], speaker)


def _source(sentence: Sentence, index: int, key: str) -> int | None:
    """The first word behind a phrase that announces a source."""
    words, keys, high = sentence.words, sentence.words.keys, sentence.high
    following = keys[index + 1] if index + 1 < high else ""
    if key == "according":
        return index + 2 if following == "to" else None
    if key == "so":
        inside = index > sentence.low and "," in words.between(index - 1)
        return index + 1 if inside and words.raws[index] == "so" else None
    at = next((i for i in range(index + 1, min(index + 4, high)) if keys[i] in BY_WORDS_OF), None)
    if at is not None and "eigenen" in keys[index:at]:
        return None
    if at is not None:
        return at + 2 if keys[at + 1 : at + 2] in (["von"], ["vom"]) else at + 1
    return index + 1 if key == "laut" else None


def _around(
    sentence: Sentence, phrase: Phrase | None, last: int, speaker: Phrase | None = None
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
        return content(sentence, start, sentence.high, speaker)
    if last + 1 < sentence.high and "," not in sentence.words.between(last):
        return whole(sentence, speaker)
    return content(sentence, sentence.low, phrase[0], speaker)


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
    if not CLAIMS.intersection(words.keys[low:high]) or _is_topic(words, low):
        return found
    said = Reported(words.starts[low], words.ends[high - 1], speaker)
    return [said, *found]


def _is_topic(words: Words, first: int) -> bool:
    """Whether a colon only names the topic: "Merz: Kanzler muss warten"."""
    key = words.keys[first]
    hyphen = words.between(first) in HYPHENS
    return key.endswith(TITLE_ENDINGS) or hyphen
