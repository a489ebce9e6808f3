"""The embedded broker: its life, its address, and what it says when it cannot start."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from streams.broker import embedded
from streams.broker.embedded import EmbeddedBroker, running_broker
from streams.errors import BrokerError

pytestmark = pytest.mark.embedded


def listens(address: str) -> bool:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return true


def test_is_found_while_it_runs_and_not_after(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    assert not broker.is_running
    address = broker.start()
    assert broker.is_running
    assert running_broker(tmp_path) == address == broker.address
    broker.stop()
    broker.stop()
    assert not broker.is_running
    assert not running_broker(tmp_path)
    assert not listens(address)
    assert not (tmp_path / "broker.json").exists()


def test_starts_again_on_the_same_port(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        port = int(broker.address.split(":")[1])
        socket.create_connection(("127.0.0.1", port)).close()
    with EmbeddedBroker(tmp_path, port) as broker:
        assert broker.address == f"127.0.0.1:{port}"


def test_takes_another_port_when_the_usual_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        monkeypatch.setattr(embedded, "_USUAL_PORT", taken)
        with EmbeddedBroker(tmp_path) as broker:
            assert broker.address != f"127.0.0.1:{taken}"


def test_refuses_a_taken_port_that_was_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port} is taken"):
            EmbeddedBroker(tmp_path, port).start()


def test_refuses_a_second_broker_for_the_same_folder(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as first:
        with pytest.raises(BrokerError, match="runs already"):
            EmbeddedBroker(tmp_path).start()
        assert running_broker(tmp_path) == first.address


def test_tells_why_it_ended_at_once(tmp_path: Path) -> None:
    (tmp_path / "broker").write_text("a file where the folder of data should be")
    broker = EmbeddedBroker(tmp_path)
    with pytest.raises(BrokerError, match=r"ended at once: error: .*broker\.log"):
        broker.start()
    assert not broker.is_running


@pytest.mark.parametrize(
    "left_behind",
    [
        b"",
        b"not json",
        b'{"address": "127.0.0.1"}',
        msgspec.json.encode({"address": "127.0.0.1:1", "pid": 2**22 + 1}),
        msgspec.json.encode({"address": "127.0.0.1:1", "pid": 10**30}),
        # Alive, but nobody answers there.
        msgspec.json.encode({"address": "127.0.0.1:1", "pid": 1}),
        msgspec.json.encode({"address": "nowhere", "pid": 1}),
    ],
)
def test_a_stale_address_counts_as_none(tmp_path: Path, left_behind: bytes) -> None:
    (tmp_path / "broker.json").write_bytes(left_behind)
    assert not running_broker(tmp_path)
    with EmbeddedBroker(tmp_path) as broker:
        assert running_broker(tmp_path) == broker.address


def test_somebody_elses_server_is_no_broker(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        record = {"address": address, "pid": os.getpid()}
        (tmp_path / "broker.json").write_bytes(msgspec.json.encode(record))
        assert not running_broker(tmp_path)


def test_without_the_wheel_it_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BrokerError, match=r"not installed.*--broker host:port.*docker-compose"):
        EmbeddedBroker(tmp_path).start()


@pytest.mark.parametrize("folder", ["file", "file/below", "locked/below", "log-is-a-folder"])
def test_a_folder_that_cannot_hold_data_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "locked").symlink_to("/proc")  # nobody can make a folder there, not even root
    (tmp_path / "log-is-a-folder" / "broker.log").mkdir(parents=True)
    broker = EmbeddedBroker(tmp_path / folder)
    with pytest.raises(BrokerError, match=rf"{folder} cannot hold .*give --data another folder"):
        broker.start()
    assert not broker.is_running


_PARENT = """
import sys, time
from pathlib import Path
from streams.broker.embedded import EmbeddedBroker
print(EmbeddedBroker(Path(sys.argv[1])).start(), flush=True)
time.sleep(60)
"""


def test_dies_with_its_parent_even_by_kill_9_and_starts_again(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as parent:
        assert parent.stdout is not None
        address = parent.stdout.readline().strip()
        assert listens(address)
        parent.kill()
    assert eventually(lambda: not listens(address))
    assert not running_broker(tmp_path)
    with EmbeddedBroker(tmp_path) as broker:
        assert listens(broker.address)


def test_starts_again_after_the_broker_itself_was_killed(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    record = msgspec.json.decode((tmp_path / "broker.json").read_bytes())
    os.killpg(record["pid"], signal.SIGKILL)
    assert eventually(lambda: not broker.is_running)
    assert not running_broker(tmp_path)
    broker.stop()
    with EmbeddedBroker(tmp_path) as again:
        assert listens(again.address)
