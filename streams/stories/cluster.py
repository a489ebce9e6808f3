"""Which items tell the same news: a fold over `news.enriched`.

Two items belong together or not by themselves (`likeness`), and a story is all items that are joined by
such pairs. So the order in which they come hardly matters: the same items make the same stories in the end,
each named after its earliest item, as far as pairs that are alike were compared. Each item is held against its
likeliest candidates among those before it, and with another order these are others: of 2,000 alerts about
texts made of the same few words, shuffled widely, some dozen came out differently. What stories are called in
between changes with the order, too, and each such name is told as `absorbed` when it ends.

A story takes in items for `WINDOW` in event time, counted from its first item: a text that returns every
week starts a new story each time. Stories never split: an item that is revised stays in its story.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import msgspec

from streams.event_clock import EventClock
from streams.records import EnrichedItem, FigureHit, ItemRef, Mention, Story, stable_id
from streams.stories.likeness import Comparison, Likeness, Traits, traits_of
from streams.stories.window import Known, Window, outdated

__all__ = ["WINDOW", "Clusters", "mentions_of"]

WINDOW = timedelta(hours=72)
COMPARED = 8
"""Candidates compared with each item."""
HOUR = 3600.0
_STORIES_SPARED = 10_000
"""Stories that may lie around before they are tidied up."""


class _Story(msgspec.Struct, gc=False):
    """A story by its number, or the one that has absorbed it."""

    name: str
    first_at: float
    first_item: str
    parent: int
    latest_at: float
    figures: frozenset[str] = frozenset()


class Clusters:
    """Stories of one shard: a fold over its enriched items, in the order of the log."""

    def __init__(self) -> None:
        self._window = Window()
        self._by_item: dict[str, Known] = {}
        self._by_mark: dict[str, Known] = {}
        self._stories: dict[int, _Story] = {}
        self._stories_kept = 0
        """How many were left when they were last tidied up."""
        self._number = 0
        self._begun: deque[float] = deque()
        self._begun_lately: deque[float] = deque()
        self._event_clock = EventClock()
        self._clock = float("-inf")
        """What it says, in Unix seconds."""

    def assign(self, enriched: EnrichedItem) -> Story:
        """Name the story of an item, and remember it.

        A revision stays in the story of its item, whatever its text has become; the same revision
        again gets the same answer and changes nothing.
        """
        item = enriched.item
        at = item.seen_at.timestamp()
        self._clock = self._event_clock.take(item.seen_at).timestamp()
        self._forget()
        known = self._by_item.get(item.item_id)
        if known is not None and at - self._root(known.story).first_at > WINDOW.total_seconds():
            known = None
        if known is not None and known.revision >= item.revision:
            return self._told(known, (), "")
        traits = traits_of(enriched)
        mark = traits.wording.mark
        fresh = Known(item.item_id, item.revision, traits, "", -1)
        absorbed, reason = self._join(fresh, known, _name(item, mark))
        self._window.add(fresh)
        self._by_item[item.item_id] = fresh
        if mark:
            self._by_mark[mark] = fresh
        return self._told(fresh, absorbed, reason)

    def mentions(self, enriched: EnrichedItem) -> tuple[Mention, ...]:
        """Name the story of an item, and tell it for each figure in it.

        Where the item makes stories one, the figures of those that end are told, too, although the
        item does not name them: with confidence 0 and no evidence, so that nothing comes of it but that
        their alerts move.
        """
        story = self.assign(enriched)
        own = frozenset(hit.figure_id for hit in enriched.figures)
        root = self._root(self._by_item[enriched.item.item_id].story)
        others = root.figures - own if story.absorbed else frozenset()
        root.figures |= own
        return (
            *mentions_of(enriched, story),
            *(_carrier(enriched, story, f) for f in sorted(others)),
        )

    def _join(self, fresh: Known, earlier: Known | None, name: str) -> tuple[tuple[str, ...], str]:
        """Put an item into its story; the names that end by this, and why it belongs there."""
        found = self._alike(fresh.traits)
        copy = next((known for known, how in found if how.kind == "copy"), None)
        if copy is not None and copy.item_id != fresh.item_id:
            fresh.copy_of = copy.copy_of or copy.item_id
        if earlier is not None:
            fresh.story, fresh.copy_of = self._root_number(earlier.story), earlier.copy_of
            return (), "a revision of an item in it"
        at, roots = fresh.traits.at, []
        for known, _ in found:
            root = self._root_number(known.story)
            if root not in roots:
                roots.append(root)
        begun = self._begin(name, at, fresh.item_id, counts=not roots)
        fresh.story = begun
        reason = found[0][1].reason if found else ""
        return self._merge([*roots, begun], begun), reason

    def _alike(self, traits: Traits) -> list[tuple[Known, Likeness]]:
        """Items that tell the same, copies first."""
        candidates = self._window.candidates(traits, COMPARED)
        exact = self._by_mark.get(traits.wording.mark)
        if exact is not None and exact not in candidates:
            candidates.append(exact)
        within = (known for known in candidates if self._reaches(known, traits.at))
        comparison = Comparison(traits)
        compared = ((known, comparison.likeness(known.traits)) for known in within)
        found = [(known, how) for known, how in compared if how.kind]
        return sorted(found, key=lambda pair: (pair[1].kind, -pair[1].score))

    def _reaches(self, known: Known, at: float) -> bool:
        """Whether the item's story still takes in what was seen then."""
        story = self._root(known.story)
        return max(at, story.latest_at) - min(at, story.first_at) <= WINDOW.total_seconds()

    def _begin(self, name: str, at: float, item_id: str, *, counts: bool) -> int:
        number = self._number
        self._number += 1
        self._stories[number] = _Story(name, at, item_id, number, at)
        if counts:
            self._begun.append(min(at, self._clock))
            self._begun_lately.append(min(at, self._clock))
        return number

    def _merge(self, numbers: list[int], begun: int) -> tuple[str, ...]:
        """Make stories one, named after the earliest item; the names that end."""
        stories = {number: self._stories[number] for number in numbers}
        first = min(
            stories, key=lambda number: (stories[number].first_at, stories[number].first_item)
        )
        kept = stories[first]
        told = {story.name for number, story in stories.items() if number != begun}
        for story in stories.values():
            story.parent = first
            kept.latest_at = max(kept.latest_at, story.latest_at)
            kept.figures |= story.figures
        return tuple(sorted(told - {kept.name}))

    def _root_number(self, number: int) -> int:
        while self._stories[number].parent != number:
            number = self._stories[number].parent
        return number

    def _root(self, number: int) -> _Story:
        return self._stories[self._root_number(number)]

    def _told(self, known: Known, absorbed: tuple[str, ...], reason: str) -> Story:
        return Story(
            story_id=self._root(known.story).name,
            copy_of=known.copy_of,
            absorbed=absorbed,
            reason=reason,
            stories_hour=len(self._begun_lately),
            stories_window=len(self._begun),
        )

    def _forget(self) -> None:
        """Drop what is out of the window, to bound memory."""
        oldest = self._clock - WINDOW.total_seconds()
        for known in self._window.forget(oldest, self._clock):
            if self._by_item.get(known.item_id) is known:
                del self._by_item[known.item_id]
            if self._by_mark.get(known.traits.wording.mark) is known:
                del self._by_mark[known.traits.wording.mark]
        if len(self._stories) > 2 * self._stories_kept + _STORIES_SPARED:
            self._tidy()
        for times, since in ((self._begun, oldest), (self._begun_lately, self._clock - HOUR)):
            for _ in range(outdated(times, since, self._clock)):
                times.popleft()

    def _tidy(self) -> None:
        """Drop the stories of which no item is left in the window, and the ways to those that go on."""
        kept: dict[int, _Story] = {}
        for known in self._window:
            known.story = self._root_number(known.story)
            kept[known.story] = self._stories[known.story]
        self._stories, self._stories_kept = kept, len(kept)


def _name(item: ItemRef, mark: str) -> str:
    """Id of a story that begins with this item."""
    if not mark:
        return stable_id("story", item.item_id)
    return stable_id("story", mark, item.published_at.date().isoformat())


def _carrier(enriched: EnrichedItem, story: Story, figure_id: str) -> Mention:
    """Tells a figure that is not in the item of stories that have become one."""
    item = enriched.item
    return Mention(
        mention_id=stable_id("mention", item.item_id, str(item.revision), figure_id),
        item=item,
        story=story,
        figure=FigureHit(
            figure_id=figure_id, name="", confidence=0.0, level="possible", mentions=()
        ),
        versions=enriched.versions,
    )


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
