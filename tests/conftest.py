"""Fixtures for all tests: real brokers, each of them optional."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from streams.broker import embedded
from streams.broker.embedded import EmbeddedBroker
from streams.config import BrokerSettings, Settings
from tests.brokers import KafkaBroker, delete_topics, kafka_missing

# Processes that tests start are those of a default install. What the semantic layer does is tested by
# itself; in tests that send thousands of items it would only take minutes.
os.environ.setdefault("WIREWATCH_SEMANTICS", "off")

# The suite tries the same cases each time, so that a change is judged by what it changes; `make laws` looks
# for new ones. No case has a deadline: what is slow on a busy machine is not wrong.
hypothesis_settings.register_profile("same", derandomize=True, deadline=None)
hypothesis_settings.register_profile("new", derandomize=False, deadline=None, print_blob=True)
hypothesis_settings.load_profile("same")

# Brokers of test runs that go on side by side must not take over each other's port.
embedded._USUAL_PORT = 20_000 + os.getpid() % 10_000

PARTITIONS = 4
"""More than one, so that order across partitions is never relied on; few, to be fast."""


def _settings(address: str, folder: Path) -> Settings:
    return Settings(
        broker=BrokerSettings(bootstrap=address), data_folder=folder, partitions=PARTITIONS
    )


@pytest.fixture
def embedded_broker(tmp_path: Path) -> Iterator[Settings]:
    """A new, empty embedded broker for each test: it starts in a tenth of a second."""
    with EmbeddedBroker(tmp_path) as broker:
        yield _settings(broker.address, tmp_path)


@pytest.fixture(scope="session")
def _kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if reason := kafka_missing():
        pytest.skip(reason)
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker.address
    broker.stop()


@pytest.fixture
def kafka_broker(_kafka: str, tmp_path: Path) -> Settings:
    """One Apache Kafka for the whole session, without topics at the start of each test."""
    settings = _settings(_kafka, tmp_path)
    asyncio.run(delete_topics(settings))
    return settings


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.embedded),
        pytest.param("kafka", marks=pytest.mark.kafka),
    ]
)
def broker(request: pytest.FixtureRequest) -> Settings:
    """Each test runs on the embedded broker and on Apache Kafka; there are no topics yet."""
    settings: Settings = request.getfixturevalue(f"{request.param}_broker")
    return settings


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaBroker]:
    """An Apache Kafka that a test may kill."""
    if reason := kafka_missing():
        pytest.skip(reason)
    folder = tmp_path / "kafka"
    folder.mkdir()
    kafka = KafkaBroker(folder)
    kafka.start()
    yield kafka
    kafka.stop()
