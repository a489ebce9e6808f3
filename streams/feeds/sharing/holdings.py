"""What is held of one partition of the feeds: the feeds, and what is remembered of them. Pure."""

from __future__ import annotations

from streams.errors import RecordError
from streams.records import Feed, FeedState
from streams.wire import decode, encode

__all__ = ["Holding"]


class Holding:
    """The records of one partition number of `news.feeds` and `news.feed-state`.

    The log is the truth, whoever has written to it: `take_feed` and `take_state` are given what it
    says, in order. A state that this process has just written is known before the log tells of it,
    and counts until then (`remember`).

    States are held as bytes: decoded they would take five times the memory.
    """

    def __init__(self) -> None:
        self.is_complete = False
        """Whether all that others have written is here, and nobody else may write."""
        self._feeds: dict[str, Feed] = {}
        self._states: dict[str, bytes] = {}
        self._ahead: dict[str, bytes] = {}
        """Acknowledged by the broker, but not yet read back."""

    @property
    def feeds(self) -> dict[str, Feed]:
        """feed_id to feed."""
        return self._feeds

    def take_feed(self, key: bytes | None, value: bytes | None) -> bool:
        """Bring in a record of `news.feeds`; return whether it changes anything.

        Raises:
            RecordError: it is unusable. What was known of the feed stays.
        """
        feed_id = _feed_id(key)
        if value is None:
            return self._feeds.pop(feed_id, None) is not None
        feed = decode(Feed, value)
        if feed.feed_id != feed_id:
            raise RecordError(f"the feed {feed.feed_id!r} under the key {feed_id!r}")
        if self._feeds.get(feed_id) == feed:
            return False
        self._feeds[feed_id] = feed
        return True

    def take_state(self, key: bytes | None, value: bytes | None) -> None:
        """Bring in a record of `news.feed-state`.

        Raises:
            RecordError: it is unusable. What was remembered of the feed stays: an older memory
                repeats a few Items under their ids, none at all would judge the feed as new.
        """
        feed_id = _feed_id(key)
        if value is None:
            self._states.pop(feed_id, None)
            return
        if self._ahead.get(feed_id) == value:
            del self._ahead[feed_id]
        elif (found := decode(FeedState, value).feed_id) != feed_id:  # keep the last good one
            raise RecordError(f"the state of {found!r} under the key {feed_id!r}")
        self._states[feed_id] = value

    def remember(self, state: FeedState) -> None:
        """Note what this process has written, and the broker acknowledged."""
        value = encode(state)
        if self._states.get(state.feed_id) != value:  # else it has been read back already
            self._ahead[state.feed_id] = value

    def state(self, feed_id: str) -> FeedState | None:
        """What is remembered of a feed."""
        value = self._ahead.get(feed_id) or self._states.get(feed_id)
        return None if value is None else decode(FeedState, value)


def _feed_id(key: bytes | None) -> str:
    if key is None:
        raise RecordError("no key")
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"the key {key!r} is not UTF-8") from error
