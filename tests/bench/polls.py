"""What one poll process can do, beside bare aiohttp and feedparser doing the same work.

Everything runs on this machine: the server of the feeds in one process, the broker in another, the
poller in a third that leads its parsing processes.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Literal

import aiohttp
import feedparser
import msgspec

from streams.broker.clients import connect_producer, send_all
from streams.broker.topics import FEED_STATE, FEEDS, apply
from streams.config import Settings, utc_now
from streams.feeds.parse import PARSER
from streams.feeds.polling import run as poll
from streams.log import setup_logging
from streams.metrics import FEED_LATENESS_SECONDS
from streams.records import Feed, FeedState, Polled, Seen
from tests.bench.broker import embedded_broker
from tests.bench.feed_server import ETAG, SPAWN, FeedServer, Kind, Loopback, serving
from tests.bench.measure import NAN, cpu_seconds, resident_megabytes
from tests.bench.result import Result, Row

SEEN = 50
"""Entries remembered per feed."""
QUARTER = 900
_BATCH = 1_000
Variant = Literal["feedparser", "feedparser, raw"]


class Report(msgspec.Struct, frozen=True):
    """What the poll process says of itself."""

    lateness: tuple[float, ...]
    """Seconds from due to start: upper bounds of the median and of the 99th per cent."""
    resident_mb: float


class PollProcess:
    """A poller under measurement."""

    def __init__(self, pid: int, pipe: Connection) -> None:
        self.pid = pid
        self._pipe = pipe

    def report(self) -> Report:
        """Lateness since the last report, and memory now."""
        self._pipe.send("report")
        answer: Report = self._pipe.recv()
        return answer


def run(
    *, unchanged: int = 4_800, full: int = 480, registered: int = 20_000, seconds: float = 30.0
) -> Result:
    """Measure three loads for `seconds` each.

    Args:
        unchanged: feeds that are asked every 4 s and have not changed.
        full: feeds that are asked every 4 s and bring 60 kB with one new entry.
        registered: feeds that are asked every 15 minutes and have not changed.
        seconds: of each measurement, after as long again for warming up, 10 s at most.
    """
    rows: list[Row] = []
    with serving() as server:
        rows += _compare(server, "same", unchanged, seconds)
        rows += _compare(server, "full", full, seconds)
        rows.append(_many(server, registered, seconds))
    return Result(
        name="polls",
        rows=tuple(rows),
        notes=(
            "same: answered 304; full: 60 kB with one new of 30 entries, parsed;",
            "registered: every 15 minutes, with 50 remembered entries and 30 polls each;",
            "CPU: the whole process group, parsing included; bare: a loop over aiohttp and, for",
            "full, feedparser in the same process, without broker, memory, politeness or limits;",
            "late: from due to start, upper bounds; MB: the poller without its parsing processes",
        ),
    )


def _compare(server: FeedServer, kind: Kind, feeds: int, seconds: float) -> list[Row]:
    name = f"{kind}, {feeds:,} feeds"
    variants: tuple[Variant, ...] = ("feedparser",) if kind == "same" else (
        "feedparser", "feedparser, raw",
    )  # fmt: skip
    bare = {
        variant: _bare(server, kind, feeds, seconds, raw=variant.endswith("raw"))
        for variant in variants
    }
    with embedded_broker() as (settings, _):
        asyncio.run(_register(settings, server, kind, feeds, every=4))
        with _polling(settings) as poller:
            time.sleep(min(seconds, 10.0))
            poller.report()
            before, cpu, started = server.answered(kind), cpu_seconds(poller.pid), time.monotonic()
            time.sleep(seconds)
            polls = server.answered(kind) - before
            per_poll = (cpu_seconds(poller.pid) - cpu) / max(polls, 1)
            rate = polls / (time.monotonic() - started)
            report = poller.report()
    rows = [_row(name, "wirewatch poll", rate, per_poll, bare["feedparser"][1], report)]
    for variant, (bare_rate, bare_cpu) in bare.items():
        label = "aiohttp" if kind == "same" else f"aiohttp + {variant}"
        rows.append(_row(name, label, bare_rate, bare_cpu, bare["feedparser"][1], None))
    return rows


def _many(server: FeedServer, feeds: int, seconds: float) -> Row:
    with embedded_broker() as (settings, _):
        asyncio.run(_register(settings, server, "same", feeds, every=QUARTER))
        asyncio.run(_remember(settings, server, feeds))
        started = time.monotonic()
        with _polling(settings) as poller:
            ready = time.monotonic() - started
            time.sleep(min(seconds, 10.0))
            poller.report()
            before, cpu, started = (
                server.answered("same"),
                cpu_seconds(poller.pid),
                time.monotonic(),
            )
            time.sleep(seconds)
            polls = server.answered("same") - before
            rate = polls / (time.monotonic() - started)
            per_poll = (cpu_seconds(poller.pid) - cpu) / max(polls, 1)
            report = poller.report()
    name = f"registered, {feeds:,} feeds, ready in {ready:.1f} s"
    return _row(name, "wirewatch poll", rate, per_poll, NAN, report)


def _row(
    load: str, variant: str, rate: float, cpu: float, bare: float, report: Report | None
) -> Row:
    return {
        "load": load,
        "variant": variant,
        "polls/s": rate,
        "CPU ms/poll": cpu * 1e3,
        "CPU / bare": cpu / bare,
        "late p50 s": report.lateness[0] if report else NAN,
        "late p99 s": report.lateness[1] if report else NAN,
        "MB": report.resident_mb if report else NAN,
    }


# --- the poller ------------------------------------------------------------------------


@contextmanager
def _polling(settings: Settings) -> Iterator[PollProcess]:
    """A poll process whose names all lead to this machine; ready when this yields."""
    here, there = SPAWN.Pipe()
    allowed = msgspec.structs.replace(settings, allow_private=("127.0.0.0/8",))
    process = SPAWN.Process(target=_poll_main, args=(allowed, there), daemon=False)
    process.start()
    assert process.pid is not None
    try:
        here.recv()
        yield PollProcess(process.pid, here)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.join(15)
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
            process.join()


def _poll_main(settings: Settings, pipe: Connection) -> None:
    os.setsid()  # what is measured is everything in this session
    setup_logging("ERROR", "text")
    asyncio.run(_poll(settings, pipe))


async def _poll(settings: Settings, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    before = _lateness_counts()

    def answer() -> None:
        nonlocal before
        pipe.recv()
        now = _lateness_counts()
        since = {bound: count - before[bound] for bound, count in now.items()}
        before = now
        pipe.send(Report((_bound(since, 0.5), _bound(since, 0.99)), resident_megabytes()))

    work = asyncio.create_task(poll(settings, Loopback()))
    while not work.done() and not any(_lateness_counts().values()):
        await asyncio.sleep(0.05)
    pipe.send("ready")
    loop.add_reader(pipe.fileno(), answer)
    await work


def _lateness_counts() -> dict[float, float]:
    """Polls by the upper bound of how late they were, cumulative."""
    samples = next(iter(FEED_LATENESS_SECONDS.collect())).samples
    return {float(s.labels["le"]): s.value for s in samples if s.name.endswith("_bucket")}


def _bound(counts: dict[float, float], share: float) -> float:
    total = max(counts.values())
    return min((bound for bound, count in counts.items() if count >= share * total), default=NAN)


# --- what stands in the topics ---------------------------------------------------------


async def _register(
    settings: Settings, server: FeedServer, kind: Kind, feeds: int, every: int
) -> None:
    await apply(settings)
    producer = await connect_producer(settings)
    numbers = iter(range(feeds))
    while batch := list(itertools.islice(numbers, _BATCH)):
        await send_all(
            producer,
            [
                (FEEDS, f"f{n}", Feed(
                    feed_id=f"f{n}", url=server.url(kind, n), interval_seconds=every
                ))
                for n in batch
            ],
        )  # fmt: skip
    await producer.stop()


async def _remember(settings: Settings, server: FeedServer, feeds: int) -> None:
    """As after some days: every feed has been polled, and its turn comes within 15 minutes."""
    producer = await connect_producer(settings)
    now = utc_now()
    numbers = iter(range(feeds))
    while batch := list(itertools.islice(numbers, _BATCH)):
        states = [_state(server, n, now, QUARTER * n / feeds) for n in batch]
        await send_all(producer, [(FEED_STATE, state.feed_id, state) for state in states])
    await producer.stop()


def _state(server: FeedServer, number: int, now: datetime, wait: float) -> FeedState:
    moment = int(now.timestamp())
    seen = {}
    for entry in range(SEEN):
        name = hashlib.blake2b(b"%d %d" % (number, entry), digest_size=16).hexdigest()
        seen[name[:26]] = Seen(name[:16], 1, moment - 3600 * entry, moment, name[8:])
    last = now - timedelta(seconds=QUARTER - wait)
    return FeedState(
        feed_id=f"f{number}",
        url=server.url("same", number),
        etag=ETAG,
        parser=PARSER,
        next_check_at=now + timedelta(seconds=wait),
        last_fetch_at=last,
        last_success_at=last,
        first_success_at=now - timedelta(days=9),
        last_document_at=now,
        health="ok",
        history=tuple(Polled(moment - QUARTER * back, 304, "", 0, 12) for back in range(30, 0, -1)),
        seen=seen,
    )


# --- the same work without us ----------------------------------------------------------


def _bare(
    server: FeedServer, kind: Kind, feeds: int, seconds: float, *, raw: bool
) -> tuple[float, float]:
    """Polls per second, and seconds of CPU per poll."""
    here, there = SPAWN.Pipe()
    urls = [server.url(kind, number) for number in range(feeds)]
    process = SPAWN.Process(target=_bare_main, args=(urls, kind, seconds, raw, there), daemon=True)
    process.start()
    polls, wall, cpu = here.recv()
    process.join()
    return polls / wall, cpu / polls


def _bare_main(urls: list[str], kind: Kind, seconds: float, raw: bool, pipe: Connection) -> None:
    pipe.send(asyncio.run(_bare_loop(urls, kind, seconds, raw)))


async def _bare_loop(
    urls: list[str], kind: Kind, seconds: float, raw: bool
) -> tuple[int, float, float]:
    """Sixty-four at once over all feeds, again and again."""
    turns = itertools.cycle(urls)
    polls = 0
    flags = {"sanitize_html": False, "resolve_relative_uris": False} if raw else {}
    headers = {"If-None-Match": ETAG} if kind == "same" else {}
    ends = time.monotonic() + seconds

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal polls
        while time.monotonic() < ends:
            async with session.get(next(turns), headers=headers) as response:
                body = await response.read()
            if body:
                feedparser.parse(io.BytesIO(body), **flags)
            polls += 1

    # The connections are closed like ours: nobody asks a feed again within seconds.
    connector = aiohttp.TCPConnector(limit=0, resolver=Loopback(), force_close=True)
    started, cpu = time.monotonic(), time.process_time()
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(64)))
    return polls, time.monotonic() - started, time.process_time() - cpu
