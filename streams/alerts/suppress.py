"""What keeps a revision that tells something new from reaching people actively."""

from __future__ import annotations

from streams.records import Mention, Rule

__all__ = ["suppressed_by"]


def suppressed_by(rule: Rule, mention: Mention) -> str:
    """Say why a mention must not notify; empty if it may.

    Age is measured when the item was first seen, not by today's clock, so that a replay decides
    as the original run did.
    """
    item = mention.item
    if item.backfill:
        return "backfill: the feed already held it when it was first polled"
    age = (item.seen_at - item.published_at).total_seconds()
    if age > rule.max_age_seconds:
        return f"max_age: {age / 3600:.1f} h old when first seen, limit {rule.max_age_seconds / 3600:g} h"
    return ""
