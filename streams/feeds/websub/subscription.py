"""WebSub: when a hub is asked to push a feed, what it may tell us, and when it is not believed.

Pure; `subscriber` and `callback` are the edge. The terms are those of the W3C recommendation
(https://www.w3.org/TR/websub/), whose "topic" is called `feed_url` here.

For those who run it
    - Off until `WIREWATCH_WEBSUB_URL` is set: the public https address of this poll process. A
      proxy with TLS hands what comes for it to `WIREWATCH_WEBSUB_LISTEN`. Each poll process needs
      an address of its own; `WIREWATCH_WEBSUB_SECRET` (32 bytes or more) may be the same for all.
    - A feed whose document names a hub and itself is subscribed to: `asked`. The hub calls back to
      confirm, for a lease of days, renewed after 80 % of it.
    - `active` is only what a push has really come for; then polls become rare, but never stop. A
      poll that finds something first makes it `asked` again, and polls are as frequent as before.
    - Two items found first by polling without a push since: `distrusted`, asked again in a month.
    - A hub that says no is `refused`, asked again in a week. Silence is answered by asking again
      after 1, 2, 4 … hours, at most once a day.
    - Every push is signed with a secret of its own feed and hub, made from the one above and kept
      nowhere. What is not signed well is ignored, without telling the sender.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from streams.feeds.guard import refuse_url
from streams.feeds.outcome import Outcome
from streams.records import Subscription

__all__ = [
    "Ask", "Standing", "answered", "form", "is_leased", "leave", "plan", "pushed", "verify",
    "verify_leaving",
]  # fmt: skip

MINUTE, HOUR, DAY = 60, 3_600, 86_400

LEASE_SECONDS = 10 * DAY
"""Asked for; also taken where a hub does not say."""
SHORTEST_LEASE, LONGEST_LEASE = HOUR, 14 * DAY
"""Shorter ones would be renewed all the time; longer ones are renewed as if they were this long."""
RENEWED_AT = 0.8
FIRST_RETRY, LAST_RETRY = HOUR, DAY
REST = {"refused": 7 * DAY, "distrusted": 30 * DAY}
DISTRUSTED_AT = 2
"""So many items, found first by polling."""
GRACE_SECONDS = 10 * MINUTE
"""A push may come so long after (or before) the poll that finds the same."""
_MAX_URL_CHARACTERS = 2_048
_MAX_DIGITS = 12
_NOT_FOUND = 404


class Standing(Struct, frozen=True, kw_only=True):
    """How a feed stands with its hub. Times are Unix seconds, 0 for never.

    In `subscription`, `since` is when the hub last confirmed, or when it was first asked without
    having confirmed, or when it was refused or distrusted. All the rest is what only this process
    remembers; without it (after a restart, or as the new owner of the feed) the hub is asked once
    more, since it may know somebody else's callback.
    """

    subscription: Subscription
    asked_at: int = 0
    polled_at: int = 0
    """Latest poll that told what there is."""
    pushed_at: int = 0
    doubted_at: int = 0
    """When `DISTRUSTED_AT` was reached; forgiven if a push comes soon."""


class Ask(Struct, frozen=True):
    """A request to a hub."""

    mode: Literal["subscribe", "unsubscribe"]
    hub: str
    """https, also where the document says http: the request carries the secret."""
    feed_url: str


def plan(
    standing: Standing | None, outcome: Outcome, now: datetime
) -> tuple[Standing | None, Ask | None]:
    """Decide what to do about a feed's hub after a poll.

    Args:
        standing: so far; None without a subscription.
        outcome: of a poll, never of a push. An error means that nothing is known anew.
        now: time of the poll.

    Returns:
        The standing from now on, and what to ask the hub, if anything. One process asks about one
        feed no more than once an hour.
    """
    at = int(now.timestamp())
    named = _named(outcome)
    if standing is None:
        return _begin(named, at) if named else (None, None)
    standing = _counted(_judged(standing, at), outcome, at)
    subscription = standing.subscription
    if named and named != (subscription.hub, subscription.feed_url):
        too_soon = at - standing.asked_at < FIRST_RETRY
        return (standing, None) if too_soon else _begin(named, at)
    if not named and outcome.new + outcome.updated + outcome.unchanged:  # read, and no hub in it
        over = at >= max(subscription.until, standing.asked_at + FIRST_RETRY)
        return (None if over else standing), None
    if not _is_due(standing, at):
        return standing, None
    ask = Ask("subscribe", _over_tls(subscription.hub), subscription.feed_url)
    return _asked_again(standing, at), ask


def answered(standing: Standing, ask: Ask, status: int | None, now: datetime) -> Standing:
    """Take note of the hub's answer to a request to subscribe.

    Args:
        standing: as it is by now.
        ask: the request.
        status: of the answer; None without one. Anything but a refusal is left to `plan`.
        now: time of the answer.
    """
    subscription = standing.subscription
    if (_over_tls(subscription.hub), subscription.feed_url) != (ask.hub, ask.feed_url):
        return standing
    refused = status is not None and 400 <= status < 500 and status not in (408, 429)
    if not refused or is_leased(subscription, now):  # the old lease outlives a failed renewal
        return standing
    return _refused(standing, now)


def verify(
    query: Mapping[str, str], standing: Standing, now: datetime
) -> tuple[int, str, Standing]:
    """Answer a hub's GET that confirms or denies a subscription.

    Returns:
        Status and body to answer with, and the standing from now on. 404 says: not what we want.
    """
    subscription, at = standing.subscription, int(now.timestamp())
    wanted = subscription.state not in REST and query.get("hub.topic") == subscription.feed_url
    mode, challenge = query.get("hub.mode"), query.get("hub.challenge", "")
    if wanted and mode == "denied":
        return 200, "", _refused(standing, now)
    lease = _lease(query.get("hub.lease_seconds", ""))
    if not wanted or mode != "subscribe" or not challenge or lease < SHORTEST_LEASE:
        return _NOT_FOUND, "", standing
    confirmed = replace(subscription, since=at, until=at + lease)
    asked_at = standing.asked_at or at  # whoever did: the hub knows this callback
    return 200, challenge, replace(standing, subscription=confirmed, asked_at=asked_at)


def verify_leaving(query: Mapping[str, str], feed_url: str) -> tuple[int, str]:
    """Answer a hub's GET that asks whether a subscription shall really end."""
    challenge = query.get("hub.challenge", "")
    agreed = query.get("hub.mode") == "unsubscribe" and query.get("hub.topic") == feed_url
    return (200, challenge) if agreed and challenge else (_NOT_FOUND, "")


