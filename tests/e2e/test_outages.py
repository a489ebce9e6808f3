"""The real processes through what goes wrong around them: broker, names, clock, disk, a standstill.

Each test says what is promised: nothing is lost, it recovers by itself, and the log says what happened in words.
"""

import asyncio
import contextlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.broker.broadcast import read
from streams.broker.embedded import EmbeddedBroker
from streams.broker.topics import ALERTS, DEAD_LETTERS, ENRICHED, FEED_STATE, ITEMS, MENTIONS
from streams.config import BrokerSettings, Settings
from streams.errors import BrokerError
from streams.feeds.turns import CONCURRENCY
from streams.records import Alert, EnrichedItem, Feed, FeedState, Item, Mention
from streams.wire import decode
from tests.e2e.stream import Publisher, Stream, read_all
from tests.feeds.fakes import rss

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

STAGES = ("enrich", "stories", "alerts")
OUTAGE_SECONDS = 60
RSS = "application/rss+xml"


class Newsroom:
    """One feed that holds the latest twelve of its news, each about a watched figure."""

    def __init__(self, publisher, name="news"):
        self._publisher, self._name = publisher, name
        self._titles = []

    def tell(self, count):
        """Publish so many more."""
        first = len(self._titles)
        self._titles += [
            f"{n} {self._name} Mark Zuckerberg presents plan {n} for artificial intelligence"
            for n in range(first, first + count)
        ]
        self._publisher.documents[self._name] = (rss(*self._titles[-12:]), RSS)
        self._publisher.requests.setdefault(self._name, 0)

    @property
    def titles(self):
        return sorted(self._titles)


async def until(condition, seconds, stream):
    """Wait until an awaitable condition holds; fails at once when a process has given up."""
    async with asyncio.timeout(seconds):
        while True:
            with contextlib.suppress(BrokerError):  # one that is just coming back
                if await condition():
                    return
            stream._raise_if_dead()
            await asyncio.sleep(0.5)


async def enriched(stream):
    return sorted(each.item.title for each in await stream.read(ENRICHED, EnrichedItem))


async def everything(stream):
    """Titles of items, of enriched items, of mentions, and of what alerts name as their sources."""
    alerts = await stream.read(ALERTS, Alert)
    return {
        ITEMS: sorted(item.title for item in await stream.read(ITEMS, Item)),
        ENRICHED: await enriched(stream),
        MENTIONS: sorted({each.item.title for each in await stream.read(MENTIONS, Mention)}),
        ALERTS: sorted({source.item.title for alert in alerts for source in alert.sources}),
    }


@pytest.mark.kafka
async def test_a_minute_without_a_broker_costs_nothing_and_is_told_in_a_line(own_kafka, tmp_path):
    address = BrokerSettings(bootstrap=own_kafka.address)
    settings = Settings(broker=address, data_folder=tmp_path, partitions=4)
    async with Publisher({}) as publisher, Stream(settings, "poll", *STAGES) as stream:
        news = Newsroom(publisher)
        news.tell(10)
        url = f"{publisher.url}/news"
        await stream.add_feeds([Feed(feed_id="news", url=url, interval_seconds=2)])

        async def all_enriched():
            return await enriched(stream) == news.titles

        await until(all_enriched, 60, stream)
        await stream.settle()
        before = {name: len(stream.log_of(name).splitlines()) for name in ("poll", *STAGES)}
        await asyncio.to_thread(own_kafka.kill)
        went = time.monotonic()
        news.tell(5)
        await asyncio.sleep(OUTAGE_SECONDS + went - time.monotonic())
        assert not stream._running.done(), "a minute without a broker is no reason to give up"
        lines = {name: stream.log_of(name).splitlines()[count:] for name, count in before.items()}
        await asyncio.to_thread(own_kafka.start)
        news.tell(5)
        await until(all_enriched, 60, stream)
        await stream.settle()
        found = await everything(stream)
        assert await stream.records(DEAD_LETTERS) == []
        logs = {name: stream.log_of(name) for name in before}
    assert found == dict.fromkeys((ITEMS, ENRICHED, MENTIONS, ALERTS), news.titles)
    for name, said in lines.items():
        assert len(said) < 40, f"{name} says one thing {len(said)} times"
        assert sum("broker_lost" in line for line in said) == 1
    assert all(logs[stage].count("broker_back") == 1 for stage in STAGES)
    assert "Traceback" not in "".join(logs.values())
    lost, *back = stream.notes
    assert lost.startswith("poll has no broker, and is started until there is one")
    assert back in ([], ["poll has a broker again"]), "told a while later"


NAMES = """
import os, socket
real = socket.getaddrinfo
def getaddrinfo(host, *args, **options):
    if isinstance(host, str) and host.endswith(".example"):
        if not os.path.exists({flag!r}):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        host = "127.0.0.1"
    return real(host, *args, **options)
socket.getaddrinfo = getaddrinfo
"""
"""Stands in for the name servers, which answer while a file is there."""


