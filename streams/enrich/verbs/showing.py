"""What `wirewatch watchlist …` prints: tables for people, documents for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from streams.enrich.watchlist.candidates import Problem
from streams.enrich.watchlist.checking import Finding
from streams.enrich.watchlist.importing import Imported
from streams.enrich.watchlist.trying import Tried
from streams.enrich.wording import reason_in_words
from streams.printing import note, plain, print_json, say
from streams.records import Figure, Reason

__all__ = [
    "note",
    "print_json",
    "say",
    "show_figures",
    "show_findings",
    "show_import",
    "show_problems",
    "show_tried",
]

CONTEXT = "?"
"""Marks a name that counts only with support."""
NAMES_SHOWN = 5


def show_figures(figures: Sequence[Figure]) -> None:
    """Figures with their names, one line each."""
    columns = (Column(name, no_wrap=True) for name in ("figure", "kind", "qid"))
    table = Table(*columns, "lists", "names", box=SIMPLE_HEAD, pad_edge=False)
    for figure in figures:
        figure_id = figure.figure_id if figure.active else f"{figure.figure_id} (off)"
        cells = (figure_id, figure.kind, figure.qid, ", ".join(figure.lists), _names(figure))
        table.add_row(*map(plain, cells))
    console = Console()
    console.print(table)
    off = sum(not figure.active for figure in figures)
    console.print(
        f"{len(figures)} figures, {off} of them off" if off else f"{len(figures)} figures"
    )


def show_findings(findings: Iterable[tuple[int, Finding]], source: str) -> None:
    """Findings with the line that each is about, 0 where there is none."""
    for line, each in findings:
        place = f"{source}:{line}" if line else source
        what = f"{each.level}: {each.figure_id}: {each.field}: {each.message}"
        say(f"{place}: {what} ({each.cure})")


def show_import(imported: Imported, file: str, *, dry_run: bool, verbose: bool) -> None:
    """What becomes of each figure of a file, and what was left out of it."""
    for change in imported.changes:
        if change.outcome != "unchanged":
            outcome = f"would be {change.outcome}" if dry_run else f"is {change.outcome}"
            say(f"{_place(file, change.line)}: {change.name!r} {outcome} as {change.figure_id}")
            for remark in change.notes if verbose else ():
                say(f"  {remark}")
    for each in imported.dropped if verbose else ():
        say(f"{_place(file, each.line)}: {each.figure_id}: dropped {each.surface!r}: {each.reason}")
    for reason, number in imported.reasons.items():
        say(f"{number} names dropped: {reason}")
    graded = sum(len(change.notes) for change in imported.changes)
    if (graded or imported.dropped) and not verbose:
        say(f"--verbose tells {graded} remarks on names, and {len(imported.dropped)} dropped ones")


def show_problems(problems: Iterable[Problem], file: str) -> None:
    """What cannot be imported, on stderr."""
    for each in problems:
        parts = (_place(file, each.line), each.field, each.message)
        note(f"{': '.join(part for part in parts if part)} ({each.cure})")


def show_tried(tried: Sequence[Tried]) -> None:
    """What a watchlist makes of texts: hits with reasons, then names that do not count."""
    for number, each in enumerate(tried, start=1):
        if number > 1:
            say("")
        say(f"{each.text}  [{each.lang}]")
        for hit in each.figures:
            places = ", ".join(dict.fromkeys(repr(place.surface) for place in hit.mentions))
            say(f"  {hit.level} {hit.confidence:.0%}  {hit.figure_id}: {places}")
            _say_reasons(hit.reasons)
        for name in each.not_counted:
            say(f"  no  {name.figure_id}: {name.surface!r} does not count: {name.why}")
            _say_reasons(name.reasons)
        if not each.figures and not each.not_counted:
            say("  no name of the watchlist")


def _say_reasons(reasons: Iterable[Reason]) -> None:
    for reason in reasons:
        say(f"      {reason_in_words(reason)}")


def _names(figure: Figure) -> str:
    shown = [figure.name]
    for name in figure.names[:NAMES_SHOWN]:
        mark = {"strong": "", "context": CONTEXT, "never": " (never)"}[name.strength]
        shown.append(f"{name.surface}{mark}")
    more = len(figure.names) - NAMES_SHOWN
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _place(file: str, line: int) -> str:
    return f"{file}:{line}" if line else file
