"""Builders for tests, also those of users: records with sensible contents and a fixed clock.

Each takes what matters to a test as keywords and fills in the rest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from streams.records import (
    EnrichedItem,
    Evidence,
    FieldSpan,
    FigureHit,
    Item,
    ItemRef,
    Mention,
    PolicyTopicHit,
    Rule,
    Story,
    stable_id,
)

__all__ = [
    "NOW",
    "make_enriched",
    "make_evidence",
    "make_figure_hit",
    "make_item",
    "make_item_ref",
    "make_mention",
    "make_rule",
]

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def make_item(**changes: Any) -> Item:
    """An item as a poller emits it."""
    number = changes.pop("number", 1)
    fields: dict[str, Any] = {
        "item_id": stable_id("item", str(number)),
        "feed_id": "morning-post",
        "url": f"https://news.example/{number}",
        "title": f"Regulator opens inquiry number {number}",
        "summary": "The agency examines how the platform ranks posts.",
        "lang": "en",
        "feed_title": "Morning Post",
        "published_at": NOW,
        "seen_at": NOW,
    }
    return Item(**{**fields, **changes})


def make_item_ref(**changes: Any) -> ItemRef:
    """A reference to an item."""
    number = changes.pop("number", 1)
    fields: dict[str, Any] = {
        "item_id": stable_id("item", str(number)),
        "feed_id": "morning-post",
        "feed_title": "Morning Post",
        "url": f"https://news.example/{number}",
        "title": f"Regulator opens inquiry number {number}",
        "lang": "en",
        "published_at": NOW,
        "seen_at": NOW,
        "enriched_at": NOW,
    }
    return ItemRef(**{**fields, **changes})


def make_evidence(sentence: str, surface: str, **changes: Any) -> Evidence:
    """Evidence for a surface in a sentence that begins the text."""
    start = sentence.index(surface)
    fields: dict[str, Any] = {
        "field": "title",
        "start": start,
        "end": start + len(surface),
        "surface": surface,
        "sentence": sentence,
        "sentence_start": 0,
        "rule": "full",
    }
    return Evidence(**{**fields, **changes})


def make_figure_hit(**changes: Any) -> FigureHit:
    """A sure hit of Ada Example."""
    fields: dict[str, Any] = {
        "figure_id": "ada-example",
        "name": "Ada Example",
        "confidence": 0.95,
        "level": "alert",
        "mentions": (make_evidence("Ada Example speaks about AI rules.", "Ada Example"),),
    }
    return FigureHit(**{**fields, **changes})


def make_enriched(text: str, **changes: Any) -> EnrichedItem:
    """An enriched item whose whole text is its title."""
    item = changes.pop("item", None) or make_item_ref(title=text)
    fields: dict[str, Any] = {
        "item": item,
        "text": text,
        "fields": (FieldSpan(name="title", start=0, end=len(text)),),
    }
    return EnrichedItem(**{**fields, **changes})


def make_mention(**changes: Any) -> Mention:
    """A mention of Ada Example about AI, first of its story."""
    item = changes.pop("item", None) or make_item_ref(number=changes.pop("number", 1))
    sentence = "Ada Example speaks about AI rules."
    fields: dict[str, Any] = {
        "mention_id": stable_id("mention", item.item_id),
        "item": item,
        "story": Story(story_id="story-1"),
        "figure": make_figure_hit(),
        "policy_topics": (
            PolicyTopicHit(policy_topic="ai", score=0.8, evidence=(make_evidence(sentence, "AI"),)),
        ),
    }
    return Mention(**{**fields, **changes})


def make_rule(**changes: Any) -> Rule:
    """A rule that every mention matches."""
    return msgspec.structs.replace(Rule(rule_id="everything"), **changes)
