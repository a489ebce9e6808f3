"""How sure a mention is: rules that each add one summand in log-odds.

A rule reads a mention and the scene around it and returns a reason, or None where it has
nothing to say. All weights stand in one table.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.enrich.figure_words import (
    ACTS,
    COMPANY_NEWS,
    COMPOUND_PREFIXES,
    DETERMINERS,
    JOINING,
    OTHER_TITLES,
    PLURAL_ARTICLES,
    ROLE_ENDINGS,
    SMALL_WORDS,
    SPORT,
    TITLE_ENDINGS,
)
from streams.enrich.name_trie import Place
from streams.enrich.scene import Entry, Mention, Scene, compound, nearest
from streams.enrich.words import Words
from streams.records import Reason

__all__ = ["RULES", "WEIGHTS"]

NEAR_WORDS = 25
"""A cue this many words away stands in the same headline and lead."""
NEGATIVE_WORDS = 12
"""A negative cue counts up to this many words away."""
LIST_WORDS = 3
"""Words between two names of one enumeration ("Google, Meta and others like X")."""
COMPANY_WORDS = 40
"""How far words of company news are looked for: about a headline and its lead."""
SPORT_WORDS = 20
ADJECTIVE_ENDINGS = ("e", "er", "es", "em")

WEIGHTS: dict[str, float] = {
    # What the name says by itself, by kind and strength.
    "full strong": 3.0,
    "full context": 0.4,
    "initial strong": 1.8,
    "initial context": 0.4,
    "handle strong": 2.5,
    "handle context": -0.8,
    "surname strong": 1.5,
    "surname context": -0.8,
    "word strong": 1.5,
    "word context": -0.8,
    "acronym strong": 1.5,
    "acronym context": -0.8,
    "given strong": -2.0,
    "given context": -2.0,
    # Whose name it is.
    "full name before": 2.5,
    "full name later": 2.0,
    "own given name before": 2.5,
    "somebody else before, strong": -1.7,
    "somebody else before, context": -3.0,
    "another given name before": -6.0,
    "another name before": -1.5,
    "namesake suffix": -6.0,
    "double name": -2.0,
    # What stands beside it.
    "own title": 2.0,
    "title": 1.0,
    "another title": -2.5,
    "role": 2.0,
    "acts": 1.3,
    "owns": 2.0,
    "capital in running text": 2.0,
    "name without article": 2.0,
    "no article": 1.0,
    "part of a longer name": -3.0,
    "stands for something else": -4.0,
    "plural": -1.5,
    "negative cue": -3.5,
    # What else the item says.
    "cue near": 2.0,
    "cue": 1.6,
    "further cue": 0.5,
    "related figure": 1.2,
    "listed with": 2.0,
    "listed with another": 1.2,
    "a word of company news": 1.0,
    "company news": 1.8,
    "sport": -2.5,
}
"""Log-odds of each piece of evidence, the one place to calibrate.

Judged, then checked on labelled items (`wirewatch eval figures`). A cue in the same headline and lead
carries a context name alone, and so does a capital in English running text; a figure's own title
outweighs a general one; an unknown capitalised word before a surname costs less than a known given
name.
"""

FURTHER_CUES = 2
"""Most cues beyond the first that add to the weight."""

# --- the rules --------------------------------------------------------------------------------


def _name_itself(mention: Mention, _scene: Scene) -> Reason:
    name = mention.place.payload.name
    derived = "" if name.source == "user" else f" ({name.source})"
    rule = f"{name.kind} {name.strength}"
    return Reason(rule=rule, detail=f"{name.surface}{derived}", weight=WEIGHTS[rule])


def _owner(mention: Mention, _scene: Scene) -> Reason | None:
    if mention.neighbour[0]:
        rule, detail = mention.neighbour
        return _reason(rule, detail)
    strength = mention.place.payload.name.strength
    rule = {
        "before": "full name before",
        "later": "full name later",
        "other": f"somebody else before, {strength}",
        "": "",
    }[mention.ownership]
    return _reason(rule, mention.watched.figure.name) if rule else None


def _title(mention: Mention, scene: Scene) -> Reason | None:
    index = mention.place.first - 1
    if scene.words.gap(index) not in (" ", "."):
        return None
    word, key = scene.words.raws[index], scene.words.keys[index]
    if (mention.place.payload.figure_id, index) in scene.titles:
        return _reason("own title", word)
    if mention.watched.figure.kind != "person":
        return None
    if key in OTHER_TITLES:
        return _reason("another title", word) if word[0].isupper() else None
    return _reason("title", word) if key.endswith(TITLE_ENDINGS) else None


def _role(mention: Mention, scene: Scene) -> Reason | None:
    """An organisation's name followed by what only organisations have."""
    words = scene.words
    if mention.watched.figure.kind != "organisation":
        return None
    index = _behind(mention.place)
    if index >= len(words) or words.gap(index - 1) != " ":
        return None
    if not words.keys[index].endswith(ROLE_ENDINGS):
        return None
    return _reason("role", words.text[mention.place.start : words.ends[index]])


