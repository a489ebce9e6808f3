"""When a feed is polled next, and why. Pure: the same input, the same time.

The interval adapts to what arrives, not to dates in the feed, which lie. Phases are a hash of the
feed_id instead of a random number: feeds that failed together do not stay together, and replaying
the same history gives the same plan.
"""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta

from streams.feeds.outcome import Outcome
from streams.records import Feed, FeedState

__all__ = ["first_check", "next_check", "phase"]

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0

SHORTEST, LONGEST = 5 * MINUTE, 6 * HOUR
SILENT = ((30 * DAY, 24 * HOUR), (7 * DAY, 12 * HOUR))
"""Feeds without a new entry for so long may rest longer than LONGEST."""
SPEED_UP, SLOW_DOWN = 0.5, 1.2
MISSING_SHARE = 1 / 3
"""If so much of a document is new, entries may have come and gone between two polls."""
LONGEST_WAIT = DAY
"""Ceiling for what publishers ask and for the backoff."""
BLOCKED = 6 * HOUR
DEFAULT_PAUSE = HOUR
"""After "too many requests" without Retry-After."""
GONE, DORMANT = 30 * DAY, 7 * DAY
JITTER = 0.1
_MAX_DOUBLINGS = 20


def next_check(
    state: FeedState, outcome: Outcome, feed: Feed, now: datetime
) -> tuple[datetime, float, str]:
    """Plan the next poll.

    Args:
        state: as after the poll: `health`, `failures` and `seen` are up to date.
        outcome: the poll.
        feed: its settings; a fixed interval is kept to the second while the feed works.
        now: time of the poll.

    Returns:
        When to poll next; the learned interval in seconds, without hints and backoff; the reason.
    """
    if feed.interval_seconds:
        interval, why = float(feed.interval_seconds), "fixed interval"
    else:
        interval, why = _learn(state, outcome, now)
    if outcome.error:
        delay, why = _after_failure(state, outcome, interval, phase(feed.feed_id))
    elif feed.interval_seconds:
        delay = interval
    else:
        delay = interval * (1 - JITTER + 2 * JITTER * phase(feed.feed_id))
        wait = min(outcome.wait_seconds, LONGEST_WAIT)
        if wait > delay:
            delay, why = wait, "the publisher asks to wait so long"
    return now + timedelta(seconds=delay), interval, why


def first_check(feed: Feed, state: FeedState | None, now: datetime) -> datetime:
    """When to poll after a start: as planned before it, so that a restart does not refetch all."""
    if state is None or state.next_check_at is None or state.url != feed.url:
        return now
    if feed.interval_seconds and state.last_fetch_at and not state.failures:
        soon = state.last_fetch_at + timedelta(seconds=feed.interval_seconds)
        return min(soon, state.next_check_at)  # the interval may have been shortened meanwhile
    return state.next_check_at


def phase(feed_id: str) -> float:
    """A stable place in [0, 1) per feed."""
    digest = hashlib.blake2b(feed_id.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32


def _learn(state: FeedState, outcome: Outcome, now: datetime) -> tuple[float, str]:
    """The interval that fits what this poll brought."""
    interval = state.interval_seconds
    if outcome.error or state.last_success_at is None:
        return interval, "too early to adapt"  # of a first document everything is new
    total = outcome.new + outcome.unchanged + outcome.updated
    if not outcome.new:
        interval, why = interval * SLOW_DOWN, "nothing new: more rarely"
    elif outcome.new / total >= MISSING_SHARE:
        interval, why = interval * SPEED_UP, "much is new: more often"
    else:
        why = "as before"
    return min(max(interval, SHORTEST), _ceiling(state, now)), why


def _ceiling(state: FeedState, now: datetime) -> float:
    newest = max((seen.first_seen for seen in state.seen.values()), default=now.timestamp())
    silent = now.timestamp() - newest
    return next((ceiling for age, ceiling in SILENT if silent >= age), LONGEST)


def _after_failure(
    state: FeedState, outcome: Outcome, interval: float, place: float
) -> tuple[float, str]:
    """Longer with every failure, never for ever, and never sooner than the server asked."""
    doublings = min(math.floor(state.failures), _MAX_DOUBLINGS)
    if outcome.error == "slow_down":
        asked = outcome.retry_after_seconds
        delay = max(DEFAULT_PAUSE if asked is None else asked, interval)
        delay = min(delay, LONGEST_WAIT)
        # Scattered afterwards, by an hour at most: feeds of one server were stopped together.
        return delay + place * min(delay, HOUR), "the server asks to slow down"
    if state.health == "gone":
        delay, why = GONE, "gone: once a month"
    elif state.health == "dormant":
        delay, why = DORMANT, "failing for long: once a week"
    elif outcome.error == "blocked":
        delay, why = (
            min(BLOCKED * 2 ** max(doublings - 1, 0), LONGEST_WAIT),
            "refused by the server",
        )
    else:
        delay, why = min(interval * 2**doublings, LONGEST_WAIT), f"failure {state.failures:g}"
    delay *= 1 - JITTER + 2 * JITTER * place
    asked = min(outcome.retry_after_seconds or 0.0, LONGEST_WAIT)
    return max(delay, asked), why
