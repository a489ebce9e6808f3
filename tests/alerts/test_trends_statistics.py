"""Surprise and baseline: laws that a threshold relies on."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.bursts import DISPERSION_RANGE, Baseline, level_of, surprise
from streams.alerts.volume import HOUR, Volume

MEANS = st.floats(0.05, 500)
DISPERSIONS = st.floats(*DISPERSION_RANGE)
HOURS = st.lists(st.tuples(st.integers(0, 500), st.floats(0, 5_000)), max_size=60)


def by_hand(count, mean, r):
    """Minus log10 of one minus the probability of each lower count."""
    below = sum(
        math.exp(
            math.lgamma(n + r) - math.lgamma(r) - math.lgamma(n + 1)
            + r * math.log(r / (r + mean)) + n * math.log(mean / (r + mean))
        )
        for n in range(count)
    )  # fmt: skip
    return -math.log10(1 - below)


@pytest.mark.parametrize("mean", [0.05, 0.5, 3.0, 40.0])
@pytest.mark.parametrize("r", [1.5, 3.0, 10.0])
@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_surprise_is_the_tail_of_a_negative_binomial(count, mean, r):
    assert surprise(count, mean, r) == pytest.approx(by_hand(count, mean, r), abs=1e-6, rel=1e-4)


@given(count=st.integers(0, 800), mean=MEANS, r=DISPERSIONS)
def test_more_stories_are_never_less_surprising(count, mean, r):
    assert surprise(count + 1, mean, r) >= surprise(count, mean, r) - 1e-9 >= -1e-9


@given(count=st.integers(0, 800), mean=MEANS, more=st.floats(0, 100), r=DISPERSIONS)
def test_what_was_expected_is_never_more_surprising(count, mean, more, r):
    assert surprise(count, mean + more, r) <= surprise(count, mean, r) + 1e-6


@given(mean=MEANS, r=DISPERSIONS, wilder=DISPERSIONS)
def test_a_wild_figure_surprises_less(mean, r, wilder):
    count = math.ceil(4 * mean) + 3
    low, high = sorted((r, wilder))
    assert surprise(count, mean, low) <= surprise(count, mean, high) + 1e-9


def test_a_storm_has_a_finite_score():
    assert math.isfinite(surprise(1_000_000, 0.05, 10.0))


@pytest.mark.parametrize(
    ("score", "level"), [(2.99, 0), (3, 1), (4.99, 1), (5, 2), (8, 3), (99, 3)]
)
def test_levels(score, level):
    assert level_of(score) == level


@given(hours=HOURS, kind=st.sampled_from(["person", "organisation"]), total=st.floats(0, 1e5))
def test_whatever_happens_the_expectation_is_above_zero_and_finite(hours, kind, total):
    baseline = Baseline()
    for count, all_news in hours:
        baseline.learn(kind, count, all_news)
        low, high = DISPERSION_RANGE
        assert low <= baseline.dispersion() <= high
        assert 0 < baseline.expected(kind, total) < math.inf


def test_the_share_is_learned_and_follows_when_it_changes():
    baseline = Baseline()
    for _ in range(60 * 24):
        baseline.learn("person", 1, 50.0)
    assert baseline.share("person") == pytest.approx(1 / 50, rel=0.1)
    for _ in range(7 * 24):
        baseline.learn("person", 0, 50.0)
    assert baseline.share("person") == pytest.approx(1 / 100, rel=0.1)


# --- volume -----------------------------------------------------------------------------------

START = 1_767_571_200.0


def days_of(count, per_hour, *, every=1):
    """A volume that was told at the end of each hour of so many days; `per_hour` by hour of day."""
    volume = Volume()
    window = 3 * sum(per_hour(h) for h in range(24))
    for hour in range(count * 24):
        at = START + hour * HOUR + 3_540
        if hour % every == 0:
            volume.take("de", at, per_hour(hour % 24), window)
        volume.learn(int(at // HOUR))
    return volume


def day_and_night(hour):
    return 100 if 6 <= hour < 22 else 10


def test_the_night_is_no_outage_but_the_same_by_day_is():
    volume = days_of(10, day_and_night)
    window = volume.shards["de"].window
    night, noon = START + 10 * 24 * HOUR + 3_000, START + 10 * 24 * HOUR + 12 * HOUR
    volume.take("de", night, 10, window)
    assert volume.outage(night) == ""
    volume.take("de", noon, 10, window)
    assert volume.outage(noon) == "suspended: 10 stories of all news in 60 min, 100 are usual"


def test_nothing_is_called_an_outage_before_the_rhythm_is_known():
    volume = days_of(4, day_and_night)
    noon = START + 4 * 24 * HOUR + 12 * HOUR
    volume.take("de", noon, 1, volume.shards["de"].window)
    assert volume.outage(noon) == ""


def test_hours_that_nobody_told_are_estimated_by_the_rhythm():
    volume = days_of(10, day_and_night)
    assert volume.last_hour(START + 10 * 24 * HOUR + 4 * HOUR) == pytest.approx(10, rel=0.1)


def test_the_volume_of_a_language_is_added_not_taken_for_all():
    volume = days_of(10, lambda hour: 100)
    at = START + 10 * 24 * HOUR + 600
    volume.take("pl", at, 3, 200)
    assert volume.last_hour(at) == pytest.approx(103, rel=0.05)
    assert volume.outage(at) == ""


def test_fewer_feeds_are_an_outage_for_days_at_most():
    volume = days_of(10, lambda hour: 100)
    start, suspended = START + 10 * 24 * HOUR, 0
    for hour in range(5 * 24):
        at = start + hour * HOUR + 3_540
        volume.take("de", at, 20, max(7_200 - 80 * hour, 1_440))
        suspended += bool(volume.outage(at))
        volume.learn(int(at // HOUR))
    assert 0 < suspended < 72
    assert volume.outage(at) == ""


@given(
    samples=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 7_000), st.integers(0, 99)), max_size=20
    ),
    data=st.data(),
)
def test_the_order_of_samples_does_not_matter(samples, data):
    volumes = []
    for order in (samples, data.draw(st.permutations(samples))):
        volume = Volume(since=1)
        volume.take("c", START, 1, 100)
        for shard, at, count in order:
            volume.take(shard, START + at, count, count + 100)
        volumes.append((volume.shards, [volume.last_hour(START + t) for t in (0, 3_600, 7_200)]))
    assert volumes[0][0] == volumes[1][0]
    assert volumes[0][1] == pytest.approx(volumes[1][1])
