"""Whether a word is a slip of the pen for a name, or another name.

Most names that are a letter apart are two people: Jan and Jana, Lina and Lena, Braun and Brown. So what
is known as a name is no slip, unless it sounds the same ("Marc" for "Mark").

The distance is a function of our own: few names are compared, and a library would find them no sooner.
"""

from __future__ import annotations

import re

__all__ = ["distance", "first_sound", "slip"]

ONE_OFF = 4
"""Letters from which a part of a name may be one edit off; in a shorter one that is another word."""
TWO_OFF = 8
"""Letters from which it may be two off."""


def slip(written: str, meant: str, names: frozenset[str]) -> int | None:
    """Compare a part of a name with the one that may be meant.

    Args:
        written: what stands there, folded.
        meant: what may be meant, folded.
        names: what is known as a name.

    Returns:
        By how many edits it is a slip, 0 if it is right; None if it is something else.
    """
    if written == meant:
        return 0
    shorter = min(len(written), len(meant))
    most = 0 if shorter < ONE_OFF else 1 if shorter < TWO_OFF else 2
    if abs(len(written) - len(meant)) > most or len(set(meant).difference(written)) > most:
        return None  # nearly always, and much quicker than to count
    edits = distance(written, meant, most)
    if edits > most or (_is_another(written, meant, names) and _sound(written) != _sound(meant)):
        return None
    return edits


def _is_another(written: str, meant: str, names: frozenset[str]) -> bool:
    """Whether it is a name of its own: a known one, or the same with another vowel at the end."""
    return written in names or written.rstrip(_VOWELS) == meant.rstrip(_VOWELS)


def distance(one: str, other: str, most: int) -> int:
    """Letters to insert, drop, exchange, or swap with the next, to make one word of another.

    Args:
        one: any word.
        other: any other.
        most: what is of interest.

    Returns:
        How many; `most + 1` if it is more than `most`.
    """
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    before: list[int] = []
    row = list(range(len(other) + 1))
    for index, letter in enumerate(one):
        above, before = before, row
        row = [index + 1]
        for place, against in enumerate(other):
            cost = min(before[place] + (letter != against), before[place + 1] + 1, row[place] + 1)
            if index and place and letter == other[place - 1] and one[index - 1] == against:
                cost = min(cost, above[place - 1] + 1)
            row.append(cost)
        if min(row) > most < min(before):
            return most + 1
    return min(row[-1], most + 1)


_VOWELS = "aeio"
_LIKE = str.maketrans({"c": "k", "v": "f", "w": "f", "y": "i"})
_SAME_SOUNDS = (("ph", "f"), ("th", "t"), ("ck", "k"), ("ch", "k"))
_SILENT = re.compile(r"(?<=.)h(?![aeiou])|(.)(?=\1)")
"""An h without a vowel behind it, and the first of two equal letters."""


def _sound(name: str) -> str:
    """What a folded name sounds like, roughly: alike for "Marc" and "Mark", "Olaf" and "Olav"."""
    for letters, sound in _SAME_SOUNDS:
        name = name.replace(letters, sound)
    return _SILENT.sub("", name.translate(_LIKE))


def first_sound(name: str) -> str:
    """The letter with which a folded name begins as it sounds; a slip keeps it."""
    return _sound(name[:2])[:1]
