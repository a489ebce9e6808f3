"""Which feeds there are: `feeds.yaml`, and what ids and settings are allowed.

Pure but for reading the file.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from streams.config import parse_duration
from streams.errors import ConfigError
from streams.feeds.guard import refuse_url
from streams.feeds.links import canonical_url
from streams.records import Feed, stable_id
from streams.yaml_files import read_yaml

__all__ = [
    "is_feed_id",
    "is_tag",
    "new_feed_id",
    "read_feeds",
    "refuse_limits",
    "refuse_user_agent",
    "slug",
]

MAX_SLUG = 48
MAX_NUMBERED = 9
"""Feeds of one title that are numbered; the ids of more end in a hash instead."""
MAX_USER_AGENT = 256
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l"}
)
_DULL = frozenset(
    {"www", "rss", "feed", "feeds", "newsfeed", "com", "org", "net", "de", "co", "uk"}
)

_FEED_ID = r"^[a-z0-9][a-z0-9_-]{0,63}$"
FeedId = Annotated[str, Meta(pattern=_FEED_ID)]
_TAG = r"^[^,/\s][^,/]*$"
Tag = Annotated[str, Meta(pattern=_TAG)]
_USER_AGENT = re.compile(r"[!-~](?:[ -~]*[!-~])?")


class _Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: FeedId
    url: str
    title: str = ""
    lang: Annotated[str, Meta(pattern=r"^([a-z]{2,3})?$")] = ""
    tier: Annotated[int, Meta(ge=1, le=3)] = 2
    tags: tuple[Tag, ...] = ()
    interval: str | None = None
    min_interval: str | None = None
    max_interval: str | None = None
    user_agent: str = ""
    enabled: bool = True


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    feeds: list[_Entry]


def read_feeds(path: Path) -> list[Feed]:
    """Read `feeds.yaml`.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is not YAML, has unknown or wrong fields, or names a feed twice; with
            file, line, field and cure.
    """
    entries = read_yaml(path, _File).feeds
    feeds = []
    ids: set[str] = set()
    urls: dict[str, str] = {}
    for number, entry in enumerate(entries):
        if entry.id in ids:
            raise _error(path, number, entry, "id", entry.id, "is there twice", "choose another id")
        reason = refuse_url(entry.url)
        if reason:
            cure = "give an http or https address"
            raise _error(path, number, entry, "url", entry.url, reason, cure)
        same = urls.get(canonical_url(entry.url))
        if same:
            what = f"is also that of {same!r}"
            raise _error(path, number, entry, "url", entry.url, what, "remove one")
        ids.add(entry.id)
        urls[canonical_url(entry.url)] = entry.id
        feeds.append(_feed(entry, path, number))
    return feeds


def _feed(entry: _Entry, path: Path, number: int) -> Feed:
    least = _seconds(entry, "min_interval", path, number)
    most = _seconds(entry, "max_interval", path, number)
    if reason := refuse_limits(least, most):
        text = str(entry.min_interval)
        raise _error(path, number, entry, "min_interval", text, reason, "change one of the two")
    if reason := refuse_user_agent(entry.user_agent):
        text = entry.user_agent
        raise _error(path, number, entry, "user_agent", text, reason, "write it like Name/1.0")
    return Feed(
        feed_id=entry.id,
        url=entry.url,
        title=entry.title,
        lang=entry.lang,
        tier=entry.tier,
        tags=entry.tags,
        enabled=entry.enabled,
        interval_seconds=_seconds(entry, "interval", path, number),
        min_interval_seconds=least,
        max_interval_seconds=most,
        user_agent=entry.user_agent,
        origin="file",
    )


def _seconds(entry: _Entry, field: str, path: Path, number: int) -> int | None:
    text: str | None = getattr(entry, field)
    try:
        return parse_duration(text) if text is not None else None
    except ValueError as error:
        cure = "write it like 15m"
        raise _error(path, number, entry, field, str(text), str(error), cure) from error


def _error(
    path: Path, number: int, entry: _Entry, field: str, value: str, what: str, cure: str
) -> ConfigError:
    """Name the line: of those that give the field this value, the one closest to the entry's id."""
    lines = path.read_text("utf-8").splitlines()

    def saying(field: str, value: str) -> list[int]:
        pattern = re.compile(rf"\b{field}:\s*[\"']?{re.escape(value)}[\"']?\s*(?:[,}}#]|$)")
        return [at for at, text in enumerate(lines, 1) if pattern.search(text)]

    home = max(saying("id", entry.id), default=0)
    line = min(saying(field, value), key=lambda at: abs(at - home), default=home)
    return ConfigError(
        f"{value!r} {what}", file=str(path), line=line, field=f"feeds[{number}].{field}", cure=cure
    )


def refuse_limits(least: int | None, most: int | None) -> str:
    """Say why these cannot be the bounds of an interval, in seconds; "" if they can."""
    return "is more than max_interval" if least and most and least > most else ""


def refuse_user_agent(text: str) -> str:
    """Say why this cannot be sent as a user agent; "" if it can.

    Anything but visible ASCII and inner spaces could end the header and begin another.
    """
    if len(text) > MAX_USER_AGENT:
        return f"has more than {MAX_USER_AGENT} characters"
    if text and not _USER_AGENT.fullmatch(text):
        return "has other characters than those of ASCII, or space around it"
    return ""


def is_tag(text: str) -> bool:
    """Whether this can be a tag: no comma, no slash, which separate tags in OPML."""
    return re.match(_TAG, text) is not None and text == " ".join(text.split())


def is_feed_id(text: str) -> bool:
    """Whether this can be the id of a feed: lower case, digits, `-` and `_`, 64 at most."""
    return re.match(_FEED_ID, text) is not None and not text.endswith("\n")


def slug(text: str) -> str:
    """`Süddeutsche – Politik` to `sueddeutsche-politik`; "" if nothing is left."""
    folded = unicodedata.normalize("NFKD", text.lower().translate(_UMLAUTS))
    words = re.findall(r"[a-z0-9]+", folded.encode("ascii", "ignore").decode("ascii"))
    return "-".join(words)[:MAX_SLUG].strip("-")


def new_feed_id(title: str, url: str, taken: Container[str]) -> str:
    """Choose the id of a feed, once: from its title, else from its host.

    Of several feeds with one title the first are numbered; the ids of others end in a hash, so
    that a list of thousands takes no longer per feed than a short one.
    """
    name = slug(title) or slug(" ".join(_telling(urlsplit(url).hostname or ""))) or "feed"
    return next(each for each in _ids(name, url) if each not in taken)


def _ids(name: str, url: str) -> Iterator[str]:
    yield name
    for number in range(2, MAX_NUMBERED + 1):
        yield f"{name}-{number}"
    for number in itertools.count():
        yield f"{name}-{stable_id('feed', url, str(number))[:8]}"


def _telling(host: str) -> list[str]:
    parts = host.split(".")
    return [part for part in parts if part not in _DULL] or parts
