"""Rules for names that are ordinary words, letters, or surnames that many bear: what makes them names.

As in `streams.enrich.figure_rules`, a rule returns a reason or None.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from streams.enrich.figure_weights import weighed
from streams.enrich.figure_words import (
    ACTS,
    COMPANY_ENDINGS,
    COMPANY_NEWS,
    DETERMINERS,
    ENGLISH,
    GERMAN,
    INSTITUTIONS,
    JOINING,
    NO_VERBS,
    OPENERS,
    QUESTIONS,
    SMALL_WORDS,
    SPORT,
    STATES,
)
from streams.enrich.language import UNDETERMINED
from streams.enrich.name_trie import Place
from streams.enrich.scene import Entry, Mention, Named, Scene
from streams.enrich.words import APOSTROPHES, Words
from streams.records import Reason

__all__ = [
    "acronym",
    "acts",
    "behind",
    "company_news",
    "kicker",
    "listed",
    "longer_name",
    "running_text",
    "settled",
]

LIST_WORDS = 3
"""Words between two names of one enumeration ("Google, Meta and others like X")."""
COMPANY_WORDS = 40
"""How far words of company news are looked for: about a headline and its lead."""
SPORT_WORDS = 20
SETTLING_WORDS = 40
FEWEST_WORDS = 4
ADJECTIVE_ENDINGS = ("e", "er", "es", "em")
_NO_NOUNS = SMALL_WORDS | OPENERS | ACTS | JOINING


def acts(mention: Mention, scene: Scene) -> Reason | None:
    """A weak name that does or owns something, without an article: "Meta entfernt", "Apple's"."""
    words, index = scene.words, behind(mention.place)
    if not is_weak(mention) or _has_determiner(mention, scene):
        return None
    if index >= len(words) or words.gap(index - 1) != " ":
        return None
    if mention.place.ending and mention.place.payload.name.kind == "word":
        return weighed("owns", words.text[mention.place.start : words.ends[index]])
    if not _behind_acts(index, scene):
        return None
    word = mention.place.payload.name.kind == "word"
    rule = "word acts" if word and words.keys[mention.place.first] not in INSTITUTIONS else "acts"
    return weighed(rule, words.raws[index])


def _behind_acts(index: int, scene: Scene) -> bool:
    """Whether a word, or two, say what somebody does; in a headline in Title Case with a capital."""
    key, raw = scene.words.keys[index], scene.words.raws[index]
    if key in STATES and index + 1 < len(scene.words):
        return scene.words.keys[index + 1] in STATES[key]
    if raw.islower():
        return _is_verb(key, scene.lang)
    return scene.title_case and scene.lang == "en" and key in ACTS


def _is_verb(key: str, lang: str) -> bool:
    """Whether a word can be what somebody does; in German most that end in t can."""
    if key in ACTS:
        return True
    return lang == "de" and key[-1] == "t" and not key.startswith("ge") and key not in NO_VERBS


def longer_name(mention: Mention, scene: Scene) -> Reason | None:
    """Neither "Malcolm X" nor "Model X" is X, and "Big Apple" is not Apple.

    In German every noun has a capital, so there only single letters are looked at.
    """
    place, words, index = mention.place, scene.words, mention.place.first - 1
    if place.payload.name.kind != "word" or words.between(index) not in (" ", "-"):
        return None
    single = len(words.raws[place.first]) == 1
    if scene.title_case or not (single or scene.lang == "en"):
        return None
    raw = words.raws[index]
    known = index in scene.covered or (place.payload.figure_id, index) in scene.titles
    if known or not raw[0].isupper() or raw.isupper() or words.keys[index] in DETERMINERS:
        return None
    if scene.starts_sentence(index) and not single:
        return None
    return weighed("part of a longer name", f"{raw} {words.raws[place.first]}")


def running_text(mention: Mention, scene: Scene) -> Reason | None:
    """What a capital, or a missing article, says of a word that may be a name."""
    place, words = mention.place, scene.words
    if place.payload.name.kind != "word" or place.payload.name.strength != "context":
        return None
    before = place.first - 1
    lower = words.between(before) == " " and (
        words.raws[before].islower() or words.keys[before] in OPENERS
    )
    if scene.lang not in ("de", UNDETERMINED) and not _is_place(
        mention, scene
    ):  # elsewhere nouns have no capital
        return weighed("capital in running text", words.raws[place.first]) if lower else None
    if scene.lang != "de" or _has_determiner(mention, scene):
        return None
    # A noun goes without an article in headlines, but hardly in the middle of a sentence, unless an
    # adjective stands there: "starkes Signal".
    adjective = words.raws[before].endswith(ADJECTIVE_ENDINGS) and words.keys[before] not in OPENERS
    if lower and not adjective:
        return weighed("name without article", words.text[words.starts[before] : place.end])
    return weighed("no article", words.raws[place.first])


def _is_place(mention: Mention, scene: Scene) -> bool:
    """Whether an article, and no noun that it may belong to, makes it "the Amazon"."""
    words, index = scene.words, behind(mention.place)
    if not _has_determiner(mention, scene):
        return False
    if index >= len(words) or words.gap(index - 1) != " ":
        return True
    return words.keys[index] in _NO_NOUNS


def acronym(mention: Mention, scene: Scene) -> Reason | None:
    """Letters that the text itself spells out as something else, or that play in a league."""
    place, words = mention.place, scene.words
    if place.payload.name.kind != "acronym":
        return None
    figure_id = mention.watched.figure.figure_id
    if figure_id not in scene.in_full:
        spelt = _spelt_out(place.payload.name.surface, words)
        if spelt:
            return weighed("stands for something else", spelt)
    near = range(max(place.first - SPORT_WORDS, 0), min(place.last + SPORT_WORDS, len(words)))
    found = next((words.raws[index] for index in near if words.keys[index] in SPORT), "")
    return weighed("sport", found) if found else None


def listed(mention: Mention, scene: Scene) -> Reason | None:
    """A weak name in one list with another of its kind: "Google, Meta und Apple", "Trump and Xi"."""
    if not is_weak(mention) and mention.place.payload.name.kind != "initial":
        return None
    place, words, figure = mention.place, scene.words, mention.watched.figure
    weak = ""
    for other in _around(place, scene):
        if other.figure_id == figure.figure_id or other.kind != figure.kind:
            continue
        low, high = sorted([(place.first, place.last), (other.first, other.last)])
        between = range(low[1] + 1, high[0])
        if len(between) > LIST_WORDS or high[0] <= low[1]:
            continue
        text = words.text[words.ends[low[1]] : words.starts[high[0]]]
        if "," not in text and not any(words.keys[index] in JOINING for index in between):
            continue
        if any(mark in text for mark in ".:;!?\n("):
            continue
        surface = words.raws[other.last]
        if other.strong:
            return weighed("listed with", surface)
        weak = weak or surface
    return weighed("listed with another", weak) if weak else None


def _around(place: Place[Entry], scene: Scene) -> Iterator[Named]:
    """The watched names so near to a name that they may stand in one list with it."""
    nearest = place.first - LIST_WORDS - 1
    for index in range(bisect_left(scene.named, nearest, key=_last), len(scene.named)):
        if scene.named[index].first > place.last + LIST_WORDS + 1:
            return
        yield scene.named[index]


def _last(named: Named) -> int:
    return named.last


def company_news(mention: Mention, scene: Scene) -> Reason | None:
    """What is told around a weak name is what companies, or those who run them, are told of."""
    place, words, figure = mention.place, scene.words, mention.watched.figure
    person = figure.kind == "person"
    if not is_weak(mention) or (person and not figure.related):
        return None
    near = range(max(place.first - COMPANY_WORDS, 0), min(place.last + COMPANY_WORDS, len(words)))
    found = dict.fromkeys(
        words.raws[index]
        for index in near
        if _of_companies(words.keys[index])
        and words.keys[index] != words.keys[place.first]
        and not place.first <= index <= place.last
    )
    if not found:
        return None
    if person:
        rule = "words of its business" if len(found) > 1 else "a word of its business"
    else:
        rules = ("a word of company news", "company news", "much company news")
        rule = rules[min(len(found), 3) - 1]
    return weighed(rule, ", ".join([*found][:3]))


def settled(lang: str, words: Words) -> str:
    """The language of a text; where it is undetermined, the one of its small words."""
    if lang != UNDETERMINED or len(words) < FEWEST_WORDS:
        return lang
    first = words.keys[:SETTLING_WORDS]
    german, english = (sum(key in small for key in first) for small in (GERMAN, ENGLISH))
    if german == english:
        return lang
    return "de" if german > english else "en"


def _of_companies(key: str) -> bool:
    return key in COMPANY_NEWS or key.endswith(COMPANY_ENDINGS)


def kicker(mention: Mention, scene: Scene) -> Reason | None:
    """A weak name of an organisation before the colon of a headline: "Apple: no plans to leave"."""
    place, words = mention.place, scene.words
    if mention.watched.figure.kind != "organisation" or not is_weak(mention):
        return None
    if place.first or place.last + 1 >= len(words):
        return None
    if words.between(place.last).strip("\"“„»«'‘’” ") != ":":
        return None
    if words.keys[place.last + 1] in QUESTIONS:
        return None
    return weighed("kicker", f"{words.raws[place.last]}:")


def is_weak(mention: Mention) -> bool:
    """Whether a name needs support: an ordinary word, or a surname that others bear too."""
    name = mention.place.payload.name
    return name.strength == "context" and name.kind in ("word", "surname", "acronym")


def _has_determiner(mention: Mention, scene: Scene) -> bool:
    index, words = mention.place.first - 1, scene.words
    if words.gap(index) != " " or words.keys[index] not in DETERMINERS:
        return False
    return scene.lang != "de" or words.keys[index] not in ("a", "an")  # "an Apple vorbei"


def behind(place: Place[Entry]) -> int:
    """Number of the word behind a name; the s of a genitive apostrophe is a word of its own."""
    apart = place.ending[-2:-1] in APOSTROPHES and place.ending[-1] in "sS"
    return place.last + (2 if apart else 1)


@lru_cache(maxsize=64)  # a text may name the same acronym thousands of times
def _spelt_out(acronym: str, words: Words) -> str:
    """Words with capitals whose initials are the letters of an acronym; else empty.

    After Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in
    biomedical text" (2003), for initials only.
    """
    letters = acronym.casefold()
    if len(letters) < 2:
        return ""  # any word begins with some letter
    capital = [
        index
        for index, raw in enumerate(words.raws)
        if raw[0].isupper() and len(raw) > 1 and not raw.isupper()
    ]
    initials = "".join(words.keys[index][0] for index in capital)
    at = initials.find(letters)
    while at >= 0:
        first, last = capital[at], capital[at + len(letters) - 1]
        skipped = set(range(first, last)) - set(capital)
        joined = all(words.gap(index) == " " for index in range(first, last))
        if joined and all(words.keys[index] in SMALL_WORDS for index in skipped):
            return words.text[words.starts[first] : words.ends[last]]
        at = initials.find(letters, at + 1)
    return ""
