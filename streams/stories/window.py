"""The items of the last days, found again by the keys they share."""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from streams.stories.likeness import Traits

__all__ = ["Known", "Window", "outdated"]

LOOKED_UP = 14
"""Keys by which others are found, the heaviest ones; compared are all."""
LOOKED_AT = 24
"""Newest items looked at for each key: of a name that is everywhere, the older ones are left."""
MEANINGS = 16_384
"""Newest vectors that are compared: some days of items with a watched figure."""
_DEAD_KEPT = 2_000
"""Forgotten items that may still lie in memory before it is tidied up."""


def outdated(times: Iterable[float], before: float, now: float) -> int:
    """How many of the first times can be forgotten: all up to one from `before` to `now`.

    What a wrong clock has dated after that must not keep what came behind it until its own time has come: it goes
    with the first that is too old behind it.
    """
    count = 0
    for number, at in enumerate(times, 1):
        if at < before:
            count = number
        elif at <= now:
            break
    return count


class Known(msgspec.Struct, gc=False):
    """An item in the window."""

    item_id: str
    revision: int
    traits: Traits
    copy_of: str
    story: int
    """Number of its story; see `streams.stories.cluster`."""


class Window:
    """Items in the order of the log, with an index from keys to the newest that hold them."""

    def __init__(self) -> None:
        self._items: list[Known] = []
        self._newest: dict[int, array[int]] = {}
        """Key to places in `_items`, the newest last; arrays, since most keys stand in one item or two."""
        self._alive_from = 0
        self._meanings = _Meanings()

    def __len__(self) -> int:
        return len(self._items) - self._alive_from

    def __iter__(self) -> Iterator[Known]:
        return iter(self._items[self._alive_from :])

    def add(self, known: Known) -> None:
        """Take in an item."""
        place = len(self._items)
        self._items.append(known)
        for key, _ in known.traits.keys:
            places = self._newest.get(key)
            if places is None:
                self._newest[key] = array("I", (place,))
                continue
            places.append(place)
            if len(places) >= 2 * LOOKED_AT:
                del places[:LOOKED_AT]
        self._meanings.add(known)

    def candidates(self, traits: Traits, most: int) -> list[Known]:
        """Items that share the heaviest keys, the likeliest first, and those that mean the most alike."""
        shared: defaultdict[int, float] = defaultdict(float)
        alive_from = self._alive_from
        for key, weight in traits.keys[:LOOKED_UP]:
            places = self._newest.get(key, ())
            square = weight * weight
            for place in places[: -LOOKED_AT - 1 : -1]:
                if place < alive_from:
                    break
                shared[place] += square
        ranked = sorted(shared, key=shared.__getitem__, reverse=True)[:most]
        found = [self._items[place] for place in ranked]
        near = self._meanings.nearest(traits, most)
        return [*found, *(known for known in near if known not in found)]

    def forget(self, before: float, now: float) -> list[Known]:
        """Drop the items that came first, as far as they are `outdated`; return them."""
        first = self._alive_from
        times = (self._items[place].traits.at for place in range(first, len(self._items)))
        at = first + outdated(times, before, now)
        dropped = self._items[first:at]
        self._alive_from = at
        for known in dropped:
            self._meanings.forget(known)
        if at > _DEAD_KEPT + len(self):
            self._tidy()
        return dropped

    def _tidy(self) -> None:
        """Take in what is alive anew."""
        alive = self._items[self._alive_from :]
        self._items, self._newest = [], {}
        self._alive_from, self._meanings = 0, _Meanings()
        for known in alive:
            self.add(known)


class _Meanings:
    """The newest vectors of one model, all compared at once: that takes a millisecond or two."""

    def __init__(self) -> None:
        self._known: deque[Known] = deque()
        self._rows = np.zeros((0, 0), np.float32)
        self._next = 0
        self._model = ""

    def add(self, known: Known) -> None:
        vector, model = known.traits.vector, known.traits.model
        if not vector:
            return
        if model != self._model or len(vector) != self._rows.shape[1]:
            self._known.clear()
            self._rows = np.zeros((MEANINGS, len(vector)), np.float32)
            self._next, self._model = 0, model
        row = np.frombuffer(vector, np.int8).astype(np.float32)
        self._rows[self._next % MEANINGS] = row / (np.linalg.norm(row) or 1.0)
        self._known.append(known)
        if len(self._known) > MEANINGS:
            self._known.popleft()
        self._next += 1

    def forget(self, known: Known) -> None:
        """Drop an item, the oldest one; its row stays until another takes its place."""
        if self._known and self._known[0] is known:
            self._known.popleft()

    def nearest(self, traits: Traits, most: int) -> list[Known]:
        """The items of the nearest vectors, in no order that matters."""
        if not traits.vector or traits.model != self._model or not self._known:
            return []
        used = min(self._next, MEANINGS)
        row = np.frombuffer(traits.vector, np.int8).astype(np.float32)
        cosines = self._rows[:used] @ row
        oldest = self._next - len(self._known)
        slots = np.argpartition(-cosines, min(most, used) - 1)[:most]
        ages = ((int(slot) - oldest) % MEANINGS for slot in slots)
        return [self._known[age] for age in ages if age < len(self._known)]
