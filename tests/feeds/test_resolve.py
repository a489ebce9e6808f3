import asyncio
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from streams.feeds import resolve
from streams.feeds.resolve import Resolver

GOOD = "good.example"


@pytest.fixture
def system(monkeypatch):
    """The system's lookup: one name is known, all others get stuck until the test ends."""
    released = threading.Event()

    def getaddrinfo(host, port, family=0, kind=0, *, flags=0):
        if host != GOOD:
            released.wait(20)
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [
            (socket.AF_INET6, kind, 6, "", ("2001:db8::1", port, 0, 0)),
            (socket.AF_INET, kind, 6, "", ("192.0.2.1", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    released.set()


async def test_addresses_come_as_the_system_gives_them(system):
    found = await Resolver(1).resolve(GOOD, 443, socket.AF_UNSPEC)
    assert [(each["host"], each["port"]) for each in found] == [
        ("2001:db8::1", 443), ("192.0.2.1", 443),
    ]  # fmt: skip


async def test_stuck_lookups_hold_up_no_other(system):
    resolver = Resolver(0.5)
    stuck = [asyncio.create_task(resolver.resolve(f"{n}.example")) for n in range(100)]
    await asyncio.sleep(0.1)
    started = time.monotonic()
    assert await resolver.resolve(GOOD)
    assert time.monotonic() - started < 0.3
    for error in await asyncio.gather(*stuck, return_exceptions=True):
        assert isinstance(error, socket.gaierror)
        assert error.errno == socket.EAI_AGAIN, "not the name's fault"


async def test_they_do_not_pile_up_without_end(system, monkeypatch):
    monkeypatch.setattr(resolve, "MAX_PENDING", 3)
    resolver = Resolver(0.05)
    before = threading.active_count()
    for n in range(10):
        with pytest.raises(socket.gaierror):
            await resolver.resolve(f"{n}.example")
    assert threading.active_count() - before <= 3


@pytest.mark.parametrize("name", ["a..example", f"{'x' * 64}.example"])
async def test_what_is_no_name_is_not_found(name):
    with pytest.raises(socket.gaierror):
        await Resolver(5).resolve(name)


def test_a_stuck_lookup_does_not_hold_up_the_exit():
    program = """
import asyncio, socket, time
socket.getaddrinfo = lambda *args, **options: time.sleep(60)
from streams.config import Settings
from streams.errors import FetchError
from streams.feeds.fetch import Fetcher, Limits
async def main():
    async with Fetcher(Settings(), Limits(lookup_seconds=0.2)) as fetcher:
        try:
            await fetcher.fetch("http://stuck.example/")
        except FetchError as error:
            print(error.kind)
asyncio.run(main())
"""
    started = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=40,
        cwd=Path(__file__).parents[2],
    )
    assert (found.stdout.strip(), found.stderr) == ("dns_temporary", "")
    assert time.monotonic() - started < 30
