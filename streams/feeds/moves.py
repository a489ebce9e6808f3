"""Where a feed is fetched from, when its address redirects for good. Pure.

A permanent redirect (301, 308) is followed at once but believed only after a week: servers answer
so by mistake, log-in pages and expired domains do, and what is adopted is not asked about again.
Temporary ones (302, 303, 307) are followed and never believed. The configured address stays in
`FeedState.url`; it is what is asked again when the adopted one no longer brings a feed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from msgspec import Struct

from streams.feeds.outcome import Outcome
from streams.records import Feed, FeedState

__all__ = ["Move", "address_of", "after", "at_new_url"]

ADOPT_AFTER = timedelta(days=7)
_LOST = frozenset({"not_found", "gone"})
_USELESS = _LOST | {"dns", "not_a_feed"}
"""What an adopted address answers that is no feed any more."""
_PASSING = frozenset({
    "connect", "dns", "dns_temporary", "server", "slow_down", "timeout", "tls", "unexpected",
})  # fmt: skip
"""Failures that say nothing about where the feed lives."""


class Move(Struct, frozen=True, kw_only=True):
    """What is known about the address after a poll; the fields of FeedState, and a remark."""

    address: str = ""
    moved_to: str = ""
    moved_since: datetime | None = None
    remark: str = ""
    """What happened, for a person; "" if nothing did."""


def address_of(feed: Feed, state: FeedState | None) -> str:
    """What to fetch: the adopted address if there is one, else the configured one."""
    if state is None or state.url != feed.url:
        return feed.url
    return state.address or feed.url


def at_new_url(state: FeedState, url: str) -> FeedState:
    """What stays when people give a feed another URL: what was seen, how it is named, the pace.

    Validators and health belong to an address. Without a success there, its first document is
    judged as a first poll: what it held before is backfill.
    """
    return FeedState(
        feed_id=state.feed_id,
        url=url,
        last_fetch_at=state.last_fetch_at,
        silent_since=state.silent_since,  # its end is still to be told
        interval_seconds=state.interval_seconds,
        history=state.history,
        id_policy=state.id_policy,
        doubtful_documents=state.doubtful_documents,
        seen=state.seen,
    )


def after(feed: Feed, state: FeedState, outcome: Outcome, now: datetime) -> Move:
    """Decide where the feed lives.

    Args:
        feed: its configured address.
        state: as before the poll; `address_of` tells what was requested.
        outcome: the poll.
        now: its time.
    """
    if outcome.error:
        return _after_failure(feed, state, outcome, now)
    asked, target = address_of(feed, state), outcome.permanent_url
    if target in ("", asked):
        return Move(address=state.address)
    since = (state.moved_since or now) if target == state.moved_to else now
    if _is_upgrade(asked, target):
        return _adopted(feed, target, "the same address, encrypted")
    if now - since >= ADOPT_AFTER:
        return _adopted(feed, target, f"so since {since:%Y-%m-%d}")
    until = since + ADOPT_AFTER
    return Move(
        address=state.address,
        moved_to=target,
        moved_since=since,
        remark=f"moved for good to {_shown(target)}; adopted on {until:%Y-%m-%d} if that lasts",
    )


def _after_failure(feed: Feed, state: FeedState, outcome: Outcome, now: datetime) -> Move:
    """Neither the configured nor the adopted address is given up for the other.

    What was adopted once stays in `moved_to`, without a date, and has its turn again.
    """
    was_adopted = bool(state.moved_to) and state.moved_since is None
    is_old = state.moved_since is None or now - state.moved_since >= ADOPT_AFTER
    lost = _USELESS if is_old else _LOST
    if outcome.error in lost and not outcome.permanent_url and state.moved_to:
        return _adopted(feed, state.moved_to, "the old address is gone")
    if outcome.error in _USELESS and address_of(feed, state) != feed.url:
        remark = f"{_shown(state.address)} brings no feed; back to the configured address"
        return Move(moved_to=state.address, remark=remark)
    if outcome.error in _PASSING or was_adopted:
        return Move(address=state.address, moved_to=state.moved_to, moved_since=state.moved_since)
    return Move(address=state.address)  # an answer, but no feed: not "without exception"


def _adopted(feed: Feed, target: str, why: str) -> Move:
    address = "" if target == feed.url else target
    return Move(address=address, remark=f"moved for good to {_shown(target)}: {why}; adopted")


def _shown(url: str) -> str:
    """For remarks, which are logged: a query may hold the key of a private feed."""
    address, mark, _ = url.partition("?")
    return f"{address}{mark and '?…'}"


def _is_upgrade(asked: str, target: str) -> bool:
    """Whether only http has become https; ports other than the usual ones are another place."""
    try:
        old, new = urlsplit(asked), urlsplit(target)
        ports = old.port in (None, 80), new.port in (None, 443)
    except ValueError:
        return False
    return (
        (old.scheme, new.scheme) == ("http", "https")
        and all(ports)
        and (old.hostname, old.path or "/", old.query) == (new.hostname, new.path or "/", new.query)
    )
