"""Who is quoted with what, in German and English news.

Direct speech stands between quotation marks (`streams.enrich.quote_marks`) and gets a speaker from,
in this order: a colon before it ("Merz sagte: „…“", "Merz: „…“"), what follows it ("“…,” Musk said",
"„…“, so Merz"), the rest of its sentence ("nannte ihn „…“"), the quotation before it ("„…“, sagte
Merz. „…“"). Marks around one to three words are scare quotes, unless they hold a whole utterance
("„Nie wieder!“, rief Merz").

Reported speech has a verb or phrase of saying and no marks (`streams.enrich.reported`).

"er", "sie", "he" and "she" stand for the speaker of the quotation before, or for whoever opens the
sentence before; a man and a woman, or two men, in that sentence are not told apart. "Der Minister"
and "the company" stay as they are. A quotation within a quotation has a speaker only if one is named
within the outer one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Literal, NamedTuple

from streams.enrich.clause_words import AUXILIARIES, CONJUNCTIONS
from streams.enrich.quote_marks import QUOTE_LIMIT, Marked, marked
from streams.enrich.reported import Reported, reported
from streams.enrich.speakers import (
    PEOPLE,
    Phrase,
    breaks,
    clause_start,
    follows,
    precedes,
    subject_of,
)
from streams.enrich.speech_words import PARTICIPLES, Verb, speech_verbs
from streams.enrich.text import Document
from streams.enrich.words import Words

__all__ = ["QUOTE_LIMIT", "Quotation", "find_quotes"]

SCARE_WORDS = 3
"""Marks around so few words are no quotation."""
ATTRIBUTION_WORDS = 30
"""Words before or behind a quotation among which its speaker is looked for."""
OPENING_WORDS = 3
"""Words before a pronoun, among which the same sentence may have named somebody."""
PRONOUN_REACH = 400
"""Characters from a quotation to the next one of the same speaker, who is then "er" or "she"."""

_LABELS = frozenset(
    """watch live video exclusive opinion analysis review podcast update interview kommentar analyse
    liveblog eilmeldung exklusiv related report""".split()
)
"""Words before a colon that say what a headline is, not who speaks."""
_POINTERS = frozenset({"das", "dies", "so", "damit", "dazu", "this"})


Span = tuple[int, int]


class Quotation(NamedTuple):
    """Somebody's words in a document. Offsets are code points, end exclusive."""

    start: int
    end: int
    speaker_start: int | None
    speaker_end: int | None
    kind: Literal["direct", "reported"]


