"""What a matching mention does to the alert of its rule, figure and story.

`decide` is pure. It returns the next revision, or none when the mention tells the alert nothing that it does
not already know: processing a mention twice changes nothing.

What an alert says (sources, publishers, severity, policy topics, first and last time) is the union of what
its mentions say, so the order in which they come does not matter. What it has told people is kept apart
(`Alert.told`): only what goes beyond that is material and tells them again. So what was held back for good,
such as an old item, uses up nothing that fresh news would tell.

For whoever delivers: a message is due for a revision with `notify`, at `hold_until` where that lies ahead and
else at once; and for an alert whose newest revision has a `hold_until` ahead, then (also where the revision
that asked for it was suppressed until then). It tells the newest revision of that moment, and is dropped if
that one is closed or dismissed, unless it is a retraction of what had been delivered.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from streams.alerts.evidence import add_source, item_ids, latency_of, revision_of, source_of
from streams.alerts.naming import alert_id_of
from streams.alerts.severity import SEVERITIES, severity_of, topics_of
from streams.alerts.suppress import (
    CALM,
    Situation,
    Verdict,
    breaks_snooze,
    situation_at,
    suppression,
)
from streams.alerts.told import all_of, beyond, told_of
from streams.alerts.triage import woken
from streams.records import Alert, Mention, Rule, UpdateKind

__all__ = ["Decision", "decide", "retract"]

_FIRST = "first item of this story"
_FIRST_NEWS = "first item of this story that is news"


class Decision(msgspec.Struct, frozen=True):
    """`alert` is the revision to publish, or None; `reason` says why either way."""

    alert: Alert | None
    reason: str


def decide(
    previous: Alert | None,
    rule: Rule,
    mention: Mention,
    now: datetime,
    *,
    situation: Situation = CALM,
    episode: int = 0,
    derived_from: str = "",
) -> Decision:
    """Decide the next revision of an alert.

    Args:
        previous: its newest revision, None if there is none.
        rule: a rule that matches the mention.
        mention: what was found.
        now: becomes `alerted_at`; takes no part in the decision.
        situation: what goes on beside the alert.
        episode: of an alert that begins.
        derived_from: the alert of the episode before it.
    """
    if previous is None:
        first = _begin(rule, mention, now, episode, derived_from, situation)
        verdict = suppression(
            rule, mention, None, kind="new", severity=first.severity, situation=situation
        )
        alert = _announce(first, mention, now, verdict, situation)
        return Decision(alert, alert.update_reason)
    draft = _join(previous, rule, mention, situation.burst_level)
    if draft is None:
        item = mention.item
        return Decision(None, f"item {item.item_id} revision {item.revision} is already told")
    alert = _judge(previous, draft, rule, mention, now, situation)
    return Decision(alert, alert.update_reason)


def retract(
    previous: Alert,
    rule: Rule,
    mention: Mention,
    why: str,
    now: datetime,
    *,
    situation: Situation = CALM,
) -> Alert | None:
    """Take back an item whose revision no longer matches the rule; None if the alert does not have it.

    People are told if they were told before, and the item was what the alert rested on: its last one, or the
    one that its headline is from. The last item stays as a source, since it is what people were told.

    Args:
        previous: the newest revision of the alert.
        rule: of the alert.
        mention: of the item as it is now.
        why: what no longer matches.
        now: becomes `alerted_at`.
        situation: what goes on beside the alert.
    """
    item = mention.item
    if (
        item.item_id not in item_ids(previous)
        or revision_of(previous, item.item_id) >= item.revision
    ):
        return None
    left = item_ids(previous) - {item.item_id}
    sources = tuple(s for s in previous.sources if s.item.item_id != item.item_id)
    untold = previous.hold_until is not None and previous.hold_until > item.seen_at
    wanted = (
        previous.notified
        and not (untold and not left)
        and (not left or previous.sources[0].item.item_id == item.item_id)
    )
    source = item.feed_title or item.feed_id
    draft = _next(
        previous,
        rule,
        kind="retraction",
        reason=f"{source} revised the item, which no longer matches: {why}"
        + ("" if left else "; no other item tells it"),
        sources=sources or previous.sources,
        headline=(sources or previous.sources)[0].item.title,
        further_item_ids=tuple(i for i in previous.further_item_ids if i != item.item_id),
        retracted={**previous.retracted, item.item_id: item.revision},
        state=previous.state if left else "closed",
        hold_until=previous.hold_until if left else None,
    )
    if not wanted:
        return draft
    verdict = suppression(
        rule, mention, previous, kind="retraction", severity=draft.severity, situation=situation
    )
    return _announce(draft, mention, now, verdict, situation)


def _begin(
    rule: Rule,
    mention: Mention,
    now: datetime,
    episode: int,
    derived_from: str,
    situation: Situation,
) -> Alert:
    severity, reasons = severity_of(rule, mention)
    item, figure = mention.item, mention.figure
    return Alert(
        alert_id=alert_id_of(rule, mention, episode),
        revision=1,
        update_kind="new",
        update_reason=situation.begun_by
        or ("the story goes on after a day without news" if episode else _FIRST),
        notify=False,
        rule_id=rule.rule_id,
        rule_version=rule.version,
        rule_name=rule.name,
        route=rule.route,
        figure_id=figure.figure_id,
        figure_name=figure.name,
        qid=figure.qid,
        story_id=mention.story.story_id,
        severity=severity,
        severity_reasons=reasons,
        confidence=figure.confidence,
        policy_topics=topics_of(rule, mention),
        headline=item.title,
        sources=(source_of(mention),),
        publishers=(item.feed_id,),
        copies=int(bool(mention.story.copy_of)),
        first_seen_at=item.seen_at,
        last_seen_at=item.seen_at,
        burst_level=situation.burst_level,
        derived_from=derived_from,
        episode=episode,
        latency=latency_of(mention, now),
        versions=mention.versions,
    )


def _join(previous: Alert, rule: Rule, mention: Mention, burst_level: int) -> Alert | None:
    """What the alert says with a mention; None if that is what it says without.

    An older revision of an item that comes late changes no source, but what it said still counts, as it would
    have had it come in time.
    """
    item = mention.item
    if previous.retracted.get(item.item_id, 0) >= item.revision:
        return None
    known = revision_of(previous, item.item_id)
    severity, reasons = severity_of(rule, mention)
    raised = SEVERITIES.index(severity) > SEVERITIES.index(previous.severity)
    feeds = previous.publishers
    draft = msgspec.structs.replace(
        previous,
        severity=severity if raised else previous.severity,
        severity_reasons=reasons if raised else previous.severity_reasons,
        confidence=max(previous.confidence, mention.figure.confidence),
        policy_topics=tuple(sorted({*previous.policy_topics, *topics_of(rule, mention)})),
        publishers=feeds if item.feed_id in feeds else (*feeds, item.feed_id),
        first_seen_at=min(previous.first_seen_at or item.seen_at, item.seen_at),
        last_seen_at=max(previous.last_seen_at or item.seen_at, item.seen_at),
        burst_level=max(previous.burst_level, burst_level),
    )
    if known >= item.revision or item.item_id in previous.further_item_ids:
        return None if draft == previous else draft
    sources, further = add_source(previous, source_of(mention))
    return msgspec.structs.replace(
        draft,
        sources=sources,
        further_item_ids=further,
        retracted={i: r for i, r in previous.retracted.items() if i != item.item_id},
        headline=sources[0].item.title,
        copies=previous.copies + (bool(mention.story.copy_of) and not known),
        versions=mention.versions,
    )


def _judge(
    previous: Alert, draft: Alert, rule: Rule, mention: Mention, now: datetime, situation: Situation
) -> Alert:
    """Say what the revision is, and whether it reaches people."""
    adds = (
        mention,
        severity_of(rule, mention)[0],
        topics_of(rule, mention),
        len(draft.publishers),
        draft.burst_level,
    )
    untold = beyond(told_of(previous), *adds) if previous.notified else _FIRST_NEWS
    if untold:
        verdict = suppression(
            rule, mention, previous, kind="material", severity=draft.severity, situation=situation
        )
        if not verdict.never:
            alert = _next(draft, rule, kind="material", reason=_words(untold, previous, rule))
            return _announce(
                _wake(alert, situation_at(mention, situation)), mention, now, verdict, situation
            )
        if changed := beyond(all_of(previous), *adds):
            alert = _next(draft, rule, kind="material", reason=_words(changed, previous, rule))
            return msgspec.structs.replace(alert, suppressed_by=verdict.reason)
    kind, reason = _quietly(previous, mention)
    alert = _next(draft, rule, kind=kind, reason=_words(reason, previous, rule))
    shown = previous.sources[0].item.item_id == mention.item.item_id
    if kind != "correction" or not (previous.notified and shown):
        return alert
    verdict = suppression(
        rule, mention, previous, kind=kind, severity=draft.severity, situation=situation
    )
    return _announce(alert, mention, now, verdict, situation)


def _quietly(previous: Alert, mention: Mention) -> tuple[UpdateKind, str]:
    """What a mention is that adds nothing material."""
    item = mention.item
    source = item.feed_title or item.feed_id
    earlier = next((s.item for s in previous.sources if s.item.item_id == item.item_id), None)
    if earlier is None:
        verb = "copies it" if mention.story.copy_of else "tells it too"
        return "coverage", f"{source} {verb}"
    if earlier.revision < item.revision and earlier.title != item.title:
        return "correction", f"{source} changed the headline from {earlier.title!r}"
    late = earlier.revision > item.revision
    return (
        "coverage",
        f"an earlier version by {source} came late" if late else f"{source} revised the item",
    )


def _words(reason: str, previous: Alert, rule: Rule) -> str:
    """A reason, with what else people should know of the revision."""
    if previous.state == "closed":
        reason += "; the alert was closed and goes on"
    if previous.rule_version != rule.version:
        reason += f"; the rule is version {rule.version} now, was {previous.rule_version}"
    return reason


def _next(draft: Alert, rule: Rule, *, kind: UpdateKind, reason: str, **changes: object) -> Alert:
    """The next revision, which nobody is told of; `draft` still has the number of the one before."""
    fields: dict[str, object] = {"state": "open", **changes}
    return msgspec.structs.replace(
        draft,
        revision=draft.revision + 1,
        update_kind=kind,
        update_reason=reason,
        notify=False,
        suppressed_by="",
        rule_version=rule.version,
        rule_name=rule.name,
        route=rule.route,
        **fields,
    )


def _announce(
    alert: Alert, mention: Mention, now: datetime, verdict: Verdict, situation: Situation
) -> Alert:
    """Let a revision reach people as far as it may."""
    if verdict.never:
        return msgspec.structs.replace(alert, suppressed_by=verdict.reason)
    return msgspec.structs.replace(
        alert,
        notify=not verdict.reason,
        suppressed_by=verdict.reason,
        notified=True,
        notified_at=situation_at(mention, situation),
        hold_until=verdict.until,
        told=all_of(alert),
        latency=latency_of(mention, now),
    )


def _wake(alert: Alert, at: datetime) -> Alert:
    """End the snooze that something material breaks, and take out of the drawer what was resolved."""
    triage = alert.triage
    if triage.status == "resolved":
        return msgspec.structs.replace(
            alert, triage=woken(triage, "news came after it was resolved")
        )
    if triage.status == "snoozed":
        why = breaks_snooze(triage, alert.severity, at)
        if why:
            return msgspec.structs.replace(alert, triage=woken(triage, why))
    return alert
