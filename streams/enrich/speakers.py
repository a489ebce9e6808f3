"""Who speaks: the noun phrase that belongs to a verb of saying.

German puts the verb second, so whatever opens the clause decides on which side of the verb its
subject stands ("Merz sagte", "Am Montag sagte Merz"). English has the subject before the verb, except
directly behind a quotation ("said Musk").

All positions are indices of words; a phrase is a pair of them, the last one included.
"""

from __future__ import annotations

from streams.enrich.clause_words import (
    ADVERBS,
    AUXILIARIES,
    CONJUNCTIONS,
    DATES,
    FINITE,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
    SUBORDINATORS,
)
from streams.enrich.figure_words import DETERMINERS, TITLE_ENDINGS
from streams.enrich.names import given_names
from streams.enrich.speech_words import PARTICIPLES, SPOKES, VERBS
from streams.enrich.words import APOSTROPHES, HYPHENS, Words

__all__ = [
    "PEOPLE",
    "Phrase",
    "breaks",
    "clause_start",
    "follows",
    "fronted",
    "precedes",
    "subject_of",
]

Phrase = tuple[int, int]

PEOPLE = frozenset({"er", "sie", "he", "she"})
"""Pronouns that stand for somebody named before."""

PARENTHESIS_WORDS = 6
"""Words of "(CDU)" behind a name at most."""
LONGEST_PHRASE = 8
"""Words; what is longer was read wrongly."""
_BREAKS = frozenset(',;:!?()[]\n…"„“”«»‚‘›‹')
_DOTTED = frozenset({"mr", "mrs", "ms", "dr", "prof", "sen", "gov", "rep", "st", "gen", "lt", "jr"})
_DETERMINERS = DETERMINERS | {"dessen", "deren"}
# What opens a German clause without being its subject. "Das sagte Merz" counts, "Das Amt" does not.
_FRONTED = PREPOSITIONS | ADVERBS | SUBORDINATORS
_OBJECTS = frozenset(
    {"mehr", "das", "dies", "dazu", "darauf", "daran", "damit", "so", "wortlich", "den", "dem"}
)
_STOPS = (
    frozenset({"who", "which", "whose", "nichts", "nothing", "niemand", "nobody"})
    | PREPOSITIONS
    | CONJUNCTIONS
    | SUBORDINATORS
    | ADVERBS
    | AUXILIARIES
    | PRONOUNS
)
_NO_NOUNS = PREPOSITIONS | CONJUNCTIONS | SUBORDINATORS | ADVERBS
_ROLES = (*TITLE_ENDINGS, *SPOKES, "executive", "officer", "adviser", "advisor", "aide", "lawyer")
_ROLES = (*_ROLES, "ally", "general", "star", "owner", "investor", "director", "editor", "expert")
_NAME_PARTICLES = frozenset({"von", "van", "de", "der", "den", "zu", "bin", "al", "da", "di", "la"})
_VERBAL = ("ed", "ing", "ly")
"""Endings of English words that are no nouns."""
_OF = frozenset({"of", "for", "from", "at", "von", "bei", "der", "des", "vom", "beim", "with"}) | {
    *("in", "im", "aus", "fur", "am")
}


def breaks(words: Words, index: int) -> bool:
    """Whether a clause cannot go on between a word and the next."""
    gap = words.between(index)
    if gap == " ":
        return False
    if gap in HYPHENS or gap in APOSTROPHES:
        return False
    if gap == ". " or gap == ".":
        key = words.keys[index]
        return not (key in _DOTTED or len(key) == 1 or key.isdigit())
    if gap == ":" and words.raws[index + 1].islower():
        return False  # "Kritiker:innen"
    return not gap or not _BREAKS.isdisjoint(gap) or gap.strip() in ("–", "—", "-", "--", "|")


def clause_start(words: Words, index: int, low: int) -> int:
    """The first word of the clause in which a word stands, not before `low`."""
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


def subject_of(words: Words, verb: int, low: int, high: int) -> Phrase | None:
    """The phrase that says something by the verb.

    Args:
        words: of the document.
        verb: index of a word in `VERBS`.
        low: first word that may belong to it, usually that of the sentence.
        high: end of the words that may, exclusive.
    """
    if VERBS[words.keys[verb]].lang == "en":
        return _english_subject(words, verb, low, high)
    return _german_subject(words, verb, low, high)


# --- German -----------------------------------------------------------------------------------


