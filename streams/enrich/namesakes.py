"""Whose name it is: the figure's, or that of somebody with the same surname.

Two things decide. What stands directly beside a surname: a given name, initials, "Jr.". And
what was said before: the nearest bearer of the same surname, whether watched or not.
"""

from __future__ import annotations

from itertools import groupby

from streams.enrich.figure_words import (
    ACTS,
    ARTICLES,
    DETERMINERS,
    INSTITUTIONS,
    OPENERS,
    OTHER_TITLE_ENDINGS,
    OTHER_TITLES,
    TITLE_ENDINGS,
)
from streams.enrich.name_trie import Place
from streams.enrich.names import given_names
from streams.enrich.scene import (
    Entry,
    Mention,
    Ownership,
    Scene,
    Watched,
    is_full_name,
    namesake_suffix,
)

__all__ = ["assign"]

SOMEBODY_ELSE = frozenset(
    {
        "another given name before",
        "another name before",
        "namesake suffix",
        "another body",
    }
)
"""Rules by which a surname belongs to somebody who is not watched."""


def assign(chosen: list[Place[Entry]], scene: Scene, watched: dict[str, Watched]) -> list[Mention]:
    """Decide in one pass over the text whose name each span is."""
    mentions: list[Mention] = []
    heard = _Heard()
    for _, group in groupby(chosen, key=lambda place: place.start):
        bearers: dict[str, set[str]] = {}
        for place in group:
            if place.payload.role == "blocker":
                heard.blocker(place, bearers)
                continue
            watch = watched[place.payload.figure_id]
            neighbour = _neighbour(place, watch, scene)
            mentions.append(Mention(place, watch, heard.ownership(place, scene), neighbour))
            heard.name(place, neighbour[0], bearers)
        heard.holders.update(bearers)
    return [_with_later(mention, heard, scene) for mention in mentions]


def _with_later(mention: Mention, heard: _Heard, scene: Scene) -> Mention:
    """A headline says "Merz", its lead "Tobias Merz": both mean him, if nobody else is named in full."""
    place = mention.place
    if mention.ownership or mention.neighbour[0] or place.payload.name.kind != "surname":
        return mention
    if place.start >= heard.strangers.get(place.payload.keys[-1], -1):
        return mention
    return mention._replace(ownership="other later")


class _Heard:
    """Who has been named so far."""

    def __init__(self) -> None:
        self.holders: dict[str, set[str]] = {}
        """Folded word to who last bore it: figure_ids, or nobody who is watched."""
        self._seen_full: set[str] = set()
        self.strangers: dict[str, int] = {}
        """Folded words that somebody bears who is not watched ("Apple" after "Fiona Apple"), and where
        that is said last."""

    def blocker(self, place: Place[Entry], bearers: dict[str, set[str]]) -> None:
        """Remember that the words of a blocker are nobody's who is watched."""
        entry = place.payload
        bearers.update({key: set() for key in entry.keys})
        if entry.keys[0] in given_names() or entry.keys[-1] in INSTITUTIONS:
            self.strangers[entry.keys[-1]] = place.start

    def name(self, place: Place[Entry], rule: str, bearers: dict[str, set[str]]) -> None:
        """Remember whose a name is, after the rule of its neighbour."""
        entry = place.payload
        if rule in SOMEBODY_ELSE:
            bearers.setdefault(entry.keys[-1], set())
            if rule in ("another given name before", "another body"):
                self.strangers[entry.keys[-1]] = place.start
        elif rule or entry.name.kind in ("full", "initial"):
            for key in entry.keys:
                bearers.setdefault(key, set()).add(entry.figure_id)
            if is_full_name(place):
                self._seen_full.add(entry.figure_id)

    def ownership(self, place: Place[Entry], scene: Scene) -> Ownership:
        """Whether a short name follows, or is followed by, the full name it stands for."""
        entry = place.payload
        if entry.name.kind == "full":
            return ""
        holder = self.holders.get(entry.keys[-1])
        if holder is not None and entry.name.kind == "surname":
            return "before" if entry.figure_id in holder else "other"
        if entry.figure_id in self._seen_full:
            return "before"
        if entry.keys[-1] in self.strangers and _is_common(place):
            return "other"
        return "later" if entry.figure_id in scene.in_full else ""


