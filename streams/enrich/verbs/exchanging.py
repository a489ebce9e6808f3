"""`wirewatch watchlist import` and `export`: CSV and Wikidata in, YAML, CSV and JSON lines out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from streams.broker.broadcast import publish, read
from streams.broker.clients import resolve_broker
from streams.broker.topics import WATCHLIST
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings
from streams.enrich.verbs import showing
from streams.enrich.verbs.reading import Stream, decoded, lines_of, opened
from streams.enrich.watchlist.candidates import Candidate, Kind, Problem
from streams.enrich.watchlist.erasing import watched
from streams.enrich.watchlist.exporting import FORMATS, Format, export_figures
from streams.enrich.watchlist.importing import Imported, import_figures
from streams.enrich.watchlist.spreadsheet import read_rows
from streams.enrich.watchlist.wikidata import MAX_DOCUMENT_BYTES, read_entities
from streams.errors import ConfigError
from streams.printing import print_json, say, write
from streams.records import Figure

__all__ = ["export", "import_"]

_BOM = b"\xef\xbb\xbf"
_SUFFIXES: dict[str, Format] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


def import_(
    file: Annotated[
        str, typer.Argument(help="CSV, or JSON of Wikidata; also gzipped; - is stdin.")
    ],
    lang: Annotated[
        str, typer.Option(help="Languages of Wikidata's names and descriptions, best first.")
    ] = "de,en",
    kind: Annotated[
        Kind | None,
        typer.Option(help="What figures are of which the file does not say it."),
    ] = None,
    update_only: Annotated[
        bool, typer.Option("--update-only", help="Pass over figures that are not watched yet.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out what is wrong, and import the rest.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Tell every dropped and every weak name.")
    ] = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Add the figures of a file, and add to those that are there; nothing stated is lost.

    CSV has a header with these columns, of which only name must be there: id, name, kind, qid,
    aliases, titles, cues, negative_cues, blockers, lists, related, description, active,
    qid_checked, purpose, owner, review, lang. A cell holds several values separated by | and an
    alias may carry a mark ('Apple:context'). A figure that was erased is a mistake.

    From Wikidata come an entity a line, as in its dumps, or {"entities": …} as from
    Special:EntityData and wbgetentities. Humans become persons, all else organisations. Aliases
    that are ordinary words, too short, or without letters are dropped.

    If anything is wrong, nothing is imported, unless --skip-bad is given. A second import changes
    nothing.

    As JSON: {"file", "dry_run", "added", "updated", "unchanged", "figures": [{"line", "outcome",
    "figure_id", "name", "notes"}], "problems": [{"line", "field", "message", "cure"}], "dropped":
    {reason: number}}, with --verbose also "dropped_names".
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    known = asyncio.run(read(settings, WATCHLIST, Figure))
    with opened(file) as stream:
        candidates = _read(
            stream, file, tuple(filter(None, map(str.strip, lang.lower().split(","))))
        )
        imported = import_figures(
            candidates, known.values(), kind=kind or "", update_only=update_only
        )
    failed = bool(imported.problems) and not skip_bad
    if as_json:
        print_json(_document(imported, file, dry_run=dry_run, verbose=verbose))
    else:
        showing.show_import(imported, file, dry_run=dry_run or failed, verbose=verbose)
        showing.show_problems(imported.problems, file)
    if failed:
        raise ConfigError(
            f"{len(imported.problems)} mistakes: nothing was imported",
            file=file,
            cure="correct them, or leave them out with --skip-bad",
        )
    if not dry_run:
        changes = {figure.figure_id: figure for figure in imported.figures}
        asyncio.run(publish(settings, WATCHLIST, changes))
    if not as_json:
        would = "would be " if dry_run else ""
        say(
            f"{imported.count('added')} figures {would}added, {imported.count('updated')} "
            f"{would}updated, {imported.count('unchanged')} unchanged, "
            f"{len(imported.problems)} left out"
        )


def export(
    file: Annotated[Path | None, typer.Argument(help="By default standard output.")] = None,
    format_: Annotated[
        str, typer.Option("--format", help="yaml, csv or jsonl; by default the file's, or yaml.")
    ] = "",
    broker: BrokerOption = "",
) -> None:
    """Write the watched figures: YAML as in the configuration folder, CSV, or a record a line."""
    chosen = _format(format_, file)
    settings = resolve_broker(Settings.from_environment(), broker)
    figures = watched(asyncio.run(read(settings, WATCHLIST, Figure))).values()
    write(export_figures(figures, chosen), file)


def _format(given: str, file: Path | None) -> Format:
    for format_ in FORMATS:
        if given == format_:
            return format_
    if given:
        raise ConfigError(
            f"{given!r} is no format", field="--format", cure=f"use {', '.join(FORMATS)}"
        )
    return _SUFFIXES.get(file.suffix.lower() if file else "", "yaml")


def _read(stream: Stream, file: str, langs: Sequence[str]) -> Iterator[Candidate | Problem]:
    """Candidates of a file: JSON by its first character, else CSV."""
    if file.lower().endswith((".yaml", ".yml")):
        cure = "put it into the configuration folder, and run `wirewatch config publish`"
        raise ConfigError("is a watchlist already", file=file, cure=cure)
    lines = lines_of(stream, file, MAX_DOCUMENT_BYTES)
    first = next(lines, b"").removeprefix(_BOM)
    while first and not first.strip():
        first = next(lines, b"")
    rest = itertools.chain([first], lines)
    if first.lstrip()[:1] in (b"{", b"["):
        yield from read_entities(rest, langs)
        return
    content = bytearray()
    for line in rest:
        content += line
        if len(content) > MAX_DOCUMENT_BYTES:
            cure = "split it into several files"
            raise ConfigError(f"has more than {len(content)} bytes", file=file, cure=cure)
    yield from read_rows(decoded(bytes(content), file))


def _document(imported: Imported, file: str, *, dry_run: bool, verbose: bool) -> dict[str, Any]:
    outcomes = ("added", "updated", "unchanged")
    document = {
        "file": file,
        "dry_run": dry_run,
        **{outcome: imported.count(outcome) for outcome in outcomes},
        "figures": msgspec.to_builtins(imported.changes),
        "problems": msgspec.to_builtins(imported.problems),
        "dropped": imported.reasons,
    }
    if verbose:
        document["dropped_names"] = msgspec.to_builtins(imported.dropped)
    return document
