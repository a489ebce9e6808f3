from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError, NodeNotReadyError
from prometheus_client import REGISTRY
from standardwebhooks.webhooks import Webhook

from streams.broker import topics
from streams.broker.clients import MESSAGE_BYTES, connect_consumer, connect_producer, send_all
from streams.broker.dead_letters import receiver_of
from streams.broker.topics import ALERTS, DEAD_LETTERS, WATCHLIST
from streams.config import utc_now
from streams.enrich.watchlist.erasing import mark_id, mark_of
from streams.sinks.ledger import Ledger, read_bookmark
from streams.sinks.notifier import Notifier, make_lane
from streams.sinks.notify import consume, notify
from streams.sinks.webhook import WebhookReceiver
from streams.wire import encode, read_dead_letter
from tests.desk.samples import NOON, make_alert

SECRET = "whsec_c2VsZi13cml0dGVuIHNlY3JldCBmb3IgdGVzdHM="


def receiver(receiver_id="desk", url="http://127.0.0.1:1/", **options) -> WebhookReceiver:
    return WebhookReceiver(id=receiver_id, url=url, secret_env="DESK_SECRET", **options)


# --- a record's way -------------------------------------------------------------------------------


class Recorder:
    """Stands for lanes and producer: keeps what it is given."""

    def __init__(self) -> None:
        self.put_ids: list[tuple[str, int]] = []
        self.dead: list[dict[str, Any]] = []

    async def put(self, message) -> None:
        self.put_ids += [(each.alert.alert_id, each.alert.revision) for each in message.told]

    def forget(self, alert_id) -> None:
        """Has told it already."""

    async def send_and_wait(self, topic, **record) -> None:
        assert topic == DEAD_LETTERS
        self.dead.append(record)


def record_of(offset: int, value: bytes | None, made=NOON) -> Any:
    return SimpleNamespace(
        topic=ALERTS, partition=0, offset=offset, key=b"k", value=value,
        timestamp=made.timestamp() * 1000,
    )  # fmt: skip


def topics_partition(number):
    return TopicPartition(ALERTS, number)


PARTITION = topics_partition(0)


def offsets(ledger) -> list[int]:
    return [offset for offset, _ in ledger.committable().values()]


async def test_records_go_to_the_lanes_that_want_them_and_broken_ones_to_dead_letters():
    desk, pager, night, producer = Recorder(), Recorder(), Recorder(), Recorder()
    lanes: Any = {"desk": desk, "pager": pager, "night": night}
    ledger = Ledger[TopicPartition]()
    ledger.begin(PARTITION, 0)
    receivers = {
        "desk": receiver(),
        "pager": receiver("pager", min_severity="flash"),
        "night": receiver("night", routes=("night",)),
    }
    notifier = Notifier(receivers, lanes, ledger, producer)
    values = [
        encode(make_alert("a")),
        encode(make_alert("c", notify=False)),
        b"{broken",
        None,
        encode(make_alert("b", severity="flash", route="night")),
    ]
    records = [record_of(offset, value) for offset, value in enumerate(values)]
    for record in [*records, records[0]]:  # the first one is read again
        await notifier.take(record)
    await notifier.hand_out(NOON)
    assert desk.put_ids == [("a", 1), ("b", 1)]
    assert pager.put_ids == [("b", 1)]
    assert night.put_ids == [("b", 1)]
    assert offsets(ledger) == [0]
    [dead] = producer.dead
    letter = read_dead_letter(dead["key"], dead["value"], dead["headers"])
    assert (letter.stage, letter.offset, letter.value) == ("notify", 2, b"{broken")