def _neighbour(place: Place[Entry], watched: Watched, scene: Scene) -> tuple[str, str]:
    """What the words directly beside a person's name say about whose it is."""
    if watched.figure.kind != "person":
        return _bearer_before(place, scene) if _is_common(place) else ("", "")
    if suffix := namesake_suffix(place, scene.words):
        return "namesake suffix", suffix
    if place.payload.name.kind != "surname":
        return "", ""
    return _given_name_before(place.first, watched, scene)


def _is_common(place: Place[Entry]) -> bool:
    """Whether a name is an ordinary word, which people may bear too: "Fiona Apple"."""
    name = place.payload.name
    return name.kind == "word" and name.strength == "context"


def _bearer_before(place: Place[Entry], scene: Scene) -> tuple[str, str]:
    """A given name directly before a word: it is a person's, not an organisation's."""
    words, index = scene.words, place.first - 1
    if index < 0 or index in scene.covered:
        return "", ""
    if place.payload.keys[0] in INSTITUTIONS and _is_part(index, scene):
        return "another body", f"{words.raws[index]} {words.raws[place.first]}"
    if words.between(index) != " ":
        return "", ""
    if words.raws[index].istitle() and words.keys[index] in given_names():
        return "another given name before", words.raws[index]
    return "", ""


def _is_part(index: int, scene: Scene) -> bool:
    """Whether a word belongs to the name of the institution behind it: "Charity Commission"."""
    words = scene.words
    key, raw = words.keys[index], words.raws[index]
    if scene.lang == "de":
        return words.between(index) == "-" and key not in ("eu", "europa")
    if words.between(index) != " " or not raw.istitle() or key in DETERMINERS:
        return False
    return key not in ACTS and key not in OPENERS and key not in ("european", "brussels")


def _given_name_before(first: int, watched: Watched, scene: Scene) -> tuple[str, str]:
    """Read back over given names, initials and "und" before a surname."""
    words, other = scene.words, ""
    for index in range(first - 1, max(first - 6, -1), -1):
        key, raw, gap = words.keys[index], words.raws[index], words.gap(index)
        initial = len(raw) == 1 and raw.isupper() and gap == "."
        if index in scene.covered or not (gap == " " or initial):
            break
        if key in watched.given and raw[0].isupper():
            return "own given name before", raw
        if initial or (key in given_names() and raw[0].isupper()):
            other = other or raw
        elif not (other and key in ("und", "and")):
            break
    if other:
        return "another given name before", other
    return _unknown_name_before(first, scene)


def _has_other_title(index: int, scene: Scene) -> bool:
    """Whether a word is the given name behind a title that nobody has who is watched."""
    words, title = scene.words, index - 1
    if title < 0 or index in scene.covered or not words.raws[index].istitle():
        return False
    if words.gap(index) != " " or words.gap(title) != " ":
        return False
    key = words.keys[title]
    return key in OTHER_TITLES or key.endswith(OTHER_TITLE_ENDINGS)


def _unknown_name_before(first: int, scene: Scene) -> tuple[str, str]:
    """A capitalised word in English running text before a surname is most likely a given name.

    Not in German, where every noun has a capital, and not behind an article ("the Republican").
    """
    words, index = scene.words, first - 1
    if _has_other_title(index, scene):
        return "another given name before", words.raws[index]
    if scene.lang != "en" or index < 1 or index in scene.covered:
        return "", ""
    raw, before = words.raws[index], words.raws[index - 1]
    if (
        words.between(index) == " "
        and words.between(index - 1) == " "
        and raw.istitle()
        and before.islower()
        and before not in ARTICLES
        and not words.keys[index].endswith(TITLE_ENDINGS)
    ):
        return "another name before", raw
    return "", ""
