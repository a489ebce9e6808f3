"""`wirewatch privacy`: what is stored about a figure, handed out or erased."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from streams.broker.clients import resolve_broker
from streams.broker.topics import ALERTS, COMMANDS, MENTIONS, TRENDS, WATCHLIST
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, utc_now
from streams.errors import NotFoundError
from streams.meant import close_ids
from streams.printable import escaped
from streams.printing import note, print_json, say, write
from streams.privacy.erasing import erase as erase_figure
from streams.privacy.retention import REMAINING, gone_by
from streams.privacy.stored import Stored, read_stored

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Hand out or erase what is stored about a figure: personal data."
)

FigureArgument = Annotated[str, typer.Argument(help="As shown by `watchlist list`.")]
ArchiveOption = Annotated[
    Path | None, typer.Option(help="Folder of the Parquet archive; else it is not looked at.")
]


@app.command(
    epilog="Example:\n\nwirewatch privacy export nick-clegg --archive archive --to nick-clegg.jsonl"
)
def export(
    figure_id: FigureArgument,
    to: Annotated[Path | None, typer.Option(help="By default standard output.")] = None,
    archive: ArchiveOption = None,
    broker: BrokerOption = "",
) -> None:
    """Write what is stored about a figure, a JSON document a line.

    The entry of the watchlist, alerts (the newest revision of each), mentions and trends, also those
    of others that name the figure, what people did with its alerts, and the rows of the archive.

    Not among it, and named by `privacy erase` with the day by which it has gone: earlier revisions, items as they
    were read, dead letters.

    Each line: {"topic", "partition", "offset", "at", "record"}, for the watchlist only "topic" and
    "record", for the archive {"file", "record"}. What is no JSON, since somebody else wrote it, is a text.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    stored = asyncio.run(read_stored(settings, figure_id))
    archived = list(_archived(archive, figure_id))
    if not len(stored) and not archived:
        raise _nothing(stored, figure_id)
    lines = [*_stored(stored), *archived]
    write("".join(f"{escaped(msgspec.json.encode(line).decode())}\n" for line in lines), to)
    note(f"{len(lines)} records about {figure_id}")


