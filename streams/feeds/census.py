"""How many of a poller's feeds are how, for monitoring: numbers only, for there may be ten thousand feeds.

`wirewatch feeds status` names them, and tells the reasons.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from streams.config import utc_now
from streams.feeds.ports import Holdings
from streams.feeds.status import HEALTHS, current
from streams.metrics import FEED_SUCCESS_AGE_SECONDS, FEEDS
from streams.records import Feed, FeedState

__all__ = ["Census", "keep_counting", "take_census"]

_EVERY_SECONDS = 60.0
_ANSWERING = frozenset({"ok", "stale", "slow_down"})
"""Whose success may be expected; that of a feed that is gone grows old for ever."""


class Census(NamedTuple):
    """Of the feeds at one moment."""

    by_health: dict[str, int]
    """All of `HEALTHS`, 0 included."""
    oldest_success_seconds: float
    """Of those that answer, the longest time since the latest success; 0 without such a feed."""


def take_census(
    feeds: Mapping[str, Feed], state_of: Callable[[str], FeedState | None], now: datetime
) -> Census:
    """Count feeds.

    Args:
        feeds: by feed_id.
        state_of: what is remembered of a feed_id; None if it has never been polled.
        now: the time, UTC.
    """
    found: Counter[str] = Counter()
    oldest = now
    for feed_id, feed in feeds.items():
        state = current(feed, state_of(feed_id))
        health = state.health if feed.enabled else "disabled"
        found[health] += 1
        if health in _ANSWERING and state.last_success_at is not None:
            oldest = min(oldest, state.last_success_at)
    by_health = {health: found[health] for health in HEALTHS}
    return Census(by_health, (now - oldest).total_seconds())


async def keep_counting(share: Holdings) -> None:
    """Keep the metrics of the feeds that are ours; never ends."""
    while True:
        if share.is_settled:  # else all seem to be gone for a moment
            # In a thread: states are decoded for it, which takes ten thousand feeds some seconds.
            census = await asyncio.to_thread(take_census, dict(share.feeds), share.state, utc_now())
            for health, number in census.by_health.items():
                FEEDS.labels(health).set(number)
            FEED_SUCCESS_AGE_SECONDS.set(census.oldest_success_seconds)
        await asyncio.sleep(_EVERY_SECONDS if share.is_settled else 1.0)
