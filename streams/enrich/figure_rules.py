"""How sure a mention is: rules that each add one summand in log-odds.

A rule reads a mention and the scene around it and returns a reason, or None where it has
nothing to say. All weights stand in one table, `streams.enrich.figure_weights`.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.enrich.figure_weights import WEIGHTS, weighed
from streams.enrich.figure_words import (
    COMPOUND_PREFIXES,
    OTHER_TITLES,
    PLURAL_ARTICLES,
    ROLE_ENDINGS,
    TITLE_ENDINGS,
)
from streams.enrich.scene import Mention, Scene, compound, nearest
from streams.enrich.weak_names import (
    acronym,
    acts,
    behind,
    company_news,
    listed,
    longer_name,
    running_text,
)
from streams.records import Reason

__all__ = ["RULES"]

NEAR_WORDS = 25
"""A cue this many words away stands in the same headline and lead."""
NEGATIVE_WORDS = 12
"""A negative cue counts up to this many words away."""
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
        return weighed(rule, detail)
    strength = mention.place.payload.name.strength
    rule = {
        "before": "full name before",
        "later": "full name later",
        "other": f"somebody else before, {strength}",
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
    if key in OTHER_TITLES:
        return weighed("another title", word) if word[0].isupper() else None
    return weighed("title", word) if key.endswith(TITLE_ENDINGS) else None


def _role(mention: Mention, scene: Scene) -> Reason | None:
    """An organisation's name followed by what only organisations have."""
    words = scene.words
    if mention.watched.figure.kind != "organisation":
        return None
    index = behind(mention.place)
    if index >= len(words) or words.gap(index - 1) != " ":
        return None
    if not words.keys[index].endswith(ROLE_ENDINGS):
        return None
    return weighed("role", words.text[mention.place.start : words.ends[index]])


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


RULES: tuple[Callable[[Mention, Scene], Reason | None], ...] = (
    _name_itself,
    _owner,
    _title,
    _role,
    acts,
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
)
"""Everything that is weighed, in the order in which reasons are told."""
