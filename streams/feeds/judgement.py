"""What one poll means for a feed: where it lives, how it is doing, when it is polled next. Pure.

The order matters: silence looks at what the poll brought, health at the silence and at the history
with this poll in it, the schedule at the new health.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from streams.feeds import health, moves, schedule, silence
from streams.feeds.document import clean
from streams.feeds.outcome import Outcome
from streams.records import Feed, FeedState

__all__ = ["judge"]

_REASON_BYTES = 500
"""Reasons quote servers; they are kept short enough for a line on a screen."""
_LONG_FAILURE = timedelta(hours=1)
"""After that, silence counts anew: a source that was down has to find its pace again."""


def judge(feed: Feed, state: FeedState, outcome: Outcome, now: datetime) -> FeedState:
    """Turn what came of a poll into what is remembered.

    Args:
        feed: its settings.
        state: as before the poll, but with `seen`, validators, hints and `id_policy` as the
            document of this poll has them.
        outcome: the poll.
        now: its time, UTC.

    Returns:
        The state to remember. `health_since` equals `now` exactly when the health has changed.
    """
    move = moves.after(feed, state, outcome, now)
    state = _remember(state, move, outcome, now)
    if not outcome.error:
        state = silence.follow(state, now)
    found, failures, reason = health.after(outcome, state, now)
    state = replace(
        state,
        failures=failures,
        reason=clean("; ".join(each for each in (reason, move.remark) if each), _REASON_BYTES),
    )
    if found != state.health:
        state = replace(state, health=found, health_before=state.health, health_since=now)
    due, interval, why = schedule.next_check(state, outcome, feed, now)
    return replace(state, next_check_at=due, interval_seconds=interval, schedule_reason=why)


def _remember(state: FeedState, move: moves.Move, outcome: Outcome, now: datetime) -> FeedState:
    """Write down what happened, before it is judged."""
    elsewhere = move.address != state.address
    state = replace(
        state,
        address=move.address,
        moved_to=move.moved_to,
        moved_since=move.moved_since,
        history=health.remember(state.history, outcome, now),
        last_fetch_at=now,
    )
    if not outcome.error:
        was_down = state.failing_since and now - state.failing_since >= _LONG_FAILURE
        return replace(
            state,
            failing_since=None,
            answers_since=now if was_down else state.answers_since,
            last_success_at=now,
            first_success_at=state.first_success_at or now,
            last_document_at=now if outcome.status == 200 else state.last_document_at,
        )
    if outcome.error != "slow_down":  # no failure: the feed is there
        state = replace(state, failing_since=state.failing_since or now)
    # A server that was never asked cannot know what an earlier one has sent.
    return replace(state, etag="", last_modified="") if elsewhere else state