def pushed(standing: Standing, now: datetime) -> Standing:
    """Take note of a push that was signed well: what polls found first is forgiven."""
    subscription, at = standing.subscription, int(now.timestamp())
    if subscription.state not in REST:
        state: Literal["asked", "active"] = "active" if subscription.until > at else "asked"
        subscription = replace(subscription, state=state, missed=0)
    return replace(standing, subscription=subscription, pushed_at=at, doubted_at=0)


def is_leased(subscription: Subscription, now: datetime) -> bool:
    """Whether the hub has promised to push at this time."""
    return subscription.until > now.timestamp()


def leave(subscription: Subscription) -> Ask:
    """The request to end a subscription."""
    return Ask("unsubscribe", _over_tls(subscription.hub), subscription.feed_url)


def form(ask: Ask, callback: str, secret: str) -> dict[str, str]:
    """The fields to post to the hub."""
    fields = {"hub.mode": ask.mode, "hub.topic": ask.feed_url, "hub.callback": callback}
    if ask.mode == "subscribe":
        fields |= {"hub.lease_seconds": str(LEASE_SECONDS), "hub.secret": secret}
    return fields


def _named(outcome: Outcome) -> tuple[str, str] | None:
    """Hub and self of a document, if both can be used."""
    addresses = (outcome.hub, outcome.feed_url)
    if outcome.error or not all(addresses) or any(map(refuse_url, addresses)):
        return None
    if any(len(each) > _MAX_URL_CHARACTERS for each in addresses):
        return None
    parts = urlsplit(outcome.hub)
    return addresses if parts.scheme == "https" or parts.port in (None, 80) else None


