"""What can go wrong, as one tree.

    WirewatchError              ends a command with one line on stderr and `exit_code`
    |-- ConfigError             a setting or a file of configuration: names file, line, field, cure
    |-- BrokerError             the broker cannot be reached, started or used
    |-- NotFoundError           what the user named does not exist
    |-- FeedError               about one feed; never ends a process, becomes feed health
    |   |-- FetchError          the feed could not be had
    |   `-- ParseError          the feed could not be understood
    |-- RecordError             about one record; never ends a process, becomes a dead letter
    `-- SinkError               a target refused or failed; `retry_after_seconds` None means never

Exit codes follow sysexits.h: 64 usage, 65 data, 66 no input, 69 unavailable, 78 configuration.
"""

from __future__ import annotations

__all__ = [
    "BrokerError",
    "ConfigError",
    "FeedError",
    "FetchError",
    "NotFoundError",
    "ParseError",
    "RecordError",
    "SinkError",
    "WirewatchError",
]


class WirewatchError(Exception):
    """Something a user can understand and mend; `cure` says how."""

    exit_code = 1

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message} ({self.cure})" if self.cure else self.message


class ConfigError(WirewatchError):
    """A file or setting is wrong."""

    exit_code = 78

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, field: str = "", cure: str = ""
    ) -> None:
        place = f"{file}:{line}" if file and line else file
        parts = [part for part in (place, field, message) if part]
        super().__init__(": ".join(parts), cure=cure)
        self.file, self.line, self.field = file, line, field


class BrokerError(WirewatchError):
    """The broker cannot be reached, started or used."""

    exit_code = 69


class NotFoundError(WirewatchError):
    """A file, feed, figure or rule that the user named does not exist."""

    exit_code = 66


class FeedError(WirewatchError):
    """One feed is in trouble; `kind` is a short stable word for it, for health and metrics."""

    exit_code = 65

    def __init__(self, message: str, *, kind: str, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.kind = kind


class FetchError(FeedError):
    """The feed could not be had.

    `status` is the HTTP status where there was an answer, `answered_by` the address that gave it,
    and `permanent_url` the same if the requested one redirects there for good.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        permanent_url: str = "",
        answered_by: str = "",
        cure: str = "",
    ) -> None:
        super().__init__(message, kind=kind, cure=cure)
        self.status = status
        self.permanent_url = permanent_url
        self.answered_by = answered_by
        self.retry_after_seconds = retry_after_seconds


class ParseError(FeedError):
    """The bytes are not a feed, or not one that can be read."""


class RecordError(WirewatchError):
    """One record cannot be processed; it goes to the dead letters."""

    exit_code = 65


class SinkError(WirewatchError):
    """A target refused or failed."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
