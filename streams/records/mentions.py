"""One figure in one item, and the story that the item tells."""

from __future__ import annotations

from streams.records.enriched import FigureHit, ItemRef, PolicyTopicHit
from streams.records.vocabulary import Record

__all__ = ["Mention", "Story"]


class Story(Record, frozen=True, kw_only=True):
    """Reference to the cluster of items that tell the same news."""

    story_id: str
    copy_of: str = ""
    """item_id of the item that this one is a near-copy of; empty for an item in words of its own."""
    absorbed: tuple[str, ...] = ()
    """story_ids that have turned out to be this story; their alerts are superseded by its alerts."""
    reason: str = ""
    """Why it is this story, in words for a person; empty where it begins one."""
    stories_hour: int = 0
    """Stories of all figures and none that began within the hour before, this one included."""
    stories_window: int = 0
    """The same for the whole window of 72 hours."""


class Mention(Record, frozen=True, kw_only=True):
    """One figure in one item. `news.mentions`, key `figure_id`."""

    mention_id: str
    item: ItemRef
    story: Story
    figure: FigureHit
    policy_topics: tuple[PolicyTopicHit, ...] = ()
    other_figures: tuple[str, ...] = ()
    """figure_ids of the other figures in the same item."""
    versions: dict[str, str] = {}
