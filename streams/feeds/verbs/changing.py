"""`wirewatch feeds …` and `wirewatch poll`. The verbs that only look are in `looking`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from streams.broker.broadcast import publish, read
from streams.broker.clients import resolve_broker
from streams.broker.topics import FEEDS
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, instance_name
from streams.errors import ConfigError, FetchError, NotFoundError, ParseError
from streams.feeds.document import clean, primary_lang
from streams.feeds.languages import Detects
from streams.feeds.links import canonical_url
from streams.feeds.opml import Imported, Outline, export_opml, import_opml
from streams.feeds.polling import run
from streams.feeds.registry import new_feed_id
from streams.feeds.verbs import editing, looking, showing
from streams.log import setup_logging
from streams.printing import note, print_json, say, write
from streams.records import Feed

__all__ = ["app", "poll"]

app = typer.Typer(
    no_args_is_help=True,
    help="Find, add, list, check, import and export feeds, and see how they are doing.",
)
MAX_TITLE_BYTES = 200


def poll(broker: str, detects: Detects) -> None:
    """Poll the feeds until stopped; the command itself is in `streams.cli`, which knows all rooms.

    Args:
        broker: address, or "" for that of the settings.
        detects: tells languages.
    """
    given = Settings.from_environment()
    settings = resolve_broker(given, broker)
    if not (broker or given.broker.bootstrap or given.instance):
        # The embedded broker never forgets a member without a name, and waits for it in vain.
        name = instance_name(given.data_folder)
        settings = msgspec.structs.replace(settings, instance=name)
    setup_logging(settings.log_level, settings.log_format)
    asyncio.run(run(settings, detects=detects))


@app.command(
    epilog="Examples:\n\nwirewatch feeds add https://news.example --tag politics --tier 2\n\n"
    "wirewatch feeds add https://news.example/rss --id news --max-interval 30m\n\n"
    "wirewatch feeds add https://news.example/rss --id news --disable"
)
def add(
    url: Annotated[str, typer.Argument(help="Address of an RSS, Atom or JSON feed, or of a site.")],
    feed_id: Annotated[str, typer.Option("--id", help="By default from title or host.")] = "",
    title: Annotated[str, typer.Option(help="By default what the feed says.")] = "",
    lang: Annotated[str, typer.Option(help="Language, such as de or en.")] = "",
    tier: Annotated[
        int | None, typer.Option(min=1, max=3, help="1 official or wire, 2 newsroom, 3 blog.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    interval: Annotated[
        str | None, typer.Option(help='Fixed, such as 15m; "" lets it adapt again.')
    ] = None,
    min_interval: Annotated[
        str | None, typer.Option(help='It adapts, but never below; "" for no bound.')
    ] = None,
    max_interval: Annotated[
        str | None, typer.Option(help='It adapts, but never above; "" for no bound.')
    ] = None,
    user_agent: Annotated[
        str | None, typer.Option(help='What this publisher is told; "" for the usual.')
    ] = None,
    enable: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Whether it is polled.")
    ] = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Add the address unseen: do not ask the network.")
    ] = False,
    broker: BrokerOption = "",
) -> None:
    """Add a feed, or change the one with the given --id: what is not given stays.

    A new address is looked at, for 20 seconds at most. If it is that of a web page, the best feed
    that the page leads to is added, and the others are named. If it cannot be reached, it is
    added as given, with a warning.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    looking.refuse_address(url)
    known = asyncio.run(read(settings, FEEDS, Feed))
    _refuse_known(url, feed_id, known)
    before = known.get(editing.checked_id(feed_id))
    feed = msgspec.structs.replace(
        before or Feed(feed_id=feed_id, url=url),
        tags=editing.checked_tags(tag) or (before.tags if before else ()),
        origin="cli",  # or the next start would bring back what feeds.yaml says
    )
    feed = editing.with_intervals(feed, interval, min_interval, max_interval)
    feed = editing.with_user_agent(feed, user_agent)
    if not as_is and (before is None or before.url != url):
        url, found_title = _look_at(url, settings)
        _refuse_known(url, feed_id, known)
        title = title or feed.title or found_title
    feed = msgspec.structs.replace(
        feed,
        feed_id=feed_id or new_feed_id(title, url, known),
        url=url,
        title=title or feed.title,
        lang=primary_lang(lang) or feed.lang,
        tier=tier or feed.tier,
        enabled=feed.enabled if enable is None else enable,
    )
    asyncio.run(publish(settings, FEEDS, {feed.feed_id: feed}))
    typer.echo(feed.feed_id)


