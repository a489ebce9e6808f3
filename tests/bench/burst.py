"""How many bursts are found, how soon and at the price of how many false alerts, beside other methods.

All methods count the same stories in the same window and need three of them by two publishers. Each gets the
threshold that gives the allowed false alerts on the very news it is measured on, so what differs is how well
it ranks. Ours is the fold that runs in the stream, over eight partitions that see their own mentions only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.alerts.bursts import DECAY, DISPERSION, FLOOR, MIN_PUBLISHERS, MIN_STORIES, surprise
from streams.alerts.series import Observation
from streams.alerts.trends import Partition, advance, observe, read
from streams.records import Trend
from tests.bench.burst_news import (
    BUCKET,
    DAY_BUCKETS,
    EPOCH,
    HOUR_BUCKETS,
    QUIET_DAYS,
    USUAL,
    WILD,
    News,
    make_news,
)
from tests.bench.measure import NAN
from tests.bench.result import Result, Row

PARTITIONS = 8
ALLOWED = 0.1
"""False alerts per series and week."""
AFTERMATH = 2 * HOUR_BUCKETS
"""An alert so soon after a burst is not false."""
SEPARATE = 2 * HOUR_BUCKETS
"""What is less apart is one alert."""
NEVER = -np.inf

Grid = NDArray[np.float64]
"""Series by bucket."""


class Scene(Struct, frozen=True):
    """What methods that are not ours work with: exact counts in every bucket."""

    stories: Grid
    """Of the hour that ends with the bucket."""
    total: NDArray[np.float64]
    """The same of all news."""
    eligible: NDArray[np.bool_]
    """Where there are enough stories and publishers."""
    share: Grid
    """Stories per story of all news, and per hour; averaged by our half-life, lagged by a window."""
    per_hour: Grid
    variance: Grid
    """Of the stories per hour around `per_hour`."""


def run(*, series: int = 120, days: int = 56, seed: int = 4_711) -> Result:
    """Measure on news of a seed that was not looked at before the method was finished.

    Args:
        series: figures.
        days: of news; the first week has no bursts and counts nowhere.
        seed: of the news.
    """
    rows: list[Row] = []
    notes = [
        f"{series} figures, {days} days, seed {seed}; the first week has no bursts and is not counted",
        f"of thresholds, the lowest with at most {ALLOWED} false alerts per series and week",
    ]
    for name, kind in (("usual", USUAL), ("wild", WILD)):
        news = make_news(seed, kind, series=series, days=days)
        logs = _logs(news)
        began = time.process_time()
        trends = _fold(logs)
        rate = sum(map(len, logs)) / (time.process_time() - began)
        grids = [*_methods(news, logs, _scene(news))]
        rows.append({"news": name, **_fixed(news, trends)})
        rows += [{"news": name, **_row(method, news, grid)} for method, grid in grids]
        notes.append(
            f"{name}: {len(news.bursts)} bursts, {len(news.log):,} mentions, {rate:,.0f} of them per CPU second "
            f"in the stream; {_told(trends)}"
        )
    return Result(name="burst", rows=tuple(rows), notes=tuple(notes))


def _told(trends: Sequence[Trend]) -> str:
    begun = [trend for trend in trends if trend.phase == "begin"]
    bursts = [trend for trend in begun if trend.kind == "burst"]
    first_week = EPOCH + QUIET_DAYS * DAY_BUCKETS * BUCKET
    early = sum(trend.window_end.timestamp() < first_week for trend in bursts)
    silences = sum(trend.kind == "silence" for trend in begun)
    return f"{early} of {len(bursts)} bursts told in the first week, {silences} silences told, all by chance"


def _methods(
    news: News, logs: Sequence[Sequence[Observation]], scene: Scene
) -> list[tuple[str, Grid]]:
    total = scene.total[None, :]
    by_share = scene.share * total + FLOOR
    spread = np.sqrt(scene.variance + 0.1)
    before = np.zeros_like(scene.stories)
    before[:, HOUR_BUCKETS:] = scene.stories[:, :-HOUR_BUCKETS]
    return [
        ("ours", _our_scores(news, logs)),
        ("negative binomial, r = 3, share", _surprises(scene, by_share, DISPERSION)),
        ("Poisson, share", _surprises(scene, by_share, 1e7)),
        ("Poisson, no share", _surprises(scene, scene.per_hour + FLOOR, 1e7)),
        ("EWMA z-score", _where(scene, (scene.stories - scene.per_hour) / spread)),
        ("spike ratio", _where(scene, scene.stories / (before + 1))),
        ("fixed count", _where(scene, scene.stories)),
    ]


# --- ours -------------------------------------------------------------------------------------


def _logs(news: News) -> list[list[Observation]]:
    """What each partition sees."""
    starts = news.all_started
    at = np.array([time for time, _, _ in news.log])
    behind = np.searchsorted(starts, at, side="right")
    of_hour = (behind - np.searchsorted(starts, at - 3_600)).tolist()
    of_window = (behind - np.searchsorted(starts, at - 72 * 3_600)).tolist()
    logs: list[list[Observation]] = [[] for _ in range(PARTITIONS)]
    figures = news.figure.tolist()
    for n, (when, story, publisher) in enumerate(news.log):
        figure = figures[story]
        logs[figure % PARTITIONS].append(
            Observation(
                figure_id=f"figure-{figure}",
                story_id=f"of-a-usual-length-{story:010d}",
                publisher=f"publisher-{publisher}",
                at=when,
                of_hour=of_hour[n],
                of_window=of_window[n],
            )
        )
    return logs


def _fold(logs: Sequence[Sequence[Observation]]) -> list[Trend]:
    trends: list[Trend] = []
    for log in logs:
        partition = Partition()
        for seen in log:
            trends += observe(partition, seen)
        trends += advance(partition, partition.clock + 6 * 3_600)
    return trends


def _our_scores(news: News, logs: Sequence[Sequence[Observation]]) -> Grid:
    scores = np.full((news.series, news.buckets), NEVER)
    for log in logs:
        partition = Partition()
        for seen in log:
            observe(partition, seen)
            figure = partition.figures.get(seen.figure_id)
            if figure is None or len(figure.stories) < MIN_STORIES:
                continue
            reading = read(partition, seen.figure_id)
            if (
                len(reading.story_ids) >= MIN_STORIES
                and reading.publishers >= MIN_PUBLISHERS
                and not reading.suspended
            ):
                row, column = int(seen.figure_id[7:]), _bucket(partition.clock)
                if column < news.buckets:
                    scores[row, column] = max(scores[row, column], reading.score)
    return scores


def _fixed(news: News, trends: Sequence[Trend]) -> Row:
    """How the stream does with the threshold that it has."""
    grid = np.full((news.series, news.buckets), NEVER)
    for trend in trends:
        at = _bucket(trend.window_end.timestamp())
        if trend.kind == "burst" and trend.phase == "begin" and at < news.buckets:
            grid[int(trend.figure_id[7:]), at] = 3.0
    return _row("ours, in the stream", news, grid, threshold=3.0)


# --- the others -------------------------------------------------------------------------------


def _scene(news: News) -> Scene:
    begun = np.zeros((news.series, news.buckets))
    columns = ((news.started - EPOCH) // BUCKET).astype(int)
    inside = columns < news.buckets
    np.add.at(begun, (news.figure[inside], columns[inside]), 1)
    total = np.bincount(((news.all_started - EPOCH) // BUCKET).astype(int), minlength=news.buckets)[
        : news.buckets
    ].astype(float)
    stories, totals = _last_hour(begun), _last_hour(total[None, :])[0]
    per_hour, variance = _averages(begun)
    total_per_hour, _ = _averages(total[None, :])
    eligible = _eligible(news, stories)
    share = per_hour / np.maximum(total_per_hour, 1e-9)
    return Scene(stories, totals, eligible, share, per_hour, variance)


def _last_hour(begun: Grid) -> Grid:
    sums = np.cumsum(begun, axis=1)
    sums[:, HOUR_BUCKETS:] -= sums[:, :-HOUR_BUCKETS].copy()
    return sums


def _averages(begun: Grid) -> tuple[Grid, Grid]:
    """Mean and variance per clock hour as known two hours later, for every bucket."""
    hourly = begun.reshape(len(begun), -1, HOUR_BUCKETS).sum(axis=2)
    mean, variance = np.zeros_like(hourly), np.zeros_like(hourly)
    level, spread, weight = np.zeros(len(begun)), np.zeros(len(begun)), 0.0
    for hour in range(hourly.shape[1] - 2):
        level, weight = level * DECAY + hourly[:, hour], weight * DECAY + 1
        spread = spread * DECAY + (hourly[:, hour] - level / weight) ** 2
        mean[:, hour + 2], variance[:, hour + 2] = level / weight, spread / weight
    return np.repeat(mean, HOUR_BUCKETS, axis=1), np.repeat(variance, HOUR_BUCKETS, axis=1)


def _eligible(news: News, stories: Grid) -> NDArray[np.bool_]:
    """Where three stories begun in the window are told by two publishers."""
    told: dict[tuple[int, int], list[tuple[int, int]]] = {}
    first = ((news.started - EPOCH) // BUCKET).astype(int).tolist()
    figures = news.figure.tolist()
    for at, story, publisher in news.log:
        bucket = _bucket(at)
        if bucket < first[story] + HOUR_BUCKETS:
            told.setdefault((figures[story], first[story]), []).append((bucket, publisher))
    eligible = np.zeros(stories.shape, dtype=bool)
    for row, column in np.argwhere(stories >= MIN_STORIES).tolist():
        publishers = {
            publisher
            for begin in range(column - HOUR_BUCKETS + 1, column + 1)
            for bucket, publisher in told.get((row, begin), ())
            if bucket <= column
        }
        eligible[row, column] = len(publishers) >= MIN_PUBLISHERS
    return eligible


def _where(scene: Scene, scores: Grid) -> Grid:
    return np.where(scene.eligible, scores, NEVER)


def _surprises(scene: Scene, expected: Grid, dispersion: float) -> Grid:
    scores = np.full(scene.stories.shape, NEVER)
    for row, column in np.argwhere(scene.eligible).tolist():
        count = int(scene.stories[row, column])
        scores[row, column] = surprise(count, float(expected[row, column]), dispersion)
    return scores


# --- judging ----------------------------------------------------------------------------------


def _row(name: str, news: News, scores: Grid, threshold: float = NAN) -> Row:
    if np.isnan(threshold):
        threshold = _threshold(news, scores)
    found = _delays(news, scores, threshold)
    return {
        "method": name,
        "threshold": threshold,
        "recall": len(found) / max(len(news.bursts), 1),
        "median delay, min": float(np.median(found)) if found else NAN,
        "90 % within, min": float(np.quantile(found, 0.9)) if found else NAN,
        "false alerts per series and week": _false_rate(news, scores, threshold),
    }


def _threshold(news: News, scores: Grid) -> float:
    """The lowest of the scores that gives no more false alerts than are allowed."""
    levels = np.unique(scores[np.isfinite(scores)])
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        if _false_rate(news, scores, float(levels[middle])) <= ALLOWED:
            high = middle
        else:
            low = middle + 1
    return float(levels[low]) if len(levels) else NAN


def _false_rate(news: News, scores: Grid, threshold: float) -> float:
    spans: list[list[tuple[int, int]]] = [[] for _ in range(news.series)]
    for figure, begin, end in news.bursts:
        spans[figure].append((_bucket(begin), _bucket(end) + AFTERMATH))
    false = 0
    for row in range(news.series):
        at = np.flatnonzero(scores[row] >= threshold)
        begun = at[np.diff(at, prepend=-SEPARATE - 1) > SEPARATE]
        begun = begun[begun >= QUIET_DAYS * DAY_BUCKETS]
        false += sum(not any(a <= each <= b for a, b in spans[row]) for each in begun.tolist())
    weeks = (news.buckets / DAY_BUCKETS - QUIET_DAYS) / 7
    return false / (news.series * weeks)


def _delays(news: News, scores: Grid, threshold: float) -> list[float]:
    """Minutes from the begin of each burst that is found to the end of the bucket that finds it."""
    delays = []
    for figure, begin, end in news.bursts:
        first = _bucket(begin)
        at = np.flatnonzero(scores[figure, first : _bucket(end) + 1] >= threshold)
        if len(at):
            delays.append((int(at[0]) + 1) * BUCKET / 60)
    return delays


def _bucket(at: float) -> int:
    return int((at - EPOCH) // BUCKET)
