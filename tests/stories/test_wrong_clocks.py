"""A clock that was ahead for a while takes no memory of what is told, and no room for ever."""

from datetime import timedelta

import pytest

from streams.stories.cluster import WINDOW, Clusters
from streams.testing import NOW
from tests.stories.samples import reports, told

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AHEAD = pytest.mark.parametrize("ahead", [26 * HOUR, 49 * HOUR, 80 * HOUR, 400 * 24 * HOUR])
TEXT = (
    "Ada Example warns parliament that the new law on machines will hurt small firms in the north"
)


def wrong(count, at):
    return [told(5_000 + n, f"Ship number {n} has left", at=at + n * MINUTE) for n in range(count)]


def copies(count, begin):
    return [
        told(n, TEXT, f"This is number{n}.", at=begin + n * MINUTE, feed=f"f{n}")
        for n in range(count)
    ]


def assign(clusters, items):
    return [clusters.assign(item) for item in items]


@AHEAD
@pytest.mark.parametrize(("before", "count"), [(3, 1), (12, 1), (12, 9)])
def test_what_is_told_again_is_known_although_a_few_were_ahead(ahead, before, count):
    clusters = Clusters()
    first = assign(clusters, [*reports(before, every=MINUTE), copies(1, NOW + HOUR)[0]])[-1]
    assign(clusters, wrong(count, NOW + ahead + HOUR))
    again = assign(clusters, copies(6, NOW + HOUR)[1:])
    assert {story.story_id for story in again} == {first.story_id}


@AHEAD
def test_after_many_that_were_ahead_stories_hold_together_again(ahead):
    clusters = Clusters()
    assign(clusters, [*reports(12, every=MINUTE), *wrong(50, NOW + ahead + HOUR)])
    names = [story.story_id for story in assign(clusters, copies(20, NOW + HOUR))]
    assert len(set(names[4:])) == 1


@AHEAD
@pytest.mark.parametrize("count", [1, 9, 50])
def test_the_window_does_not_grow(ahead, count):
    clusters = Clusters()
    log = reports(900, every=HOUR)
    assign(clusters, log[:20])
    assign(clusters, wrong(count, NOW + 20 * HOUR + ahead))
    window = WINDOW / HOUR
    for item in log[20:]:
        story = clusters.assign(item)
        assert len(clusters._window) <= 2 * window + count
        assert story.stories_hour <= 2 + count
        assert story.stories_window <= 2 * window + count
    assert len(clusters._window) <= window + 1
    assert (story.stories_hour, story.stories_window) == (2, window + 1)


@AHEAD
@pytest.mark.parametrize("count", [1, 3, 50])
def test_who_reads_two_windows_again_says_the_same(ahead, count):
    log = reports(400, every=HOUR)
    log[180:180] = wrong(count, log[180].item.seen_at + ahead)
    lived = Clusters()
    whole = [lived.assign(item) for item in log]
    for start in (240, 300, 390):
        begin = log[start].item.seen_at - 2 * WINDOW
        since = next(n for n, item in enumerate(log) if item.item.seen_at >= begin)
        again = Clusters()
        assign(again, log[since:start])
        assert assign(again, log[start:]) == whole[start:]
