"""What people do with an alert: the other axis, apart from what the news does. Pure.

A command that cannot be carried out is answered, not lost: the next revision says in `Triage.refused` why,
and what is the case. It conflicts only with what another person has done since the revision that its actor
saw; that the news went on meanwhile is no conflict.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from streams.config import parse_duration
from streams.records import Alert, Command, Triage

__all__ = ["carry_out", "is_done", "stronger", "woken"]

STATUS = {
    "acknowledge": "acknowledged",
    "snooze": "snoozed",
    "resolve": "resolved",
    "dismiss": "dismissed",
    "reopen": "new",
}
"""What each action makes of the status; the others leave it."""

STRENGTH = ("new", "dismissed", "resolved", "snoozed", "acknowledged")
"""Whose word counts when alerts become one, from weak to strong: somebody at work on the news must not lose
it because somebody else had put the other half of it away."""


def carry_out(alert: Alert, command: Command, *, offset: int = -1) -> Alert | None:
    """Make the next revision of an alert by a command.

    Args:
        alert: its newest revision.
        command: what somebody wants.
        offset: of the command in its partition.

    Returns:
        The revision, in which `triage.refused` says why if it was not carried out; None if the alert has the
        answer already.
    """
    if is_done(alert, command, offset):
        return None
    refused, until = _conflict(alert, command), None
    if not refused and command.action == "snooze":
        until, refused = _until(command)
    triage = alert.triage if refused else _done(alert, command, until)
    triage = msgspec.structs.replace(
        triage,
        refused=refused,
        command_id=command.command_id,
        commands=max(offset + 1, alert.triage.commands),
    )
    reason = (
        f"{command.action} by {command.actor} refused: {refused}"
        if refused
        else _words(command, until)
    )
    return msgspec.structs.replace(
        alert,
        revision=alert.revision + 1,
        update_kind="human",
        update_reason=reason,
        notify=False,
        suppressed_by="",
        triage=triage,
    )


def is_done(alert: Alert, command: Command, offset: int) -> bool:
    """Whether an alert has answered a command already."""
    return command.command_id == alert.triage.command_id or 0 <= offset < alert.triage.commands


def stronger(one: Triage, other: Triage) -> Triage:
    """What counts when two alerts become one; the later of two that are equally strong."""

    def rank(triage: Triage) -> tuple[int, datetime]:
        at = triage.at or datetime.min.replace(tzinfo=UTC)
        return STRENGTH.index(triage.status), at

    first, second = sorted((one, other), key=rank, reverse=True)
    return msgspec.structs.replace(
        first,
        assignee=first.assignee or second.assignee,
        note=first.note or second.note,
        commands=max(first.commands, second.commands),
    )


def woken(triage: Triage, why: str) -> Triage:
    """A status that the news has ended; who is assigned stays."""
    return msgspec.structs.replace(
        triage, status="new", until=None, note=f"{why} ({triage.status} by {triage.actor})"
    )


def _conflict(alert: Alert, command: Command) -> str:
    """What another person has done meanwhile; a comment only adds, and conflicts with nothing."""
    triage, expected = alert.triage, command.expected_revision
    if expected > alert.revision:
        return f"revision {expected} expected, {alert.revision} is current: reload the alert"
    if command.action == "comment" or triage.revision <= expected:
        return ""
    if triage.status == STATUS.get(command.action) and triage.actor == command.actor:
        return ""
    when = f" at {triage.at:%H:%M}" if triage.at else ""
    done = triage.status if triage.status != "new" else "changed"
    return (
        f"revision {expected} expected, {alert.revision} is current: {triage.actor} {done} it{when}"
    )


def _done(alert: Alert, command: Command, until: datetime | None) -> Triage:
    triage, revision = alert.triage, alert.revision + 1
    if command.action == "comment":
        return msgspec.structs.replace(triage, note=command.argument)
    if command.action == "assign":
        return msgspec.structs.replace(
            triage, assignee=command.argument, actor=command.actor, at=command.at, revision=revision
        )
    return msgspec.structs.replace(
        triage,
        status=STATUS[command.action],
        actor=command.actor,
        at=command.at,
        until=until,
        note=triage.note if command.action == "snooze" else command.argument or triage.note,
        revision=revision,
    )


def _until(command: Command) -> tuple[datetime | None, str]:
    """When a snooze ends, or what is wrong with it."""
    wanted = command.argument.strip()
    cure = "write a time such as 2026-11-22T14:00:00Z, or how long, such as 2h"
    try:
        until = datetime.fromisoformat(wanted)
    except ValueError:
        try:
            until = command.at + timedelta(seconds=parse_duration(wanted))
        except (ValueError, OverflowError):
            return None, f"until when to snooze is not told by {wanted!r} ({cure})"
    if until.tzinfo is None:
        return None, f"{wanted!r} has no time zone ({cure})"
    if until <= command.at:
        return None, f"{wanted!r} has passed already ({cure})"
    return until.astimezone(UTC), ""


def _words(command: Command, until: datetime | None) -> str:
    """What a command did, for a person."""
    done = {"comment": "commented on", "assign": "assigned", "reopen": "reopened"}.get(
        command.action, STATUS.get(command.action, "")
    )
    said = f"{until:%Y-%m-%d %H:%M} UTC" if until else command.argument
    link = {"snooze": " until ", "assign": " to "}.get(command.action, ": ")
    return f"{done} by {command.actor}{link + said if said else ''}"
