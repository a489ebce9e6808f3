"""Kafka clients that are started, safe by default, and clear when the broker is not there.

Every client is made here, so that one place decides on acknowledgements, sizes and security.
Security fails closed: credentials or certificates that the chosen protocol would not use are
refused instead of ignored, and a password never reaches a message or a log.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.broker.embedded import running_broker
from streams.config import BrokerSettings, Settings
from streams.errors import BrokerError, ConfigError, RecordError, WirewatchError
from streams.records import Item, Record
from streams.wire import encode, record_headers

__all__ = [
    "CLIENT_ID",
    "MESSAGE_BYTES",
    "administer",
    "client_options",
    "connect_admin",
    "connect_consumer",
    "connect_producer",
    "resolve_broker",
    "send_all",
]

C = TypeVar("C", AIOKafkaAdminClient, AIOKafkaConsumer, AIOKafkaProducer)

CLIENT_ID = "wirewatch"
MESSAGE_BYTES = 4 * 1024 * 1024
"""The largest record that Wirewatch writes, before compression; the topics take as much."""

_REACH_SECONDS = 4.0
"""How long one address may take to accept, secure and answer; a person is waiting."""
_REQUEST_MILLISECONDS = 30_000
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]/@]+):([1-9]\d{0,4})")
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


# At level DEBUG aiokafka logs each request, and with mechanism PLAIN one of them is the password.
logging.getLogger("aiokafka.conn").addFilter(
    lambda entry: "SaslAuthenticate" not in entry.getMessage()
)


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
        _check_addresses(address)
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
    _check_addresses(broker.bootstrap)
    _check_protocol(broker)
    options: dict[str, Any] = {
        "bootstrap_servers": broker.bootstrap,
        "client_id": CLIENT_ID,
        "security_protocol": broker.security_protocol,
    }
    if broker.security_protocol.startswith("SASL"):
        _check_credentials(broker)
        options |= {
            "sasl_mechanism": broker.sasl_mechanism,
            "sasl_plain_username": broker.sasl_username,
            "sasl_plain_password": broker.sasl_password,
        }
    if broker.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(broker)
    return options


def _check_addresses(bootstrap: str) -> None:
    for address in bootstrap.split(","):
        match = _ADDRESS.fullmatch(address.strip())
        if match is None or int(match[2]) > 65_535:
            raise ConfigError(
                f"{address.strip()!r} is not a broker address",
                field="broker",
                cure="write host:port, and several with commas between them",
            )


def _check_protocol(broker: BrokerSettings) -> None:
    """Refuse protocols nobody named, and settings that the named one would silently ignore."""
    protocol = broker.security_protocol
    if protocol not in _PROTOCOLS:
        raise ConfigError(
            f"{protocol!r} is unknown",
            field="WIREWATCH_SECURITY_PROTOCOL",
            cure=f"use one of {', '.join(_PROTOCOLS)}",
        )
    if (broker.sasl_username or broker.sasl_password) and not protocol.startswith("SASL"):
        raise ConfigError(
            f"a SASL user or password is given, but {protocol} would connect without it",
            field="WIREWATCH_SECURITY_PROTOCOL",
            cure="set it to SASL_SSL, or remove WIREWATCH_SASL_USERNAME and its password",
        )
    certificates = broker.ssl_ca_file or broker.ssl_cert_file or broker.ssl_key_file
    if certificates and not protocol.endswith("SSL"):
        raise ConfigError(
            f"certificates are given, but {protocol} would connect in the clear",
            field="WIREWATCH_SECURITY_PROTOCOL",
            cure="set it to SSL or SASL_SSL, or remove the WIREWATCH_SSL_… settings",
        )


def _check_credentials(broker: BrokerSettings) -> None:
    if broker.sasl_mechanism not in _MECHANISMS:
        raise ConfigError(
            f"{broker.sasl_mechanism!r} is unknown",
            field="WIREWATCH_SASL_MECHANISM",
            cure=f"use one of {', '.join(_MECHANISMS)}",
        )
    if not (broker.sasl_username and broker.sasl_password):
        raise ConfigError(
            f"{broker.security_protocol} needs a user and a password",
            field="WIREWATCH_SASL_USERNAME",
            cure="set it, and WIREWATCH_SASL_PASSWORD or WIREWATCH_SASL_PASSWORD_FILE",
        )


def _ssl_context(broker: BrokerSettings) -> ssl.SSLContext:
    """TLS that checks the broker's certificate and name, with our own certificate if given."""
    if broker.ssl_key_file and not broker.ssl_cert_file:
        raise ConfigError(
            "a key is given without its certificate",
            field="WIREWATCH_SSL_CERT_FILE",
            cure="name the certificate too",
        )
    try:
        context = ssl.create_default_context(cafile=broker.ssl_ca_file or None)
    except OSError as error:  # ssl.SSLError is one, too
        raise _unusable(broker.ssl_ca_file, "WIREWATCH_SSL_CA_FILE", error) from error
    if broker.ssl_cert_file:
        try:
            # An empty password makes an encrypted key fail here; None would ask on the terminal.
            context.load_cert_chain(broker.ssl_cert_file, broker.ssl_key_file or None, password="")
        except OSError as error:
            raise _unusable(broker.ssl_cert_file, "WIREWATCH_SSL_CERT_FILE", error) from error
    return context


def _unusable(file: str, field: str, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot be used: {error.strerror or error}",
        file=file,
        field=field,
        cure="name readable PEM files without a pass phrase; the key must belong to the certificate",
    )


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


@asynccontextmanager
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
    producer: AIOKafkaProducer, records: Iterable[tuple[str, str, Record | None]]
) -> None:
    """Send records and wait until the broker has acknowledged every one.

    Args:
        producer: from `connect_producer`.
        records: topic, key and record; None deletes the key from a compacted topic.

    Raises:
        RecordError: a record is too large to be sent; the others have been sent.
        BrokerError: a record was not acknowledged; any of them may have been written.
    """
    failures: list[WirewatchError] = []
    sent: list[tuple[str, str, asyncio.Future[Any]]] = []
    for topic, key, record in records:
        # One after the other: concurrent sends may overtake each other where a batch is full.
        try:
            sent.append((topic, key, await _enqueue(producer, topic, key, record)))
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
    producer: AIOKafkaProducer, topic: str, key: str, record: Record | None
) -> asyncio.Future[Any]:
    """Hand a record to the producer; the future holds the broker's answer."""
    future: asyncio.Future[Any] = await producer.send(
        topic,
        key=key.encode(),
        value=None if record is None else encode(record),
        headers=[] if record is None else record_headers(record),
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
