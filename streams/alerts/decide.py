"""What a matching mention does to the alert of its rule, figure and story.

`decide` is pure. It returns the next revision, or none when the mention tells the alert nothing
that it does not already know: processing a mention twice changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import msgspec

from streams.alerts.suppress import suppressed_by
from streams.records import (
    Alert,
    AlertSource,
    Evidence,
    Latency,
    Mention,
    Rule,
    Severity,
    UpdateKind,
    stable_id,
)

__all__ = ["SOURCES_KEPT", "Decision", "alert_id_of", "decide", "severity_of"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From low to high."""

SOURCES_KEPT = 50
"""Items kept in full; of the others the alert knows the ids."""

EVIDENCE_KEPT = 5
"""Places per figure and policy topic that an alert shows of an item; the enriched item has all."""


class Decision(msgspec.Struct, frozen=True):
    """`alert` is the revision to publish, or None; `reason` says why either way."""

    alert: Alert | None
    reason: str


def alert_id_of(rule: Rule, mention: Mention) -> str:
    """One living alert per rule, figure and story."""
    return stable_id("alert", rule.rule_id, mention.figure.figure_id, mention.story.story_id)


def severity_of(rule: Rule, mention: Mention) -> tuple[Severity, tuple[str, ...]]:
    """How urgent the mention is by the rule, and what raised it."""
    facts = {
        "headline": (mention.figure.in_title, "the figure is named in the headline"),
        "tier1": (mention.item.tier == 1, f"{mention.item.feed_title or 'the source'} is tier 1"),
        "two_figures": (
            bool(mention.other_figures),
            f"{len(mention.other_figures) + 1} watched figures in one item",
        ),
    }
    reasons = tuple(facts[bump][1] for bump in rule.severity.bump if facts[bump][0])
    step = SEVERITIES.index(rule.severity.base) + len(reasons)
    return SEVERITIES[min(step, len(SEVERITIES) - 1)], reasons


def decide(previous: Alert | None, rule: Rule, mention: Mention, now: datetime) -> Decision:
    """Decide the next revision of an alert.

    Args:
        previous: its newest revision, None if there is none.
        rule: a rule that matches the mention.
        mention: what was found.
        now: becomes `alerted_at`; takes no part in the decision.
    """
    if previous is None:
        return Decision(_first(rule, mention, now), "first item of this story")
    known = {source.item.item_id: source.item.revision for source in previous.sources}
    item = mention.item
    if item.item_id in previous.further_item_ids or known.get(item.item_id, 0) >= item.revision:
        return Decision(None, f"item {item.item_id} revision {item.revision} is already told")
    alert = _next(previous, rule, mention, now, revised=item.item_id in known)
    return Decision(alert, alert.update_reason)


def _first(rule: Rule, mention: Mention, now: datetime) -> Alert:
    severity, reasons = severity_of(rule, mention)
    suppressed = suppressed_by(rule, mention)
    return Alert(
        alert_id=alert_id_of(rule, mention),
        revision=1,
        update_kind="new",
        update_reason="first item of this story",
        notify=not suppressed,
        suppressed_by=suppressed,
        notified=not suppressed,
        rule_id=rule.rule_id,
        rule_version=rule.version,
        rule_name=rule.name,
        figure_id=mention.figure.figure_id,
        figure_name=mention.figure.name,
        qid=mention.figure.qid,
        story_id=mention.story.story_id,
        severity=severity,
        severity_reasons=reasons,
        confidence=mention.figure.confidence,
        policy_topics=_topics(rule, mention),
        headline=mention.item.title,
        sources=(_source(mention),),
        latency=_latency(mention, now),
        versions=mention.versions,
    )


def _next(previous: Alert, rule: Rule, mention: Mention, now: datetime, *, revised: bool) -> Alert:
    severity, reasons = severity_of(rule, mention)
    raised = SEVERITIES.index(severity) > SEVERITIES.index(previous.severity)
    topics = tuple(sorted({*previous.policy_topics, *_topics(rule, mention)}))
    suppressed = suppressed_by(rule, mention)
    if suppressed and previous.notified:
        # Old news must not use up what fresh news would notify about.
        raised, topics = False, previous.policy_topics
    kind, why = _kind(previous, mention, raised=raised, topics=topics, revised=revised)
    if kind == "coverage" and not previous.notified and not suppressed:
        kind, why = "material", "first item of this story that is news"
    notify = kind == "material" and not suppressed
    sources, further = _merge(previous, _source(mention))
    return msgspec.structs.replace(
        previous,
        revision=previous.revision + 1,
        update_kind=kind,
        update_reason=why,
        notify=notify,
        suppressed_by=suppressed if kind == "material" else "",
        notified=previous.notified or notify,
        rule_version=rule.version,
        rule_name=rule.name,
        severity=severity if raised else previous.severity,
        severity_reasons=reasons if raised else previous.severity_reasons,
        confidence=max(previous.confidence, mention.figure.confidence),
        policy_topics=topics,
        headline=mention.item.title if revised else previous.headline,
        sources=sources,
        further_item_ids=further,
        latency=_latency(mention, now) if notify else previous.latency,
        versions=mention.versions,
    )


def _kind(
    previous: Alert, mention: Mention, *, raised: bool, topics: tuple[str, ...], revised: bool
) -> tuple[UpdateKind, str]:
    """What the mention adds, from the most to the least important."""
    if raised:
        return "material", "severity raised"
    if added := set(topics) - set(previous.policy_topics):
        return "material", f"new policy topic: {', '.join(sorted(added))}"
    source = mention.item.feed_title or mention.item.feed_id
    if revised:
        return "coverage", f"{source} revised the item"
    verb = "copies it" if mention.story.copy_of else "tells it too"
    return "coverage", f"{source} {verb}"


def _merge(previous: Alert, source: AlertSource) -> tuple[tuple[AlertSource, ...], tuple[str, ...]]:
    """Append a source, instead of an older revision of its item; the oldest is always kept."""
    kept = {s.item.item_id: s for s in previous.sources if s.item.item_id != source.item.item_id}
    kept[source.item.item_id] = source
    sources, further = list(kept.values()), list(previous.further_item_ids)
    if len(sources) > SOURCES_KEPT:
        further.append(sources.pop(1).item.item_id)
    return tuple(sources), tuple(further)


def _topics(rule: Rule, mention: Mention) -> tuple[str, ...]:
    least = rule.policy_topics.min_score
    return tuple(sorted(h.policy_topic for h in mention.policy_topics if h.score >= least))


def _source(mention: Mention) -> AlertSource:
    return AlertSource(
        item=mention.item,
        confidence=mention.figure.confidence,
        figure=_best(mention.figure.mentions),
        policy_topics=tuple(
            msgspec.structs.replace(hit, evidence=_best(hit.evidence))
            for hit in mention.policy_topics
        ),
    )


def _best(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The heaviest places, those in the title first, in the order of the text."""
    ranked = sorted(evidence, key=lambda e: (e.field != "title", -e.weight, e.start))
    return tuple(sorted(ranked[:EVIDENCE_KEPT], key=lambda e: (e.start, e.end)))


def _latency(mention: Mention, now: datetime) -> Latency:
    return Latency(
        published_at=mention.item.published_at,
        seen_at=mention.item.seen_at,
        enriched_at=mention.item.enriched_at,
        alerted_at=now,
    )
