"""State of a stage per partition, rebuilt from Kafka whenever the log was not followed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from streams.agents.acking import Received
from streams.agents.in_flight import note_progress
from streams.errors import RecordError

__all__ = ["PartitionStates"]

log = structlog.get_logger(__name__)

S = TypeVar("S")


class PartitionStates(Generic[S]):
    """Holds the state just before the next record of each partition, of one topic or of several.

    A partition has one state, whatever the topic; each topic's records are followed by themselves.

    Args:
        rebuild: reads the state as it was before a record.
    """

    def __init__(self, rebuild: Callable[[Received], Awaitable[S]]) -> None:
        self._rebuild = rebuild
        self._states: dict[int, S] = {}
        self._last: dict[tuple[str, int], int] = {}
        self._doubtful: set[int] = set()

    async def before(self, record: Received) -> S:
        """The state for a record, which counts as processed from then on.

        It is rebuilt unless the record follows the last one of its topic: at start, on redelivery, in a gap.
        The first record of a further topic needs no rebuilding.
        """
        partition, place = record.partition, (record.topic, record.partition)
        last = self._last.get(place)
        if partition not in self._states or (last is not None and last != record.offset - 1):
            # Nothing is known of where the other topics stood in what is read now.
            self._last = {key: at for key, at in self._last.items() if key[1] != partition}
            self._states.pop(partition, None)
            self._states[partition] = await self._rebuild(record)
            note_progress()  # a batch may touch all partitions
        self._last[place] = record.offset
        return self._states[partition]

    def doubt(self, record: Received, error: Exception) -> RecordError:
        """Contain what a record raised that no code expected; its partition is read again with the next batch.

        Not at once: what the batch has made of earlier records is not in Kafka yet.

        Returns:
            What the record goes to the dead letters for.
        """
        place = f"{record.topic}/{record.partition}/{record.offset}"
        log.error("record_raised", record=place, exc_info=error)
        self._doubtful.add(record.partition)
        return RecordError(
            f"our own fault: {type(error).__name__}: {error}",
            cure="see the log; redrive it with a version that can read it",
        )

    def refused(self, record: Received) -> None:
        """Read the partition again with the next batch, since what was made of this record will never be in Kafka."""
        self._doubtful.add(record.partition)

    def begin_batch(self) -> None:
        """Forget the states that a record has left half changed or ahead of Kafka; all outputs before have been acked."""
        for partition in self._doubtful:
            self._states.pop(partition, None)
        self._doubtful.clear()

    def reset(self) -> None:
        """Forget everything. After a rebalance even the next record in order is no proof: another
        worker may have processed it, and died before it could commit.
        """
        self._states.clear()
        self._last.clear()
