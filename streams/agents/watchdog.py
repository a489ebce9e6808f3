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

from streams.health import STILL_SECONDS, Pulse, stands_still

__all__ = ["EXIT_STUCK", "EXIT_UNFINISHED", "Watchdog", "limit_shutdown"]

EXIT_STUCK = 70
EXIT_UNFINISHED = 75

_CHECK_SECONDS = 1.0


class Watchdog:
    """Dumps all stacks and exits with 70 when work or the event loop stands still.

    `/livez` asks `stuck` too, so it never says otherwise.

    Args:
        still_seconds: how long the oldest record in flight has not got on; 0 if there is none.
        limit_seconds: what that may reach, and how long the loop may not turn.
    """

    def __init__(
        self, still_seconds: Callable[[], float], *, limit_seconds: float = STILL_SECONDS
    ) -> None:
        self._still = still_seconds
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
            if reason := self.stuck():
                sys.stderr.write(f"watchdog: {reason}; exit {EXIT_STUCK}\n")
                faulthandler.dump_traceback(all_threads=True)
                os._exit(EXIT_STUCK)

    def stuck(self) -> str:
        """Say what stands still; empty if nothing does."""
        return stands_still(self._pulse.still_seconds(), self._still(), self._limit)


def limit_shutdown(seconds: float) -> None:
    """Exit with 75 if an orderly shutdown takes longer; what was not acked is read again."""
    timer = threading.Timer(seconds, os._exit, (EXIT_UNFINISHED,))
    timer.daemon = True
    timer.start()