class _Reader:
    """A document on the way: what has been attributed so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.words: Words = document.words
        self.marks = marked(document.text)
        self.verbs: dict[int, Verb] = speech_verbs(self.words)
        self.used: set[int] = set()
        """Verbs that already belong to a quotation."""
        self.spoken: list[tuple[int, Span]] = []
        """End and speaker of every quotation that has one, so far."""

    def word_at(self, offset: int) -> int:
        """Index of the first word that starts at an offset or behind it."""
        return bisect_left(self.words.starts, offset)

    def sentence(self, offset: int) -> int:
        """Number of the sentence that holds an offset."""
        return max(bisect_right(self.document.sentence_starts, offset) - 1, 0)


def find_quotes(document: Document) -> tuple[Quotation, ...]:
    """All quotations of a document, in order of their start."""
    reader = _Reader(document)
    direct = _direct(reader) if reader.marks else []
    unused = [verb for verb in reader.verbs if verb not in reader.used]
    said = reported(document, reader.marks, unused)
    found = direct + [_quotation(reader, entry) for entry in said if not _covers(entry, direct)]
    return tuple(sorted(found, key=lambda quotation: quotation[:2]))


def _covers(entry: Reported, direct: list[Quotation]) -> bool:
    """Whether reported speech holds direct speech, which then says it better."""
    return any(q.start < entry.end and entry.start < q.end for q in direct)


def _quotation(reader: _Reader, entry: Reported) -> Quotation:
    speaker = _named(reader, entry.speaker, entry.start)
    return Quotation(entry.start, entry.end, *speaker, "reported")


# --- direct speech ----------------------------------------------------------------------------


def _direct(reader: _Reader) -> list[Quotation]:
    found = []
    previous: Marked | None = None
    for mark in reader.marks:
        low, high = reader.word_at(mark.start), reader.word_at(mark.end)
        outer = previous if mark.nested else None
        if high - low > SCARE_WORDS or _utterance(reader, mark, high - low):
            phrase = _speaker(reader, mark, previous)
            if phrase or high - low > SCARE_WORDS:
                speaker = _named(reader, phrase, mark.start)
                found.append(Quotation(mark.start, mark.end, *speaker, "direct"))
                if speaker[0] is not None and not mark.nested:
                    reader.spoken.append((mark.end, speaker))
        previous = outer or mark
    return found


def _utterance(reader: _Reader, mark: Marked, size: int) -> bool:
    """Whether so few words are a sentence of their own: "„Nie wieder!“", "„Das reicht nicht“, …"."""
    text = reader.document.text
    if not text[mark.start].isupper():
        return False
    if text[mark.end - 1] in "!?":
        return True
    opens = reader.document.sentences[reader.sentence(mark.start)][0] >= mark.start - 1
    led = text[max(mark.start - 3, 0) : mark.start - 1].strip()[-1:] in (":", ",")
    return (text[mark.end - 1] == "." and (opens or led)) or (size == SCARE_WORDS and opens)


def _speaker(reader: _Reader, mark: Marked, previous: Marked | None) -> Phrase | None:
    """The phrase that names the speaker of a quotation."""
    low, at, colon = _zone(reader, mark, previous)
    if colon and low < at and (phrase := _before(reader, low, at, colon)):
        return phrase
    if mark.closed and not mark.nested and (phrase := _behind(reader, mark)):
        return phrase
    if low < at:
        return _before(reader, low, at, colon) or _around(reader, mark, low, at)
    return _continued(reader, mark, previous)


def _zone(reader: _Reader, mark: Marked, previous: Marked | None) -> tuple[int, int, bool]:
    """The words of the same sentence before a quotation, and whether a colon leads to it."""
    words, document = reader.words, reader.document
    at = reader.word_at(mark.start)
    if not at:
        return 0, 0, False
    sentences = document.sentences
    number = reader.sentence(words.starts[at - 1])
    start = sentences[number][0]
    lead = document.text[words.ends[at - 1] : mark.start]
    if "\n" in lead or (sentences[number][1] <= mark.start - 1 and ":" not in lead):
        return at, at, False
    if previous is not None:
        start = max(start, previous.start if mark.nested else previous.close)
    low = max(reader.word_at(start), at - ATTRIBUTION_WORDS)
    return min(low, at), at, ":" in lead


def _before(reader: _Reader, low: int, at: int, colon: bool) -> Phrase | None:
    """The speaker in the words before a quotation."""
    words = reader.words
    for verb in range(at - 1, low - 1, -1):
        entry = reader.verbs.get(verb)
        if entry and not (entry.particles and entry.particles.isdisjoint(words.keys[verb:at])):
            phrase = subject_of(words, verb, low, at)
            if phrase:
                reader.used.add(verb)
                return phrase
    if colon:
        phrase = precedes(words, at - 1, low)
        named = phrase is not None and words.keys[phrase[0]] not in _LABELS
        return phrase if phrase and named and phrase[0] - low <= 2 else None
    if words.keys[low] in ("so", "laut"):
        return follows(words, low + 1, at)
    return None


def _around(reader: _Reader, mark: Marked, low: int, at: int) -> Phrase | None:
    """The subject of "hat ihn „…“ genannt", whose verb stands behind the quotation."""
    words = reader.words
    behind = reader.word_at(mark.close)
    verb = next(
        (i for i in range(behind, min(behind + 2, len(words))) if words.keys[i] in PARTICIPLES),
        None,
    )
    if verb is None or "," in words.text[mark.close : words.starts[verb]]:
        return None
    auxiliary = next((i for i in range(low, at) if words.keys[i] in AUXILIARIES), None)
    if auxiliary is None or auxiliary == low:
        return None
    reader.used.add(verb)
    return precedes(words, auxiliary - 1, low) or follows(words, auxiliary + 1, at)


def _continued(reader: _Reader, mark: Marked, previous: Marked | None) -> Phrase | None:
    """The speaker of the quotation before, if nothing but the attribution stands between."""
    if previous is None or mark.nested or not reader.spoken:
        return None
    ended, (start, end) = reader.spoken[-1]
    between = reader.document.text[ended : mark.start]
    if "\n" in between or previous.end != ended:
        return None
    low, high = reader.word_at(ended), reader.word_at(mark.start)
    sentences = reader.sentence(mark.start) - reader.sentence(ended)
    if high - low > ATTRIBUTION_WORDS // 2 or sentences > 2:
        return None
    return reader.word_at(start), reader.word_at(end) - 1


# --- what follows a quotation -------------------------------------------------------------------


def _behind(reader: _Reader, mark: Marked) -> Phrase | None:
    """The speaker in the words behind a quotation."""
    words, text = reader.words, reader.document.text
    first = reader.word_at(mark.close)
    if first >= len(words):
        return None
    lead = text[mark.close : words.starts[first]]
    if "\n" in lead or len(lead) > 4 or any(sign in lead for sign in '"„“«»‚(;'):
        return None
    high = _clause_end(reader, first)
    ended = "," not in lead and text[mark.close - 2] in ".!?…"
    dash = any(sign in lead for sign in "–—-:|")
    phrase = _introduced(reader, first, high, ended)
    if phrase or (ended and text[mark.close - 2] in ".…" and not dash):
        return phrase
    if "." in lead or words.keys[first] in CONJUNCTIONS:
        return None
    return _verb_follows(reader, first, high, dash) or _signed(reader, first, high, dash)


def _clause_end(reader: _Reader, first: int) -> int:
    """End, exclusive, of the sentence or of the words up to the next quotation."""
    words, limit = reader.words, min(first + ATTRIBUTION_WORDS, len(reader.words))
    for index in range(first, limit):
        gap = words.between(index)
        if gap != " " and breaks(words, index) and gap.strip() not in (",", "(", ")", "–", "—"):
            return index + 1
    return limit


def _introduced(reader: _Reader, first: int, high: int, ended: bool) -> Phrase | None:
    """The phrase behind a word that announces it: "sagte Merz", "so Merz", "wie Merz sagte"."""
    words = reader.words
    key, raw = words.keys[first], words.raws[first]
    if key == "so" and not ended and raw == "so":
        return follows(words, first + 1, high)
    if key == "laut" or (key == "according" and words.keys[first + 1 : first + 2] == ["to"]):
        return follows(words, first + (1 if key == "laut" else 2), high)
    if first in reader.verbs:
        reader.used.add(first)
        return follows(words, first + 1, high)
    if key in _POINTERS and first + 1 < high and first + 1 in reader.verbs:
        reader.used.add(first + 1)
        return follows(words, first + 2, high)
    if (key == "wie" or key in AUXILIARIES) and raw.islower():
        verb = next((i for i in range(first + 1, high) if i in reader.verbs), None)
        if verb is not None:
            reader.used.add(verb)
            return follows(words, first + 1, verb)
    return None


def _verb_follows(reader: _Reader, first: int, high: int, dash: bool) -> Phrase | None:
    """The subject of "Musk said", in English, and in headlines: "„…“: Merz kritisiert Scholz"."""
    words = reader.words
    for verb in range(first, high):
        entry = reader.verbs.get(verb)
        if entry is None:
            continue
        if entry.lang == "de" and not dash:
            return None
        phrase = subject_of(words, verb, first, high)
        if phrase is None or clause_start(words, phrase[0], first) != first:
            return None
        reader.used.add(verb)
        return phrase
    return None


def _signed(reader: _Reader, first: int, high: int, dash: bool) -> Phrase | None:
    """The name behind a dash with nothing after it: "“…” – Elon Musk"."""
    words = reader.words
    phrase = follows(words, first, high) if dash else None
    if phrase is None or not words.raws[phrase[0]][:1].isupper():
        return None
    behind = words.text[words.ends[phrase[1]] :][:2]
    return phrase if not behind.strip() or behind[0] == "\n" else None


# --- pronouns -----------------------------------------------------------------------------------


def _named(reader: _Reader, phrase: Phrase | None, at: int) -> Span | tuple[None, None]:
    """Offsets of the speaker; for a pronoun, of whom it stands for if that can be told.

    Args:
        reader: the document.
        phrase: the speaker as words.
        at: where the quotation starts; only what stands before it can have been named before.
    """
    words = reader.words
    if phrase is None:
        return None, None
    if words.keys[phrase[0]] in PEOPLE:
        anchor = min(at, words.starts[phrase[0]])
        named = _opener(reader, phrase[0], anchor) or _latest(reader, anchor)
        if named is not None:
            return named
    return words.starts[phrase[0]], words.ends[phrase[1]]


def _opener(reader: _Reader, pronoun: int, anchor: int) -> Span | None:
    """The name that opens the sentence of a pronoun, or else the one before, if it is no quotation."""
    number = reader.sentence(anchor)
    if pronoun - reader.word_at(reader.document.sentences[number][0]) >= OPENING_WORDS:
        own = _opening(reader, number)
        if own is not None and own[1] < reader.words.starts[pronoun]:
            return own
    return _opening(reader, number - 1) if number else None


def _opening(reader: _Reader, number: int) -> Span | None:
    """The name that opens a sentence."""
    words = reader.words
    start, end = reader.document.sentences[number]
    first, high = reader.word_at(start), reader.word_at(end)
    if first >= high or words.starts[first] > start or not words.raws[first][:1].isupper():
        return None
    phrase = follows(words, first, high)
    if phrase is None or words.keys[phrase[0]] in PEOPLE or words.keys[first].endswith("ing"):
        return None
    # "Scholz widersprach" names somebody; of "Der Vertrag lief aus" that is not sure.
    if phrase[0] > first and phrase[1] == phrase[0]:
        return None
    return words.starts[phrase[0]], words.ends[phrase[1]]


def _latest(reader: _Reader, anchor: int) -> Span | None:
    """The speaker of the quotation before, if that is near."""
    index = bisect_left(reader.spoken, (anchor, (anchor, anchor))) - 1
    if index < 0 or anchor - reader.spoken[index][0] > PRONOUN_REACH:
        return None
    return reader.spoken[index][1]
