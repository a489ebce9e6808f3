"""The order in which a figure is erased. Each step may be done again, and so may all of them.

1. A mark that it was erased goes to the watchlist, then its entry is deleted: no file brings it back from now on.
2. A while is waited, in which all processes take notice. From then on the alerts stage writes nothing about it.
3. Its alerts are deleted, in the partitions in which they are, until none is there.

The other way round, alerts would come back behind their deletion: by a mention that was on its way, or because
the stage closes what is no longer watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiokafka.errors import KafkaError

from streams.broker.broadcast import publish
from streams.broker.clients import connect_producer
from streams.broker.topics import ALERTS, WATCHLIST
from streams.config import Settings
from streams.enrich.watchlist.erasing import mark_id, mark_of
from streams.errors import BrokerError
from streams.privacy.about import Found
from streams.privacy.stored import living_alerts

__all__ = ["NOTICE_SECONDS", "erase"]

NOTICE_SECONDS = 3.0
"""Processes follow the watchlist within half a second; batches on their way take less than another one."""
_ROUNDS = 5


async def erase(settings: Settings, figure_id: str) -> int:
    """Delete the entry of a figure and its alerts.

    Args:
        settings: whose broker is set.
        figure_id: whose.

    Returns:
        How many alerts were deleted.

    Raises:
        BrokerError: the broker cannot be used, or somebody goes on writing alerts about the figure.
    """
    await publish(settings, WATCHLIST, {mark_id(figure_id): mark_of(figure_id)})
    await publish(settings, WATCHLIST, {figure_id: None})
    await asyncio.sleep(NOTICE_SECONDS)
    deleted: set[str] = set()
    for _ in range(_ROUNDS):
        living = await living_alerts(settings, figure_id)
        if not living:
            return len(deleted)
        await _delete(settings, living)
        deleted |= set(living)
        await asyncio.sleep(NOTICE_SECONDS / _ROUNDS)
    if await living_alerts(settings, figure_id):
        raise BrokerError(
            f"alerts about {figure_id} are still being written",
            cure="see that no worker of an older version runs, then do the same again",
        )
    return len(deleted)


async def _delete(settings: Settings, alerts: Mapping[str, Found]) -> None:
    """Write deletions behind alerts: these lie where their mentions do, not where their own keys belong."""
    producer = await connect_producer(settings)
    try:
        for alert_id, found in alerts.items():
            await producer.send_and_wait(
                ALERTS, key=alert_id.encode(), value=None, partition=found.partition
            )
    except KafkaError as error:
        raise BrokerError(
            f"{ALERTS}: a deletion was not acknowledged: {error}",
            cure="check that the broker runs, then do the same again",
        ) from error
    finally:
        await producer.stop()
