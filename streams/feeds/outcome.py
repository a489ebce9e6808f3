"""What came of one poll, for the decisions that follow: health and the next poll."""

from __future__ import annotations

from msgspec import Struct

from streams.errors import FeedError, FetchError

__all__ = ["Outcome"]


class Outcome(Struct, frozen=True, kw_only=True):
    """A poll that worked (`error` is empty) or did not."""

    error: str = ""
    """`FeedError.kind`: what went wrong, as one stable word."""
    message: str = ""
    """The same for a person; or, without error, what the publisher should be told."""
    status: int | None = None
    """HTTP status, where there was an answer."""
    retry_after_seconds: float | None = None
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    """Entries in the document; all 0 when the server said that nothing has changed."""
    wait_seconds: float = 0.0
    """For how long the answer's headers call it fresh (max-age, Expires); 0 if they do not."""
    permanent_url: str = ""
    """Where the requested address redirects to for good; "" if it does not."""
    answered_by: str = ""
    """The address that refused, after redirects; "" where there was a document or no answer."""
    hub: str = ""
    """WebSub hub that the document or its headers name; "" if none, or if there was no document."""
    feed_url: str = ""
    """The address that the document gives itself, likewise."""
    size: int = 0
    """Bytes of the document, decompressed."""
    took_ms: int = 0
    """From the request to the decision."""

    @staticmethod
    def of_error(error: FeedError) -> Outcome:
        """Describe a failure."""
        fetch = error if isinstance(error, FetchError) else None
        return Outcome(
            error=error.kind,
            message=str(error),
            status=fetch.status if fetch else None,
            retry_after_seconds=fetch.retry_after_seconds if fetch else None,
            permanent_url=fetch.permanent_url if fetch else "",
            answered_by=fetch.answered_by if fetch else "",
        )
