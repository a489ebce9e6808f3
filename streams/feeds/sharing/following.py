"""Reads partitions of `news.feeds` and `news.feed-state`: from the beginning, then live.

Both topics are keyed by feed_id, so a feed and what is remembered of it lie in partitions of the
same number. The reader is no member of a group: it stays with a partition through all rebalances.
"""

from __future__ import annotations

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.partitioner import murmur2
from aiokafka.structs import ConsumerRecord, TopicPartition

from streams.broker.clients import administer
from streams.broker.topics import FEED_STATE, FEEDS
from streams.config import Settings
from streams.errors import BrokerError, RecordError
from streams.feeds.sharing.holdings import Holding

__all__ = ["Following", "count_partitions"]

log = structlog.get_logger(__name__)

_STALL_SECONDS = 30.0
"""Without any progress for so long, loading fails: feeds of ours would silently not be polled."""
_POLL_MILLISECONDS = 200
_POLL_RECORDS = 500
"""Brought in without a pause; at 9 kB each that takes about 20 ms."""


async def count_partitions(settings: Settings) -> int:
    """How many partitions both topics have, found by listing all: asking by name could create one.

    Raises:
        BrokerError: a topic is missing, or their numbers differ.
    """
    async with administer(settings) as admin:
        counts = {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
    missing = [topic for topic in (FEEDS, FEED_STATE) if topic not in counts]
    if missing:
        raise BrokerError(
            f"the broker has no topic {', '.join(missing)}", cure="run `wirewatch topics apply`"
        )
    if counts[FEEDS] != counts[FEED_STATE]:
        raise BrokerError(
            f"{FEEDS} has {counts[FEEDS]} partitions, {FEED_STATE} has {counts[FEED_STATE]}: a feed "
            "and what is remembered of it must lie in partitions of the same number",
            cure=f"create one of them anew with the other's number; {FEED_STATE} may be lost, its "
            "feeds are then judged as new",
        )
    return counts[FEEDS]


class Following:
    """What is held of the followed partitions.

    Args:
        reader: started, without a group or topics; it is this object's to use.
        partitions: how many both topics have.
    """

    def __init__(self, reader: AIOKafkaConsumer, partitions: int) -> None:
        self.holdings: dict[int, Holding] = {}
        """By partition number."""
        self._reader = reader
        self._partitions = partitions
        self._behind: dict[TopicPartition, int] = {}
        """What is still to be read, up to which offset."""
        self._reached = -1
        self._stalled_at = 0.0

    @property
    def missing(self) -> frozenset[int]:
        """The partitions that are not read to the end which they had at the last `turn_to`."""
        return frozenset(place.partition for place in self._behind)

    def holding_of(self, feed_id: str) -> Holding | None:
        """Where a feed is held, if it is in one of our partitions."""
        return self.holdings.get(self._partition_of(feed_id.encode()))

    async def turn_to(self, wanted: frozenset[int]) -> None:
        """Follow exactly these partitions: forget others, go on with those that are followed
        already, begin new ones. All of them are `missing` until read to their ends of now.

        Raises:
            BrokerError: there is no such partition.
            KafkaError: the broker did not answer; may be repeated.
        """
        if wanted and max(wanted) >= self._partitions:
            raise BrokerError(f"{FEEDS} has got more partitions", cure="start the poller again")
        places = {TopicPartition(topic, n) for n in wanted for topic in (FEEDS, FEED_STATE)}
        present = self._reader.assignment()
        if places != present:
            positions = {place: await self._reader.position(place) for place in places & present}
            self._reader.assign(list(places))
            for place, position in positions.items():
                self._reader.seek(place, position)
            self.holdings = {n: self.holdings.get(n) or Holding() for n in wanted}
        self._behind = await self._reader.end_offsets(list(places)) if places else {}
        kept = {place.partition for place in places & present}
        log.info("share_assigned", partitions=sorted(wanted), kept=sorted(kept))

    async def read(self) -> bool:
        """Bring in what there is, or wait a moment for it.

        Returns:
            Whether a feed of a complete holding has changed.

        Raises:
            BrokerError: the broker sends nothing although there is more.
            KafkaError: the broker did not answer; may be repeated.
        """
        changed = False
        if self.holdings:
            batches = await self._reader.getmany(
                timeout_ms=_POLL_MILLISECONDS, max_records=_POLL_RECORDS
            )
            for batch in batches.values():
                for message in batch:
                    changed |= self._take(message)
            await asyncio.sleep(0)  # records at hand come without a pause, which polls need
        else:
            await asyncio.sleep(_POLL_MILLISECONDS / 1000)
        await self._measure()
        return changed

    async def _measure(self) -> None:
        """Find out what is still behind.

        What counts is the position, not the last offset seen: compaction leaves gaps, and markers
        of transactions are never delivered.
        """
        positions = {place: await self._reader.position(place) for place in self._behind}
        self._behind = {at: end for at, end in self._behind.items() if positions[at] < end}
        reached, now = sum(positions.values()), asyncio.get_running_loop().time()
        if not self._behind or reached != self._reached:
            self._reached, self._stalled_at = reached, now + _STALL_SECONDS
        elif now > self._stalled_at:
            raise BrokerError(
                f"{FEEDS}, {FEED_STATE}: the broker sends nothing although there is more",
                cure="check that all brokers of the cluster run",
            )

    def _take(self, message: ConsumerRecord) -> bool:
        """Bring one record in; whether that changes a feed of a complete holding."""
        holding = self.holdings[message.partition]
        try:
            if message.topic == FEED_STATE:
                holding.take_state(message.key, message.value)
                return False
            self._check_place(message)
            return holding.take_feed(message.key, message.value) and holding.is_complete
        except RecordError as error:
            log.warning(
                "share_skipped",
                topic=message.topic,
                partition=message.partition,
                offset=message.offset,
                error=str(error),
            )
            return False

    def _check_place(self, message: ConsumerRecord) -> None:
        """A feed in another partition than its key says has its state elsewhere, so that whoever
        reads it would poll it without memory, and nobody could ever delete it.
        """
        if message.key is None:
            return  # is refused for that
        right = self._partition_of(message.key)
        if right != message.partition:
            raise RecordError(f"a feed that belongs into partition {right}, by Kafka's partitioner")

    def _partition_of(self, key: bytes) -> int:
        """In which partition a key lies, by the hash of Java's clients and aiokafka."""
        hashed: int = murmur2(key)
        return (hashed & 0x7FFFFFFF) % self._partitions
