"""Where in its clause a name stands: as subject, as object, or as part of a longer phrase.

A phrase is walked back to its first word (titles, adjectives, an article); what stands before that
decides. German has its verb second, so a name behind the verb is the subject exactly if something
else opens the clause ("Am Montag verkaufte X …"). English subjects stand before their verb.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from streams.enrich.clauses.finite import CLOSED, is_verb, verb_follows
from streams.enrich.clauses.phrases import CLAUSE_WORDS, breaks, clause_start
from streams.enrich.clauses.small_words import (
    ADVERBS,
    AUXILIARIES,
    DATES,
    FINITE,
    JOINING,
    PREPOSITIONS,
    PRONOUNS,
    SUBORDINATORS,
    folded,
)
from streams.enrich.clauses.speech_verbs import VERBS
from streams.enrich.clauses.subjects import fronted
from streams.enrich.figure_words import ACTS, DETERMINERS, TITLE_ENDINGS
from streams.enrich.words import Words

__all__ = ["Place", "Scene", "modifies", "part_in_clause"]

GLANCE = 8
"""Words to both sides that tell whether a headline writes every word with a capital."""
LIST_NAMES = 3
"""Names of a list, from which on none of them is what the sentence is about."""

_STANDS_FOR = folded("""
    regierung administration lager team konzern aktie aktien kabinett verwaltung partei firma
    unternehmen wahlkampf kampagne shares stock campaign camp government cabinet company group
    politik zölle gesetz ära plan pläne
