"""Too many messages of one rule about one figure: one digest instead.

More than `STORM_MESSAGES` within `STORM_WINDOW` is a storm. What comes then is published, but tells nobody by
itself; an alert of its own, the digest, says how many there are. A storm ends when nothing has been held back
for as long as the window, and the next one has a digest of its own.

The state is a fold over revisions of alerts, so that it can be rebuilt from `news.alerts`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from datetime import datetime, timedelta

import msgspec

from streams.alerts.event_time import LATENESS
from streams.alerts.suppress import GROUP_INTERVAL
from streams.event_clock import APART
from streams.records import Alert, Told, stable_id

__all__ = ["STORM_MESSAGES", "STORM_WINDOW", "Storms", "is_digest"]

STORM_MESSAGES = 20
STORM_WINDOW = timedelta(minutes=10)
_KEPT = 4 * STORM_MESSAGES
"""Times of messages that are remembered per rule and figure; flash alerts may be many."""
_EACH = 50
"""A digest is revised when the count doubles, and with each so many more."""

_STORY = "storm:"

Key = tuple[str, str]
"""rule_id and figure_id."""


class _Storm(msgspec.Struct):
    """What has been held back since `start`."""

    start: datetime
    last: datetime
    count: int
    digest: Alert | None = None


def is_digest(alert: Alert) -> bool:
    """Whether an alert stands for a storm, and not for a story."""
    return alert.story_id.startswith(_STORY)


class Storms:
    """Messages and storms of one partition."""

    def __init__(self) -> None:
        self._sent: dict[Key, list[datetime]] = {}
        self._storms: dict[Key, _Storm] = {}

    def remember(self, alert: Alert) -> None:
        """Take in a revision, in the order in which they are published."""
        key = (alert.rule_id, alert.figure_id)
        if is_digest(alert):
            storm = self._storms.get(key)
            if storm is not None and _story_of(storm.start) == alert.story_id:
                storm.digest = alert
        elif alert.notify and alert.notified_at:
            times = self._sent.setdefault(key, [])
            insort(times, alert.notified_at)
            # What is further ahead was told by a wrong clock, and is no storm of now.
            del times[bisect_right(times, alert.notified_at + APART) :]
            if len(times) > _KEPT:
                # Two clocks hours apart must not throw away each other's: what is furthest from now goes.
                now = alert.notified_at
                times.pop(0 if now - times[0] >= times[-1] - now else -1)
        elif alert.suppressed_by.startswith("storm"):
            self._hold_back(key, alert.sources[-1].item.seen_at)

    def _hold_back(self, key: Key, at: datetime) -> None:
        storm = self._storms.get(key)
        if storm is None or not -APART <= at - storm.last <= STORM_WINDOW:
            self._storms[key] = _Storm(at, at, 1)
        else:
            storm.last, storm.count = max(storm.last, at), storm.count + 1

    def reason(self, rule_id: str, figure_id: str, at: datetime) -> str:
        """Why a message would be one too many at that moment; empty if it is not."""
        times = self._sent.get((rule_id, figure_id), ())
        # What was told later by more than that was told by another clock, or before a shard that catches up.
        count = bisect_right(times, at + LATENESS) - bisect_left(times, at - STORM_WINDOW)
        if count < STORM_MESSAGES:
            return ""
        minutes = STORM_WINDOW.total_seconds() / 60
        return f"storm: {count} messages of this rule and figure within {minutes:g} minutes"

    def digest(self, alert: Alert) -> Alert | None:
        """The next revision of the digest, after an alert was held back; None if it can wait."""
        storm = self._storms[alert.rule_id, alert.figure_id]
        if storm.count & (storm.count - 1) and storm.count % _EACH:
            return None
        headline = (
            f"Storm: {storm.count} more about {alert.figure_name} since {storm.start:%H:%M} UTC"
        )
        if storm.digest is not None:
            return msgspec.structs.replace(
                storm.digest,
                revision=storm.digest.revision + 1,
                update_kind="coverage",
                update_reason=headline,
                notify=False,
                headline=headline,
                sources=alert.sources[-1:],
                state="open",
                last_seen_at=storm.last,
            )
        return _begun(alert, storm, headline)


def _story_of(start: datetime) -> str:
    return _STORY + start.isoformat()


def _begun(alert: Alert, storm: _Storm, headline: str) -> Alert:
    """The digest of a storm that has begun; its message waits a while, to tell how many they are."""
    story = _story_of(storm.start)
    source = alert.sources[-1]
    return Alert(
        alert_id=stable_id("alert", alert.rule_id, alert.figure_id, story),
        revision=1,
        update_kind="new",
        update_reason=alert.suppressed_by,
        notify=True,
        notified=True,
        notified_at=storm.start,
        hold_until=storm.start + GROUP_INTERVAL,
        told=Told(severity=alert.severity),
        rule_id=alert.rule_id,
        rule_version=alert.rule_version,
        rule_name=alert.rule_name,
        route=alert.route,
        figure_id=alert.figure_id,
        figure_name=alert.figure_name,
        qid=alert.qid,
        story_id=story,
        severity=alert.severity,
        confidence=alert.confidence,
        headline=headline,
        sources=(source,),
        publishers=(source.item.feed_id,),
        first_seen_at=storm.start,
        last_seen_at=storm.last,
        latency=alert.latency,
        versions=alert.versions,
    )
