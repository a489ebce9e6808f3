"""The verbs of `wirewatch feeds` that only look: list, status, check, discover."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer

from streams.broker.broadcast import read
from streams.broker.clients import resolve_broker
from streams.broker.topics import FEED_STATE, FEEDS
from streams.broker.verbs import BrokerOption, JsonOption
from streams.config import Settings, utc_now
from streams.errors import ConfigError, NotFoundError
from streams.feeds.checking import check_source
from streams.feeds.fetch import Fetcher
from streams.feeds.finding import Found, find
from streams.feeds.guard import refuse_url
from streams.feeds.parser_pool import ParserPool
from streams.feeds.status import (
    HEALTHS,
    IN_TROUBLE,
    Row,
    count,
    current,
    details,
    is_overdue,
    rows,
)
from streams.feeds.verbs import showing
from streams.printing import note, print_json
from streams.records import Feed, FeedState

__all__ = ["check", "discover", "list_", "refuse_address", "search", "status"]


def list_(broker: BrokerOption = "", as_json: JsonOption = False) -> None:
    """Show the feeds with their health and next poll. For more, see `feeds status`."""
    feeds, states = _registry(broker)
    shown = [_listed(feed, states.get(feed_id)) for feed_id, feed in sorted(feeds.items())]
    if as_json:
        print_json(shown)
    else:
        showing.show_list(shown, utc_now())


def status(
    feed_ids: Annotated[
        list[str] | None, typer.Argument(metavar="FEED_ID", help="Show these, in detail.")
    ] = None,
    health: Annotated[
        list[str] | None,
        typer.Option(help=f"Show only feeds that are {', '.join(HEALTHS)}; may be repeated."),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Show details and the last 30 polls of every feed.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Exit with 1 if one of these feeds is not polled as planned, or is "
            f"{', '.join(sorted(IN_TROUBLE))}.",
        ),
    ] = False,
    broker: BrokerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show how the feeds are doing, and why; worst first.

    "every" is the interval that was learned or fixed, "24 h" how many items were found in that
    time.

    As JSON: {"counts": {health: number}, "feeds": [{"feed_id", "health", "health_since",
    "reason", "last_success_at", "next_check_at", "next_check_reason", "interval_seconds",
    "items_last_day", "same_address", …}]}; with a FEED_ID or --history each feed also has
    "details" with "history", oldest poll first. Times are RFC 3339, UTC.
    """
    unknown = set(health or ()) - set(HEALTHS)
    if unknown:
        raise ConfigError(
            f"{min(unknown)!r} is no health",
            field="--health",
            cure=f"use one of {', '.join(HEALTHS)}",
        )
    feeds, states = _registry(broker)
    now = utc_now()
    chosen = {feed_id: _known(feeds, feed_id).feed_id for feed_id in feed_ids or feeds}
    shown = [
        row
        for row in rows(feeds, states, now)
        if row.feed_id in chosen and (not health or row.health in health)
    ]
    _show(shown, feeds, states, in_detail=bool(feed_ids) or history, as_json=as_json)
    if check and any(
        row.health in IN_TROUBLE or is_overdue(row.health, row.next_check_at, now) for row in shown
    ):
        raise typer.Exit(1)


def check(
    source: Annotated[str, typer.Argument(help="Address or file of a feed.")],
    as_json: JsonOption = False,
) -> None:
    """Show what would be read from a feed and how it would be polled.

    Needs no broker and changes nothing. As JSON: one document with "title", "version", "lang",
    "entries", "warnings", "moved_to", the publisher's hints ("ttl_seconds", "cadence_seconds",
    "skip_hours", "skip_days", "wait_seconds", "hub"), "next_check_seconds" and
    "next_check_reason".
    """
    report = asyncio.run(check_source(source, Settings.from_environment()))
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        showing.show_report(report)


def discover(
    url: Annotated[str, typer.Argument(help="Address of a site, or of any of its pages.")],
    as_json: JsonOption = False,
) -> None:
    """Find the feeds of a site, best first; exits with 1 if there are none.

    Takes up to 20 seconds, needs no broker and changes nothing. As JSON: {"feeds": [{"url",
    "title", "kind", "lang", "entries", "why"}], "tried": [{"url", "why_not"}]}.
    """
    refuse_address(url)
    found = asyncio.run(search(url, Settings.from_environment()))
    if as_json:
        print_json(msgspec.to_builtins(found))
    elif found.feeds:
        showing.show_found(found)
    else:
        for tried in found.tried:
            note(f"{tried.url}: {tried.why_not}")
        note(f"no feed found at {url}; these addresses were tried")
    if not found.feeds:
        raise typer.Exit(1)


def refuse_address(url: str) -> None:
    """Check what was given as an address.

    Raises:
        ConfigError: it cannot be one.
    """
    if reason := refuse_url(url):
        raise ConfigError(reason, field="URL", cure="give an http or https address")


async def search(url: str, settings: Settings) -> Found:
    """Find the feeds of a site with a parser and a session of their own.

    Raises:
        FetchError: the address itself could not be fetched.
    """
    pool = ParserPool(1)
    try:
        async with Fetcher(settings) as fetcher:
            return await find(url, fetcher, pool)
    finally:
        pool.stop()


def _registry(broker: str) -> tuple[Mapping[str, Feed], Mapping[str, FeedState]]:
    settings = resolve_broker(Settings.from_environment(), broker)

    async def both() -> tuple[Mapping[str, Feed], Mapping[str, FeedState]]:
        feeds = await read(settings, FEEDS, Feed)
        return feeds, await read(settings, FEED_STATE, FeedState)

    return asyncio.run(both())


def _known(feeds: Mapping[str, Feed], feed_id: str) -> Feed:
    if feed_id not in feeds:
        raise NotFoundError(f"no feed {feed_id!r}", cure="see `wirewatch feeds list`")
    return feeds[feed_id]


def _show(
    shown: list[Row],
    feeds: Mapping[str, Feed],
    states: Mapping[str, FeedState],
    *,
    in_detail: bool,
    as_json: bool,
) -> None:
    more = {
        row.feed_id: details(feeds[row.feed_id], states.get(row.feed_id))
        for row in shown
        if in_detail
    }
    if as_json:
        found = [
            msgspec.to_builtins(row)
            | ({"details": msgspec.to_builtins(more[row.feed_id])} if in_detail else {})
            for row in shown
        ]
        print_json({"counts": count(shown), "feeds": found})
        return
    now = utc_now()
    for row in shown:
        if in_detail:
            showing.show_details(row, more[row.feed_id], now)
    if not in_detail:
        showing.show_rows(shown, count(shown), now)


def _listed(feed: Feed, state: FeedState | None) -> dict[str, Any]:
    state = current(feed, state)
    row: dict[str, Any] = msgspec.to_builtins(feed)
    known = msgspec.to_builtins(state)
    for name in ("last_fetch_at", "last_success_at", "next_check_at", "failures", "reason"):
        row[name] = known[name]
    row["health"] = state.health
    if not feed.enabled:
        row |= {"health": "disabled", "next_check_at": None}
    row["items_seen"] = len(state.seen)
    return row