@pytest.mark.embedded
async def test_feeds_without_name_servers_say_so_and_come_back(
    embedded_broker, monkeypatch, tmp_path
):
    answers = tmp_path / "name-servers-answer"
    (tmp_path / "sitecustomize.py").write_text(NAMES.format(flag=str(answers)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    publisher = Publisher({}, keeps_alive=False)
    async with publisher, Stream(embedded_broker, "poll") as stream:
        port = publisher.url.rpartition(":")[2]
        rooms = {name: Newsroom(publisher, name) for name in ("plain", "one", "two")}
        hosts = {"plain": "127.0.0.1", "one": "one.example", "two": "two.example"}
        for room in rooms.values():
            room.tell(3)
        answers.touch()
        await stream.add_feeds(
            Feed(feed_id=name, url=f"http://{host}:{port}/{name}", interval_seconds=2)
            for name, host in hosts.items()
        )

        async def titles():
            return sorted(item.title for item in await stream.read(ITEMS, Item))

        async def all_there():
            return await titles() == sorted(t for room in rooms.values() for t in room.titles)

        async def healths():
            states = await read(stream.settings, FEED_STATE, FeedState)
            return {name: states[name].health for name in hosts}

        async def named_fail():
            return await healths() == {"plain": "ok", "one": "failing", "two": "failing"}

        await until(all_there, 40, stream)
        answers.unlink()
        await until(named_fail, 30, stream)
        for room in rooms.values():
            room.tell(3)
        await publisher.polled_at("plain", 2)
        states = await read(stream.settings, FEED_STATE, FeedState)
        for name in ("one", "two"):
            assert "the name cannot be resolved" in states[name].reason
            assert "Temporary failure in name resolution" in states[name].reason
        assert set(await titles()) >= set(rooms["plain"].titles), "the others go on"
        answers.touch()
        await until(all_there, 40, stream)
        assert set((await healths()).values()) == {"ok"}
        assert stream.notes == []


CLOCK = """
import datetime
import streams.config
def utc_now():
    try:
        offset = float(open({file!r}).read() or 0)
    except OSError:
        offset = 0.0
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=offset)
streams.config.utc_now = utc_now
"""
"""A clock on the wall that is set by writing seconds into a file."""


@pytest.mark.embedded
async def test_a_clock_that_jumps_by_an_hour_holds_nothing_up(
    embedded_broker, monkeypatch, tmp_path
):
    offset = tmp_path / "offset"
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(file=str(offset)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with Publisher({}) as publisher, Stream(embedded_broker, "poll", *STAGES) as stream:
        news = Newsroom(publisher)
        news.tell(3)
        url = f"{publisher.url}/news"
        await stream.add_feeds([Feed(feed_id="news", url=url, interval_seconds=2)])

        async def all_enriched():
            return await enriched(stream) == news.titles

        await until(all_enriched, 60, stream)
        for seconds in (3600, 0):
            offset.write_text(str(seconds))
            await asyncio.sleep(3)
            news.tell(3)
            await until(all_enriched, 30, stream)
        await stream.settle()
        found = await everything(stream)
        assert await stream.records(DEAD_LETTERS) == []
        seen = {item.title: item.seen_at for item in await stream.read(ITEMS, Item)}
        log = stream.log_of("poll")
        assert stream.notes == []
    assert found == dict.fromkeys((ITEMS, ENRICHED, MENTIONS, ALERTS), news.titles)
    by_number = [seen[title] for title in sorted(seen, key=lambda title: int(title.split()[0]))]
    assert any(after < before for before, after in itertools.pairwise(by_number)), "late items"
    assert log.count("clock_set") == 2


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 32 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder]
    if not mount or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small disk: only root may mount one")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder):
    """Leave no room in it; returns the file that takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(2**16)):
                pass
        except OSError:
            return filler


class Up:
    """`wirewatch up --demo` whose data lie in a folder; what it prints goes elsewhere."""

    def __init__(self, data, prints):
        self._out, self._err = prints / "out", prints / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*(sys.executable, "-m", "streams", "up", "--demo", "--json"), "--data", data],
                stdout=out,
                stderr=err,
            )

    def alerts(self):
        return [decode(Alert, line) for line in self._out.read_bytes().split(b"\n")[:-1]]

    def says(self, word):
        return word in self._err.read_text()

    async def until(self, condition, seconds):
        async with asyncio.timeout(seconds):
            while not condition():
                assert self.process.poll() is None, self._err.read_text()
                await asyncio.sleep(0.2)


@pytest.mark.embedded
async def test_a_full_disk_is_told_and_costs_nothing_once_there_is_room(small_disk, tmp_path):
    """The embedded broker acknowledges what it has in memory and says nothing, so `up` looks."""
    up = Up(small_disk, tmp_path)
    try:
        await up.until(up.alerts, 90)
        filler = fill(small_disk)
        await up.until(lambda: up.says("embedded_broker_cannot_save"), 60)
        assert up.says("make room on the disk")
        before = len(up.alerts())
        await up.until(lambda: len(up.alerts()) > before, 60)
        filler.unlink()
        await up.until(lambda: up.says("embedded_broker_saves_again"), 60)
        up.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(up.process.wait, 20) == 0
    finally:
        up.process.kill()
        up.process.wait()
    assert not up.says("embedded_broker_has_lost_data")
    told = {(alert.alert_id, alert.revision) for alert in up.alerts()}
    with EmbeddedBroker(small_disk / "demo") as broker:
        settings = Settings(broker=BrokerSettings(bootstrap=broker.address))
        kept = [decode(Alert, r.value) for r in await read_all(settings, ALERTS)]
    assert {(alert.alert_id, alert.revision) for alert in kept} >= told


@pytest.mark.embedded
def test_a_disk_that_is_full_at_the_start_is_named(small_disk):
    fill(small_disk)
    broker = EmbeddedBroker(small_disk / "data")
    with pytest.raises(BrokerError, match=r"data cannot hold .*No space left.*make room there"):
        broker.start()
    assert not broker.is_running


def megabytes(pid):
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


FEEDS_WAITING = 200
FREEZE_SECONDS = 20


@pytest.mark.kafka
async def test_a_broker_that_stands_still_slows_polling_and_takes_no_memory(
    own_kafka, tmp_path, monkeypatch
):
    answers = tmp_path / "name-servers-answer"
    answers.touch()
    (tmp_path / "sitecustomize.py").write_text(NAMES.format(flag=str(answers)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    address = BrokerSettings(bootstrap=own_kafka.address)
    settings = Settings(broker=address, data_folder=tmp_path, partitions=4)
    names = [f"feed{number}" for number in range(FEEDS_WAITING)]
    padding = " ".join(random.Random(1).choices(["news", "of", "the", "day", "again"], k=900))
    publisher = Publisher({name: (rss(f"{name}-0"), RSS) for name in names})
    async with publisher, Stream(settings, "poll") as stream:
        port = publisher.url.rpartition(":")[2]
        await stream.add_feeds(
            Feed(feed_id=name, url=f"http://{name}.example:{port}/{name}", interval_seconds=2)
            for name in names
        )
        await publisher.polled(2, patience=60)
        poll = stream.supervisor._processes["poll"].pid
        taken = []
        os.killpg(own_kafka._process.pid, signal.SIGSTOP)
        try:
            for name in names:
                news = [f"{name}-{number} {padding}" for number in range(1, 31)]
                publisher.documents[name] = (rss(*news), RSS)
            asked = sum(publisher.requests.values())
            for _ in range(FREEZE_SECONDS):
                await asyncio.sleep(1)
                taken.append(megabytes(poll))
            waiting = sum(publisher.requests.values()) - asked
        finally:
            os.killpg(own_kafka._process.pid, signal.SIGCONT)

        async def items():
            return [decode(Item, record.value) for record in await stream.records(ITEMS)]

        async def all_there():
            return len({item.item_id for item in await items()}) >= 31 * FEEDS_WAITING

        await until(all_there, 90, stream)
        found = await items()
    assert waiting <= CONCURRENCY, "whoever waits for the broker is not polled again, nor others"
    half = FREEZE_SECONDS // 2
    assert max(taken[half:]) - max(taken[:half]) < 15, f"MB, second by second: {taken}"
    wanted = {f"{name}-{number}" for name in names for number in range(31)}
    assert {item.title.split()[0] for item in found} == wanted
    assert len({item.item_id for item in found}) == len(wanted)


SLOW = """
import os, time
import streams.enrich.batch as batch
real = batch._decoded
def slow(value):
    while not os.path.exists({flag!r}):
        time.sleep(0.1)
    return real(value)
batch._decoded = slow
"""
"""Stands still in the pool's processes until a file is there."""


@pytest.mark.kafka
async def test_a_stage_that_stands_still_reads_no_further(kafka_broker, monkeypatch, tmp_path):
    """90 MB wait in the topic; they must not come to lie in memory."""
    goes_on = tmp_path / "goes-on"
    (tmp_path / "sitecustomize.py").write_text(SLOW.format(flag=str(goes_on)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    noise = random.Random(1)
    async with Stream(kafka_broker, "enrich") as stream:
        await stream.send_raw(ITEMS, ("first", b"not an item"))
        while "ready" not in stream.log_of("enrich"):
            await asyncio.sleep(0.2)
        enrich = stream.supervisor._processes["enrich"].pid
        before, taken = megabytes(enrich), []
        for start in range(0, 3000, 300):
            texts = [noise.randbytes(30_000) for _ in range(300)]
            await stream.send_raw(ITEMS, *((str(start + n), each) for n, each in enumerate(texts)))
        for _ in range(10):
            await asyncio.sleep(1)
            taken.append(megabytes(enrich))
        goes_on.touch()
        await stream.settle()
        letters = {record.key for record in await stream.records(DEAD_LETTERS)}
        assert stream.notes == []
    assert max(taken[5:]) - max(taken[:5]) < 10, f"MB, second by second: {taken}"
    assert max(taken) - before < 75, f"{before:.0f} MB before, then {taken}"
    assert len(letters) == 3001
