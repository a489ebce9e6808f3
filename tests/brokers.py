"""Brokers for tests: Apache Kafka from Maven Central, and how to empty any broker."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from streams.broker.clients import administer
from streams.broker.embedded import leash, release
from streams.config import BrokerSettings, Settings
from streams.errors import BrokerError

KAFKA_VERSION = "4.3.1"
_JAVA_AT_LEAST = 17
"""What the brokers of Kafka 4 need."""
_READY_SECONDS = 60.0

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>wirewatch</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
    <version>{KAFKA_VERSION}</version>
  </dependency></dependencies>
</project>
"""

_PROPERTIES = """\
process.roles=broker,controller
node.id={node}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{more_listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{more_listeners}
controller.listener.names=CONTROLLER
controller.quorum.voters={voters}
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.backoff.ms=500
log.cleaner.dedupe.buffer.size=4194304
file.delete.delay.ms=1000
"""


@functools.cache
def kafka_missing() -> str:
    """Say why Apache Kafka cannot run here; an empty text means that it can, and is downloaded."""
    java = shutil.which("java")
    if java is None:
        return "no Apache Kafka: java is not installed"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < _JAVA_AT_LEAST:
        return f"no Apache Kafka: needs Java {_JAVA_AT_LEAST}"
    if _jars().is_dir():
        return ""
    maven = shutil.which("mvn")
    if maven is None:
        return "no Apache Kafka: mvn is not installed"
    return _download(maven)


def _jars() -> Path:
    cache = os.environ.get("WIREWATCH_TEST_CACHE") or Path.home() / ".cache" / "wirewatch-kafka"
    return Path(cache) / KAFKA_VERSION


def _download(maven: str) -> str:
    """Let Maven put Kafka's jars into the cache, all or none; return why it could not."""
    _jars().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_jars().parent) as folder:
        pom, libs = Path(folder, "pom.xml"), Path(folder, "libs")
        pom.write_text(_POM)
        command: list[str | Path] = [maven, "-q", "-B", "-f", pom, "dependency:copy-dependencies"]
        try:
            done = subprocess.run(
                [*command, f"-DoutputDirectory={libs}"],
                capture_output=True,
                text=True,
                timeout=150,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "no Apache Kafka: Maven Central is too slow"
        if done.returncode:
            errors = [line for line in done.stdout.splitlines() if "[ERROR]" in line]
            return f"no Apache Kafka: mvn failed: {errors[0] if errors else done.stderr}"
        try:
            libs.rename(_jars())
        except OSError:  # another run was faster, or the disk is full
            return "" if _jars().is_dir() else f"no Apache Kafka: {_jars()} cannot be written"
    return ""


class KafkaBroker:
    """One Apache Kafka in KRaft mode on loopback, on the same port and data over restarts.

    Methods block; in async tests call them by `asyncio.to_thread`.

    Args:
        folder: holds its data; new and empty for a new broker.
        node: its number, from 1 on.
        voters: ports of all controllers of its cluster, by number of the node; itself alone if there are none.
        more_listeners: beside the plain one, as `NAME://host:port,…`.
        more_properties: what these need.
        scram_user: as `name=…,password=…`, for SCRAM-SHA-512.
    """

    def __init__(
        self,
        folder: Path,
        *,
        node: int = 1,
        voters: Mapping[int, int] | None = None,
        more_listeners: str = "",
        more_properties: str = "",
        scram_user: str = "",
    ) -> None:
        self.folder = folder
        self.node = node
        self._voters = voters or {node: free_port()}
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._more = f",{more_listeners}" if more_listeners else ""
        self._properties = _PROPERTIES + more_properties
        self._scram = ("--add-scram", f"SCRAM-SHA-512=[{scram_user}]") if scram_user else ()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it, on new data the first time; return its address once it can be used."""
        self.launch()
        self.wait_until_ready()
        return self.address

    def launch(self) -> None:
        """Start its process, and do not wait: it may need others to become ready."""
        properties = self.folder / "server.properties"
        if not properties.exists():
            properties.write_text(self._properties_text())
            self._java(
                *("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", properties),
                *self._scram,
            )
        command: list[str | Path] = [*_JAVA, "-Xmx384m", "-cp", f"{_jars()}/*", "kafka.Kafka"]
        self._process = leash([*command, properties], self.folder / "kafka.log")

    def _properties_text(self) -> str:
        nodes = len(self._voters)
        return self._properties.format(
            node=self.node,
            port=self.port,
            controller_port=self._voters[self.node],
            voters=",".join(f"{node}@127.0.0.1:{port}" for node, port in self._voters.items()),
            replicas=nodes,
            in_sync=(nodes + 1) // 2,
            folder=self.folder,
            more_listeners=self._more,
        )

    def _java(self, *arguments: str | Path) -> None:
        command = [*_JAVA, "-cp", f"{_jars()}/*", *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def wait_until_ready(self) -> None:
        """Return once it can be used; raise AssertionError with what it said if that never comes."""
        settings = Settings(broker=BrokerSettings(bootstrap=self.address))
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                if asyncio.run(_brokers(settings)):
                    return
            except BrokerError:
                pass
            time.sleep(0.2)
        self.kill()
        raise AssertionError((self.folder / "kafka.log").read_text()[-2000:])

    def stop(self) -> None:
        """Let it end in an orderly way."""
        process, self._process = self._process, None
        if process is not None:
            release(process, 30)

    def kill(self) -> None:
        """End it as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            release(process, 5)


class KafkaCluster:
    """Several of them that stand in for each other: each can be killed and started by itself.

    Args:
        folder: holds the data of all; new and empty.
        size: how many.
    """

    def __init__(self, folder: Path, size: int = 3) -> None:
        voters = {node: free_port() for node in range(1, size + 1)}
        self.nodes = [
            KafkaBroker(folder / f"node-{node}", node=node, voters=voters) for node in voters
        ]
        self.address = ",".join(node.address for node in self.nodes)

    def start(self) -> str:
        """Start all; return their addresses once all can be used."""
        for node in self.nodes:
            node.folder.mkdir(exist_ok=True)
            node.launch()  # together: the first alone has no majority
        for node in self.nodes:
            node.wait_until_ready()
        return self.address

    def stop(self) -> None:
        """Let all end, in an orderly way."""
        for node in self.nodes:
            node.stop()


_JAVA = ("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Starts sooner and takes less, at the price of speed that tests do not need."""
_CLUSTER_ID = "d2lyZXdhdGNoLXRlc3RzMQ"
"""Any 16 bytes in base64; every test cluster is alone."""


_ports = itertools.count(10_000 + os.getpid() * 20 % 9_000)
"""Below those that the system hands out for connections, which may take a port before its server does; each
process of a test run begins elsewhere."""


def free_port(count: int = 1) -> int:
    """Return a port on loopback that was free a moment ago, as are so many from it on."""
    while True:
        first = next(_ports)
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        for _ in range(count - 1):
            next(_ports)
        return first


async def _brokers(settings: Settings) -> int:
    async with administer(settings) as admin:
        return len((await admin.describe_cluster())["brokers"])


async def delete_topics(settings: Settings) -> None:
    """Delete all topics but the broker's own, and wait until they are gone."""
    async with administer(settings) as admin:
        async with asyncio.timeout(30):
            while topics := [t for t in await admin.list_topics() if not t.startswith("__")]:
                await admin.delete_topics(topics)
                await asyncio.sleep(0.1)
