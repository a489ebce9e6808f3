"""What the simulated month promises, on a small scale, so that it cannot rot."""

import pytest

from tests.bench import month
from tests.bench.publishers import DAY, KINDS, START, make_sites


@pytest.fixture(scope="module")
def rows():
    result = month.run(feeds=40, days=5)
    return {(row["rhythm"], row["poller"]): row for row in result.rows}


def test_news_are_found_sooner_with_fewer_requests(rows):
    ours, fixed = rows["the first three", "wirewatch"], rows["the first three", "every 15 min"]
    assert ours["mean delay min"] < 0.7 * fixed["mean delay min"]
    assert rows["all", "wirewatch"]["requests"] < rows["all", "every 15 min"]["requests"]


@pytest.mark.parametrize("rhythm", ["dead", "weekly", "daily, at a fixed hour"])
def test_feeds_that_bring_little_are_asked_rarely(rows, rhythm):
    assert rows[rhythm, "wirewatch"]["requests"] < rows[rhythm, "every 15 min"]["requests"] / 2


def test_nothing_is_missed_but_what_liars_hide(rows):
    kinds = [kind for kind in KINDS if kind != "lying ETag"]
    assert sum(rows[kind, "wirewatch"]["missed"] for kind in kinds) == 0
    assert rows["lying ETag", "wirewatch"]["found"] > 0
    assert rows["lying ETag", "every 15 min"]["found"] == 0


def test_a_server_that_limits_requests_is_obeyed(rows):
    ours, fixed = rows["rate-limited", "wirewatch"], rows["rate-limited", "every 15 min"]
    assert ours["429s"] < fixed["429s"] / 10


def test_a_feed_that_moves_is_followed():
    site = make_sites("moved", 1, 20)[0]
    end = START + 20 * DAY
    assert month.poll_adaptively(site, end).undelivered == 0
    assert month.poll_every(15)(site, end).undelivered > 0


def test_two_runs_differ_in_nothing():
    site = make_sites("bursty", 1, 3)[0]
    first, second = (month.poll_adaptively(site, START + 3 * DAY) for _ in range(2))
    assert first.delays == second.delays
