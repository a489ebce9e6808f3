"""Which offsets of a topic are done, and the bookmark that a restart goes on from.

An offset is committed only when everything before it is done, so one message that waits for the morning
keeps the offset of a whole night. A restart then reads the night again. That what was done is not done again,
the bookmark says: the few open offsets among those that have been read go along with the committed one, as its
metadata.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

__all__ = ["BOOKMARK_CHARACTERS", "WAITS", "Bookmark", "Ledger", "read_bookmark", "write_bookmark"]

P = TypeVar("P")

WAITS = ""
"""Holds an offset open whose message waits; no receiver can be called so."""
BOOKMARK_CHARACTERS = 4_000
"""Kafka keeps 4,096 bytes (`offset.metadata.max.bytes`): some 1,400 open offsets of a busy partition. Where there
are more, what lies behind the last that fits is told again after a restart, under the same webhook-id."""
_PREFIX = "w1:"


class Bookmark(NamedTuple):
    """How far a partition has been read, and what of that is still open."""

    upto: int
    """Everything before has been read; what is not in `open` is done."""
    open: frozenset[int]


def write_bookmark(offset: int, upto: int, open_offsets: Iterable[int]) -> str:
    """Put a bookmark into a line of text, to be kept beside a committed offset.

    Args:
        offset: that is committed.
        upto: the next one to read.
        open_offsets: from `offset` on, ascending.

    Returns:
        At most `BOOKMARK_CHARACTERS`; empty where the offset says it all.
    """
    if upto <= offset:
        return ""
    room = (BOOKMARK_CHARACTERS - len(_PREFIX)) // 4 * 3 - 10  # a number takes 10 bytes at most
    steps, before = bytearray(), offset
    for each in open_offsets:
        step = _number(each - before)
        if len(steps) + len(step) > room:
            upto = each
            break
        steps += step
        before = each
    packed = bytes(_number(upto - offset) + steps)
    return _PREFIX + base64.b64encode(packed).decode("ascii")


def read_bookmark(offset: int, text: str) -> Bookmark:
    """Read what `write_bookmark` wrote; anything else knows nothing beyond the offset."""
    nothing = Bookmark(offset, frozenset())
    if not text.startswith(_PREFIX):
        return nothing
    try:
        packed = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return nothing
    numbers = list(_numbers(packed))
    if not numbers:
        return nothing
    found, at = set(), offset
    for step in numbers[1:]:
        at += step
        found.add(at)
    return Bookmark(offset + numbers[0], frozenset(found))


def _number(value: int) -> bytes:
    """Seven bits per byte, the lowest first; the high bit says that more follow."""
    packed = bytearray()
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    packed.append(value)
    return bytes(packed)


def _numbers(packed: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0


class Ledger(Generic[P]):
    """Who still owes what, per partition `P`.

    Offsets of a partition are added in order; a repeated one is known already. Receivers are
    named, not counted: when a partition leaves and returns, a lane may hold an offset twice, and
    being done with both copies must not stand for two receivers.
    """

    def __init__(self) -> None:
        self._open: dict[P, dict[int, set[str]]] = {}
        self._next: dict[P, int] = {}
        self._bookmarks: dict[P, Bookmark] = {}

    def knows(self, partition: P) -> bool:
        """True from `begin` until the partition is lost."""
        return partition in self._next

    def begin(self, partition: P, offset: int, bookmark: Bookmark | None = None) -> None:
        """Start with a partition, from an offset on; the bookmark tells what of it is done."""
        self._next[partition] = offset
        self._open[partition] = {}
        self._bookmarks[partition] = bookmark or Bookmark(offset, frozenset())

    def expects(self, partition: P, offset: int) -> bool:
        """False if an offset is known already, or the partition is not ours."""
        return partition in self._next and offset >= self._next[partition]

    def was_open(self, partition: P, offset: int) -> bool | None:
        """Whether an offset was open when its partition was left; None if it had not been read."""
        bookmark = self._bookmarks[partition]
        return offset in bookmark.open if offset < bookmark.upto else None

    def add(self, partition: P, offset: int, receiver_ids: Iterable[str]) -> bool:
        """Note an offset that these receivers must be done with.

        Returns:
            False if it is not expected.
        """
        if not self.expects(partition, offset):
            return False
        self._next[partition] = offset + 1
        if owing := set(receiver_ids):
            self._open[partition][offset] = owing
        return True

    def owe(self, partition: P, offset: int, receiver_ids: Iterable[str]) -> None:
        """Note who must be done with an open offset, too."""
        self._open.get(partition, {}).get(offset, set()).update(receiver_ids)

    def is_open(self, partition: P, offset: int, receiver_id: str) -> bool:
        """True while this receiver still has to be done with the offset."""
        return receiver_id in self._open.get(partition, {}).get(offset, ())

    def done(self, partition: P, offset: int, receiver_id: str) -> None:
        """A receiver is done with the offset; saying so twice changes nothing."""
        waiting = self._open.get(partition, {})
        if offset in waiting:
            waiting[offset].discard(receiver_id)
            if not waiting[offset]:
                del waiting[offset]

    def committable(self) -> dict[P, tuple[int, str]]:
        """The next offset to read, per partition, if everything before it is done; and the bookmark."""
        found = {}
        for partition, waiting in self._open.items():
            following = self._next[partition]
            known = self._bookmarks[partition]
            # What the bookmark knows and is not read again yet is still as it was.
            pending = {offset for offset in known.open if offset >= following}
            upto = max(following, known.upto)
            offset = min(waiting.keys() | pending, default=upto)
            found[partition] = (
                offset,
                write_bookmark(offset, upto, sorted(waiting.keys() | pending)),
            )
        return found

    def keep(self, partitions: Iterable[P]) -> set[P]:
        """Forget the partitions that another member of the group has taken over; returns them."""
        gone = set(self._open) - set(partitions)
        for lost in gone:
            del self._open[lost], self._next[lost], self._bookmarks[lost]
        return gone
