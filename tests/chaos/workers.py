"""The worker processes of a run: started again whenever they end, until they leave."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from streams.config import Settings, environment
from tests.chaos.disturb import Disturbance

__all__ = ["Workers"]

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "deploy" / "config"
PAUSE_SECONDS = 1.0
"""Before a process is started again, as a supervisor would."""
END_SECONDS = 12.0


class Workers:
    """Named `<stage>-<number>`; each has its own log and its own place in its consumer group.

    Args:
        settings: whose broker is set; `data_folder` gets the logs.
        harm: variables of `tests.chaos.worker`.
    """

    def __init__(self, settings: Settings, harm: dict[str, str]) -> None:
        self._settings = settings
        self._harm = harm
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[str] = set()
        self._thawing: set[asyncio.Task[None]] = set()
        self.ends: dict[str, Counter[int]] = {}
        """How processes have ended, by name: exit codes, or signals as negative numbers."""

    def start(self, name: str) -> None:
        """Run a worker from now on."""
        self._leaving.discard(name)
        self._keepers[name] = asyncio.create_task(self._keep(name))

    def disturb(self, what: Disturbance) -> None:
        """Do to a worker what is planned for it."""
        actions: dict[str, Callable[[], None]] = {
            "kill": lambda: self._signal(what.whom, signal.SIGKILL),
            "term": lambda: self._signal(what.whom, signal.SIGTERM),
            "freeze": lambda: self._freeze(what.whom, what.seconds),
            "join": lambda: self.start(what.whom),
            "leave": lambda: self._leave(what.whom),
        }
        actions[what.kind]()

    def _signal(self, name: str, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, KeyError):  # it is just being started again
            self._processes[name].send_signal(number)

    def _freeze(self, name: str, seconds: float) -> None:
        async def thaw() -> None:
            await asyncio.sleep(seconds)
            self._signal(name, signal.SIGCONT)

        self._signal(name, signal.SIGSTOP)
        self._thawing.add(asyncio.create_task(thaw()))

    def _leave(self, name: str) -> None:
        self._leaving.add(name)
        self._signal(name, signal.SIGTERM)

    async def _keep(self, name: str) -> None:
        while name not in self._leaving:
            process = await self._start(name)
            code = await process.wait()
            self.ends.setdefault(name, Counter())[code] += 1
            if name not in self._leaving:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _start(self, name: str) -> asyncio.subprocess.Process:
        stage = name.partition("-")[0]
        folder = self._settings.data_folder / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.chaos.worker", stage),
                stdin=asyncio.subprocess.PIPE,  # closes when this process dies, and ends it
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment(self._variables(name)),
                start_new_session=True,
            )
        self._processes[name] = process
        return process

    def _variables(self, name: str) -> dict[str, str]:
        return {
            "WIREWATCH_BROKER": self._settings.broker.bootstrap,
            "WIREWATCH_CONFIG": str(CONFIG),
            "WIREWATCH_DATA": str(self._settings.data_folder),
            "WIREWATCH_PARTITIONS": str(self._settings.partitions),
            "WIREWATCH_INSTANCE": name,
            "WIREWATCH_SEMANTICS": "off",
            "WIREWATCH_LOG_FORMAT": "text",
            "WIREWATCH_SUPERVISED": "1",
            **self._harm,
        }

    async def wake(self) -> None:
        """Let those that stand still go on at once."""
        for task in self._thawing:
            task.cancel()
        for name in self._processes:
            self._signal(name, signal.SIGCONT)

    async def stop(self) -> None:
        """End all of them, by force where they take too long."""
        await self.wake()
        self._leaving.update(self._keepers)
        for name in self._processes:
            self._signal(name, signal.SIGTERM)
        keepers: Sequence[asyncio.Task[None]] = list(self._keepers.values())
        if keepers:
            await asyncio.wait(keepers, timeout=END_SECONDS)
        for name in self._processes:
            self._signal(name, signal.SIGKILL)
        await asyncio.gather(*keepers)