def _acts(mention: Mention, scene: Scene) -> Reason | None:
    """A weak name that does or owns something, without an article: "Meta entfernt", "Apple's"."""
    words, index = scene.words, _behind(mention.place)
    if not _is_weak(mention) or _has_determiner(mention, scene):
        return None
    if index >= len(words) or words.gap(index - 1) != " ":
        return None
    if mention.place.ending and mention.place.payload.name.kind == "word":
        return _reason("owns", words.text[mention.place.start : words.ends[index]])
    if words.keys[index] not in ACTS or not words.raws[index].islower():
        return None
    return _reason("acts", words.raws[index])


def _double_name(mention: Mention, scene: Scene) -> Reason | None:
    """A hyphen makes "Müller-Trump" a person of her own, but not "Anti-Trump"."""
    place, words, index = mention.place, scene.words, mention.place.first - 1
    if place.payload.name.kind != "surname" or compound(place, words) != "tail":
        return None
    if index in scene.covered or words.keys[index] in COMPOUND_PREFIXES:
        return None
    return _reason("double name", words.raws[index]) if words.raws[index].istitle() else None


def _longer_name(mention: Mention, scene: Scene) -> Reason | None:
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
    return _reason("part of a longer name", f"{raw} {words.raws[place.first]}")


def _running_text(mention: Mention, scene: Scene) -> Reason | None:
    """What a capital, or a missing article, says of a word that may be a name."""
    place, words = mention.place, scene.words
    if place.payload.name.kind != "word" or place.payload.name.strength != "context":
        return None
    before = place.first - 1
    if scene.lang == "en":
        running = words.between(before) == " " and words.raws[before].islower()
        return _reason("capital in running text", words.raws[place.first]) if running else None
    if scene.lang != "de" or _has_determiner(mention, scene):
        return None
    # A noun goes without an article in headlines, but hardly in the middle of a sentence, unless an
    # adjective stands there: "starkes Signal".
    bare = words.between(before) == " " and words.raws[before].islower()
    if bare and not words.raws[before].endswith(ADJECTIVE_ENDINGS):
        return _reason("name without article", words.text[words.starts[before] : place.end])
    return _reason("no article", words.raws[place.first])


def _plural(mention: Mention, scene: Scene) -> Reason | None:
    place, words = mention.place, scene.words
    before = place.first - 1
    if place.ending not in ("s", "S") or words.gap(before) != " ":
        return None
    if words.keys[before] not in PLURAL_ARTICLES:
        return None
    return _reason("plural", f"{words.raws[before]} {words.raws[place.last]}")


def _acronym(mention: Mention, scene: Scene) -> Reason | None:
    """Letters that the text itself spells out as something else, or that play in a league."""
    place, words = mention.place, scene.words
    if place.payload.name.kind != "acronym":
        return None
    figure_id = mention.watched.figure.figure_id
    if figure_id not in scene.in_full:
        spelt = _spelt_out(place.payload.name.surface, words)
        if spelt:
            return _reason("stands for something else", spelt)
    near = range(max(place.first - SPORT_WORDS, 0), min(place.last + SPORT_WORDS, len(words)))
    found = next((words.raws[index] for index in near if words.keys[index] in SPORT), "")
    return _reason("sport", found) if found else None


