"""What hostile feeds may cost, by small limits; `tests.bench hostile` measures by the real ones."""

import asyncio

import pytest

from streams.feeds.fetch import Limits
from tests.bench import hostile
from tests.bench.result import Skipped

LIMITS = Limits(
    lookup_seconds=0.5,
    connect_seconds=0.5,
    read_seconds=0.5,
    total_seconds=1.0,
    body_bytes=1024 * 1024,
)
PARSER_SECONDS = 3.0
SLACK_SECONDS = 1.5
"""For a busy machine, and for starting another parser."""
EXTRA_MEGABYTES = 64
NEIGHBOUR_SECONDS = 1.0


@pytest.fixture(scope="module")
def measured():
    try:
        results = asyncio.run(hostile.strike_all(LIMITS, PARSER_SECONDS))
    except Skipped as reason:
        pytest.skip(str(reason))
    return {each.attack.name: each for each in results}


@pytest.mark.parametrize("attack", hostile.ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_bounded_and_nobody_else_feels_it(attack, measured):
    found = measured[attack.name]
    deadline = PARSER_SECONDS if attack.parses else LIMITS.total_seconds
    assert found.outcome in attack.outcomes
    assert found.seconds < deadline + SLACK_SECONDS
    assert not found.extra_megabytes >= EXTRA_MEGABYTES, "not-a-number where it is not known"
    assert found.neighbour_seconds < NEIGHBOUR_SECONDS
    assert found.private_connections == 0


def test_the_watch_on_connections_sees_them():
    async def connect():
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            with hostile.connections() as places:
                _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                writer.close()
            return places

    assert asyncio.run(connect()) == ["127.0.0.1"]