""")
"""Nouns that stand, with the name before them, for the figure itself."""
_PARTS = (
    *TITLE_ENDINGS,
    *("adviser", "advisor", "aide", "ally", "executive", "officer", "lawyer", "board", "offer"),
    *("deal", "users", "employee", "employees", "app", "platform"),
)
_BETWEEN = (ADVERBS | PRONOUNS) - SUBORDINATORS
_NO_NAMES = ACTS | CLOSED
_EXAMPLES = frozenset(
    {"like", "unlike", "including", "than", "darunter", "inklusive", "einschliesslich"}
)
_AGENTS = frozenset({"von", "by", "durch"})
_PASSIVE = frozenset({"wird", "werden", "wurde", "wurden", "worden", "sei", "ist", "sind"})
_ABSTRACT = ("ung", "ion", "heit", "keit", "schaft", "nahme", "tritt", "kritik")
_ADJECTIVE_ENDINGS = ("e", "en", "er", "em", "es")
_PARTICIPLE_ENDINGS = ("t", "en", "n", "ed", "te", "ten", "ter", "tes", "ene", "enen", "ener", "d")

Part = Literal["subject", "object", "passing"]


class Place(NamedTuple):
    """A name as words, the last one included."""

    first: int
    last: int


class Scene(NamedTuple):
    """A text and the names in it."""

    words: Words
    english: bool
    taken: set[int]
    """Last words of all names."""
    places: dict[tuple[int, int], Place]
    """Offsets of a name to its words."""


# --- compounds --------------------------------------------------------------------------------


def modifies(scene: Scene, place: Place, compound: str) -> Literal["", "part", "stands for it"]:
    """Whether a name is only the first or last part of a compound, and of which kind."""
    words = scene.words
    if compound == "tail":
        return "part"
    following = place.last + 1
    if following >= len(words):
        return ""
    key = words.keys[following]
    if compound == "head":
        return "stands for it" if key in _STANDS_FOR else "part"
    if words.between(place.last) != " ":
        return ""
    if key in _STANDS_FOR:
        return "stands for it"
    if not scene.english:
        return ""
    return "part" if _is_noun(scene, place, following) or _is_longer(scene, following) else ""


def _is_noun(scene: Scene, place: Place, following: int) -> bool:
    """Whether an English word behind a name is a noun that the name modifies."""
    words = scene.words
    key = words.keys[following]
    if not words.raws[following].islower() or key in CLOSED or key in FINITE or key in VERBS:
        return False
    if key.endswith(_PARTS):
        return True
    articled = place.first > 0 and words.keys[place.first - 1] in ("the", "a", "an")
    return articled and not key.endswith(("ed", "ing"))


def _is_longer(scene: Scene, following: int) -> bool:
    """Whether an English name goes on with capitals ("X Billionaires Club"), headlines apart."""
    words = scene.words
    capital = words.raws[following][:1].isupper()
    if not capital or words.keys[following] in _NO_NAMES or _starts(scene, following):
        return False
    around = range(max(following - GLANCE, 0), min(following + GLANCE, len(words)))
    return any(words.raws[i].islower() and words.keys[i] not in CLOSED for i in around)


def _starts(scene: Scene, index: int) -> bool:
    """Whether a name starts at a word."""
    return any(place.first == index for place in scene.places.values())


# --- subject or object ------------------------------------------------------------------------


def part_in_clause(scene: Scene, place: Place, sentence: tuple[int, int], in_title: bool) -> Part:
    """What a name is in its clause.

    Args:
        scene: the text.
        place: the name.
        sentence: the words of its sentence, end exclusive.
        in_title: headlines may leave the verb out.
    """
    low, high = sentence
    if _listed(scene.words, place, low, high) >= LIST_NAMES:
        return "passing"
    first = _phrase_start(scene, place.first, low)
    while True:
        before = first - 1
        if before < low or breaks(scene.words, before):
            return _opening(scene, first, place, sentence, in_title)
        key = scene.words.keys[before]
        joined = key in JOINING and before > low and scene.words.raws[before - 1][:1].isupper()
        if joined and not breaks(scene.words, before - 1):
            first = _phrase_start(scene, before - 1, low)
        elif key in _BETWEEN and before not in scene.taken:
            first = before
        else:
            return _behind(scene, before, place, sentence)


def _phrase_start(scene: Scene, first: int, low: int) -> int:
    """The first word of the phrase that ends in a name: its titles, adjectives and article."""
    words, name = scene.words, first
    while first > low and not breaks(words, first - 1):
        before = first - 1
        key = words.keys[before]
        beside = first == name and not words.hyphen_after(before)
        if key in DATES or (beside and before in scene.taken):
            return first  # "traf X Y" are two names, "Y-Chef X" and "Y chief X" are one phrase
        if key in DETERMINERS and key not in SUBORDINATORS and (scene.english or key != "an"):
            return before
        if not _belongs(words, before, low):
            return first
        first = before
    return first


def _belongs(words: Words, index: int, low: int) -> bool:
    """Whether the word before a name, no article, is part of its phrase."""
    key = words.keys[index]
    if key in CLOSED or key in AUXILIARIES:
        return False
    if words.raws[index][:1].isupper() or key.endswith(TITLE_ENDINGS) or key == "former":
        return True
    return _articled(words, index, low) and key.endswith(_ADJECTIVE_ENDINGS) and key not in FINITE


def _articled(words: Words, index: int, low: int) -> bool:
    """Whether an article or a genitive stands before a word: "Veltrons früherer Chef X"."""
    if index <= low or breaks(words, index - 1):
        return False
    key = words.keys[index - 1]
    genitive = key.endswith("s") and words.raws[index - 1][:1].isupper() and key not in CLOSED
    return genitive or key in DETERMINERS


def _opening(
    scene: Scene, first: int, place: Place, sentence: tuple[int, int], in_title: bool
) -> Part:
    """A phrase that opens its clause."""
    words, (low, high) = scene.words, sentence
    if _is_relative(scene, first, place, low):
        return "object"
    if verb_follows(words, place.last, high):
        return "subject"
    if in_title and (first == low or ":" in words.between(first - 1)):
        return "subject"
    return "subject" if _is_apposed(words, first, place, low, high) else "object"


def _is_relative(scene: Scene, first: int, place: Place, low: int) -> bool:
    """Whether "der" before a name is the subject of a clause of its own: ", der X gratulierte"."""
    article = low < first < place.first and scene.words.keys[first] == "der"
    return article and not scene.english


def _is_apposed(words: Words, first: int, place: Place, low: int, high: int) -> bool:
    """Whether a name between commas belongs to the subject before: "Der Chef von X, Y, will"."""
    following = place.last + 1
    if first <= low or following >= high or words.keys[low] in PREPOSITIONS:
        return False
    if words.between(first - 1) != ", " or words.between(place.last) != ", ":
        return False
    if first - low > CLAUSE_WORDS or not is_verb(words, following):
        return False
    return not any(is_verb(words, index) for index in range(low, first))


def _behind(scene: Scene, before: int, place: Place, sentence: tuple[int, int]) -> Part:
    """A phrase behind a word of its clause."""
    words, low = scene.words, sentence[0]
    key = words.keys[before]
    if key in _EXAMPLES or _is_example(words, before, low):
        return "passing"
    if key in _AGENTS:
        return "subject" if _is_agent(scene, before, place, sentence) else "object"
    if key in SUBORDINATORS:
        return _subordinate(scene, before, place, sentence)
    if key in PREPOSITIONS or before in scene.taken:
        return "object"
    if scene.english:
        return _english(scene, before, place, sentence)
    return _german(words, before, low)


def _german(words: Words, before: int, low: int) -> Part:
    """A name behind a verb in German: the subject if something else opens the clause."""
    if not words.raws[before].islower() and before > low:
        return "object"
    start = clause_start(words, before, low)
    return "subject" if start == before or fronted(words, start, before) else "object"


def _is_example(words: Words, before: int, low: int) -> bool:
    """Whether a name is only an example: "Milliardäre wie X", "such as X", "anders als X"."""
    key = words.keys[before]
    previous = words.keys[before - 1] if before > low else ""
    if key == "wie":
        return before > low and not breaks(words, before - 1)
    return (key == "as" and previous == "such") or (key == "als" and previous == "anders")


def _subordinate(scene: Scene, before: int, place: Place, sentence: tuple[int, int]) -> Part:
    """A name behind a conjunction: the subject if a verb follows, at once or at the clause's end."""
    words, high = scene.words, sentence[1]
    if verb_follows(words, place.last, high):
        return "subject"
    last = place.last
    while last + 1 < min(high, place.last + CLAUSE_WORDS) and not breaks(words, last):
        last += 1
    ended = last > place.last and is_verb(words, last)
    return "subject" if ended and not scene.english else "object"


