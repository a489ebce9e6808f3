"""Choosing a broker, reaching it securely, and saying clearly when that fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from streams.broker.clients import (
    administer,
    client_options,
    connect_admin,
    connect_consumer,
    connect_producer,
    join_group,
    resolve_broker,
    send_all,
)
from streams.broker.embedded import EmbeddedBroker
from streams.broker.ranges import TopicReader
from streams.broker.topics import ALERTS, COMMANDS, FEEDS, ITEMS, apply
from streams.config import BrokerSettings, Settings, utc_now
from streams.errors import BrokerError, ConfigError, RecordError
from streams.records import Feed, Item

SECRET = "only-for-the-broker"


def settings_for(**broker: Any) -> Settings:
    return Settings(broker=BrokerSettings(**({"bootstrap": "localhost:9"} | broker)))


# --- which broker ----------------------------------------------------------------------------


def test_the_flag_goes_before_the_setting() -> None:
    settings = settings_for(bootstrap="a:1", sasl_username="ada")
    assert resolve_broker(settings, "b:2,c:3").broker.bootstrap == "b:2,c:3"
    assert resolve_broker(settings, "b:2").broker.sasl_username == "ada"
    assert resolve_broker(settings).broker.bootstrap == "a:1"


@pytest.mark.embedded
def test_finds_the_running_broker_then_that_of_the_demo(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    with EmbeddedBroker(tmp_path / "demo") as demo:
        assert resolve_broker(settings).broker.bootstrap == demo.address
        with EmbeddedBroker(tmp_path) as own:
            assert resolve_broker(settings).broker.bootstrap == own.address
            assert resolve_broker(settings, "b:2").broker.bootstrap == "b:2"


def test_without_any_broker_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"no broker \(start `wirewatch up` or give --broker"):
        resolve_broker(Settings(data_folder=tmp_path))
    with pytest.raises(BrokerError, match="no broker"):
        client_options(Settings())


@pytest.mark.parametrize(
    "address", ["kafka", "kafka:", ":9092", "kafka:0", "kafka:70000", "a:1,,b:2", "me:pw@kafka:1"]
)
def test_refuses_what_is_no_address(address: str) -> None:
    with pytest.raises(ConfigError, match="host:port"):
        resolve_broker(Settings(), address)


@pytest.mark.parametrize("address", ["kafka:9092", "a:1, b:2", "[::1]:9092", "10.0.0.1:65535"])
def test_takes_addresses(address: str) -> None:
    assert resolve_broker(Settings(), address).broker.bootstrap == address


# --- security fails closed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broker", "told"),
    [
        ({"security_protocol": "TLS"}, "'TLS' is unknown"),
        # A password must not lead to a connection without it, nor to one in the clear.
        ({"sasl_username": "ada", "sasl_password": SECRET}, "PLAINTEXT would connect without it"),
        ({"sasl_password": SECRET, "security_protocol": "SSL"}, "SSL would connect without it"),
        ({"ssl_ca_file": "ca.pem"}, "PLAINTEXT would connect in the clear"),
        (
            {
                "ssl_ca_file": "ca.pem",
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_username": "ada",
                "sasl_password": SECRET,
            },
            "SASL_PLAINTEXT would connect in the clear",
        ),
        ({"security_protocol": "SASL_SSL", "sasl_username": "ada"}, "needs a user and a password"),
        (
            {
                "security_protocol": "SASL_SSL",
                "sasl_username": "ada",
                "sasl_password": SECRET,
                "sasl_mechanism": "GSSAPI",
            },
            "'GSSAPI' is unknown",
        ),
        ({"security_protocol": "SSL", "ssl_key_file": "key.pem"}, "without its certificate"),
        ({"security_protocol": "SSL", "ssl_ca_file": "/no/such.pem"}, "No such file"),
        ({"security_protocol": "SSL", "ssl_cert_file": "/no/such.pem"}, "No such file"),
    ],
)
def test_refuses_contradictions(broker: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        client_options(settings_for(**broker))
    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


def test_sasl_in_the_clear_must_be_asked_for_by_name() -> None:
    credentials = {"sasl_username": "ada", "sasl_password": SECRET}
    asked = settings_for(security_protocol="SASL_PLAINTEXT", **credentials)
    assert client_options(asked)["sasl_plain_password"] == SECRET
    for other in ("PLAINTEXT", "SASL", "sasl_plaintext", ""):
        with pytest.raises(ConfigError):
            client_options(settings_for(security_protocol=other, **credentials))


def test_tls_checks_the_brokers_certificate_and_name() -> None:
    options = client_options(
        settings_for(security_protocol="SASL_SSL", sasl_username="ada", sasl_password=SECRET)
    )
    context = options["ssl_context"]
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"


def test_an_encrypted_key_fails_instead_of_asking(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    try:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=test"),
                *("-passout", "pass:guarded", "-keyout", key, "-out", certificate),
            ],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    with pytest.raises(ConfigError, match="without a pass phrase"):
        client_options(
            settings_for(
                security_protocol="SSL", ssl_cert_file=str(certificate), ssl_key_file=str(key)
            )
        )


async def test_the_password_is_in_no_message_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = settings_for(
        bootstrap="127.0.0.1:1",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="ada",
        sasl_password=SECRET,
    )
    with pytest.raises(BrokerError) as caught:
        await connect_producer(settings)
    assert SECRET not in repr(settings) + str(caught.value) + caplog.text


# --- a broker that is not there --------------------------------------------------------------


@pytest.mark.parametrize("connect", [connect_admin, connect_producer, connect_consumer])
async def test_nobody_there_is_one_clear_message(
    connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BrokerError) as caught:
        await connect(settings_for(bootstrap="127.0.0.1:1"))
    assert "127.0.0.1:1: nobody listens there (check that it runs" in str(caught.value)
    assert not caplog.records


async def test_a_silent_address_is_given_up_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        start = time.monotonic()
        with pytest.raises(BrokerError, match=f"{address}: no Kafka answer within 4 s"):
            await connect_admin(settings_for(bootstrap=f"{address},127.0.0.1:1"))
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
async def test_somebody_elses_server_is_no_broker(protocol: str) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(BrokerError, match=f"no broker reached at {address}: "):
            await connect_admin(settings_for(bootstrap=address, security_protocol=protocol))


async def test_one_living_address_of_several_is_enough(broker: Settings) -> None:
    several = msgspec.structs.replace(
        broker,
        broker=BrokerSettings(bootstrap=f"127.0.0.1:1,{broker.broker.bootstrap}"),
    )
    await apply(several)
    producer = await connect_producer(several)
    await producer.stop()


# --- reading and writing ---------------------------------------------------------------------


async def test_a_missing_topic_is_refused_and_not_created(broker: Settings) -> None:
    for _ in range(2):
        with pytest.raises(BrokerError, match=r"no topic news\.feeds \(run `wirewatch topics"):
            await connect_consumer(broker, FEEDS)


class Listener(ConsumerRebalanceListener):  # type: ignore[misc, unused-ignore]
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, set[int]]] = []

    def on_partitions_revoked(self, revoked: Any) -> None:
        self.told.append(("revoked", {place.partition for place in revoked}))

    def on_partitions_assigned(self, assigned: Any) -> None:
        self.told.append(("assigned", {place.partition for place in assigned}))


PACE = {"session_seconds": 6.0, "heartbeat_seconds": 0.3, "rejoin_seconds": 10.0}


async def test_a_consumer_ends_that_is_stopped_right_after_it_was_given_partitions(broker):
    await apply(broker)
    for _ in range(5):
        async with asyncio.timeout(10), TopicReader(broker, ITEMS):
            pass


async def test_a_member_is_told_of_its_partitions_and_commits_nothing(broker: Settings) -> None:
    await apply(broker)
    first, second = Listener(), Listener()
    consumer = await join_group(broker, "g", FEEDS, first, RoundRobinPartitionAssignor, **PACE)
    assert first.told == [("revoked", set()), ("assigned", set(range(broker.partitions)))]
    other = await join_group(broker, "g", FEEDS, second, RoundRobinPartitionAssignor, **PACE)
    async with asyncio.timeout(10):
        while len(first.told) < 4 or len(second.told) < 2:
            await asyncio.sleep(0.02)
    assert first.told[2] == ("revoked", set(range(broker.partitions)))
    assert first.told[3][1] | second.told[1][1] == set(range(broker.partitions))
    assert not first.told[3][1] & second.told[1][1]
    await other.stop()
    await consumer.stop()
    async with administer(broker) as admin:
        assert await admin.list_consumer_group_offsets("g") == {}


async def test_a_group_of_a_missing_topic_is_refused(broker: Settings) -> None:
    with pytest.raises(BrokerError, match=r"no topic news\.feeds"):
        await join_group(broker, "g", FEEDS, Listener(), RoundRobinPartitionAssignor, **PACE)


@pytest.mark.embedded
async def test_a_group_that_lets_nobody_in_is_an_error(
    embedded_broker: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the embedded broker does while it waits for a member that was killed."""
    await apply(embedded_broker)

    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("aiokafka.AIOKafkaConsumer.start", never)
    pace = {"session_seconds": 0.1, "heartbeat_seconds": 0.1, "rejoin_seconds": 0.1}
    with pytest.raises(BrokerError, match="the group g does not let this process in"):
        await join_group(
            embedded_broker, "g", FEEDS, Listener(), RoundRobinPartitionAssignor, **pace
        )


