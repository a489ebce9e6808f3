"""How often a feed is called silent by mistake, and how soon when it really ends, beside other rules.

Feeds are simulated with nights, weekends, bank holidays and a Christmas, and looked at every quarter of an hour.
A rule sees what a poller would: when polls brought something. Every pause longer than three hours that ends by
itself and is told is false; feeds are also cut off at random moments, and the time from there is the delay, at most
60 days, also where it is never told.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from streams.alerts.quiet import SILENT_SCORE, Quiet
from streams.feeds.silence import LEAST, MEMORY, habit_of
from tests.bench.publishers import DAY, HOUR, MINUTE, Shape
from tests.bench.result import Result, Row

WEEK = 7 * DAY
POLL = 15 * MINUTE
LEARNED = 28 * DAY
"""From then on is measured."""
LONGEST = 60 * DAY
CUTS = 15
"""Moments at which each feed ends."""
HOLIDAYS = 1 / 25
"""Of working days."""


def _poisson(chance: random.Random, shape: Shape, days: int) -> Iterator[int]:
    for hour in range(0, days * DAY, HOUR):
        rate = shape(hour)
        moment = chance.expovariate(rate) if rate else 1.0
        while moment < 1:
            yield hour + int(moment * HOUR)
            moment += chance.expovariate(rate)


def _holidays(chance: random.Random, days: int) -> set[int]:
    christmas = chance.randrange(days // 3, days)
    single = {day for day in range(days) if day % 7 < 5 and chance.random() < HOLIDAYS}
    return single | set(range(christmas, christmas + 4))


def _working(
    chance: random.Random,
    days: int,
    *,
    rate: tuple[float, float],
    hours: range,
    night: float,
    weekend: float,
    holiday: float,
    moods: bool = False,
) -> Iterator[int]:
    """Entries by the hour of the day and the day of the week; with moods, days differ widely."""
    off, peak = _holidays(chance, days), chance.uniform(*rate)
    mood = [chance.gammavariate(0.8, 1.25) if moods else 1.0 for _ in range(days)]

    def shape(moment: int) -> float:
        day, hour = moment // DAY, moment // HOUR % 24
        by_day = (weekend if day % 7 >= 5 else 1.0) * (holiday if day in off else 1.0)
        return peak * mood[day] * by_day * (1.0 if hour in hours else night)

    return _poisson(chance, shape, days)


def _agency(chance: random.Random, days: int) -> Iterator[int]:
    hours = range(5, 22)
    return _working(chance, days, rate=(4, 12), hours=hours, night=0.3, weekend=0.7, holiday=0.8)


def _newsroom(chance: random.Random, days: int) -> Iterator[int]:
    hours = range(6, 21)
    return _working(chance, days, rate=(1, 4), hours=hours, night=0.04, weekend=0.45, holiday=0.4)


def _office(chance: random.Random, days: int) -> Iterator[int]:
    hours = range(8, 17)
    return _working(chance, days, rate=(0.4, 1.5), hours=hours, night=0.01, weekend=0.02, holiday=0)


def _ministry(chance: random.Random, days: int) -> Iterator[int]:
    hours, rate = range(8, 18), (0.4, 1.2)
    return _working(
        chance, days, rate=rate, hours=hours, night=0.02, weekend=0.05, holiday=0, moods=True
    )


def _blog(chance: random.Random, days: int) -> Iterator[int]:
    hours, rate = range(8, 20), (0.03, 0.18)
    return _working(chance, days, rate=rate, hours=hours, night=0.3, weekend=0.3, holiday=0.2)


def _digest(chance: random.Random, days: int) -> Iterator[int]:
    """Four entries in the same hour of every working day."""
    off, usual = _holidays(chance, days), chance.randrange(5, 20) * HOUR
    for day in range(days):
        if day % 7 < 5 and day not in off:
            begin = day * DAY + usual + chance.randrange(-30, 90) * MINUTE
            yield from range(begin, begin + HOUR, 15 * MINUTE)


def _bursty(chance: random.Random, days: int) -> Iterator[int]:
    """Little, and every three days a story that breaks."""
    base = chance.uniform(0.1, 0.3)
    bursts = [chance.randrange(days * 24) * HOUR for _ in range(days // 3)]

    def shape(moment: int) -> float:
        ages = [(moment - burst) / HOUR for burst in bursts if 0 <= moment - burst < 2 * DAY]
        return base + sum(6 * math.exp(-age / 3) for age in ages)

    return _poisson(chance, shape, days)


def _weekly(chance: random.Random, days: int) -> Iterator[int]:
    """A paper that appears once a week, hardly ever not."""
    usual = chance.randrange(7) * DAY + chance.randrange(6, 18) * HOUR
    for week in range(days // 7):
        if chance.random() > 0.04:
            begin = week * WEEK + usual + chance.randrange(-2 * HOUR, 2 * HOUR)
            yield from range(begin, begin + HOUR, 10 * MINUTE)


KINDS: dict[str, Callable[[random.Random, int], Iterator[int]]] = {
    "agency": _agency,
    "newsroom": _newsroom,
    "office": _office,
    "ministry": _ministry,
    "blog": _blog,
    "digest": _digest,
    "bursty": _bursty,
    "weekly": _weekly,
}

Patience = Callable[[Sequence[int]], float]
"""Moments up to the latest to the seconds after which it is told that nothing came; LONGEST for never."""


def _own_pauses(moments: Sequence[int]) -> float:
    habit = habit_of(list(moments))
    return habit.patience if habit else LONGEST


def _median_gaps(moments: Sequence[int]) -> float:
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    usual = zip(moments, gaps, strict=False)
    pauses = [gap for since, gap in usual if abs(since - moments[-1] + WEEK) <= DAY / 2]
    return max(5 * statistics.median(gaps[-20:]), DAY, 1.5 * max(pauses, default=0))


def _hour_of_week(moments: Sequence[int], score: float = SILENT_SCORE) -> float:
    """As `streams.alerts.quiet` counts, with what the hours and days of four weeks bring."""
    recent = [moment for moment in moments if moment >= moments[-1] - MEMORY]
    length = recent[-1] - recent[0]
    if length < 2 * WEEK or len(recent) < 9:
        return LONGEST
    per_hour, per_day = [0.3] * 24, [1.0] * 7
    for moment in recent[1:]:
        per_day[moment // DAY % 7] += WEEK / length
        for hour in (-1, 0, 1):
            per_hour[(moment // HOUR + hour) % 24] += 1 / 3
    quiet = Quiet(since=0.0)
    for passed in range(int(LONGEST // HOUR)):
        hour = moments[-1] // HOUR + passed
        awaited = per_day[hour // 24 % 7] * per_hour[hour % 24] / sum(per_hour)
        quiet.share = awaited
        quiet.pass_hour(1.0)
        if quiet.score() >= score:
            return max((passed + 1) * HOUR, LEAST)
    return LONGEST


RULES: dict[str, Patience] = {
    "own pauses": _own_pauses,
    "hour of the week": _hour_of_week,
    "the same, as rarely wrong": partial(_hour_of_week, score=7.0),
    "five median gaps": _median_gaps,
}


def run(feeds: int = 8, days: int = 182) -> Result:
    """Measure all rules on so many feeds of each kind over so many days."""
    rows = [_row(kind, rule, feeds, days) for kind in KINDS for rule in RULES]
    return Result(
        name="silence",
        rows=tuple(rows),
        notes=(
            f"{feeds} feeds of each kind over {days} days, the first {LEARNED // DAY} only learned from.",
            "Bank holidays, one working day in 25, and four days of Christmas are no silences.",
        ),
    )


def _row(kind: str, rule: str, feeds: int, days: int) -> Row:
    false, delays = 0, []
    for number in range(feeds):
        chance = random.Random(f"{kind}{number}")
        moments = sorted({time // POLL * POLL + POLL for time in KINDS[kind](chance, days)})
        false += sum(_is_told(moments, at, RULES[rule]) for at in range(1, len(moments)))
        for _ in range(CUTS):
            cut = chance.randrange(LEARNED, days * DAY)
            known = moments[: bisect_right(moments, cut)]
            delay = known[-1] + RULES[rule](known) - cut
            delays.append(min(max(delay, 0.0), LONGEST) / DAY)
    delays.sort()
    return {
        "feed": kind,
        "rule": rule,
        "false per feed and year": false / (feeds * (days - LEARNED // DAY) / 365),
        "days until told, median": statistics.median(delays),
        "90 %": delays[int(0.9 * len(delays))],
    }


def _is_told(moments: Sequence[int], at: int, rule: Patience) -> bool:
    """Whether the pause before a moment is told."""
    pause = moments[at] - moments[at - 1]
    return moments[at - 1] >= LEARNED and pause > LEAST and rule(moments[:at]) < pause
