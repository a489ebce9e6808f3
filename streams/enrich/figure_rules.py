"""How sure a mention is: rules that each add one summand in log-odds.

A rule reads a mention and the scene around it and returns a reason, or None where it has
nothing to say. All weights stand in one table.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Literal, NamedTuple

from streams.enrich.name_trie import Place
from streams.enrich.words import Words, fold
from streams.records import Figure, Name, Reason

__all__ = [
    "ARTICLES",
    "NAMESAKE_SUFFIXES",
    "RULES",
    "TITLE_ENDINGS",
    "WEIGHTS",
    "Entry",
    "Mention",
    "Ownership",
    "Role",
    "Scene",
    "Watched",
    "compound",
    "is_full_name",
]

NEAR_WORDS = 10
"""A cue this many words away stands in about the same sentence."""
NEGATIVE_WORDS = 6
"""A negative cue counts up to this many words away."""

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
    "role": 2.0,
    "capital in running text": 1.2,
    "plural": -1.5,
    "negative cue": -3.5,
    # What else the item says.
    "cue near": 2.0,
    "cue": 1.6,
    "further cue": 0.5,
    "related figure": 1.2,
}
"""Log-odds of each piece of evidence, the one place to calibrate.

Judged, not learned: set on forty sentences with traps and checked on a long article. A cue in about
the same sentence carries a context name alone; a figure's own title outweighs a general one; an
unknown capitalised word before a surname costs less than a known given name. Labelled items should
replace judgement.
"""

FURTHER_CUES = 2
"""Most cues beyond the first that add to the weight."""

_TITLES = """
    mr mrs ms dr prof sir lord lady herr herrn frau president präsident präsidenten präsidentin
    chancellor kanzler kanzlers kanzlerin minister ministers ministerin senator senatorin governor
    gouverneur secretary congressman congresswoman representative judge commissioner kommissar
    kommissars kommissarin chairman chairwoman chair leader chief boss chef chefs chefin ceo cfo
    cto founder cofounder gründer gründers gründerin billionaire milliardär milliardärs
    milliardärin unternehmer unternehmers unternehmerin vorsitzende vorsitzender vorsitzenden
    politiker politikerin kandidat kandidaten kandidatin sprecher sprecherin spokesman spokeswoman
    spokesperson manager managerin berater beraters beraterin aktivist aktivistin forscher
    forscherin republikaner demokrat mogul premier candidate nominee
"""
_COMPANY_WORDS = """
    konzern konzerns aktie aktien tochter mutter vorstand vorstands mitarbeiter zentrale nutzer
    shares stock executive executives employees engineers users
"""

TITLE_ENDINGS = tuple(fold(word) for word in _TITLES.split())
"""Words, or ends of German compounds ("Kommissionschefin"), that announce a person."""

ROLE_ENDINGS = (*TITLE_ENDINGS, *(fold(word) for word in _COMPANY_WORDS.split()))
"""Words behind the name of an organisation that show it is one ("Meta-Chef", "Apple shares")."""

COMPOUND_PREFIXES = frozenset(
    {"anti", "pro", "ex", "post", "pre", "non", "nicht", "neo", "vize", "ultra", "never", "co"}
)
"""What may stand before a hyphen without making a double name ("Anti-Trump-Proteste")."""

NAMESAKE_SUFFIXES = frozenset({"jr", "junior", "sr", "ii", "iii", "iv"})
ARTICLES = frozenset({"the", "a", "an", "this", "his", "her", "their", "its", "our"})
PLURAL_ARTICLES = frozenset({"die", "the", "den", "der"})

Role = Literal["name", "blocker", "title", "cue", "negative"]
Ownership = Literal["", "before", "later", "other"]


class Entry(NamedTuple):
    """What a path in the trie means for one figure."""

    figure_id: str
    role: Role
    name: Name
    capitals: tuple[int, ...]
    keys: tuple[str, ...]
    """Folded words of the surface."""


class Watched(NamedTuple):
    """A figure as it is looked for."""

    figure: Figure
    entries: tuple[tuple[tuple[str, ...], Entry], ...]
    given: frozenset[str]


class Mention(NamedTuple):
    """A name in a text, and what was decided about whose it is."""

    place: Place[Entry]
    watched: Watched
    ownership: Ownership
    """before, later: the figure's full name stands there; other: the nearest is not ours."""
    neighbour: tuple[str, str]
    """Rule and word where what stands directly beside the name decides; else two times empty."""