async def test_what_is_sent_arrives_with_headers_in_order(broker: Settings) -> None:
    await apply(broker)
    feeds = [
        Feed(feed_id="tagesblatt", url="https://example.org", title=f"Nr. {n}") for n in range(50)
    ]
    producer = await connect_producer(broker)
    await send_all(producer, [(FEEDS, "tagesblatt", feed) for feed in feeds])
    await send_all(producer, [(FEEDS, "tagesblatt", None)])
    await send_all(producer, [])
    await producer.stop()
    consumer = await connect_consumer(broker, FEEDS, group="readers")
    messages: list[Any] = []
    while len(messages) < 51:
        messages += [await asyncio.wait_for(consumer.getone(), 20)]
    await consumer.stop()
    titles = [msgspec.json.decode(m.value, type=Feed).title for m in messages[:-1]]
    assert titles == [feed.title for feed in feeds]
    assert dict(messages[0].headers)["record"] == b"Feed"
    assert messages[-1].value is None


async def test_an_item_carries_the_time_it_was_seen(broker: Settings) -> None:
    await apply(broker)
    now = utc_now()
    item = Item(item_id="i", feed_id="f", published_at=now, seen_at=now)
    producer = await connect_producer(broker)
    await send_all(producer, [(ITEMS, "i", item)])
    await producer.stop()
    consumer = await connect_consumer(broker, ITEMS)
    message = await asyncio.wait_for(consumer.getone(), 20)
    await consumer.stop()
    assert message.timestamp == int(now.timestamp() * 1000)


