"""Child processes that are started together, restarted when they crash, and ended tidily.

A child that crashes is started again after a growing pause; one that keeps crashing ends the
whole, because a desk that looks alive while a stage is dead is worse than none. One that ends because
it has no broker (exit code 69) is no crash: it is started until there is one, however long that takes.
Children are tied to this process: if it is killed, the closing of their stdin tells them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog

from streams.child_logs import last_lines, open_log, shorten_log
from streams.config import environment as child_environment
from streams.config import utc_now
from streams.errors import BrokerError, WirewatchError

__all__ = [
    "Child", "GiveUp", "Restart", "Supervisor", "after_crash", "follow_parent", "with_health_ports",
]  # fmt: skip

log = structlog.get_logger(__name__)

CRASHES_ALLOWED = 5
CRASH_WINDOW = timedelta(minutes=2)
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 12.0
"""Whoever runs for so long has found the broker again: not to find it takes less."""
REMIND_EVERY = 20
"""Of so many starts without a broker, one is told: every five minutes."""
LOG_CHECK_SECONDS = 10.0
"""How often logs are looked at that may have become too large."""
LAST_WORDS = 8
"""Lines of a crashed child's log that are shown."""
STOP_SECONDS = 8.5
"""Until a child that has been asked to stop is killed; `up` promises ten seconds for all."""


class Restart(msgspec.Struct, frozen=True):
    """Start the child again after a pause."""

    after_seconds: float


class GiveUp(msgspec.Struct, frozen=True):
    """End everything."""

    reason: str


def after_crash(crashes: Sequence[datetime], now: datetime) -> Restart | GiveUp:
    """Decide what follows a crash.

    Args:
        crashes: times of the child's crashes so far, this one included.
        now: the time of the decision.
    """
    # Those in the future happened before somebody set the clock back.
    recent = [crash for crash in crashes if timedelta(0) <= now - crash <= CRASH_WINDOW]
    if len(recent) >= CRASHES_ALLOWED:
        minutes = CRASH_WINDOW.total_seconds() / 60
        return GiveUp(f"it crashed {len(recent)} times within {minutes:g} minutes")
    return Restart(_pause_seconds(max(len(recent) - 1, 0)))


def _pause_seconds(doublings: int) -> float:
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(doublings, 10), LONGEST_PAUSE_SECONDS)


class Child(msgspec.Struct, frozen=True):
    """A process to keep running: arguments of the `wirewatch` command."""

    name: str
    arguments: tuple[str, ...]
    health_port: int = 0
    """Where it serves its health; 0 for nowhere."""


def with_health_ports(children: Sequence[Child], first: int) -> list[Child]:
    """Give each child a port of its own for its health, in their order.

    Args:
        children: processes.
        first: port of the first one; 0 for no ports.
    """
    if not first:
        return list(children)
    return [
        msgspec.structs.replace(child, health_port=first + number)
        for number, child in enumerate(children)
    ]


