"""Keeps consumers from spinning on a broker that answers empty fetches at once.

Kafka holds a fetch back until there is data or `fetch_max_wait_ms` (500 ms) is over. The embedded
broker (noida-db 0.2.3) answers immediately, so that an idle aiokafka consumer asks 2,500 times a
second and burns a core. A short pause after such an answer costs at most that pause in latency,
and never occurs with a broker that waits as it should.

And lets consumers end: one that is stopped right after it was given partitions would wait for ever for its
fetcher, which has taken the cancellation for that of a request (aiokafka 0.14.0).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

__all__ = ["install_pacing"]

PAUSE_SECONDS = 0.025
_AGAIN_SECONDS = 0.2

_fetch = Fetcher._proc_fetch_request
_find_positions = Fetcher._update_fetch_positions
_close = Fetcher.close


async def _paced_fetch(self: Any, assignment: Any, node_id: Any, request: Any) -> Any:
    loop = asyncio.get_running_loop()
    began = loop.time()
    got_records = False
    # The fetcher cancels its requests and expects them to take it calmly. Its own pauses after failed
    # ones do not (aiokafka 0.14.0): a consumer without a broker could not be stopped without an error.
    with contextlib.suppress(asyncio.CancelledError):
        got_records = await _fetch(self, assignment, node_id, request)
        if not got_records and loop.time() - began < PAUSE_SECONDS:
            await asyncio.sleep(PAUSE_SECONDS)
    return got_records


async def _calmly_find_positions(self: Any, assignment: Any, node_id: Any, tps: Any) -> Any:
    with contextlib.suppress(asyncio.CancelledError):
        return await _find_positions(self, assignment, node_id, tps)
    return False


async def _firmly_close(self: Any) -> None:
    self._closed = True
    while not self._fetch_task.done():
        self._fetch_task.cancel()
        await asyncio.wait([self._fetch_task], timeout=_AGAIN_SECONDS)
    await _close(self)


def install_pacing() -> None:
    """Pace all aiokafka consumers of this process, Faust's too. Safe to call twice."""
    setattr(Fetcher, "close", _firmly_close)  # noqa: B010 - likewise
    setattr(Fetcher, "_proc_fetch_request", _paced_fetch)  # noqa: B010 - a patch, seen as one
    setattr(Fetcher, "_update_fetch_positions", _calmly_find_positions)  # noqa: B010 - likewise
