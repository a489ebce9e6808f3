"""Two figures in one story for the first time in a month.

One publisher may be wrong, or put two names into one list, so a pair counts from two publishers within a day.
Until then it is not met, and it may be told later when more write about the two.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["FORGOTTEN_DAYS", "LONGEST_LIST", "Pair", "forget", "meet"]

FORGOTTEN_DAYS = 30
DAY = 86_400.0
MIN_PUBLISHERS = 2
LONGEST_LIST = 5
"""An item that names more figures beside this one is a list, a review of the week or a diary."""
PAIRS_KEPT = 100
"""Of a figure, the latest."""


class Pair(Struct, array_like=True):
    """What is known of a figure's stories with another one."""

    last: float = 0.0
    """When they were last in one story of two publishers; 0 if not within a month."""
    story_id: str = ""
    """The first story of the two, while only one publisher has them."""
    begun: float = 0.0
    """When that was."""
    publishers: tuple[str, ...] = ()
    """Who has had the two since; empty when nothing is pending."""


def meet(
    pairs: dict[str, Pair], other: str, story_id: str, publisher: str, at: float
) -> Pair | None:
    """Take in that a figure and another one are in one story.

    Args:
        pairs: of the figure, by the other one's id; changed in place.
        other: the other figure.
        story_id: their story.
        publisher: feed_id.
        at: event time, Unix seconds.

    Returns:
        What is known of the two if this makes them a new pair, else None.
    """
    pair = pairs.pop(other, None) or Pair()  # put back at the end: the first is the oldest
    pairs[other] = pair
    if pair.last and abs(at - pair.last) <= FORGOTTEN_DAYS * DAY:
        pair.last = max(pair.last, at)
        return None
    if not pair.publishers or at - pair.begun > DAY:
        pair.last, pair.story_id, pair.begun, pair.publishers = 0.0, story_id, at, (publisher,)
    elif publisher not in pair.publishers:
        pair.publishers = tuple(sorted((*pair.publishers, publisher)))
    if at < pair.begun:
        pair.story_id, pair.begun = story_id, at
    if len(pair.publishers) < MIN_PUBLISHERS:
        return None
    met = Pair(at, pair.story_id, pair.begun, pair.publishers)
    pairs[other] = Pair(last=at)
    return met


def forget(pairs: dict[str, Pair], now: float) -> None:
    """Drop what no longer matters, and the oldest beyond what is kept."""
    for other, pair in list(pairs.items()):
        pending = pair.publishers and now - pair.begun <= DAY
        if not pending and now - pair.last > FORGOTTEN_DAYS * DAY:
            del pairs[other]
    for other in list(pairs)[: max(0, len(pairs) - PAIRS_KEPT)]:
        del pairs[other]
