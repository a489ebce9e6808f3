import asyncio
import time

import pytest

from streams.errors import ParseError
from streams.feeds.parser_pool import ParserPool
from tests.feeds.fakes import rss

# Two megabytes of ampersands keep feedparser busy for seven seconds, eight for half a minute.
HOSTILE = b"<rss><channel><item><title>" + b"&" * 8_000_000 + b"</title></item></channel></rss>"


async def test_a_document_that_overruns_is_killed_and_the_others_are_not():
    pool = ParserPool(2, deadline_seconds=3)
    try:
        assert (await pool.parse(rss("warm"), "", "")).entries  # the processes are up
        started = time.monotonic()
        hostile = asyncio.create_task(pool.parse(HOSTILE, "", ""))
        others = await asyncio.gather(*(pool.parse(rss(f"t{n}"), "", "") for n in range(20)))
        assert [parsed.entries[0].title for parsed in others] == [f"t{n}" for n in range(20)]
        with pytest.raises(ParseError) as caught:
            await hostile
        assert caught.value.kind == "parser_killed"
        assert time.monotonic() - started < 15
        assert (await pool.parse(rss("after"), "", "")).entries
    finally:
        pool.stop()


async def test_errors_come_back_as_they_were():
    pool = ParserPool(1)
    try:
        with pytest.raises(ParseError) as caught:
            await pool.parse(b"<html>", "", "")
        assert caught.value.kind == "not_a_feed"
    finally:
        pool.stop()
