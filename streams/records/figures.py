"""Whom to watch, and under which names."""

from __future__ import annotations

from datetime import date
from typing import Literal

from streams.records.vocabulary import Origin, Record

__all__ = ["Figure", "Name"]


class Name(Record, frozen=True, kw_only=True):
    """One name of a figure."""

    surface: str
    kind: Literal["full", "initial", "surname", "word", "given", "handle", "acronym"]
    strength: Literal["strong", "context", "never"] = "strong"
    """strong stands alone; context needs supporting evidence; never switches a variant off."""
    case: Literal["cap", "any"] = "cap"
    """cap requires the capitals of the surface form (all capitals also pass)."""
    source: str = "user"
    """`user`, or `generated:<rule>` for a variant that the matcher derived."""


class Figure(Record, frozen=True, kw_only=True):
    """A watched person or organisation. `news.watchlist`, key `figure_id`."""

    figure_id: str
    name: str
    kind: Literal["person", "organisation"]
    qid: str = ""
    """Wikidata id, such as Q36215; empty if unknown."""
    qid_checked: bool = False
    """True once a person has compared the QID with Wikidata."""
    description: str = ""
    lists: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()
    """Names beside `name`, which is always a strong full name."""
    titles: tuple[str, ...] = ()
    """Words that support the figure directly before the name ("Kanzler", "Senator")."""
    cues: tuple[str, ...] = ()
    """Words that support the figure anywhere in the item."""
    negative_cues: tuple[str, ...] = ()
    """Words that speak against the figure close to the name."""
    blockers: tuple[str, ...] = ()
    """Longer phrases that contain a name and mean somebody or something else."""
    related: tuple[str, ...] = ()
    """figure_ids whose full name supports this figure."""
    purpose: str = ""
    """What it is watched for; for persons, the reason why their data may be kept."""
    owner: str = ""
    """Who answers for watching it."""
    review: date | None = None
    """By when somebody is to ask whether it is still to be watched."""
    active: bool = True
    erased: bool = False
    """True for a mark that a figure was erased, which holds nothing else of it."""
    origin: Origin = "cli"