def _negative_cue(mention: Mention, scene: Scene) -> Reason | None:
    found = nearest(scene.negatives.get(mention.place.payload.figure_id, []), mention.place)
    return _reason("negative cue", found[1]) if found and found[0] <= NEGATIVE_WORDS else None


def _cue(mention: Mention, scene: Scene) -> Reason | None:
    cues = scene.cues.get(mention.place.payload.figure_id, [])
    cues = [cue for cue in cues if not mention.place.first <= cue.first <= mention.place.last]
    found = nearest(cues, mention.place)
    if found is None:
        return None
    distance, surface = found
    # "App" and "app" may both be listed, and are one cue.
    distinct = {cue.surface.lower(): cue.surface for cue in cues}
    distinct.pop(surface.lower(), None)
    others = sorted(distinct.values())[:FURTHER_CUES]
    rule = "cue near" if distance <= NEAR_WORDS else "cue"
    return Reason(
        rule=rule,
        detail=", ".join([surface, *others]),
        weight=WEIGHTS[rule] + WEIGHTS["further cue"] * len(others),
    )


def _related(mention: Mention, scene: Scene) -> Reason | None:
    related = [other for other in mention.watched.figure.related if other in scene.in_full]
    return _reason("related figure", related[0]) if related else None


def _listed(mention: Mention, scene: Scene) -> Reason | None:
    """A weak name in one list with another of its kind: "Google, Meta und Apple", "Trump and Xi"."""
    if not _is_weak(mention):
        return None
    place, words, figure = mention.place, scene.words, mention.watched.figure
    weak = ""
    for other in scene.named:
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
            return _reason("listed with", surface)
        weak = weak or surface
    return _reason("listed with another", weak) if weak else None


def _company_news(mention: Mention, scene: Scene) -> Reason | None:
    """What is told around the weak name of an organisation is what companies are told of."""
    place, words = mention.place, scene.words
    if mention.watched.figure.kind != "organisation" or not _is_weak(mention):
        return None
    near = range(max(place.first - COMPANY_WORDS, 0), min(place.last + COMPANY_WORDS, len(words)))
    found = dict.fromkeys(
        words.raws[index]
        for index in near
        if words.keys[index] in COMPANY_NEWS and not place.first <= index <= place.last
    )
    if not found:
        return None
    rule = "company news" if len(found) > 1 else "a word of company news"
    return _reason(rule, ", ".join([*found][:2]))


RULES: tuple[Callable[[Mention, Scene], Reason | None], ...] = (
    _name_itself,
    _owner,
    _title,
    _role,
    _acts,
    _double_name,
    _longer_name,
    _running_text,
    _plural,
    _acronym,
    _negative_cue,
    _cue,
    _related,
    _listed,
    _company_news,
)
"""Everything that is weighed, in the order in which reasons are told."""


def _reason(rule: str, detail: str) -> Reason:
    return Reason(rule=rule, detail=detail, weight=WEIGHTS[rule])


def _is_weak(mention: Mention) -> bool:
    """Whether a name needs support: an ordinary word, or a surname that others bear too."""
    name = mention.place.payload.name
    return name.strength == "context" and name.kind in ("word", "surname", "acronym")


def _behind(place: Place[Entry]) -> int:
    """Number of the word behind a name; the s of a genitive apostrophe is a word of its own."""
    return place.last + (2 if len(place.ending) > 1 and place.ending[-1] in "sS" else 1)


def _has_determiner(mention: Mention, scene: Scene) -> bool:
    index, words = mention.place.first - 1, scene.words
    if words.gap(index) != " " or words.keys[index] not in DETERMINERS:
        return False
    return scene.lang != "de" or words.keys[index] not in ("a", "an")  # "an Apple vorbei"


def _spelt_out(acronym: str, words: Words) -> str:
    """Words with capitals whose initials are the letters of an acronym; else empty.

    After Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in
    biomedical text" (2003), for initials only.
    """
    letters = acronym.casefold()
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
