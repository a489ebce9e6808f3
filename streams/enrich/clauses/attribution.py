"""Whose a quotation is: the words before and behind its marks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from streams.enrich.clauses.marks import Marked, marked
from streams.enrich.clauses.phrases import Phrase, breaks, follows, precedes
from streams.enrich.clauses.small_words import AUXILIARIES, CONJUNCTIONS, FINITE
from streams.enrich.clauses.speech_verbs import PARTICIPLES, Verb, speech_verbs
from streams.enrich.clauses.subjects import subject_of
from streams.enrich.text import Document
from streams.enrich.words import Words

__all__ = ["Reader", "Span", "speaker_of"]

ATTRIBUTION_WORDS = 30
"""Words before or behind a quotation among which its speaker is looked for."""

_LABELS = frozenset(
    {"watch", "live", "video", "exclusive", "opinion", "analysis", "review", "podcast", "update"}
    | {
        "interview",
        "kommentar",
        "analyse",
        "liveblog",
        "eilmeldung",
        "exklusiv",
        "related",
        "report",
    }
)
"""Words before a colon that say what a headline is, not who speaks."""
_POINTERS = frozenset({"das", "dies", "so", "damit", "dazu", "this"})

Span = tuple[int, int]


class Reader:
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

    def note(self, mark: Marked, start: int | None, end: int | None) -> None:
        """Remember who spoke, for the pronouns and quotations that follow."""
        if start is not None and end is not None and not mark.nested:
            self.spoken.append((mark.end, (start, end)))


def speaker_of(reader: Reader, mark: Marked, previous: Marked | None) -> Phrase | None:
    """The phrase that names the speaker of a quotation.

    Args:
        reader: the document.
        mark: the quotation.
        previous: the one before it or, for a nested one, around it.
    """
    low, at, colon = _zone(reader, mark, previous)
    if colon and low < at and (phrase := _before(reader, low, at, colon)):
        return phrase
    if mark.closed and not mark.nested and (phrase := _behind(reader, mark)):
        return phrase
    if low < at:
        return _before(reader, low, at, colon) or _around(reader, mark, low, at)
    return _continued(reader, mark, previous)


# --- what stands before a quotation -----------------------------------------------------------


def _zone(reader: Reader, mark: Marked, previous: Marked | None) -> tuple[int, int, bool]:
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


def _before(reader: Reader, low: int, at: int, colon: bool) -> Phrase | None:
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


def _around(reader: Reader, mark: Marked, low: int, at: int) -> Phrase | None:
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


def _continued(reader: Reader, mark: Marked, previous: Marked | None) -> Phrase | None:
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


# --- what stands behind a quotation -----------------------------------------------------------


def _behind(reader: Reader, mark: Marked) -> Phrase | None:
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


def _clause_end(reader: Reader, first: int) -> int:
    """End, exclusive, of the sentence or of the words up to the next quotation."""
    words, limit = reader.words, min(first + ATTRIBUTION_WORDS, len(reader.words))
    for index in range(first, limit):
        gap = words.between(index)
        if gap != " " and breaks(words, index) and gap.strip() not in (",", "(", ")", "–", "—"):
            return index + 1
    return limit


def _introduced(reader: Reader, first: int, high: int, ended: bool) -> Phrase | None:
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


def _verb_follows(reader: Reader, first: int, high: int, dash: bool) -> Phrase | None:
    """The subject of "Musk said", in English, and in headlines: "„…“: Merz kritisiert Scholz"."""
    words = reader.words
    for verb in range(first, high):
        entry = reader.verbs.get(verb)
        if entry is None:
            continue
        if entry.lang == "de" and not dash:
            return None
        phrase = subject_of(words, verb, first, high)
        if phrase is None or not FINITE.isdisjoint(words.keys[first : phrase[0]]):
            return None
        reader.used.add(verb)
        return phrase
    return None


def _signed(reader: Reader, first: int, high: int, dash: bool) -> Phrase | None:
    """The name behind a dash with nothing after it: "“…” – Elon Musk"."""
    words = reader.words
    phrase = follows(words, first, high) if dash else None
    if phrase is None or not words.raws[phrase[0]][:1].isupper():
        return None
    behind = words.text[words.ends[phrase[1]] :][:2]
    return phrase if not behind.strip() or behind[0] == "\n" else None
