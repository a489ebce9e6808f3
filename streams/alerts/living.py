"""What becomes of an alert without a mention of its own: it grows quiet, is closed, or goes on as another.

The state follows from event time alone. `clock` is how far the log has surely come (see `Book.clock`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from streams.alerts.evidence import add_sources, item_ids
from streams.alerts.naming import is_silence
from streams.alerts.severity import SEVERITIES
from streams.alerts.told import told_of
from streams.alerts.triage import stronger
from streams.records import Alert, Told

__all__ = [
    "CLOSED_AFTER",
    "QUIET_AFTER",
    "adjoin",
    "advance",
    "close",
    "deadline",
    "joins",
    "merge",
]

QUIET_AFTER = timedelta(hours=6)
CLOSED_AFTER = timedelta(hours=24)
"""Both counted from the latest item."""


def joins(alert: Alert, first: datetime, last: datetime | None = None) -> bool:
    """Whether an item that was seen then, or what was seen from then until `last`, belongs to this episode.

    It depends on the items alone, not on whether the alert has been closed by now: so an item that comes a
    little late makes no episode of its own.
    """
    if alert.first_seen_at is None or alert.last_seen_at is None:  # from before these were kept
        return True
    begin, end = alert.first_seen_at - CLOSED_AFTER, alert.last_seen_at + CLOSED_AFTER
    return begin < (last or first) and first < end


def adjoin(one: Alert, other: Alert) -> bool:
    """Whether there is no day without news between two alerts of a story, so that they are one."""
    if other.first_seen_at is None or other.last_seen_at is None:
        return True
    return joins(one, other.first_seen_at, other.last_seen_at)


def deadline(alert: Alert) -> datetime | None:
    """When the state changes if nothing comes; None if it does not: a silence is over with the next story."""
    if alert.state == "closed" or alert.last_seen_at is None or is_silence(alert):
        return None
    return (
        _closes_at(alert, alert.last_seen_at)
        if alert.state == "quiet"
        else alert.last_seen_at + QUIET_AFTER
    )


def _closes_at(alert: Alert, last_seen_at: datetime) -> datetime:
    """A day after the latest item; but what waits for Monday is not closed on Sunday, since nobody has read it."""
    at = last_seen_at + CLOSED_AFTER
    return max(at, alert.hold_until) if alert.hold_until is not None else at


def advance(alert: Alert, clock: datetime) -> Alert | None:
    """The revision by which an alert grows quiet or is closed for lack of news; None if it stays."""
    due = deadline(alert)
    if due is None or due > clock or alert.last_seen_at is None:
        return None
    if _closes_at(alert, alert.last_seen_at) <= clock:
        return close(alert, "nothing new for 24 hours")
    return msgspec.structs.replace(
        alert,
        revision=alert.revision + 1,
        update_kind="coverage",
        update_reason="nothing new for 6 hours",
        notify=False,
        suppressed_by="",
        state="quiet",
    )


def close(alert: Alert, reason: str, *, superseded_by: str = "") -> Alert:
    """The revision that ends an alert. A message that still waits is not sent."""
    return msgspec.structs.replace(
        alert,
        revision=alert.revision + 1,
        update_kind="closed",
        update_reason=reason,
        notify=False,
        suppressed_by="",
        hold_until=None,
        state="closed",
        superseded_by=superseded_by,
    )


def merge(
    into: Alert | None,
    moved: Alert,
    *,
    alert_id: str,
    story_id: str,
    episode: int,
    reason: str,
    at: datetime,
) -> tuple[Alert, Alert]:
    """Let an alert go on as another, whose story its own has turned out to be.

    Nobody is told, since people were told by one of them; unless neither has told anything yet: then the next
    item decides as usual. A message that the moved alert was waiting to send goes along, if nothing has been
    sent by the other.

    Args:
        into: the alert that goes on; None if it begins with this.
        moved: the alert that ends.
        alert_id: of the one that goes on, likewise story_id and episode.
        story_id: its story.
        episode: its episode.
        reason: why they are one, in words for a person.
        at: when that was found.

    Returns:
        The next revision of the one that goes on, and the last one of the other.
    """
    going = moved if into is None else _united(into, moved, at)
    winner = msgspec.structs.replace(
        going,
        alert_id=alert_id,
        revision=1 if into is None else into.revision + 1,
        update_kind="new" if into is None else "coverage",
        update_reason=reason,
        notify=False,
        suppressed_by="",
        story_id=story_id,
        state="closed" if all(a.state == "closed" for a in (going, moved)) else "open",
        superseded_by="",
        derived_from=(into.derived_from if into else "") or moved.alert_id,
        episode=episode,
    )
    return winner, close(moved, reason, superseded_by=alert_id)


def _united(into: Alert, moved: Alert, at: datetime) -> Alert:
    """What two alerts say together."""
    sources, further = add_sources(into, moved)
    louder = max(moved, into, key=lambda alert: SEVERITIES.index(alert.severity))
    waiting = moved.hold_until if moved.hold_until and moved.hold_until > at else None
    notified = [a for a in (into, moved) if a.notified]
    own = item_ids(into)
    twice = sum(bool(s.copy_of) for s in moved.sources if s.item.item_id in own)
    last = max(notified, key=lambda a: a.notified_at or at, default=into)
    return msgspec.structs.replace(
        into,
        severity=louder.severity,
        severity_reasons=louder.severity_reasons,
        confidence=max(into.confidence, moved.confidence),
        policy_topics=tuple(sorted({*into.policy_topics, *moved.policy_topics})),
        headline=sources[0].item.title,
        sources=sources,
        further_item_ids=further,
        publishers=tuple(dict.fromkeys((*moved.publishers, *into.publishers))),
        copies=into.copies + moved.copies - twice,
        retracted={**into.retracted, **moved.retracted},
        first_seen_at=min(
            (a.first_seen_at for a in (into, moved) if a.first_seen_at), default=None
        ),
        last_seen_at=max((a.last_seen_at for a in (into, moved) if a.last_seen_at), default=None),
        notified=bool(notified),
        notified_at=last.notified_at,
        hold_until=into.hold_until if into.notified else waiting,
        told=_told_together(notified),
        triage=stronger(into.triage, moved.triage),
        latency=last.latency,
    )


def _told_together(alerts: list[Alert]) -> Told | None:
    """What people know by one alert or the other."""
    told = [told_of(alert) for alert in alerts]
    if not told:
        return None
    return Told(
        severity=max((t.severity for t in told), key=SEVERITIES.index),
        policy_topics=tuple(sorted({topic for t in told for topic in t.policy_topics})),
        tier1=any(t.tier1 for t in told),
        publishers=max(t.publishers for t in told),
    )
