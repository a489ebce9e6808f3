"""An embedded broker for a benchmark."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.broker.embedded import EmbeddedBroker
from streams.config import BrokerSettings, Settings
from tests.bench.result import Skipped
from tests.brokers import free_port

PARTITIONS = 8
"""As `wirewatch up` has by default."""


@contextmanager
def embedded_broker() -> Iterator[tuple[Settings, int]]:
    """Run an empty broker on a free port.

    Yields:
        Settings of its clients, and the id of the process that leads its session.

    Raises:
        Skipped: its wheel is not installed.
    """
    if importlib.util.find_spec("noida_db") is None:
        raise Skipped("the embedded broker's wheel, noida-db, is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with EmbeddedBroker(folder, free_port()) as broker:
            assert broker._process is not None
            yield (
                Settings(
                    broker=BrokerSettings(bootstrap=broker.address),
                    data_folder=folder,
                    partitions=PARTITIONS,
                ),
                broker._process.pid,
            )
