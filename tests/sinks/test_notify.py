from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiokafka import TopicPartition
from standardwebhooks.webhooks import Webhook

from streams.broker import topics
from streams.broker.clients import connect_consumer, connect_producer, send_all
from streams.broker.topics import ALERTS, DEAD_LETTERS
from streams.errors import ConfigError, NotFoundError
from streams.sinks.lanes import Ledger
from streams.sinks.notify import Notifier, notify, read_receivers, why_not
from streams.sinks.webhook import WebhookReceiver
from streams.wire import encode, read_dead_letter
from tests.desk.samples import make_alert

SECRET = "whsec_c2VsZi13cml0dGVuIHNlY3JldCBmb3IgdGVzdHM="


def receiver(receiver_id="desk", url="http://127.0.0.1:1/", **options) -> WebhookReceiver:
    return WebhookReceiver(id=receiver_id, url=url, secret_env="DESK_SECRET", **options)


# --- who is told ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "min_severity", "reason"),
    [
        ({}, "info", ""),
        ({"severity": "urgent"}, "urgent", ""),
        ({"severity": "flash"}, "urgent", ""),
        ({"severity": "alert"}, "urgent", "below urgent"),
        ({"notify": False}, "info", "nothing new for people"),
        ({"notify": False, "suppressed_by": "backfill"}, "info", "backfill"),
    ],
)
def test_who_is_told(changes, min_severity, reason):
    assert why_not(make_alert(**changes), receiver(min_severity=min_severity)) == reason


class Recorder:
    """Stands for lanes and producer: keeps what it is given."""

    def __init__(self) -> None:
        self.put_ids: list[tuple[str, int]] = []
        self.dead: list[dict[str, Any]] = []

    async def put(self, delivery) -> None:
        self.put_ids.append((delivery.alert.alert_id, delivery.alert.revision))

    async def send_and_wait(self, topic, **record) -> None:
        assert topic == DEAD_LETTERS
        self.dead.append(record)


async def test_records_go_to_the_lanes_that_want_them_and_broken_ones_to_dead_letters():
    desk, pager, producer = Recorder(), Recorder(), Recorder()
    lanes: Any = {"desk": desk, "pager": pager}
    ledger = Ledger[TopicPartition]()
    partition = topics_partition(0)
    ledger.begin(partition, 0)
    notifier = Notifier(
        {"desk": receiver(), "pager": receiver("pager", min_severity="flash")},
        lanes, ledger, producer,
    )  # fmt: skip
    values = [
        encode(make_alert("a")),
        encode(make_alert("a", 2, notify=False)),
        b"{broken",
        None,
        encode(make_alert("b", severity="flash")),
    ]
    records = [
        SimpleNamespace(topic=ALERTS, partition=0, offset=offset, key=b"k", value=value)
        for offset, value in enumerate(values)
    ]
    for record in [*records, records[0]]:  # the first one is read again
        await notifier.take(record)
    assert desk.put_ids == [("a", 1), ("b", 1)]
    assert pager.put_ids == [("b", 1)]
    assert ledger.committable() == {partition: 0}
    [dead] = producer.dead
    letter = read_dead_letter(dead["key"], dead["value"], dead["headers"])
    assert (letter.stage, letter.offset, letter.value) == ("notify", 2, b"{broken")


def topics_partition(number):
    return TopicPartition(ALERTS, number)


# --- the file ---------------------------------------------------------------------------------------

GOOD = """
receivers:
  - id: desk
    kind: webhook
    url: https://hooks.example/wirewatch
    secret_env: DESK_SECRET
    min_severity: urgent
"""


