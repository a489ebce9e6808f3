"""One look at one feed: fetch, parse, decide, judge. Knows no broker and remembers nothing."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from msgspec import Struct
from msgspec.structs import replace

from streams.errors import FeedError, ParseError
from streams.feeds import moves, schedule, silence
from streams.feeds.document import ParsedFeed, clean
from streams.feeds.fetch import Fetched, NotModified
from streams.feeds.finding import successor
from streams.feeds.identity import Decision, decide
from streams.feeds.judgement import judge
from streams.feeds.languages import Detects, learn, prevailing
from streams.feeds.outcome import Outcome
from streams.feeds.parse import PARSER
from streams.feeds.ports import Fetches, Parses, Pushes
from streams.records import Feed, FeedState, Item, Refused, Trend

__all__ = ["Visited", "receive", "visit"]

log = structlog.get_logger(__name__)

_MANY_ENTRIES = 200
"""Deciding on so many takes milliseconds, in which the event loop would stand still."""
_REFUSAL_BYTES = 500
"""Of what was wrong with a document; errors quote documents."""


class Visited(Struct, frozen=True):
    """What a visit brought."""

    outcome: Outcome
    state: FeedState
    """To be remembered once `items` are acknowledged."""
    items: tuple[Item, ...] = ()
    trends: tuple[Trend, ...] = ()
    """That the feed falls silent, or speaks again."""
    refused: tuple[bytes, ParseError] | None = None
    """A document that could not be parsed, the first time that it came."""


async def visit(
    feed: Feed,
    state: FeedState,
    fetcher: Fetches,
    parser: Parses,
    clock: Callable[[], datetime],
    pushes: Pushes | None = None,
    detects: Detects | None = None,
) -> Visited:
    """Visit a feed; whatever it does wrong stays with it and becomes its health.

    Args:
        feed: where.
        state: what is known; must belong to `feed.url`.
        fetcher: fetches.
        parser: parses.
        clock: read when the answer is there, so that `seen_at` is when Items were seen.
        pushes: decides whether a hub is asked; None without WebSub.
        detects: tells languages; None where they are not learned.
    """
    started, before = time.monotonic(), state
    try:
        visited = await _look(feed, state, fetcher, parser, clock)
        visited = _with_languages(visited, detects)
    except FeedError as error:
        visited = Visited(Outcome.of_error(error), state)
    except Exception as error:
        log.exception("visit_failed_unexpectedly", feed=feed.feed_id)
        message = f"our own fault: {type(error).__name__}, see the log"
        visited = Visited(Outcome(error="unexpected", message=message), state)
    took_ms = round((time.monotonic() - started) * 1000)
    outcome, state = replace(visited.outcome, took_ms=took_ms), visited.state
    if pushes is not None:  # before judging: what a hub pushes is polled more rarely
        state = replace(state, subscription=pushes.after_poll(feed, state, outcome))
    now = clock()
    state = judge(feed, state, outcome, now)
    trends = silence.told(before, state, now)
    return replace(visited, outcome=outcome, state=state, trends=trends)


async def receive(
    feed: Feed,
    state: FeedState,
    body: bytes,
    content_type: str,
    parser: Parses,
    clock: Callable[[], datetime],
    detects: Detects | None = None,
) -> Visited:
    """Take a document that a hub pushed, as if it had been fetched; schedule and health stay, but a
    silence ends.

    Raises:
        ParseError: it is no feed; the next poll will tell what is there.
    """
    parsed = await parser.parse(body, content_type, moves.address_of(feed, state))
    outcome, before, now = Outcome(status=200, size=len(body)), state, clock()
    outcome, state, items = await _decide(feed, state, parsed, outcome, now)
    state = silence.heard(state)
    trends = silence.told(before, state, now)
    return _with_languages(Visited(outcome, state, items, trends), detects)


def _with_languages(visited: Visited, detects: Detects | None) -> Visited:
    """Learn from the new Items, and tell each what its feed is mostly written in."""
    if detects is None or not visited.items:
        return visited
    langs = learn(visited.state.langs, visited.items, detects)
    lang = prevailing(langs)
    return replace(
        visited,
        state=replace(visited.state, langs=langs),
        items=tuple(replace(item, feed_lang=lang) for item in visited.items),
    )


async def _look(
    feed: Feed,
    state: FeedState,
    fetcher: Fetches,
    parser: Parses,
    clock: Callable[[], datetime],
) -> Visited:
    whole = schedule.document_wanted(state, clock(), PARSER)
    answer = await fetcher.fetch(
        moves.address_of(feed, state),
        etag="" if whole else state.etag,
        last_modified="" if whole else state.last_modified,
        user_agent=feed.user_agent,
    )
    if isinstance(answer, NotModified):
        return _not_modified(state, answer)
    return await _read(feed, state, answer, fetcher, parser, clock())


def _not_modified(state: FeedState, answer: NotModified) -> Visited:
    renewed = replace(
        state,
        etag=answer.etag or state.etag,
        last_modified=answer.last_modified or state.last_modified,
    )
    outcome = Outcome(
        status=304,
        message=state.remark,
        wait_seconds=answer.wait_seconds,
        permanent_url=answer.permanent_url,
    )
    return Visited(outcome, renewed)


async def _read(
    feed: Feed,
    state: FeedState,
    answer: Fetched,
    fetcher: Fetches,
    parser: Parses,
    now: datetime,
) -> Visited:
    """What a document brings. Validators are renewed even if its body is the same."""
    outcome = Outcome(
        status=answer.status,
        wait_seconds=answer.wait_seconds,
        permanent_url=answer.permanent_url,
        size=len(answer.body),
        hub=answer.hub,
        feed_url=answer.feed_url,
    )
    digest = hashlib.sha256(answer.body).hexdigest()
    renewed = replace(state, etag=answer.etag, last_modified=answer.last_modified, refused=None)
    if digest == state.body_hash and state.parser == PARSER:
        return Visited(replace(outcome, message=state.remark), renewed)
    refused = state.refused
    again = refused and (refused.body_hash, refused.parser) == (digest, PARSER)
    if refused and again and not _deserves_another_try(refused):
        return Visited(_refusal(refused, outcome), state)
    try:
        parsed = await parser.parse(answer.body, answer.content_type, answer.final_url)
    except ParseError as error:
        message = str(error)
        if error.kind == "not_a_feed":
            message = await _page_remark(feed, state, answer, message, fetcher, parser)
        tries = 2 if again else 1
        refused = Refused(digest, PARSER, error.kind, clean(message, _REFUSAL_BYTES), tries)
        kept = None if again or error.kind == "not_a_feed" else (answer.body, error)
        # The validators stay those of the last good document: this one is nothing to keep.
        state = replace(state, refused=refused)
        return Visited(_refusal(refused, outcome), state, refused=kept)
    parsed = replace(parsed, lang=parsed.lang or answer.lang)
    renewed = replace(renewed, body_hash=digest, parser=PARSER)
    # Not of what hubs push: those may be parts of documents, which say nothing about the whole.
    renewed = replace(
        renewed,
        ttl_seconds=parsed.ttl_seconds,
        cadence_seconds=parsed.cadence_seconds,
        skip_hours=parsed.skip_hours,
        skip_days=parsed.skip_days,
    )
    outcome, renewed, items = await _decide(feed, renewed, parsed, outcome, now)
    return Visited(outcome, replace(renewed, remark=outcome.message), items)


async def _decide(
    feed: Feed, state: FeedState, parsed: ParsedFeed, outcome: Outcome, now: datetime
) -> tuple[Outcome, FeedState, tuple[Item, ...]]:
    """What a parsed document means for its feed."""
    if len(parsed.entries) > _MANY_ENTRIES:
        decision = await asyncio.to_thread(decide, parsed, feed, state, now)
    else:
        decision = decide(parsed, feed, state, now)
    state = replace(
        state,
        id_policy=decision.id_policy,
        doubtful_documents=decision.doubtful_documents,
        seen=decision.seen,
    )
    if decision.withheld or parsed.is_cut_off:  # the next poll must bring the document again
        state = replace(state, etag="", last_modified="", body_hash="")
    outcome = replace(
        outcome,
        new=decision.new,
        updated=decision.updated,
        unchanged=decision.unchanged,
        message=_remarks(parsed, decision),
        hub=parsed.hub or outcome.hub,
        feed_url=parsed.feed_url or outcome.feed_url,
    )
    return outcome, state, decision.items


def _deserves_another_try(refused: Refused) -> bool:
    """A parser may have been stopped because the machine was busy."""
    return refused.kind == "parser_killed" and refused.tries < 2


def _refusal(refused: Refused, outcome: Outcome) -> Outcome:
    """What a document that cannot be parsed means. Neither history nor reason would do when it
    comes again: they tell of other troubles since.
    """
    return replace(outcome, error=refused.kind, message=refused.message)


async def _page_remark(
    feed: Feed, state: FeedState, page: Fetched, message: str, fetcher: Fetches, parser: Parses
) -> str:
    """What to say of a web page in the place of a feed.

    Where the feed may be now is looked for once, and not again when the page looks different at
    every request, as many do.
    """
    before = state.refused
    if before and (before.parser, before.kind) == (PARSER, "not_a_feed"):
        return before.message
    found = await successor(page, fetcher, parser, user_agent=feed.user_agent)
    return f"{message}; the page names a feed: {found}" if found else message


def _remarks(parsed: ParsedFeed, decision: Decision) -> str:
    """What was odd about a document that was read all the same."""
    remarks = [*parsed.warnings, *decision.warnings]
    more = f"; and {len(remarks) - 2} more" if len(remarks) > 2 else ""
    return "; ".join(remarks[:2]) + more