@app.command(
    epilog="Examples:\n\nwirewatch privacy erase nick-clegg --archive archive\n\n"
    "wirewatch privacy erase nick-clegg --archive archive --yes"
)
def erase(
    figure_id: FigureArgument,
    archive: ArchiveOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it, and do not only tell it.")] = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Erase a figure: its entry, its alerts, its rows in the archive. Without --yes only tells what.

    A mark, which is a hash of the id, keeps watchlist.yaml and imports from bringing it back, until
    `watchlist add` or `config publish --allow-again` does. What cannot be deleted by its key goes
    with its age; the day by which it has gone is told. It may be done again at any time.

    The archive process must not run on that folder meanwhile. Export first what you need to keep.

    As JSON: {"figure_id", "done", "entry", "alerts", "archive_rows", "archive_unread", "remaining":
    [{"topic", "records", "gone_by"}]}; records is null where they are not counted.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    with _archive_held(archive if yes else None):
        stored = asyncio.run(read_stored(settings, figure_id))
        rows = _count_rows(archive, figure_id)
        if not len(stored) and not rows and not stored.erased:
            raise _nothing(stored, figure_id)
        plan = _plan(stored, figure_id, archive, rows)
        if yes:
            plan |= {"done": True, "alerts": asyncio.run(erase_figure(settings, figure_id))}
            plan["archive_rows"] = _erase_rows(archive, figure_id)
    if as_json:
        print_json(msgspec.to_builtins(plan))
    else:
        _show(plan)
    _remarks(settings, stored, figure_id, archive)
    if yes:
        note(
            f"Kafka keeps the entry in its files until more is written to {WATCHLIST} an hour later: do this "
            "again tomorrow, which does that, too"
        )


def _plan(stored: Stored, figure_id: str, archive: Path | None, rows: int) -> dict[str, Any]:
    counts = {
        MENTIONS: len(stored.mentions),
        TRENDS: len(stored.trends),
        COMMANDS: len(stored.commands),
    }
    now = utc_now()
    return {
        "figure_id": figure_id,
        "done": False,
        "entry": stored.figure is not None,
        "alerts": len(stored.alerts),
        "archive_rows": rows,
        "archive_unread": _unread(archive, stored),
        "remaining": [
            {"topic": topic, "records": counts.get(topic), "gone_by": gone_by(topic, now)}
            for topic in (ALERTS, *REMAINING)
        ],
    }


def _show(plan: dict[str, Any]) -> None:
    verb = "deleted" if plan["done"] else "would be deleted"
    say(f"{plan['figure_id']}: {'erased' if plan['done'] else 'nothing is changed without --yes'}")
    say(f"  {WATCHLIST}: {f'the entry {verb}' if plan['entry'] else 'no entry'}; a mark stays")
    say(f"  {ALERTS}: {verb}: {plan['alerts']}")
    say(f"  rows of the archive: {verb}: {plan['archive_rows']}")
    say("goes with its age, by the end of:")
    for each in plan["remaining"]:
        told = {
            ALERTS: "earlier revisions; mostly within 8 days, by compaction",
            COMMANDS: f"{each['records']} commands",
            MENTIONS: f"{each['records']} mentions",
            TRENDS: f"{each['records']} trends",
        }.get(each["topic"], "what names it")
        say(f"  {each['gone_by']}  {each['topic']}: {told}")


def _remarks(settings: Settings, stored: Stored, figure_id: str, archive: Path | None) -> None:
    """What is left for a person to do."""
    if stored.figure and stored.figure.origin == "file":
        note(
            f"remove {figure_id} from watchlist.yaml, too: it stays out, but is still written there"
        )
    for _, other in sorted(stored.watchlist.items()):
        if figure_id in other.related and other.figure_id != figure_id:
            note(
                f"{other.figure_id} names it as related; mend it with `wirewatch watchlist edit "
                f"{other.figure_id} --drop-related {figure_id}`"
            )
    if archive is None:
        default = settings.data_folder / "archive"
        folder = default if default.is_dir() else "and its folder, if you keep one"
        note(f"no archive was looked at; give --archive {folder}")
    if late := _unread(archive, stored):
        note(
            f"the archive has not taken in {late} of these records yet, and will when it runs: "
            "then do this again"
        )


def _nothing(stored: Stored, figure_id: str) -> NotFoundError:
    close = close_ids(figure_id, stored.watchlist)
    cure = f"did you mean {', '.join(close)}?" if close else "see `wirewatch watchlist list`"
    return NotFoundError(f"nothing is stored about {figure_id!r}", cure=cure)


def _stored(stored: Stored) -> Iterator[dict[str, Any]]:
    if stored.figure:
        yield {"topic": WATCHLIST, "record": stored.figure}
    for each in (*stored.alerts, *stored.mentions, *stored.trends, *stored.commands):
        yield {
            "topic": each.topic,
            "partition": each.partition,
            "offset": each.offset,
            "at": each.at,
            "record": _on_one_line(each.value),
        }


def _on_one_line(value: bytes) -> msgspec.Raw | str:
    """The JSON without breaks; others may have written bytes that are no UTF-8, or no JSON at all."""
    text = value.decode("utf-8", "replace")
    try:
        return msgspec.Raw(msgspec.json.format(text.encode(), indent=-1))
    except (msgspec.DecodeError, RecursionError):
        return text


# --- the archive, whose libraries are an extra ------------------------------------------------


def _archived(folder: Path | None, figure_id: str) -> Iterator[dict[str, Any]]:
    if folder is None:
        return
    from streams.privacy.archived import find_rows, records_in

    for file, _ in find_rows(folder, figure_id):
        for record in records_in(file, figure_id):
            where = str(file.relative_to(folder))
            yield {"file": where, "record": _on_one_line(record.encode())}


def _count_rows(folder: Path | None, figure_id: str) -> int:
    if folder is None:
        return 0
    from streams.privacy.archived import find_rows

    return sum(found.number for found in find_rows(folder, figure_id))


def _erase_rows(folder: Path | None, figure_id: str) -> int:
    if folder is None:
        return 0
    from streams.privacy.archived import erase_rows

    return erase_rows(folder, figure_id)


def _unread(folder: Path | None, stored: Stored) -> int:
    if folder is None:
        return 0
    from streams.privacy.archived import unread

    return unread(folder, [*stored.revisions, *stored.mentions])


@contextlib.contextmanager
def _archive_held(folder: Path | None) -> Iterator[None]:
    """Keep the archive process out of a folder that is there."""
    if folder is None or not folder.is_dir():
        yield
        return
    from streams.sinks.archive import lock_archive

    with lock_archive(folder):
        yield
