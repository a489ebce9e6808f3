"""How sure a mention is: rules that each add one summand in log-odds.

A rule reads a mention and the scene around it and returns a reason, or None where it has
nothing to say. All weights stand in one table, `streams.enrich.figure_weights`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streams.enrich.figure_weights import WEIGHTS, weighed
from streams.enrich.figure_words import (
    ACTS,
    ANOTHER_FIELD,
    ANOTHER_FIELD_ENDINGS,
    BEING,
    COMPANY_NEWS,
    COMPOUND_PREFIXES,
    DETERMINERS,
    HEADS,
    JOINING,
    OPENERS,
    OTHER_TITLE_ENDINGS,
    OTHER_TITLES,
    PLURAL_ARTICLES,
    POLITICS,
    ROLE_ENDINGS,
    SMALL_WORDS,
    TITLE_ENDINGS,
)
from streams.enrich.name_trie import Place
from streams.enrich.scene import Entry, Mention, Scene, compound, nearest
from streams.enrich.weak_names import (
    acronym,
    acts,
    behind,
    company_news,
    kicker,
    listed,
    longer_name,
    running_text,
)
from streams.enrich.words import fold
from streams.records import Reason

__all__ = ["RULES"]

NEAR_WORDS = 25
"""A cue this many words away stands in the same headline and lead."""
TITLE_WORDS = 40
"""How far an own title without a name may stand from the surname."""
NEGATIVE_WORDS = 12
"""A negative cue counts up to this many words away."""
FURTHER_CUES = 2
"""Most cues beyond the first that add to the weight."""

NO_MODIFIERS = ACTS | OPENERS | DETERMINERS | JOINING | SMALL_WORDS
"""Words behind a name that do not say which chief of it is meant."""

# --- the rules --------------------------------------------------------------------------------


def _name_itself(mention: Mention, _scene: Scene) -> Reason:
    name = mention.place.payload.name
    derived = "" if name.source == "user" else f" ({name.source})"
    rule = f"{name.kind} {name.strength}"
    return Reason(rule=rule, detail=f"{name.surface}{derived}", weight=WEIGHTS[rule])


def _owner(mention: Mention, scene: Scene) -> Reason | None:
    if mention.neighbour[0]:
        rule, detail = mention.neighbour
        return weighed(rule, detail)
    strength = mention.place.payload.name.strength
    if mention.ownership == "other later" and strength == "strong" and _is_politics(mention, scene):
        return None  # "Macron sues … Brigitte Macron"
    rule = {
        "before": "full name before",
        "later": "full name later",
        "other": f"somebody else before, {strength}",
        "other later": f"somebody else later, {strength}",
        "": "",
    }[mention.ownership]
    return weighed(rule, mention.watched.figure.name) if rule else None


def _title(mention: Mention, scene: Scene) -> Reason | None:
    index = mention.place.first - 1
    if scene.words.gap(index) not in (" ", "."):
        return None
    word, key = scene.words.raws[index], scene.words.keys[index]
    if (mention.place.payload.figure_id, index) in scene.titles:
        return weighed("own title", word)
    if mention.watched.figure.kind != "person":
        return None
    if key in OTHER_TITLES or key.endswith(OTHER_TITLE_ENDINGS):
        modified = scene.words.keys[index - 1] not in DETERMINERS if index else False
        return weighed("another title", word) if word[0].isupper() or modified else None
    return weighed("title", word) if key.endswith(TITLE_ENDINGS) else None


def _role(mention: Mention, scene: Scene) -> Reason | None:
    """An organisation's name followed by what only organisations have."""
    words = scene.words
    if mention.watched.figure.kind != "organisation":
        return None
    index, before = behind(mention.place), mention.place.first - 1
    if words.hyphen_before(mention.place.first) and words.keys[before] in COMPOUND_PREFIXES:
        return weighed("role", words.text[words.starts[before] : mention.place.end])
    if index >= len(words) or words.gap(index - 1) != " ":
        return None
    if not words.keys[index].endswith(ROLE_ENDINGS):
        index += 1  # "Meta policy chief"
        if not _ends_phrase(index, scene):
            return None
    return weighed("role", words.text[mention.place.start : words.ends[index]])


def _ends_phrase(index: int, scene: Scene) -> bool:
    """Whether an English role stands here, behind one word that says which."""
    words, which = scene.words, index - 1
    if scene.lang == "de" or index >= len(words) or words.gap(which) != " ":
        return False
    if not words.raws[which].islower() or words.keys[which] in NO_MODIFIERS:
        return False
    return words.keys[index] in ROLE_ENDINGS


