"""Names as words, and the spellings under which a figure is looked for.

A name is a path: its folded words, each but the first with the gap that leads to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

from msgspec import structs

from streams.enrich.words import Words, fold
from streams.records import Figure, Name

__all__ = [
    "capitals",
    "given_names",
    "given_names_of",
    "path_of",
    "spellings",
    "split_name",
    "stated_names",
]

SPELLINGS_LIMIT = 64
"""Most names kept per figure; stated names come first."""

LONGEST_NAME = 100
"""Words; each may be compared at every word of a text."""

PARTICLES = {"von": "v.", "van": "v.", "der": "d.", "den": "d.", "dem": "d.", "de": "d."}
"""Small words that open a family name, with their usual abbreviation."""

_PARTICLES_UNABBREVIATED = {"zu", "zur", "zum", "vom", "ter", "ten", "la", "le", "di", "da", "del"}

SLAVIC_ENDINGS = ("skyj", "skyi", "skyy", "skij", "skiy", "skii", "sky", "ski")
"""How newsrooms write the Ukrainian and Russian -ський, -ский. Longer ones first."""

_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "å": "aa"}
)


def path_of(surface: str) -> tuple[str, ...]:
    """The way of a name through the trie; empty if it has no word, too many, or some too far apart."""
    words = Words(surface)
    gaps = [words.gap(index) for index in range(len(words) - 1)]
    if not 0 < len(words) <= LONGEST_NAME or None in gaps:
        return ()
    return (words.keys[0], *(f"{gap}{key}" for gap, key in zip(gaps, words.keys[1:], strict=True)))


def capitals(surface: str) -> tuple[int, ...]:
    """What case each word of a name demands: 0 none, 1 a first capital, 2 all capitals."""
    return tuple(
        (2 if len(word) > 1 and word.isupper() else 1) if word[:1].isupper() else 0
        for word in Words(surface).raws
    )


# --- spellings --------------------------------------------------------------------------------


def split_name(full_name: str) -> tuple[list[str], list[str]]:
    """Given names and family name; the family name opens with its first particle."""
    parts = full_name.split()
    for index, part in enumerate(parts[1:-1], start=1):
        if part in PARTICLES or part in _PARTICLES_UNABBREVIATED:
            return parts[:index], parts[index:]
    return parts[:-1], parts[-1:]


def given_names_of(figure: Figure) -> frozenset[str]:
    """Folded given names of a person, as far as the full names tell them."""
    full = (figure.name, *(name.surface for name in figure.names if name.kind == "full"))
    return frozenset(
        key for name in full for part in split_name(name)[0] for key in Words(part).keys
    )


def stated_names(figure: Figure) -> tuple[Name, ...]:
    """A figure's own name, then its others.

    The own name stands alone, unless it is stated again among the others: then that holds.
    """
    path = path_of(figure.name)
    again = next((name for name in figure.names if path_of(name.surface) == path), None)
    own = again or Name(surface=figure.name, kind="full")
    if own.strength == "strong":
        own = structs.replace(own, kind="full")  # of however many words: no name tells more
    return (own, *(name for name in figure.names if name is not again))


def spellings(figure: Figure) -> list[Name]:
    """All names to look for: those stated, then those derived from them.

    A derived name never replaces a stated one, so stating a name as `never` switches it off.
    What is stated of the figure's own name holds: `context` makes "Apple" need support.

    Returns:
        At most `SPELLINGS_LIMIT` names, no two with the same path.
    """
    found: dict[tuple[str, ...], Name] = {}
    for name in _all_spellings(figure):
        path = path_of(name.surface)
        if path and path not in found:
            found[path] = name
    return list(islice(found.values(), SPELLINGS_LIMIT))


def _all_spellings(figure: Figure) -> Iterator[Name]:
    """Stated names, then their other spellings, then other orders, so that the limit cuts last."""
    stated = stated_names(figure)
    yield from stated
    surnames = [name for name in figure.names if name.kind == "surname"]
    person = figure.kind == "person"
    if person and not surnames:
        stated = (*stated, *_bare_surname(figure.name))
    # "D. Trump" is as telling as "Trump": it stands alone only where the surname does.
    strong = any(name.strength == "strong" for name in surnames)
    respelled = [(name, *respelling) for name in stated for respelling in _respelled(name.surface)]
    for name, rule, surface in respelled:
        yield _derived(name, surface, rule) if rule else name
    for name, _, surface in sorted(respelled, key=lambda entry: bool(entry[1])):
        if person and name.kind == "full" and name.strength != "never":
            yield from _rearranged(name, surface, strong)


def _derived(name: Name, surface: str, rule: str) -> Name:
    return Name(
        surface=surface,
        kind=name.kind,
        strength=name.strength,
        case=name.case,
        source=f"generated:{rule}",
    )


def _bare_surname(full_name: str) -> Iterator[Name]:
    """The surname of a person for whom none is stated; too weak to stand alone."""
    given, family = split_name(full_name)
    if given:
        surface = " ".join(family)
        yield Name(surface=surface, kind="surname", strength="context", source="generated:surname")


def _respelled(surface: str) -> list[tuple[str, str]]:
    """A name (rule "") and its other spellings, each with the rule that made it."""
    found = [("", surface)]
    ending = next((e for e in SLAVIC_ENDINGS if surface.endswith(e)), "")
    if ending and len(surface.split()[-1]) > len(ending) + 1:
        stem = surface.removesuffix(ending)
        found += [("transliteration", stem + e) for e in SLAVIC_ENDINGS if e != ending]
    umlauts = surface.translate(_UMLAUTS)
    if umlauts != surface:
        found.append(("umlaut", umlauts))
    words = surface.split()
    short = [PARTICLES.get(word, word) for word in words]
    if short != words:
        found.append(("particles", " ".join(short)))
    return found


def _rearranged(name: Name, surface: str, strong: bool) -> Iterator[Name]:
    """The orders and abbreviations of a person's full name."""
    given, family = split_name(surface)
    if not given:
        return
    last = " ".join(family)
    initials = ["-".join(f"{part[0]}." for part in word.split("-") if part) for word in given]
    yield _derived(name, f"{last}, {' '.join(given)}", "comma")
    if len(given) > 1:
        yield _derived(name, f"{given[0]} {last}", "first-given")
        yield _derived(name, f"{given[0]} {' '.join(initials[1:])} {last}", "middle-initial")
    for shortened in dict.fromkeys((" ".join(initials), initials[0])):
        yield Name(
            surface=f"{shortened} {last}",
            kind="initial",
            strength="strong" if strong else "context",
            case=name.case,
            source="generated:initial",
        )


@cache
def given_names() -> frozenset[str]:
    """Folded common German and English given names, without those that are everyday words."""
    lines = (Path(__file__).parent / "data" / "given_names.txt").read_text("utf-8").splitlines()
    return frozenset(
        fold(word) for line in lines if not line.startswith("#") for word in line.split()
    )
