"""Exact copies and revisions of an item share a story.

A story is named after the words and the day of its first item, so copies that arrive in another
order still make the same story. It takes in copies for `WINDOW` in event time, counted from its
first item: a text that returns every week starts a new story each time.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

import msgspec

from streams.records import EnrichedItem, ItemRef, Mention, Story, stable_id
from streams.stories.signature import signature

__all__ = ["WINDOW", "Clusters", "mentions_of"]

WINDOW = timedelta(hours=72)


class _First(msgspec.Struct, frozen=True):
    """The first item of a story."""

    story_id: str
    item_id: str
    seen_at: datetime


class Clusters:
    """Stories of one partition: a fold over its enriched items, in the order of the log."""

    def __init__(self) -> None:
        self._by_signature: OrderedDict[str, _First] = OrderedDict()
        self._by_item: OrderedDict[str, _First] = OrderedDict()

    def assign(self, enriched: EnrichedItem) -> Story:
        """Name the story of an item, and remember it.

        A revision stays in the story of its item, whatever its text has become.
        """
        item = enriched.item
        oldest = item.seen_at - WINDOW
        self._forget(oldest)
        mark = signature(enriched)
        known = (self._by_item.get(item.item_id), self._by_signature.get(mark))
        first = next((f for f in known if f and f.seen_at >= oldest), None)
        first = first or _First(_name(item, mark), item.item_id, item.seen_at)
        self._by_item[item.item_id] = first
        if mark:
            self._by_signature[mark] = first
        return Story(
            story_id=first.story_id,
            copy_of="" if first.item_id == item.item_id else first.item_id,
        )

    def _forget(self, before: datetime) -> None:
        """Drop stories that began earlier, from the oldest entry on, to bound memory."""
        for index in (self._by_signature, self._by_item):
            while index:
                key, first = next(iter(index.items()))
                if first.seen_at >= before:
                    break
                del index[key]


def _name(item: ItemRef, mark: str) -> str:
    """Id of a story that begins with this item."""
    if not mark:
        return stable_id("story", item.item_id)
    return stable_id("story", mark, item.published_at.date().isoformat())


def mentions_of(enriched: EnrichedItem, story: Story) -> tuple[Mention, ...]:
    """One mention for every figure in the item."""
    found = [hit.figure_id for hit in enriched.figures]
    return tuple(
        Mention(
            mention_id=stable_id(
                "mention", enriched.item.item_id, str(enriched.item.revision), hit.figure_id
            ),
            item=enriched.item,
            story=story,
            figure=hit,
            policy_topics=enriched.policy_topics,
            other_figures=tuple(other for other in found if other != hit.figure_id),
            versions=enriched.versions,
        )
        for hit in enriched.figures
    )
