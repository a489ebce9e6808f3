"""CPU work in other processes that may be killed: one bad input never takes the others along.

A plain `ProcessPoolExecutor` cannot end one task, and when a process dies every task in flight
fails alike. `KillablePool` adds a deadline, replaces a broken executor, and `apart` makes a pool of
one process in which nothing else runs, so that blame is exact.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any, TypeVar

import structlog

from streams.config import limit_math_threads

__all__ = ["KillablePool", "PoolBrokenError"]

T = TypeVar("T")
log = structlog.get_logger(__name__)

# Never fork: a forked child inherits the parent's signal handlers and locks.
_CONTEXT = multiprocessing.get_context("forkserver")


class PoolBrokenError(Exception):
    """A process died or overran its deadline while this work was in flight."""


class KillablePool:
    """Worker processes with a deadline per piece of work.

    Args:
        processes: how many work side by side.
        initializer: called once in every process, before its first piece of work.
        initargs: its arguments; must pickle.
        deadline_seconds: the longest that one piece of work may take, waiting included.
    """

    def __init__(
        self,
        processes: int,
        initializer: Callable[..., None] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        deadline_seconds: float = 60.0,
    ) -> None:
        self._processes = processes
        self._initializer = initializer
        self._initargs = initargs
        self._deadline = deadline_seconds
        self._executor = self._start(processes)
        self.restarts = 0

    async def run(
        self, function: Callable[..., T], *args: Any, deadline_seconds: float | None = None
    ) -> T:
        """Run beside other work.

        Args:
            function: what to run; must pickle, as must its arguments and result.
            args: its arguments.
            deadline_seconds: instead of the pool's own.

        Raises:
            PoolBrokenError: a process died or overran; this work may be innocent of it.
        """
        executor = self._executor
        try:
            return await _run_in(executor, deadline_seconds or self._deadline, function, *args)
        except PoolBrokenError:
            if executor is self._executor:  # the first to notice replaces it
                self._executor = self._start(self._processes)
                self.restarts += 1
            raise

    @contextlib.contextmanager
    def apart(self) -> Iterator[KillablePool]:
        """A pool like this one, but of one process and for one user at a time."""
        pool = KillablePool(1, self._initializer, self._initargs, deadline_seconds=self._deadline)
        try:
            yield pool
        finally:
            pool.stop()

    def stop(self) -> None:
        """End all processes at once; work in flight is lost."""
        _end(self._executor)

    def _start(self, processes: int) -> ProcessPoolExecutor:
        limit_math_threads()  # before the first process of the pool loads NumPy
        return ProcessPoolExecutor(
            processes,
            mp_context=_CONTEXT,
            initializer=_begin,
            initargs=(self._initializer, self._initargs),
        )


async def _run_in(
    executor: ProcessPoolExecutor, deadline_seconds: float, function: Callable[..., T], *args: Any
) -> T:
    try:
        future = executor.submit(function, *args)
    except RuntimeError as error:  # it has been ended since, by the deadline of other work
        raise PoolBrokenError(str(error)) from error
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), deadline_seconds)
    except BrokenProcessPool as error:
        _end(executor)
        raise PoolBrokenError("a process of the pool died") from error
    except TimeoutError as error:
        _end(executor)
        raise PoolBrokenError(f"took longer than {deadline_seconds:g} s") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Nobody cancelled this call: its executor was ended while the work waited for its turn.
        raise PoolBrokenError("other work broke the pool") from error


def _end(executor: ProcessPoolExecutor) -> None:
    """Kill the processes, then let go of the executor."""
    for process in list((executor._processes or {}).values()):
        process.kill()
    executor.shutdown(wait=False, cancel_futures=True)


def _begin(initializer: Callable[..., None] | None, initargs: tuple[Any, ...]) -> None:
    """In a new process: outlive neither Ctrl-C's parent nor a killed one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_follow_parent, name="follow-parent", daemon=True).start()
    if initializer is not None:
        initializer(*initargs)


def _follow_parent() -> None:
    """Exit when the parent is gone, also when it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)
