"""Logs are events with fields: readable on a terminal, JSON lines elsewhere.

The libraries below repeat themselves: a Kafka client without a broker logs every try, a hundred lines a second
and process. Of their lines the first of a kind is said, and then one in half a minute, with how many were kept
back. Events of our own are never kept back.
"""

from __future__ import annotations

import logging
import sys
import time

import structlog

from streams.printable import printable

__all__ = ["Repeats", "setup_logging"]

_QUIET = ("aiokafka", "kafka", "faust", "mode", "asyncio", "uvicorn", "aiohttp")
REPEAT_SECONDS = 30.0
_KINDS = 1_000
"""Remembered; what puts its values into its texts by itself has no end of kinds."""


def setup_logging(level: str = "INFO", format_: str = "auto") -> None:
    """Send everything to stderr, the libraries' own logs only from warnings on, and without repetitions.

    Args:
        level: DEBUG, INFO, WARNING or ERROR; with DEBUG nothing is kept back.
        format_: text, json, or auto: text when stderr is a terminal.
    """
    text = format_ == "text" or (format_ == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _steer_nothing,
                renderer,
            ],
        )
    )
    if level != "DEBUG":
        handler.addFilter(_WithoutRepeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.WARNING))


def _steer_nothing(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Show control characters in what comes from outside, rather than let a terminal obey them."""
    return {
        name: printable(value) if isinstance(value, str) else value for name, value in event.items()
    }


class Repeats:
    """Decides which of many lines of a kind are said. Pure.

    Args:
        seconds: after a line that was said, others of its kind are kept back for so long.
    """

    def __init__(self, seconds: float = REPEAT_SECONDS) -> None:
        self._seconds = seconds
        self._said: dict[object, tuple[float, int]] = {}
        """Kind to when one was last said, and how many have been kept back since."""

    def take(self, kind: object, now: float) -> int | None:
        """Decide on a line.

        Args:
            kind: of the line.
            now: seconds of a clock that does not jump.

        Returns:
            How many of its kind were kept back before it; None if it is to be kept back itself.
        """
        known = self._said.get(kind)
        if known is None:
            if len(self._said) >= _KINDS:
                self._said.clear()
            self._said[kind] = (now, 0)
            return 0
        said_at, kept_back = known
        if now - said_at < self._seconds:
            self._said[kind] = (said_at, kept_back + 1)
            return None
        self._said[kind] = (now, 0)
        return kept_back


class _WithoutRepeats(logging.Filter):
    """Keeps back what libraries repeat. Lines of a kind differ only in what is filled into their text."""

    def __init__(self) -> None:
        super().__init__()
        self._repeats = Repeats()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to say a line; adds to it how many were kept back."""
        if record.name.partition(".")[0] not in _QUIET or record.levelno >= logging.CRITICAL:
            return True
        error = record.exc_info[0] if record.exc_info else None
        kept_back = self._repeats.take((record.name, str(record.msg), error), time.monotonic())
        if kept_back is None:
            return False
        if kept_back:
            record.msg, record.args = f"{record.getMessage()} [and {kept_back} more like it]", ()
        return True
