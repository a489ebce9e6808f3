"""Times as people give them: "7d" ago, a date, or a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from streams.config import parse_duration
from streams.errors import ConfigError
from streams.records.vocabulary import EARLIEST

__all__ = ["between", "moment"]


def moment(text: str, now: datetime, field: str) -> datetime:
    """Read a time.

    Args:
        text: a duration, which counts back from now ("7d"), or ISO 8601: "2026-11-20" (its begin, UTC),
            "2026-11-20T08:00", with an offset or in UTC. Before 1970 nothing was seen: it is 1970 then.
        now: the clock.
        field: the option, for the message.

    Raises:
        ConfigError: it is none of these.
    """
    try:
        return now - timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{text!r} is no time",
            field=field,
            cure="give for example 7d, 2026-11-20 or 2026-11-20T08:00",
        ) from error
    return max(found, EARLIEST)


def between(since: str, until: str, now: datetime) -> tuple[datetime, datetime]:
    """Begin and end of a time; an empty `until` is now.

    Raises:
        ConfigError: one of them is no time, or there is nothing between them.
    """
    end = moment(until, now, "--until") if until else now
    begin = moment(since, now, "--since")
    if begin >= end:
        raise ConfigError(
            f"{since} is not before {until or 'now'}",
            field="--since",
            cure="give an earlier time, such as --since 7d",
        )
    return begin, end
