"""What an item is about, as a handful of weighted keys that two items of the same news share.

Words are cut to their beginnings, which takes inflection away in German and English alike. A key's weight
is its inverse document frequency in a fixed collection, never in the stream: two items are as alike
whatever came before them. Names, numbers and figures are the same in every language.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from streams.enrich.memo import Memo
from streams.records import EnrichedItem

__all__ = [
    "FREQUENCIES",
    "KEYS",
    "LEAD_WORDS",
    "Term",
    "Word",
    "cut",
    "is_name",
    "is_neutral",
    "key_of",
    "looked_up",
    "terms_of",
    "words_of",
]

FREQUENCIES = Path(__file__).parent / "data" / "term_frequencies.txt"

KEYS = 24
"""Keys kept of an item, the heaviest ones."""

LEAD_WORDS = 60
"""Words read behind the title: leads tell the news, what follows tells its background."""

CUT = 7
"""Letters of a word that count: "regulierung", "regulieren"."""

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_NAME_WEIGHT = 1.3
"""A name is worth more than another word as rare."""
_FIGURE_WEIGHT = 3.0
"""Whom desks watch is in the news daily, so that alone says little."""
_NEUTRAL = 1
_NAME = 2


Term = tuple[int, float]
"""A key with its weight. Of the key, the lowest bit is set where every language writes it alike, the next one where it
stands for a name, whose words are keys of their own. A bare tuple, for the garbage collector leaves those alone that
hold nothing but numbers, and the window has millions."""


class Word(NamedTuple):
    """What is known of a word as it stands in a text."""

    folded: str
    """In small letters."""
    term: Term | None
    """None where it says nothing about the news."""
    weight: float
    """How rare it is: 0 for those that stand in every text, 9 for unknown ones."""
    fact: int
    """A key of what may fill a slot, odd for a number; -1 for words that are neither number nor name."""


def is_neutral(key: int) -> bool:
    """Whether a key is the same in every language."""
    return bool(key & _NEUTRAL)


def is_name(key: int) -> bool:
    """Whether a key stands for a figure or entity."""
    return bool(key & _NAME)


def words_of(text: str) -> list[str]:
    """Words and numbers, in small letters."""
    return _WORD.findall(text.casefold())


def cut(word: str) -> str:
    """A word without its ending; umlauts as they are without their dots, so that plurals agree."""
    plain = word.translate(_PLAIN)
    return plain[:CUT] if len(plain) > CUT else plain


_PLAIN = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "é": "e", "è": "e", "á": "a", "ç": "c"})


@cache
def _frequencies() -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Texts per language and term, and texts per language."""
    terms: dict[str, dict[str, int]] = {}
    documents: dict[str, int] = {}
    for line in FREQUENCIES.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        lang, term, number = line.split("\t")
        if term:
            terms.setdefault(lang, {})[term] = int(number)
        else:
            documents[lang] = int(number)
    return terms, documents


def looked_up(words: Sequence[str], lang: str) -> list[Word]:
    """What is known of words, in their order."""
    return _words.of([f"{lang} {word}" for word in words])


def _looked_up(word: str) -> Word:
    """What is known of a word behind its language."""
    lang, _, written = word.partition(" ")
    folded = written.casefold()
    term = _term(folded, lang)
    is_number = written[0].isdigit()
    fills = is_number or written[0].isupper()
    fact = key_of(folded) & ~1 | is_number if fills else -1
    return Word(folded, term, term[1] if term else 0.0, fact)


_words = Memo(_looked_up)
"""Of all languages, which a stream may have dozens of: 300 bytes each."""


def _term(word: str, lang: str) -> Term | None:
    """The key of a word; None where it says nothing about the news."""
    if word[0].isdigit():
        return _number(word)
    if len(word) < 3:
        return None
    terms, documents = _frequencies()
    term = cut(word)
    total = documents.get(lang, 0) or max(documents.values())
    weight = math.log(total / terms.get(lang, {}).get(term, 1)) if lang in terms else 5.0
    return (key_of(f"{lang} {term}") & ~(_NEUTRAL | _NAME), weight) if weight >= 3.0 else None


def _number(word: str) -> Term | None:
    """Numbers with at least two digits; a year says when, which the time of an item says better."""
    digits = re.sub(r"\D", "", word)
    if len(digits) < 2 or (len(word) == 4 and word.startswith(("19", "20"))):
        return None
    return key_of(f"# {digits}") & ~_NAME | _NEUTRAL, 5.0


def key_of(text: str) -> int:
    """A 32-bit key of a text, the same in every process."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def terms_of(enriched: EnrichedItem, words: Iterable[Word]) -> tuple[Term, ...]:
    """The heaviest keys of an item, `KEYS` at most, heaviest first.

    Args:
        enriched: the item.
        words: of its title and the beginning of what follows.
    """
    watched = _watched(enriched)
    found = {
        term[0]: term for folded, term, _, _ in words if term is not None and folded not in watched
    }
    for term in _names(enriched):
        found[term[0]] = term
    return tuple(sorted(found.values(), key=_by_weight)[:KEYS])


def _watched(enriched: EnrichedItem) -> set[str]:
    """Words that name a watched figure, for which its own key stands."""
    surfaces = {mention.surface for figure in enriched.figures for mention in figure.mentions}
    return {word for surface in surfaces for word in words_of(surface)}


def _by_weight(term: Term) -> tuple[float, int]:
    return -term[1], term[0]


def _names(enriched: EnrichedItem) -> list[Term]:
    """Keys of figures and entities."""
    terms = [_figure(figure.figure_id) for figure in enriched.figures]
    for entity in enriched.entities:
        words = () if entity.figure_id else words_of(entity.name or entity.text)
        if words:
            terms.append(_name(words[-1], enriched.item.lang))
    return terms


# Terms of frequent names are shared by all items that hold them: the window keeps very many.
@lru_cache(maxsize=16_384)
def _figure(figure_id: str) -> Term:
    return key_of(f"@ {figure_id}") | _NEUTRAL | _NAME, _FIGURE_WEIGHT


@lru_cache(maxsize=16_384)
def _name(last: str, lang: str) -> Term:
    """The last word of a name stands for it: "Mark Zuckerberg", "Zuckerberg"."""
    term = _term(last, lang)
    weight = term[1] if term else _FIGURE_WEIGHT
    return key_of(f"= {cut(last)}") | _NEUTRAL | _NAME, weight * _NAME_WEIGHT
