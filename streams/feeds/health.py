"""How a feed is doing, and why, after one poll. Pure.

A feed is never given up: states only say what people should know, and slow the schedule down.
`disabled` is what people do to a feed; it is not polled then, so it is never judged to be so.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Literal

from streams.feeds import silence
from streams.feeds.outcome import Outcome
from streams.records import FeedState, Polled

__all__ = ["Health", "after", "remember"]

Health = Literal[
    "new", "ok", "stale", "slow_down", "failing", "blocked", "dormant", "gone", "disabled"
]

HISTORY = 30
"""Polls that are remembered."""
DORMANT_AFTER = timedelta(days=14)
GONE_AFTER, GONE_ANSWERS = timedelta(hours=48), 3
"""Servers say 410 by mistake too: so many of them over so long are believed."""

SOFT = frozenset({"connect", "dns", "dns_temporary", "not_found", "server", "timeout", "tls"})
"""Failures that often pass by themselves. They count less, as with Media Cloud's rss-fetcher; being
asked to slow down is no failure at all."""
_WEIGHTS = dict.fromkeys(SOFT, 0.5) | {"dns_temporary": 0.25, "slow_down": 0.0}


def remember(history: tuple[Polled, ...], outcome: Outcome, now: datetime) -> tuple[Polled, ...]:
    """Add a poll to the history, and let the oldest go."""
    polled = Polled(
        at=int(now.timestamp()),
        status=outcome.status or 0,
        error=outcome.error,
        size=outcome.size,
        took_ms=outcome.took_ms,
        new=outcome.new,
    )
    return (*history, polled)[-HISTORY:]


def after(outcome: Outcome, state: FeedState, now: datetime) -> tuple[Health, float, str]:
    """Judge a feed.

    Args:
        outcome: the poll.
        state: what was known before it, but `history` and `failing_since` with this poll, and
            after a success `seen` as decided and `silent_since` as it holds now.
        now: time of the poll.

    Returns:
        Health; weighted failures in a row; the reason, for a person.
    """
    if not outcome.error:
        silent = silence.reason(state, now)
        reason = "; ".join(each for each in (silent, outcome.message) if each)
        return ("stale" if silent else "ok"), 0.0, reason
    failures = state.failures + _WEIGHTS.get(outcome.error, 1.0)
    health, why = _in_trouble(outcome, state, now)
    return health, failures, f"{outcome.message or outcome.error}{why}"


def _in_trouble(outcome: Outcome, state: FeedState, now: datetime) -> tuple[Health, str]:
    if outcome.error == "slow_down":
        return "slow_down", ""
    if outcome.error == "gone" and _is_gone(state):
        return "gone", "; still asked once a month"
    if state.failing_since is not None and now - state.failing_since >= DORMANT_AFTER:
        return "dormant", f"; failing since {state.failing_since:%Y-%m-%d}, asked once a week"
    return ("blocked" if outcome.error == "blocked" else "failing"), ""


def _is_gone(state: FeedState) -> bool:
    """Whether the server has said so often enough, for long enough, since the feed last worked."""
    if state.health == "gone":
        return True
    since = itertools.takewhile(lambda polled: polled.error, reversed(state.history))
    said = [polled.at for polled in since if polled.error == "gone"]
    return len(said) >= GONE_ANSWERS and said[0] - said[-1] >= GONE_AFTER.total_seconds()