def _double_name(mention: Mention, scene: Scene) -> Reason | None:
    """A hyphen makes "Müller-Trump" a person of her own, but not "Anti-Trump"."""
    place, words, index = mention.place, scene.words, mention.place.first - 1
    if place.payload.name.kind != "surname" or compound(place, words) != "tail":
        return None
    if index in scene.covered or words.keys[index] in COMPOUND_PREFIXES:
        return None
    return weighed("double name", words.raws[index]) if words.raws[index].istitle() else None


def _plural(mention: Mention, scene: Scene) -> Reason | None:
    place, words = mention.place, scene.words
    before = place.first - 1
    if place.ending not in ("s", "S") or words.gap(before) != " ":
        return None
    if words.keys[before] not in PLURAL_ARTICLES:
        return None
    return weighed("plural", f"{words.raws[before]} {words.raws[place.last]}")


def _negative_cue(mention: Mention, scene: Scene) -> Reason | None:
    found = nearest(scene.negatives.get(mention.place.payload.figure_id, []), mention.place)
    return weighed("negative cue", found[1]) if found and found[0] <= NEGATIVE_WORDS else None


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
    return weighed("related figure", related[0]) if related else None


def _described(mention: Mention, scene: Scene) -> Reason | None:
    """An own title without a name of its own: "Johnson … The former prime minister called it"."""
    place, words = mention.place, scene.words
    if place.payload.name.kind not in ("surname", "initial") or not scene.titles:
        return None
    for index in _near(place, scene, TITLE_WORDS):
        if (place.payload.figure_id, index) not in scene.titles or index == place.first - 1:
            continue
        gap = words.gap(index)
        if gap is None or index + 1 == len(words) or words.raws[index + 1].islower():
            return weighed("own title alone", words.raws[index])
    return None


def _another_field(mention: Mention, scene: Scene) -> Reason | None:
    """A bare surname among words of sport or the arts, and none of politics or companies."""
    place, words = mention.place, scene.words
    if place.payload.name.kind != "surname" or mention.ownership in ("before", "later"):
        return None
    figure_id = mention.watched.figure.figure_id
    if scene.cues.get(figure_id) or any(each.figure_id != figure_id for each in scene.named[:2]):
        return None
    if _is_politics(mention, scene):
        return None
    found: dict[str, str] = {}
    for index in _near(place, scene, NEAR_WORDS):
        key, raw = words.keys[index], words.raws[index]
        person = key in OTHER_TITLES or key.endswith(OTHER_TITLE_ENDINGS)
        if person and _describes(index, scene):
            return weighed("another field", raw)
        if key in ANOTHER_FIELD or key.endswith(ANOTHER_FIELD_ENDINGS):
            found[key] = raw
            if index == behind(place) and not person and not _presides(mention):
                return weighed("another field", raw)  # "Altman-Retrospektive"
    enough = len(found) > (2 if _presides(mention) else 1)
    return weighed("another field", ", ".join([*found.values()][:3])) if enough else None


def _describes(index: int, scene: Scene) -> bool:
    """Whether a word for a person opens a sentence, or tells what somebody is: "Der Stürmer traf"."""
    words = scene.words
    for first in range(index - 1, max(index - 4, -1), -1):
        if words.gap(first) != " ":
            return False
        if words.keys[first] in DETERMINERS and scene.starts_sentence(first):
            return True
        if words.keys[first] in BEING:
            return True
    return False


def _presides(mention: Mention) -> bool:
    """Whether somebody leads a country, and so opens museums and sits in stadiums."""
    return not HEADS.isdisjoint(map(fold, mention.watched.figure.titles))


def _is_politics(mention: Mention, scene: Scene) -> bool:
    """Whether a name stands among words of politics or companies, or with an own title."""
    for index in _near(mention.place, scene, NEAR_WORDS):
        key = scene.words.keys[index]
        if key in POLITICS or key in COMPANY_NEWS or scene.words.raws[index] == "US":
            return True
        if (mention.place.payload.figure_id, index) in scene.titles:
            return True
    return False


def _near(place: Place[Entry], scene: Scene, distance: int) -> Iterator[int]:
    """Numbers of the words around a name."""
    yield from range(max(place.first - distance, 0), place.first)
    yield from range(place.last + 1, min(place.last + distance + 1, len(scene.words)))


RULES: tuple[Callable[[Mention, Scene], Reason | None], ...] = (
    _name_itself,
    _owner,
    _title,
    _described,
    _role,
    acts,
    kicker,
    _double_name,
    longer_name,
    running_text,
    _plural,
    acronym,
    _negative_cue,
    _cue,
    _related,
    listed,
    company_news,
    _another_field,
)
"""Everything that is weighed, in the order in which reasons are told."""