async def test_a_record_that_is_too_large_does_not_stop_the_others(broker: Settings) -> None:
    await apply(broker)
    large = Feed(feed_id="large", url="x" * (4 * 1024 * 1024))
    almost = Feed(feed_id="almost", url="x" * (4 * 1024 * 1024 - 2000))
    producer = await connect_producer(broker)
    with pytest.raises(
        RecordError, match=r"too large for news\.feeds: the record with key 'large'"
    ):
        await send_all(producer, [(FEEDS, "large", large), (FEEDS, "almost", almost)])
    await producer.stop()
    consumer = await connect_consumer(broker, FEEDS)
    message = await asyncio.wait_for(consumer.getone(), 20)
    await consumer.stop()
    assert message.key == b"almost"


@pytest.mark.embedded
async def test_a_lost_broker_is_an_error_not_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.broker.clients._REQUEST_MILLISECONDS", 1500)
    with EmbeddedBroker(tmp_path) as running:
        settings = settings_for(bootstrap=running.address)
        await apply(settings)
        producer = await connect_producer(settings)
        await send_all(producer, [(COMMANDS, "k", Feed(feed_id="f", url="u"))])
    with pytest.raises(BrokerError, match=r"news\.commands: the broker did not acknowledge"):
        await send_all(producer, [(COMMANDS, "k", Feed(feed_id="f", url="u"))])
    await producer.stop()


@pytest.mark.embedded
async def test_an_idle_consumer_does_not_spin_on_the_embedded_broker(
    embedded_broker: Settings,
) -> None:
    """Without pacing it takes nearly a whole core (measured: 0.86 s of CPU per second)."""
    await apply(embedded_broker)
    consumer = await connect_consumer(embedded_broker, ALERTS)
    began = time.process_time()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(consumer.getone(), 2)
    await consumer.stop()
    assert time.process_time() - began < 0.6
