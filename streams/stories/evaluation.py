"""How well stories are found: B-cubed scores of labelled items that go through the real fold.

B-cubed (A. Bagga, B. Baldwin, 1998): for each item, precision is the share of its found group that
belongs with it, recall the share of those that belong with it that are in its found group; both are averaged
over the items. Unlike pair counts, a large story does not outweigh all others.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from streams.enrich.pipeline import Enricher, build_enricher
from streams.enrich.watchlist import read_watchlist
from streams.errors import ConfigError, NotFoundError
from streams.records import EnrichedItem, Item, Story, stable_id
from streams.stories.cluster import Clusters

__all__ = [
    "BCubed",
    "GoldStoryItem",
    "Grouped",
    "b_cubed",
    "enrich_gold",
    "enricher_for",
    "group",
    "read_story_gold",
]


class GoldStoryItem(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An item with the story that a careful reader puts it into."""

    id: Annotated[str, Meta(min_length=1)]
    lang: Annotated[str, Meta(pattern="^[a-z]{2}$")]
    feed: str = ""
    seen: datetime
    title: str = ""
    summary: str = ""
    body: str = ""
    copy_group: str = msgspec.field(name="copy", default="")
    """Items of one group are copies of each other; empty: of none."""
    story: Annotated[str, Meta(min_length=1)]

    @property
    def split(self) -> Literal["dev", "test"]:
        """Whether thresholds may look at it; all items of a story are in the same half."""
        return "test" if hashlib.blake2b(self.story.encode()).digest()[0] % 2 else "dev"


def read_story_gold(paths: Iterable[Path]) -> list[GoldStoryItem]:
    """Read JSON lines, sorted by `seen`.

    Raises:
        NotFoundError: no such file.
        ConfigError: names file and line.
    """
    found: list[GoldStoryItem] = []
    for path in paths:
        if not path.exists():
            raise NotFoundError(f"no file {path}", cure="name a file of labelled items")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                found.append(msgspec.json.decode(line, type=GoldStoryItem))
            except (msgspec.ValidationError, msgspec.DecodeError) as error:
                cure = "see tests/gold/stories/README.md for the format"
                raise ConfigError(str(error), file=str(path), line=number, cure=cure) from error
    return sorted(found, key=lambda item: (item.seen, item.id))


def enricher_for(config: Path, *, semantics: str) -> Enricher:
    """The enricher of a configuration folder, with the semantic layer "auto", "on" or "off"."""
    watchlist = read_watchlist(config / "watchlist.yaml")
    return build_enricher(watchlist, config / "policy", semantics=semantics)


def enrich_gold(items: Sequence[GoldStoryItem], enricher: Enricher) -> list[EnrichedItem]:
    """Items as the stream would have enriched them."""
    as_polled = [
        Item(
            item_id=stable_id("item", item.id),
            feed_id=item.feed,
            title=item.title,
            summary=item.summary,
            body=item.body,
            feed_lang=item.lang,
            published_at=item.seen,
            seen_at=item.seen,
        )
        for item in items
    ]
    return [enricher.enrich(item, item.seen_at) for item in as_polled]


class BCubed(NamedTuple):
    """Precision, recall and F1, 0 to 1, averaged over items."""

    precision: float
    recall: float
    f1: float


def b_cubed(truth: Sequence[Hashable], found: Sequence[Hashable]) -> BCubed:
    """Compare two groupings of the same items, item by item.

    Args:
        truth: the group of each item.
        found: likewise, as found.
    """
    if not truth:
        return BCubed(0.0, 0.0, 0.0)
    right, theirs = _members(truth), _members(found)
    precision = recall = 0.0
    for a, b in zip(truth, found, strict=True):
        both = len(right[a] & theirs[b])
        precision += both / len(theirs[b])
        recall += both / len(right[a])
    precision, recall = precision / len(truth), recall / len(truth)
    return BCubed(precision, recall, 2 * precision * recall / (precision + recall))


def _members(groups: Sequence[Hashable]) -> Mapping[Hashable, set[int]]:
    members: defaultdict[Hashable, set[int]] = defaultdict(set)
    for number, name in enumerate(groups):
        members[name].add(number)
    return members


class Grouped(NamedTuple):
    """What the fold made of an item."""

    story: str
    """Its story in the end."""
    copy_group: str
    reason: str


def group(items: Sequence[EnrichedItem]) -> list[Grouped]:
    """Fold items, in the order of the log, into stories.

    Returns:
        For each item what it belongs to once all have come.
    """
    clusters = Clusters()
    told: list[Story] = []
    now_called: dict[str, str] = {}
    for item in items:
        story = clusters.assign(item)
        told.append(story)
        now_called.update(dict.fromkeys(story.absorbed, story.story_id))
        now_called.pop(story.story_id, None)
    return [
        Grouped(
            _latest(story.story_id, now_called), story.copy_of or item.item.item_id, story.reason
        )
        for item, story in zip(items, told, strict=True)
    ]


def _latest(name: str, now_called: Mapping[str, str]) -> str:
    while name in now_called:
        name = now_called[name]
    return name
