"""The options that `watchlist add` and `edit` share, and what was given with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

import typer

from streams.enrich.watchlist.aliases import clean
from streams.enrich.watchlist.candidates import LISTS, Kind
from streams.errors import ConfigError

__all__ = [
    "AliasOption",
    "BlockerOption",
    "CueOption",
    "DescriptionOption",
    "DropOption",
    "KindOption",
    "ListOption",
    "NegativeCueOption",
    "OwnerOption",
    "PurposeOption",
    "QidOption",
    "RelatedOption",
    "ReviewOption",
    "TitleOption",
    "Words",
    "by_field",
    "review_date",
]

Words = list[str] | None

KindOption = Annotated[
    Kind | None, typer.Option(help="What it is; a new one is a person by default.")
]
QidOption = Annotated[str | None, typer.Option(help="Wikidata id, such as Q42.")]
AliasOption = Annotated[
    Words,
    typer.Option(
        help="Another name; 'NAME:context' counts only with support, 'NAME:strong' always, "
        "'NAME:never' switches a derived one off. May be repeated, as all that follow."
    ),
]
TitleOption = Annotated[Words, typer.Option(help="Supports the figure just before a name.")]
CueOption = Annotated[Words, typer.Option(help="Supports the figure anywhere in an item.")]
NegativeCueOption = Annotated[Words, typer.Option(help="Speaks against it near a name.")]
BlockerOption = Annotated[
    Words, typer.Option(help="Longer phrase around a name that means something else.")
]
ListOption = Annotated[Words, typer.Option("--list", help="List that it belongs to.")]
RelatedOption = Annotated[Words, typer.Option(help="Id of a figure whose full name supports it.")]
DescriptionOption = Annotated[str | None, typer.Option(help="One line for people.")]
PurposeOption = Annotated[
    str | None, typer.Option(help="What it is watched for: why a person's data may be kept.")
]
OwnerOption = Annotated[str | None, typer.Option(help="Who answers for watching it.")]
ReviewOption = Annotated[
    str | None, typer.Option(help="By when to ask whether to go on watching, as 2027-01-31.")
]
DropOption = Annotated[Words, typer.Option(help="Take one away.")]


def review_date(text: str) -> date | None:
    """The date of --review; None for "", which takes it away.

    Raises:
        ConfigError: it is no date.
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        cure = "write it like 2027-01-31, or leave it empty"
        raise ConfigError(f"{text!r} is no date", field="--review", cure=cure) from error


def by_field(*given: Words) -> dict[str, tuple[str, ...]]:
    """What was given for each field of `LISTS`, in that order; each word once."""
    cleaned: Iterable[Iterable[str]] = (map(clean, words or ()) for words in given)
    words = (tuple(dict.fromkeys(each)) for each in cleaned)
    return dict(zip(LISTS, words, strict=True))
