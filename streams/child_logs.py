"""Logs that other processes write to for as long as they live: begun, kept from growing, and shown in part.

They are written to by appending, so that a log which is cut goes on at its new end.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO

__all__ = ["LOG_BYTES", "last_lines", "open_log", "shorten_log"]

LOG_BYTES = 50 * 1024 * 1024
"""A log that is larger is cut; with what is kept of before, it takes twice that."""
_SHOWN_BYTES = 64 * 1024
"""As far as lines are looked for from the end of a log."""


def open_log(log_file: Path, *, anew: bool) -> BinaryIO:
    """Open a log for a process to write to.

    Args:
        log_file: where it lies.
        anew: whether what it holds, and held before, is removed.
    """
    if anew:
        log_file.unlink(missing_ok=True)
        _former(log_file).unlink(missing_ok=True)
    return log_file.open("ab")


def shorten_log(log_file: Path, limit_bytes: int = LOG_BYTES) -> bool:
    """Move what is in a log that is too large to `<name>.1`, in the place of what is there.

    By copying, for whoever writes to it has it open. What is written meanwhile, in a moment, may be lost.

    Returns:
        Whether it was too large.

    Raises:
        OSError: it is not there, or could not be kept, such as on a full disk; then it is cut all the same.
    """
    if log_file.stat().st_size <= limit_bytes:
        return False
    former = _former(log_file)
    try:
        former.unlink(missing_ok=True)  # first: its space may be needed
        shutil.copyfile(log_file, former)
    finally:
        os.truncate(log_file, 0)
    return True


def last_lines(log_file: Path, count: int) -> list[str]:
    """The end of a log; nothing if it cannot be read."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - _SHOWN_BYTES, 0))
            end = log.read(_SHOWN_BYTES)
    except OSError:
        return []
    return end.decode("utf-8", "replace").splitlines()[-count:]


def _former(log_file: Path) -> Path:
    return log_file.with_name(f"{log_file.name}.1")
