"""`wirewatch dead-letters`: what could not be processed, why, and how it gets another chance."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from streams.broker.clients import resolve_broker
from streams.broker.dead_letters import (
    Letter,
    Reason,
    counted,
    purge,
    purgeable,
    read_letters,
    receiver_of,
    redrive,
    why_not,
    with_values,
)
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, utc_now
from streams.errors import ConfigError, NotFoundError
from streams.moments import moment
from streams.printing import note, plain, print_json, say
from streams.records import DeadLetter
from streams.sinks.verbs import ReceiversOption

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="See what could not be processed, send it back, or delete it."
)

StageOption = Annotated[
    str, typer.Option(help="Only of this stage, such as enrich or notify:desk.")
]
ErrorOption = Annotated[str, typer.Option(help="Only with this in the error or its message.")]
SinceOption = Annotated[
    str, typer.Option(help="Only from then on: 7d ago, or a time such as 2026-11-20.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it, and do not only tell it.")]
BODY_SHOWN = 4_000
"""Characters of a value that `show` prints."""


@app.command("list")
def list_(
    stage: StageOption = "",
    error: ErrorOption = "",
    since: SinceOption = "",
    by: Annotated[str, typer.Option(help="Count by stage, error, topic or message instead.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show the newest so many.")] = 50,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what could not be processed, newest first.

    As JSON: [{"place", "origin", "at", "stage", "error", "message", "attempts", "bytes", "state"}], where state
    is "waiting" or why it would not be redriven; with --by [{"<by>", "count"}].
    """
    letters = _chosen(broker, stage, error, since)
    if by:
        _count(letters, by, as_json=as_json)
        return
    if as_json:
        print_json([_document(each) for each in letters[:limit]])
        return
    names = ("place", "origin", "at", "stage", "tries", "why")
    table = Table(*(Column(name, no_wrap=name != "why") for name in names), box=SIMPLE_HEAD)
    for each in letters[:limit]:
        told = each.letter
        row = (
            each.place, each.origin, f"{each.at:%m-%d %H:%M}", told.stage, told.attempts,
            f"{told.error}: {told.message}" + (f" [{state}]" if (state := why_not(each)) else ""),
        )  # fmt: skip
        table.add_row(*map(plain, row))
    Console().print(table)
    note(f"{len(letters)} dead letters; `wirewatch dead-letters show PLACE` for one of them")


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="Partition and offset as shown by `list`: 3/17.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Only the original bytes, as they are.")
    ] = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show one dead letter: where it came from, why it is here, and its original bytes.

    As JSON: what `list` tells of it, and "key" and "value", as text; null if it has none.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    found = asyncio.run(_letter(settings, place))
    if raw:
        sys.stdout.buffer.write(found.letter.value or b"")
        return
    if as_json:
        print_json(
            _document(found) | {"key": _text(found.letter.key), "value": _text(found.letter.value)}
        )
        return
    for name, value in _document(found).items():
        say(f"{name:9} {value}")
    say(f"key       {_text(found.letter.key) or ''}")
    say("")
    say(_readable(found.letter))


