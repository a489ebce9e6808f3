"""Which names are too weak to stand alone, and why.

Only names of one word are graded: several words together are rarely anything else. The first of
these that holds is the reason: very short, a given name, a frequent surname, a surname of another
figure too, an ordinary word. What is ordinary is asked of simplemma's dictionaries. They also know
many proper names, so a word counts as ordinary only
    - if it is there without a capital ("trump", "stark"), or
    - in German, if it declines as nouns do: "Vögel" makes "Vogel" one, and "Merz" has nothing but
      a genitive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import simplemma
from msgspec import Struct

from streams.enrich.names import given_names, path_of, spellings, stated_names
from streams.enrich.words import Words, fold
from streams.records import Figure, Name

__all__ = [
    "Surnames",
    "Weakness",
    "Worry",
    "frequent_surnames",
    "ordinary_word",
    "surnames_of",
    "weak_names",
    "weakness",
    "worries",
]

SHORT = 3
"""Letters up to which a word is too short."""
SHORT_ACRONYM = 2
"""The same for capitals: "FTC" is no accident, "EU" may be."""
TELLING = 10
"""Letters from which an ordinary word is most likely a compound that means one thing
("Kartellamt"): still weak, but no oversight of whoever wrote it down."""

Surnames = Mapping[tuple[str, ...], frozenset[str]]
"""Path of a surname to the figure_ids of those who bear it."""

_BESIDE_THE_DICTIONARY = frozenset({"claude", "gemini"})
_NOUN_ENDINGS = ("e", "en", "n", "er", "ern", "es")
_UMLAUT_ENDINGS = ("", "e", "en", "n", "er", "ern")
_UMLAUTS = str.maketrans("aouAOU", "äöüÄÖÜ")
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


class Weakness(Struct, frozen=True):
    """Why a name should not stand alone."""

    kind: Literal["short", "given", "frequent", "shared", "ordinary"]
    reason: str
    """Follows "is": "an ordinary English word"."""


class Worry(Struct, frozen=True):
    """A name that stands alone although it is weak."""

    figure: Figure
    name: Name
    weakness: Weakness
    mild: bool
    """Whether it may well be meant: a surname that is also a word, where world fame decides; a
    figure's own name that dictionaries know as a proper name too; or a long compound."""

    @property
    def is_own(self) -> bool:
        """Whether it is the figure's own name."""
        return path_of(self.name.surface) == path_of(self.figure.name)


def weakness(name: Name, figure_id: str = "", surnames: Surnames | None = None) -> Weakness | None:
    """Say why a name is too weak to stand alone; None if it is not.

    Args:
        name: any name of a figure.
        figure_id: whose it is.
        surnames: those of the watchlist, where that matters.
    """
    path = path_of(name.surface)
    others = (surnames or {}).get(path, frozenset()) - {figure_id}
    if len(path) == 1:
        found = _weak_word(Words(name.surface).raws[0])
        if found is not None and found.kind != "ordinary":
            return found
        if others and name.kind == "surname":
            return Weakness("shared", _shared(others))
        return found
    return Weakness("shared", _shared(others)) if others and name.kind == "surname" else None


def worries(figures: Iterable[Figure]) -> Iterator[Worry]:
    """Every weak name that stands alone, of figures that nobody seems to have thought about.

    A figure with blockers or negative cues has been thought about. So has one with cues, but they
    settle nothing for its own name, nor for a surname that is an ordinary word: both count anyway.
    """
    for figure in figures:
        if not figure.active or figure.blockers or figure.negative_cues:
            continue
        for name in stated_names(figure):
            found = weakness(name) if name.strength == "strong" else None
            if found is None:
                continue
            mild = found.kind == "ordinary" and _is_meant(figure, name)
            worry = Worry(figure, name, found, mild)
            surname = found.kind == "ordinary" and name.kind == "surname"
            if surname or worry.is_own or not figure.cues:
                yield worry