async def test_what_too_many_wait_with_is_set_aside(monkeypatch):
    monkeypatch.setattr("streams.sinks.waiting.WAITING_LIMIT", 1)
    ledger, producer, lanes = Ledger[TopicPartition](), Recorder(), {"desk": Recorder()}
    ledger.begin(PARTITION, 0)
    notifier = Notifier({"desk": receiver()}, lanes, ledger, producer)  # type: ignore[arg-type]
    later = NOON + timedelta(hours=8)
    for offset, name in enumerate("ab"):
        await notifier.take(record_of(offset, encode(make_alert(name, hold_until=later))))
    [dead] = producer.dead
    letter = read_dead_letter(dead["key"], dead["value"], dead["headers"])
    assert (letter.offset, letter.message) == (1, "1 messages wait already")
    assert notifier.next_due() == later
    await notifier.hand_out(later)
    assert lanes["desk"].put_ids == [("a", 1)]
    assert notifier.next_due() is None


async def test_what_cannot_wait_can_be_told_later_to_each_that_would_have_been_told(monkeypatch):
    monkeypatch.setattr("streams.sinks.waiting.WAITING_LIMIT", 0)
    ledger, producer = Ledger[TopicPartition](), Recorder()
    ledger.begin(PARTITION, 0)
    receivers = {
        "desk": receiver(), "pager": receiver("pager", min_severity="flash"), "all": receiver("all"),
    }  # fmt: skip
    marks = {mark_id("erased")}
    notifier = Notifier(receivers, {}, ledger, producer, marks)
    for offset, figure_id in enumerate(["ada", "erased"]):
        alert = make_alert("a", figure_id=figure_id, hold_until=NOON + timedelta(hours=8))
        await notifier.take(record_of(offset, encode(alert)))
    letters = [read_dead_letter(d["key"], d["value"], d["headers"]) for d in producer.dead]
    assert [(each.offset, receiver_of(each)) for each in letters] == [(0, "desk"), (0, "all")]
    assert offsets(ledger) == [2]


async def test_a_late_start_tells_nothing_of_a_figure_that_was_erased_meanwhile():
    """The deletion of its alert lies behind what is told first."""
    desk, ledger = Recorder(), Ledger[TopicPartition]()
    ledger.begin(PARTITION, 0)
    marks: set[str] = set()
    notifier = Notifier({"desk": receiver()}, {"desk": desk}, ledger, Recorder(), marks)  # type: ignore[dict-item]
    await notifier.take(record_of(0, encode(make_alert("a", figure_id="ada-example"))))
    await notifier.take(record_of(1, encode(make_alert("b", figure_id="bob"))))
    marks.add(mark_id("ada-example"))
    await notifier.hand_out(NOON)
    assert desk.put_ids == [("b", 1)]


async def test_an_alert_that_is_deleted_is_told_by_nobody_any_more():
    """Not what waits, not what is collected for a digest, not what stands in a lane."""
    told: list[str] = []
    producer: Any = Recorder()
    ledger = Ledger[TopicPartition]()
    ledger.begin(PARTITION, 0)
    receivers = {"desk": receiver(), "few": receiver("few", max_per_hour=1)}
    lanes = {
        name: make_lane(each, keeps(told), ledger, producer) for name, each in receivers.items()
    }
    notifier = Notifier(receivers, lanes, ledger, producer)
    for offset, name in enumerate("abc"):
        await notifier.take(record_of(offset, encode(make_alert(name))))
    await notifier.hand_out(NOON)
    await notifier.take(
        record_of(3, encode(make_alert("d", hold_until=NOON + timedelta(minutes=9))))
    )
    for offset, name in enumerate("bd", 4):
        deletion = record_of(offset, None)
        deletion.key = name.encode()
        await notifier.take(deletion)
    await notifier.hand_out(NOON + timedelta(hours=2))
    for lane in lanes.values():
        await run_for_a_moment(lane, turns=100)
    assert sorted(told) == ["a", "a", "c", "c"]
    assert offsets(ledger) == [6], "nothing waits for what is no more"