@app.command("redrive")
def redrive_(
    places: Annotated[list[str] | None, typer.Argument(help="Which; by default all.")] = None,
    stage: StageOption = "",
    error: ErrorOption = "",
    since: SinceOption = "",
    insist: Annotated[
        bool,
        typer.Option(
            "--insist",
            help="Also what was redriven, has failed three times, or holds no more.",
        ),
    ] = False,
    yes: YesOption = False,
    config: ReceiversOption = None,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    r"""Send dead letters back to the topics that they came from. Without --yes only tells which.

    All that read the topic see the record again, which ids make harmless. It may be run again: what has been
    sent back is not sent twice, and what fails three times stays.

    Alerts that a receiver has not got are posted to it, each by itself and once, if it still wants them and
    they still hold; under the webhook-id of then, but for those that a digest was to tell. That needs notify.yaml
    and the secrets that it names.

    As JSON: {"redriven": \[place, ...], "left": \[{"place", "why"}], "done"}; redriven has what would be, where
    done is false.
    """
    letters = _named(_chosen(broker, stage, error, since), places)
    left = {each.place: why_not(each, insist=insist) for each in letters}
    chosen = [each for each in letters if not left[each.place]]
    if yes and chosen:
        left |= asyncio.run(
            _send(
                resolve_broker(Settings.from_environment(), broker), chosen, config, insist=insist
            )
        )
    if as_json:
        sent = [each.place for each in letters if not left[each.place]]
        others = [{"place": place, "why": why} for place, why in left.items() if why]
        print_json({"redriven": sent, "left": others, "done": yes})
        return
    for each in letters:
        why = left[each.place]
        say(
            f"{each.place} {each.origin} {'stays: ' + why if why else 'sent back' if yes else 'would go back'}"
        )
    if not yes:
        note(f"nothing is done; --yes sends {len(chosen)} of {len(letters)} back")


async def _send(
    settings: Settings, letters: list[Letter], config: Path | None, *, insist: bool
) -> dict[str, str]:
    """Send letters to where they belong; returns why some stay, by place.

    Raises:
        ConfigError, NotFoundError: all wait for receivers, and those cannot be read.
    """
    from streams.sinks.receivers import read_receivers
    from streams.sinks.redelivery import redeliver

    untold = [each for each in letters if receiver_of(each.letter)]
    others = [each for each in letters if not receiver_of(each.letter)]
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("sending", total=len(letters))
        step = partial(progress.advance, task)
        left = await redrive(settings, others, step=step) if others else {}
        if untold:
            try:
                receivers = read_receivers(config or settings.config_folder / "notify.yaml")
            except (ConfigError, NotFoundError) as error:
                if not others:
                    raise
                return left | {each.place: str(error) for each in untold}
            left |= await redeliver(settings, untold, receivers, insist=insist, step=step)
    return left


@app.command("purge")
def purge_(
    until: Annotated[
        str, typer.Option(help="Delete what was refused before: 2026-11-20. By default all.")
    ] = "",
    yes: YesOption = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Delete dead letters for good, oldest first. Without --yes only tells how many.

    As JSON: {"letters", "done"}.
    """
    letters = _chosen(broker, "", "", "")
    if until:
        letters = purgeable(letters, moment(until, utc_now(), "--until"))
    if yes and letters:
        asyncio.run(purge(resolve_broker(Settings.from_environment(), broker), letters))
    if as_json:
        print_json({"letters": len(letters), "done": yes})
        return
    say(f"{len(letters)} dead letters {'deleted' if yes else 'would be deleted; --yes does it'}")


async def _letter(settings: Settings, place: str) -> Letter:
    """The letter at a place, with its value."""
    found = [each for each in await read_letters(settings) if each.place == place]
    async with aclosing(with_values(settings, found)) as every:
        async for each in every:
            return each
    raise NotFoundError(f"no dead letter at {place}", cure="`wirewatch dead-letters list`")


def _chosen(broker: str, stage: str, error: str, since: str) -> list[Letter]:
    settings = resolve_broker(Settings.from_environment(), broker)
    begin = moment(since, utc_now(), "--since") if since else None
    return [
        each
        for each in asyncio.run(read_letters(settings, begin))
        if (not stage or each.letter.stage == stage)
        and error.casefold() in f"{each.letter.error}: {each.letter.message}".casefold()
    ]


def _named(letters: list[Letter], places: list[str] | None) -> list[Letter]:
    if not places:
        return letters
    by_place = {each.place: each for each in letters}
    if unknown := [place for place in places if place not in by_place]:
        raise NotFoundError(f"no dead letter at {unknown[0]}", cure="`wirewatch dead-letters list`")
    return [by_place[place] for place in places]


def _count(letters: Iterable[Letter], by: str, *, as_json: bool) -> None:
    if by not in get_args(Reason):
        raise ConfigError(
            f"{by!r} is no reason", field="--by", cure="stage, error, topic or message"
        )
    counts = counted(letters, by)  # type: ignore[arg-type]  # looked up in its own values above
    if as_json:
        print_json([{by: name, "count": count} for name, count in counts])
        return
    for name, count in counts:
        say(f"{count:7,}  {name}")


def _document(each: Letter) -> dict[str, Any]:
    told = each.letter
    return {
        "place": each.place,
        "origin": each.origin,
        "at": each.at.isoformat(),
        "stage": told.stage,
        "error": told.error,
        "message": told.message,
        "attempts": told.attempts,
        "bytes": told.cut_from_bytes or each.size,
        "state": why_not(each) or "waiting",
    }


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


def _readable(told: DeadLetter) -> str:
    """The value for a person: indented if it is JSON, else as text, cut where it is long."""
    if told.value is None:
        return "no value"
    try:
        text = json.dumps(json.loads(told.value), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        text = _text(told.value) or ""
    return text if len(text) <= BODY_SHOWN else f"{text[:BODY_SHOWN]} … (--raw for all of it)"
