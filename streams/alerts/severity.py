"""How urgent a mention is by its rule, and which policy topics count."""

from __future__ import annotations

from typing import get_args

from streams.records import Mention, Rule, Severity

__all__ = ["SEVERITIES", "reaches", "severity_of", "topics_of"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From low to high."""


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


def reaches(severity: Severity, other: Severity) -> bool:
    """Whether a severity is at least as high as another."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(other)


def topics_of(rule: Rule, mention: Mention) -> tuple[str, ...]:
    """Policy topics that reach the rule's score, sorted."""
    least = rule.policy_topics.min_score
    return tuple(sorted(h.policy_topic for h in mention.policy_topics if h.score >= least))
