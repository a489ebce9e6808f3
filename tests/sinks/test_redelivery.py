"""What a receiver has not got is posted to it when a person asks, once and under the webhook-id of then."""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import msgspec
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook
from typer.testing import CliRunner

from streams.broker.broadcast import publish
from streams.broker.clients import connect_producer
from streams.broker.dead_letters import GONE, purge, read_letters, redrive, why_not
from streams.broker.topics import ALERTS, ITEMS, WATCHLIST, apply
from streams.enrich.watchlist.erasing import mark_id, mark_of
from streams.errors import SinkError
from streams.sinks import redelivery
from streams.sinks.dead_letters import send_dead_letter
from streams.sinks.letter_verbs import app
from streams.sinks.redelivery import Later, overtaken, redeliver
from streams.sinks.webhook import WebhookReceiver, notification_id
from streams.wire import encode
from tests.desk.samples import NOON, make_alert

SECRET = "whsec_c2VsZi13cml0dGVuIHNlY3JldCBmb3IgdGVzdHM="


class Hook:
    """A receiver that answers as told."""

    def __init__(self):
        self.status = 204
        self.headers = {}
        self.asked = 0
        self.got = []

    @asynccontextmanager
    async def served(self):
        app = web.Application()
        app.router.add_post("/", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield self
        await runner.cleanup()

    async def answer(self, request):
        message = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        self.asked += 1
        if self.status == 204:
            self.got.append((request.headers["webhook-id"], message["data"]["alert_id"]))
        return web.Response(status=self.status, headers=self.headers)

    def receivers(self, *names):
        return {
            name: (
                WebhookReceiver(id=name, url=self.url, secret_env="DESK", allow_private=True),
                Webhook(SECRET),
            )
            for name in names
        }


async def give_up(settings, *alerts, receiver_id="desk", topic=ALERTS, stage=""):
    producer = await connect_producer(settings)
    for offset, alert in enumerate(alerts):
        record = SimpleNamespace(
            topic=topic, partition=0, offset=offset, headers=(),
            key=b"k" if isinstance(alert, bytes) else alert.alert_id.encode(),
            value=alert if isinstance(alert, bytes) else encode(alert),
            timestamp=NOON.timestamp() * 1000,
        )  # fmt: skip
        error = SinkError("5 attempts failed")
        await send_dead_letter(
            producer, record, stage=stage or f"notify:{receiver_id}", error=error,
            attempts=1 if stage else 5,
        )  # fmt: skip
    await producer.stop()


async def waiting(settings):
    return [each for each in await read_letters(settings) if not why_not(each)]


async def test_what_a_receiver_has_not_got_is_posted_once_under_the_same_id(embedded_broker):
    await apply(embedded_broker)
    alerts = [make_alert("a"), make_alert("b")]
    await give_up(embedded_broker, *alerts)
    async with Hook().served() as hook:
        letters = await waiting(embedded_broker)
        assert await redeliver(embedded_broker, letters, hook.receivers("desk")) == {}
        assert hook.got == [(notification_id(each, "desk"), each.alert_id) for each in alerts]
        assert await waiting(embedded_broker) == []


async def test_what_cannot_be_posted_stays_and_says_why(embedded_broker):
    await apply(embedded_broker)
    erased = make_alert("erased", figure_id="ada-example")
    await publish(embedded_broker, WATCHLIST, {mark_id("ada-example"): mark_of("ada-example")})
    await give_up(embedded_broker, erased, b"{broken", make_alert("a", figure_id="bob"))
    await give_up(embedded_broker, make_alert("b", figure_id="bob"), receiver_id="gone")
    async with Hook().served() as hook:
        letters = await waiting(embedded_broker)
        left = await redeliver(embedded_broker, letters, hook.receivers("desk"))
    assert [alert_id for _, alert_id in hook.got] == ["a"]
    assert sorted(why.partition(":")[0] for why in left.values()) == [
        "its figure was erased",
        "not a Alert",
        "notify.yaml has no receiver 'gone'",
    ]
    assert {each.place for each in await waiting(embedded_broker)} == set(left)


async def test_a_receiver_that_fails_is_left_alone_after_a_while(embedded_broker, monkeypatch):
    monkeypatch.setattr(redelivery, "FAILURES_IN_A_ROW", 2)
    await apply(embedded_broker)
    await give_up(embedded_broker, *(make_alert(f"a{number}") for number in range(5)))
    async with Hook().served() as hook:
        hook.status = 503
        letters = await waiting(embedded_broker)
        left = await redeliver(embedded_broker, letters, hook.receivers("desk"))
        assert (hook.asked, len(left)) == (2, 5)
        hook.status = 204
        assert await redeliver(embedded_broker, letters, hook.receivers("desk")) == {}
    assert len(hook.got) == 5


@pytest.mark.parametrize(("status", "headers"), [(429, {"retry-after": "600"}), (410, {})])
async def test_a_receiver_that_asks_for_quiet_gets_it(embedded_broker, status, headers):
    await apply(embedded_broker)
    await give_up(embedded_broker, *(make_alert(f"a{number}") for number in range(3)))
    async with Hook().served() as hook:
        hook.status, hook.headers = status, headers
        letters = await waiting(embedded_broker)
        left = await redeliver(embedded_broker, letters, hook.receivers("desk"))
    assert (hook.asked, len(left)) == (1, 3)
    whys = [why for why in left.values() if why.startswith("not tried: desk wants n")]
    assert len(whys) == 2


async def test_what_has_become_pointless_stays_until_somebody_insists(embedded_broker):
    await apply(embedded_broker)
    names = ("closed", "corrected", "deleted", "told", "alone")
    await give_up(embedded_broker, *(make_alert(name) for name in names), b"{broken")
    producer = await connect_producer(embedded_broker)
    for name, value in [  # the letters' origins are the offsets 0 to 5 of partition 0
        *((f"before{number}", encode(make_alert("before"))) for number in range(6)),
        ("closed", encode(make_alert("closed", 2, state="closed"))),
        ("corrected", encode(make_alert("corrected", 2, update_kind="correction"))),
        ("corrected", encode(make_alert("corrected", 3, update_kind="update"))),
        ("deleted", encode(make_alert("deleted", 2))),
        ("deleted", None),
        ("told", encode(make_alert("told", 2, update_kind="correction", notify=False))),
        ("told", b"of somebody else"),
        ("alone", b"of somebody else"),
    ]:
        await producer.send_and_wait(ALERTS, key=name.encode(), value=value, partition=0)
    await producer.stop()
    async with Hook().served() as hook:
        letters = await waiting(embedded_broker)
        receivers = hook.receivers("desk")
        left = await redeliver(embedded_broker, letters, receivers)
        assert [alert_id for _, alert_id in hook.got] == ["told", "alone"]
        assert sorted(why.partition(":")[0] for why in left.values()) == [
            "closed", "its alert was deleted", "not a Alert", "revision 2 has corrected it",
        ]  # fmt: skip
        letters = await waiting(embedded_broker)
        left = await redeliver(embedded_broker, letters, receivers, insist=True)
        assert len(hook.got) == 5
    assert [why.partition(":")[0] for why in left.values()] == ["not a Alert"]


@pytest.mark.parametrize(
    ("kind", "later", "why"),
    [
        ("new", None, ""),
        ("new", Later(None), "its alert was deleted"),
        ("new", Later(make_alert("a", 3)), ""),
        ("new", Later(make_alert("a", 3, state="closed")), "closed"),
        ("retraction", Later(make_alert("a", 3, state="closed")), ""),
        ("retraction", Later(make_alert("a", 3), corrected=2), ""),
        ("new", Later(make_alert("a", 3), corrected=3), "revision 3 has corrected it"),
    ],
)
def test_what_has_come_since_says_whether_an_alert_is_told(kind, later, why):
    assert overtaken(make_alert("a", 2, update_kind=kind), later, NOON) == why


async def test_what_the_receiver_does_not_want_by_now_stays(embedded_broker):
    await apply(embedded_broker)
    await give_up(embedded_broker, make_alert("a", severity="info"))
    async with Hook().served() as hook:
        [(receiver, signer)] = hook.receivers("desk").values()
        wants = {"desk": (msgspec.structs.replace(receiver, min_severity="flash"), signer)}
        letters = await waiting(embedded_broker)
        assert list((await redeliver(embedded_broker, letters, wants)).values()) == ["below flash"]
    assert hook.asked == 0


async def test_a_letter_that_is_gone_by_then_is_not_told_as_sent(embedded_broker):
    await apply(embedded_broker)
    await give_up(embedded_broker, make_alert("a"))
    letters = await waiting(embedded_broker)
    await purge(embedded_broker, letters)
    async with Hook().served() as hook:
        left = await redeliver(embedded_broker, letters, hook.receivers("desk"))
    assert left == await redrive(embedded_broker, letters) == {letters[0].place: GONE}
    assert hook.asked == 0


def test_letters_of_receivers_that_cannot_be_read_keep_back_no_others(
    embedded_broker, monkeypatch, tmp_path
):
    monkeypatch.setenv("WIREWATCH_BROKER", embedded_broker.broker.bootstrap)
    asyncio.run(apply(embedded_broker))
    asyncio.run(give_up(embedded_broker, make_alert("a")))
    asyncio.run(give_up(embedded_broker, b"{}", topic=ITEMS, stage="enrich"))
    arguments = ["redrive", "--config", str(tmp_path / "notify.yaml"), "--yes", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (len(told["redriven"]), len(told["left"])) == (1, 1)
    assert "notify.yaml" in told["left"][0]["why"]


def test_the_command_needs_the_receivers_and_their_secrets(embedded_broker, monkeypatch, tmp_path):
    monkeypatch.setenv("WIREWATCH_BROKER", embedded_broker.broker.bootstrap)
    asyncio.run(apply(embedded_broker))
    asyncio.run(give_up(embedded_broker, make_alert("a")))
    config = tmp_path / "notify.yaml"
    config.write_text("receivers: [{id: desk, url: 'http://127.0.0.1:1/', secret_env: DESK}]\n")
    arguments = ["redrive", "--config", str(config), "--yes", "--json"]
    without = CliRunner().invoke(app, arguments)
    assert "DESK is not set" in str(without.exception)
    monkeypatch.setenv("DESK", SECRET)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    [left] = json.loads(done.stdout)["left"]
    assert "not public" in left["why"]


pytestmark = pytest.mark.embedded
