"""Bursts, silences and new pairs of figures: a fold over a partition of `news.mentions`.

`observe` takes in one mention, `advance` lets time go by without one. All time is event time, so the fold over
the same log gives the same trends, whenever it runs. Mentions may come out of order: what is counted is the
same in any order within an hour, and what is older than two hours is ignored. The baseline learns an hour when
the clock is two hours on, so that a burst is never measured by itself. Since no hour can be unlearned, what is from
days ahead waits until another poll agrees, and is forgotten if a right one comes before.

A trend is told when it begins, when it rises a level and when it ends, each time by a record with the same id.
The id is made of the hour in which it began: two bursts of a figure begin more than an hour apart, and a few
mentions in another order rarely change the hour.
"""

from __future__ import annotations

from msgspec import Struct, field

from streams.alerts.bursts import COLD_HOURS, END_SCORE, MIN_STORIES, Episode, surprise
from streams.alerts.pairs import LONGEST_LIST, forget, meet
from streams.alerts.quiet import Quiet
from streams.alerts.series import (
    BUCKET,
    SHORT_BUCKETS,
    WINDOW_BUCKETS,
    Observation,
    Series,
)
from streams.alerts.trend_records import (
    WINDOW,
    Reading,
    burst_over,
    burst_told,
    silence_told,
    together,
    trend_id,
)
from streams.alerts.volume import HOUR, Volume
from streams.event_clock import APART
from streams.records import Trend

__all__ = ["JUMP", "LAG_HOURS", "Partition", "advance", "observe", "read"]

LAG_HOURS = 2
"""An hour is learned when it is no longer in the window, nor can anything late come for it."""
JUMP = APART.total_seconds()
"""A mention from further ahead waits for another poll that agrees; until then some clock may be wrong."""
DOUBTFUL_KEPT = 1_000
"""Mentions that may wait so, some 300 kB; a poll gives all that it finds the same time."""
FORGOTTEN_HOURS = 60 * 24
"""Older hours without a mention of anybody need not be learned: of the baselines nothing is left then."""


class Partition(Struct):
    """State of the fold."""

    clock: float = 0.0
    """Latest event time, Unix seconds."""
    learned: int = 0
    """Latest hour in the baselines."""
    volume: Volume = field(default_factory=Volume)
    figures: dict[str, Series] = field(default_factory=dict)
    bursting: list[str] = field(default_factory=list)
    """figure_ids that have a burst."""
    met: dict[str, int] = field(default_factory=dict)
    """Figures of other partitions, and the hour in which one of this partition was first beside them."""
    doubtful: list[Observation] = field(default_factory=list)
    """Mentions from far ahead, which wait for others that agree."""

    @property
    def suspended(self) -> str:
        """Why no burst and no silence can begin now; empty if they can."""
        return self.volume.outage(self.clock)


def observe(partition: Partition, seen: Observation) -> tuple[Trend, ...]:
    """Take in one mention; the partition changes in place.

    Returns:
        What begins, rises or ends by it, and by the time that has gone by until then.
    """
    if seen.at <= partition.clock + JUMP or not partition.clock:
        partition.doubtful = []
        return _observe(partition, seen)
    near = [each for each in partition.doubtful if abs(each.at - seen.at) <= JUMP]
    if all(each.at == seen.at for each in near):
        partition.doubtful = [*partition.doubtful[1 - DOUBTFUL_KEPT :], seen]
        return ()
    partition.doubtful = []
    due = sorted((*near, seen), key=lambda each: each.at)
    return tuple(trend for each in due for trend in _observe(partition, each))


