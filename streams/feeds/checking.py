"""What would be read from an address or a file, without a broker and without remembering."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from streams.config import Settings, utc_now
from streams.errors import NotFoundError, ParseError
from streams.feeds.document import ParsedFeed
from streams.feeds.fetch import Fetched, Fetcher
from streams.feeds.identity import Decision, Identity, decide
from streams.feeds.judgement import judge
from streams.feeds.outcome import Outcome
from streams.feeds.parser_pool import ParserPool
from streams.feeds.registry import new_feed_id
from streams.records import DateSource, Feed, FeedState, Item

__all__ = ["CheckedEntry", "Report", "check_source"]


class CheckedEntry(Struct, frozen=True, kw_only=True):
    """One entry as it would be published."""

    item_id: str
    identity: Identity
    title: str
    url: str
    published_at: datetime
    date_source: DateSource
    text_characters: int
    """Length of summary and body, markup included."""


class Report(Struct, frozen=True, kw_only=True):
    """What a feed would yield. Ids hold for a feed that is added under `feed_id`."""

    source: str
    feed_id: str
    title: str
    version: str
    lang: str
    entries: tuple[CheckedEntry, ...]
    warnings: tuple[str, ...]
    moved_to: str
    """Where the feed has moved for good; ""."""
    wait_seconds: float
    """For how long the server calls the document fresh; 0 if it does not say."""
    ttl_seconds: int
    """How long the document asks to wait between polls; 0 if it does not say."""
    cadence_seconds: int
    """How often it says that it changes; 0 if it does not say."""
    skip_hours: tuple[int, ...]
    """Hours (0 to 23, UTC) in which it does not want to be asked."""
    skip_days: tuple[int, ...]
    """Days (0 Monday to 6 Sunday, UTC) likewise."""
    hub: str
    """WebSub hub that would push it; ""."""
    next_check_seconds: float
    """When it would be polled again after this first look."""
    next_check_reason: str


async def check_source(source: str, settings: Settings) -> Report:
    """Fetch or read a feed and report on it.

    Args:
        source: an http(s) address, or the path of a file.
        settings: `user_agent` and `allow_private` count.

    Raises:
        NotFoundError: there is no such file.
        FetchError: the address did not yield a document.
        ParseError: the document is no feed.
    """
    pool = ParserPool(1)
    try:
        answer = await _answer(source, settings)
        parsed = await pool.parse(answer.body, answer.content_type, answer.final_url)
        return _report(source, answer, parsed, utc_now())
    finally:
        pool.stop()


async def _answer(source: str, settings: Settings) -> Fetched:
    """The document, as if a file had been fetched."""
    if "://" not in source:
        return Fetched(status=200, url="", final_url="", body=await _body(source))
    async with Fetcher(settings) as fetcher:
        answer = await fetcher.fetch(source)
    if not isinstance(answer, Fetched):
        raise ParseError("not modified, though nothing was known", kind="empty")
    return answer


async def _body(source: str) -> bytes:
    try:
        return await asyncio.to_thread(Path(source).read_bytes)
    except OSError as error:
        raise NotFoundError(
            f"{source} cannot be read: {error.strerror}", cure="give an address or a file"
        ) from error


def _report(source: str, answer: Fetched, parsed: ParsedFeed, now: datetime) -> Report:
    feed = Feed(feed_id=new_feed_id(parsed.title, source, ()), url=source)
    decision = decide(parsed, feed, None, now)
    planned = _plan(feed, answer, parsed, decision, now)
    due = planned.next_check_at or now
    return Report(
        source=source,
        feed_id=feed.feed_id,
        title=parsed.title,
        version=parsed.version,
        lang=parsed.lang,
        entries=tuple(map(_entry, decision.items)),
        warnings=(*parsed.warnings, *decision.warnings),
        moved_to=answer.permanent_url,
        wait_seconds=answer.wait_seconds,
        ttl_seconds=parsed.ttl_seconds,
        cadence_seconds=parsed.cadence_seconds,
        skip_hours=parsed.skip_hours,
        skip_days=parsed.skip_days,
        hub=parsed.hub or answer.hub,
        next_check_seconds=(due - now).total_seconds(),
        next_check_reason=planned.schedule_reason,
    )


def _plan(
    feed: Feed, answer: Fetched, parsed: ParsedFeed, decision: Decision, now: datetime
) -> FeedState:
    """What a poller would remember of this look."""
    state = FeedState(
        feed_id=feed.feed_id,
        url=feed.url,
        ttl_seconds=parsed.ttl_seconds,
        cadence_seconds=parsed.cadence_seconds,
        skip_hours=parsed.skip_hours,
        skip_days=parsed.skip_days,
        seen=decision.seen,
    )
    outcome = Outcome(
        status=answer.status,
        new=decision.new,
        unchanged=decision.unchanged,
        wait_seconds=answer.wait_seconds,
    )
    return judge(feed, state, outcome, now)


def _entry(item: Item) -> CheckedEntry:
    return CheckedEntry(
        item_id=item.item_id,
        identity=item.identity,
        title=item.title,
        url=item.url,
        published_at=item.published_at,
        date_source=item.date_source,
        text_characters=len(item.summary) + len(item.body),
    )
