"""A text as words with gaps between them: cut once, read by figures and policy topics alike.

A word is a run of letters and digits. Folding drops case and accents, so that one key matches every
way of writing the same letters; whoever needs the case looks at the word as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import accumulate

from streams.enrich.memo import LONGEST_WORD, Memo

__all__ = ["APOSTROPHES", "HYPHENS", "TIES", "Words", "fold"]

LONGEST_GAP = 4
"""Characters between two words of one name or term."""

HYPHENS = frozenset("-\u2010\u2011")
TIES = frozenset("-\u2010\u2011–")
"""Marks that make compounds; newsrooms set a dash where a hyphen is meant."""
APOSTROPHES = frozenset("'’ʼ‘")
_JOINTS = frozenset(".,&")

# Letters that NFKD does not take apart.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i"})
_WORD = re.compile(r"([^\W_]+)")


def fold(word: str) -> str:
    """Drop case and accents: "Žižek" becomes "zizek", "Weiß" becomes "weiss"."""
    if word.isascii():
        return word.lower()
    # Twice, since letters such as 𝐀 have a small form only once they are taken apart.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    folded = "".join(c for c in apart if not unicodedata.combining(c)).translate(_LETTERS)
    return folded or word  # "ﾞ" is an accent and nothing else; no key is empty


_folded = Memo(lambda word: fold(word) if len(word) <= LONGEST_WORD else word)


def _keys(words: list[str]) -> list[str]:
    """Fold words. Only what takes long is remembered; ASCII takes hardly longer than to look it up."""
    return [word.lower() if word.isascii() else _folded[word] for word in words]


@lru_cache(maxsize=4_096)
def _reduced(gap: str) -> str | None:
    """Reduce what stands between two words to what a name can hold; None separates names."""
    if "\n" in gap:
        return None
    core = gap.strip()
    if not core or gap in HYPHENS:
        return " "  # "Meta Analyse" and "Meta-Analyse" are the same name
    if core in APOSTROPHES:
        return "'"
    if core in _JOINTS:
        return core
    return core if core == gap else None  # marks within a word of other scripts, "AT/T"


class Words:
    """The words of a text, in order, as parallel lists.

    Attributes:
        text: what was read.
        raws: each word as it stands there.
        starts: offset of each word, in code points.
        ends: offset behind each word.
        keys: each word, folded.
    """

    __slots__ = ("_gaps", "ends", "keys", "raws", "starts", "text")

    def __init__(self, text: str) -> None:
        parts = _WORD.split(text)
        offsets = list(accumulate(map(len, parts)))
        self.text = text
        self._gaps = parts[0::2]
        self.raws: list[str] = parts[1::2]
        self.starts = offsets[0:-1:2]
        self.ends = offsets[1::2]
        self.keys = _keys(self.raws)

    def __len__(self) -> int:
        return len(self.raws)

    def between(self, index: int) -> str:
        """The text between a word and the next; empty at either end of the text."""
        return self._gaps[index + 1] if 0 <= index < len(self.raws) - 1 else ""

    def hyphens(self) -> list[int]:
        """Numbers of the words that a hyphen or dash without spaces ties to the next."""
        return [index for index, gap in enumerate(self._gaps[1:-1]) if gap in TIES]

    def gap(self, index: int) -> str | None:
        """The gap between a word and the next, reduced; None where no name can go on."""
        gap = self.between(index)
        if gap == " ":  # nearly always
            return gap
        return _reduced(gap) if 0 < len(gap) <= LONGEST_GAP else None

    def hyphen_after(self, index: int) -> bool:
        """Whether a hyphen follows the word at once ("Trump-Lager", "Trump- und …")."""
        return self._gaps[index + 1][:1] in HYPHENS

    def hyphen_before(self, index: int) -> bool:
        """Whether a hyphen ties the word to the one before ("Anti-Trump")."""
        return self.between(index - 1) in HYPHENS
