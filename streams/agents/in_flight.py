"""What a stage has taken and not yet acked: how old it is, and how long it has not got on.

The age is for people. The watchdog asks for the other, since a batch may rightly take long: each of its items may
hang and be judged by itself, or partitions may have much to read again. What takes so long calls `note_progress`
after each of its steps, and only a step can be stuck.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar

__all__ = ["InFlight", "note_progress"]

_note: ContextVar[Callable[[], None]] = ContextVar("_note", default=lambda: None)


def note_progress() -> None:
    """Say that the batch in work has got on by a step, and give the next step the watchdog's full limit.

    For steps that come to an end whatever happens, such as one item of many: never for another try of the same, which
    might go on for ever. To be called on the event loop; outside of a batch it does nothing.
    """
    _note.get()()


class InFlight:
    """Events between their arrival and their ack, in order. Any thread may ask; only the loop's may tell.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._came: dict[int, float] = {}
        self._got_on: dict[int, float] = {}
        self._last_done = float("-inf")

    def take(self, event: object) -> None:
        """An event has come."""
        self._came[id(event)] = self._got_on[id(event)] = self._clock()

    def work_on(self, events: Iterable[object]) -> None:
        """From now on, what this task notes as progress is that of these events."""
        batch = [id(event) for event in events]

        def note() -> None:
            now = self._clock()
            self._got_on.update((event, now) for event in batch if event in self._got_on)

        _note.set(note)

    def done(self, event: object) -> None:
        """An event has been acked."""
        del self._came[id(event)], self._got_on[id(event)]
        self._last_done = self._clock()

    def oldest_age_seconds(self) -> float:
        """How long the oldest event has been waiting; 0 if there is none."""
        came = list(self._came.values())  # a copy, because other threads ask too
        return self._clock() - came[0] if came else 0.0

    def still_seconds(self) -> float:
        """How long the oldest event has not got on; 0 if there is none.

        Those behind it wait for it, so theirs begins when it is done; and nothing that they achieve counts for it.
        """
        got_on = list(self._got_on.values())
        return self._clock() - max(got_on[0], self._last_done) if got_on else 0.0
