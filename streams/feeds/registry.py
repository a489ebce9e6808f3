"""Which feeds there are: `feeds.yaml`, and the ids of feeds. Pure but for reading the file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from streams.config import parse_duration, read_yaml
from streams.errors import ConfigError
from streams.feeds.guard import refuse_url
from streams.feeds.links import canonical_url
from streams.records import Feed

__all__ = ["is_feed_id", "new_feed_id", "read_feeds", "slug"]

MAX_SLUG = 48
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l"}
)
_DULL = frozenset(
    {"www", "rss", "feed", "feeds", "newsfeed", "com", "org", "net", "de", "co", "uk"}
)

_FEED_ID = r"^[a-z0-9][a-z0-9_-]{0,63}$"
FeedId = Annotated[str, Meta(pattern=_FEED_ID)]
Tag = Annotated[str, Meta(pattern=r"^[^,/\s][^,/]*$")]


class _Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: FeedId
    url: str
    title: str = ""
    lang: Annotated[str, Meta(pattern=r"^([a-z]{2,3})?$")] = ""
    tier: Annotated[int, Meta(ge=1, le=3)] = 2
    tags: tuple[Tag, ...] = ()
    interval: str | None = None
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
            raise _error(path, number, "id", entry.id, "is there twice", "choose another id")
        reason = refuse_url(entry.url)
        if reason:
            raise _error(path, number, "url", entry.url, reason, "give an http or https address")
        same = urls.get(canonical_url(entry.url))
        if same:
            raise _error(path, number, "url", entry.url, f"is also that of {same!r}", "remove one")
        ids.add(entry.id)
        urls[canonical_url(entry.url)] = entry.id
        feeds.append(_feed(entry, path, number))
    return feeds


def _feed(entry: _Entry, path: Path, number: int) -> Feed:
    try:
        seconds = parse_duration(entry.interval) if entry.interval is not None else None
    except ValueError as error:
        raise _error(
            path, number, "interval", str(entry.interval), str(error), "write it like 15m"
        ) from error
    return Feed(
        feed_id=entry.id,
        url=entry.url,
        title=entry.title,
        lang=entry.lang,
        tier=entry.tier,
        tags=entry.tags,
        enabled=entry.enabled,
        interval_seconds=seconds,
        origin="file",
    )


def _error(path: Path, number: int, field: str, value: str, what: str, cure: str) -> ConfigError:
    """Name the line: that of the last entry that gives the field this value."""
    pattern = re.compile(rf"\b{field}:\s*[\"']?{re.escape(value)}[\"']?\s*(?:[,}}#]|$)")
    lines = path.read_text("utf-8").splitlines()
    line = max((at for at, text in enumerate(lines, 1) if pattern.search(text)), default=0)
    return ConfigError(
        f"{value!r} {what}", file=str(path), line=line, field=f"feeds[{number}].{field}", cure=cure
    )


def is_feed_id(text: str) -> bool:
    """Whether this can be the id of a feed: lower case, digits, `-` and `_`, 64 at most."""
    return re.match(_FEED_ID, text) is not None and not text.endswith("\n")


def slug(text: str) -> str:
    """`Süddeutsche – Politik` to `sueddeutsche-politik`; "" if nothing is left."""
    folded = unicodedata.normalize("NFKD", text.lower().translate(_UMLAUTS))
    words = re.findall(r"[a-z0-9]+", folded.encode("ascii", "ignore").decode("ascii"))
    return "-".join(words)[:MAX_SLUG].strip("-")


def new_feed_id(title: str, url: str, taken: Container[str]) -> str:
    """Choose the id of a feed, once: from its title, else from its host; numbered if taken."""
    name = slug(title) or slug(" ".join(_telling(urlsplit(url).hostname or ""))) or "feed"
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _telling(host: str) -> list[str]:
    parts = host.split(".")
    return [part for part in parts if part not in _DULL] or parts