@app.command()
def remove(
    feed_id: Annotated[str, typer.Argument(help="As shown by `feeds list`.")],
    broker: BrokerOption = "",
) -> None:
    """Stop polling a feed. What is known of it stays, in case it comes back."""
    settings = resolve_broker(Settings.from_environment(), broker)
    if feed_id not in asyncio.run(read(settings, FEEDS, Feed)):
        raise NotFoundError(f"no feed {feed_id!r}", cure="see `wirewatch feeds list`")
    asyncio.run(publish(settings, FEEDS, {feed_id: None}))
    typer.echo(f"removed {feed_id}")


@app.command(
    "import",
    epilog="Examples:\n\nwirewatch feeds import subscriptions.opml --dry-run\n\n"
    "wirewatch feeds import subscriptions.opml",
)
def import_(
    file: Annotated[Path, typer.Argument(help="OPML from another reader.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")
    ] = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Add the feeds of an OPML file; its groups become tags. Reports every line.

    Feeds whose address is there already stay as they are, so a second import adds nothing.

    As JSON: {"file", "dry_run", "added", "known", "skipped", "outlines": [{"line", "title", "url",
    "outcome", "feed_id", "reason"}]}; an outcome is added, known, skipped or group.
    """
    settings = resolve_broker(Settings.from_environment(), broker)
    known = asyncio.run(read(settings, FEEDS, Feed))
    imported = import_opml(_read_file(file), known.values(), str(file))
    if not dry_run:
        asyncio.run(publish(settings, FEEDS, {feed.feed_id: feed for feed in imported.feeds}))
    counts = {outcome: imported.count(outcome) for outcome in ("added", "known", "skipped")}
    if as_json:
        outlines = msgspec.to_builtins(imported.outlines)
        print_json({
            "file": str(file), "dry_run": dry_run, **counts, "outlines": outlines
        })  # fmt: skip
        return
    _report_lines(imported, file)
    what = "would be added" if dry_run else "added"
    typer.echo(
        f"{counts['added']} feeds {what}, {counts['known']} already there, "
        f"{counts['skipped']} skipped"
    )


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="By default standard output.")] = None,
    broker: BrokerOption = "",
) -> None:
    """Write the feeds as OPML."""
    settings = resolve_broker(Settings.from_environment(), broker)
    write(export_opml(asyncio.run(read(settings, FEEDS, Feed)).values()), file)


def _look_at(url: str, settings: Settings) -> tuple[str, str]:
    """What to add for an address: its feed's address and title.

    An address that does not answer is taken as given: it may be down, or reachable only from
    where the pollers run. A page without a feed is refused, because it would only ever fail.
    """
    try:
        found = asyncio.run(looking.search(url, settings))
    except FetchError as error:
        note(f"warning: {url} cannot be looked at now: {error.message}; added as given")
        return url, ""
    if not found.feeds:
        raise ParseError(
            f"no feed found at {url}; {len(found.tried)} addresses were tried",
            kind="not_a_feed",
            cure=f"see `wirewatch feeds discover {url}`, or add it all the same with --as-is",
        )
    best, *others = found.feeds
    title = clean(best.title, MAX_TITLE_BYTES)
    if best.why == "itself":
        return url, title
    note(f"{url} is a web page; added the feed it leads to: {showing.named(best)}")
    for other in others:
        note(f"also found: {showing.named(other)}")
    return best.url, title


def _refuse_known(url: str, feed_id: str, known: Mapping[str, Feed]) -> None:
    key = canonical_url(url)
    same = next((each for each in known.values() if canonical_url(each.url) == key), None)
    if same and same.feed_id != feed_id:
        raise ConfigError(
            f"this address is already there as {same.feed_id!r}",
            field="URL",
            cure=f"change it with --id {same.feed_id}",
        )


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{file} cannot be read: {error.strerror}", cure="check the path"
        ) from error


def _report_lines(imported: Imported, file: Path) -> None:
    for outline in imported.outlines:
        say(f"{file}:{outline.line}: {_became(outline)}")


def _became(outline: Outline) -> str:
    name = repr(outline.title or outline.url)
    reason = f": {outline.reason}" if outline.reason else ""
    return {
        "added": f"{name} is added as {outline.feed_id}",
        "known": f"{name} is already there as {outline.feed_id}",
        "skipped": f"{name} is skipped",
        "group": f"{name} is a group, and a tag of its feeds",
    }[outline.outcome] + reason


app.command("list")(looking.list_)
app.command(
    epilog="Examples:\n\nwirewatch feeds status\n\nwirewatch feeds status heise\n\n"
    "wirewatch feeds status --health failing --health blocked --json\n\n"
    "wirewatch feeds status --check > /dev/null || echo look at the feeds"
)(looking.status)
app.command(
    epilog="Examples:\n\nwirewatch feeds check https://news.example/rss\n\n"
    "wirewatch feeds check saved-feed.xml --json"
)(looking.check)
app.command(
    epilog="Examples:\n\nwirewatch feeds discover https://news.example\n\n"
    "wirewatch feeds discover https://news.example/politics --json"
)(looking.discover)
