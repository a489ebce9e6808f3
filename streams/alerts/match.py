"""Does a rule match a mention? The answer always says why not."""

from __future__ import annotations

from streams.records import Mention, Rule

__all__ = ["mismatch"]


def mismatch(rule: Rule, mention: Mention) -> str:
    """Say which condition of the rule fails first; empty if the rule matches."""
    return (
        _figure_mismatch(rule, mention)
        or _policy_topic_mismatch(rule, mention)
        or _source_mismatch(rule, mention)
    )


def _figure_mismatch(rule: Rule, mention: Mention) -> str:
    wanted, hit = rule.figures, mention.figure
    if wanted.any and hit.figure_id not in wanted.any:
        return f"figures.any: {hit.figure_id} is not among them"
    if wanted.lists and not set(wanted.lists) & set(hit.lists):
        return f"figures.lists: {hit.figure_id} is on none of {', '.join(wanted.lists)}"
    if hit.figure_id in wanted.exclude:
        return f"figures.exclude: {hit.figure_id}"
    if hit.confidence < wanted.min_confidence:
        return f"figures.min_confidence: {hit.confidence:.2f} < {wanted.min_confidence:.2f}"
    return ""


def _policy_topic_mismatch(rule: Rule, mention: Mention) -> str:
    wanted = rule.policy_topics
    scores = {hit.policy_topic: hit.score for hit in mention.policy_topics}
    enough = {topic for topic, score in scores.items() if score >= wanted.min_score}
    if wanted.any and not enough & set(wanted.any):
        best = max(((scores.get(t, 0.0), t) for t in wanted.any), default=(0.0, ""))
        return f"policy_topics.any: best is {best[1]} with {best[0]:.2f} < {wanted.min_score:.2f}"
    if missing := [topic for topic in wanted.all if topic not in enough]:
        return f"policy_topics.all: {missing[0]} has {scores.get(missing[0], 0.0):.2f}"
    if unwanted := [topic for topic in wanted.none if topic in enough]:
        return f"policy_topics.none: {unwanted[0]} has {scores[unwanted[0]]:.2f}"
    return ""


def _source_mismatch(rule: Rule, mention: Mention) -> str:
    wanted, item = rule.sources, mention.item
    if wanted.langs and item.lang not in wanted.langs:
        return f"sources.langs: {item.lang}"
    if wanted.tiers and item.tier not in wanted.tiers:
        return f"sources.tiers: {item.tier}"
    if wanted.feeds and item.feed_id not in wanted.feeds:
        return f"sources.feeds: {item.feed_id}"
    if item.feed_id in wanted.exclude:
        return f"sources.exclude: {item.feed_id}"
    return ""