class Supervisor:
    """Keeps children running until `stop`.

    Args:
        children: in the order in which they are started.
        log_folder: gets one `<name>.log` per child, begun anew, and `<name>.log.1` with what was
            before it, once it has become too large; None leaves them this process's stdout and stderr.
        environment: variables that the children get beside this process's own.
        report: told in a sentence what happens to the children.
    """

    module = "streams"
    """What `python -m` runs."""

    def __init__(
        self,
        children: Sequence[Child],
        log_folder: Path | None,
        environment: dict[str, str],
        report: Callable[[str], None],
    ) -> None:
        self._children = children
        self._log_folder = log_folder
        self._environment = child_environment({**environment, "WIREWATCH_SUPERVISED": "1"})
        self._report = report
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = False

    async def run(self) -> None:
        """Run the children until `stop`.

        Raises:
            WirewatchError: a child keeps crashing; the others have been stopped.
        """
        if self._log_folder:
            self._log_folder.mkdir(parents=True, exist_ok=True)
        keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        shortening = asyncio.create_task(self._shorten_logs())
        try:
            await asyncio.gather(*keepers)
        finally:
            for task in (*keepers, shortening):
                task.cancel()
            await self.stop()

    def running(self) -> dict[str, int]:
        """Names of the children that run now, and their process ids."""
        return {name: p.pid for name, p in self._processes.items() if p.returncode is None}

    async def stop(self) -> None:
        """Ask all children to end, and kill those that do not in time. Safe to call twice."""
        self._stopping = True
        running = [p for p in self._processes.values() if p.returncode is None]
        for process in running:
            _send(process, signal.SIGTERM)
        waiting = [asyncio.create_task(process.wait()) for process in running]
        if waiting:
            await asyncio.wait(waiting, timeout=STOP_SECONDS)
        for process in running:
            if process.returncode is None:
                log.warning("killed", pid=process.pid)
                _send(process, signal.SIGKILL)
                await process.wait()

    async def _keep(self, child: Child) -> None:
        crashes: list[datetime] = []
        waits = runs = 0
        while not self._stopping:
            code, was_steady = await self._run_once(child, first=runs == 0, tell=waits > 0)
            runs += 1
            if self._stopping:
                return
            if code == BrokerError.exit_code:
                waits = 1 if was_steady else waits + 1
                await self._wait_for_broker(child, waits)
                continue
            waits = 0
            crashes.append(utc_now())
            words = self._last_words(child)
            match after_crash(crashes, utc_now()):
                case Restart(seconds):
                    self._report(
                        f"{child.name} ended with code {code}, starts again in {seconds:g} s\n{words}"
                    )
                    await asyncio.sleep(seconds)
                case GiveUp(reason):
                    raise WirewatchError(f"{child.name} ended with code {code}; {reason}\n{words}")

    async def _wait_for_broker(self, child: Child, waits: int) -> None:
        """Pause before a child is started again that had no broker, for so many times in a row."""
        if waits % REMIND_EVERY == 1:
            words = self._last_words(child, 1)
            self._report(f"{child.name} has no broker, and is started until there is one\n{words}")
        await asyncio.sleep(_pause_seconds(waits - 1))

    async def _run_once(self, child: Child, *, first: bool, tell: bool) -> tuple[int, bool]:
        """Run a child to its end; returns its exit code, and whether it ran for a while.

        Args:
            child: which.
            first: whether its log begins anew.
            tell: whether to say when it has run for a while.
        """
        with contextlib.ExitStack() as stack:
            output = None
            if log_file := self._log_file(child):
                output = stack.enter_context(open_log(log_file, anew=first))
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.module,
                *child.arguments,
                stdin=asyncio.subprocess.PIPE,  # closes when this process dies
                stdout=output,
                stderr=output,
                # Each its own: all would take the port that this process has been given.
                env=self._environment | {"WIREWATCH_HEALTH_PORT": str(child.health_port)},
                start_new_session=True,  # Ctrl-C is for this process, which then stops them
            )
        self._processes[child.name] = process
        log.info("started", process=child.name, pid=process.pid)
        if self._stopping:  # meanwhile: `stop` could not know of it
            _send(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STEADY_SECONDS):
                return await process.wait(), False
        if tell:
            self._report(f"{child.name} has a broker again")
        return await process.wait(), True

    def _log_file(self, child: Child) -> Path | None:
        return self._log_folder / f"{child.name}.log" if self._log_folder else None

    async def _shorten_logs(self) -> None:
        """Cut logs that have become too large, for as long as this runs."""
        while True:
            await asyncio.sleep(LOG_CHECK_SECONDS)
            for log_file in filter(None, map(self._log_file, self._children)):
                try:
                    if await asyncio.to_thread(shorten_log, log_file):
                        log.info("log_shortened", file=str(log_file))
                except FileNotFoundError:
                    pass  # not begun yet, or somebody took it away
                except OSError as error:
                    log.warning("log_not_kept", file=str(log_file), reason=str(error))

    def _last_words(self, child: Child, lines_shown: int = LAST_WORDS) -> str:
        log_file = self._log_file(child)
        if not log_file:
            return ""
        lines = last_lines(log_file, lines_shown)
        return "\n".join([*(f"    {line}" for line in lines), f"    ({log_file})"])


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def follow_parent() -> None:
    """In a child: end when the supervisor is gone, which closes this process's stdin."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()