def weak_names(figures: Sequence[Figure]) -> list[str]:
    """Warn of names that stand alone although they are weak, mild worries left out.

    Returns:
        One sentence per name, in the order of the figures.
    """
    return [
        f"{worry.figure.figure_id}: {worry.name.surface!r} is {worry.weakness.reason}, yet it "
        "stands alone; make it `strength: context` and add cues, or add blockers"
        for worry in worries(figures)
        if not worry.mild
    ]


def surnames_of(figures: Iterable[Figure]) -> dict[tuple[str, ...], frozenset[str]]:
    """Who bears which surname, stated or derived; figures that are switched off bear none."""
    found: dict[tuple[str, ...], set[str]] = {}
    for figure in figures:
        if figure.active and figure.kind == "person":
            for name in spellings(figure):
                if name.kind == "surname" and name.strength != "never":
                    found.setdefault(path_of(name.surface), set()).add(figure.figure_id)
    return {path: frozenset(figure_ids) for path, figure_ids in found.items()}


@cache
def frequent_surnames() -> frozenset[str]:
    """Folded frequent surnames, umlauts also spelled out."""
    lines = (Path(__file__).parent / "data" / "surnames.txt").read_text("utf-8").splitlines()
    words = [word for line in lines if not line.startswith("#") for word in line.split()]
    return frozenset(fold(each) for word in words for each in (word, word.translate(_SPELLED_OUT)))


@lru_cache(maxsize=65_536)
def ordinary_word(word: str) -> str:
    """The language in which this is an ordinary word, "English" or "German"; "" if in none."""
    if word.lower() in _BESIDE_THE_DICTIONARY or _is_uncapitalised(word, "en"):
        return "English"
    if _is_uncapitalised(word, "de") or _is_noun(word):
        return "German"
    return ""


def _is_meant(figure: Figure, name: Name) -> bool:
    """Whether an ordinary word is most likely meant to stand alone all the same."""
    if name.kind == "surname" or len(name.surface) >= TELLING:
        return True
    return name.surface == figure.name and _lemma(name.surface, "en")[:1].isupper()


def _weak_word(word: str) -> Weakness | None:
    folded = fold(word)
    if len(folded) <= (SHORT_ACRONYM if word[1:].upper() == word[1:] else SHORT):
        return Weakness("short", "very short")
    if folded in given_names():
        return Weakness("given", "a given name")
    if folded in frequent_surnames():
        return Weakness("frequent", "a frequent surname")
    acronym = len(word) > 1 and word.isupper()  # matches capitals only
    lang = "" if acronym else ordinary_word(word)
    return Weakness("ordinary", f"an ordinary {lang} word") if lang else None


def _shared(figure_ids: frozenset[str]) -> str:
    return f"the surname of {', '.join(sorted(figure_ids))} too"


def _is_uncapitalised(word: str, lang: str) -> bool:
    lower = word.lower()
    lemma = _lemma(lower, lang)
    # Forms such as "ihr laschet" exist for every verb, and are met in no news.
    rare = lang == "de" and lemma != lower and lower.endswith(("et", "est"))
    return lemma[:1].islower() and not rare


def _is_noun(word: str) -> bool:
    capitalised = word[:1].upper() + word[1:].lower()
    lemma = _lemma(capitalised, "de")
    if lemma != capitalised:
        return lemma[:1].isupper()  # an inflected form, such as "Signale"
    return any(_lemma(form, "de") == capitalised for form in _noun_forms(capitalised))


def _noun_forms(noun: str) -> Iterator[str]:
    """What a German noun may look like in other cases and in the plural."""
    yield from (noun + ending for ending in _NOUN_ENDINGS)
    last = max((noun.rfind(vowel) for vowel in "aouAOU"), default=-1)
    if last >= 0:
        umlauted = noun[:last] + noun[last].translate(_UMLAUTS) + noun[last + 1 :]
        yield from (umlauted + ending for ending in _UMLAUT_ENDINGS)


def _lemma(word: str, lang: str) -> str:
    """The dictionary form of a word that the dictionary has; "" for all others.

    The dictionary is read in its small form: a command asks it about some names, once.
    """
    if not word or not simplemma.is_known(word, lang, low_memory=True):
        return ""
    lemma: str = simplemma.lemmatize(word, lang, low_memory=True)
    return lemma
