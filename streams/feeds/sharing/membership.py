"""This process's place in the consumer group of the pollers.

Kafka's group tells each poller which partitions are its own, and no more: nothing is read by it,
and no offset is committed.

What ends a place, and how soon others have its partitions:
    a stop        at once; a static member (`settings.instance`) says nothing, as Kafka wants it, and
                  is missed after `SESSION_SECONDS`, unless it is back by then
    kill -9       after `SESSION_SECONDS`; a static member that is back sooner resumes at once, and
                  nobody else notices. One without a name comes back as somebody new, for whom all
                  share out anew, and wait until the session of the dead one is over
    a freeze      after `SESSION_SECONDS`; from then on `is_confirmed` is False, until the group has
                  answered again
The embedded broker misses nobody: what a killed member had stays with it until the same instance
is back, and without a name it keeps all newcomers out until the broker starts again. That broker is
for one machine, where `up` gives a name and restarts what dies.

Rebalances are eager, since aiokafka has nothing else: for every change all members give up all
partitions, and get their share anew when everybody has done so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams.broker.clients import join_group
from streams.broker.topics import FEEDS
from streams.config import Settings, seconds_awake_or_not
from streams.feeds.sharing.apportion import share_out

__all__ = ["GROUP", "SESSION_SECONDS", "Membership"]

log = structlog.get_logger(__name__)

GROUP = "wirewatch-poll"

SESSION_SECONDS = 10.0
"""How long the group waits for a member that is silent. Kafka's consumers had this default for
years; 45 s today, for the sake of clusters with long pauses, would leave feeds alone for as long."""
HEARTBEAT_SECONDS = 3.0
REJOIN_SECONDS = 20.0
"""A member learns of a rebalance with its next heartbeat, and then may take
`share.FAREWELL_SECONDS` for what it is publishing."""
_LEAVE_SECONDS = 4.0
_WATCH_MILLISECONDS = 1000
_RETRY_SECONDS = 1.0


class Membership(ConsumerRebalanceListener):  # type: ignore[misc, unused-ignore]
    """A place in the group.

    Args:
        settings: whose broker is set.
        held: which partitions this process would like to keep.
        on_revoked: awaited before all partitions are given up.
        on_assigned: told which ones are ours from now on, perhaps none.
        clock: seconds, see `seconds_awake_or_not`.
    """

    def __init__(
        self,
        settings: Settings,
        held: Callable[[], Iterable[int]],
        on_revoked: Callable[[], Awaitable[None]],
        on_assigned: Callable[[frozenset[int]], None],
        clock: Callable[[], float] = seconds_awake_or_not,
    ) -> None:
        self._settings = settings
        self._held = held
        self._on_revoked = on_revoked
        self._on_assigned = on_assigned
        self._clock = clock
        self._confirmed_at = -SESSION_SECONDS
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Join the group, and be given partitions.

        Raises:
            BrokerError: the broker cannot be reached, lacks the topic, or does not let us in.
        """
        self._consumer = await join_group(
            self._settings,
            GROUP,
            FEEDS,
            self,
            _Assignor(self._held),
            session_seconds=SESSION_SECONDS,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            rejoin_seconds=REJOIN_SECONDS,
        )
        self._listen_to_heart(self._consumer)

    async def stop(self) -> None:
        """Leave the group. May be repeated."""
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        self._confirmed_at = -SESSION_SECONDS
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await consumer.stop()
        except TimeoutError:  # in the middle of a rebalance that waits for others
            log.warning("group_left_without_goodbye", group=GROUP)

    @property
    def is_confirmed(self) -> bool:
        """Whether the broker cannot have given our place away yet."""
        return self._clock() - self._confirmed_at < SESSION_SECONDS

    async def watch(self) -> None:
        """Wait for ever, for aiokafka tells of trouble with the group only to who asks.

        Raises:
            KafkaError: the group is lost for good.
        """
        assert self._consumer is not None
        while True:
            try:
                # What it brings is read elsewhere, from the beginning.
                await self._consumer.getmany(timeout_ms=_WATCH_MILLISECONDS)
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.warning("group_interrupted", group=GROUP, error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called by aiokafka, which goes on sending heartbeats until this returns."""
        await self._on_revoked()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called by aiokafka, which sends no heartbeats until this returns."""
        self._confirmed_at = self._clock()
        self._on_assigned(frozenset(place.partition for place in assigned))

    def _listen_to_heart(self, consumer: AIOKafkaConsumer) -> None:
        """Note when the broker last could count a heartbeat of ours; aiokafka keeps it to itself."""
        coordinator = consumer._coordinator
        beat = coordinator._do_heartbeat

        async def noted() -> bool:
            sent_at = self._clock()
            alive: bool = await beat()
            if alive:
                self._confirmed_at = max(self._confirmed_at, sent_at)
            return alive

        coordinator._do_heartbeat = noted


class _Assignor(AbstractPartitionAssignor):  # type: ignore[misc, unused-ignore]
    """Tells the group what this member has, and shares out by `share_out` if it has to lead.

    aiokafka's own sticky assignor remembers claims per class, not per member, and never learns its
    generation, so that it cannot tell a living claim from an outdated one.
    """

    name = "wirewatch-keep"
    """Members agree on an assignor by its name: a change of `metadata` needs another one."""
    version = 0

    def __init__(self, held: Callable[[], Iterable[int]]) -> None:
        self._held = held

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What this member sends when it joins."""
        claim = msgspec.json.encode(sorted(self._held()))
        return ConsumerProtocolMemberMetadata(self.version, list(topics), claim)

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Share out, for all members, as their leader."""
        partitions = cluster.partitions_for_topic(FEEDS) or ()
        claims = {member: _claim(each.user_data) for member, each in members.items()}
        return {
            member: ConsumerProtocolMemberAssignment(self.version, [(FEEDS, share)], b"")
            for member, share in share_out(len(partitions), claims).items()
        }

    def on_assignment(self, assignment: Any) -> None:
        """Nothing to remember: a claim is what is held, not what was assigned."""


def _claim(data: bytes | None) -> list[int]:
    """What a member says that it has; nothing if that cannot be understood."""
    try:
        return msgspec.json.decode(data or b"[]", type=list[int])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
