"""The enrich stage: who is blamed when the pool breaks, and which watchlist a batch sees."""

import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from streams.agents import enrich
from streams.agents.in_flight import InFlight
from streams.config import utc_now
from streams.enrich.batch import BatchResult
from streams.pool import KillablePool, OverranError, PoolBrokenError
from streams.records import Figure


def fake_batch(watchlist, values, now):
    """Stands in for enrichment: b"die" ends the process, b"hang" never ends."""
    if watchlist == "broken":
        os._exit(3)
    for value in values:
        if value == b"die":
            os._exit(9)
        if value == b"hang":
            time.sleep(600)
    return [BatchResult(value=value) for value in values]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Else what other processes on this machine left would be removed, too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr(enrich, "enrich_batch", fake_batch)
    monkeypatch.setattr(enrich, "SUSPECT_DEADLINE_SECONDS", 1.0)
    pool = KillablePool(1)
    yield pool
    pool.stop()


async def test_only_the_guilty_are_blamed(pool):
    values = [b"1", b"die", b"2", b"hang", b"3"]
    results = await enrich._one_by_one(pool, "w", values, utc_now())
    assert [r.value for r in results] == [b"1", b"", b"2", b"", b"3"]
    assert [bool(r.error) for r in results] == [False, True, False, True, False]
    assert "longer than 1 s" in results[3].error


async def test_a_pool_that_cannot_start_blames_nobody(pool):
    with pytest.raises(PoolBrokenError):
        await enrich._one_by_one(pool, "broken", [b"1", b"2"], utc_now())


async def test_each_step_of_looking_for_the_guilty_is_progress(monkeypatch):
    """Else a batch of items that all hang would take longer than the watchdog waits, again and again."""
    now, most_still, loads = 1_000.0, 0.0, 0
    in_flight = InFlight(lambda: now)
    batch = [object()] * 16

    class Slow:
        """All items hang, and the models take long to load."""

        async def run(self, function, watchlist, values, at, deadline_seconds=0.0):
            nonlocal now, most_still, loads
            now += 5 if values else 20
            loads += not values
            most_still = max(most_still, in_flight.still_seconds())
            if values:
                raise OverranError("took longer than 5 s")
            return []

    in_flight.take(batch[0])
    in_flight.work_on(batch)
    results = await enrich._one_by_one(Slow(), "w", [b"hang"] * 16, utc_now())  # type: ignore[arg-type]
    assert all(result.error for result in results)
    assert loads == 16
    assert in_flight.oldest_age_seconds() == 16 * 25
    assert most_still == 20
    assert in_flight.still_seconds() == 0


def watchlist(version):
    figure = Figure(figure_id=version, name=version, kind="person")
    return SimpleNamespace(version=version, values={version: figure})


def test_a_watchlist_stays_readable_while_a_batch_uses_it(temporary):
    files = enrich._Files()
    with files.watchlist(watchlist("one")) as one:
        with files.watchlist(watchlist("two")) as two, files.watchlist(watchlist("three")):
            assert Path(one).exists()
            assert Path(two).exists()
        with files.watchlist(watchlist("one")) as again:
            assert again != one
            assert Path(again).exists()
            assert not Path(two).exists()
        assert Path(one).exists()
    assert not Path(one).exists()
    assert [str(path) for path in Path(one).parent.iterdir()] == [again]
    files.remove()
    assert not Path(one).parent.exists()


def test_a_watchlist_whose_process_was_killed_goes_with_the_next_start(temporary):
    killed, other = enrich._Files(), enrich._Files()
    with killed.watchlist(watchlist("one")) as one:
        assert killed._held._lock is not None
        os.close(killed._held._lock)  # as the system does
        files = enrich._Files()
        assert not Path(one).exists()
    assert set(temporary.iterdir()) == {files._folder, other._folder}
    for each in (files, other):
        each.remove()


def test_the_lexicon_is_kept_as_it_was(tmp_path, temporary):
    path = tmp_path / "policy" / "ai.yaml"
    path.parent.mkdir()
    path.write_text("id: ai\n")
    files = enrich._Files()
    kept = Path(files.keep(path.parent))
    path.unlink()
    assert (kept / "ai.yaml").read_text() == "id: ai\n"
    files.remove()
