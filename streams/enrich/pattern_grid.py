"""All patterns of a lexicon tried at once, on bits. Pure.

Every place of every pattern has a bit. The first places of all patterns lie side by side and make a
row; the second places make the row above, and so on. A word sets the bits of all places that it may
fill. Where a column is set in every row, each place of its pattern has a word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from streams.enrich.lexicon import Pattern

__all__ = ["PatternGrid", "numbers"]


class PatternGrid:
    """The places of some patterns; a pattern is known by its number."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        width = len(patterns)
        rows = range(max((len(pattern.slots) for pattern in patterns), default=1))
        self.size = len(rows) * width
        """Bits that it takes; those above may serve others."""
        self._row = (1 << width) - 1
        self._shifts = [row * width for row in rows[1:]]
        self._lacking = 0
        """Places that a pattern lacks since it has fewer; they count as filled."""
        self._filled_by: dict[str, int] = defaultdict(int)
        for number, pattern in enumerate(patterns):
            places = pattern.alternatives()
            for row in rows:
                bit = 1 << (row * width + number)
                if row >= len(places):
                    self._lacking |= bit
                    continue
                for slot in set(places[row]):
                    self._filled_by[slot] |= bit

    def filled_by(self, slot: str) -> int:
        """The bits of the places that a word of the slot fills."""
        return self._filled_by.get(slot, 0)

    def met(self, filled: int) -> int:
        """The patterns whose places are all among those filled: a bit for the number of each."""
        met = filled = filled | self._lacking
        for shift in self._shifts:
            met &= filled >> shift
        return met & self._row


def numbers(bits: int) -> Iterator[int]:
    """The numbers of the bits that are set, in ascending order."""
    while bits:
        lowest = bits & -bits
        bits ^= lowest
        yield lowest.bit_length() - 1
