"""Noun phrases and the borders of clauses, in German and English.

All positions are indices of words; a phrase is a pair of them, the last one included. A phrase has
no article, and a long one is only its telling end: of "the billionaire Elon Musk" it is the name.
"""

from __future__ import annotations

from streams.enrich.clauses.small_words import (
    ADVERBS,
    AUXILIARIES,
    CONJUNCTIONS,
    DATES,
    FINITE,
    PREPOSITIONS,
    PRONOUNS,
    SUBORDINATORS,
)
from streams.enrich.clauses.speech_verbs import SPOKES, VERBS
from streams.enrich.figure_words import DETERMINERS, TITLE_ENDINGS
from streams.enrich.names import given_names
from streams.enrich.words import APOSTROPHES, HYPHENS, Words

__all__ = [
    "CLAUSE_WORDS",
    "JOINTS",
    "PEOPLE",
    "Phrase",
    "before_parenthesis",
    "breaks",
    "clause_start",
    "follows",
    "precedes",
]

Phrase = tuple[int, int]

PEOPLE = frozenset({"er", "sie", "he", "she"})
"""Pronouns that stand for somebody named before."""

CLAUSE_WORDS = 60
"""Words of a clause; nothing is looked for further away."""
PARENTHESIS_WORDS = 6
"""Words of "(CDU)" behind a name at most."""
LONGEST_PHRASE = 8
"""Words; what is longer was read wrongly."""

_BREAKS = frozenset(',;:!?()[]\n…"„“”«»‚‘›‹')
_INNER = frozenset(":*_")
"""Marks of both genders within a word: "Kritiker:innen"."""
_DASHES = frozenset({"–", "—", "-", "--", "|"})
_DOTTED = frozenset({"mr", "mrs", "ms", "dr", "prof", "sen", "gov", "rep", "st", "gen", "lt", "jr"})
_DETERMINERS = DETERMINERS | {"dessen", "deren"}
_NO_NOUNS = PREPOSITIONS | CONJUNCTIONS | SUBORDINATORS | ADVERBS
_NOBODY = frozenset({"who", "which", "whose", "nichts", "nothing", "niemand", "nobody"})
_STOPS = (_NO_NOUNS | AUXILIARIES | PRONOUNS | _NOBODY) - {"man"}
_ROLES = (
    *TITLE_ENDINGS,
    *SPOKES,
    *("executive", "officer", "adviser", "advisor", "aide", "lawyer", "ally", "general", "star"),
    *("owner", "investor", "director", "editor", "expert"),
)
_NAME_PARTICLES = frozenset({"von", "van", "de", "der", "den", "zu", "bin", "al", "da", "di", "la"})
_VERBAL = ("ed", "ing", "ly")
"""Endings of English words that are no nouns."""
JOINTS = frozenset(
    {"of", "for", "from", "at", "with", "von", "bei", "der", "des", "vom", "beim"}
    | {"in", "im", "aus", "fur", "am"}
)
"""What joins a noun to the one that it belongs to."""


def breaks(words: Words, index: int) -> bool:
    """Whether a clause cannot go on between a word and the next."""
    gap = words.between(index)
    if gap == " " or gap in HYPHENS or gap in APOSTROPHES:
        return False
    if gap in (". ", "."):
        key = words.keys[index]
        return not (key in _DOTTED or len(key) == 1 or key.isdigit())
    if gap == ":" and words.raws[index + 1].islower():
        return False  # "Kritiker:innen"
    return not gap or not _BREAKS.isdisjoint(gap) or gap.strip() in _DASHES


def clause_start(words: Words, index: int, low: int) -> int:
    """The first word of the clause in which a word stands, not before `low`."""
    low = max(low, index - CLAUSE_WORDS)
    while index > low:
        if not breaks(words, index - 1):
            index -= 1
        elif (opening := before_parenthesis(words, index - 1)) != index - 1 and opening >= low:
            index = opening
        else:
            break
    return index


def before_parenthesis(words: Words, last: int) -> int:
    """The word before "(CDU)" if a parenthesis closes behind a word, or else that word."""
    if words.between(last) != ") ":
        return last
    for index in range(last - 1, max(last - PARENTHESIS_WORDS, -1), -1):
        if "(" in words.between(index):
            return index
    return last


# --- phrases that end at a word ---------------------------------------------------------------


def precedes(words: Words, last: int, low: int) -> Phrase | None:
    """The phrase that ends at a word, and begins at `low` at the earliest."""
    raws, keys = words.raws, words.keys
    if keys[last] in PEOPLE:
        return last, last
    if not raws[last][:1].isupper() and (keys[last] in _STOPS or keys[last].endswith(_VERBAL)):
        return None
    first = last
    while first > low and last - first < LONGEST_PHRASE and not breaks(words, first - 1):
        if not _joins_back(words, first - 1, first):
            break
        first -= 1
    return _headed(words, first, last, low)


def _joins_back(words: Words, index: int, first: int) -> bool:
    """Whether a word belongs to the phrase that begins behind it."""
    key, capital = words.keys[index], words.raws[index][:1].isupper()
    acronym = len(key) > 1 and words.raws[index].isupper()  # "US", not "us"
    if not acronym and (key in _DETERMINERS or key in _STOPS or key in DATES):
        return key in _NAME_PARTICLES and words.raws[index].islower() and _given(words, index - 1)
    if words.raws[first][:1].isupper():
        # A lower-case word before a name is its title or an adjective; both may stay outside.
        return capital or key.endswith(_ROLES) or key == "s"
    return capital or not (key.endswith(_VERBAL) or key in FINITE)


def _given(words: Words, index: int) -> bool:
    return index >= 0 and words.keys[index] in given_names()


