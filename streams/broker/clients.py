"""Kafka clients that are started, safe by default, and clear when the broker is not there.

Every client is made here, so that one place decides on acknowledgements, sizes and security
(see `streams.broker.security`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.broker.embedded import running_broker
from streams.broker.lenient import install_lenience
from streams.broker.pacing import install_pacing
from streams.broker.presence import install_presence
from streams.broker.security import check_addresses, security_options
from streams.config import BrokerSettings, Settings
from streams.errors import BrokerError, RecordError, WirewatchError
from streams.records import Item, Record
from streams.wire import encode, record_headers, with_trace

__all__ = [
    "CLIENT_ID",
    "MESSAGE_BYTES",
    "administer",
    "client_options",
    "connect_admin",
    "connect_consumer",
    "connect_producer",
    "join_group",
    "resolve_broker",
    "send_all",
]

install_lenience()
install_pacing()
install_presence()

C = TypeVar("C", AIOKafkaAdminClient, AIOKafkaConsumer, AIOKafkaProducer)

CLIENT_ID = "wirewatch"
MESSAGE_BYTES = 4 * 1024 * 1024
"""The largest record that Wirewatch writes, before compression; the topics take as much."""

_REACH_SECONDS = 4.0
"""How long one address may take to accept, secure and answer; a person is waiting."""
_REQUEST_MILLISECONDS = 30_000
_NEVER_MILLISECONDS = 10**9
_LEAVE_SECONDS = 4.0
"""How long an end waits for a rebalance that is going on."""


def resolve_broker(settings: Settings, flag: str = "") -> Settings:
    """Decide which broker to use.

    Args:
        settings: of the process; its broker address counts if no flag is given.
        flag: the value of `--broker`, or empty.

    Returns:
        The same settings with `broker.bootstrap` set: the flag, else the setting, else the
        embedded broker that runs for `data_folder`, else the one of `up --demo`.

    Raises:
        BrokerError: none of these is there.
        ConfigError: the address is not `host:port[,host:port]`.
    """
    if address := flag or settings.broker.bootstrap:
        check_addresses(address)
        broker = msgspec.structs.replace(settings.broker, bootstrap=address)
        return msgspec.structs.replace(settings, broker=broker)
    for folder in (settings.data_folder, settings.data_folder / "demo"):
        if address := running_broker(folder):
            # Ours, on loopback and in the clear: security settings are for other brokers.
            return msgspec.structs.replace(settings, broker=BrokerSettings(bootstrap=address))
    raise BrokerError("no broker", cure="start `wirewatch up` or give --broker host:port")


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes to reach the broker securely.

    Raises:
        BrokerError: no broker has been chosen yet.
        ConfigError: a setting is unusable, or contradicts the security protocol.
    """
    broker = settings.broker
    if not broker.bootstrap:
        raise BrokerError("no broker", cure="start `wirewatch up` or give --broker host:port")
    check_addresses(broker.bootstrap)
    return {
        "bootstrap_servers": broker.bootstrap,
        "client_id": CLIENT_ID,
        **security_options(broker),
    }


async def _reach(settings: Settings) -> dict[str, Any]:
    """Try all addresses at once, up to logging in, before aiokafka does, which logs much and says little.

    Returns:
        `client_options` with only those addresses that answered.

    Raises:
        BrokerError: none did; tells why, within `_REACH_SECONDS`.
    """
    options = client_options(settings)
    shared = {name: value for name, value in options.items() if name != "bootstrap_servers"}

    async def knock(host: str, port: int) -> str:
        """Return why the address is of no use, or an empty text."""
        try:
            async with asyncio.timeout(_REACH_SECONDS):
                connection = await create_conn(host, port, **shared)
        except TimeoutError:
            return f"no Kafka answer within {_REACH_SECONDS:g} s"
        except (OSError, KafkaError) as error:
            return _reason(error)
        connection.close()
        return ""

    addresses = [address.strip() for address in options["bootstrap_servers"].split(",")]
    hosts = collect_hosts(addresses, randomize=False)
    reasons = await asyncio.gather(*(knock(host, port) for host, port, _ in hosts))
    answered = [a for a, reason in zip(addresses, reasons, strict=True) if not reason]
    if not answered:
        told = "; ".join(f"{a}: {reason}" for a, reason in zip(addresses, reasons, strict=True))
        raise BrokerError(
            f"no broker reached at {told}",
            cure="check that it runs, its address, and the security settings",
        )
    return options | {"bootstrap_servers": answered}


