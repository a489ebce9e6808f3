"""State of a stage per partition, rebuilt from Kafka whenever the log was not followed.

A record that cannot be processed may have changed the state half, or ahead of what will ever be in Kafka. Then the
partition is read again, but not at once: what was made of the records before is not in Kafka yet. So processing stops
behind that record, and the pipeline comes back with the rest once it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from streams.agents.acking import Outcome, Output, Received, oversize
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

    async def process(
        self, batch: Sequence[Received], one: Callable[[Received], Awaitable[Outcome]]
    ) -> list[Outcome]:
        """Decide on records in their order, up to and with the first that leaves its state in doubt.

        Args:
            batch: behind records whose outputs have all been acked.
            one: decides on a record, by way of `contain`.
        """
        for partition in self._doubtful:
            self._states.pop(partition, None)
        self._doubtful.clear()
        outcomes: list[Outcome] = []
        for record in batch:
            outcomes.append(await one(record))
            if self._doubtful:
                break
        return outcomes

    def contain(self, record: Received, decide: Callable[[], tuple[Output, ...]]) -> Outcome:
        """What becomes of a record, whatever deciding on it raises.

        Args:
            record: whose state `before` has handed out.
            decide: makes its outputs; leaves the state as it was where it raises RecordError.
        """
        try:
            outputs = decide()
        except RecordError as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever a record holds, only it fails
            self._doubtful.add(record.partition)
            return _our_fault(record, error)
        if too_large := oversize(outputs):
            self._doubtful.add(record.partition)
            return too_large
        return outputs

    def reset(self) -> None:
        """Forget everything. After a rebalance even the next record in order is no proof: another
        worker may have processed it, and died before it could commit.
        """
        self._states.clear()
        self._last.clear()


def _our_fault(record: Received, error: Exception) -> RecordError:
    """What a record goes to the dead letters for that raised what no code expected."""
    place = f"{record.topic}/{record.partition}/{record.offset}"
    log.error("record_raised", record=place, exc_info=error)
    return RecordError(
        f"our own fault: {type(error).__name__}: {error}",
        cure="see the log; redrive it with a version that can read it",
    )
