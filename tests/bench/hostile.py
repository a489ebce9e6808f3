"""What hostile feeds cost, and what the well-behaved feed beside them feels of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import socket
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from aiohttp.compression_utils import HAS_BROTLI
from msgspec import Struct

from streams.config import Settings
from streams.errors import FeedError
from streams.feeds.fetch import Fetched, Fetcher, Limits
from streams.feeds.parser_pool import DEADLINE_SECONDS, ParserPool
from tests.bench.measure import NAN, resident_megabytes
from tests.bench.result import Result, Row, Skipped
from tests.bench.samples import make_feed
from tests.feeds.loopback import Names, answer, saying, serving, words

PUBLIC = "127.0.0.2"
"""Allowed; stands for the public internet, which is left in peace."""
PRIVATE = "127.0.0.1"
METADATA = ("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "192.0.0.192")
"""Where clouds tell their machines secrets."""

BOMB_BYTES = 300 * 2**20
# brotli.compress(bytes(BOMB_BYTES), lgwin=24): 250 bytes, so that nothing here need compress it.
_BROTLI = (
    b"&;S2__$L73u|OdA{-6K<|L{)$#9;w|?)^Xi|Nr5i0EojP0Nwk4{{R2OKLHSj1pvDD|NQ^|hkpVf4hsNu@BjJ#{}2"
    b"BJKpYkT=-&VH|NkHU34k~(0MNbv=l}md{1X6iSOB1V|Ih#bfA}W=;;;Zf_x_*%|Nrn$0K{PdfbRW2|NsBtp8$x%0"
    b"s!6nfBygf!#@EKhXnw-_y7F=|A&79APx%vbnpN9|NjsF1V9`X0O;QT^Z)-J{t19MECA5G|L6bzKl~E_aaaJLd;ib"
    b">|9|)=0OGI!K==Ni|NsB+PXNSW0f6rPfBygf;-3JB!vX-^`(F"
)
_HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
_PARSERS = 2
_DRIP_SECONDS = 0.05
_PAUSE_SECONDS = 0.02


class Scene(Struct, frozen=True):
    """Everything an attack can reach."""

    fetcher: Fetcher
    parser: ParserPool
    private_port: int
    """On `PRIVATE`, where somebody listens."""


class Attack(Struct, frozen=True):
    """What somebody does to us, and what may come of it."""

    name: str
    strike: Callable[[Scene], Awaitable[object]]
    outcomes: frozenset[str]
    """Kinds of FeedError; "read" for success."""
    parses: bool = False


class Measured(Struct, frozen=True):
    """What an attack did."""

    attack: Attack
    outcome: str
    seconds: float
    extra_megabytes: float
    """Most memory of this process meanwhile, the attacker's server included, above that before."""
    neighbour_seconds: float
    """Longest time that fetching and parsing a good feed took meanwhile."""
    neighbour_polls: int
    private_connections: int


def run(*, limits: Limits | None = None, deadline_seconds: float = DEADLINE_SECONDS) -> Result:
    """Strike once with each attack, by the limits that hold in earnest unless told otherwise."""
    measured = asyncio.run(strike_all(limits or Limits(), deadline_seconds))
    rows: list[Row] = [
        {
            "attack": each.attack.name,
            "outcome": each.outcome,
            "seconds": each.seconds,
            "extra MB": each.extra_megabytes,
            "neighbour's longest ms": each.neighbour_seconds * 1e3,
            "neighbour's polls": each.neighbour_polls,
            "private connections": each.private_connections,
        }
        for each in measured
    ]
    return Result(
        name="hostile",
        rows=tuple(rows),
        notes=(
            "the neighbour is fetched and parsed all the time, by the same session and processes;",
            "extra MB: peak of this process, in which the hostile servers run, too",
            *(() if HAS_BROTLI else ("brotli is not installed: its bomb is refused unopened",)),
        ),
    )


