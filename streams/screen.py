"""What `wirewatch up` says: alerts to stdout, what happens around them to stderr.

A thread of its own writes to stdout, so that a reader who stops reading (`| less`) stops neither
the supervision of the processes nor their end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from rich.console import Console

from streams.config import utc_now
from streams.printable import printable
from streams.records import Alert
from streams.sinks.terminal import render_alerts, render_silent
from streams.wire import encode

__all__ = ["Screen"]

STDOUT = 1
LAST_WORDS_SECONDS = 1.0
"""How long the end waits for a reader to take what has been printed."""


class Screen:
    """Prints alerts and notes.

    Args:
        as_json: alerts as JSON lines instead of for the eye.
        on_closed: called from the writing thread when nobody reads stdout any more.
    """

    def __init__(self, *, as_json: bool, on_closed: Callable[[], None]) -> None:
        self._as_json = as_json
        self._on_closed = on_closed
        self._out = Console(highlight=False)
        self._notes = Console(stderr=True, highlight=False)
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="stdout", daemon=True)
        self._writer.start()

    def note(self, text: str, *, style: str = "dim") -> None:
        """Say what happens, on stderr."""
        self._notes.print(printable(text), style=style, markup=False, soft_wrap=True)

    def show(self, alerts: Sequence[Alert]) -> None:
        """Print alerts that came together; those of one item become one block."""
        if self._as_json:
            self._queue.put(b"".join(encode(alert) + b"\n" for alert in alerts))
            return
        told: dict[str, list[Alert]] = {}
        silent: dict[str, list[Alert]] = {}
        for alert in alerts:
            if not alert.sources:  # none of ours
                continue
            if alert.notify or alert.revision > 1:  # a backfill's first revision is not shown
                groups = told if alert.notify else silent
                groups.setdefault(alert.sources[-1].item.item_id, []).append(alert)
        with self._out.capture() as captured:
            for group in told.values():
                self._out.print(render_alerts(group, utc_now()))
            for group in silent.values():
                self._out.print(render_silent(group))
        self._queue.put(captured.get().encode("utf-8", "replace"))

    def close(self) -> None:
        """Write what is left, unless nobody takes it."""
        self._queue.put(None)
        self._writer.join(LAST_WORDS_SECONDS)

    def _write(self) -> None:
        try:
            while (text := self._queue.get()) is not None:
                while text:
                    text = text[os.write(STDOUT, text) :]
        except OSError:
            self._on_closed()