def advance(partition: Partition, now: float) -> tuple[Trend, ...]:
    """Let time go by: learn the hours that are over, end bursts, find silences.

    Args:
        partition: changes in place.
        now: event time in Unix seconds; what lies before the partition's clock does nothing.
    """
    clock, hour = partition.clock, int(now // HOUR)
    if now <= clock:
        return ()
    if not clock:
        partition.clock, partition.learned = now, hour - LAG_HOURS
        return ()
    if now // BUCKET == clock // BUCKET:
        partition.clock = now
        return ()
    ended = [_calm(partition, each, now) for each in tuple(partition.bursting)]
    partition.clock = now
    if partition.learned >= hour - LAG_HOURS:
        return tuple(trend for trend in ended if trend)
    partition.learned = max(partition.learned, hour - LAG_HOURS - FORGOTTEN_HOURS)
    while partition.learned < hour - LAG_HOURS:
        partition.learned += 1
        _learn(partition, partition.learned)
    silent = () if partition.suspended else _silences(partition)
    return (*(trend for trend in ended if trend), *silent)


def read(partition: Partition, figure_id: str, now: float | None = None) -> Reading:
    """Say how surprising the last hour of a figure is.

    Args:
        partition: stays as it is.
        figure_id: one of `partition.figures`.
        now: end of the hour in Unix seconds; the partition's clock if None.
    """
    at = partition.clock if now is None else now
    series, volume = partition.figures[figure_id], partition.volume
    # By night the volume is small and uncertain, and not every figure sleeps when the news does. To expect
    # no less than in an average hour finds 1 to 9 % more bursts at the same price.
    total = max(volume.last_hour(at), volume.usual_hour())
    suspended = volume.outage(at)
    hour = _read(series, WINDOW_BUCKETS, series.window(at), total, suspended)
    if len(hour.story_ids) < MIN_STORIES:
        return hour
    short = _read(series, SHORT_BUCKETS, series.window(at, SHORT_BUCKETS), total, suspended)
    return max(hour, short, key=lambda reading: (reading.level > 0, reading.score))


def _read(series: Series, buckets: int, found: list[str], total: float, suspended: str) -> Reading:
    share, baseline = buckets / WINDOW_BUCKETS, series.baseline
    expected = baseline.expected(series.kind, total) * share
    score = surprise(len(found), expected, baseline.dispersion())
    return Reading(buckets, tuple(found), expected, score, series.publishers(found), suspended)


def _observe(partition: Partition, seen: Observation) -> tuple[Trend, ...]:
    trends = advance(partition, seen.at)
    partition.volume.take(seen.shard, seen.at, seen.of_hour, seen.of_window)
    figure_id, hour = seen.figure_id, int(seen.at // HOUR)
    series = partition.figures.get(figure_id)
    if series is not None and seen.absorbed:
        series.rename(seen.absorbed, seen.story_id)
    if not seen.counts or hour <= partition.learned:
        return trends
    if series is None:
        series = partition.figures[figure_id] = Series(seen.kind, hour, Quiet(seen.at))
    series.kind, series.born = seen.kind, min(series.born, hour)
    before = len(series.stories)
    if series.take(seen.story_id, seen.publisher, seen.at):
        trends += _burst(partition, figure_id, series, new=len(series.stories) - before)
    if seen.at > series.quiet.since:
        trends += _heard(partition, series, seen)
    if seen.others:
        trends += _meetings(partition, series, seen)
    return trends


def _burst(partition: Partition, figure_id: str, series: Series, *, new: int) -> tuple[Trend, ...]:
    """Begin a burst or raise it, if the last hour says so."""
    burst, now = series.burst, partition.clock
    if burst is not None:
        burst.stories += new
    if len(series.stories) < MIN_STORIES:
        return ()
    reading, cold = read(partition, figure_id), _cold(partition, series)
    if burst is None:
        if not reading.level:
            return ()
        name = trend_id("burst", figure_id, "", now)
        burst = Episode(name, now, reading.level, reading.score, len(reading.story_ids))
        series.burst = burst
        partition.bursting.append(figure_id)
        return (burst_told(figure_id, burst, reading, now, phase="begin", cold=cold),)
    burst.peak = max(burst.peak, reading.score)
    if reading.score >= END_SCORE:
        burst.calm_since = None
    if reading.level <= burst.level:
        return ()
    burst.level = reading.level
    return (burst_told(figure_id, burst, reading, now, phase="level", cold=cold),)


def _calm(partition: Partition, figure_id: str, now: float) -> Trend | None:
    """Look at a burst in every bucket until now, whether it is over by then."""
    series = partition.figures[figure_id]
    burst = series.burst
    assert burst is not None
    at = (partition.clock // BUCKET + 1) * BUCKET
    while at <= now:
        reading = read(partition, figure_id, at)
        if reading.score >= END_SCORE:
            burst.calm_since = None
        elif burst.calm_since is None:
            burst.calm_since = at
        # In an outage nobody knows whether it goes on, and it must not begin a second time after.
        elif at - burst.calm_since >= WINDOW and not reading.suspended:
            series.burst = None
            partition.bursting.remove(figure_id)
            return burst_over(figure_id, burst, reading, at, cold=_cold(partition, series))
        at += BUCKET
    return None


def _cold(partition: Partition, series: Series) -> bool:
    return int(partition.clock // HOUR) - series.born < COLD_HOURS


def _learn(partition: Partition, hour: int) -> None:
    """Take an hour that is over into what is usual."""
    volume = partition.volume
    known, total, trusted = volume.told(hour), volume.in_hour(hour), not volume.failing(hour)
    volume.learn(hour)
    for series in partition.figures.values():
        if hour >= series.born:
            series.learn(hour, total, known=known, trusted=trusted)
        if hour % 24 == 0 and series.pairs:
            forget(series.pairs, partition.clock)


def _silences(partition: Partition) -> tuple[Trend, ...]:
    """Tell which figures have been silent for implausibly long."""
    found = []
    for figure_id, series in partition.figures.items():
        quiet = series.quiet
        if quiet.is_silence(partition.clock):
            quiet.trend_id = trend_id("silence", figure_id, "", quiet.since)
            found.append(silence_told(figure_id, quiet, partition.clock))
    return tuple(found)


def _heard(partition: Partition, series: Series, seen: Observation) -> tuple[Trend, ...]:
    """Note that there is a story, which ends a silence."""
    quiet, baseline = series.quiet, series.baseline
    series.quiet = Quiet(
        seen.at,
        baseline.share(series.kind),
        0.0 if _cold(partition, series) else baseline.per_day(),
        baseline.dispersion(),
    )
    if not quiet.trend_id:
        return ()
    return (silence_told(seen.figure_id, quiet, seen.at, seen.story_id),)


def _meetings(partition: Partition, series: Series, seen: Observation) -> tuple[Trend, ...]:
    """Tell which of the other figures are new beside this one.

    Both must have been known for a week, or a figure that is new on the watchlist would be new beside
    everybody. Of one in another partition it is known since when it was beside anybody in this one.
    """
    hour = int(seen.at // HOUR)
    trends = []
    for other in seen.others:
        known = partition.figures.get(other)
        since = known.born if known else partition.met.setdefault(other, hour)
        if len(seen.others) > LONGEST_LIST:
            continue
        pair = meet(series.pairs, other, seen.story_id, seen.publisher, seen.at)
        if pair is not None and max(since, series.born) <= hour - COLD_HOURS:
            days = (hour - series.born) / 24
            trends.append(together(seen.figure_id, other, pair, seen.at, days))
    return tuple(trends)
