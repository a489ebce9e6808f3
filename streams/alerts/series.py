"""What the trends need of a mention, and what is remembered of a figure from one to the next.

A story counts once for a figure, at the time of the earliest mention that is known: copies and coverage later
on do not make it news again. The stories of the last hours are kept by id with their publishers; of older
ones only short keys are kept, for as long as a story may go on.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from streams.alerts.bursts import Baseline, Episode
from streams.alerts.pairs import Pair
from streams.alerts.quiet import Quiet
from streams.alerts.volume import HOUR, WINDOW_HOURS
from streams.enrich.language import shard_of
from streams.records import Mention

__all__ = ["BUCKET", "SHORT_BUCKETS", "WINDOW_BUCKETS", "Observation", "Series", "observation_of"]

BUCKET = 300.0
"""Seconds; the ring is made of these, so that a count hardly depends on the second."""
WINDOW_BUCKETS = 12
SHORT_BUCKETS = 4
"""A burst that comes at once shows in these some minutes earlier, and as many are found."""
STORIES_KEPT = 300
"""Stories of the last hours, per figure: in a storm it does not matter how many more there are."""
TOLD_KEPT = 150
"""Keys of older stories, per figure."""
KEY_LENGTH = 10
"""Last characters of a story id: 50 bits."""


class Observation(Struct, frozen=True, gc=False):
    """One figure in one item, as far as trends are concerned."""

    figure_id: str
    story_id: str
    publisher: str
    """feed_id."""
    at: float
    """Event time: `Item.seen_at` in Unix seconds."""
    kind: Literal["person", "organisation"] = "person"
    shard: str = ""
    """Who has counted the stories of all news."""
    of_hour: int = 0
    """Stories of all news that began in the hour before."""
    of_window: int = 0
    """The same for 72 hours; 0: not known."""
    others: tuple[str, ...] = ()
    """The other figures in the item."""
    absorbed: tuple[str, ...] = ()
    """Stories that are this one now."""
    counts: bool = True
    """False: nothing is counted, but stories may have become one."""


def observation_of(mention: Mention) -> Observation:
    """Make an observation of a mention.

    What was old when its feed was first polled is no news, and a figure that is merely possible is no
    mention: neither counts.
    """
    item, story, figure = mention.item, mention.story, mention.figure
    return Observation(
        figure_id=figure.figure_id,
        story_id=story.story_id,
        publisher=item.feed_id,
        at=item.seen_at.timestamp(),
        kind=figure.kind,
        shard=shard_of(item.lang),
        of_hour=story.stories_hour,
        of_window=story.stories_window,
        others=mention.other_figures,
        absorbed=story.absorbed,
        counts=figure.level == "alert" and not item.backfill,
    )


class Told(Struct, array_like=True):
    """A story of the last hours."""

    bucket: int
    """Of its earliest mention."""
    publishers: list[str]
    """Whoever has told it, in the order of the log."""


class Series(Struct):
    """State of one figure."""

    kind: Literal["person", "organisation"]
    born: int
    """Hour of its first mention."""
    quiet: Quiet
    baseline: Baseline = field(default_factory=Baseline)
    stories: dict[str, Told] = field(default_factory=dict)
    """Those not yet in the baseline, by id."""
    told: dict[str, int] = field(default_factory=dict)
    """Short keys of older ones, and the hour in which they were told."""
    burst: Episode | None = None
    pairs: dict[str, Pair] = field(default_factory=dict)

    def take(self, story_id: str, publisher: str, at: float) -> bool:
        """Take in that somebody tells a story.

        Returns:
            Whether this changes what is counted.
        """
        bucket = int(at // BUCKET)
        known = self.stories.get(story_id)
        if known is None:
            if story_id[-KEY_LENGTH:] in self.told or len(self.stories) >= STORIES_KEPT:
                return False
            self.stories[story_id] = Told(bucket, [publisher])
            return True
        changed = publisher not in known.publishers
        if changed:
            known.publishers.append(publisher)
        if bucket < known.bucket:
            known.bucket, changed = bucket, True
        return changed

    def rename(self, absorbed: tuple[str, ...], story_id: str) -> None:
        """Count stories that have become one as one."""
        key = story_id[-KEY_LENGTH:]
        for old in absorbed:
            if (hour := self.told.pop(old[-KEY_LENGTH:], None)) is not None:
                self.told[key] = min(hour, self.told.get(key, hour))
                self.stories.pop(story_id, None)
            if (known := self.stories.pop(old, None)) is None or key in self.told:
                continue
            kept = self.stories.setdefault(story_id, known)
            kept.bucket = min(kept.bucket, known.bucket)
            kept.publishers += [each for each in known.publishers if each not in kept.publishers]

    def window(self, now: float, buckets: int = WINDOW_BUCKETS) -> list[str]:
        """Stories that were first told in the window that ends with `now`, the oldest first."""
        after = int(now // BUCKET) - buckets
        found = [(told.bucket, name) for name, told in self.stories.items() if told.bucket > after]
        return [name for _, name in sorted(found)]

    def publishers(self, story_ids: list[str]) -> int:
        """How many publishers tell any of these stories."""
        return len({each for name in story_ids for each in self.stories[name].publishers})

    def learn(self, hour: int, total: float, *, known: bool, trusted: bool) -> None:
        """Take an hour that is over into the baseline.

        Args:
            hour: the clock hour.
            total: stories of all news in it.
            known: whether that was told, or is an estimate.
            trusted: False in an outage, from which nothing is learned.
        """
        count, over = 0, (hour + 1) * HOUR / BUCKET
        for name, told in list(self.stories.items()):
            if told.bucket < over:
                del self.stories[name]
                self.told[name[-KEY_LENGTH:]] = hour
                count += 1
        if hour % 24 == 0 or len(self.told) > TOLD_KEPT:
            self._forget(hour)
        if not trusted:
            return
        self.baseline.learn(self.kind, count, total)
        if known and count == 0 and hour > int(self.quiet.since // HOUR):
            self.quiet.pass_hour(total)

    def _forget(self, hour: int) -> None:
        recent = {key: at for key, at in self.told.items() if at > hour - WINDOW_HOURS}
        surplus = max(0, len(recent) - TOLD_KEPT)
        self.told = dict(list(recent.items())[surplus:])