async def strike_all(limits: Limits, deadline_seconds: float) -> list[Measured]:
    """Strike with one attack after the other.

    Raises:
        Skipped: there is only one loopback address here.
    """
    _require_two_addresses()
    settings = Settings(allow_private=(f"{PUBLIC}/32",))
    parser = ParserPool(_PARSERS, deadline_seconds=deadline_seconds)
    names = Names(good=[[PUBLIC]], turning=[[PUBLIC], [PRIVATE]], mixed=[[PRIVATE, "::1", PUBLIC]])
    good = answer(body=make_feed("rss", 30))
    async with (
        Fetcher(settings, limits, resolver=names) as fetcher,
        serving(PRIVATE, secret=answer()) as private,
        serving(PUBLIC, good=good) as public,
    ):
        scene = Scene(fetcher, parser, int(private.rpartition(":")[2]))
        try:
            return [await _measure(attack, scene, f"{public}/good") for attack in ATTACKS]
        finally:
            parser.stop()


async def _measure(attack: Attack, scene: Scene, good: str) -> Measured:
    # Both parsers shall be up: starting one is no part of the attack.
    await asyncio.gather(*(_poll(scene, good) for _ in range(_PARSERS)))
    with connections() as places:
        async with _neighbour(scene, good) as delays:
            gc.collect()
            before = _peak_megabytes(anew=True)
            started = time.perf_counter()
            try:
                await attack.strike(scene)
                outcome = "read"
            except FeedError as error:
                outcome = error.kind
            seconds = time.perf_counter() - started
            extra = _peak_megabytes() - before
    return Measured(
        attack=attack,
        outcome=outcome,
        seconds=seconds,
        extra_megabytes=max(extra, 0.0) if extra == extra else NAN,
        neighbour_seconds=max(delays),
        neighbour_polls=len(delays),
        private_connections=sum(place != PUBLIC for place in places),
    )


# --- what is watched meanwhile -------------------------------------------------------------


@contextlib.asynccontextmanager
async def _neighbour(scene: Scene, url: str) -> AsyncIterator[list[float]]:
    """Poll a good feed all the time; yields how long each poll took, the last perhaps not whole."""
    delays: list[float] = []

    async def polls() -> None:
        while True:
            started = time.perf_counter()
            try:
                await _poll(scene, url)
            finally:
                delays.append(time.perf_counter() - started)
            await asyncio.sleep(_PAUSE_SECONDS)

    task = asyncio.create_task(polls())
    try:
        yield delays
        while len(delays) < 2 and not task.done():  # also after an attack that was over at once
            await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _poll(scene: Scene, url: str) -> None:
    found = await scene.fetcher.fetch(url)
    assert isinstance(found, Fetched)
    await scene.parser.parse(found.body, found.content_type, found.final_url)


@contextlib.contextmanager
def connections() -> Iterator[list[str]]:
    """The addresses that sockets of this process are about to be connected to."""
    places: list[str] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            places.append(address[0])
        connect(self, address)

    with mock.patch.object(socket.socket, "connect", noted):
        yield places


def _peak_megabytes(*, anew: bool = False) -> float:
    """Most memory since the peak was last begun anew; not-a-number where Linux does not say."""
    try:
        if anew:
            Path("/proc/self/clear_refs").write_text("5")
            return resident_megabytes()
        status = Path("/proc/self/status").read_text()
    except OSError:
        return NAN
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _require_two_addresses() -> None:
    try:
        with socket.socket() as probe:
            probe.bind((PUBLIC, 0))
    except OSError as error:
        raise Skipped(f"{PUBLIC} cannot be used: {error}") from error


# --- attacks ----------------------------------------------------------------------------------


def _served(say: Callable[[Any], Awaitable[None]], host: str = PUBLIC) -> Callable[[Scene], Any]:
    """Fetch from a server that answers so, under a name."""

    async def strike(scene: Scene) -> None:
        async with saying(say, PUBLIC) as base:
            await scene.fetcher.fetch(f"http://{host}:{base.rpartition(':')[2]}/feed")

    return strike


