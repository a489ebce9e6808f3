import asyncio
import os
import subprocess
import sys
import time

import pytest

from streams.errors import ParseError
from streams.feeds import parser_pool
from streams.feeds.parser_pool import ParserPool
from streams.pool import KillablePool
from tests.feeds.fakes import rss

# Two megabytes of ampersands keep feedparser busy for seven seconds, eight for half a minute.
HOSTILE = b"<rss><channel><item><title>" + b"&" * 8_000_000 + b"</title></item></channel></rss>"


async def test_a_document_that_overruns_is_killed_once_and_the_others_are_not():
    pool = ParserPool(2, deadline_seconds=3)
    try:
        assert (await pool.parse(rss("warm"), "", "")).entries  # the processes are up
        started = time.monotonic()
        hostile = asyncio.create_task(pool.parse(HOSTILE, "", ""))
        others = await asyncio.gather(*(pool.parse(rss(f"t{n}"), "", "") for n in range(20)))
        assert time.monotonic() - started < 3  # they did not wait for it
        assert [parsed.entries[0].title for parsed in others] == [f"t{n}" for n in range(20)]
        with pytest.raises(ParseError, match="longer than 3 s") as caught:
            await hostile
        assert caught.value.kind == "parser_killed"
        assert time.monotonic() - started < 5.5  # and was not tried again
        assert (await pool.parse(rss("after"), "", "")).entries
    finally:
        pool.stop()


async def test_errors_come_back_as_they_were():
    pool = ParserPool(1)
    try:
        with pytest.raises(ParseError) as caught:
            await pool.parse(b"<html>", "", "")
        assert caught.value.kind == "not_a_feed"
        assert "address of the feed" in caught.value.cure
    finally:
        pool.stop()


async def test_a_document_that_needs_too_much_memory_ends_as_a_parse_error():
    pool = KillablePool(1, parser_pool.limit_memory)
    try:
        with pytest.raises(MemoryError):
            await pool.run(bytearray, 2 * 1024**3)
        assert await pool.run(len, b"abc") == 3
    finally:
        pool.stop()


async def test_parsing_processes_are_replaced_from_time_to_time(monkeypatch):
    pool = ParserPool(1, max_documents=2)
    monkeypatch.setattr(parser_pool, "parse_apart", process_id)
    try:
        seen = [(await parsed_by(pool))[1] for _ in range(6)]
    finally:
        pool.stop()
    assert seen[0] == seen[1] != seen[2] == seen[3] != seen[4] == seen[5]


def process_id(body: bytes, content_type: str, url: str) -> tuple[str, str, str]:
    return "malformed", str(os.getpid()), ""


async def parsed_by(pool):
    with pytest.raises(ParseError) as caught:
        await pool.parse(b"", "", "")
    return caught.value.kind, caught.value.message


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_the_command_loads_leaves_a_parser_room():
    """A parsing process inherits all that the command has loaded, within the same limit of addresses."""
    program = "import streams.cli; print(open('/proc/self/statm').read().split()[0])"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(found.stdout) * os.sysconf("SC_PAGE_SIZE") < 400 * 1024**2