async def test_a_night_is_read_again_but_not_told_again():
    """One message waits for the morning; all others of the night are told, the last one is not done yet."""
    producer: Any = Recorder()
    morning = NOON + timedelta(hours=9)
    log = [record_of(0, encode(make_alert("night", hold_until=morning)))]
    log += [record_of(n, encode(make_alert(f"a{n}"))) for n in range(1, 200)]
    log += [record_of(200, b"{broken")]
    told: list[str] = []
    committed: dict[Any, Any] = {PARTITION: (0, "")}
    for hour in range(3):
        ledger = Ledger[TopicPartition]()
        [(offset, text)] = committed.values()
        ledger.begin(PARTITION, offset, read_bookmark(offset, text))
        lane = make_lane(receiver(), keeps(told), ledger, producer)
        notifier = Notifier({"desk": receiver()}, {"desk": lane}, ledger, producer)
        for record in log[offset:]:
            await notifier.take(record)
        now = morning if hour == 2 else NOON + timedelta(hours=hour)
        await notifier.hand_out(now)
        if hour:
            await run_for_a_moment(lane, turns=2_000)
        else:  # it ends before all is told
            await run_for_a_moment(lane, turns=100)
            assert 10 < len(told) < 199
        committed = ledger.committable()
    assert sorted(told) == sorted(["night", *(f"a{n}" for n in range(1, 200))])
    assert told[-1] == "night"
    assert committed == {PARTITION: (201, "")}
    assert len(producer.dead) == 1


def keeps(told: list[str]):
    async def tell(alerts) -> None:
        await asyncio.sleep(0)
        told.extend(alert.alert_id for alert in alerts)

    return tell


async def test_a_partition_that_leaves_and_returns_loses_and_repeats_nothing():
    told: dict[str, list[str]] = {"fast": [], "slow": []}
    ledger = Ledger[TopicPartition]()
    receivers = {name: receiver(name) for name in told}
    producer: Any = Recorder()
    lanes = {
        name: make_lane(each, keeps(told[name]), ledger, producer)
        for name, each in receivers.items()
    }
    notifier = Notifier(receivers, lanes, ledger, producer)
    for _ in range(2):  # both receivers lag, so the lanes hold all twice
        notifier.keep([])
        ledger.begin(PARTITION, 4)
        for offset in (4, 5):
            await notifier.take(record_of(offset, encode(make_alert(f"a{offset}"))))
        await notifier.hand_out(NOON)
    await run_for_a_moment(lanes["fast"])
    assert told == {"fast": ["a4", "a5"], "slow": []}
    assert offsets(ledger) == [4]
    await run_for_a_moment(lanes["slow"])
    assert told == {"fast": ["a4", "a5"], "slow": ["a4", "a5"]}
    assert offsets(ledger) == [6]
    assert producer.dead == []


async def run_for_a_moment(lane, turns=100):
    running = asyncio.create_task(lane.run())
    for _ in range(turns):
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

    async def getmany(self, timeout_ms, max_records) -> dict[Any, Any]:
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
    ledger = Ledger[TopicPartition]()
    notifier = Notifier({}, {}, ledger, consumer)

    async def no_bookmarks(partitions) -> dict[Any, Any]:
        return {}

    running = asyncio.create_task(consume(consumer, notifier, ledger, no_bookmarks))
    await asyncio.sleep(0.05)
    running.cancel()
    async with asyncio.timeout(2):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert consumer.commits == 2


async def test_monitoring_is_told_when_partitions_are_shared_out_anew():
    def served():
        name, labels = "news_rebalances_total", {"group": "wirewatch-notify"}
        return REGISTRY.get_sample_value(name, labels) or 0

    before, partitions, turns = served(), {PARTITION}, 0

    async def getmany(**_: Any) -> dict[Any, Any]:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0)
        return {}

    async def no_bookmarks(partitions) -> dict[Any, Any]:
        return {}

    async def commit(offsets) -> None:
        """As it should."""

    consumer: Any = DeafConsumer()
    consumer.getmany, consumer.commit = getmany, commit
    consumer.assignment = lambda: set(partitions)
    ledger = Ledger[TopicPartition]()
    work = consume(consumer, Notifier({}, {}, ledger, consumer), ledger, no_bookmarks)
    running = asyncio.create_task(work)
    for more in ((), [topics_partition(1)]):
        partitions |= set(more)
        begun = turns
        while turns < begun + 3:
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})
    assert served() == before + 2


# --- the process --------------------------------------------------------------------------------------


