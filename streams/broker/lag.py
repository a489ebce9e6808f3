"""How far a consumer group is behind, by what it has committed: what a restart would not read again.

Seconds are told by when an end of the partition was first seen beyond the committed offset, not by
the timestamps of records, which are those of the news and may be old. So a lag that is older than this
process counts from its start: what is told is never too much.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import NamedTuple

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams import metrics
from streams.broker.clients import connect_admin
from streams.broker.ranges import Span, TopicReader
from streams.config import utc_now
from streams.errors import WirewatchError
from streams.health import Offsets

__all__ = ["EVERY_SECONDS", "BrokerWatch", "Lag", "LagHistory"]

log = structlog.get_logger(__name__)

EVERY_SECONDS = 10.0
_ANSWER_SECONDS = 10.0
SILENT_SECONDS = 30.0
"""Without an answer for so long the broker counts as gone: three questions in a row."""
_SAMPLES = 720
"""Two hours of a partition that stands still while records arrive; then older looks get further apart."""


class Lag(NamedTuple):
    """Of one partition."""

    records: int
    seconds: float
    """Since the oldest of them has been there, at least."""


class LagHistory:
    """Remembers when the end of a partition was where, as far back as is not committed."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, int]] = deque()

    def observe(self, committed: int, end: int, now: float) -> Lag:
        """Take in a look at the broker.

        Args:
            committed: offset of the next record to process.
            end: offset that the next record will get.
            now: seconds, never less than before.

        Returns:
            How much is not committed. The seconds are at most the true age of the oldest record,
            and less by at most one pause between looks if it came since the first.
        """
        if self._ends and end < self._ends[-1][1]:  # the topic was created anew
            self._ends.clear()
        while self._ends and self._ends[0][1] <= committed:
            self._ends.popleft()
        if end > committed and (not self._ends or end > self._ends[-1][1]):
            self._ends.append((now, end))
        if len(self._ends) > _SAMPLES:  # every second one; the oldest stays, it tells the lag
            self._ends = deque(list(self._ends)[::2])
        since = self._ends[0][0] if self._ends else now
        return Lag(max(end - committed, 0), now - since)


class BrokerWatch:
    """Asks the broker at intervals whether it is there, and how far the group is behind.

    Trouble is logged and waited out. The metrics then stay as they are, and
    `news_consumer_lag_updated_timestamp_seconds` says since when.

    Args:
        offsets: tells what to ask for, None while that is not known.
        clock: seconds.
    """

    def __init__(
        self, offsets: Callable[[], Offsets | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._offsets = offsets
        self._clock = clock
        self._answered: float | None = None
        self._trouble = "the broker has not answered yet"
        self._histories: dict[tuple[str, int], LagHistory] = {}

    def why_not(self) -> str:
        """Say why the broker counts as gone; empty if it does not."""
        if self._answered is None:
            return self._trouble
        silent = self._clock() - self._answered
        if silent <= SILENT_SECONDS:
            return ""
        return f"no answer for {silent:.0f} s: {self._trouble or 'it hangs'}"

    async def run(self) -> None:
        """Ask until cancelled."""
        while (offsets := self._offsets()) is None:  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.2)
        while True:
            try:
                await self._ask(offsets)
            except (WirewatchError, KafkaError, OSError, TimeoutError) as error:
                self._note(str(error) or "it does not answer in time")
            except Exception as error:
                log.exception("broker_watch_failed")
                self._note(f"our own fault: {type(error).__name__}")
            await asyncio.sleep(EVERY_SECONDS)

    def _note(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("broker_watch", reason=trouble)
        self._trouble = trouble

    async def _ask(self, offsets: Offsets) -> None:
        """Connect, and ask for as long as there are answers."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(_ANSWER_SECONDS):
                admin = await connect_admin(offsets.settings)
                stack.push_async_callback(admin.close)
                reader = TopicReader(offsets.settings, *offsets.topics)
                if offsets.group:
                    await stack.enter_async_context(reader)
            while True:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    if offsets.group:
                        await self._measure(admin, reader, offsets)
                    else:
                        await admin.list_topics()
                self._answered, self._trouble = self._clock(), ""
                await asyncio.sleep(EVERY_SECONDS)

    async def _measure(
        self, admin: AIOKafkaAdminClient, reader: TopicReader, offsets: Offsets
    ) -> None:
        # Committed first: an end that is asked for before would seem to lie behind it.
        committed = offsets.stored or await _committed(admin, offsets.group)
        for topic in offsets.topics:
            for span in await reader.spans(topic):
                # If nothing is committed, or the topic has forgotten what is, it begins with the topic.
                at = max(committed(topic, span.partition) or 0, span.begin)
                self._set(offsets.group, span, at)
        metrics.LAG_UPDATED.labels(offsets.group).set(utc_now().timestamp())

    def _set(self, group: str, span: Span, committed: int) -> None:
        history = self._histories.setdefault((span.topic, span.partition), LagHistory())
        lag = history.observe(committed, span.end, self._clock())
        labels = (group, span.topic, str(span.partition))
        metrics.LAG_RECORDS.labels(*labels).set(lag.records)
        metrics.LAG_SECONDS.labels(*labels).set(lag.seconds)


async def _committed(admin: AIOKafkaAdminClient, group: str) -> Callable[[str, int], int | None]:
    found = await admin.list_consumer_group_offsets(group)
    offsets = {(place.topic, place.partition): at.offset for place, at in found.items()}
    return lambda topic, partition: offsets.get((topic, partition))
