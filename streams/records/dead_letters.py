"""What could not be processed."""

from __future__ import annotations

from streams.records.vocabulary import Record

__all__ = ["DeadLetter"]


class DeadLetter(Record, frozen=True, kw_only=True):
    """A record that could not be processed. On `news.dead-letters` the value stays the original
    bytes and these fields travel as headers; this is the decoded view.
    """

    topic: str
    partition: int
    offset: int
    stage: str
    error: str
    """Name of the exception class."""
    message: str = ""
    attempts: int = 1
    timestamp_ms: int = -1
    """Time of the original record, milliseconds since the epoch; -1: not known."""
    cut_from_bytes: int = 0
    """Size of the original value where only its beginning was kept, and of the key likewise; else 0."""
    app_version: str = ""
    key: bytes | None = None
    value: bytes | None = None