@asynccontextmanager
async def hooks():
    """A receiver at /ok that takes everything and one at /gone that wants nothing."""
    got: asyncio.Queue[tuple[tuple[str, int], ...]] = asyncio.Queue()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/gone":
            return web.Response(status=410)
        message = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        data = message["data"]
        told = data["alerts"] if message["type"] == "alert.digest" else [data]
        got.put_nowait(tuple((each["alert_id"], each["revision"]) for each in told))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/{tail}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", got
    await runner.cleanup()


@asynccontextmanager
async def notifying(settings, base, names=("ok", "gone"), **options):
    signer = Webhook(SECRET)
    receivers = {
        name: (receiver(name, f"{base}/{name}", allow_private=True, **options), signer)
        for name in names
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
                assert await got.get() == (("a", 1),)
            await wait_for_commit(settings, 2)
        await send_all(producer, [(ALERTS, "a", make_alert("a", 2))])  # while nobody runs
        async with notifying(settings, base), asyncio.timeout(20):
            assert await got.get() == (("a", 2),)
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


async def test_what_waits_survives_a_restart_and_is_told_in_its_newest_form(broker):
    settings = broker
    await topics.apply(settings)
    producer = await connect_producer(settings)
    hold = utc_now() + timedelta(seconds=12)
    async with hooks() as (base, got):
        async with notifying(settings, base, names=["ok"]):
            await wait_for_commit(settings, 0)
            for alert in (
                make_alert("a", hold_until=hold),
                make_alert("a", 2, hold_until=hold, notify=False),
                *(make_alert(f"b{n}") for n in range(20)),
            ):
                await producer.send_and_wait(ALERTS, key=b"k", value=encode(alert), partition=0)
            async with asyncio.timeout(5):
                told = [await got.get() for _ in range(20)]
            assert told == [((f"b{n}", 1),) for n in range(20)]
            await wait_for_commit(settings, 1)  # the first revision need not be read again
        async with notifying(settings, base, names=["ok"]):
            async with asyncio.timeout(20):
                assert await got.get() == (("a", 2),)
            assert utc_now() >= hold
            await wait_for_commit(settings, 22)
    assert got.empty()
    await producer.stop()


@pytest.mark.embedded
async def test_an_erased_figure_is_told_of_by_no_late_start(embedded_broker):
    settings = embedded_broker
    await topics.apply(settings)
    producer = await connect_producer(settings)
    async with hooks() as (base, got):
        async with notifying(settings, base, names=["ok"]):
            await wait_for_commit(settings, 0)
        alerts = [make_alert("a", figure_id="ada-example"), make_alert("b", figure_id="bob")]
        await send_all(producer, [(ALERTS, each.alert_id, each) for each in alerts])
        await send_all(producer, [(WATCHLIST, mark_id("ada-example"), mark_of("ada-example"))])
        async with notifying(settings, base, names=["ok"]):
            await wait_for_commit(settings, 2)
            async with asyncio.timeout(20):
                assert await got.get() == (("b", 1),)
    assert got.empty()
    await producer.stop()


@pytest.mark.embedded
async def test_beyond_its_limit_a_receiver_gets_one_digest(embedded_broker, monkeypatch):
    monkeypatch.setattr("streams.sinks.quota.HOUR", timedelta(seconds=4))
    settings = embedded_broker
    await topics.apply(settings)
    producer = await connect_producer(settings)
    async with hooks() as (base, got), notifying(settings, base, names=["ok"], max_per_hour=2):
        await wait_for_commit(settings, 0)
        for name in "abcd":
            alert = encode(make_alert(name))
            await producer.send_and_wait(ALERTS, key=b"k", value=alert, partition=0)
        async with asyncio.timeout(20):
            told = [await got.get() for _ in range(3)]
        assert told == [(("a", 1),), (("b", 1),), (("c", 1), ("d", 1))]
        await wait_for_commit(settings, 4)
    assert got.empty()
    await producer.stop()


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
            assert await got.get() == (("a", 1),)
    await producer.stop()
