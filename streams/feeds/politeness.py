"""For how long a whole host is left alone after it asked to be asked less. Pure.

429 is about us: it pauses the host. 503 with Retry-After may be about one feed, so it takes several
feeds of the host to agree. In memory only: after a restart each feed still keeps its own plan.
"""

from __future__ import annotations

from streams.feeds.outcome import Outcome

__all__ = ["HostPauses"]

DEFAULT_PAUSE = 3_600.0
"""Without Retry-After."""
LONGEST_PAUSE = 86_400.0
TOO_MANY = 429
AGREEING = 3
"""Feeds of a host that must be told 503 before it counts for all of them."""
AGREE_WITHIN = 3_600.0


class HostPauses:
    """Remembers what hosts asked for. Times are seconds of any clock that nobody sets; the caller has it."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, float]] = {}  # host: feed_id: when it was told 503

    def record(self, host: str, feed_id: str, outcome: Outcome, now: float) -> float | None:
        """Learn from a poll.

        Returns:
            Until when no feed of the host should be polled; None if the poll gives no reason.
        """
        if outcome.error != "slow_down":
            if not outcome.error:
                self._forget(host, feed_id)
            return None
        if outcome.status != TOO_MANY and self._agreeing(host, feed_id, now) < AGREEING:
            return None
        asked = outcome.retry_after_seconds
        return now + min(DEFAULT_PAUSE if asked is None else asked, LONGEST_PAUSE)

    def _agreeing(self, host: str, feed_id: str, now: float) -> int:
        """How many feeds of the host were told so lately, with this one."""
        told = self._told.get(host, {}) | {feed_id: now}
        self._told[host] = {each: at for each, at in told.items() if now - at <= AGREE_WITHIN}
        return len(self._told[host])

    def _forget(self, host: str, feed_id: str) -> None:
        told = self._told.get(host)
        if told is not None:
            told.pop(feed_id, None)
            if not told:
                del self._told[host]
