"""A Kafka-speaking broker beside the process, for trying out and for tests.

It is the `noida-db` program, which comes as a wheel. It lives and dies with the process that
starts it: a small shell holds it on a leash, the read end of a pipe whose write end only the
parent has. However the parent ends, by `stop`, by a crash or by kill -9, the system closes the
pipe and the shell ends the broker. (Linux's parent-death signal would do so, too, but when the
starting *thread* ends, and only there.)

The folder of data holds
    broker/      what the broker keeps
    broker.log   what it says, of the last start
    broker.json  its address and process id while it runs, for other processes to find it
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from streams.broker.saving import SaveWatch
from streams.child_logs import last_lines
from streams.errors import BrokerError

__all__ = ["NOTICE", "EmbeddedBroker", "leash", "release", "running_broker"]

NOTICE = (
    "The embedded broker keeps its data in memory and writes it to disk now and then: a power cut "
    "can lose the last seconds. It is for trying out; use --broker with Apache Kafka for real work."
)

_HOST = "127.0.0.1"
_USUAL_PORT = 9092
_START_SECONDS = 20.0
"""It is ready within 1.5 s on two busy cores; a large file of data takes longer to load."""
_STOP_SECONDS = 15.0
_LEAST_BYTES = 64 * 1024
"""With less room on the disk it does not start."""
_ANSWER_SECONDS = 1.0


class _Address(msgspec.Struct, frozen=True):
    """The content of `broker.json`."""

    address: str
    pid: int


def running_broker(data_folder: Path) -> str:
    """Return the address of the embedded broker that runs for a folder, or an empty text.

    A `broker.json` that was left behind by a crash, or is damaged, counts as none.
    """
    try:
        record = msgspec.json.decode((data_folder / "broker.json").read_bytes(), type=_Address)
        with contextlib.suppress(PermissionError):  # alive, but another user's
            os.kill(record.pid, 0)
    except (OSError, OverflowError, msgspec.DecodeError):
        return ""
    host, _, port = record.address.rpartition(":")
    return record.address if port.isdigit() and _answers(host, int(port)) else ""


def _answers(host: str, port: int) -> bool:
    """Ask for the API versions, the question that every Kafka broker answers first.

    Written by hand, because aiokafka needs an event loop and starting a broker must not.
    """
    correlation = 7
    # Length, API key 18, version 0, correlation id, client id of zero bytes.
    request = struct.pack(">ihhih", 10, 18, 0, correlation, 0)
    try:
        with socket.create_connection((host, port), timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(request)
            reply = connection.makefile("rb").read(10)  # length, correlation id, error code
    except OSError:
        return False
    return len(reply) == 10 and struct.unpack(">iih", reply)[1:] == (correlation, 0)


class EmbeddedBroker:
    """Starts and stops one broker; a context manager.

    Args:
        data_folder: created if need be; one broker at a time can run for it.
        port: on loopback; None takes 9092, or any free one if that is taken.
    """

    def __init__(self, data_folder: Path, port: int | None = None) -> None:
        self.data_folder = data_folder
        self.port = port
        self.address = ""
        """`host:port` once started."""
        self.saving = SaveWatch(data_folder / "broker")
        """Tells, when asked now and then, that the disk is full; the broker itself does not."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the broker that this object started is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def log_file(self) -> Path:
        """What the broker says goes here."""
        return self.data_folder / "broker.log"

    @property
    def _record_file(self) -> Path:
        return self.data_folder / "broker.json"

    def start(self) -> str:
        """Start the broker and wait until it answers; takes about a second, and blocks.

        Returns:
            Its address, `host:port`, which is also recorded for `running_broker`.

        Raises:
            BrokerError: it is not installed, runs already, has no port or no folder to write to, or
                ended at once.
        """
        if address := running_broker(self.data_folder):
            raise BrokerError(
                f"an embedded broker runs already at {address} for {self.data_folder}",
                cure="use that one, or stop the `wirewatch up` that started it",
            )
        program = _program()
        port = _choose_port(self.port)
        command: list[str | Path] = [
            program, "start", "--data-dir", self.data_folder / "broker", "--only", "kafka",
            "--kafka-port", str(port), "--host", _HOST,
        ]  # fmt: skip
        try:
            self.data_folder.mkdir(parents=True, exist_ok=True)
            self.saving.clear()
            self._process = leash(command, self.log_file)
        except OSError as error:
            raise self._no_room(error) from error
        try:
            self._wait_until_ready(port)
            self.address = f"{_HOST}:{port}"
            self._record()
        except OSError as error:
            self.stop()
            raise self._no_room(error) from error
        except BaseException:
            self.stop()
            raise
        return self.address

    def _no_room(self, error: OSError) -> BrokerError:
        return BrokerError(
            f"{self.data_folder} cannot hold the broker's data: {error}",
            cure="make room there, or give --data another folder",
        )

    def _wait_until_ready(self, port: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if not self.is_running:
                if shutil.disk_usage(self.data_folder).free < _LEAST_BYTES:  # it cannot even say so
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                raise BrokerError(
                    f"the embedded broker ended at once: {self._last_words()}",
                    cure=f"see {self.log_file}",
                )
            # Somebody else may have taken the port meanwhile, so the broker must also be alive.
            if _answers(_HOST, port) and self.is_running:
                return
            time.sleep(0.05)
        raise BrokerError(
            f"the embedded broker does not answer after {_START_SECONDS:g} s",
            cure=f"see {self.log_file}",
        )

    def _last_words(self) -> str:
        lines = last_lines(self.log_file, 20)
        # The wheel's program warns of a C library that is older than it likes; that is harmless.
        told = [line.strip() for line in lines if line.strip() and "weak version" not in line]
        return " ".join(told[-2:]) or "it said nothing"

    def _record(self) -> None:
        assert self._process is not None
        record = _Address(self.address, self._process.pid)
        unfinished = self._record_file.with_suffix(".json.new")
        unfinished.write_bytes(msgspec.json.encode(record))
        unfinished.replace(self._record_file)

    def stop(self) -> None:
        """Stop the broker and wait: first politely, so that it writes its data. May be repeated."""
        process, self._process = self._process, None
        if process is None:
            return
        self._record_file.unlink(missing_ok=True)
        release(process, _STOP_SECONDS)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()


# $@ is the command; standard input is the leash. `wait` returns when the command has ended, for
# whatever reason, so the shell's life and exit status are the command's.
_LEASH = """
exec 3<&0
"$@" 3<&- &
child=$!
{ read -r _ <&3; kill -TERM "$child"; } &
watcher=$!
wait "$child"; status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"""


def leash(command: Sequence[str | Path], log_file: Path) -> subprocess.Popen[bytes]:
    """Start a server that cannot outlive this process.

    Args:
        command: program and arguments; no shell interprets them.
        log_file: overwritten with what it says.

    Returns:
        The process that leads the server's own process group, and ends when the server does.
        Ctrl-C in the terminal does not reach it: this process ends it with `release`.
    """
    with log_file.open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - see `command`
            ["/bin/sh", "-c", _LEASH, "leash", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def release(process: subprocess.Popen[bytes], patience_seconds: float) -> None:
    """End a leashed server and wait: by SIGTERM, and by SIGKILL when patience runs out."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()  # the leash sends SIGTERM
    try:
        process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _program() -> Path:
    """Find the broker's executable inside its wheel."""
    spec = importlib.util.find_spec("noida_db")
    folders = spec.submodule_search_locations if spec else None
    program = Path(folders[0]) / "noida-db" if folders else None
    if program is None or not os.access(program, os.X_OK):
        raise BrokerError(
            "the embedded broker is not installed, or not built for this platform",
            cure="give --broker host:port of an Apache Kafka; docker-compose.yml starts one",
        )
    return program


def _choose_port(wanted: int | None) -> int:
    if wanted is not None:
        if not _is_free(wanted):
            raise BrokerError(f"port {wanted} is taken", cure="choose another, or none")
        return wanted
    if _is_free(_USUAL_PORT):
        return _USUAL_PORT
    with socket.create_server((_HOST, 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((_HOST, port)):
            return True
    except OSError:
        return False
