"""One process per name: members of a consumer group must not share a `group.instance.id`."""

from __future__ import annotations

import contextlib
import fcntl
import re
from collections.abc import Iterator

from streams.config import Settings
from streams.errors import ConfigError

__all__ = ["hold_instance"]

_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
"""Part of a file's name."""


@contextlib.contextmanager
def hold_instance(name: str, settings: Settings) -> Iterator[None]:
    """Make sure that no other process on this machine works under the same name.

    Two members of a group with one `group.instance.id` throw each other out for ever, and process
    every record again and again meanwhile. Without `settings.instance` there is nothing to hold.

    Args:
        name: what kind of process, such as "enrich" or "poll".
        settings: the file that is locked lies in `data_folder`.

    Raises:
        ConfigError: another one runs, or the file cannot be written.
    """
    if not settings.instance:
        yield
        return
    if not _NAME.fullmatch(settings.instance):
        raise ConfigError(
            f"WIREWATCH_INSTANCE is {settings.instance!r}",
            cure="use letters, digits, `.`, `_` and `-`, 100 at most",
        )
    path = settings.data_folder / f"{name}-{settings.instance}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}", cure="give WIREWATCH_DATA another folder"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"another {name} process already runs as {settings.instance!r} on {path.parent}",
                cure="end it, or give this one WIREWATCH_DATA or WIREWATCH_INSTANCE of its own",
            ) from error
        yield
