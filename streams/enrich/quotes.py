"""Who is quoted with what, in German and English news.

Direct speech stands between quotation marks (`streams.enrich.clauses.marks`) and gets a speaker from,
in this order: a colon before it ("Merz sagte: „…“", "Merz: „…“"), what follows it ("“…,” Musk said",
"„…“, so Merz"), the rest of its sentence ("nannte ihn „…“"), the quotation before it ("„…“, sagte
Merz. „…“"). Marks around one to three words are scare quotes, unless they hold a whole utterance
("„Nie wieder!“, rief Merz").

Reported speech has a verb or phrase of saying and no marks (`streams.enrich.clauses.reported`).

"er", "sie", "he" and "she" stand for the speaker of the quotation before, or for whoever opens the
sentence before; a man and a woman, or two men, in that sentence are not told apart. "Der Minister"
and "the company" stay as they are. A quotation within a quotation has a speaker only if one is named
within the outer one.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal, NamedTuple

from streams.enrich.clauses.attribution import Reader, Span, speaker_of
from streams.enrich.clauses.marks import DEPTH_LIMIT, QUOTE_LIMIT, Marked
from streams.enrich.clauses.phrases import PEOPLE, Phrase, follows
from streams.enrich.clauses.reported import Reported, reported
from streams.enrich.clauses.small_words import PRONOUNS
from streams.enrich.text import Document

__all__ = ["QUOTE_LIMIT", "Quotation", "find_quotes"]

SCARE_WORDS = 3
"""Marks around so few words are no quotation."""
OPENING_WORDS = 3
"""Words before a pronoun, among which the same sentence may have named somebody."""
PRONOUN_REACH = 400
"""Characters from a quotation to the next one of the same speaker, who is then "er" or "she"."""

Kind = Literal["direct", "reported"]


class Quotation(NamedTuple):
    """Somebody's words in a document. Offsets are code points, end exclusive."""

    start: int
    end: int
    speaker_start: int | None
    speaker_end: int | None
    kind: Kind


def find_quotes(document: Document) -> tuple[Quotation, ...]:
    """All quotations of a document, in order of their start."""
    reader = Reader(document)
    direct = _direct(reader) if reader.marks else []
    unused = [verb for verb in reader.verbs if verb not in reader.used]
    said = reported(document, reader.marks, unused)
    starts = [quotation.start for quotation in direct]
    found = direct + [
        _quotation(reader, entry.start, entry.end, entry.speaker, "reported")
        for entry in said
        if not _covers(entry, direct, starts)
    ]
    found.sort(key=lambda quotation: quotation[:2])
    return tuple(found)


def _covers(entry: Reported, direct: list[Quotation], starts: list[int]) -> bool:
    """Whether reported speech holds direct speech, which then says it better."""
    before = bisect_left(starts, entry.end)
    return any(
        quotation.end > entry.start for quotation in direct[max(before - DEPTH_LIMIT, 0) : before]
    )


def _quotation(
    reader: Reader, start: int, end: int, phrase: Phrase | None, kind: Kind
) -> Quotation:
    speaker = _named(reader, phrase, start) if phrase else None
    if speaker is None:
        return Quotation(start, end, None, None, kind)
    return Quotation(start, end, speaker[0], speaker[1], kind)


# --- direct speech ----------------------------------------------------------------------------


def _direct(reader: Reader) -> list[Quotation]:
    """Quotations in marks, each with its speaker."""
    found = []
    previous: Marked | None = None
    for mark in reader.marks:
        size = reader.word_at(mark.end) - reader.word_at(mark.start)
        quotation = _quoted(reader, mark, previous, size)
        if quotation is not None:
            found.append(quotation)
            reader.note(mark, quotation.speaker_start, quotation.speaker_end)
        if not mark.nested:
            previous = mark
    return found


def _quoted(reader: Reader, mark: Marked, previous: Marked | None, size: int) -> Quotation | None:
    """What stands between two marks as a quotation; None for scare quotes."""
    if size <= SCARE_WORDS and not _utterance(reader, mark, size):
        return None
    phrase = speaker_of(reader, mark, previous)
    if phrase is None and size <= SCARE_WORDS:
        return None
    return _quotation(reader, mark.start, mark.end, phrase, "direct")


def _utterance(reader: Reader, mark: Marked, size: int) -> bool:
    """Whether so few words are a sentence of their own: "„Nie wieder!“", "„Das reicht nicht“, …"."""
    text = reader.document.text
    if not text[mark.start].isupper():
        return False
    if text[mark.end - 1] in "!?":
        return True
    opens = reader.document.sentences[reader.sentence(mark.start)][0] >= mark.start - 1
    led = text[max(mark.start - 3, 0) : mark.start - 1].strip()[-1:] in (":", ",")
    return (text[mark.end - 1] == "." and (opens or led)) or (size == SCARE_WORDS and opens)


# --- pronouns -----------------------------------------------------------------------------------


def _named(reader: Reader, phrase: Phrase, at: int) -> Span:
    """Offsets of the speaker; for a pronoun, of whom it stands for if that can be told.

    Args:
        reader: the document.
        phrase: the speaker as words.
        at: where the quotation starts; only what stands before it can have been named before.
    """
    words = reader.words
    if words.keys[phrase[0]] in PEOPLE:
        anchor = min(at, words.starts[phrase[0]])
        named = _opener(reader, phrase[0], anchor) or _latest(reader, anchor)
        if named is not None:
            return named
    return words.starts[phrase[0]], words.ends[phrase[1]]


def _opener(reader: Reader, pronoun: int, anchor: int) -> Span | None:
    """The name that opens the sentence of a pronoun, or else the one before, if it is no quotation."""
    number = reader.sentence(anchor)
    if pronoun - reader.word_at(reader.document.sentences[number][0]) >= OPENING_WORDS:
        own = _opening(reader, number)
        if own is not None and own[1] <= anchor:
            return own
    return _opening(reader, number - 1) if number else None


def _opening(reader: Reader, number: int) -> Span | None:
    """The name that opens a sentence."""
    words = reader.words
    start, end = reader.document.sentences[number]
    first, high = reader.word_at(start), reader.word_at(end)
    if first >= high or words.starts[first] > start or not words.raws[first][:1].isupper():
        return None
    phrase = follows(words, first, high)
    if phrase is None or words.keys[phrase[0]] in PRONOUNS or words.keys[first].endswith("ing"):
        return None
    # "Scholz widersprach" names somebody; of "Der Vertrag lief aus" that is not sure.
    if phrase[0] > first and phrase[1] == phrase[0]:
        return None
    return words.starts[phrase[0]], words.ends[phrase[1]]


def _latest(reader: Reader, anchor: int) -> Span | None:
    """The speaker of the quotation before, if that is near."""
    index = bisect_left(reader.spoken, (anchor, (anchor, anchor))) - 1
    if index < 0 or anchor - reader.spoken[index][0] > PRONOUN_REACH:
        return None
    return reader.spoken[index][1]