def _redirected(target: str, host: str = PUBLIC) -> Callable[[Scene], Any]:
    """Fetch from a server that redirects there."""

    async def strike(scene: Scene) -> None:
        place = target.format(private_port=scene.private_port)
        say = words(b"HTTP/1.1 302 Found\r\nLocation: " + place.encode() + b"\r\n\r\n")
        await _served(say, host)(scene)

    return strike


def _parsed(make: Callable[[], bytes]) -> Callable[[Scene], Any]:

    async def strike(scene: Scene) -> None:
        await scene.parser.parse(make(), "application/xml", "https://a.example/")

    return strike


@cache
def _gzip_bomb() -> bytes:
    """The same compressed piece again and again, without the trailer: nobody gets that far."""
    press, piece = zlib.compressobj(9, wbits=31), bytes(2**20)
    head, again = (press.compress(piece) + press.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return head + again * (BOMB_BYTES // len(piece) - 1)


async def _gzip(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"Content-Encoding: gzip\r\n\r\n" + _gzip_bomb())


async def _redirect_onwards(writer: asyncio.StreamWriter) -> None:
    place = f"/{time.perf_counter_ns()}".encode()
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + place + b"\r\n\r\n")


def _many_items() -> bytes:
    item = b"<item><title>The same again</title><guid>urn:example:the-same</guid></item>"
    return b"<rss version='2.0'><channel><title>T</title>" + item * 100_000 + b"</channel></rss>"


def _ampersands() -> bytes:
    return b"<rss><channel><item><title>" + b"&" * 2_000_000 + b"</title></item></channel></rss>"


def _laughs() -> bytes:
    entities = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 10))
    return (
        f"<!DOCTYPE rss [<!ENTITY e0 'ha'>{entities}]><rss version='2.0'><channel><item>"
        "<title>&e9;</title><guid>1</guid></item></channel></rss>"
    ).encode()


REFUSED = frozenset({"refused"})
PARSED = frozenset({"read", "parser_killed", "malformed"})
ATTACKS = (
    Attack("gzip bomb, 300 MiB", _served(_gzip), frozenset({"too_large"})),
    Attack(
        "brotli bomb, 300 MiB",
        _served(words(_HEAD + b"Content-Encoding: br\r\n\r\n" + base64.b85decode(_BROTLI))),
        frozenset({"too_large" if HAS_BROTLI else "protocol"}),
    ),
    Attack(
        "body that drips",
        _served(words(_HEAD + b"\r\n", *[b"x"] * 10_000, every=_DRIP_SECONDS)),
        frozenset({"timeout"}),
    ),
    Attack(
        "headers that drip",
        _served(words(_HEAD, *[b"x"] * 10_000, every=_DRIP_SECONDS)),
        frozenset({"timeout"}),
    ),
    Attack("endless redirects", _served(_redirect_onwards), frozenset({"redirects"})),
    Attack(
        "redirect to loopback", _redirected(f"http://{PRIVATE}:{{private_port}}/secret"), REFUSED
    ),
    *(Attack(f"redirect to {each}", _redirected(f"http://{each}/"), REFUSED) for each in METADATA),
    Attack(
        "name that turns to loopback",
        _redirected("http://turning.example:{private_port}/secret", "turning.example"),
        REFUSED,
    ),
    Attack(
        "name with loopback among others",
        _redirected("http://mixed.example:{private_port}/secret", "mixed.example"),
        REFUSED | {"connect"},  # nobody listens there on the public address
    ),
    Attack("100,000 items, 7.5 MB", _parsed(_many_items), PARSED, parses=True),
    Attack("2 MB of &", _parsed(_ampersands), PARSED, parses=True),
    Attack("entities of entities", _parsed(_laughs), PARSED, parses=True),
)
