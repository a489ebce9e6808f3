"""Three pollers share forty feeds while one of them is killed every ten seconds."""

import asyncio
import itertools
import sys
import time
from collections import Counter, defaultdict

import pytest
from aiohttp import web

from streams.broker.broadcast import publish
from streams.broker.topics import FEEDS, ITEMS, apply
from streams.config import environment
from streams.records import Feed, Item
from streams.wire import decode
from tests.e2e.stream import read_all

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(260)]

SECONDS = 120.0
"""How long items appear and pollers die."""
ITEMS_IN_ALL = 2000
FEED_COUNT = 40
WINDOW = 30
"""Items in a document: at one in 2.4 s, what is missed for 72 s is lost."""
KILL_SECONDS = 10.0
INTERVAL_SECONDS = 2
PERIOD_SECONDS = 9.0
"""What comes of it: pollers that share keep the 2 s between requests to a host together, so that
one that has one of the four partitions keeps 8 s, and a tenth of variation."""
TAKEOVER_SECONDS = 20.0
"""Session (10 s), the heartbeats by which the others hear of it (3 s), start and loading on a busy
machine."""
UNNAMED = "cleo"
POLLERS = ("anna", "berta", UNNAMED)
"""Two have an instance name and resume after a restart; the third's session has to expire."""


NUMBER = web.AppKey("number", int)


class Newsroom:
    """Forty feeds, each on a port and thus a host of its own, with numbered items over time."""

    def __init__(self):
        self.began = 0.0
        """Seconds since the epoch; 0 before the first item."""
        self.urls = {}
        self.requests = defaultdict(list)
        """Feed number to (time, poller)."""

    async def __aenter__(self):
        self._runners = []
        for number in range(FEED_COUNT):
            app = web.Application()
            app.router.add_get("/feed", self._answer)
            app[NUMBER] = number
            runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._runners.append(runner)
            self.urls[number] = f"http://127.0.0.1:{runner.addresses[0][1]}/feed"
        return self

    async def __aexit__(self, *_):
        for runner in self._runners:
            await runner.cleanup()

    def released(self):
        elapsed = time.time() - self.began if self.began else 0.0
        return min(ITEMS_IN_ALL, int(elapsed / SECONDS * ITEMS_IN_ALL))

    async def _answer(self, request):
        number = request.app[NUMBER]
        self.requests[number].append((time.time(), request.headers["User-Agent"]))
        there = range(number, self.released(), FEED_COUNT)
        entries = "".join(
            f"<item><guid isPermaLink='false'>{n}</guid><title>Item {n}</title></item>"
            for n in reversed(there[-WINDOW:])
        )
        body = f"<rss version='2.0'><channel><title>F</title>{entries}</channel></rss>"
        return web.Response(text=body, content_type="application/rss+xml")


class Pollers:
    """`wirewatch poll`, several times."""

    def __init__(self, settings):
        self._settings = settings
        self._processes = {}

    async def __aenter__(self):
        for name in POLLERS:
            await self.start(name)
        return self

    async def __aexit__(self, *_):
        for process in self._processes.values():
            process.kill()
            await process.wait()

    async def start(self, name):
        folder = self._settings.data_folder / name
        folder.mkdir(exist_ok=True)
        with (folder / "poll.log").open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "streams", "poll"),
                stdout=log,
                stderr=log,
                env=environment(
                    {
                        "WIREWATCH_BROKER": self._settings.broker.bootstrap,
                        "WIREWATCH_PARTITIONS": str(self._settings.partitions),
                        "WIREWATCH_DATA": str(folder),
                        "WIREWATCH_INSTANCE": "" if name == UNNAMED else name,
                        "WIREWATCH_USER_AGENT": name,
                        "WIREWATCH_ALLOW_PRIVATE": "127.0.0.0/8",
                        "WIREWATCH_LOG_FORMAT": "text",
                    }
                ),
            )

    async def kill_and_restart(self, name):
        assert self._processes[name].returncode is None, f"{name} has ended by itself"
        self._processes[name].kill()
        await self._processes[name].wait()
        await self.start(name)


def longest_shared(polls):
    """For how long a feed was polled by two: polls in turn, each within a period of the last."""
    longest = 0.0
    start = polls[0][0]
    for (before, one), (after, other) in itertools.pairwise(polls):
        if one == other or after - before > PERIOD_SECONDS:
            start = after
        longest = max(longest, after - start)
    return longest


def longest_forgotten(polls, end):
    """For how long nobody polled a feed."""
    times = [at for at, _ in polls]
    return max(after - before for before, after in itertools.pairwise([*times, end]))


@pytest.mark.parametrize(
    ("polls", "seconds"),
    [
        ("0a 6a 12a 18b 24b", 6),  # handed over
        ("0a 6a 7b 13b", 1),  # killed before it could write down, polled again
        ("0a 3b 6a 9b 12a 15b", 15),  # both go on
        ("0a 30b 36b 60a", 0),
    ],
)
def test_the_measure_of_sharing(polls, seconds):
    assert longest_shared([(float(p[:-1]), p[-1]) for p in polls.split()]) == seconds


async def test_killed_pollers_lose_nothing_and_no_feed_has_two(kafka_broker, capsys):
    await apply(kafka_broker)
    async with Newsroom() as newsroom, Pollers(kafka_broker) as pollers:
        feeds = [
            Feed(feed_id=f"feed-{number}", url=url, interval_seconds=INTERVAL_SECONDS)
            for number, url in newsroom.urls.items()
        ]
        await publish(kafka_broker, FEEDS, {feed.feed_id: feed for feed in feeds})
        async with asyncio.timeout(40):
            while len(newsroom.requests) < FEED_COUNT:
                await asyncio.sleep(0.1)
        newsroom.began = time.time()
        victims = itertools.cycle(POLLERS)
        while time.time() < newsroom.began + SECONDS - KILL_SECONDS:
            await asyncio.sleep(KILL_SECONDS)
            await pollers.kill_and_restart(next(victims))
        end = time.time()
        async with asyncio.timeout(60):
            while len(found := await read_items(kafka_broker)) < ITEMS_IN_ALL:
                await asyncio.sleep(1)
    shared = max(longest_shared(polls) for polls in newsroom.requests.values())
    forgotten = max(
        longest_forgotten([poll for poll in polls if newsroom.began < poll[0] < end], end)
        for polls in newsroom.requests.values()
    )
    by_poller = Counter(name for polls in newsroom.requests.values() for _, name in polls)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{ITEMS_IN_ALL} items, {found.total() - ITEMS_IN_ALL} repeated; polls "
            f"{dict(by_poller)}; a feed was polled by two for {shared:.1f} s at most, by nobody "
            f"for {forgotten:.1f} s at most\n"
        )
    assert sorted(title for title, _, _ in found) == sorted(
        f"Item {n}" for n in range(ITEMS_IN_ALL)
    )
    assert len({item_id for _, item_id, _ in found}) == ITEMS_IN_ALL
    assert found.total() <= 1.05 * ITEMS_IN_ALL
    assert set(by_poller) == set(POLLERS)
    assert shared <= PERIOD_SECONDS
    assert forgotten <= TAKEOVER_SECONDS + PERIOD_SECONDS


async def read_items(settings):
    """Title, id and revision of every Item, and how often it was written."""
    records = await read_all(settings, ITEMS)
    items = (decode(Item, record.value) for record in records)
    return Counter((item.title, item.item_id, item.revision) for item in items)
