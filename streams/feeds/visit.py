"""One look at one feed: fetch, parse, decide, judge. Knows no broker and remembers nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from streams.errors import FeedError
from streams.feeds import health, schedule
from streams.feeds.document import ParsedFeed, clean
from streams.feeds.fetch import Fetched, NotModified
from streams.feeds.identity import Decision, decide
from streams.feeds.outcome import Outcome
from streams.records import Feed, FeedState, Item

__all__ = ["Fetches", "Parses", "Visited", "visit"]

log = structlog.get_logger(__name__)

_REASON_BYTES = 500


class Fetches(Protocol):
    """What is needed of a Fetcher."""

    async def fetch(
        self, url: str, *, etag: str = "", last_modified: str = ""
    ) -> Fetched | NotModified:
        """Fetch a document, or learn that it has not changed; raises FetchError."""
        ...


class Parses(Protocol):
    """What is needed of a ParserPool."""

    async def parse(self, body: bytes, content_type: str, url: str) -> ParsedFeed:
        """Parse a document; raises ParseError."""
        ...


class Visited(Struct, frozen=True):
    """What a visit brought."""

    outcome: Outcome
    state: FeedState
    """To be remembered once `items` are acknowledged."""
    items: tuple[Item, ...] = ()


async def visit(
    feed: Feed,
    state: FeedState,
    fetcher: Fetches,
    parser: Parses,
    clock: Callable[[], datetime],
) -> Visited:
    """Visit a feed; whatever it does wrong stays with it and becomes its health.

    Args:
        feed: where.
        state: what is known; its validators must belong to `feed.url`.
        fetcher: fetches.
        parser: parses.
        clock: read when the answer is there, so that `seen_at` is when Items were seen.
    """
    try:
        answer = await fetcher.fetch(feed.url, etag=state.etag, last_modified=state.last_modified)
        if isinstance(answer, NotModified):
            visited = _not_modified(state, answer)
        else:
            visited = await _read(feed, state, answer, parser, clock())
    except FeedError as error:
        visited = Visited(Outcome.of_error(error), state)
    except Exception as error:
        log.exception("visit_failed_unexpectedly", feed=feed.feed_id)
        visited = Visited(Outcome(error="unexpected", message=f"our own fault: {error!r}"), state)
    return replace(visited, state=_judged(feed, visited.state, visited.outcome, clock()))


def _not_modified(state: FeedState, answer: NotModified) -> Visited:
    renewed = replace(
        state,
        etag=answer.etag or state.etag,
        last_modified=answer.last_modified or state.last_modified,
    )
    return Visited(Outcome(status=304, wait_seconds=answer.wait_seconds), renewed)


async def _read(
    feed: Feed, state: FeedState, answer: Fetched, parser: Parses, now: datetime
) -> Visited:
    """What a document brings. Validators are renewed even if its body is the same."""
    digest = hashlib.sha256(answer.body).hexdigest()
    renewed = replace(state, etag=answer.etag, last_modified=answer.last_modified, body_hash=digest)
    outcome = Outcome(status=answer.status, wait_seconds=answer.wait_seconds)
    if digest == state.body_hash:
        return Visited(replace(outcome, message=_moved(answer)), renewed)
    parsed = await parser.parse(answer.body, answer.content_type, answer.final_url)
    # In a thread: hashing the text of 10 MiB would hold up the event loop.
    decision = await asyncio.to_thread(decide, parsed, feed, state, now)
    outcome = replace(
        outcome,
        new=decision.new,
        updated=decision.updated,
        unchanged=decision.unchanged,
        message=_remarks(answer, parsed, decision),
        wait_seconds=max(answer.wait_seconds, parsed.ttl_seconds),
    )
    return Visited(outcome, replace(renewed, seen=decision.seen), decision.items)


def _judged(feed: Feed, state: FeedState, outcome: Outcome, now: datetime) -> FeedState:
    """Health first, then the next poll, which depends on it."""
    judgement, failures, reason = health.after(outcome, state, now)
    state = replace(
        state,
        health=judgement,
        failures=failures,
        reason=clean(reason, _REASON_BYTES),
        last_fetch_at=now,
    )
    next_check_at, interval, _ = schedule.next_check(state, outcome, feed, now)
    return replace(
        state,
        next_check_at=next_check_at,
        interval_seconds=interval,
        last_success_at=state.last_success_at if outcome.error else now,
    )


def _remarks(answer: Fetched, parsed: ParsedFeed, decision: Decision) -> str:
    """What was odd about a document that was read all the same."""
    remarks = [each for each in (_moved(answer), *parsed.warnings, *decision.warnings) if each]
    more = f"; and {len(remarks) - 2} more" if len(remarks) > 2 else ""
    return "; ".join(remarks[:2]) + more


def _moved(answer: Fetched) -> str:
    return f"moved for good to {answer.permanent_url}" if answer.permanent_url else ""
