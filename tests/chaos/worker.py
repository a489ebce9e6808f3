"""The worker of the product, with harm done to it: `python -m tests.chaos.worker STAGE`.

Items say by their titles what they do (`tests.chaos.news`). Variables of this module's own, which nothing else
reads, take away what keeps the promises, so that a run can show that it would notice:

CHAOS_WITHOUT       comma-separated: commit-guard, ordered-acks, emit-before-remember
CHAOS_SLOW_SECONDS  how long the outputs of slow items wait
CHAOS_ENTITIES      off: no named entities, which take most of the time

The pool's processes import this module, too, and so get what is patched at import.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from streams.enrich import batch as batches
from streams.enrich import pipeline
from tests.chaos.news import FATAL, HUGE, SLOW

_WITHOUT = frozenset(filter(None, os.environ.get("CHAOS_WITHOUT", "").split(",")))
_SLOW_SECONDS = float(os.environ.get("CHAOS_SLOW_SECONDS", "1"))

_decoded = batches._decoded


def _deadly(value: bytes | None) -> Any:
    """A text cannot kill its process on purpose, so this does."""
    if value and FATAL.encode() in value:
        os._exit(9)
    return _decoded(value)


batches._decoded = _deadly
if os.environ.get("CHAOS_ENTITIES") == "off":
    vars(pipeline)["DEFAULT_MODELS"] = {}


def _do_harm() -> None:
    """Patch the agents of this process."""
    from streams.agents import acking, worker
    from streams.agents.enrich import EnrichStage

    process, finish = EnrichStage.process, acking.AckingPipeline._finish

    async def harmed(self: EnrichStage, batch: Sequence[acking.Received]) -> list[acking.Outcome]:
        outcomes = await process(self, batch)
        if any(SLOW.encode() in (record.value or b"") for record in batch):
            await asyncio.sleep(_SLOW_SECONDS)
        return [_swollen(r, outcome) for r, outcome in zip(batch, outcomes, strict=True)]

    def _swollen(record: acking.Received, outcome: acking.Outcome) -> acking.Outcome:
        if isinstance(outcome, Exception) or HUGE.encode() not in (record.value or b""):
            return outcome
        huge = bytes(acking.OUTPUT_BYTES + 1)
        return tuple(msgspec.structs.replace(output, value=huge) for output in outcome)

    async def finish_in_any_order(self: Any, events: list[Any], work: Any) -> None:
        self.add_future(finish(self, events, work))

    async def ack_first(self: Any, events: list[Any], work: Any) -> None:
        for event in events:
            event.ack()
        await asyncio.sleep(_SLOW_SECONDS)
        await finish(self, events, work)

    EnrichStage.process = harmed  # type: ignore[method-assign]
    if "commit-guard" in _WITHOUT:
        vars(worker)["install_commit_guard"] = lambda: None
    if "ordered-acks" in _WITHOUT:
        acking.AckingPipeline._finish = finish_in_any_order  # type: ignore[method-assign]
    if "emit-before-remember" in _WITHOUT:
        acking.AckingPipeline._finish = ack_first  # type: ignore[method-assign]


def main() -> None:
    """Run a stage as `wirewatch worker --only STAGE` does."""
    _do_harm()
    from streams.cli import main as wirewatch

    sys.argv = ["wirewatch", "worker", "--only", sys.argv[1]]
    wirewatch()


if __name__ == "__main__":
    main()
