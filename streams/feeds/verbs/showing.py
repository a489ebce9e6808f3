"""What `wirewatch feeds …` prints: tables for people, documents for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from streams.feeds.checking import Report
from streams.feeds.finding import Found, FoundFeed
from streams.feeds.status import Details, Row, is_overdue
from streams.printing import note, plain

__all__ = [
    "named",
    "plain",
    "show_details",
    "show_found",
    "show_list",
    "show_report",
    "show_rows",
    "span",
]

WHY = {
    "itself": "the address itself",
    "link": "announced by the page",
    "anchor": "linked from the page",
    "usual path": "a usual path",
    "sitemap": "named in robots.txt",
}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def span(seconds: float) -> str:
    """A duration in one number: `40 s`, `15 min`, `6 h`, `3 d`."""
    if seconds < 120:
        return f"{max(seconds, 0):.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"


def show_list(rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Feeds with health and next poll, one line each."""
    table = _table("feed", "lang", "tier", "health", "next", "items", last="why")
    for row in rows:
        due = row["next_check_at"]
        cells = (
            row["feed_id"],
            row["lang"],
            row["tier"],
            row["health"],
            _next(row["health"], datetime.fromisoformat(due) if due else None, now),
            row["items_seen"],
            row["reason"],
        )
        table.add_row(*map(plain, cells))
    Console().print(table)


def show_rows(rows: Sequence[Row], counts: Mapping[str, int], now: datetime) -> None:
    """Health of feeds, and how many have which."""
    table = _table("feed", "health", "since", "success", "every", "next", "24 h", last="why")
    for row in rows:
        cells = (
            row.feed_id,
            row.health,
            _since(row.health_since, now),
            _ago(row.last_success_at, now),
            span(row.interval_seconds) if row.interval_seconds else "",
            _next(row.health, row.next_check_at, now),
            row.items_last_day,
            "; ".join(each for each in (row.reason, row.next_check_reason) if each),
        )
        table.add_row(*map(plain, cells))
    console = Console()
    console.print(table)
    words = ", ".join(f"{number} {health}" for health, number in counts.items())
    console.print(f"{len(rows)} feeds: {words}" if rows else "no feeds", markup=False)


def show_details(row: Row, details: Details, now: datetime) -> None:
    """Everything about one feed, with its latest polls."""
    console = Console()
    for name, value in _facts(row, details, now):
        if value:
            console.print(plain(f"{name + ':':<14}{value}"), soft_wrap=True)
    table = _table("time (UTC)", "status", "bytes", "ms", "new", last="error")
    for poll in details.history:
        status = poll.status or "-"
        cells = (f"{poll.at:%Y-%m-%d %H:%M:%S}", status, poll.size_bytes, poll.took_ms, poll.new)
        table.add_row(*map(plain, (*cells, poll.error)))
    console.print(table if details.history else "never polled")


def show_found(found: Found) -> None:
    """Feeds of a site, best first."""
    table = _table("feed", "kind", "lang", "entries", "how", last="title")
    for feed in found.feeds:
        cells = (feed.url, feed.kind, feed.lang, feed.entries, WHY[feed.why], feed.title)
        table.add_row(*map(plain, cells))
    Console().print(table)


def named(feed: FoundFeed) -> str:
    """A found feed in a sentence."""
    return f"{feed.url} ({feed.title or 'no title'}, {feed.entries} entries)"


def show_report(report: Report) -> None:
    """What would be read from a feed, and how it would be polled."""
    console = Console()
    head = (report.title or "(no title)", report.version, report.lang or "no language")
    console.print(plain(f"{' · '.join(head)} · {len(report.entries)} entries"))
    hints = _hints(report.ttl_seconds, report.cadence_seconds, report.skip_hours, report.skip_days)
    facts = (
        ("next poll", f"in {span(report.next_check_seconds)}: {report.next_check_reason}"),
        ("it asks for", hints),
        ("fresh for", span(report.wait_seconds) if report.wait_seconds else ""),
        ("hub", report.hub),
        ("moved to", report.moved_to),
    )
    for name, value in facts:
        if value:
            console.print(plain(f"{name + ':':<14}{value}"), soft_wrap=True)
    table = _table("id", "made from", "published", last="title")
    for entry in report.entries:
        when = f"{entry.published_at:%Y-%m-%d %H:%M}"
        dated = when if entry.date_source != "first_seen" else "no usable date"
        table.add_row(*map(plain, (entry.item_id, entry.identity, dated, entry.title)))
    console.print(table)
    for warning in report.warnings:
        note(f"warning: {warning}")


def _facts(row: Row, details: Details, now: datetime) -> list[tuple[str, str]]:
    limits = (
        ("at least", details.min_interval_seconds),
        ("at most", details.max_interval_seconds),
    )
    since = f" for {_since(row.health_since, now)}" if row.health_since else ""
    every = span(row.interval_seconds) if row.interval_seconds else "not known yet"
    bounds = ", ".join(f"{name} {span(value)}" for name, value in limits if value)
    due = _next(row.health, row.next_check_at, now)
    moving = f" since {details.moved_since:%Y-%m-%d}" if details.moved_since else ""
    return [
        ("feed", f"{row.feed_id} · {row.title}" if row.title else row.feed_id),
        ("address", row.url),
        ("polled at", row.address if row.address != row.url else ""),
        ("moving to", f"{details.moved_to}{moving}"),
        ("health", f"{row.health}{since}"),
        ("why", row.reason),
        ("success", _ago(row.last_success_at, now)),
        ("polled every", f"{every} ({bounds})" if bounds else every),
        ("next poll", f"{due}: {row.next_check_reason}".strip(": ")),
        ("it asks for", _hints(
            details.ttl_seconds, details.cadence_seconds, details.skip_hours, details.skip_days
        )),
        ("told as", details.user_agent),
        ("hub", _subscription(details)),
        ("ids from", details.id_policy),
        ("items", f"{row.items_last_day} in 24 h, {details.items_remembered} remembered"),
    ]  # fmt: skip


def _subscription(details: Details) -> str:
    known = details.subscription
    return f"{known.hub} ({known.state}, {known.missed} missed)" if known else ""


def _hints(ttl: int, cadence: int, skip_hours: Sequence[int], skip_days: Sequence[int]) -> str:
    hints = (
        f"a poll every {span(ttl)} at most" if ttl else "",
        f"changes every {span(cadence)}" if cadence else "",
        f"none at {', '.join(map(str, skip_hours))} o'clock UTC" if skip_hours else "",
        f"none on {', '.join(_DAYS[day] for day in skip_days)}" if skip_days else "",
    )
    return "; ".join(hint for hint in hints if hint)


def _table(*names: str, last: str) -> Table:
    """Short columns stay whole; the last one has what space is left."""
    columns = (Column(name, no_wrap=True) for name in names)
    return Table(*columns, last, box=SIMPLE_HEAD, pad_edge=False)


def _next(health: str, due: datetime | None, now: datetime) -> str:
    """When a feed is polled; where that is long past, nobody polls, or not as fast as planned."""
    if health == "disabled":
        return ""
    seconds = (due - now).total_seconds() if due else 0.0
    if is_overdue(health, due, now):
        return f"{span(-seconds)} late"
    return f"in {span(seconds)}" if seconds >= 1 else "now"


def _ago(time: datetime | None, now: datetime) -> str:
    return f"{span((now - time).total_seconds())} ago" if time else "never"


def _since(time: datetime | None, now: datetime) -> str:
    return span((now - time).total_seconds()) if time else ""