def _is_beside(words: Words, index: int) -> bool:
    """Whether a word before a phrase leads to it: an article, an adjective, "platform" in "platform X"."""
    key = words.keys[index]
    if key in JOINTS or key in FINITE or key in VERBS:
        return False
    return key in _DETERMINERS or (words.raws[index].islower() and key not in _STOPS)


def _headed(words: Words, first: int, last: int, low: int) -> Phrase | None:
    """The phrase, or what it is only the complement of ("the head of Nordwerk" for Nordwerk)."""
    before = first - 1
    while before > low and not breaks(words, before) and _is_beside(words, before):
        before -= 1
    if before <= low or breaks(words, before):
        return first, last
    if words.keys[before] not in JOINTS:
        # "a statement on the platform X said": the head is somewhere before.
        return None if words.keys[before] in PREPOSITIONS else (first, last)
    head = before - 1
    if breaks(words, head) or words.keys[head] in _STOPS or words.keys[head] in _DETERMINERS:
        return first, last
    start = head
    while start > low and not breaks(words, start - 1) and _joins_back(words, start - 1, start):
        start -= 1
    return (start, last) if words.keys[head].endswith(SPOKES) else _headed(words, start, head, low)


# --- phrases that begin at a word -------------------------------------------------------------


def follows(words: Words, first: int, high: int) -> Phrase | None:
    """The phrase that begins at a word, behind adverbs and adverbial phrases; None if there is none."""
    high = min(high, first + CLAUSE_WORDS)
    first = _skip_adverbials(words, first, high)
    while first < high and words.keys[first] in _DETERMINERS and not breaks(words, first):
        first += 1
    if first >= high:
        return None
    if words.keys[first] in PEOPLE:
        return first, first
    stops = _STOPS if words.raws[first].islower() else _NO_NOUNS  # "Will" may be a name
    if words.keys[first] in stops:
        return None
    last = _last_of(words, first, high)
    return _apposed(words, first, _with_complement(words, last, high), high)


def _skip_adverbials(words: Words, first: int, high: int) -> int:
    """Behind adverbs, and phrases such as "am Montag" and "in einem Interview"."""
    while first < high:
        key = words.keys[first]
        if key in ADVERBS or key in ("sich", "ihm"):
            first += 1
        elif key in PREPOSITIONS and words.raws[first].islower():
            behind = _behind_adverbial(words, first, high)
            if behind == first:
                break
            first = behind
        else:
            break
    return first


def _behind_adverbial(words: Words, first: int, high: int) -> int:
    """Behind a preposition with its noun; `first` itself if it has none."""
    index = first + 1
    while index < high and (words.keys[index] in _DETERMINERS or words.raws[index].islower()):
        if words.keys[index] in _STOPS or breaks(words, index):
            return first
        index += 1
    return high if index >= high or breaks(words, index) else index + 1


def _last_of(words: Words, first: int, high: int) -> int:
    """The last word of a phrase that begins at `first`."""
    last, named = first, words.raws[first][:1].isupper()
    while last + 1 < high and last - first < LONGEST_PHRASE and not breaks(words, last):
        key, capital = words.keys[last + 1], words.raws[last + 1][:1].isupper()
        if key in DATES:
            break
        if not capital and not _joins(words, last, named):
            break
        last += 1
        named = named or capital
    return last


def _joins(words: Words, last: int, named: bool) -> bool:
    """Whether the lower-case word behind a phrase still belongs to it."""
    key, gap = words.keys[last + 1], words.between(last)
    if gap in APOSTROPHES or gap in HYPHENS or gap in _INNER:
        return True
    if key in _NAME_PARTICLES and (_given(words, last) or words.keys[last] in _NAME_PARTICLES):
        return _is_capital(words, last + 2) or words.keys[last + 2 : last + 3] == ["der"]
    if key in _STOPS or key in _DETERMINERS or key in VERBS:
        return False
    if not named:
        return not key.endswith(_VERBAL) and key not in FINITE
    if words.keys[last] == "s" or key.endswith(_ROLES):
        return True
    # "Trumps stellvertretender Stabschef": what the genitive belongs to is still to come.
    genitive = words.keys[last].endswith("s") and key.endswith(("e", "er", "en", "es"))
    return genitive and _is_capital(words, last + 2)


def _is_capital(words: Words, index: int) -> bool:
    return index < len(words) and words.raws[index][:1].isupper()


def _with_complement(words: Words, last: int, high: int) -> int:
    """For "Sprecher von X" the end of X; a spokesman alone is nobody's."""
    if not words.keys[last].endswith(SPOKES) or last + 2 >= high or breaks(words, last):
        return last
    if words.keys[last + 1] not in JOINTS:
        return last
    first = last + 2
    while first < high - 1 and words.keys[first] in _DETERMINERS and not breaks(words, first):
        first += 1
    return _last_of(words, first, high)


def _apposed(words: Words, first: int, last: int, high: int) -> Phrase:
    """The name behind a comma instead of the office before it ("the chief executive, X.")."""
    if last > first and _is_capital(words, last - 1) and _is_capital(words, last):
        return first, last
    comma = last
    if comma + 1 < high and words.keys[comma + 1] in JOINTS and not breaks(words, comma):
        while comma + 1 < high and not breaks(words, comma):
            comma += 1
    if comma + 2 >= high or words.between(comma).strip() != ",":
        return first, last
    end = comma + 1
    while end < high and _is_capital(words, end) and not breaks(words, end):
        end += 1
    end -= not (end < high and _is_capital(words, end))
    ended = end + 1 >= high or breaks(words, end)
    return (comma + 1, end) if ended and end > comma + 1 else (first, last)
