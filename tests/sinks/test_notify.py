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
from aiokafka.errors import CommitFailedError, KafkaError, NodeNotReadyError
from standardwebhooks.webhooks import Webhook

from streams.broker import topics
from streams.broker.clients import MESSAGE_BYTES, connect_consumer, connect_producer, send_all
from streams.broker.topics import ALERTS, DEAD_LETTERS
from streams.errors import ConfigError, NotFoundError
from streams.sinks.lanes import Ledger
from streams.sinks.notify import (
    Notifier,
    consume,
    make_lane,
    notify,
    read_receivers,
    why_not,
)
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


async def test_a_partition_that_leaves_and_returns_loses_and_repeats_nothing():
    told: dict[str, list[str]] = {"fast": [], "slow": []}
    ledger = Ledger[TopicPartition]()
    partition = topics_partition(0)
    receivers = {name: receiver(name) for name in told}
    producer: Any = Recorder()

    def teller(name):
        async def tell(alert) -> None:
            told[name].append(alert.alert_id)

        return tell

    lanes = {
        name: make_lane(each, teller(name), ledger, producer) for name, each in receivers.items()
    }
    notifier = Notifier(receivers, lanes, ledger, producer)
    for _ in range(2):  # both receivers lag, so the lanes hold all twice
        ledger.keep([])
        ledger.begin(partition, 4)
        for offset in (4, 5):
            value = encode(make_alert(f"a{offset}"))
            await notifier.take(
                SimpleNamespace(topic=ALERTS, partition=0, offset=offset, key=b"k", value=value)
            )
    await run_for_a_moment(lanes["fast"])
    assert told == {"fast": ["a4", "a5"], "slow": []}
    assert ledger.committable() == {partition: 4}
    await run_for_a_moment(lanes["slow"])
    assert told == {"fast": ["a4", "a5"], "slow": ["a4", "a5"]}
    assert ledger.committable() == {partition: 6}
    assert producer.dead == []


async def run_for_a_moment(lane):
    running = asyncio.create_task(lane.run())
    for _ in range(100):
        await asyncio.sleep(0)
    running.cancel()


# --- ending -----------------------------------------------------------------------------------------


class DeafConsumer:
    """Its broker has stopped to answer, or refuses, after one empty read."""

    def __init__(self, failure: KafkaError | None = None) -> None:
        self._failure = failure
        self.commits = 0

    def assignment(self):
        return {topics_partition(0)}

    async def position(self, partition) -> int:
        return 7

    async def getmany(self, timeout_ms) -> dict[Any, Any]:
        if self.commits:
            await asyncio.Event().wait()
        return {}

    async def commit(self, offsets) -> None:
        self.commits += 1
        if self.commits == 1:
            raise CommitFailedError("so that there is something left to commit")
        if self._failure:
            raise self._failure
        await asyncio.Event().wait()


@pytest.mark.parametrize("failure", [None, NodeNotReadyError("gone")])
async def test_a_last_commit_that_fails_does_not_hinder_ending(monkeypatch, failure):
    monkeypatch.setattr("streams.sinks.notify.LAST_COMMIT_SECONDS", 0.1)
    consumer: Any = DeafConsumer(failure)
    nobody: Any = None
    running = asyncio.create_task(consume(consumer, nobody, Ledger()))
    await asyncio.sleep(0.05)
    running.cancel()
    async with asyncio.timeout(2):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert consumer.commits == 2


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
    ("text", "place", "told"),
    [
        (GOOD.replace("min_severity", "minseverity"), ":7: receivers[0]", "did you mean 'min_sev"),
        (GOOD.replace("urgent", "loud"), ":7: receivers[0].min_severity", "loud"),
        (GOOD.replace("DESK_SECRET", "MISSING"), ": receivers[desk].secret_env", "MISSING is not set"),
        (GOOD.replace("DESK_SECRET", "WRONG"), ": receivers[desk].secret_env", "WRONG does not hold"),
        (GOOD.replace("DESK_SECRET", "LOST"), ": receivers[desk].secret_env", "LOST_FILE cannot be"),
        (GOOD.replace("https", "ftp"), ": receivers[desk].url", "ftp"),
        (GOOD + GOOD.split("receivers:")[1], ": receivers[desk].id", "two receivers"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_explained(tmp_path, monkeypatch, text, place, told):
    monkeypatch.setenv("DESK_SECRET", SECRET)
    monkeypatch.setenv("WRONG", "wört")
    monkeypatch.setenv("LOST_FILE", str(tmp_path / "lost"))
    path = tmp_path / "notify.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        read_receivers(path)
    assert str(caught.value).startswith(f"{path}{place}: ")
    assert caught.value.cure
    assert "wört" not in str(caught.value)


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


@pytest.mark.embedded
async def test_a_foreign_record_that_is_too_large_for_our_topics_is_set_aside(embedded_broker):
    settings = embedded_broker
    await topics.apply(settings)
    producer = await connect_producer(settings, message_bytes=topics.DEAD_LETTER_BYTES)
    async with hooks() as (base, got), notifying(settings, base):
        await wait_for_commit(settings, 0)
        await producer.send_and_wait(ALERTS, key=b"foreign", value=bytes(MESSAGE_BYTES + 1))
        await wait_for_commit(settings, 1)
        await send_all(producer, [(ALERTS, "a", make_alert("a"))])
        async with asyncio.timeout(20):
            assert await got.get() == ("a", 1)
    await producer.stop()
