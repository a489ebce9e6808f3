"""Rules tried on mentions, with every condition of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from streams.alerts.match import Check, explain
from streams.alerts.severity import severity_of
from streams.records import Condition, Mention, Rule, Severity

__all__ = ["TriedMention", "TriedRule", "condition_in_words", "try_rules"]


class TriedRule(Struct, frozen=True):
    """What a rule makes of a mention."""

    rule_id: str
    name: str
    enabled: bool
    matches: bool
    """Whether all conditions hold that one mention can meet, whether the rule is switched on or not."""
    when: str
    """What else must have happened for an alert; "" if nothing."""
    severity: Severity
    """How urgent an alert about this mention would be."""
    severity_reasons: tuple[str, ...]
    """What raises it above the rule's base."""
    checks: tuple[Check, ...]

    @property
    def fires(self) -> bool:
        """Whether this mention alone makes an alert."""
        return self.enabled and self.matches and not self.when


class TriedMention(Struct, frozen=True):
    """A figure that was found, and what each rule makes of it."""

    figure_id: str
    name: str
    confidence: float
    policy_topics: dict[str, float]
    """Score by policy topic."""
    rules: tuple[TriedRule, ...]


def try_rules(rules: Iterable[Rule], mentions: Sequence[Mention]) -> list[TriedMention]:
    """Hold mentions against rules, all against all."""
    rules = tuple(rules)
    return [
        TriedMention(
            figure_id=mention.figure.figure_id,
            name=mention.figure.name,
            confidence=mention.figure.confidence,
            policy_topics={hit.policy_topic: hit.score for hit in mention.policy_topics},
            rules=tuple(_tried(rule, mention) for rule in rules),
        )
        for mention in mentions
    ]


def condition_in_words(when: Condition) -> str:
    """What must have happened beside a match; "" if nothing."""
    window = _span(when.window_seconds)
    return {
        "match": "",
        "count": f"{when.at_least} stories within {window}",
        "distinct_sources": f"{when.at_least} sources within {window}",
        "first_seen": f"no other story in the {window} before",
        "burst": f"a burst of level {when.at_least}",
        "silence": f"no story for {window}",
    }[when.kind]


def _tried(rule: Rule, mention: Mention) -> TriedRule:
    checks = explain(rule, mention)
    severity, reasons = severity_of(rule, mention)
    return TriedRule(
        rule_id=rule.rule_id,
        name=rule.name,
        enabled=rule.enabled,
        matches=all(check.passed for check in checks),
        when=condition_in_words(rule.when),
        severity=severity,
        severity_reasons=reasons,
        checks=checks,
    )


def _span(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