class Scene(NamedTuple):
    """What one text says, for the rules to read."""

    words: Words
    lang: str
    covered: frozenset[int]
    """Indices of words that belong to some watched name or blocker."""
    in_full: frozenset[str]
    """figure_ids whose full name occurs."""
    titles: frozenset[tuple[str, int]]
    """figure_id, and the index of the last word of one of its own titles."""
    cues: dict[str, list[tuple[int, str]]]
    """figure_id to word index and surface of its cues, in text order."""
    negatives: dict[str, list[tuple[int, str]]]


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
    word = scene.words.raws[index]
    if (mention.place.payload.figure_id, index) in scene.titles:
        return _reason("own title", word)
    person = mention.watched.figure.kind == "person"
    if person and scene.words.keys[index].endswith(TITLE_ENDINGS):
        return _reason("title", word)
    return None


def _role(mention: Mention, scene: Scene) -> Reason | None:
    """An organisation's name followed by what only organisations have."""
    place, words = mention.place, scene.words
    if mention.watched.figure.kind != "organisation":
        return None
    index = place.last + (2 if len(place.ending) > 1 and place.ending[-1] in "sS" else 1)
    if index >= len(words) or words.gap(index - 1) != " ":
        return None
    if not words.keys[index].endswith(ROLE_ENDINGS):
        return None
    return _reason("role", words.text[place.start : words.ends[index]])


def _double_name(mention: Mention, scene: Scene) -> Reason | None:
    """A hyphen makes "Müller-Trump" a person of her own, but not "Anti-Trump"."""
    place, words, index = mention.place, scene.words, mention.place.first - 1
    if place.payload.name.kind != "surname" or compound(place, words) != "tail":
        return None
    if index in scene.covered or words.keys[index] in COMPOUND_PREFIXES:
        return None
    return _reason("double name", words.raws[index]) if words.raws[index].istitle() else None


def _running_text(mention: Mention, scene: Scene) -> Reason | None:
    place, words = mention.place, scene.words
    if scene.lang != "en" or place.payload.name.kind != "word":
        return None
    before = place.first - 1
    if words.between(before) == " " and words.raws[before].islower():
        return _reason("capital in running text", words.raws[place.first])
    return None


def _plural(mention: Mention, scene: Scene) -> Reason | None:
    place, words = mention.place, scene.words
    before = place.first - 1
    if place.ending not in ("s", "S") or words.gap(before) != " ":
        return None
    if words.keys[before] not in PLURAL_ARTICLES:
        return None
    return _reason("plural", f"{words.raws[before]} {words.raws[place.last]}")


def _negative_cue(mention: Mention, scene: Scene) -> Reason | None:
    found = _nearest(scene.negatives.get(mention.place.payload.figure_id, []), mention.place)
    return _reason("negative cue", found[1]) if found and found[0] <= NEGATIVE_WORDS else None


def _cue(mention: Mention, scene: Scene) -> Reason | None:
    cues = scene.cues.get(mention.place.payload.figure_id, [])
    cues = [cue for cue in cues if not mention.place.first <= cue[0] <= mention.place.last]
    nearest = _nearest(cues, mention.place)
    if nearest is None:
        return None
    distance, surface = nearest
    # "App" and "app" may both be listed, and are one cue.
    distinct = {cue.lower(): cue for _, cue in cues if cue.lower() != surface.lower()}
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


RULES: tuple[Callable[[Mention, Scene], Reason | None], ...] = (
    _name_itself,
    _owner,
    _title,
    _role,
    _double_name,
    _running_text,
    _plural,
    _negative_cue,
    _cue,
    _related,
)
"""Everything that is weighed, in the order in which reasons are told."""


def _reason(rule: str, detail: str) -> Reason:
    return Reason(rule=rule, detail=detail, weight=WEIGHTS[rule])


def _nearest(signals: list[tuple[int, str]], place: Place[Entry]) -> tuple[int, str] | None:
    """Distance in words, and surface, of the signal nearest to a name."""
    at = bisect_left(signals, (place.first, ""))
    around = signals[max(at - 1, 0) : at + 1]
    return min(((abs(index - place.first), surface) for index, surface in around), default=None)


def is_full_name(place: Place[Entry]) -> bool:
    """Whether a span is a figure's full name."""
    return place.payload.role == "name" and place.payload.name.kind == "full"


def compound(place: Place[Entry], words: Words) -> Literal["", "head", "tail"]:
    """Whether the name opens or closes a hyphen compound."""
    if not place.ending and words.hyphen_after(place.last):
        return "head"
    return "tail" if words.hyphen_before(place.first) else ""
