"""What `wirewatch feeds add` was given, checked and put into a feed. Pure."""

from __future__ import annotations

import msgspec

from streams.config import parse_duration
from streams.errors import ConfigError
from streams.feeds.registry import is_feed_id, is_tag, refuse_limits, refuse_user_agent
from streams.records import Feed

__all__ = ["checked_id", "checked_tags", "with_intervals", "with_user_agent"]


def checked_id(feed_id: str) -> str:
    """An id that may be used; "" stays "".

    Raises:
        ConfigError: it may not.
    """
    if feed_id and not is_feed_id(feed_id):
        raise ConfigError(
            f"{feed_id!r} cannot be an id", field="--id", cure="use a-z, 0-9, - and _, 64 at most"
        )
    return feed_id


def checked_tags(tags: list[str] | None) -> tuple[str, ...]:
    """Each tag once.

    Raises:
        ConfigError: one of them cannot be a tag.
    """
    for tag in tags or ():
        if not is_tag(tag):
            raise ConfigError(
                f"{tag!r} cannot be a tag",
                field="--tag",
                cure="use no commas and slashes; give --tag once for each tag",
            )
    return tuple(dict.fromkeys(tags or ()))


def with_intervals(feed: Feed, fixed: str | None, least: str | None, most: str | None) -> Feed:
    """Set fixed, least and most interval: None leaves one as it is, "" takes it away.

    Raises:
        ConfigError: one is no duration, or the least is more than the most.
    """
    given = {"interval": fixed, "min_interval": least, "max_interval": most}
    feed = msgspec.structs.replace(
        feed,
        **{
            f"{name}_seconds": _seconds(text, f"--{name.replace('_', '-')}")
            for name, text in given.items()
            if text is not None
        },
    )
    if reason := refuse_limits(feed.min_interval_seconds, feed.max_interval_seconds):
        raise ConfigError(reason, field="--min-interval", cure="change one of the two")
    return feed


def with_user_agent(feed: Feed, user_agent: str | None) -> Feed:
    """Set what the publisher is told; None leaves it as it is.

    Raises:
        ConfigError: it cannot be sent.
    """
    if user_agent is None:
        return feed
    if reason := refuse_user_agent(user_agent):
        raise ConfigError(reason, field="--user-agent", cure="write it like Name/1.0")
    return msgspec.structs.replace(feed, user_agent=user_agent)


def _seconds(text: str, option: str) -> int | None:
    try:
        return parse_duration(text) if text else None
    except ValueError as error:
        raise ConfigError(str(error), field=option, cure="write it like 15m") from error
