"""Why an alert is as it is, and what became of an item: answers built from what the topics hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from streams.alerts.evidence import item_ids
from streams.alerts.match import Check, explain, mismatch
from streams.alerts.replaying import first_word
from streams.alerts.trying import condition_in_words
from streams.alerts.wording import ledger_in_words
from streams.records import (
    Alert,
    EnrichedItem,
    FigureHit,
    ItemRef,
    Mention,
    PolicyTopicHit,
    Rule,
)

__all__ = [
    "AlertExplained",
    "ItemExplained",
    "RuleVerdict",
    "StoryStep",
    "ToldRevision",
    "explain_alert",
    "explain_item",
]

_ABOUT_OTHERS = ("figures.any", "figures.lists", "figures.exclude")
"""A rule that fails on one of these is about other figures."""


class ToldRevision(msgspec.Struct, frozen=True):
    """One revision of an alert."""

    revision: int
    at: datetime
    """Event time of what made it."""
    kind: str
    reason: str
    notification: str
    """Whether people were told, when, and why not."""
    state: str
    severity: str
    items: int
    triage: str
    """What a person did; empty if nothing."""


class StoryStep(msgspec.Struct, frozen=True):
    """An item that was put into the story, or that made stories one."""

    at: datetime
    item_id: str
    title: str
    story_id: str
    copy_of: str
    absorbed: tuple[str, ...]
    reason: str


class AlertExplained(msgspec.Struct, frozen=True, kw_only=True):
    """Of one alert."""

    alert: Alert
    """Its newest revision."""
    revisions: tuple[ToldRevision, ...]
    """Those that the broker still has: compaction drops older ones after a while."""
    missing_revisions: int
    items: int
    rule_note: str
    """Whether the conditions are those of the rule that made it."""
    conditions: tuple[Check, ...]
    """Held against the first mention that the broker still has; empty if it has none, or no rule."""
    conditions_of: str = ""
    """item_id of that mention."""
    story: tuple[StoryStep, ...]
    latency: str


class RuleVerdict(msgspec.Struct, frozen=True):
    """What a rule made of a figure in an item."""

    rule_id: str
    figure_id: str
    outcome: Literal["fired", "matches", "off", "no"]
    """matches: all that a mention can fulfil, but there is no alert; off: it would match."""
    why: str
    """For "no" the condition that fails first, and by how much."""
    alert_id: str = ""


class ItemExplained(msgspec.Struct, frozen=True, kw_only=True):
    """Of one item."""

    item_id: str
    item: ItemRef | None
    """As enriched, the newest revision."""
    where: tuple[str, ...]
    """What each topic holds of it, in the order of the stream."""
    figures: tuple[FigureHit, ...] = ()
    policy_topics: tuple[PolicyTopicHit, ...] = ()
    lang_confidence: float = 0.0
    skipped: tuple[str, ...] = ()
    versions: dict[str, str] = {}
    story: tuple[StoryStep, ...] = ()
    rules: tuple[RuleVerdict, ...] = ()
    about_others: int = 0
    """Rules that are about other figures."""


def explain_alert(
    revisions: Sequence[Alert], mentions: Sequence[Mention], rule: Rule | None
) -> AlertExplained:
    """Put together what is known of an alert.

    Args:
        revisions: at least one, in any order and with repetitions.
        mentions: of its figure, in the order of the log.
        rule: as it is now; None if it is gone.
    """
    ordered = [alert for _, alert in sorted({alert.revision: alert for alert in revisions}.items())]
    newest = ordered[-1]
    known = {*item_ids(newest), *newest.retracted}
    own = [
        mention
        for mention in mentions
        if mention.item.item_id in known or mention.story.story_id == newest.story_id
    ]
    first = next((m for m in own if m.item.item_id in known and m.figure.mentions), None)
    return AlertExplained(
        alert=newest,
        revisions=tuple(map(_told, ordered)),
        missing_revisions=newest.revision - len(ordered),
        items=len(item_ids(newest)),
        rule_note=_rule_note(newest, rule),
        conditions=explain(rule, first) if rule and first else (),
        conditions_of=first.item.item_id if rule and first else "",
        story=_story(own),
        latency=ledger_in_words(newest.latency),
    )


def explain_item(
    item_id: str,
    *,
    where: Sequence[str],
    enriched: EnrichedItem | None,
    mentions: Sequence[Mention],
    alerts: Iterable[Alert],
    rules: Iterable[Rule],
) -> ItemExplained:
    """Put together what became of an item.

    Args:
        item_id: its id.
        where: what each topic holds of it.
        enriched: its newest revision, None if it is not enriched.
        mentions: of that revision.
        alerts: newest revisions of those that have the item among their sources.
        rules: all that are in force.
    """
    if enriched is None:
        return ItemExplained(item_id=item_id, item=None, where=tuple(where))
    fired = {
        (alert.rule_id, alert.figure_id): alert for alert in alerts if item_id in item_ids(alert)
    }
    verdicts = [
        _verdict(rule, mention, fired.get((rule.rule_id, mention.figure.figure_id)))
        for mention in mentions
        if mention.figure.mentions
        for rule in rules
    ]
    shown = [v for v in verdicts if not _about_others(v)]
    order = ("fired", "matches", "off", "no")
    return ItemExplained(
        item_id=item_id,
        item=enriched.item,
        where=tuple(where),
        figures=enriched.figures,
        policy_topics=enriched.policy_topics,
        lang_confidence=enriched.lang_confidence,
        skipped=enriched.skipped,
        versions=enriched.versions,
        story=_story(mentions[:1]),
        rules=tuple(sorted(shown, key=lambda v: (order.index(v.outcome), v.figure_id, v.rule_id))),
        about_others=len({v.rule_id for v in verdicts} - {v.rule_id for v in shown}),
    )


def _verdict(rule: Rule, mention: Mention, alert: Alert | None) -> RuleVerdict:
    figure_id, why = mention.figure.figure_id, mismatch(rule, mention)
    if alert is not None:
        told = "people were told" if alert.notified else f"nobody was told: {alert.suppressed_by}"
        note = f"; by the rule as it is now it would not: {why}" if why else ""
        return RuleVerdict(
            rule.rule_id, figure_id, "fired", f"{told.removesuffix(': ')}{note}", alert.alert_id
        )
    if why:
        return RuleVerdict(rule.rule_id, figure_id, "no", why)
    if not rule.enabled:
        return RuleVerdict(rule.rule_id, figure_id, "off", "it matches, but is switched off")
    needs = condition_in_words(rule.when)
    return RuleVerdict(
        rule.rule_id,
        figure_id,
        "matches",
        f"and needs {needs}"
        if needs
        else "but has made no alert of it: it may be newer than the item, or the alert is gone",
    )


def _about_others(verdict: RuleVerdict) -> bool:
    return verdict.outcome == "no" and first_word(verdict.why) in _ABOUT_OTHERS


def _rule_note(alert: Alert, rule: Rule | None) -> str:
    made = f"rule {alert.rule_id}, version {alert.rule_version}"
    if rule is None:
        return f"{made}; the rule is gone, so its conditions cannot be told"
    if rule.version != alert.rule_version:
        return f"{made}; it is version {rule.version} now, whose conditions these are"
    return made if rule.enabled else f"{made}; it is switched off now"


def _told(alert: Alert) -> ToldRevision:
    triage = alert.triage
    did = f"{triage.status} by {triage.actor}" if triage.actor else triage.status
    acted = alert.update_kind == "human" or triage.status != "new"
    return ToldRevision(
        revision=alert.revision,
        at=_time_of(alert),
        kind=alert.update_kind,
        reason=alert.update_reason,
        notification=_notification(alert),
        state=alert.state,
        severity=alert.severity,
        items=len(item_ids(alert)),
        triage=f"{did} {triage.note}".strip() if acted else "",
    )


def _time_of(alert: Alert) -> datetime:
    """Event time of a revision; of one that a person made, when that was."""
    if alert.update_kind == "human" and alert.triage.at is not None:
        return alert.triage.at
    return alert.sources[-1].item.seen_at if alert.sources else alert.latency.alerted_at


def _notification(alert: Alert) -> str:
    waiting = alert.hold_until is not None and alert.hold_until > _time_of(alert)
    until = f"at {alert.hold_until:%Y-%m-%d %H:%M:%S} UTC" if waiting else ""
    if alert.notify:
        return f"notifies {until}, with what else comes until then" if until else "notifies"
    if alert.suppressed_by:
        return f"notifies nobody: {alert.suppressed_by}" + (f"; goes out {until}" if until else "")
    return "notifies nobody: nothing that people were not told"


def _story(mentions: Iterable[Mention]) -> tuple[StoryStep, ...]:
    """Each item once, and each time that stories became one."""
    steps: dict[tuple[str, int], StoryStep] = {}
    for mention in mentions:
        item, story = mention.item, mention.story
        if not story.story_id:
            continue
        steps.setdefault(
            (item.item_id, item.revision),
            StoryStep(
                at=item.seen_at,
                item_id=item.item_id,
                title=item.title,
                story_id=story.story_id,
                copy_of=story.copy_of,
                absorbed=story.absorbed,
                reason=story.reason,
            ),
        )
    return tuple(sorted(steps.values(), key=lambda step: (step.at, step.item_id)))
