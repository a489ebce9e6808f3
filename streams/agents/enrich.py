"""`news.items` to `news.enriched`: detection in a process pool, off the event loop."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from streams import metrics
from streams.agents.acking import Outcome, Output, Received
from streams.agents.in_flight import note_progress
from streams.broker.broadcast import Broadcast
from streams.broker.topics import ENRICHED, ITEMS, WATCHLIST
from streams.config import Settings, utc_now
from streams.enrich.batch import BatchResult, begin, enrich_batch, write_snapshot
from streams.enrich.entity_models import check_models
from streams.enrich.policy import read_policy
from streams.errors import RecordError
from streams.held_folder import HeldFolder
from streams.pool import KillablePool, PoolBrokenError
from streams.records import EnrichedItem, Figure
from streams.wire import headers_for

__all__ = ["EnrichStage"]

log = structlog.get_logger(__name__)

BATCH_DEADLINE_SECONDS = 30.0
"""A batch of 16 items takes well under a second; what takes this long hangs."""
SUSPECT_DEADLINE_SECONDS = 5.0
"""For one item alone. If all of a batch hang, that takes minutes, in each step of which the watchdog sees progress."""


class EnrichStage:
    """Enriches items. Batches overlap in the pool; the acking pipeline keeps their order."""

    name = "enrich"
    sources: tuple[str, ...] = (ITEMS,)
    outputs: tuple[str, ...] = (ENRICHED,)
    overlap = True
    batch_size = 16

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.depth = settings.pool_processes + 1  # one batch waits, so that no process does
        self._watchlist: Broadcast[Figure] = Broadcast(settings, WATCHLIST, Figure)
        self._files = _Files()
        self._pool: KillablePool | None = None

    async def start(self) -> None:
        """Load the watchlist and start the pool."""
        await self._watchlist.start()
        policy_path = self._settings.config_folder / "policy"
        # Mistakes are told here, not by a process that dies of them.
        read_policy(policy_path)
        check_models(self._settings.models)
        policy = self._files.keep(policy_path)
        with self._files.watchlist(self._watchlist) as watchlist:
            self._pool = KillablePool(
                self._settings.pool_processes,
                begin,
                (policy, self._settings.models, self._settings.semantics, watchlist),
                deadline_seconds=BATCH_DEADLINE_SECONDS,
                preload=("streams.__main__", "streams.enrich.preload"),
            )
            await _load(self._pool, watchlist)

    async def watch(self) -> None:
        """Raise when the watchlist can no longer be followed."""
        await self._watchlist.wait_failed()

    async def stop(self) -> None:
        """End the pool's processes."""
        if self._pool:
            self._pool.stop()
        self._files.remove()
        await self._watchlist.stop()

    def reset(self) -> None:
        """Nothing is remembered between records."""

    async def process(self, batch: Sequence[Received]) -> list[Outcome]:
        """Enrich a batch; when the pool breaks, find the item that broke it."""
        assert self._pool is not None, "started"
        now = utc_now()
        values = [record.value for record in batch]
        with self._files.watchlist(self._watchlist) as watchlist:
            try:
                results = await self._pool.run(enrich_batch, watchlist, values, now)
            except PoolBrokenError as error:
                log.warning("pool_broken", records=len(batch), reason=str(error))
                metrics.POOL_RESTARTS.labels(self.name).set(self._pool.restarts)
                with self._pool.apart() as apart:
                    results = await _one_by_one(apart, watchlist, values, now)
        return [_outcome(result) for result in results]


async def _load(pool: KillablePool, watchlist: str) -> None:
    """Start a process and load its models. A failure here is no item's fault, and crashes."""
    await pool.run(enrich_batch, watchlist, [], utc_now())


async def _one_by_one(
    apart: KillablePool, watchlist: str, values: Sequence[bytes | None], now: datetime
) -> list[BatchResult]:
    """Enrich suspects each by itself; the guilty ones are named, the others are done."""
    results: list[BatchResult] = []
    for value in values:
        await _load(apart, watchlist)  # at once, unless the one before was guilty
        note_progress()
        try:
            results += await apart.run(
                enrich_batch, watchlist, [value], now, deadline_seconds=SUSPECT_DEADLINE_SECONDS
            )
        except PoolBrokenError as error:
            results.append(BatchResult(error=f"it breaks its process: {error}"))
        note_progress()
    return results


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


class _Files:
    """What the pool's processes read: the lexicon as it was at the start, and the watchlist.

    Files, because a pool cannot address all of its processes, and a large watchlist should not
    travel with every batch. Each edit of the watchlist makes a new file, which stays for as long as
    a batch uses it. A watchlist is personal data: none may outlive its process for long.
    """

    def __init__(self) -> None:
        self._held = HeldFolder("wirewatch-watchlist-")
        self._folder = self._held.path
        self._current = ""
        self._version = ""
        self._edits = 0
        self._users: Counter[str] = Counter()

    def keep(self, path: Path) -> str:
        """Copy a folder that might be edited while processes start anew."""
        return str(shutil.copytree(path, self._folder / path.name))

    @contextlib.contextmanager
    def watchlist(self, watchlist: Broadcast[Figure]) -> Iterator[str]:
        """Path of the watchlist as it is now, valid inside the block."""
        if watchlist.version != self._version:
            self._edits += 1
            outdated, self._current = self._current, str(self._folder / f"{self._edits}.json")
            self._version = watchlist.version
            write_snapshot(Path(self._current), list(watchlist.values.values()))
            self._discard(outdated)
            log.info("watchlist", version=self._version, figures=len(watchlist.values))
        path = self._current
        self._users[path] += 1
        try:
            yield path
        finally:
            self._users[path] -= 1
            self._discard(path)

    def _discard(self, path: str) -> None:
        if path and path != self._current and not self._users[path]:
            Path(path).unlink(missing_ok=True)
            del self._users[path]

    def remove(self) -> None:
        """Remove all files."""
        self._held.remove()
