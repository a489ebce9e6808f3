"""Feeds, and what a poller knows of each."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import fields

from streams.records.vocabulary import EARLIEST, LATEST, Origin, Record, Utc

__all__ = ["Feed", "FeedState", "Polled", "Refused", "Seen", "Subscription"]

_END = int(LATEST.timestamp())


class Feed(Record, frozen=True, kw_only=True):
    """A feed to poll. `news.feeds`, key `feed_id`."""

    feed_id: str
    """Chosen once and kept when the URL changes; never derived from the URL again."""
    url: str
    title: str = ""
    lang: str = ""
    """Declared BCP 47 primary language ("de", "en"); a hint, never trusted alone."""
    tier: Annotated[int, Meta(ge=1, le=3)] = 2
    """1 official source or wire service, 2 newsroom, 3 blog or aggregator."""
    tags: tuple[str, ...] = ()
    enabled: bool = True
    interval_seconds: Annotated[int, Meta(ge=1)] | None = None
    """Fixed polling interval, also through the hours and days that the publisher wants skipped;
    None lets the schedule adapt."""
    min_interval_seconds: Annotated[int, Meta(ge=1)] | None = None
    """The adaptive interval never goes below; None for the schedule's own bound."""
    max_interval_seconds: Annotated[int, Meta(ge=1)] | None = None
    """The adaptive interval never goes above, not even for a silent feed."""
    user_agent: str = ""
    """What this publisher is told instead of the settings' user agent."""
    origin: Origin = "cli"
    """Where the entry came from; entries from a file follow that file at every start."""


class Seen(Struct, frozen=True, array_like=True):
    """What is remembered of an entry that has been emitted; positional, to stay small."""

    content_hash: str
    revision: int
    first_seen: int
    """Unix seconds."""
    last_seen: int
    """Unix seconds; forgotten some time after leaving the feed."""
    parts: str = ""
    """Short hashes of title, text, link and raw entry, eight characters each, and the present name
    where that is another than the item_id: they tell what changed, and whether an entry under
    another name is this one."""
    revised: int = 0
    """Unix seconds of the latest revision beyond the first; 0 if there is none."""

    def __post_init__(self) -> None:
        """Refuse times that are none."""
        first, last, revised = self.first_seen, self.last_seen, self.revised
        if not (0 <= first < _END and 0 <= last < _END and 0 <= revised < _END):
            raise ValueError("an entry in `seen` has a time before 1970, or 2200 and later")


class Polled(Struct, frozen=True, array_like=True):
    """One look at a feed, for its history; positional, to stay small."""

    at: int
    """Unix seconds."""
    status: int = 0
    """HTTP status; 0 where there was no answer."""
    error: str = ""
    """`FeedError.kind`, "" for success."""
    size: int = 0
    """Bytes of the document, decompressed."""
    took_ms: int = 0
    new: int = 0
    """Items found for the first time."""

    def __post_init__(self) -> None:
        """Refuse times that are none."""
        if not 0 <= self.at < _END:
            raise ValueError("a poll in `history` has a time before 1970, or 2200 and later")


class Refused(Struct, frozen=True):
    """A document that could not be parsed, so that it need not be tried again."""

    body_hash: str
    parser: str
    """Version of the parser that failed on it."""
    kind: str
    """`FeedError.kind`."""
    message: str
    tries: int = 1


class Subscription(Struct, frozen=True):
    """A WebSub subscription of a feed."""

    hub: str
    feed_url: str
    """The address that the feed gives itself, which is what the hub knows it by."""
    state: Literal["asked", "active", "refused", "distrusted"] = "asked"
    """active once a push has come and while the lease runs: then polling is only the backup."""
    since: int = 0
    """Unix seconds at which the hub last confirmed; before that, at which it was first asked; or at
    which it was refused or distrusted."""
    until: int = 0
    """Unix seconds at which the hub's lease ends; 0 before it is confirmed."""
    missed: int = 0
    """Items found first by polling although the hub should have pushed them."""


class FeedState(Record, frozen=True, kw_only=True):
    """What a poller must remember of a feed. `news.feed-state`, key `feed_id`."""

    feed_id: str
    url: str
    """The configured URL that all of this belongs to."""
    address: str = ""
    """Where the feed is fetched instead, since `url` has moved there for good; or ""."""
    moved_to: str = ""
    """Where `url` permanently redirects to, while that is not adopted yet."""
    moved_since: Utc | None = None
    """Since when it has redirected to `moved_to`, without exception; None where `moved_to` was
    adopted before and has its turn again."""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    parser: str = ""
    """Version of the parser that read the document of the validators."""
    refused: Refused | None = None
    """The latest document, if it could not be parsed."""
    remark: str = ""
    """What was odd about the latest document that could be, in words for a person."""
    next_check_at: Utc | None = None
    last_fetch_at: Utc | None = None
    last_success_at: Utc | None = None
    first_success_at: Utc | None = None
    """What was there then is no sign of how much the feed brings."""
    last_document_at: Utc | None = None
    """Last time that a document came, and not the word that nothing has changed."""
    failing_since: Utc | None = None
    answers_since: Utc | None = None
    """Since when it answers again after it had failed for an hour or more; None if it never has."""
    silent_since: Utc | None = None
    """Its latest sign of life, while it has been silent since for implausibly long; else None."""
    interval_seconds: float = 900.0
    failures: float = 0.0
    """Weighted failures in a row."""
    health: Literal[
        "new", "ok", "stale", "slow_down", "failing", "blocked", "dormant", "gone", "disabled"
    ] = "new"
    health_before: str = ""
    """The health before `health_since`."""
    health_since: Utc | None = None
    """When the health changed; equal to `last_fetch_at` in the record that tells of the change."""
    reason: str = ""
    """Why the feed has this health, in words for a person."""
    schedule_reason: str = ""
    """Why it is polled next when it is, in words for a person."""
    history: tuple[Polled, ...] = ()
    """The latest polls, oldest first."""
    ttl_seconds: int = 0
    """How long the document asks to wait between polls; 0 if it does not say."""
    cadence_seconds: int = 0
    """How often the document says it changes (`sy:updatePeriod`); 0 if it does not say."""
    skip_hours: tuple[int, ...] = ()
    """Hours (0 to 23, UTC) in which the publisher does not want to be asked."""
    skip_days: tuple[int, ...] = ()
    """Days (0 Monday to 6 Sunday, UTC) likewise."""
    id_policy: Literal["guid", "guid+link"] = "guid"
    """What names the entries; switched for good once guids prove not to be unique."""
    doubtful_documents: int = 0
    """Documents in which guids were not unique, so far."""
    subscription: Subscription | None = None
    langs: dict[str, int] = {}
    """How often its longer entries were in which language (ISO 639-1), lately."""
    seen: dict[str, Seen] = {}
    """item_id to what was last emitted."""

    def __post_init__(self) -> None:
        """Refuse times that no plan can be made with."""
        for name in _TIMES:
            at = getattr(self, name)
            if at is not None and not EARLIEST <= at < LATEST:
                raise ValueError(f"`{name}` is {at:%Y-%m-%d}, which is no time of a poll")
        if not 0 <= self.interval_seconds <= _END:
            raise ValueError(f"`interval_seconds` is {self.interval_seconds:g}")


_TIMES = tuple(field.name for field in fields(FeedState) if field.type == Utc | None)