def _english(scene: Scene, before: int, place: Place, sentence: tuple[int, int]) -> Part:
    """A name behind a verb or noun in English."""
    words, low = scene.words, sentence[0]
    key = words.keys[before]
    if key in AUXILIARIES and (before == low or words.keys[before - 1] in SUBORDINATORS):
        return "subject"  # "Will X resign?"
    verbal = words.raws[before].islower() and key.endswith(("ed", "s", "ing"))
    if verbal or key in FINITE or key in VERBS:
        return "object"
    return "subject" if verb_follows(words, place.last, sentence[1]) else "object"


# --- agents -------------------------------------------------------------------------------------


def _is_agent(scene: Scene, before: int, place: Place, sentence: tuple[int, int]) -> bool:
    """Whether "von X" or "by X" names who acts."""
    words, (low, high) = scene.words, sentence
    previous = words.keys[before - 1] if before > low else ""
    if scene.english or words.keys[before] == "by":
        return previous in FINITE or previous.endswith(("ed", "en", "n", "t"))
    if previous.endswith(_ABSTRACT):
        return False
    if _is_participle(words, before - 1) or _is_participle(words, place.last + 1):
        return place.last + 1 < high
    start = clause_start(words, before, low)
    return not _PASSIVE.isdisjoint(words.keys[start:before])


def _is_participle(words: Words, index: int) -> bool:
    """Whether a German word looks like a past participle, inflected or not."""
    if not 0 <= index < len(words) or not words.raws[index].islower():
        return False
    key = words.keys[index]
    if key in CLOSED or key in FINITE or not key.endswith(_PARTICIPLE_ENDINGS):
        return False
    return "ge" in key or key.startswith(("be", "ver", "ent", "er", "zer", "uber", "unter"))


# --- lists --------------------------------------------------------------------------------------


def _listed(words: Words, place: Place, low: int, high: int) -> int:
    """How many items the list has in which a name stands; 1 without a list."""
    return 1 + _items_before(words, place.first, low) + _items_behind(words, place.last, high)


def _items_before(words: Words, first: int, low: int) -> int:
    count = 0
    while count < LIST_NAMES and first > low:
        before, gap = first - 1, words.between(first - 1)
        if words.keys[before] in JOINING and before > low:
            before, gap = before - 1, ", "
        if gap != ", " or not words.raws[before][:1].isupper():
            break
        first, count = before, count + 1
        while first > low and words.between(first - 1) == " " and _is_name(words, first - 1):
            first -= 1
    return count


def _items_behind(words: Words, last: int, high: int) -> int:
    count = 0
    while last + 1 < high and count < LIST_NAMES:
        following, gap = last + 1, words.between(last)
        joined = words.keys[following] in JOINING and gap in (" ", ", ") and following + 1 < high
        if joined:
            return count + 1
        if gap != ", " or not words.raws[following][:1].isupper():
            break
        last, count = following, count + 1
        while last + 1 < high and words.between(last) == " " and _is_name(words, last + 1):
            last += 1
    return count


def _is_name(words: Words, index: int) -> bool:
    return words.raws[index][:1].isupper() and words.keys[index] not in CLOSED
