"""Which feeds this process polls, and what is remembered of them: poll processes share the work.

The partitions of `news.feeds` that the consumer group gives to this process are its share
(`streams.feeds.sharing.membership`). They and those of the same numbers of `news.feed-state` are read from
the beginning and followed live (`streams.feeds.sharing.following`). The feeds of a partition may be polled
once all is read that others had written when it became ours.

A rebalance
    1. The group wants to share out anew. From now on nothing is held, `feeds` is empty, and
       `on_lost` lets the poller finish what it is publishing: whoever polls these feeds next must
       know of it. Which ones will be kept nobody can know yet.
    2. The reader goes on reading all the same; what is known stays.
    3. The new share is told. Partitions that are not in it are forgotten; new ones are read from the
       beginning; of kept ones only what was written meanwhile, which is next to nothing, is left
       to be read before their feeds are back.
Nobody polls a feed between 1 and 3, nobody has it twice after 3, and a poll that was cut short is
done again by whoever has the feed then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import structlog
from aiokafka.errors import KafkaError

from streams.broker.clients import connect_consumer
from streams.broker.topics import FEEDS
from streams.config import Settings, seconds_awake_or_not
from streams.errors import BrokerError
from streams.feeds.sharing.following import Following, count_partitions
from streams.feeds.sharing.holdings import Holding
from streams.feeds.sharing.membership import GROUP, Membership
from streams.metrics import REBALANCES
from streams.records import Feed, FeedState

__all__ = ["FAREWELL_SECONDS", "Share"]

log = structlog.get_logger(__name__)

FAREWELL_SECONDS = 5.0
"""How long a rebalance waits for what is being published."""
_RETRY_SECONDS = 1.0


class Share:
    """The feeds that this process polls at the moment, and what is remembered of them.

    Args:
        settings: whose broker is set; `instance` makes this a static member of the group.
        on_lost: awaited with the feed_ids of all that is held before it is given up in a rebalance,
            for `FAREWELL_SECONDS` at most. Some of them may be back in `feeds` a moment later.
            After a freeze it comes too late, and `stop` does not call it.
        clock: seconds, see `seconds_awake_or_not`.
    """

    def __init__(
        self,
        settings: Settings,
        on_lost: Callable[[frozenset[str]], Awaitable[None]],
        clock: Callable[[], float] = seconds_awake_or_not,
    ) -> None:
        self._settings = settings
        self._on_lost = on_lost
        self._membership = Membership(
            settings, self._held, self._on_revoked, self._on_assigned, clock
        )
        self._partitions = 1
        self._assigned: frozenset[int] = frozenset()
        self._is_rebalancing = True
        self._round = 0
        """Counts assignments; `_following` has turned to that of `_followed_round`."""
        self._followed_round = 0
        self._following: Following | None = None
        self._version = 0
        self._feeds: tuple[int, Mapping[str, Feed]] = (0, {})
        """The feeds of a version."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._loaded = asyncio.Event()

    async def start(self) -> None:
        """Join the group and load the first share, which is empty with more processes than
        partitions.

        Raises:
            BrokerError: the broker cannot be reached, lacks a topic, stops answering, or the topics
                have different numbers of partitions.
        """
        self._partitions = await count_partitions(self._settings)
        try:
            await self._membership.start()
            for work in (self._follow(), self._membership.watch()):
                task = asyncio.create_task(work)
                task.add_done_callback(lambda _: self._loaded.set())
                self._tasks.add(task)
            await self._loaded.wait()
            _raise_failure(self._tasks)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Leave the group, so that others take over, and forget everything. May be repeated."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await self._membership.stop()
        if tasks:
            await asyncio.wait(tasks)
        self._following = None
        self._version += 1

    async def wait_failed(self) -> None:
        """Wait until `stop`, or raise as soon as the share is no longer kept up by itself.

        Raises:
            BrokerError: a poller would go on with a share that may be another's.
        """
        if self._tasks:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            _raise_failure(done)

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """feed_id to feed, of those that are loaded and held; the mapping stays as it is, ask again
        when `version` has changed.
        """
        if self._feeds[0] != self._version:
            held = (holding for holding in self._holdings.values() if holding.is_complete)
            feeds = {feed_id: feed for holding in held for feed_id, feed in holding.feeds.items()}
            self._feeds = (self._version, MappingProxyType(feeds))
        return self._feeds[1]

    @property
    def version(self) -> int:
        """Changes whenever `feeds` or `is_settled` does. Any rebalance changes it, even one that
        changes nothing else: plans that were given up in `on_lost` have to be made again.
        """
        return self._version

    @property
    def is_settled(self) -> bool:
        """Whether `feeds` is all that is ours: no rebalance is on, and everything is loaded."""
        return self._is_current and all(each.is_complete for each in self._holdings.values())

    @property
    def fraction(self) -> float:
        """This process's share of all partitions, above 0 and at most 1; the last one known."""
        return max(1, len(self._assigned)) / self._partitions

    def holds(self, feed_id: str) -> bool:
        """Whether this feed is ours now, as far as anybody can know.

        A feed in `feeds` is not while this process cannot know whether the group has given it to
        another: it was frozen, or cut off, for longer than the session.
        """
        return feed_id in self.feeds and self._membership.is_confirmed

    def state(self, feed_id: str) -> FeedState | None:
        """What is remembered of a feed that `holds` accepts; None if it has never been polled."""
        holding = self._holding_of(feed_id)
        return holding.state(feed_id) if holding else None

    def remember(self, state: FeedState) -> None:
        """Note a state that the broker has acknowledged. One of a feed that is no longer ours is
        nothing to us any more: the log has it.
        """
        if holding := self._holding_of(state.feed_id):
            holding.remember(state)

    @property
    def _holdings(self) -> Mapping[int, Holding]:
        return self._following.holdings if self._following else {}

    def _holding_of(self, feed_id: str) -> Holding | None:
        return self._following.holding_of(feed_id) if self._following else None

    @property
    def _is_current(self) -> bool:
        """Whether the group's last word stands, and is what is followed."""
        return not self._is_rebalancing and self._followed_round == self._round

    # --- what the group says -------------------------------------------------------------------

    def _held(self) -> frozenset[int]:
        """What to ask the group for: nothing that others may have by now."""
        return self._assigned if self._membership.is_confirmed else frozenset()

    async def _on_revoked(self) -> None:
        lost = frozenset(self.feeds)
        self._is_rebalancing = True
        for holding in self._holdings.values():
            holding.is_complete = False
        self._version += 1
        if not lost:
            return
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._on_lost(lost)
        except TimeoutError:
            log.warning("share_given_up_while_publishing", feeds=len(lost))

    def _on_assigned(self, partitions: frozenset[int]) -> None:
        REBALANCES.labels(GROUP).inc()
        self._assigned = partitions
        self._is_rebalancing = False
        self._round += 1

    # --- what the log says ---------------------------------------------------------------------

    async def _follow(self) -> None:
        """Follow our partitions for ever; aiokafka reconnects by itself when a broker restarts."""
        reader = await connect_consumer(self._settings)
        try:
            following = self._following = Following(reader, self._partitions)
            while True:
                try:
                    await self._step(following)
                except KafkaError as error:
                    log.warning("share_interrupted", error=repr(error))
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            await reader.stop()

    async def _step(self, following: Following) -> None:
        if self._followed_round != self._round:
            number = self._round
            # The ends are asked for after the group's word: all that others wrote lies below.
            await following.turn_to(self._assigned)
            self._followed_round = number
            self._version += 1
        if await following.read():
            self._version += 1
        if not self._is_current:
            return  # the group has changed its mind meanwhile
        for partition, holding in following.holdings.items():
            if not holding.is_complete and partition not in following.missing:
                holding.is_complete = True
                self._version += 1
        if self.is_settled:
            self._loaded.set()


def _raise_failure(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            if isinstance(error, BrokerError):
                raise error
            raise BrokerError(f"{FEEDS} is no longer shared: {error!r}") from error
