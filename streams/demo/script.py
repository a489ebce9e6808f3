"""What the invented outlets publish, and when. Pure but for reading `content/*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from streams.errors import ConfigError
from streams.yaml_files import read_yaml

__all__ = [
    "Expected",
    "Outlet",
    "Script",
    "ScriptItem",
    "Update",
    "VisibleItem",
    "feed_at",
    "hasten",
    "last_second",
    "load_scripts",
]

CONTENT = Path(__file__).parent / "content"
FUTURE = timedelta(days=2)
"""How far ahead an item with `future` is dated."""

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Second = Annotated[float, Meta(ge=0)]
"""Seconds after the start of the newsroom."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping in a script; a misspelt field is an error."""


class Outlet(Part, frozen=True, kw_only=True):
    """A feed and who publishes it."""

    id: Slug
    title: str
    lang: Literal["de", "en"]
    tier: Annotated[int, Meta(ge=1, le=3)]
    format: Literal["rss", "rdf", "atom", "json"]
    path: str
    """Below /feeds/."""
    charset: str = "utf-8"
    html: bool = False
    """True if titles and summaries are HTML; Atom declares it, RSS has no way to."""


class Expected(Part, frozen=True, kw_only=True):
    """What a careful reader finds in an item, which need not be what a matcher finds.

    An organisation or person counts if the text names it. A policy topic counts if the news is
    about it; `regulation` if a law, a bill or a regulator's rules are what it is about.
    """

    figures: tuple[Slug, ...] = ()
    policy_topics: tuple[Slug, ...] = ()


class Update(Part, frozen=True, kw_only=True):
    """What the same entry says from a later second on; empty keeps what was there."""

    at: Second
    title: str = ""
    summary: str = ""


class ScriptItem(Part, frozen=True, kw_only=True):
    """One entry of a feed. Title and summary are written into the feed as they stand here."""

    id: Slug
    at: Second
    kind: Literal["policy", "other", "trap"]
    """trap: looks like a watched figure or policy topic and is not."""
    title: str = ""
    summary: str = ""
    body: str = ""
    """HTML of the full text."""
    author: str = ""
    categories: tuple[str, ...] = ()
    link: str = ""
    """Path on the newsroom; empty means the item's own page."""
    copy_of: str = ""
    """`feed/item` whose texts and expectation fill what is empty here: without texts of its own
    an item is a wire copy, with them a near copy."""
    no_guid: bool = False
    undated: bool = False
    future: bool = False
    expect: Expected | None = None
    """None: not labelled."""
    updates: tuple[Update, ...] = ()


class Script(Part, frozen=True, kw_only=True):
    """One file."""

    feed: Outlet
    items: tuple[ScriptItem, ...]


class VisibleItem(Struct, frozen=True, kw_only=True):
    """An item as its feed shows it at some moment."""

    key: str
    """`feed/item`."""
    guid: str
    """Empty if the feed gives none."""
    link: str
    title: str
    summary: str
    body: str
    author: str
    categories: tuple[str, ...]
    published: datetime | None
    changed: datetime
    """When the texts appeared or were last updated."""


def load_scripts(folder: Path = CONTENT) -> tuple[Script, ...]:
    """Read all scripts of a folder, copies filled in.

    Raises:
        ConfigError: a file is not a script, or an item copies something that is not an original.
    """
    scripts = tuple(read_yaml(path, Script) for path in sorted(folder.glob("*.yaml")))
    known = {f"{script.feed.id}/{item.id}": item for script in scripts for item in script.items}
    return tuple(
        replace(script, items=tuple(_filled(item, known) for item in script.items))
        for script in scripts
    )


def _filled(item: ScriptItem, known: Mapping[str, ScriptItem]) -> ScriptItem:
    if not item.copy_of:
        return item
    original = known.get(item.copy_of)
    if original is None or original.copy_of:
        raise ConfigError(
            f"{item.id!r} copies {item.copy_of!r}, which is no original item",
            field="copy_of",
            cure="name an item as feed/item",
        )
    return replace(
        item,
        title=item.title or original.title,
        summary=item.summary or original.summary,
        body=item.body or original.body,
        expect=item.expect or original.expect,
    )


def hasten(script: Script, speed: float) -> Script:
    """Play a script `speed` times as fast."""
    return replace(
        script,
        items=tuple(
            replace(
                item,
                at=item.at / speed,
                updates=tuple(replace(each, at=each.at / speed) for each in item.updates),
            )
            for item in script.items
        ),
    )


def last_second(script: Script) -> float:
    """When the last item appears or changes, in seconds after the start."""
    return max(max(item.at, *(each.at for each in item.updates), 0) for item in script.items)


def feed_at(
    script: Script, elapsed_seconds: float, started_at: datetime
) -> tuple[VisibleItem, ...]:
    """Decide what a feed shows.

    Args:
        script: of the feed.
        elapsed_seconds: since the start.
        started_at: the start; dates and the edition in the guids follow from it.

    Returns:
        What has been published by then, newest first, in its latest version.
    """
    seen = sorted((item for item in script.items if item.at <= elapsed_seconds), key=_at)
    return tuple(
        _visible(item, script.feed.id, elapsed_seconds, started_at) for item in reversed(seen)
    )


def _at(scheduled: ScriptItem | Update) -> float:
    return scheduled.at


def _visible(
    item: ScriptItem, feed_id: str, elapsed_seconds: float, started_at: datetime
) -> VisibleItem:
    title, summary, changed = item.title, item.summary, item.at
    for update in sorted(item.updates, key=_at):
        if update.at <= elapsed_seconds:
            title, summary = update.title or title, update.summary or summary
            changed = update.at
    key = f"{feed_id}/{item.id}"
    published = started_at + timedelta(seconds=item.at) + (FUTURE if item.future else timedelta())
    return VisibleItem(
        key=key,
        guid="" if item.no_guid else f"urn:newsroom:{int(started_at.timestamp())}:{key}",
        link=item.link or f"/articles/{key}",
        title=title,
        summary=summary,
        body=item.body,
        author=item.author,
        categories=item.categories,
        published=None if item.undated else published,
        changed=started_at + timedelta(seconds=changed),
    )
