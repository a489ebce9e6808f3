"""How the feeds are doing, for people and for monitoring: rows made of registry and states. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from streams.feeds.links import canonical_url
from streams.records import Feed, FeedState, Polled, Subscription

__all__ = [
    "HEALTHS", "IN_TROUBLE", "Details", "Poll", "Row", "count", "current", "details", "is_overdue",
    "rows",
]  # fmt: skip

HEALTHS = (
    "failing", "blocked", "gone", "dormant", "stale", "slow_down", "new", "ok", "disabled",
)  # fmt: skip
"""Worst first: what has just broken can be mended soonest."""
IN_TROUBLE = frozenset({"failing", "blocked", "gone", "dormant", "stale"})
"""What monitoring should be told of; `slow_down` passes by itself."""
OVERDUE = timedelta(minutes=10)
"""Feeds that wait for others of their host are polled somewhat later than planned."""
MAX_SAME_ADDRESS = 5
DAY = timedelta(days=1)
_RANK = {health: rank for rank, health in enumerate(HEALTHS)}


class Row(Struct, frozen=True, kw_only=True):
    """A feed at a glance. Times are UTC, None where there is none."""

    feed_id: str
    title: str
    url: str
    address: str
    """Where it is polled: `url`, or where that has moved."""
    lang: str
    tier: int
    health: str
    health_since: datetime | None
    reason: str
    """Why it has this health, and which feeds lead to the same address."""
    last_success_at: datetime | None
    next_check_at: datetime | None
    """None for "as soon as possible", and for feeds that are not polled."""
    next_check_reason: str
    interval_seconds: float | None
    """Fixed or learned; None before the first poll."""
    items_last_day: int
    """Items found in the last 24 hours; what the first document held does not count."""
    same_address: tuple[str, ...]
    """feed_ids of other enabled feeds that are polled at the same address, five at most."""


class Poll(Struct, frozen=True, kw_only=True):
    """One poll of the history."""

    at: datetime
    status: int
    """HTTP status; 0 where there was no answer."""
    error: str
    """One stable word; "" for success."""
    size_bytes: int
    took_ms: int
    new: int


class Details(Struct, frozen=True, kw_only=True):
    """What is known of one feed beyond its row."""

    moved_to: str
    """Where the address redirects to for good, while that is not adopted yet."""
    moved_since: datetime | None
    failing_since: datetime | None
    ttl_seconds: int
    cadence_seconds: int
    skip_hours: tuple[int, ...]
    """0 to 23, UTC."""
    skip_days: tuple[int, ...]
    """0 Monday to 6 Sunday, UTC."""
    min_interval_seconds: int | None
    max_interval_seconds: int | None
    user_agent: str
    id_policy: str
    doubtful_documents: int
    items_remembered: int
    subscription: Subscription | None
    history: tuple[Poll, ...]
    """Oldest first."""


def rows(feeds: Mapping[str, Feed], states: Mapping[str, FeedState], now: datetime) -> list[Row]:
    """Describe all feeds.

    Args:
        feeds: the registry, by feed_id.
        states: what the pollers remember, by feed_id; those of removed feeds are ignored.
        now: the time, UTC.

    Returns:
        Worst health first; then official sources first, then by id.
    """
    shared = _by_address(feeds.values(), states)
    found = [_row(feed, states.get(feed.feed_id), shared, now) for feed in feeds.values()]
    return sorted(found, key=lambda row: (_RANK[row.health], row.tier, row.feed_id))


def is_overdue(health: str, next_check_at: datetime | None, now: datetime) -> bool:
    """Whether nobody polls a feed that should be, or nobody as fast as planned."""
    return health != "disabled" and next_check_at is not None and now - next_check_at > OVERDUE


def count(shown: Iterable[Row]) -> dict[str, int]:
    """How many feeds have each health, worst first; those that none has are left out."""
    found = Counter(row.health for row in shown)
    return {health: found[health] for health in HEALTHS if found[health]}


def details(feed: Feed, state: FeedState | None) -> Details:
    """Describe one feed whole."""
    state = current(feed, state)
    return Details(
        moved_to=state.moved_to,
        moved_since=state.moved_since,
        failing_since=state.failing_since,
        ttl_seconds=state.ttl_seconds,
        cadence_seconds=state.cadence_seconds,
        skip_hours=state.skip_hours,
        skip_days=state.skip_days,
        min_interval_seconds=feed.min_interval_seconds,
        max_interval_seconds=feed.max_interval_seconds,
        user_agent=feed.user_agent,
        id_policy=state.id_policy,
        doubtful_documents=state.doubtful_documents,
        items_remembered=len(state.seen),
        subscription=state.subscription,
        history=tuple(map(_poll, state.history)),
    )


def _row(
    feed: Feed, state: FeedState | None, shared: Mapping[str, tuple[str, ...]], now: datetime
) -> Row:
    state = current(feed, state)
    address = state.address or feed.url
    near = shared.get(_key(feed, state), ()) if feed.enabled else ()
    same = tuple(each for each in near if each != feed.feed_id)[:MAX_SAME_ADDRESS]
    remarks = (state.reason, f"same address as {', '.join(same)}" if same else "")
    learned = state.interval_seconds if state.last_fetch_at else None
    return Row(
        feed_id=feed.feed_id,
        title=feed.title,
        url=feed.url,
        address=address,
        lang=feed.lang,
        tier=feed.tier,
        health=state.health if feed.enabled else "disabled",
        health_since=state.health_since if feed.enabled else None,
        reason="; ".join(each for each in remarks if each),
        last_success_at=state.last_success_at,
        next_check_at=state.next_check_at if feed.enabled else None,
        next_check_reason=state.schedule_reason if feed.enabled else "not polled",
        interval_seconds=float(feed.interval_seconds) if feed.interval_seconds else learned,
        items_last_day=_items_since(state, now - DAY),
        same_address=same,
    )


def current(feed: Feed, state: FeedState | None) -> FeedState:
    """What still holds: health and plans belong to an address, and end with it."""
    if state is None:
        return FeedState(feed_id=feed.feed_id, url=feed.url)
    if state.url == feed.url:
        return state
    return FeedState(
        feed_id=feed.feed_id,
        url=feed.url,
        interval_seconds=state.interval_seconds,
        last_fetch_at=state.last_fetch_at,
        seen=state.seen,
        reason="the address was changed, and has not been polled since",
    )


def _by_address(
    feeds: Iterable[Feed], states: Mapping[str, FeedState]
) -> dict[str, tuple[str, ...]]:
    """The first enabled feeds by where they lead; only what more than one leads to."""
    found: dict[str, list[str]] = {}
    for feed in feeds:
        if feed.enabled:
            key = _key(feed, current(feed, states.get(feed.feed_id)))
            found.setdefault(key, []).append(feed.feed_id)
    return {
        key: tuple(sorted(ids)[: MAX_SAME_ADDRESS + 1])
        for key, ids in found.items()
        if len(ids) > 1
    }


def _key(feed: Feed, state: FeedState) -> str:
    """One for addresses that differ in http and https alone."""
    return canonical_url(state.address or state.moved_to or feed.url).partition("://")[2]


def _items_since(state: FeedState, moment: datetime) -> int:
    first = state.first_success_at
    after = max(moment.timestamp(), first.timestamp() if first else 0.0)
    return sum(seen.first_seen > after for seen in state.seen.values())


def _poll(polled: Polled) -> Poll:
    return Poll(
        at=datetime.fromtimestamp(polled.at, UTC),
        status=polled.status,
        error=polled.error,
        size_bytes=polled.size,
        took_ms=polled.took_ms,
        new=polled.new,
    )
