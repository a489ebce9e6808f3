"""One entry of a feed, as it was published."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from streams.records.vocabulary import DateSource, Record, Utc, check_seen_at

__all__ = ["Item"]


class Item(Record, frozen=True, kw_only=True):
    """One entry of a feed, as published. `news.items`, key `item_id`."""

    item_id: str
    feed_id: str
    revision: Annotated[int, Meta(ge=1)] = 1
    """Counts the published versions of the same entry."""
    url: str = ""
    canonical_url: str = ""
    """`url` without tracking parameters."""
    title: str = ""
    """As in the feed; may hold markup."""
    summary: str = ""
    """HTML or text."""
    body: str = ""
    """HTML or text of the full entry where the feed carries it."""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    lang: str = ""
    """Declared by the entry or feed."""
    feed_lang: str = ""
    """Language of nearly all entries of the feed, as learned; "" where there is none."""
    feed_title: str = ""
    tier: int = 2
    published_at: Utc
    date_source: DateSource = "published"
    """Where `published_at` comes from; `first_seen` when the feed gave no usable date."""
    seen_at: Utc
    """When this revision was first seen; also the Kafka timestamp."""
    backfill: bool = False
    """True for what was already old (over 24 h, or undated) when its feed was first polled: it
    never notifies."""
    content_hash: str = ""
    identity: Literal["guid", "link", "enclosure", "content"] = "guid"
    """What the item_id was made from."""
    changed: tuple[Literal["title", "text", "link", "other"], ...] = ()
    """What differs from the revision before; empty for the first, and where that is unknown."""
    media: tuple[str, ...] = ()
    """Addresses of enclosures, pictures and sound, absolute."""

    def __post_init__(self) -> None:
        """Refuse times that nothing behind could bear."""
        check_seen_at(self.seen_at)
