"""A month of polling in seconds: the decisions of `streams.feeds` against fixed intervals.

Publishers, the clock and the network are simulated; what decides is the very code of the poller.
Everything is seeded, so two runs differ only in the CPU time.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from streams.feeds import moves, schedule
from streams.feeds.judgement import judge
from streams.feeds.outcome import Outcome
from streams.records import Feed, FeedState, Seen
from tests.bench.publishers import DAY, HOUR, KINDS, MINUTE, START, Answer, Door, Site, make_sites
from tests.bench.result import Result, Row

PARSER = "1"
REMEMBERED = 7 * DAY + 6 * HOUR
"""Longer than the schedule looks back; the poller itself remembers for longer."""


class Tally:
    """What a poller achieved with one site."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.requests = self.documents = self.limited = self.undelivered = 0

    def count(self, answer: Answer) -> None:
        self.requests += answer.requests
        self.documents += answer.status == 200
        self.limited += answer.status == 429


def poll_adaptively(site: Site, end: int) -> Tally:
    """Poll as Wirewatch does."""
    feed = Feed(feed_id=site.name, url=site.name)
    state = FeedState(feed_id=site.name, url=site.name)
    tally, door, now = Tally(), Door(site), float(START)
    found: set[int] = set()
    while now < end:
        moment = datetime.fromtimestamp(now, UTC)
        unconditional = schedule.document_wanted(state, moment, PARSER)
        etag = "" if unconditional else state.etag
        answer = door.ask(moves.address_of(feed, state), etag, now)
        tally.count(answer)
        state, outcome = _read(site, state, answer, int(now))
        _discover(site, answer.entries, found, now, tally)
        state = judge(feed, state, outcome, moment)
        assert state.next_check_at is not None
        now = state.next_check_at.timestamp()
    return _closed(site, found, end, tally)


def poll_every(minutes: int, give_up_after: float = math.inf) -> Callable[[Site, int], Tally]:
    """Poll at a fixed interval, with validators; give up after so many errors in a row."""

    def poll(site: Site, end: int) -> Tally:
        tally, door, etag, errors = Tally(), Door(site), "", 0
        found: set[int] = set()
        for now in range(START, end, minutes * MINUTE):
            answer = door.ask(site.name, etag, now)
            tally.count(answer)
            errors = 0 if answer.status in (200, 304) else errors + 1
            if errors >= give_up_after:
                break
            etag = answer.etag or etag
            _discover(site, answer.entries, found, now, tally)
        return _closed(site, found, end, tally)

    return poll


_ERRORS = {404: "not_found", 429: "slow_down", 503: "server"}


def _read(site: Site, state: FeedState, answer: Answer, now: int) -> tuple[FeedState, Outcome]:
    """What fetching, parsing and deciding make of an answer."""
    outcome = Outcome(
        status=answer.status,
        error=_ERRORS.get(answer.status, ""),
        retry_after_seconds=answer.retry_after,
        wait_seconds=answer.wait,
        permanent_url=answer.permanent_url,
    )
    if answer.status != 200:
        return state, outcome
    seen = {key: each for key, each in state.seen.items() if now - each.last_seen < REMEMBERED}
    new = 0
    for key in map(str, answer.entries):
        known = seen.get(key)
        new += known is None
        seen[key] = Seen("", 1, known.first_seen if known else now, now)
    state = replace(state, etag=answer.etag, parser=PARSER, seen=seen, ttl_seconds=site.ttl_seconds)
    return state, replace(outcome, new=new, unchanged=len(answer.entries) - new)


def _discover(site: Site, entries: range, found: set[int], now: float, tally: Tally) -> None:
    for index in entries:
        if index not in found:
            found.add(index)
            if site.times[index] >= START:
                tally.delays.append(now - site.times[index])


def _closed(site: Site, found: set[int], end: int, tally: Tally) -> Tally:
    """Count what was never found, save that of the last day, which still may be."""
    due = range(bisect_left(site.times, START), bisect_left(site.times, end - DAY))
    tally.undelivered = sum(index not in found for index in due)
    return tally


BUSY = ("newsroom, day and night", "bursty", "hourly")

POLLERS: dict[str, Callable[[Site, int], Tally]] = {
    "wirewatch": poll_adaptively,
    "every 15 min": poll_every(15),
    "every 60 min, 3 errors": poll_every(60, give_up_after=3),
}


def run(*, feeds: int = 500, days: int = 30) -> Result:
    """Let all pollers poll the same publishers: by rhythm, those that are busy, and all."""
    began = time.process_time()
    end = START + days * DAY
    tallies: dict[str, dict[str, list[Tally]]] = {}
    for kind in KINDS:
        sites = make_sites(kind, max(1, feeds * KINDS[kind].share // 1_000), days)
        tallies[kind] = {name: [poll(s, end) for s in sites] for name, poll in POLLERS.items()}
    rows = [_row(kind, name, part) for kind in KINDS for name, part in tallies[kind].items()]
    for title, kinds in (("the first three", BUSY), ("all", tuple(KINDS))):
        for name in POLLERS:
            rows.append(_row(title, name, [t for kind in kinds for t in tallies[kind][name]]))
    return Result(
        name="month",
        rows=tuple(rows),
        notes=(
            f"{days} days, simulated in {time.process_time() - began:.0f} s of CPU; delay: from the"
            " appearance of an entry to the poll that finds it;",
            "missed: never found, of those that appeared before the last day; documents: answers"
            " with a body",
        ),
    )


def _row(rhythm: str, poller: str, tallies: list[Tally]) -> Row:
    delays = sorted(delay for tally in tallies for delay in tally.delays)
    requests = sum(tally.requests for tally in tallies)
    return {
        "rhythm": rhythm,
        "feeds": len(tallies),
        "poller": poller,
        "found": len(delays),
        "missed": sum(tally.undelivered for tally in tallies),
        "mean delay min": sum(delays) / len(delays) / MINUTE if delays else math.nan,
        "p95 min": delays[int(len(delays) * 0.95)] / MINUTE if delays else math.nan,
        "requests": requests,
        "documents": sum(tally.documents for tally in tallies),
        "requests/entry": requests / len(delays) if delays else math.nan,
        "429s": sum(tally.limited for tally in tallies),
    }
