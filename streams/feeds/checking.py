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
from streams.feeds.identity import Identity, decide
from streams.feeds.parser_pool import ParserPool
from streams.feeds.registry import new_feed_id
from streams.records import DateSource, Feed

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
    moved_to: str = ""
    """Where the feed has moved for good."""


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
        if "://" in source:
            async with Fetcher(settings) as fetcher:
                answer = await fetcher.fetch(source)
            if not isinstance(answer, Fetched):
                raise ParseError("not modified, though nothing was known", kind="empty")
            parsed = await pool.parse(answer.body, answer.content_type, answer.final_url)
            return _report(source, parsed, utc_now(), answer.permanent_url or "")
        return _report(source, await pool.parse(await _body(source), "", ""), utc_now(), "")
    finally:
        pool.stop()


async def _body(source: str) -> bytes:
    try:
        return await asyncio.to_thread(Path(source).read_bytes)
    except OSError as error:
        raise NotFoundError(
            f"{source} cannot be read: {error.strerror}", cure="give an address or a file"
        ) from error


def _report(source: str, parsed: ParsedFeed, now: datetime, moved_to: str) -> Report:
    feed = Feed(feed_id=new_feed_id(parsed.title, source, ()), url=source)
    decision = decide(parsed, feed, None, now)
    return Report(
        source=source,
        feed_id=feed.feed_id,
        title=parsed.title,
        version=parsed.version,
        lang=parsed.lang,
        entries=tuple(
            CheckedEntry(
                item_id=item.item_id,
                identity=item.identity,
                title=item.title,
                url=item.url,
                published_at=item.published_at,
                date_source=item.date_source,
                text_characters=len(item.summary) + len(item.body),
            )
            for item in decision.items
        ),
        warnings=(*parsed.warnings, *decision.warnings),
        moved_to=moved_to,
    )
