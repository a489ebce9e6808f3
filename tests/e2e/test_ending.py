"""A stage that cannot end tidily ends all the same, and says how by its exit code.

0 is what SIGTERM under load gives (`test_stages`); here the broker stands still, as behind a dead network.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta

import pytest

from streams.broker.embedded import EmbeddedBroker
from streams.broker.topics import ENRICHED, MENTIONS
from streams.config import BrokerSettings, Settings
from streams.testing import NOW, make_enriched, make_figure_hit, make_item_ref
from streams.wire import encode
from tests.e2e.stream import CONFIG, Stream

pytestmark = [pytest.mark.e2e, pytest.mark.embedded, pytest.mark.timeout(120)]

SLOW = """
import asyncio
from streams import health
health.STILL_SECONDS = {patience}
from streams.agents.stories import StoriesStage
from streams.agents.worker import run_stage
from streams.config import Settings
process = StoriesStage.process
async def slowly(self, batch):
    await asyncio.sleep(0.2)
    return await process(self, batch)
StoriesStage.process = slowly
run_stage("stories", Settings.from_environment())
"""
"""`wirewatch worker --only stories`, slow enough to be busy still when its broker stops."""


def load(count):
    for n in range(count):
        item = make_item_ref(number=n, seen_at=NOW + timedelta(seconds=n))
        text = f"Ada Example says thing number {n} about rules"
        yield item.lang, encode(make_enriched(text, item=item, figures=(make_figure_hit(),)))


@pytest.fixture
def broker(tmp_path):
    with EmbeddedBroker(tmp_path) as broker:
        yield broker
        signal_(broker, signal.SIGCONT)


def signal_(broker, number):
    os.killpg(broker._process.pid, number)


async def run_until_the_broker_stands(broker, tmp_path, patience):
    """Start the stage, and stop the broker while records are in flight; returns the process."""
    address = BrokerSettings(bootstrap=broker.address)
    settings = Settings(broker=address, data_folder=tmp_path, partitions=4)
    async with Stream(settings) as stream:  # topics alone
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SLOW.format(patience=patience),
            env={
                **os.environ,
                "WIREWATCH_BROKER": broker.address,
                "WIREWATCH_CONFIG": str(CONFIG),
                "WIREWATCH_DATA": str(tmp_path),
                "WIREWATCH_PARTITIONS": "4",
            },
            stderr=asyncio.subprocess.PIPE,
        )
        await stream.send_raw(ENRICHED, *load(3_000))
        while not await stream.records(MENTIONS):
            assert process.returncode is None
            await asyncio.sleep(0.05)
        signal_(broker, signal.SIGSTOP)
    return process


async def test_an_end_that_the_broker_holds_up_is_cut_short_with_75(broker, tmp_path):
    process = await run_until_the_broker_stands(broker, tmp_path, patience=180)
    process.terminate()
    async with asyncio.timeout(15):
        await process.communicate()
    assert process.returncode == 75


async def test_a_record_that_gets_no_further_ends_the_process_with_70(broker, tmp_path):
    process = await run_until_the_broker_stands(broker, tmp_path, patience=3)
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode == 70
    assert b"watchdog: a record in flight has not got on for" in said
    assert b"Thread" in said  # the stacks, for whoever asks where it stood
