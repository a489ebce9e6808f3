"""What the poller needs of the world around it; tests stand in for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from streams.feeds.document import ParsedFeed
from streams.feeds.fetch import Fetched, NotModified
from streams.feeds.outcome import Outcome
from streams.records import Feed, FeedState, Subscription

__all__ = ["Fetches", "Holdings", "Parses", "Pushes"]


class Fetches(Protocol):
    """What is needed of a Fetcher."""

    async def fetch(
        self, url: str, *, etag: str = "", last_modified: str = "", user_agent: str = ""
    ) -> Fetched | NotModified:
        """Fetch a document, or learn that it has not changed; raises FetchError."""
        ...


class Parses(Protocol):
    """What is needed of a ParserPool."""

    async def parse(self, body: bytes, content_type: str, url: str) -> ParsedFeed:
        """Parse a document; raises ParseError."""
        ...


class Holdings(Protocol):
    """The feeds of this process, such as `streams.feeds.sharing.share.Share`."""

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """The registry as far as it is ours; a live view."""
        ...

    @property
    def version(self) -> int:
        """Changes with every change of `feeds`."""
        ...

    @property
    def fraction(self) -> float:
        """Our share of all feeds, more than 0 and at most 1 where there are any."""
        ...

    @property
    def is_settled(self) -> bool:
        """Whether `feeds` is all that is ours; not while the group shares out anew."""
        ...

    def holds(self, feed_id: str) -> bool:
        """Whether the feed is certainly ours at this moment."""
        ...

    def state(self, feed_id: str) -> FeedState | None:
        """What is remembered of a feed."""
        ...

    def remember(self, state: FeedState) -> None:
        """Keep what the broker has acknowledged."""
        ...


class Pushes(Protocol):
    """Subscriptions to feeds that push, such as `streams.feeds.websub.subscriber.Subscriber`."""

    def after_poll(self, feed: Feed, state: FeedState, outcome: Outcome) -> Subscription | None:
        """What to remember of the subscription of a feed that has just been polled."""
        ...

    def take(self, feed: Feed, state: FeedState) -> None:
        """The feed has become ours."""
        ...

    def subscription(self, feed_id: str) -> Subscription | None:
        """What is known of it by now, to be remembered."""
        ...

    def forget(self, feed_ids: Iterable[str]) -> None:
        """These are no longer ours."""
        ...
