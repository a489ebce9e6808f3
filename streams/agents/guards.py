"""What Faust 0.15.3 gets wrong about offsets, mended and checked at start.

Faust may commit past a record that is still in flight when acks arrive out of order, or when
nothing has been committed yet (faust-streaming #606): after a crash that record is lost. And its
pure-Python stream acks records of a past assignment without having processed them; the compiled
one does not.

Its producer, aiokafka's, goes on after a batch that it has given up: what comes behind it in the same partition is
still sent. A stage whose process ends then would find the later output in the log when it starts again, and take
what came before it for done.

And without tables it deals out partitions round robin over all topics, so that partition 3 of one topic may go
to another worker than partition 3 of the other; a stage that joins two topics needs both in one place.
"""

from __future__ import annotations

import asyncio
import copy
from functools import partial
from typing import Any

import faust.streams
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.producer.message_accumulator import MessageAccumulator
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as faust_driver

from streams.errors import WirewatchError

__all__ = [
    "install_commit_guard",
    "install_copartitioning",
    "install_gap_guard",
    "require_compiled_streams",
]

_faust_new_offset = Consumer._new_offset
_append_batch = MessageAccumulator._append_batch
_drain_by_nodes = MessageAccumulator.drain_by_nodes


def _new_offset(self: Any, tp: Any) -> int | None:
    """Hide from Faust every acked offset above the lowest one in flight."""
    in_flight = (m.offset for m in self._unacked_messages if m.tp == tp and not m.acked)
    lowest = min(in_flight, default=None)
    if lowest is None:
        return _faust_new_offset(self, tp)
    acked = self._acked[tp]
    held_back = [offset for offset in acked if offset >= lowest]
    self._acked[tp] = [offset for offset in acked if offset < lowest]
    try:
        return _faust_new_offset(self, tp)
    finally:
        self._acked[tp].extend(held_back)


def install_commit_guard() -> None:
    """Make Faust's commit never pass a record in flight. Safe to call twice."""
    setattr(Consumer, "_new_offset", _new_offset)  # noqa: B010 - a patch, and seen as one


def _append_watched_batch(self: Any, builder: Any, tp: Any) -> Any:
    batch = _append_batch(self, builder, tp)
    batch.future.add_done_callback(partial(_end_with_failure, self))
    return batch


def _drain_nothing_behind_a_gap(self: Any, *args: Any, **options: Any) -> Any:
    """Heed a batch that was given up in this very turn of the loop, whose callbacks come with the next one.

    Its partition is open again at once, and the sender may be due already, because another broker has answered.
    Until those callbacks have run, aiokafka counts the batch among the pending ones.
    """
    for batch in list(self._pending_batches):
        if batch.future.done():
            _end_with_failure(self, batch.future)
    return _drain_by_nodes(self, *args, **options)


def _end_with_failure(accumulator: Any, written: asyncio.Future[Any]) -> None:
    """Give up what waits behind a batch that was given up, and refuse what comes.

    Not within `MessageBatch.failure`: aiokafka calls that while it goes through the very queues that are emptied here.
    What has been sent to other partitions meanwhile is left alone: nothing is missing before it.
    """
    error = None if written.cancelled() else written.exception()
    if error is None or accumulator._exception is not None:
        return
    accumulator._exception = error
    waiting = [batch for batches in accumulator._batches.values() for batch in batches]
    accumulator._batches.clear()
    for batch in waiting:
        batch.failure(copy.copy(error))


def install_gap_guard() -> None:
    """Make a producer write nothing behind what it could not write. Safe to call twice.

    For processes that end when a send fails, as workers do: their producers take nothing more. All that is sent
    is drained first, so nothing can pass between a failure and the next draining.
    """
    setattr(MessageAccumulator, "_append_batch", _append_watched_batch)  # noqa: B010 - a patch
    setattr(MessageAccumulator, "drain_by_nodes", _drain_nothing_behind_a_gap)  # noqa: B010 - a patch


def install_copartitioning() -> None:
    """Make one worker own the same partitions of all topics of its stage. Safe to call twice.

    Kafka's range assignor does that for topics with equally many partitions. Faust's own does too, but only
    for apps with tables, and it keeps standbys that these stages have no use for. A group takes the assignor
    that all of its members offer, so workers from before this change must be stopped first.
    """
    setattr(faust_driver, "RoundRobinPartitionAssignor", RangePartitionAssignor)  # noqa: B010 - a patch


def require_compiled_streams() -> None:
    """Refuse to run on Faust's pure-Python stream.

    Raises:
        WirewatchError: the compiled extension is missing.
    """
    if getattr(faust.streams, "_CStreamIterator", None) is None:
        raise WirewatchError(
            "this build of faust-streaming lacks its compiled stream iterator, without which "
            "records can be acked unprocessed after a rebalance",
            cure="unset NO_CYTHON, install a faust-streaming wheel for this platform",
        )
