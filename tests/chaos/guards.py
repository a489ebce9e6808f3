"""Runs with a guard switched off, which must fail: else a loss would not be seen.

Two lines of defence keep a commit from passing a record in flight: batches are acked in order, and the commit
guard. In-order acks alone suffice, so the commit guard is tried with both off. Without in-order acks only, nothing
may be lost, but the order of outputs is.
"""

from __future__ import annotations

from tests.chaos.disturb import Disturbance
from tests.chaos.flow import Wanted

__all__ = ["GUARDS", "without"]

GUARDS = ("commit-guard", "ordered-acks", "emit-before-remember")

_OFF = {
    "": (),
    "commit-guard": ("commit-guard", "ordered-acks"),
    "ordered-acks": ("ordered-acks",),
    "emit-before-remember": ("emit-before-remember",),
}


def without(guard: str, *, seed: int = 1) -> Wanted:
    """A small run of the enrich stage that is killed at the worst moment.

    The outputs of the first batch wait for seconds; others overtake it if they can, are acked and committed, and
    two seconds later the process is killed. Where acks come before outputs, every batch waits.

    Args:
        guard: one of `GUARDS`, or "" for the same run with all of them.
        seed: of the items.
    """
    return Wanted(
        items=96 if guard == "emit-before-remember" else 160,
        seed=seed,
        feed_seconds=2.0,
        stages=("enrich",),
        without=_OFF[guard],
        slow_every=10_000,  # only the first item
        slow_seconds=3.0 if guard == "emit-before-remember" else 6.0,
        disturbances=(Disturbance(at=2.0, kind="kill", whom="enrich-1"),),
        partitions=4,
        patience_seconds=90.0,
    )
