"""How a feed is doing, and why, after one poll. Pure.

A feed is never given up: states only say what people should know, and slow the schedule down.
"""

from __future__ import annotations

import itertools
import statistics
from datetime import datetime, timedelta
from typing import Literal

from streams.feeds.outcome import Outcome
from streams.records import FeedState

__all__ = ["Health", "after"]

Health = Literal[
    "new", "ok", "stale", "slow_down", "failing", "blocked", "dormant", "gone", "disabled"
]

DORMANT_AFTER = timedelta(days=14)
NEVER_SUCCEEDED_DORMANT = 13.0
"""Weighted failures that take about 14 days with the schedule's backoff, for feeds without
a success to count from."""
GONE_AFTER = timedelta(hours=48)
GONE_ANSWERS = 3.0
STALE_GAPS = 5
"""A feed is stale when silent for this many of its usual gaps."""
MIN_STALE = timedelta(days=1)
_MIN_GAPS = 4

# How much a failure counts. What passes by itself counts less; being asked to slow down is none.
_WEIGHTS = {
    "slow_down": 0.0,
    "dns_temporary": 0.25,
    "dns": 0.5, "connect": 0.5, "tls": 0.5, "timeout": 0.5, "server": 0.5, "not_found": 0.5,
}  # fmt: skip


def after(outcome: Outcome, state: FeedState, now: datetime) -> tuple[Health, float, str]:
    """Judge a feed.

    Args:
        outcome: the poll.
        state: what was known before it; after a success with `seen` already as decided.
        now: time of the poll.

    Returns:
        Health; weighted failures in a row; the reason, for a person.
    """
    if not outcome.error:
        silence = _silence(state, now)
        return ("stale" if silence else "ok"), 0.0, silence or outcome.message
    failures = state.failures + _WEIGHTS.get(outcome.error, 1.0)
    health, why = _in_trouble(outcome, state, failures, now)
    return health, failures, f"{outcome.message}{why}"


def _in_trouble(
    outcome: Outcome, state: FeedState, failures: float, now: datetime
) -> tuple[Health, str]:
    success = state.last_success_at
    if outcome.error == "slow_down":
        return "slow_down", ""
    if outcome.error == "gone" and failures >= GONE_ANSWERS and _past(success, now, GONE_AFTER):
        return "gone", "; still asked once a month"
    if success is None:
        dormant = failures >= NEVER_SUCCEEDED_DORMANT
    else:
        dormant = now - success >= DORMANT_AFTER
    if dormant:
        return "dormant", "; still asked once a week"
    return ("blocked" if outcome.error == "blocked" else "failing"), ""


def _past(moment: datetime | None, now: datetime, span: timedelta) -> bool:
    return moment is None or now - moment >= span


def _silence(state: FeedState, now: datetime) -> str:
    """Why a feed that answers counts as silent; "" if it does not."""
    arrivals = sorted({seen.first_seen for seen in state.seen.values()})
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    if len(gaps) < _MIN_GAPS:
        return ""
    gap = statistics.median(gaps)
    quiet = now.timestamp() - arrivals[-1]
    if quiet <= max(STALE_GAPS * gap, MIN_STALE.total_seconds()):
        return ""
    return f"silent for {quiet / 86_400:.1f} days, usually {gap / 3_600:.1f} hours"