def _over_tls(hub: str) -> str:
    """A hub's address with https; on port 80 there is none."""
    parts = urlsplit(hub)
    if parts.scheme == "https":
        return hub
    return parts._replace(scheme="https", netloc=parts.netloc.removesuffix(":80")).geturl()


def _begin(named: tuple[str, str], at: int) -> tuple[Standing, Ask]:
    hub, feed_url = named
    standing = Standing(
        subscription=Subscription(hub=hub, feed_url=feed_url, since=at), asked_at=at
    )
    return standing, Ask("subscribe", _over_tls(hub), feed_url)


def _judged(standing: Standing, at: int) -> Standing:
    """Stop believing a hub whose time to make up for what it missed is over."""
    if not standing.doubted_at or at - standing.doubted_at < GRACE_SECONDS:
        return standing
    distrusted = replace(standing.subscription, state="distrusted", since=at)
    return replace(standing, subscription=distrusted, doubted_at=0)


def _counted(standing: Standing, outcome: Outcome, at: int) -> Standing:
    """Count what this poll found first.

    Only what has appeared since the poll before is the hub's to push, and only if it had confirmed
    by then; and the poll may just have been faster.
    """
    if outcome.error:
        return standing
    subscription = standing.subscription
    should_push = subscription.state not in REST and subscription.until > at
    had_time = standing.polled_at >= subscription.since and at - standing.pushed_at >= GRACE_SECONDS
    standing = replace(standing, polled_at=at)
    if not (outcome.new and should_push and had_time):
        return standing
    missed = subscription.missed + outcome.new
    doubted_at = standing.doubted_at or (at if missed >= DISTRUSTED_AT else 0)
    counted = replace(subscription, state="asked", missed=missed)
    return replace(standing, subscription=counted, doubted_at=doubted_at)


def _is_due(standing: Standing, at: int) -> bool:
    subscription = standing.subscription
    if subscription.state in REST:
        return at - subscription.since >= REST[subscription.state]
    if _is_taken_over(standing):
        return True
    begun = subscription.since
    if subscription.until:
        begun += int(RENEWED_AT * (subscription.until - subscription.since))
    wait = min(max(standing.asked_at - begun, FIRST_RETRY), LAST_RETRY)
    return at >= begun and at - standing.asked_at >= wait


def _is_taken_over(standing: Standing) -> bool:
    """Whether the hub may know the callback of another process only."""
    return not standing.asked_at and not standing.pushed_at


def _asked_again(standing: Standing, at: int) -> Standing:
    subscription = standing.subscription
    if subscription.state not in REST and subscription.until > at and not _is_taken_over(standing):
        return replace(standing, asked_at=at)  # a renewal: the lease still counts
    fresh = Subscription(hub=subscription.hub, feed_url=subscription.feed_url, since=at)
    if not subscription.until and subscription.state == "asked":
        fresh = replace(fresh, since=subscription.since)  # still no answer: ever more rarely
    return replace(standing, subscription=fresh, asked_at=at, doubted_at=0)


def _refused(standing: Standing, now: datetime) -> Standing:
    subscription = standing.subscription
    refused = Subscription(
        hub=subscription.hub,
        feed_url=subscription.feed_url,
        state="refused",
        since=int(now.timestamp()),
    )
    return replace(standing, subscription=refused, doubted_at=0)


def _lease(text: str) -> int:
    """Seconds, within what we honour; 0 for what is no number."""
    if not text:
        return LEASE_SECONDS
    if not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text), LONGEST_LEASE) if len(text) <= _MAX_DIGITS else LONGEST_LEASE