def _german_subject(words: Words, verb: int, low: int, high: int) -> Phrase | None:
    keys = words.keys
    start = clause_start(words, verb, low)
    if keys[verb] in PARTICIPLES or keys[verb].endswith("en"):
        found = next((i for i in range(start, verb) if keys[i] in AUXILIARIES), None)
        if found is not None:
            verb = found
            if keys[verb] in ("wird", "werden", "wurde", "wurden"):
                return None
    if start == verb:
        opening = _resumed(words, verb, low)
        return opening or follows(words, verb + 1, high)
    if keys[start] == "wie":
        return follows(words, start + 1, verb)
    if keys[start] in CONJUNCTIONS and start + 1 < verb:
        start += 1
    if fronted(words, start, verb):
        return follows(words, verb + 1, high)
    return precedes(words, before_parenthesis(words, verb - 1), start)


def fronted(words: Words, start: int, verb: int) -> bool:
    """Whether the words before a German verb, which open the clause, are not its subject."""
    key = words.keys[start]
    if key in _FRONTED or key.endswith(("erweise", "falls")):
        # "Auch Clegg äußerte sich", "Selbst Merz sagte": a particle within the subject.
        particle = key in ("auch", "selbst", "sogar", "nur", "nicht")
        return not (particle and start + 1 < verb)
    return key in _OBJECTS and (verb - start == 1 or key in ("den", "dem"))


def _resumed(words: Words, verb: int, low: int) -> Phrase | None:
    """The subject before an insertion: "Frenz, der X leitet, sagte", "Frenz, Chef von X, sagte"."""
    if verb - low < 3 or "," not in words.between(verb - 1):
        return None
    last = low
    while last < verb and not breaks(words, last):
        if words.keys[last] in FINITE or (words.keys[last] in VERBS and last > low):
            return None
        last += 1
    if last >= verb - 1 or "," not in words.between(last):
        return None
    phrase = follows(words, low, verb)
    named = words.raws[last + 1][:1].isupper()
    if phrase is None or not (named or words.keys[last + 1] in RELATIVES):
        return None
    if named and words.keys[low] in _DETERMINERS and clause_start(words, verb - 1, low) == last + 1:
        return follows(words, last + 1, verb)
    return phrase


# --- English ----------------------------------------------------------------------------------


def _english_subject(words: Words, verb: int, low: int, high: int) -> Phrase | None:
    keys, last = words.keys, verb - 1
    if verb == low or _behind_mark(words, verb):
        return follows(words, verb + 1, high)
    if words.between(verb - 1) == ", " and (phrase := follows(words, verb + 1, high)):
        # "…, say experts." and not "X, who leads Y, said the company would …"
        if phrase[1] + 1 >= high or breaks(words, phrase[1]):
            return phrase
    while last >= low and _beside_verb(words, last) and not breaks(words, last - 1):
        if keys[last] in ("was", "were", "is", "are", "be", "been") and keys[verb] != "saying":
            return None  # "was told", "is said"
        last -= 1
    if last < low:
        return None
    if keys[last] in ("and", "but", "then"):
        return follows(words, clause_start(words, low, low), verb)
    relative = next((i for i in range(last, low, -1) if keys[i] in ("who", "which")), None)
    if relative is not None and "," not in words.text[words.starts[relative] : words.starts[last]]:
        last = relative - 1  # "the man who leads X said"
    if last >= low and "," in words.between(last) and words.between(last).strip() == ",":
        return _before_insertion(words, last, low)
    return precedes(words, last, low) if last >= low else None


def _behind_mark(words: Words, verb: int) -> bool:
    """Whether a closing mark or a comma stands directly before an inverted verb ("…," said X)."""
    gap = words.between(verb - 1).strip()
    return len(gap) > 1 and gap[-1] in "\"”“'’»«"


def _beside_verb(words: Words, index: int) -> bool:
    """Whether a word may stand between an English subject and its verb."""
    key = words.keys[index]
    if not words.raws[index].islower():
        return False
    return key in AUXILIARIES or key in ADVERBS or (key.endswith("ly") and len(key) > 4)


def _before_insertion(words: Words, last: int, low: int) -> Phrase | None:
    """The subject of "X, who leads Y, said" is X, of "The head of Y, X, said" it is the name."""
    start = clause_start(words, last, low)
    name = precedes(words, last, start)
    plain = name is not None and name[0] == start and words.raws[last][:1].isupper()
    if (plain and last > start) or start == low:
        return name
    before = precedes(words, start - 1, clause_start(words, start - 1, low))
    return before or name


# --- phrases ----------------------------------------------------------------------------------


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
    if key in _DETERMINERS or key in _STOPS or key in DATES:
        return key in _NAME_PARTICLES and words.raws[index].islower() and _given(words, index - 1)
    if words.raws[first][:1].isupper():
        # A lower-case word before a name is its title or an adjective; both may stay outside.
        return capital or key.endswith(_ROLES) or key == "s"
    return capital or not (key.endswith(_VERBAL) or key in FINITE)


