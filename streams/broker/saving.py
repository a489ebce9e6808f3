"""Whether the embedded broker gets its data onto the disk.

It keeps its data in memory, acknowledges what is there, and writes all of it anew some seconds after a change:
into `kafka.tmp`, which then becomes `kafka.json`. Where the disk is full it says nothing, goes on, and tries
again after the next change (measured with noida-db 0.2.3). A `kafka.tmp` that stays is the sign.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

import structlog

__all__ = ["SaveWatch"]

log = structlog.get_logger(__name__)

UNSAVED_SECONDS = 10.0
"""Writing takes less: 36 MB took half a second."""
REMIND_SECONDS = 60.0


class SaveWatch:
    """Watches the folder of one embedded broker, and tells what it does not.

    Args:
        folder: of its data, with `kafka.json` once something has been written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved_at: float | None = None
        """When `kafka.json` was written, by the clock of the file system."""
        self._unsaved_since: float | None = None
        self._told_at: float | None = None

    @property
    def unfinished(self) -> bool:
        """Whether the latest try has not come to its end, or failed."""
        return (self._folder / "kafka.tmp").exists()

    def clear(self) -> None:
        """Remove what an earlier run has left unfinished: it is of no use, and takes room."""
        with contextlib.suppress(OSError):  # the broker will say so
            (self._folder / "kafka.tmp").unlink()

    def look(self, now: float | None = None) -> bool:
        """Look whether it saves, and log when that changes, and once a minute while it does not.

        Args:
            now: seconds of a clock that nobody sets.

        Returns:
            Whether it has not managed to save for a while.
        """
        now = time.monotonic() if now is None else now
        saved_at = _written_at(self._folder / "kafka.json")
        if not self.unfinished or saved_at != self._saved_at:
            self._saved_at, self._unsaved_since = saved_at, None
            if self._told_at is not None:
                log.warning("embedded_broker_saves_again", folder=str(self._folder))
            self._told_at = None
            return False
        if self._unsaved_since is None:
            self._unsaved_since = now
        if now - self._unsaved_since < UNSAVED_SECONDS:
            return False
        if self._told_at is None or now - self._told_at >= REMIND_SECONDS:
            self._told_at = now
            self._tell()
        return True

    def _tell(self) -> None:
        log.error(
            "embedded_broker_cannot_save",
            folder=str(self._folder),
            free_mb=shutil.disk_usage(self._folder).free // 2**20,
            then="it goes on from memory, and loses what it has not saved if it ends now",
            cure="make room on the disk; it saves with the next record",
        )


def _written_at(file: Path) -> float | None:
    try:
        return file.stat().st_mtime
    except OSError:
        return None
