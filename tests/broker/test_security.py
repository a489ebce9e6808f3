"""A secured Apache Kafka: TLS with certificates on both sides, and SCRAM passwords."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from streams.broker.broadcast import publish
from streams.broker.clients import connect_admin
from streams.broker.topics import FEEDS, apply
from streams.config import BrokerSettings, Settings
from streams.errors import BrokerError
from streams.records import Feed
from tests.brokers import KafkaBroker, free_port, kafka_missing

pytestmark = pytest.mark.kafka

SECRET = "only-for-the-broker"
WRONG = "not-the-right-one"

_PROPERTIES = """\
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_ada="{secret}";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/both.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/cert.pem
listener.name.sasl_ssl.ssl.client.auth=required
"""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    if reason := kafka_missing():
        pytest.skip(reason)
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("secured")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "both.pem").write_text(key.read_text() + cert.read_text())
    address = f"127.0.0.1:{free_port()}"
    broker = KafkaBroker(
        folder,
        more_listeners=f"SASL_SSL://{address}",
        more_properties=_PROPERTIES.replace("{secret}", SECRET),
        scram_user=f"name=ada,password={SECRET}",
    )
    broker.start()
    yield Settings(
        broker=BrokerSettings(
            bootstrap=address,
            security_protocol="SASL_SSL",
            sasl_username="ada",
            sasl_password=SECRET,
            ssl_ca_file=str(cert),
            ssl_cert_file=str(cert),
            ssl_key_file=str(key),
        ),
        partitions=1,
    )
    broker.stop()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_topics_and_records_pass(
    secured: Settings, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    broker = msgspec.structs.replace(secured.broker, sasl_mechanism=mechanism)
    settings = msgspec.structs.replace(secured, broker=broker)
    await apply(settings)
    await publish(settings, FEEDS, {"a": Feed(feed_id="a", url="https://a.example")})
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"sasl_password": WRONG}, "(?i)authentication failed"),
        ({"ssl_ca_file": ""}, "(?i)certificate verify failed"),
        ({"ssl_cert_file": "", "ssl_key_file": ""}, "no broker reached"),
        ({"sasl_password": WRONG, "sasl_mechanism": "PLAIN"}, "(?i)authentication failed"),
        ({"sasl_mechanism": "SCRAM-SHA-256"}, "does not support"),
    ],
)
async def test_what_is_wrong_is_told_without_the_password(
    secured: Settings, changed: dict[str, str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    broker = msgspec.structs.replace(secured.broker, **changed)
    with pytest.raises(BrokerError, match=told) as caught:
        await connect_admin(msgspec.structs.replace(secured, broker=broker))
    shown = str(caught.value) + caplog.text
    assert SECRET not in shown
    assert WRONG not in shown


@pytest.mark.timeout(90)
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_a_stage_logs_in_and_keeps_the_password_to_itself(
    secured: Settings, mechanism: str, tmp_path: Path
) -> None:
    """Faust has connections of its own, and at level DEBUG much to say about them."""
    await apply(secured)
    broker = secured.broker
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams", "--log-level", "DEBUG", "worker", "--only", "alerts"),
        env={
            **os.environ,
            "WIREWATCH_BROKER": broker.bootstrap,
            "WIREWATCH_SECURITY_PROTOCOL": broker.security_protocol,
            "WIREWATCH_SASL_MECHANISM": mechanism,
            "WIREWATCH_SASL_USERNAME": broker.sasl_username,
            "WIREWATCH_SASL_PASSWORD": SECRET,
            "WIREWATCH_SSL_CA_FILE": broker.ssl_ca_file,
            "WIREWATCH_SSL_CERT_FILE": broker.ssl_cert_file,
            "WIREWATCH_SSL_KEY_FILE": broker.ssl_key_file,
            "WIREWATCH_PARTITIONS": "1",
            "WIREWATCH_DATA": str(tmp_path),
        },
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = b""
    try:
        async with asyncio.timeout(60):
            while b"ready" not in said:
                line = await process.stderr.readline()
                assert line, said.decode()
                said += line
        process.terminate()
        async with asyncio.timeout(15):
            said += await process.stderr.read()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
    assert SECRET.encode() not in said
