"""What people have been told of an alert, and what goes beyond it."""

from __future__ import annotations

from streams.alerts.severity import SEVERITIES
from streams.records import Alert, Mention, Severity, Told

__all__ = ["PUBLISHER_STEPS", "all_of", "beyond", "told_of"]

PUBLISHER_STEPS = (3, 10, 25)
"""Distinct publishers with which the spreading of a story is news itself."""


def told_of(alert: Alert) -> Told:
    """What people know of an alert; one from before this was kept has told all that it says."""
    if alert.told is not None:
        return alert.told
    return all_of(alert) if alert.notified else Told()


def all_of(alert: Alert) -> Told:
    """All that an alert says, which is what a message tells."""
    told = alert.told
    return Told(
        severity=alert.severity,
        policy_topics=alert.policy_topics,
        tier1=bool(told and told.tier1) or any(s.item.tier == 1 for s in alert.sources),
        publishers=len(alert.publishers),
        burst_level=alert.burst_level,
    )


def beyond(
    told: Told,
    mention: Mention,
    severity: Severity,
    topics: tuple[str, ...],
    publishers: int,
    burst_level: int = 0,
) -> str:
    """What a mention adds to what was told, the most important first; empty if nothing.

    Args:
        told: what people know.
        mention: what was found.
        severity: of the mention by its rule, likewise the policy topics.
        topics: sorted.
        publishers: of the alert with this mention, likewise the level of its burst.
        burst_level: 0 where there is none.
    """
    if SEVERITIES.index(severity) > SEVERITIES.index(told.severity):
        return f"severity raised to {severity}"
    if burst_level > told.burst_level:
        return f"the burst has risen to level {burst_level}"
    if added := set(topics) - set(told.policy_topics):
        return f"new policy topic: {', '.join(sorted(added))}"
    if mention.item.tier == 1 and not told.tier1:
        return f"first tier-1 source: {mention.item.feed_title or mention.item.feed_id}"
    if any(told.publishers < step <= publishers for step in PUBLISHER_STEPS):
        return f"{publishers} publishers tell it"
    return ""
