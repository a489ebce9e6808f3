"""`news.items` to `news.enriched`: detection in a process pool, off the event loop."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog

from streams import metrics
from streams.agents.acking import Outcome, Output, Received
from streams.broker.broadcast import Broadcast
from streams.broker.topics import ENRICHED, ITEMS, WATCHLIST
from streams.config import Settings, utc_now
from streams.enrich.batch import BatchResult, begin, enrich_batch, write_snapshot
from streams.errors import RecordError
from streams.pool import KillablePool, PoolBrokenError
from streams.records import EnrichedItem, Figure
from streams.wire import headers_for

__all__ = ["EnrichStage"]

log = structlog.get_logger(__name__)

BATCH_DEADLINE_SECONDS = 60.0
"""A batch of 16 items takes well under a second; what takes this long hangs."""


class EnrichStage:
    """Enriches items. Batches overlap in the pool; the acking pipeline keeps their order."""

    name = "enrich"
    source = ITEMS
    outputs: tuple[str, ...] = (ENRICHED,)
    overlap = True
    batch_size = 16

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.depth = settings.pool_processes + 1  # one batch waits, so that no process does
        self._watchlist: Broadcast[Figure] = Broadcast(settings, WATCHLIST, Figure)
        self._snapshots = _Snapshots()
        self._pool: KillablePool | None = None

    async def start(self) -> None:
        """Load the watchlist and start the pool."""
        await self._watchlist.start()
        self._pool = KillablePool(
            self._settings.pool_processes,
            begin,
            (
                str(self._settings.config_folder / "policy.yaml"),
                self._settings.models,
                self._snapshot(),
            ),
            deadline_seconds=BATCH_DEADLINE_SECONDS,
        )
        await self._pool.run(enrich_batch, self._snapshot(), [], utc_now())  # loads the models

    async def watch(self) -> None:
        """Raise when the watchlist can no longer be followed."""
        await self._watchlist.wait_failed()

    async def stop(self) -> None:
        """End the pool's processes."""
        if self._pool:
            self._pool.stop()
        self._snapshots.remove()
        await self._watchlist.stop()

    async def process(self, batch: Sequence[Received]) -> list[Outcome]:
        """Enrich a batch; when the pool breaks, find the item that broke it."""
        assert self._pool is not None, "started"
        now, snapshot = utc_now(), self._snapshot()
        values = [record.value for record in batch]
        try:
            results = await self._pool.run(enrich_batch, snapshot, values, now)
        except PoolBrokenError as error:
            log.warning("pool_broken", records=len(batch), reason=str(error))
            metrics.POOL_RESTARTS.labels(self.name).set(self._pool.restarts)
            results = await _find_guilty(self._pool, snapshot, values, now)
        return [_outcome(result) for result in results]

    def _snapshot(self) -> str:
        return self._snapshots.path_of(self._watchlist)


async def _find_guilty(
    pool: KillablePool, snapshot: str, values: Sequence[bytes | None], now: datetime
) -> list[BatchResult]:
    """Halve the suspects until the guilty one is alone; the others are enriched on the way."""
    try:
        return await pool.run_alone(enrich_batch, snapshot, values, now)
    except PoolBrokenError as error:
        if len(values) == 1:
            return [BatchResult(error=f"it breaks its process: {error}")]
    half = len(values) // 2
    return [
        *await _find_guilty(pool, snapshot, values[:half], now),
        *await _find_guilty(pool, snapshot, values[half:], now),
    ]


def _outcome(result: BatchResult) -> Outcome:
    if result.error:
        return RecordError(result.error)
    return (
        Output(
            topic=ENRICHED,
            key=result.key,
            value=result.value,
            timestamp=result.timestamp,
            headers=headers_for(EnrichedItem),
        ),
    )


class _Snapshots:
    """The watchlist as a file, which the pool's processes read when its name changes.

    A file, because a pool cannot address all of its processes, and a large watchlist should not
    travel with every batch. It is written anew from Kafka at every start.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="wirewatch-watchlist-"))
        self._versions: list[str] = []

    def path_of(self, watchlist: Broadcast[Figure]) -> str:
        """Path of the newest version; the one before it stays for batches in flight."""
        version = watchlist.version
        if version not in self._versions[-1:]:
            write_snapshot(self._folder / version, list(watchlist.values.values()))
            log.info("watchlist", version=version, figures=len(watchlist.values))
            self._versions.append(version)
            for outdated in self._versions[:-2]:
                (self._folder / outdated).unlink(missing_ok=True)
            del self._versions[:-2]
        return str(self._folder / version)

    def remove(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder, ignore_errors=True)
