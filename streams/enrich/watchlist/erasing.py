"""Figures that were erased: a mark keeps a file from bringing them back. Pure.

A mark is a record of `news.watchlist` with a key of its own, so it lasts as long as the watchlist and every
process has it, without a further topic or file. Key and id are a hash: the id of a person is mostly the name,
and should not be read there for ever. Whoever has an id can still ask whether it was erased, and that is all a
mark is for; it is a pseudonym, and no more than that. It is inactive, so readers that do not know it look for nobody.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from streams.records import Figure, stable_id

__all__ = ["is_erased", "mark_id", "mark_of", "watched"]


def mark_id(figure_id: str) -> str:
    """The key of the mark that a figure was erased."""
    return f"erased-{stable_id('erased', figure_id)}"


def mark_of(figure_id: str) -> Figure:
    """The mark that a figure was erased: nothing in it is about the figure."""
    return Figure(
        figure_id=mark_id(figure_id), name="erased", kind="person", active=False, erased=True
    )


def is_erased(figure_id: str, marks: Container[str]) -> bool:
    """Whether a figure was erased.

    Args:
        figure_id: whose.
        marks: a set or mapping that has the keys of the marks, such as the whole watchlist.
    """
    return mark_id(figure_id) in marks


def watched(known: Mapping[str, Figure]) -> dict[str, Figure]:
    """The figures among the records of `news.watchlist`, without marks."""
    return {key: figure for key, figure in known.items() if not figure.erased}
