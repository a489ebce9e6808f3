"""The grid finds the patterns that trying one by one finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.lexicon import Pattern
from streams.enrich.pattern_grid import PatternGrid, numbers

SLOTS = "abcdef"
PLACE = st.lists(st.sampled_from(SLOTS), min_size=1, max_size=3).map(" | ".join)
PATTERN = st.lists(PLACE, min_size=1, max_size=4).map(lambda slots: Pattern(id="p", slots=slots))
ABOVE = st.integers(0, 7)
"""Bits above the grid, which serve others."""


@given(st.lists(PATTERN, max_size=12), st.sets(st.sampled_from(SLOTS)), ABOVE)
def test_a_pattern_is_met_where_each_place_has_a_word(
    patterns: list[Pattern], present: set[str], above: int
) -> None:
    grid = PatternGrid(patterns)
    filled = above << grid.size
    for slot in present:
        filled |= grid.filled_by(slot)
    expected = [
        number
        for number, pattern in enumerate(patterns)
        if all(present.intersection(place) for place in pattern.alternatives())
    ]
    assert list(numbers(grid.met(filled))) == expected


def test_a_slot_that_no_pattern_names_fills_nothing() -> None:
    assert PatternGrid([Pattern(id="p", slots=["a", "b"])]).filled_by("c") == 0
