"""`wirewatch eval stories`: measures grouping on labelled items. Needs no broker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from streams.broker.verbs import JsonOption
from streams.config import Settings
from streams.printing import note, print_json
from streams.stories.evaluation import (
    BCubed,
    GoldStoryItem,
    Grouped,
    b_cubed,
    enrich_gold,
    enricher_for,
    group,
    read_story_gold,
)

__all__ = ["stories"]


def stories(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="JSON lines of labelled items.", show_default=False),
    ] = None,
    split: Annotated[
        Literal["dev", "test", "all"],
        typer.Option(help="Which half: dev may be looked at, test is for measuring only."),
    ] = "all",
    semantics: Annotated[
        Literal["auto", "on", "off"] | None,
        typer.Option(help="Compare meanings, too; by default WIREWATCH_SEMANTICS."),
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Print every story that is torn apart or mixed.")
    ] = False,
    min_f1: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Exit with 1 if an F1 is below, 0 to 1.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    r"""Measure how well copies and stories are found.

    Items go through enrichment and the fold that the stories stage runs, in the order of `seen`. The format is
    documented in tests/gold/stories/README.md.

    As JSON: {"files", "split", "items", "stories", "copies": {"precision", "recall", "f1"},
    "news": likewise}. With --errors also "errors": [{"story", "found": [\[title, ...], ...], "mixed_with":
    \[story, ...]}].
    """
    if not files:
        raise typer.BadParameter("give files of labelled items", param_hint="FILE...")
    settings = Settings.from_environment()
    items = [item for item in read_story_gold(files) if split in ("all", item.split)]
    enricher = enricher_for(settings.config_folder, semantics=semantics or settings.semantics)
    found = group(enrich_gold(items, enricher))
    copies = b_cubed([i.copy_group or i.id for i in items], [f.copy_group for f in found])
    news = b_cubed([item.story for item in items], [each.story for each in found])
    if as_json:
        document = {
            "files": [str(path) for path in files],
            "split": split,
            "items": len(items),
            "stories": len({item.story for item in items}),
            "copies": copies._asdict(),
            "news": news._asdict(),
        }
        torn = [each._asdict() for each in _errors(items, found)]
        print_json(document | ({"errors": torn} if errors else {}))
    else:
        _show(items, split, copies, news)
        if errors:
            _show_errors(items, found)
    if min(copies.f1, news.f1) < min_f1:
        note(f"below {min_f1}: copies {copies.f1:.4f}, same news {news.f1:.4f}")
        raise typer.Exit(1)


def _show(items: list[GoldStoryItem], split: str, copies: BCubed, news: BCubed) -> None:
    number = len({item.story for item in items})
    table = Table(
        "", "precision", "recall", "F1", title=f"{len(items)} items, {number} stories, {split}"
    )
    for name, scores in (("copies", copies), ("same news", news)):
        table.add_row(name, *(f"{score:.3f}" for score in scores))
    table.caption = "B-cubed"
    Console().print(table)


class Torn(NamedTuple):
    """A labelled story that was found in more than one piece, or together with others."""

    story: str
    found: list[list[str]]
    """Titles by piece."""
    mixed_with: list[str]


def _errors(items: list[GoldStoryItem], found: list[Grouped]) -> list[Torn]:
    pieces: dict[str, dict[str, list[str]]] = {}
    owners: dict[str, set[str]] = {}
    for item, each in zip(items, found, strict=True):
        pieces.setdefault(item.story, {}).setdefault(each.story, []).append(item.title)
        owners.setdefault(each.story, set()).add(item.story)
    torn = []
    for story, parts in pieces.items():
        others = sorted({owner for part in parts for owner in owners[part]} - {story})
        if len(parts) > 1 or others:
            torn.append(Torn(story, list(parts.values()), others))
    return torn


def _show_errors(items: list[GoldStoryItem], found: list[Grouped]) -> None:
    console = Console()
    for error in _errors(items, found):
        mixed = f", mixed with {', '.join(error.mixed_with)}" if error.mixed_with else ""
        console.print(f"\n{error.story}{mixed}", highlight=False, markup=False)
        for number, titles in enumerate(error.found, 1):
            for title in titles:
                console.print(f"  {number}  {title}", highlight=False, markup=False)
