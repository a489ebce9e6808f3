"""The stories stage: what it knows of a partition is rebuilt from the topic."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from streams.agents import history
from streams.agents import stories as agent
from streams.agents.acking import Received
from streams.agents.in_flight import InFlight
from streams.agents.stories import StoriesStage
from streams.broker.topics import ENRICHED
from streams.config import Settings
from streams.records import Mention
from streams.stories.cluster import Clusters
from streams.testing import NOW, make_enriched, make_figure_hit, make_item_ref
from streams.wire import decode, encode


def received(offset, enriched):
    return Received(
        topic=ENRICHED,
        partition=0,
        offset=offset,
        timestamp=NOW.timestamp(),
        key=b"de+en",
        value=encode(enriched),
    )


def item(number, text, figure_id):
    return make_enriched(
        text,
        item=make_item_ref(number=number, title=text, seen_at=NOW),
        figures=(make_figure_hit(figure_id=figure_id),),
    )


ONE = "Regulator opens inquiry into the ranking of posts on the largest platform of the country"
OTHER = "Minister of the interior asks for new rules about artificial intelligence in all schools"


async def test_after_a_restart_stories_that_become_one_still_take_all_their_figures_along(
    monkeypatch,
):
    """The bridge is told for figures that it does not name, else their alerts would stay behind."""
    items = [
        item(1, ONE, "ada"),
        item(2, OTHER, "bob"),
        item(3, f"{ONE}. {OTHER}", "eve"),
    ]
    log = [received(offset, each) for offset, each in enumerate(items)]
    clusters = Clusters()
    whole = [mention for each in items for mention in clusters.mentions(each)]

    async def follow_history(settings, topic, partition, *, since, until_offset):
        for record in log[:until_offset]:
            yield [record]

    monkeypatch.setattr(agent, "follow_history", follow_history)
    told = []
    for record in log:
        (outcome,) = await StoriesStage(Settings()).process([record])  # a new process for each
        assert not isinstance(outcome, Exception)
        told += [decode(Mention, output.value) for output in outcome]
    assert told == whole
    assert [mention.figure.figure_id for mention in told[2:]] == ["eve", "ada", "bob"]


PAST = 2_000
"""Records before the first one that is processed."""
SECONDS = 0.3
"""What folding one takes: of all together ten minutes."""


class Partition:
    """A consumer of a partition that has everything at hand, so reading never waits."""

    def __init__(self, values):
        self.values = values
        self.at = 0
        self.stopped = False

    def assign(self, places):
        self.places = places

    async def offsets_for_times(self, times):
        return dict.fromkeys(times, SimpleNamespace(offset=0))

    def seek(self, place, offset):
        self.at = offset

    async def position(self, place):
        return self.at

    async def getmany(self, place, *, timeout_ms, max_records):
        begin, self.at = self.at, min(self.at + max_records, len(self.values))
        return {place: [self._record(offset) for offset in range(begin, self.at)]}

    def _record(self, offset):
        return SimpleNamespace(offset=offset, timestamp=0, key=b"k", value=self.values[offset])

    async def stop(self):
        self.stopped = True


class Rebuilding:
    """A partition with much to read again, and what is seen from outside while it is."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        self.folded: list[str] = []
        self.most_held = 0
        items = [item(number, f"{ONE} {number}", "ada") for number in range(PAST + 1)]
        self.record = received(PAST, items[PAST])
        values = [encode(each) for each in items]
        values[7] = b"garbage"
        self.expected = [each.item.item_id for number, each in enumerate(items) if number != 7]
        self.consumers: list[Partition] = []

        async def connect(*_):
            self.consumers.append(Partition(values))
            return self.consumers[-1]

        monkeypatch.setattr(history, "connect_consumer", connect)
        monkeypatch.setattr(agent, "Clusters", self._clusters)
        self.stage = StoriesStage(Settings())

    def _clusters(self):
        self.folded.clear()
        return SimpleNamespace(mentions=self._fold)

    def _fold(self, enriched):
        self.now += SECONDS
        self.folded.append(enriched.item.item_id)
        self.most_held = max(self.most_held, self.consumers[-1].at - len(self.folded))
        return ()


@pytest.fixture
def rebuilding(monkeypatch):
    return Rebuilding(monkeypatch)


async def test_a_partition_with_days_to_read_again_neither_stops_the_loop_nor_fills_the_memory(
    rebuilding,
):
    """Else the watchdog ends the process at every start, after 180 s."""
    in_flight = InFlight(lambda: rebuilding.now)
    event = object()
    in_flight.take(event)
    in_flight.work_on([event])
    work = asyncio.create_task(rebuilding.stage.process([rebuilding.record]))
    turned, loop_still, work_still = 0.0, 0.0, 0.0
    while not work.done():
        await asyncio.sleep(0)
        loop_still = max(loop_still, rebuilding.now - turned)
        turned = rebuilding.now
        work_still = max(work_still, in_flight.still_seconds())
    assert await work == [()]
    assert rebuilding.folded == rebuilding.expected, "all, in the order of the log"
    assert loop_still < 180
    assert work_still < 180
    assert rebuilding.most_held < PAST / 4


async def test_a_stop_is_heard_while_a_partition_is_read_and_the_next_batch_reads_it_anew(
    rebuilding,
):
    work = asyncio.create_task(rebuilding.stage.process([rebuilding.record]))
    while not rebuilding.folded:
        await asyncio.sleep(0)
    assert not work.done()
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    assert work.cancelled()
    assert 0 < len(rebuilding.folded) < PAST
    assert rebuilding.consumers[0].stopped
    assert await rebuilding.stage.process([rebuilding.record]) == [()]
    assert rebuilding.folded == rebuilding.expected
