"""What keeps a revision that tells something new from reaching people actively, or lets it wait.

The order of the checks is the order of the reasons that people read. Some hold a revision back for good: it
was not news, somebody has dismissed the alert, a louder alert says it already, or there is a storm. Others
end, and then the message goes out with whatever the alert says by then: a silence, a snooze, the hours
outside of the schedule. The last ones only collect what comes at once into one message.

What is `flash` is never held back by something lesser: no wait, no interval, no storm, no inhibition. What a
person has said holds it like anything else: a silence, the schedule, a dismissal; and the reason says so.
A correction or retraction of what people were told passes a silence, a snooze, a dismissal and a storm: they
would go on believing it.

All times are event time (`Item.seen_at`), never today's clock, so that a replay decides as the original run.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from streams.alerts.schedule import next_active
from streams.alerts.severity import reaches
from streams.records import Alert, ItemRef, Mention, Rule, Severity, Triage, UpdateKind

__all__ = [
    "CALM",
    "FUTURE_SLACK",
    "GROUP_INTERVAL",
    "GROUP_WAIT",
    "Situation",
    "Verdict",
    "breaks_snooze",
    "not_news",
    "situation_at",
    "suppression",
]

GROUP_WAIT = timedelta(seconds=30)
"""How long the first message waits for what comes at once; Alertmanager's `group_wait`."""
GROUP_INTERVAL = timedelta(minutes=5)
"""Least time between two messages of one alert; Alertmanager's `group_interval`."""
FUTURE_SLACK = timedelta(minutes=10)
"""Clocks of publishers that go this much ahead are believed; beyond, the date is a mistake."""

PIERCING: frozenset[UpdateKind] = frozenset({"correction", "retraction"})


class Situation(Struct, frozen=True):
    """What goes on beside the alert, as far as it may hold it back."""

    storm: str = ""
    """Why there is a storm of the rule and figure; empty if there is none."""
    flash: str = ""
    """Headline of an open flash alert of the same figure; empty if there is none."""
    at: datetime | None = None
    """Event time of the decision; None for when the mention's item was seen. It is later for a mention that
    was held back until a condition was fulfilled."""
    burst_level: int = 0
    """Of the burst that the alert tells of, if it tells of one."""
    begun_by: str = ""
    """Why the alert begins, where that is more than its first item."""


CALM = Situation()


class Verdict(Struct, frozen=True):
    """Whether a revision reaches people: at once, at `until`, or never."""

    reason: str = ""
    """Why not at once; empty where it does, or only waits for what else comes."""
    until: datetime | None = None
    """When its message goes out; None: at once, or never if there is a reason."""

    @property
    def never(self) -> bool:
        """True if no message will tell it."""
        return bool(self.reason) and self.until is None


def situation_at(mention: Mention, situation: Situation) -> datetime:
    """Event time of a decision about a mention."""
    return situation.at or mention.item.seen_at


def suppression(
    rule: Rule,
    mention: Mention,
    previous: Alert | None,
    *,
    kind: UpdateKind,
    severity: Severity,
    situation: Situation = CALM,
) -> Verdict:
    """Say whether what a mention does to an alert reaches people, and why not.

    Args:
        rule: of the alert.
        mention: what was found.
        previous: the revision before, None for the first.
        kind: of the revision in question.
        severity: of the alert with this mention.
        situation: what goes on beside it.
    """
    at = situation_at(mention, situation)
    triage = previous.triage if previous else None
    for reason in (
        not_news(rule, mention.item),
        "" if kind in PIERCING else _dismissed(triage),
        "" if severity == "flash" else _drowned(kind, severity, situation),
    ):
        if reason:
            return Verdict(reason)
    waits = [_outside(rule, at)]
    if kind not in PIERCING:
        waits += [_silenced(rule, mention, at), _snoozed(triage, severity, at)]
    if holding := [wait for wait in waits if wait.until]:
        return max(holding, key=lambda wait: wait.until or at)
    return Verdict(until=None if severity == "flash" else _collected(previous, at))


def not_news(rule: Rule, item: ItemRef) -> str:
    """Say why an item is too old to tell people; empty if it is news.

    Age is measured when the item was first seen. A date in the future is a mistake of the publisher and says
    nothing about the age, so the item counts as new.
    """
    if item.backfill:
        return "backfill: the feed already held it when it was first polled"
    if item.published_at - item.seen_at > FUTURE_SLACK:
        return ""
    age = (item.seen_at - item.published_at).total_seconds()
    if age > rule.max_age_seconds:
        return f"max_age: {age / 3600:.1f} h old when first seen, limit {rule.max_age_seconds / 3600:g} h"
    return ""


def breaks_snooze(triage: Triage, severity: Severity, at: datetime) -> str:
    """Say why a snooze ends with something material; empty if it goes on.

    Args:
        triage: of a snoozed alert.
        severity: of the alert with what is material.
        at: when that was seen.
    """
    if triage.until is None or triage.until <= at:
        return "the snooze is over"
    if reaches(severity, "urgent"):
        return f"the snooze ends, since this is {severity}"
    return ""


def _dismissed(triage: Triage | None) -> str:
    if triage is None or triage.status != "dismissed":
        return ""
    return f"dismissed: by {triage.actor}" + (f", {triage.note}" if triage.note else "")


def _drowned(kind: UpdateKind, severity: Severity, situation: Situation) -> str:
    if situation.flash and severity == "info":
        return f"inhibited: {situation.flash!r} is flash and about the same figure"
    return situation.storm if kind not in PIERCING else ""


def _outside(rule: Rule, at: datetime) -> Verdict:
    active = next_active(rule.schedule, at)
    if active is None:
        return Verdict()
    spans = ", ".join(rule.schedule.active)
    return Verdict(f"schedule: outside {spans} ({rule.schedule.timezone})", active)


def _silenced(rule: Rule, mention: Mention, at: datetime) -> Verdict:
    holding = [
        silence
        for silence in rule.silences
        if silence.start <= at < silence.end
        and (not silence.figures or mention.figure.figure_id in silence.figures)
    ]
    if not holding:
        return Verdict()
    last = max(holding, key=lambda silence: silence.end)
    words = f"silence: by {last.author} until {last.end:%Y-%m-%d %H:%M} UTC, {last.comment}"
    return Verdict(words, last.end)


def _snoozed(triage: Triage | None, severity: Severity, at: datetime) -> Verdict:
    if triage is None or triage.status != "snoozed" or breaks_snooze(triage, severity, at):
        return Verdict()
    until = triage.until
    return Verdict(f"snoozed: by {triage.actor} until {until:%Y-%m-%d %H:%M} UTC", until)


def _collected(previous: Alert | None, at: datetime) -> datetime | None:
    """When the message goes out that tells this together with what else comes; None: at once."""
    if previous is None or not previous.notified:
        return at + GROUP_WAIT
    held = previous.hold_until
    if held is not None and held > at:  # a message waits already
        return (
            held if held <= at + GROUP_INTERVAL else at + GROUP_WAIT
        )  # what it waited for is over
    sent = held or previous.notified_at
    if sent is None or at >= sent + GROUP_INTERVAL:
        return None
    return sent + GROUP_INTERVAL
