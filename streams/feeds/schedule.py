"""When a feed is polled next, and why. Pure: the same input, the same time.

The interval follows the square root of how much a feed brings. For a given number of requests that
spreads them so that all entries together wait shortest: with an interval T a feed of rate r costs
1/T requests and its entries wait r*T/2 together, and the sum over all feeds is smallest where T is
proportional to 1/sqrt(r) (the square-root law of resource allocation; for web pages see Cho and
Garcia-Molina, "Effective page refresh policies for web crawlers", TODS 2003). The rate is that of
the hour of the day, so that polls gather where entries do.

Measured on 100 publishers of `tests/bench/publishers.py` over 14 days, other ones than those that
the constants were chosen on. The common rule, halving when a third of a document is new and growing
by 1.2 when nothing is, drifts, since busy feeds rarely bring a third: 13,200 requests, entries wait
67 min on average. The law, slowed down to 13,100 requests: 45 min. At its real pace, one rate for
the whole day against one per hour: daily feeds wait 19.0 and 9.5 min, with 6 % fewer requests in
all; newsrooms 3.4 min either way; breaking stories 6.7 and 7.2, weekly feeds 45 and 52 min.

Phases are a hash of the feed_id instead of a random number: feeds that failed together do not stay
together, and replaying the same history gives the same plan.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta

from streams.feeds import health, rhythm
from streams.feeds.outcome import Outcome
from streams.records import Feed, FeedState, Polled

__all__ = ["document_wanted", "first_check", "next_check", "phase", "wait_seconds"]

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0

SHORTEST, SHORTEST_PER_HOUR = 5 * MINUTE, 6.0
"""Feeds that bring so much an hour, or more, are polled at SHORTEST, the others by the law: 15 min
for one entry in 90 minutes, 1 h for one a day, 3 h after a week of silence, 6 h after a month."""
LONGEST = DAY
"""Reached after two years of silence."""
FARTHEST = 365 * DAY
"""No plan looks further ahead, whatever interval was set."""
LONGEST_CHECK = 6 * HOUR
"""For feeds that are alive, however rarely their servers or hubs let them be polled."""
CADENCE_HOURS = 24.0
"""What a document says about its cadence is believed as far as one entry a day. Most feeds that
say something repeat the default of their software."""
MISSING_SHARE, MISSING_ENTRIES = 1 / 3, 4
"""If so much of a document is new, entries may have come and gone between two polls."""
LONGEST_WAIT = DAY
"""Ceiling for what publishers ask and for the backoff."""
BLOCKED = 6 * HOUR
TOO_MANY = 429
DEFAULT_PAUSE = HOUR
"""After "too many requests" without Retry-After."""
OVERSHOOT = 1 / 8
"""What passes by itself is noticed to have passed after this share of the time it took."""
GONE, DORMANT = 30 * DAY, 7 * DAY
PUSHED_FACTOR, PUSHED_LEAST = 4, HOUR
"""Between polls of a feed whose hub pushes: they only check that the hub still does."""
JITTER = 0.1
AFTER_SKIPPED = 10 * MINUTE
"""Over so long the feeds of a server are scattered that all wait for the same hour."""
TRUSTED_SHORT, TRUSTED_LONG = HOUR / 2, 7 * DAY
"""For how long "nothing has changed" is believed without seeing the document."""
TRUSTED_GAPS = 3.0
_MAX_DOUBLINGS = 20


def next_check(
    state: FeedState, outcome: Outcome, feed: Feed, now: datetime
) -> tuple[datetime, float, str]:
    """Plan the next poll.

    Args:
        state: as after the poll: `health`, `failures`, `history` and `seen` are up to date.
        outcome: the poll.
        feed: its settings; a fixed interval is kept to the second while the feed works.
        now: time of the poll.

    Returns:
        When to poll next; the learned interval in seconds, without hints and backoff; the reason.
    """
    interval, why = _interval(state, outcome, feed, now)
    interval = min(interval, FARTHEST)
    if outcome.error:
        delay, why = _after_failure(state, outcome, interval, feed, now)
    elif feed.interval_seconds:
        delay = interval
    else:
        delay, why = _after_success(state, outcome, feed, now, (interval, why))
    due = now + timedelta(seconds=min(delay, FARTHEST))
    if not feed.interval_seconds:
        due, why = _out_of_skipped(state, feed, due, why)
    return due, interval, why


def first_check(feed: Feed, state: FeedState | None, now: datetime) -> datetime:
    """When to poll after a start: as planned before it, so that a restart does not refetch all.

    The plan of another address does not count, settings may have been shortened meanwhile, and a
    clock that was wrong may have been set back.
    """
    if state is None or state.next_check_at is None or state.url != feed.url:
        return now
    if state.last_fetch_at is None:
        return state.next_check_at
    planned = state.next_check_at - state.last_fetch_at
    longest = feed.interval_seconds
    if feed.max_interval_seconds and state.interval_seconds > feed.max_interval_seconds:
        longest = longest or feed.max_interval_seconds
    if longest is not None and not state.failures and state.health != "slow_down":
        planned = min(planned, timedelta(seconds=min(longest, FARTHEST)))
    if state.subscription is not None and state.subscription.state == "active":
        # What its hub has pushed meanwhile, nobody has taken.
        planned = min(planned, timedelta(seconds=state.interval_seconds))
    return min(state.last_fetch_at, now) + planned


def wait_seconds(state: FeedState, now: datetime) -> float:
    """How long to wait for the poll that was planned just now, 0 or more.

    Never longer than planned: the clock may have been set back since.
    """
    if state.next_check_at is None:
        return 0.0
    wait = state.next_check_at - now
    if state.last_fetch_at is not None and state.last_fetch_at < state.next_check_at:
        wait = min(wait, state.next_check_at - state.last_fetch_at)
    return max(wait.total_seconds(), 0.0)


def document_wanted(state: FeedState, now: datetime, parser: str) -> str:
    """Why to ask without validators now, so that the document comes even if it has not changed.

    Some servers answer 304 for ever although there are news. What a feed usually brings tells how
    soon that is suspicious; the longer the silence has been confirmed, the more rarely it is.

    Args:
        state: as before the poll.
        now: time of the poll.
        parser: version of the parser that would read the document.

    Returns:
        The reason, or "" if the validators may be sent.
    """
    if not (state.etag or state.last_modified):
        return ""
    if state.parser != parser:
        return "the parser has changed"
    if state.last_document_at is None:
        return "no document has been seen"
    unseen = (now - state.last_document_at).total_seconds()
    if unseen < TRUSTED_SHORT:
        return ""
    silent, gap = rhythm.silence(state, now)
    if unseen < min(max(silent / 2, TRUSTED_GAPS * gap), TRUSTED_LONG):
        return ""
    return f"no document for {unseen / HOUR:.0f} hours, only the word that nothing has changed"


def phase(feed_id: str) -> float:
    """A stable place in [0, 1) per feed."""
    digest = hashlib.blake2b(feed_id.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32


def _interval(state: FeedState, outcome: Outcome, feed: Feed, now: datetime) -> tuple[float, str]:
    """The interval that fits what the feed brings."""
    if feed.interval_seconds:
        return float(feed.interval_seconds), "fixed interval"
    if outcome.error or state.first_success_at is None:
        return state.interval_seconds, "as before"
    found = rhythm.learn(state, now, _prior_hours(state))
    interval = _spread(found, now.timestamp())
    why = f"about {_rate(found.per_hour)}"
    if _may_miss(state, outcome, now) and interval > state.interval_seconds / 2:
        interval, why = state.interval_seconds / 2, "much of the document is new"
    accepted = min(_accepted(state.history), LONGEST_CHECK)
    if accepted > interval:
        interval, why = accepted, f"{why}; asked to slow down when polled more often"
    return _within(feed, max(interval, SHORTEST)), why


def _spread(found: rhythm.Rhythm, moment: float) -> float:
    """Seconds until the next poll, if polls are as dense in every hour as its rate asks for."""
    until, left = moment, 1.0  # of the way to the next poll
    while until < moment + LONGEST:
        rate = found.by_hour[int(until // HOUR) % 24]
        if until < moment + rhythm.RECENT:
            rate = max(rate, found.recent_per_hour)
        pace = max(SHORTEST * math.sqrt(SHORTEST_PER_HOUR / rate), SHORTEST)
        end = (until // HOUR + 1) * HOUR
        if until + left * pace <= end:
            return until + left * pace - moment
        until, left = end, left - (end - until) / pace
    return LONGEST


def _accepted(history: tuple[Polled, ...]) -> float:
    """The longest time between two polls that worked, with nothing but 429 between them; 0 if none.

    That is how rarely the server wants to be asked, until the 429 leaves the history.
    """
    longest, since, refused = 0, 0, False
    for polled in history:
        if polled.status == TOO_MANY:
            refused = True
            continue
        if refused and since and not polled.error:
            longest = max(longest, polled.at - since)
        since, refused = (0 if polled.error else polled.at), False
    return float(longest)


def _prior_hours(state: FeedState) -> float:
    """How long one entry is supposed to take, from the cadence that the document promises."""
    if not state.cadence_seconds:
        return rhythm.PRIOR_HOURS
    hours = (state.cadence_seconds / SHORTEST) ** 2 / SHORTEST_PER_HOUR
    return min(max(hours, 1 / SHORTEST_PER_HOUR), CADENCE_HOURS)


def _may_miss(state: FeedState, outcome: Outcome, now: datetime) -> bool:
    """Whether so much was new that entries may have left the document unseen."""
    if state.first_success_at == now:
        return False  # of a first document everything is new
    total = outcome.new + outcome.unchanged + outcome.updated
    return total >= MISSING_ENTRIES and outcome.new / total >= MISSING_SHARE


def _within(feed: Feed, seconds: float) -> float:
    """Keep the bounds that a person has set; where they contradict each other, the polite one."""
    shortest, longest = feed.min_interval_seconds or 0, feed.max_interval_seconds or math.inf
    return max(min(seconds, longest), shortest)


def _after_success(
    state: FeedState, outcome: Outcome, feed: Feed, now: datetime, learned: tuple[float, str]
) -> tuple[float, str]:
    """The interval, scattered, and not before the publisher expects a poll."""
    interval, why = learned
    delay = _within(feed, interval * _jitter(phase(feed.feed_id)))
    subscription = state.subscription
    if subscription and subscription.state == "active" and subscription.until > now.timestamp():
        delay = min(max(PUSHED_FACTOR * delay, PUSHED_LEAST), LONGEST_CHECK)
        why = f"{why}; its hub pushes, so polls only check"
    wait = min(max(outcome.wait_seconds, state.ttl_seconds), LONGEST_WAIT)
    if wait > delay:
        delay, why = wait, f"{why}; the publisher asks to wait {_duration(wait)}"
    return delay, why


def _after_failure(
    state: FeedState, outcome: Outcome, interval: float, feed: Feed, now: datetime
) -> tuple[float, str]:
    """Longer with every failure, never for ever, and never sooner than the server asked."""
    place = phase(feed.feed_id)
    doublings = min(math.floor(state.failures), _MAX_DOUBLINGS)
    if outcome.error == "slow_down":
        asked = outcome.retry_after_seconds
        delay = max(DEFAULT_PAUSE if asked is None else asked, interval)
        delay = min(delay, LONGEST_WAIT)
        # Scattered afterwards, by an hour at most: feeds of one server were stopped together.
        return delay + place * min(delay / 4, HOUR), "the server asks to slow down"
    if state.health == "gone":
        delay, why = GONE, "gone: once a month"
    elif state.health == "dormant":
        delay, why = DORMANT, "failing for long: once a week"
    elif outcome.error == "blocked":
        delay = min(BLOCKED * 2 ** max(doublings - 1, 0), LONGEST_WAIT)
        why = "refused by the server"
    else:
        delay = min(interval * 2**doublings, LONGEST_WAIT)
        if outcome.error in health.SOFT and state.failing_since:
            failing = (now - state.failing_since).total_seconds()
            delay = min(delay, max(interval, failing * OVERSHOOT))
        why = f"{state.failures:g} failures in a row, weighted"
    asked = min(outcome.retry_after_seconds or 0.0, LONGEST_WAIT)
    return max(delay * _jitter(place), asked), why


def _out_of_skipped(state: FeedState, feed: Feed, due: datetime, why: str) -> tuple[datetime, str]:
    """Wait for the end of the hours and days in which the publisher does not want to be asked."""
    hours, days = set(state.skip_hours), set(state.skip_days)
    if hours >= set(range(24)) or days >= set(range(7)):
        return due, f"{why}; all hours or days are to be skipped, so none is"
    moved = due.astimezone(UTC)
    while moved.hour in hours or moved.weekday() in days:
        moved = moved.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if moved == due:
        return due, why
    moved += timedelta(seconds=AFTER_SKIPPED * phase(feed.feed_id))
    return moved, f"{why}; after the hours that the publisher wants skipped"


def _jitter(place: float) -> float:
    return 1 - JITTER + 2 * JITTER * place


def _rate(per_hour: float) -> str:
    if per_hour >= 1:
        return f"{per_hour:.1f} new an hour"
    return f"{per_hour * 24:.1f} new a day"


def _duration(seconds: float) -> str:
    return f"{seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.0f} h"
