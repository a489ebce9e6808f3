"""CPU work in other processes that may be killed: one bad input never takes the others along.

A plain `ProcessPoolExecutor` cannot end one task, and when a process dies every task in flight
fails alike. Here each process does one piece of work at a time, over a pipe of its own: what
overruns its deadline or kills its process is to blame alone, and nobody else notices.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import pickle
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NamedTuple, TypeVar

from streams.config import limit_math_threads

__all__ = ["KillablePool", "OverranError", "PoolBrokenError"]

T = TypeVar("T")

# Never fork: a forked child inherits the parent's signal handlers and locks.
_CONTEXT = multiprocessing.get_context("forkserver")
_START_SECONDS = 60.0
"""For a new process to be ready; on a busy machine the models of the enrich stage took ten."""
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes per unit of ru_maxrss


class PoolBrokenError(Exception):
    """The process of this work died, or none could be started for it."""


class OverranError(PoolBrokenError):
    """This work took longer than it may, and was ended."""


class _Plan(NamedTuple):
    """What a process does beside the work: how it begins, and when it makes room for another."""

    initializer: Callable[..., None] | None
    initargs: tuple[Any, ...]
    max_tasks: int = sys.maxsize
    max_bytes: int = sys.maxsize


class KillablePool:
    """Worker processes with a deadline per piece of work, started when they are first needed.

    Args:
        processes: how many work side by side.
        initializer: called once in every process, before its first piece of work.
        initargs: its arguments; must pickle.
        deadline_seconds: the longest that one piece of work may take, once a process has it.
        max_tasks: a process is replaced after so many pieces of work.
        max_bytes: a process is replaced once its memory has been larger.
        preload: modules that new processes find imported, so that they start at once. Counts for
            all pools of this process that start one later.
    """

    def __init__(
        self,
        processes: int,
        initializer: Callable[..., None] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        deadline_seconds: float = 60.0,
        max_tasks: int = sys.maxsize,
        max_bytes: int = sys.maxsize,
        preload: tuple[str, ...] = (),
    ) -> None:
        self._plan = _Plan(initializer, initargs, max_tasks, max_bytes)
        self._deadline = deadline_seconds
        self._free = asyncio.Semaphore(processes)
        self._idle: list[_Worker] = []  # the last one used is warm and goes first
        self._workers: set[_Worker] = set()
        self._threads = ThreadPoolExecutor(processes, "pool")  # each waits for one process
        self._stopped = False
        self.restarts = 0
        """Processes lost to the work they did."""
        if preload:
            _CONTEXT.set_forkserver_preload(["__main__", *preload])

    async def run(
        self, function: Callable[..., T], *args: Any, deadline_seconds: float | None = None
    ) -> T:
        """Run beside other work, as soon as a process is free. If cancelled, the process is ended.

        Args:
            function: what to run; must pickle, as must its arguments and result.
            args: its arguments.
            deadline_seconds: instead of the pool's own.

        Raises:
            OverranError: this work overran its deadline.
            PoolBrokenError: the process of this work died, none could be started, or the pool was
                stopped.
            Exception: what `function` raises.
        """
        deadline = deadline_seconds or self._deadline
        async with self._free:
            if self._stopped:
                raise PoolBrokenError("the pool was stopped")
            worker = self._idle.pop() if self._idle else _Worker(self._plan)
            self._workers.add(worker)
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads, worker.call, deadline, function, args
                )
            except PoolBrokenError:
                self.restarts += 1
                raise
            except asyncio.CancelledError:
                worker.end()
                raise
            finally:
                if worker.ended:
                    self._workers.discard(worker)
                else:
                    self._idle.append(worker)

    @contextlib.contextmanager
    def apart(self) -> Iterator[KillablePool]:
        """A pool like this one, but of one process and for one user at a time."""
        pool = KillablePool(
            1, self._plan.initializer, self._plan.initargs, deadline_seconds=self._deadline
        )
        try:
            yield pool
        finally:
            pool.stop()

    def stop(self) -> None:
        """End all processes at once; work in flight is lost."""
        self._stopped = True
        for worker in self._workers:
            worker.end()
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """One process, and this side of its pipe. `call` blocks; `end` may come from any thread."""

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self.ended = False

    def call(self, deadline: float, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        """Have the process run `function`; start it first if there is none yet."""
        try:
            pipe = self._pipe
            if pipe is None or pipe.poll():  # unasked it only says that it has died since
                pipe = self._start()
            pipe.send((function, args))
            if not pipe.poll(deadline):
                raise OverranError(f"took longer than {deadline:g} s")
            succeeded, result, is_last = pipe.recv()
        except OverranError:
            self.end()
            raise
        except (EOFError, OSError) as error:
            self.end()
            raise PoolBrokenError("a process of the pool died") from error
        if is_last:  # it goes by itself
            self.ended = True
        if succeeded:
            return result  # type: ignore[no-any-return]  # what comes out of a pipe has no type
        raise result

    def end(self) -> None:
        """Kill the process."""
        self.ended = True
        if self._process is not None and self._process.is_alive():
            self._process.kill()

    def _start(self) -> Connection:
        limit_math_threads()  # before the process loads NumPy
        pipe, other = Pipe()
        process = _CONTEXT.Process(target=_serve, args=(other, self._plan), daemon=True)
        process.start()
        other.close()  # else nobody would notice the end of the process
        self._process, self._pipe = process, pipe
        if self.ended:  # meanwhile
            process.kill()
        if not pipe.poll(_START_SECONDS):
            raise EOFError
        pipe.recv()
        return pipe


def _serve(pipe: Connection, plan: _Plan) -> None:
    """In a new process: work until the parent lets go of the pipe, or the plan says so."""
    _begin(plan)
    pipe.send("ready")
    done, is_last = 0, False
    while not is_last:
        try:
            work = pipe.recv_bytes()
        except EOFError:
            return
        succeeded, result = _do(work)
        done += 1
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
        is_last = done >= plan.max_tasks or peak > plan.max_bytes
        pipe.send((succeeded, result, is_last))
        del work, result  # not to be held while waiting


def _do(work: bytes) -> tuple[bool, Any]:
    """Whether it succeeded, and the result or what was raised instead."""
    try:
        function, args = pickle.loads(work)  # noqa: S301 - our own parent's
        return True, function(*args)
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to the caller
        error.add_note(traceback.format_exc())
        return False, error


def _begin(plan: _Plan) -> None:
    """Outlive neither Ctrl-C's parent nor a killed one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_follow_parent, name="follow-parent", daemon=True).start()
    if plan.initializer is not None:
        plan.initializer(*plan.initargs)


def _follow_parent() -> None:
    """Exit when the parent is gone, also when it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)
