"""Temporary folders for what must not stay behind, also when its process is killed.

A process holds its folder by a lock (`flock`), which the system takes from whoever ends, however that happens. What
nobody holds is removed by the next process that makes a folder of the same kind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["HeldFolder"]


class HeldFolder:
    """A new folder that only its user can read, gone with `remove` or after the end of this process.

    Where folders cannot be locked, as on some network file systems, it goes with `remove` alone.

    Args:
        prefix: kind of folder, and the beginning of its name.
    """

    def __init__(self, prefix: str) -> None:
        _remove_leftovers(prefix)
        self.path, self._lock = _make(prefix)

    def remove(self) -> None:
        """Remove it with all that is in it. Safe to call twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _make(prefix: str) -> tuple[Path, int | None]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix))
        try:
            return path, _hold(path)
        except (BlockingIOError, FileNotFoundError):
            continue  # another process that starts took it for a leftover, before it was held
        except OSError:
            return path, None  # nobody else can lock it either


def _remove_leftovers(prefix: str) -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # somebody holds it, or it is not ours
            lock = _hold(path)
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _hold(path: Path) -> int:
    """Lock a folder of this user's for as long as the returned descriptor is open.

    Raises:
        BlockingIOError: another process holds it.
        FileNotFoundError: it has just been removed.
        OSError: it is no folder, or somebody else's, or cannot be locked.
    """
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(lock)
        if not os.path.samestat(found, path.lstat()):
            raise FileNotFoundError(path)
        if found.st_uid != os.geteuid():
            raise PermissionError(path)
    except OSError:
        os.close(lock)
        raise
    return lock