def test_reading_receivers(tmp_path, monkeypatch):
    monkeypatch.setenv("DESK_SECRET", SECRET)
    path = tmp_path / "notify.yaml"
    path.write_text(GOOD)
    [(found, signer)] = read_receivers(path).values()
    assert found.min_severity == "urgent"
    assert not found.allow_private
    assert isinstance(signer, Webhook)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD.replace("min_severity", "minseverity"), "did you mean 'min_severity'"),
        (GOOD.replace("urgent", "loud"), "min_severity"),
        (GOOD.replace("DESK_SECRET", "MISSING_SECRET"), "MISSING_SECRET is not set"),
        (GOOD.replace("https", "ftp"), "ftp"),
        (GOOD + GOOD.split("receivers:")[1], "two receivers are called 'desk'"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path, monkeypatch, text, told):
    monkeypatch.setenv("DESK_SECRET", SECRET)
    path = tmp_path / "notify.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        read_receivers(path)
    assert caught.value.cure


def test_the_sample_file_is_valid_once_its_comments_are_followed(tmp_path, monkeypatch):
    sample = Path(__file__).parents[2] / "deploy" / "config" / "notify.yaml"
    _, _, commented = sample.read_text("utf-8").partition("Replace the line above by:\n#\n")
    path = tmp_path / "notify.yaml"
    path.write_text(re.sub(r"^# ", "", commented, flags=re.MULTILINE))
    monkeypatch.setenv("POLICY_DESK_SECRET", SECRET)
    assert list(read_receivers(path)) == ["policy-desk"]
    assert read_receivers(sample) == {}


def test_a_missing_file(tmp_path):
    with pytest.raises(NotFoundError):
        read_receivers(tmp_path / "notify.yaml")


# --- the process --------------------------------------------------------------------------------------


@asynccontextmanager
async def hooks():
    """A receiver at /ok that takes everything and one at /gone that wants nothing."""
    got: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/gone":
            return web.Response(status=410)
        message = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        got.put_nowait((message["data"]["alert_id"], message["data"]["revision"]))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/{tail}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", got
    await runner.cleanup()


@asynccontextmanager
async def notifying(settings, base):
    signer = Webhook(SECRET)
    receivers = {
        name: (receiver(name, f"{base}/{name}", allow_private=True), signer)
        for name in ("ok", "gone")
    }
    running = asyncio.create_task(notify(settings, receivers))
    await asyncio.sleep(0)
    yield running
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def committed(settings, *, records: int) -> bool:
    """True once the group has committed that many records."""
    consumer = await connect_consumer(settings, group="wirewatch-notify")
    try:
        offsets = [
            await consumer.committed(topics_partition(number))
            for number in range(settings.partitions)
        ]
    finally:
        await consumer.stop()
    return None not in offsets and sum(offsets) == records


async def wait_for_commit(settings, records):
    async with asyncio.timeout(20):
        while not await committed(settings, records=records):
            await asyncio.sleep(0.2)


@pytest.mark.embedded
async def test_new_alerts_are_told_once_and_a_restart_goes_on(embedded_broker):
    settings = embedded_broker
    await topics.apply(settings)
    producer = await connect_producer(settings)
    async with hooks() as (base, got):
        await send_all(producer, [(ALERTS, "history", make_alert("history"))])
        async with notifying(settings, base):
            await wait_for_commit(settings, 1)  # history is skipped, and that is written down
            await send_all(producer, [(ALERTS, "a", make_alert("a"))])
            async with asyncio.timeout(20):
                assert await got.get() == ("a", 1)
            await wait_for_commit(settings, 2)
        await send_all(producer, [(ALERTS, "a", make_alert("a", 2))])  # while nobody runs
        async with notifying(settings, base), asyncio.timeout(20):
            assert await got.get() == ("a", 2)
            await wait_for_commit(settings, 3)
    assert got.empty()
    await producer.stop()

    consumer = await connect_consumer(settings, DEAD_LETTERS)
    batches = await consumer.getmany(timeout_ms=2_000)
    await consumer.stop()
    letters = [
        read_dead_letter(record.key, record.value, record.headers)
        for records in batches.values() for record in records
    ]  # fmt: skip
    assert {letter.stage for letter in letters} == {"notify:gone"}
    told = [msgspec.json.decode(letter.value or b"")["revision"] for letter in letters]
    assert sorted(told) == [1, 2]
