"""What a file says about a figure, before it is one; every importer speaks this.

A candidate may leave open what is found out later: its id, its kind, the strength of its names.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from streams.enrich.watchlist.aliases import Alias

__all__ = ["LISTS", "Candidate", "Kind", "Problem"]

Kind = Literal["person", "organisation"]
LISTS = ("titles", "cues", "negative_cues", "blockers", "lists", "related")
"""Fields of a figure that hold words, or ids."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A figure as a file states it."""

    line: int
    """Of the file, from 1; 0 where the file is one document."""
    name: str
    figure_id: str = ""
    """Empty: made from the name."""
    kind: Kind | Literal[""] = ""
    """Empty: not said."""
    qid: str = ""
    qid_checked: bool = False
    description: str = ""
    aliases: tuple[Alias, ...] = ()
    """The most trusted ones first."""
    is_chosen: bool = True
    """Whether a person chose these aliases; others are taken only if they are good names."""
    titles: tuple[str, ...] = ()
    cues: tuple[str, ...] = ()
    negative_cues: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    purpose: str = ""
    owner: str = ""
    review: date | None = None
    active: bool | None = None
    """None: not said."""


class Problem(Struct, frozen=True):
    """What cannot be imported, and why."""

    line: int
    field: str
    """Column, key or figure."""
    message: str
    cure: str
