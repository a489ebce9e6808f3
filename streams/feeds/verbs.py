"""`wirewatch feeds …` and `wirewatch poll`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from streams.broker.broadcast import Broadcast, publish
from streams.broker.clients import resolve_broker
from streams.broker.topics import FEED_STATE, FEEDS
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, parse_duration, utc_now
from streams.errors import ConfigError, NotFoundError
from streams.feeds.checking import Report, check_source
from streams.feeds.document import primary_lang
from streams.feeds.guard import refuse_url
from streams.feeds.links import canonical_url
from streams.feeds.opml import export_opml, import_opml
from streams.feeds.poller import run
from streams.feeds.registry import is_feed_id, new_feed_id
from streams.log import setup_logging
from streams.printable import printable
from streams.records import Feed, FeedState

__all__ = ["app", "poll"]

app = typer.Typer(no_args_is_help=True, help="Add, list, check, import and export feeds.")


def poll(broker: BrokerOption = "") -> None:
    """Poll the feeds until stopped; new and changed entries go to news.items."""
    settings = resolve_broker(Settings.from_environment(), broker)
    setup_logging(settings.log_level, settings.log_format)
    asyncio.run(run(settings))


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Address of an RSS, Atom or JSON feed.")],
    feed_id: Annotated[str, typer.Option("--id", help="By default from title or host.")] = "",
    title: Annotated[str, typer.Option(help="By default what the feed says.")] = "",
    lang: Annotated[str, typer.Option(help="Language, such as de or en.")] = "",
    tier: Annotated[
        int | None, typer.Option(min=1, max=3, help="1 official or wire, 2 newsroom, 3 blog.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    interval: Annotated[str, typer.Option(help="Fixed, such as 15m; else it adapts.")] = "",
    enable: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Whether it is polled.")
    ] = None,
    broker: BrokerOption = "",
) -> None:
    """Add a feed, or change the one with the given --id: what is not given stays."""
    settings = resolve_broker(Settings.from_environment(), broker)
    reason = refuse_url(url)
    if reason:
        raise ConfigError(reason, field="URL", cure="give an http or https address")
    known = asyncio.run(_read(settings, FEEDS, Feed))
    same = next((each for each in known.values() if _is_same(each.url, url)), None)
    if same and same.feed_id != feed_id:
        raise ConfigError(
            f"this address is already there as {same.feed_id!r}",
            field="URL",
            cure=f"change it with --id {same.feed_id}",
        )
    chosen_id = _checked_id(feed_id) or new_feed_id(title, url, known)
    before = known.get(chosen_id) or Feed(feed_id=chosen_id, url=url)
    feed = msgspec.structs.replace(
        before,
        url=url,
        title=title or before.title,
        lang=primary_lang(lang) or before.lang,
        tier=tier or before.tier,
        tags=tuple(tag) if tag else before.tags,
        enabled=before.enabled if enable is None else enable,
        interval_seconds=_seconds(interval) or before.interval_seconds,
        origin="cli",  # or the next start would bring back what feeds.yaml says
    )
    asyncio.run(publish(settings, FEEDS, {feed.feed_id: feed}))
    typer.echo(feed.feed_id)


@app.command("list")
def list_(broker: BrokerOption = "", as_json: JsonOption = False) -> None:
    """Show the feeds with their health and next poll."""
    settings = resolve_broker(Settings.from_environment(), broker)
    feeds = asyncio.run(_read(settings, FEEDS, Feed))
    states = asyncio.run(_read(settings, FEED_STATE, FeedState))
    rows = [_row(feed, states.get(feed_id)) for feed_id, feed in sorted(feeds.items())]
    if as_json:
        _print_json(rows)
        return
    names = ("feed", "lang", "tier", "health", "next", "items")
    table = Table(
        *(Column(name, no_wrap=True) for name in names), "why", box=SIMPLE_HEAD, pad_edge=False
    )
    now = utc_now()
    for row in rows:
        cells = (
            row["feed_id"],
            row["lang"],
            row["tier"],
            row["health"],
            _until(row["next_check_at"], now),
            row["items_seen"],
            row["reason"],
        )
        table.add_row(*map(_plain, cells))
    Console().print(table)


@app.command()
def remove(
    feed_id: Annotated[str, typer.Argument(help="As shown by `feeds list`.")],
    broker: BrokerOption = "",
) -> None:
    """Stop polling a feed. What is known of it stays, in case it comes back."""
    settings = resolve_broker(Settings.from_environment(), broker)
    if feed_id not in asyncio.run(_read(settings, FEEDS, Feed)):
        raise NotFoundError(f"no feed {feed_id!r}", cure="see `wirewatch feeds list`")
    asyncio.run(publish(settings, FEEDS, {feed_id: None}))
    typer.echo(f"removed {feed_id}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="OPML from another reader.")],
    broker: BrokerOption = "",
) -> None:
    """Add the feeds of an OPML file; its groups become tags."""
    settings = resolve_broker(Settings.from_environment(), broker)
    known = asyncio.run(_read(settings, FEEDS, Feed))
    imported = import_opml(_read_file(file), known.values(), str(file))
    asyncio.run(publish(settings, FEEDS, {feed.feed_id: feed for feed in imported.feeds}))
    notes = Console(stderr=True)
    for skipped in imported.skipped:
        what = f"{file}:{skipped.line}: skipped {skipped.title!r}: {skipped.reason}"
        notes.print(_plain(what), soft_wrap=True)
    typer.echo(f"{len(imported.feeds)} feeds added, {len(imported.skipped)} outlines skipped")


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="By default standard output.")] = None,
    broker: BrokerOption = "",
) -> None:
    """Write the feeds as OPML."""
    settings = resolve_broker(Settings.from_environment(), broker)
    text = export_opml(asyncio.run(_read(settings, FEEDS, Feed)).values())
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror}",
            file=str(file),
            cure="give a file in a folder that exists and that you may write to",
        ) from error


@app.command()
def check(
    source: Annotated[str, typer.Argument(help="Address or file of a feed.")],
    as_json: JsonOption = False,
) -> None:
    """Show what would be read from a feed; needs no broker and changes nothing."""
    report = asyncio.run(check_source(source, Settings.from_environment()))
    if as_json:
        _print_json(msgspec.to_builtins(report))
    else:
        _show(report)


async def _read(settings: Settings, topic: str, type_: Any) -> Mapping[str, Any]:
    """All records of a control topic."""
    held: Broadcast[Any] = Broadcast(settings, topic, type_)
    await held.start()
    await held.stop()
    return held.values


def _checked_id(feed_id: str) -> str:
    if feed_id and not is_feed_id(feed_id):
        raise ConfigError(
            f"{feed_id!r} cannot be an id", field="--id", cure="use a-z, 0-9, - and _, 64 at most"
        )
    return feed_id


def _seconds(interval: str) -> int | None:
    try:
        return parse_duration(interval) if interval else None
    except ValueError as error:
        raise ConfigError(str(error), field="--interval", cure="write it like 15m") from error


def _is_same(one: str, other: str) -> bool:
    return canonical_url(one) == canonical_url(other)


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{file} cannot be read: {error.strerror}", cure="check the path"
        ) from error


def _row(feed: Feed, state: FeedState | None) -> dict[str, Any]:
    state = state or FeedState(feed_id=feed.feed_id, url=feed.url)
    row: dict[str, Any] = msgspec.to_builtins(feed)
    known = msgspec.to_builtins(state)
    for name in ("last_fetch_at", "last_success_at", "next_check_at", "failures", "reason"):
        row[name] = known[name]
    row["health"] = state.health if feed.enabled else "disabled"
    row["items_seen"] = len(state.seen)
    return row


def _until(time: str | None, now: datetime) -> str:
    """Time left, in words."""
    if time is None:
        return "now"
    seconds = (datetime.fromisoformat(time) - now).total_seconds()
    if seconds < 1:
        return "now"
    minutes = seconds / 60
    if minutes < 90:
        return f"in {seconds:.0f} s" if minutes < 2 else f"in {minutes:.0f} min"
    return f"in {minutes / 60:.0f} h" if minutes < 48 * 60 else f"in {minutes / 1440:.0f} d"


def _show(report: Report) -> None:
    console = Console()
    console.print(
        _plain(
            f"{report.title or '(no title)'} · {report.version} · "
            f"{report.lang or 'no language'} · {len(report.entries)} entries"
        )
    )
    table = Table("id", "made from", "published", "title", box=SIMPLE_HEAD, pad_edge=False)
    for entry in report.entries:
        when = f"{entry.published_at:%Y-%m-%d %H:%M}"
        dated = when if entry.date_source != "first_seen" else "no usable date"
        table.add_row(*map(_plain, (entry.item_id, entry.identity, dated, entry.title)))
    console.print(table)
    for warning in report.warnings:
        Console(stderr=True).print(_plain(f"warning: {warning}"))


def _plain(value: object) -> Text:
    """Words from outside, for the terminal: neither rich's markup nor control characters count."""
    return Text(printable(str(value)))


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
