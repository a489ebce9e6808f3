"""Why persons are watched, who answers for it, and until when: what a watchlist leaves open. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from streams.enrich.watchlist.checking import Finding
from streams.records import Figure

__all__ = ["open_accounts", "overdue"]


def open_accounts(figures: Sequence[Figure], today: date) -> list[Finding]:
    """Warnings of persons whose review is overdue, and of those without purpose or owner.

    The latter only in a watchlist that says these of anybody: whoever keeps no such accounts need not be told
    so for each figure. Organisations are no persons, and need none. What is inactive is stored all the same.

    Args:
        figures: of a watchlist, in its order.
        today: a review of that day is not overdue yet.
    """
    accounted = any(figure.purpose or figure.owner for figure in figures)
    found = []
    for position, figure in enumerate(figures):
        if figure.kind == "person" and not figure.erased:
            for field, message, cure in _open(figure, today, accounted=accounted):
                found.append(
                    Finding("warning", figure.figure_id, field, message, cure, position=position)
                )
    return found


def overdue(figure: Figure, today: date) -> bool:
    """Whether the review of a person should have been before today."""
    return figure.kind == "person" and figure.review is not None and figure.review < today


def _open(figure: Figure, today: date, *, accounted: bool) -> Iterator[tuple[str, str, str]]:
    """Field, message and cure of each thing that is left open."""
    if overdue(figure, today):
        cure = "ask whether it is still to be watched: then give a later date, or remove it"
        yield "review", f"was due on {figure.review}", cure
    if accounted and not figure.purpose:
        yield "purpose", "is not said, and is of others", "say what the person is watched for"
    if accounted and not figure.owner:
        yield "owner", "is not said, and is of others", "say who answers for it"
