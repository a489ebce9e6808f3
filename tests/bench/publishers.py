"""Simulated publishers: when their entries appear, and how their servers behave. All seeded."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

MINUTE, HOUR, DAY = 60, 3_600, 86_400
START = int(datetime(2026, 11, 2, tzinfo=UTC).timestamp())  # a Monday


class Site(Struct, frozen=True, kw_only=True):
    """A publisher: when its entries appear, and its manners. Times are Unix seconds."""

    name: str
    times: tuple[int, ...]
    window: int = 30
    """Entries in the document."""
    lies: bool = False
    """Answers 304 to whoever brings a validator."""
    limit_seconds: int = 0
    """Answers 429 to whoever comes sooner after the last document."""
    flaps: bool = False
    """Fails in about every second hour."""
    moved_at: float = math.inf
    """From then on the address redirects for good; two weeks later it is not found."""
    max_age_seconds: int = 0
    """The document is made anew so often, and says so."""
    ttl_seconds: int = 0
    """The document asks to wait so long, without need."""


class Answer(Struct, frozen=True, kw_only=True):
    """What came of a request, redirects followed."""

    status: int
    etag: str = ""
    entries: range = range(0)
    """Their indices in `Site.times`."""
    retry_after: int | None = None
    wait: float = 0.0
    permanent_url: str = ""
    requests: int = 1


class Door:
    """A site as one poller sees it: it remembers when that poller came."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._served = -math.inf

    def ask(self, url: str, etag: str, now: float) -> Answer:
        """Answer a request; `url` is `site.name`, or `site.name` with "/new"."""
        site = self._site
        if now >= site.moved_at and not url.endswith("/new"):
            if now >= site.moved_at + 14 * DAY:
                return Answer(status=404)
            there = self.ask(f"{url}/new", etag, now)
            return replace(there, permanent_url=f"{url}/new", requests=there.requests + 1)
        if site.flaps and random.Random(f"{site.name}{int(now) // HOUR}").random() < 0.5:
            return Answer(status=503)
        wait = self._served + site.limit_seconds - now
        if wait > 0:
            return Answer(status=429, retry_after=math.ceil(wait))
        self._served = now
        return self._document(etag, now)

    def _document(self, etag: str, now: float) -> Answer:
        site, age = self._site, 0.0
        if site.max_age_seconds:
            age = now % site.max_age_seconds
        end = bisect_right(site.times, now - age)
        wait = site.max_age_seconds - age if site.max_age_seconds else 0.0
        if etag and (site.lies or etag == str(end)):
            return Answer(status=304, etag=etag, wait=wait)
        entries = range(max(0, end - site.window), end)
        return Answer(status=200, etag=str(end), entries=entries, wait=wait)


Shape = Callable[[int], float]
"""Unix seconds at the begin of an hour to the entries expected in it."""


def _poisson(chance: random.Random, shape: Shape, days: int) -> Iterator[int]:
    """Entries at random, from the day before the start on, so that no document begins empty."""
    for hour in range(START - DAY, START + days * DAY, HOUR):
        left = shape(hour)
        moment = chance.expovariate(left) if left else math.inf
        while moment < 1:
            yield hour + int(moment * HOUR)
            moment += chance.expovariate(left)


def _newsroom(chance: random.Random, days: int) -> Iterator[int]:
    """Busy by day, quiet by night, half as much at weekends."""
    peak, opens = chance.uniform(1.5, 9.0), chance.randrange(24)

    def shape(moment: int) -> float:
        hour, day = (moment // HOUR - opens) % 24, (moment - START) // DAY % 7
        return peak * (1.0 if hour < 15 else 0.08) * (0.5 if day >= 5 else 1.0)

    return _poisson(chance, shape, days)


def _bursty(chance: random.Random, days: int) -> Iterator[int]:
    """Little, and now and then a story that breaks."""
    bursts = {START + chance.randrange(days * 24) * HOUR for _ in range(max(1, days // 3))}

    def shape(moment: int) -> float:
        ages = [(moment - burst) / HOUR for burst in bursts if moment >= burst]
        return 0.2 + sum(10 / math.exp(age / 1.5) for age in ages)

    return _poisson(chance, shape, days)


def _hourly(chance: random.Random, days: int) -> Iterator[int]:
    rate = chance.uniform(0.5, 1.5)
    return _poisson(chance, lambda moment: rate, days)


def _daily(chance: random.Random, days: int) -> Iterator[int]:
    """One to three entries in the same minutes of every day."""
    usual = chance.randrange(DAY)
    for day in range(-1, days):
        for _ in range(chance.randint(1, 3)):
            yield START + day * DAY + usual + chance.randrange(-10, 11) * MINUTE


def _weekly(chance: random.Random, days: int) -> Iterator[int]:
    rate = chance.uniform(0.5, 2.0) / (7 * 24)
    return _poisson(chance, lambda moment: rate, days)


def _dead(chance: random.Random, days: int) -> Iterator[int]:
    return iter(range(START - 20 * DAY, START - 10 * DAY, DAY))


class Kind(Struct, frozen=True):
    """Publishers of one rhythm, with what is odd about them."""

    share: int
    """Of all publishers, in per mille."""
    times: Callable[[random.Random, int], Iterable[int]]
    odd: Callable[[random.Random], dict[str, Any]] = lambda chance: {}


KINDS = {
    "newsroom, day and night": Kind(70, _newsroom),
    "bursty": Kind(60, _bursty),
    "hourly": Kind(100, _hourly),
    "daily, at a fixed hour": Kind(200, _daily),
    "weekly": Kind(240, _weekly),
    "dead": Kind(170, _dead),
    "lying ETag": Kind(20, _newsroom, lambda chance: {"lies": True}),
    "rate-limited": Kind(
        20, _newsroom, lambda chance: {"limit_seconds": chance.choice((20, 30, 60)) * MINUTE}
    ),
    "flapping": Kind(40, _hourly, lambda chance: {"flaps": True}),
    "moved": Kind(40, _hourly, lambda chance: {"moved_at": START + chance.uniform(1, 3) * DAY}),
    "max-age": Kind(
        20, _newsroom, lambda chance: {"max_age_seconds": chance.choice((15, 30, 60)) * MINUTE}
    ),
    "ttl": Kind(20, _hourly, lambda chance: {"ttl_seconds": chance.choice((30, 60)) * MINUTE}),
}


def make_sites(kind: str, count: int, days: int) -> list[Site]:
    """Publishers of a kind, the same at every run."""
    sites = []
    for number in range(count):
        chance = random.Random(f"{kind}{number}")
        times = tuple(sorted(KINDS[kind].times(chance, days)))
        odd = KINDS[kind].odd(chance)
        name = f"https://{kind.split(',')[0]}{number}.example"
        sites.append(Site(name=name, times=times, window=chance.choice((15, 30, 50)), **odd))
    return sites
