"""Whose name it is: the figure's, or that of somebody with the same surname.

Two things decide. What stands directly beside a surname: a given name, initials, "Jr.". And
what was said before: the nearest bearer of the same surname, whether watched or not.
"""

from __future__ import annotations

from itertools import groupby

from streams.enrich.figure_words import ARTICLES, TITLE_ENDINGS
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

SOMEBODY_ELSE = frozenset({"another given name before", "another name before", "namesake suffix"})
"""Rules by which a surname belongs to somebody who is not watched."""


def assign(chosen: list[Place[Entry]], scene: Scene, watched: dict[str, Watched]) -> list[Mention]:
    """Decide in one pass over the text whose name each span is."""
    mentions: list[Mention] = []
    seen_full: set[str] = set()
    holders: dict[str, set[str]] = {}  # folded word to who last bore it: figure_ids, or nobody
    for _, group in groupby(chosen, key=lambda place: place.start):
        bearers: dict[str, set[str]] = {}
        for place in group:
            entry = place.payload
            if entry.role == "blocker":
                bearers.update({key: set() for key in entry.keys})
                continue
            watch = watched[entry.figure_id]
            neighbour = _neighbour(place, watch, scene)
            ownership = _ownership(entry, holders, seen_full, scene)
            mentions.append(Mention(place, watch, ownership, neighbour))
            if neighbour[0] in SOMEBODY_ELSE:
                bearers.setdefault(entry.keys[-1], set())
            elif neighbour[0] or entry.name.kind in ("full", "initial"):
                for key in entry.keys:
                    bearers.setdefault(key, set()).add(entry.figure_id)
                if is_full_name(place):
                    seen_full.add(entry.figure_id)
        holders.update(bearers)
    return mentions


def _ownership(
    entry: Entry, holders: dict[str, set[str]], seen_full: set[str], scene: Scene
) -> Ownership:
    """Whether a short name follows, or is followed by, the full name it stands for."""
    if entry.name.kind == "full":
        return ""
    holder = holders.get(entry.keys[-1])
    if holder is not None and entry.name.kind == "surname":
        return "before" if entry.figure_id in holder else "other"
    if entry.figure_id in seen_full:
        return "before"
    return "later" if entry.figure_id in scene.in_full else ""


def _neighbour(place: Place[Entry], watched: Watched, scene: Scene) -> tuple[str, str]:
    """What the words directly beside a person's name say about whose it is."""
    if watched.figure.kind != "person":
        return "", ""
    if suffix := namesake_suffix(place, scene.words):
        return "namesake suffix", suffix
    if place.payload.name.kind != "surname":
        return "", ""
    return _given_name_before(place.first, watched, scene)


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


def _unknown_name_before(first: int, scene: Scene) -> tuple[str, str]:
    """A capitalised word in English running text before a surname is most likely a given name.

    Not in German, where every noun has a capital, and not behind an article ("the Republican").
    """
    words, index = scene.words, first - 1
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
