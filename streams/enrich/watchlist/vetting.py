"""Which names of a knowledge base are worth looking for.

Wikidata collects every name that somebody has ever used: nicknames, abbreviations, phrases. What
would be found everywhere is dropped; what is merely weak is graded like any other name.
"""

from __future__ import annotations

from msgspec import Struct, structs

from streams.enrich.names import path_of
from streams.enrich.watchlist.aliases import Alias
from streams.enrich.watchlist.candidates import Candidate
from streams.enrich.watchlist.checking import LONGEST_PHRASE
from streams.enrich.watchlist.grading import ordinary_word, weakness
from streams.enrich.words import Words
from streams.records import Name

__all__ = ["NAMES_LIMIT", "Dropped", "vetted"]

NAMES_LIMIT = 32
"""Names per figure. Derived spellings must fit beside them (`names.SPELLINGS_LIMIT`)."""
FEWEST_LETTERS = 3


class Dropped(Struct, frozen=True):
    """A name that was not taken."""

    line: int
    figure_id: str
    surface: str
    reason: str
    """Completes "dropped because": "it is an ordinary word"."""


def vetted(candidate: Candidate, figure_id: str) -> tuple[Candidate, tuple[Dropped, ...]]:
    """Leave a candidate only those aliases that are good names.

    A name that is one weak word, such as "Apple", gives way to the first alias around it ("Apple
    Inc."), and becomes an alias that needs support.

    Returns:
        The candidate, and what was dropped.
    """
    name, aliases = _main_name(candidate)
    taken: dict[tuple[str, ...], Alias] = {}
    dropped = []
    for alias in aliases:
        reason = "" if alias.surface == candidate.name else _flaw(alias.surface)
        path = path_of(alias.surface) if not reason else ()
        if not reason and (path == path_of(name) or path in taken):
            continue
        if not reason and len(taken) >= NAMES_LIMIT:
            reason = f"there are {NAMES_LIMIT} better ones"
        if reason:
            dropped.append(Dropped(candidate.line, figure_id, alias.surface, reason))
        else:
            taken[path] = alias
    good = structs.replace(candidate, name=name, aliases=tuple(taken.values()))
    return good, tuple(dropped)


def _main_name(candidate: Candidate) -> tuple[str, tuple[Alias, ...]]:
    name, aliases = candidate.name, candidate.aliases
    if weakness(Name(surface=name, kind="full")) is None:
        return name, aliases
    word = Words(name).keys[0]
    for alias in aliases:
        longer = Words(alias.surface).keys
        if word in longer and len(longer) > 1 and not _flaw(alias.surface):
            return alias.surface, (Alias(surface=name), *aliases)
    return name, aliases


def _flaw(surface: str) -> str:
    """Why a name is not worth looking for; "" if it is."""
    letters = sum(char.isalpha() for char in surface)
    if not letters:
        return "it contains no letters"
    if letters < FEWEST_LETTERS:
        return "it is shorter than three letters"
    if len(surface) > LONGEST_PHRASE or not path_of(surface):
        return "it cannot stand in a text"
    words = Words(surface).raws
    if len(words) == 1 and _is_ordinary(surface):
        return "it is an ordinary word"
    if len(words) > 1 and surface.islower() and all(map(ordinary_word, words)):
        return "it is a phrase of ordinary words"
    return ""


def _is_ordinary(word: str) -> bool:
    found = weakness(Name(surface=word, kind="word"))
    return found is not None and found.kind == "ordinary"
