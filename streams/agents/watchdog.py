"""A process that is stuck ends itself, so that its supervisor can start it anew.

Faust's own livelock checks only log, and a stuck event loop cannot end itself: a thread can.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
from collections.abc import Callable

from streams.config import seconds_awake_or_not
from streams.health import STILL_SECONDS, Pulse, stands_still

__all__ = ["EXIT_STUCK", "EXIT_UNFINISHED", "Awake", "Watchdog", "limit_shutdown"]

EXIT_STUCK = 70
EXIT_UNFINISHED = 75

_CHECK_SECONDS = 1.0


class Awake:
    """Notices that the whole process stood still: SIGSTOP, a suspended machine, one that gives it no time.

    After as long as the group waits for a member, others have its partitions and go on with them. What this one
    knows of them is outdated then, which it learns only with its next heartbeat. Any thread may ask.

    Args:
        limit_seconds: how long the group surely waits.
        clock: seconds that run on while the machine is suspended.
    """

    def __init__(
        self, limit_seconds: float, clock: Callable[[], float] = seconds_awake_or_not
    ) -> None:
        self._limit, self._clock = limit_seconds, clock
        self._looked: float | None = None
        self._lost = ""

    def look(self) -> None:
        """Note that the process runs; to be called every second or so by one thread."""
        self._lost = self.lost()
        self._looked = self._clock()

    def lost(self) -> str:
        """Why others may have the partitions of this process by now, for good; empty if they cannot."""
        looked = self._looked  # once, because another thread looks
        still = 0.0 if looked is None else self._clock() - looked
        if self._lost or still <= self._limit:
            return self._lost
        return f"the process stood still for {still:.0f} s, longer than its group waits for it"


class Watchdog:
    """Dumps all stacks and exits with 70 when work or the event loop stands still, or everything did for too long.

    `/livez` asks `stuck` too, so it never says otherwise.

    Args:
        still_seconds: how long the oldest record in flight has not got on; 0 if there is none.
        awake: asked and told every second.
        limit_seconds: what `still_seconds` may reach, and how long the loop may not turn.
    """

    def __init__(
        self,
        still_seconds: Callable[[], float],
        awake: Awake,
        *,
        limit_seconds: float = STILL_SECONDS,
    ) -> None:
        self._still = still_seconds
        self._awake = awake
        self._limit = limit_seconds
        self._pulse = Pulse(_CHECK_SECONDS)
        self._stopped = threading.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch from a thread of its own."""
        self._pulse.start(loop)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._pulse.stop()

    def _watch(self) -> None:
        while not self._stopped.wait(_CHECK_SECONDS):
            self._awake.look()
            if reason := self.stuck():
                sys.stderr.write(f"watchdog: {reason}; exit {EXIT_STUCK}\n")
                faulthandler.dump_traceback(all_threads=True)
                os._exit(EXIT_STUCK)

    def stuck(self) -> str:
        """Say what stands still; empty if nothing does."""
        lost = self._awake.lost()
        return lost or stands_still(self._pulse.still_seconds(), self._still(), self._limit)


def limit_shutdown(seconds: float) -> None:
    """Exit with 75 if an orderly shutdown takes longer; what was not acked is read again."""
    timer = threading.Timer(seconds, os._exit, (EXIT_UNFINISHED,))
    timer.daemon = True
    timer.start()
