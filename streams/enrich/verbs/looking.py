"""The verbs of `wirewatch watchlist` that only look: list, check, test."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from streams.broker.broadcast import read
from streams.broker.clients import resolve_broker
from streams.broker.topics import WATCHLIST
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, utc_now
from streams.enrich.verbs import showing
from streams.enrich.verbs.reading import decoded
from streams.enrich.watchlist.accounting import open_accounts, overdue
from streams.enrich.watchlist.checking import Finding
from streams.enrich.watchlist.checking import check as check_figures
from streams.enrich.watchlist.erasing import watched
from streams.enrich.watchlist.file import line_of, parse_watchlist, read_watchlist
from streams.enrich.watchlist.trying import Trial
from streams.errors import ConfigError
from streams.printing import note, print_json, say
from streams.records import Figure

__all__ = ["check", "list_", "try_"]

LiveOption = Annotated[
    bool, typer.Option("--live", help="Take the broker's watchlist instead of a file.")
]


def list_(
    in_list: Annotated[
        list[str] | None, typer.Option("--list", help="Show only figures of this list.")
    ] = None,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the watched figures; a name with ? counts only with support.

    As JSON: an array of figures, as they are on news.watchlist.
    """
    figures = [
        figure
        for figure in _live_figures(Settings.from_environment(), broker)
        if not in_list or set(in_list) & set(figure.lists)
    ]
    if as_json:
        print_json(msgspec.to_builtins(figures))
    else:
        showing.show_figures(figures)
    today = utc_now().date()
    for figure in figures:
        if overdue(figure, today):
            note(f"warning: {figure.figure_id}: the review was due on {figure.review}")


def check(
    file: Annotated[
        Path | None, typer.Argument(help="By default watchlist.yaml of WIREWATCH_CONFIG.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 for warnings too, but not for notes.")
    ] = False,
    live: LiveOption = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find mistakes in a watchlist, and what finds the wrong things or nothing.

    Exits with 1 if there are errors. Warnings are about names that are too weak, shared or never
    found, about persons whose review is overdue, and, where anybody has a purpose or an owner, about
    persons without one; notes are warnings that may well be meant. Needs no broker unless --live or
    --broker is given.

    As JSON: {"source", "figures", "errors", "warnings", "notes", "findings": [{"level",
    "figure_id", "field", "message", "cure", "line"}]}; line is 0 where it is not known.
    """
    settings = Settings.from_environment()
    if live or broker:
        _refuse_both(file, "FILE")
        source, text = WATCHLIST, ""
        figures = _live_figures(settings, broker)
    else:
        path = file or settings.config_folder / "watchlist.yaml"
        figures = parse_watchlist(path)
        source, text = str(path), path.read_text("utf-8")
    findings = [*check_figures(figures), *open_accounts(figures, utc_now().date())]
    found = [(line_of(text, each), each) for each in findings]
    _report(source, len(figures), found, as_json=as_json)
    levels = {each.level for _, each in found}
    if "error" in levels or (strict and "warning" in levels):
        raise typer.Exit(1)


def try_(
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help="- reads lines of standard input.")
    ],
    watchlist: Annotated[
        Path | None, typer.Option(help="By default watchlist.yaml of WIREWATCH_CONFIG.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Declared language; a hint for short texts.")] = "",
    live: LiveOption = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show which figures would be found in texts, how surely and why, and which names do not count.

    Needs no broker unless --live or --broker is given. For policy topics, entities and whole
    articles see `wirewatch analyze`.

    As JSON: an array of {"text", "lang", "figures": [FigureHit], "not_counted": [{"figure_id",
    "surface", "start", "end", "name", "why", "reasons"}]}.
    """
    settings = Settings.from_environment()
    if live or broker:
        _refuse_both(watchlist, "--watchlist")
        figures = _live_figures(settings, broker)
    else:
        figures = read_watchlist(watchlist or settings.config_folder / "watchlist.yaml")
    trial = Trial(figures)
    tried = [trial.on(text, lang) for text in _texts(texts)]
    if as_json:
        print_json(msgspec.to_builtins(tried))
    else:
        showing.show_tried(tried)


def _live_figures(settings: Settings, broker: str) -> list[Figure]:
    known = asyncio.run(read(resolve_broker(settings, broker), WATCHLIST, Figure))
    return [figure for _, figure in sorted(watched(known).items())]


def _refuse_both(file: Path | None, name: str) -> None:
    if file is not None:
        cure = f"leave out {name}, or --live and --broker"
        raise ConfigError("name a file or the broker, not both", field=name, cure=cure)


def _texts(texts: Sequence[str]) -> list[str]:
    """What was given; a - stands for the lines of standard input that are not empty."""
    found = []
    for text in texts:
        lines = decoded(sys.stdin.buffer.read()).splitlines() if text == "-" else [text]
        found += [line for line in lines if line.strip()]
    return found


def _report(
    source: str, figures: int, found: Sequence[tuple[int, Finding]], *, as_json: bool
) -> None:
    counts = {
        f"{level}s": sum(each.level == level for _, each in found)
        for level in ("error", "warning", "note")
    }
    if as_json:
        findings = [
            {
                "level": each.level,
                "figure_id": each.figure_id,
                "field": each.field,
                "message": each.message,
                "cure": each.cure,
                "line": line,
            }
            for line, each in found
        ]
        print_json({"source": source, "figures": figures, **counts, "findings": findings})
        return
    showing.show_findings(found, source)
    told = ", ".join(f"{number} {level}" for level, number in counts.items())
    say(f"{figures} figures: {told}")