def _given(words: Words, index: int) -> bool:
    return index >= 0 and words.keys[index] in given_names()


def _headed(words: Words, first: int, last: int, low: int) -> Phrase | None:
    """The phrase, or what it is only the complement of ("the head of Nordwerk" for Nordwerk)."""
    before = first - 1
    while before > low and words.keys[before] in _DETERMINERS and words.keys[before] not in _OF:
        before -= 1
    if before <= low or breaks(words, before) or words.keys[before] not in _OF:
        # "a statement on the platform X said": the head is somewhere before.
        inner = before > low and words.keys[before] in PREPOSITIONS
        return None if inner and words.between(before) == " " else (first, last)
    if breaks(words, before - 1):
        return first, last
    head = before - 1
    if words.keys[head] in _STOPS or words.keys[head] in _DETERMINERS:
        return first, last
    start = head
    while start > low and not breaks(words, start - 1) and _joins_back(words, start - 1, start):
        start -= 1
    return (start, last) if words.keys[head].endswith(SPOKES) else _headed(words, start, head, low)


def follows(words: Words, first: int, high: int) -> Phrase | None:
    """The phrase that begins at a word, behind adverbs and adverbial phrases; None if there is none."""
    first = _skip_adverbials(words, first, high)
    while first < high and words.keys[first] in _DETERMINERS and not breaks(words, first):
        first += 1
    if first >= high:
        return None
    if words.keys[first] in PEOPLE:
        return first, first
    if words.keys[first] in _NO_NOUNS or (
        words.keys[first] in _STOPS and words.raws[first].islower()
    ):
        return None
    last = _last_of(words, first, high)
    return _apposed(words, first, _with_complement(words, last, high), high)


def _skip_adverbials(words: Words, first: int, high: int) -> int:
    """Behind adverbs, and phrases such as "am Montag" and "in einem Interview"."""
    keys = words.keys
    while first < high:
        if keys[first] in ADVERBS or keys[first] in ("sich", "ihm", "dazu"):
            first += 1
        elif keys[first] in PREPOSITIONS and words.raws[first].islower():
            index = first + 1
            while index < high and (keys[index] in _DETERMINERS or words.raws[index].islower()):
                if keys[index] in _STOPS or breaks(words, index):
                    return first
                index += 1
            first = index + 1
            if index >= high or breaks(words, index):
                return high
        else:
            return first
    return first


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
    if gap in APOSTROPHES or gap in HYPHENS:
        return True
    if key in _NAME_PARTICLES and _given(words, last):
        return words.raws[last + 2 : last + 3] != [] and words.raws[last + 2][:1].isupper()
    if key in _STOPS or key in _DETERMINERS or key in VERBS:
        return False
    if not named:
        return not key.endswith(_VERBAL) and key not in FINITE
    if words.keys[last] == "s":
        return True
    # "Trumps stellvertretender Stabschef": what the genitive belongs to is still to come.
    genitive = words.keys[last].endswith("s") and key.endswith(("e", "er", "en", "es"))
    following = words.raws[last + 2 : last + 3]
    return key.endswith(_ROLES) or (genitive and following != [] and following[0][:1].isupper())


def _with_complement(words: Words, last: int, high: int) -> int:
    """For "Sprecher von X" the end of X; a spokesman alone is nobody's."""
    if not words.keys[last].endswith(SPOKES) or last + 2 >= high or breaks(words, last):
        return last
    if words.keys[last + 1] not in _OF:
        return last
    first = last + 2
    while first < high - 1 and words.keys[first] in _DETERMINERS and not breaks(words, first):
        first += 1
    return _last_of(words, first, high)


def _apposed(words: Words, first: int, last: int, high: int) -> Phrase:
    """The name behind a comma instead of the office before it ("the chief executive, X.")."""
    if last > first and words.raws[last - 1][:1].isupper() and words.raws[last][:1].isupper():
        return first, last
    comma = last
    if comma + 1 < high and words.keys[comma + 1] in _OF and not breaks(words, comma):
        while comma + 1 < high and not breaks(words, comma):
            comma += 1
    if comma + 2 >= high or words.between(comma).strip() != ",":
        return first, last
    start = end = comma + 1
    while end < high and words.raws[end][:1].isupper():
        if breaks(words, end):
            return (start, end) if end > start else (first, last)
        end += 1
    return (start, end - 1) if end == high and end - 1 > start else (first, last)