def _reason(error: OSError | KafkaError) -> str:
    """One short line; KafkaError's own text opens with a class name and an empty number."""
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    told = [part for part in error.args if isinstance(part, str)]  # others are objects of aiokafka
    return " ".join(told) or getattr(error, "description", "") or type(error).__name__


async def _started(client: C, stop: Callable[[], Awaitable[None]], settings: Settings) -> C:
    try:
        await client.start()
    except (OSError, KafkaError) as error:
        await stop()
        raise _failed(settings, error) from error
    return client


def _failed(settings: Settings, error: OSError | KafkaError) -> BrokerError:
    return BrokerError(
        f"the broker at {settings.broker.bootstrap} answers, but failed: {_reason(error)}",
        cure="see the log of the broker",
    )


async def connect_admin(settings: Settings) -> AIOKafkaAdminClient:
    """Return a started admin client; the caller closes it.

    Raises:
        BrokerError: the broker cannot be reached.
        ConfigError: see `client_options`.
    """
    admin = AIOKafkaAdminClient(**await _reach(settings), request_timeout_ms=_REQUEST_MILLISECONDS)
    return await _started(admin, admin.close, settings)


@contextlib.asynccontextmanager
async def administer(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Hold an admin client for a block; Kafka's errors leave it as BrokerError."""
    admin = await connect_admin(settings)
    try:
        yield admin
    except (OSError, KafkaError) as error:
        raise _failed(settings, error) from error
    finally:
        await admin.close()


async def connect_producer(
    settings: Settings, *, message_bytes: int = MESSAGE_BYTES
) -> AIOKafkaProducer:
    """Return a started producer; the caller stops it.

    A send counts only once all in-sync replicas have it. Idempotence stays off: the embedded
    broker has none, and every record of ours may be written twice without harm (ids are pure
    functions of content).

    Args:
        settings: whose broker is set.
        message_bytes: largest record that it takes, key and value before compression.

    Raises:
        BrokerError: the broker cannot be reached.
        ConfigError: see `client_options`.
    """
    producer = AIOKafkaProducer(
        **await _reach(settings),
        acks="all",
        enable_idempotence=False,
        compression_type="gzip",
        request_timeout_ms=_REQUEST_MILLISECONDS,
        max_request_size=message_bytes,
    )
    return await _started(producer, producer.stop, settings)


async def connect_consumer(
    settings: Settings, *topics: str, group: str | None = None, from_start: bool = True
) -> AIOKafkaConsumer:
    """Return a started consumer of existing topics; the caller stops it and commits offsets.

    Args:
        settings: whose broker is set.
        topics: none, if the caller assigns partitions itself.
        group: consumer group that shares the partitions; None reads all of them.
        from_start: where to begin without a committed offset: at the oldest record or the end.

    Raises:
        BrokerError: the broker cannot be reached, or lacks a topic.
        ConfigError: see `client_options`.
    """
    await _check_topics(settings, topics)
    consumer = AIOKafkaConsumer(
        *topics,
        **await _reach(settings),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest" if from_start else "latest",
        request_timeout_ms=_REQUEST_MILLISECONDS,
    )
    return await _started(consumer, consumer.stop, settings)


async def join_group(
    settings: Settings,
    group: str,
    topic: str,
    listener: ConsumerRebalanceListener,
    assignor: AbstractPartitionAssignor,
    *,
    session_seconds: float,
    heartbeat_seconds: float,
    rejoin_seconds: float,
) -> AIOKafkaConsumer:
    """Return a member of a consumer group that wants its partitions, not its offsets.

    It is started: it has joined, and has been given partitions, perhaps none. It commits nothing.
    With `settings.instance` it is a static member, which takes up its place again when it is back
    within the session.

    Args:
        settings: whose broker is set.
        group: the group.
        topic: an existing topic, whose partitions are shared.
        listener: told of every assignment, the first one included.
        assignor: of the same name in all members.
        session_seconds: without a sign of life for so long the broker gives the place away;
            Kafka accepts 6 to 1800 unless it is configured otherwise.
        heartbeat_seconds: between signs of life; Kafka advises a third of the session at most.
        rejoin_seconds: how long a rebalance waits for a member, its listener included.

    Raises:
        BrokerError: the broker cannot be reached, lacks the topic, or does not let us in.
        ConfigError: see `client_options`.
    """
    await _check_topics(settings, [topic])
    consumer = AIOKafkaConsumer(
        **await _reach(settings),
        group_id=group,
        group_instance_id=settings.instance or None,
        partition_assignment_strategy=(assignor,),
        session_timeout_ms=int(session_seconds * 1000),
        heartbeat_interval_ms=int(heartbeat_seconds * 1000),
        rebalance_timeout_ms=int(rejoin_seconds * 1000),
        # Only aiokafka counts this, as time without a call of `getmany`.
        max_poll_interval_ms=_NEVER_MILLISECONDS,
        enable_auto_commit=False,
        auto_offset_reset="latest",
        request_timeout_ms=_REQUEST_MILLISECONDS,
    )
    consumer.subscribe([topic], listener=listener)
    try:
        async with asyncio.timeout(session_seconds + 2 * rejoin_seconds):
            return await _started(consumer, consumer.stop, settings)
    except BaseException as error:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(consumer.stop(), _LEAVE_SECONDS)
        if isinstance(error, TimeoutError):
            raise BrokerError(
                f"the group {group} does not let this process in",
                # The embedded broker waits for ever for a member that was killed.
                cure="with the embedded broker, give WIREWATCH_INSTANCE the same name at every "
                "start, or start the broker again",
            ) from error
        raise


async def _check_topics(settings: Settings, topics: Iterable[str]) -> None:
    """Refuse topics that are not there: asking for one by name would make some brokers create
    it, with one partition and the wrong policy. Listing all of them creates none.
    """
    async with administer(settings) as admin:
        missing = sorted(set(topics) - set(await admin.list_topics()))
    if missing:
        raise BrokerError(
            f"the broker has no topic {', '.join(missing)}", cure="run `wirewatch topics apply`"
        )


async def send_all(
    producer: AIOKafkaProducer,
    records: Iterable[tuple[str, str, Record | None]],
    traces: Mapping[str, bytes] | None = None,
) -> None:
    """Send records and wait until the broker has acknowledged every one.

    Args:
        producer: from `connect_producer`.
        records: topic, key and record; None deletes the key from a compacted topic.
        traces: `traceparent` by key, for those that belong to a trace.

    Raises:
        RecordError: a record is too large to be sent; the others have been sent.
        BrokerError: a record was not acknowledged; any of them may have been written.
    """
    failures: list[WirewatchError] = []
    sent: list[tuple[str, str, asyncio.Future[Any]]] = []
    for topic, key, record in records:
        # One after the other: concurrent sends may overtake each other where a batch is full.
        try:
            trace = traces.get(key) if traces else None
            sent.append((topic, key, await _enqueue(producer, topic, key, record, trace)))
        except KafkaError as error:
            failures.append(_refused(topic, key, error))
            if not isinstance(error, MessageSizeTooLargeError):
                break
    results = await asyncio.gather(*(future for _, _, future in sent), return_exceptions=True)
    for (topic, key, _), result in zip(sent, results, strict=True):
        if isinstance(result, KafkaError):
            failures.append(_refused(topic, key, result))
        elif isinstance(result, BaseException):
            raise result
    # An unacknowledged record is worse news than an unsendable one.
    for failure in sorted(failures, key=lambda error: isinstance(error, RecordError)):
        raise failure


async def _enqueue(
    producer: AIOKafkaProducer, topic: str, key: str, record: Record | None, trace: bytes | None
) -> asyncio.Future[Any]:
    """Hand a record to the producer; the future holds the broker's answer."""
    future: asyncio.Future[Any] = await producer.send(
        topic,
        key=key.encode(),
        value=None if record is None else encode(record),
        headers=[] if record is None else with_trace(record_headers(record), trace),
        timestamp_ms=int(record.seen_at.timestamp() * 1000) if isinstance(record, Item) else None,
    )
    return future


def _refused(topic: str, key: str, error: KafkaError) -> WirewatchError:
    if isinstance(error, MessageSizeTooLargeError):
        refusal: WirewatchError = RecordError(f"too large for {topic}: the record with key {key!r}")
    else:
        refusal = BrokerError(
            f"{topic}: the broker did not acknowledge a record: {_reason(error)}",
            cure="check that the broker runs and that `wirewatch topics check` passes",
        )
    refusal.__cause__ = error
    return refusal
