"""What a soak run is to be, and what came of it."""

from __future__ import annotations

import msgspec

from tests.soak.memory import Growth

__all__ = ["Report", "Wanted"]

SOME_SECONDS = 5.0
"""By so much of the published items the backlog may differ between the beginning and the end."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to be."""

    minutes: float = 100.0
    warm_up: float = 40.0
    """Minutes of it that do not count: windows and queues fill."""
    unheard: int = 40_000
    """Items before it, of which hardly a word comes twice, so that what is kept of words is full: otherwise that
    takes days, and is growth all the while."""
    rate: float = 0.0
    """Items a second; 0 measures what the stream can do and takes half."""
    tried: int = 3_000
    """Items by which that is measured."""
    every_seconds: float = 2.0
    """Between two looks at the processes: several while one of them fills a batch and writes it."""
    partitions: int = 4
    patience_seconds: float = 300.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, and what came of it."""

    wanted: Wanted
    rate: float
    can: float
    """Items a second that were possible; 0 if that was not measured."""
    processes: dict[str, Growth]
    restarted: tuple[str, ...]
    """What the supervisor told: crashes."""
    lag_before: float
    """Items between the publisher and the end of the stream, in seconds of publishing: median of the first third."""
    lag_after: float
    published: int
    lost: int
    """Published entries that are no items, and items that were not enriched."""
    alerts: int
    """Revisions."""
    notified: int

    @property
    def faults(self) -> list[str]:
        """Broken promises, in words."""
        grown = [
            f"{name} grows by {each.per_hour:.1%} an hour"
            for name, each in self.processes.items()
            if not each.is_flat
        ]
        lag = (
            [f"the lag grows, from {self.lag_before:.1f} s to {self.lag_after:.1f} s"]
            if self.lag_after > self.lag_before + SOME_SECONDS
            else []
        )
        lost = [f"{self.lost:,} of {self.published:,} items are lost"] if self.lost else []
        return [*grown, *lag, *lost, *self.restarted]
