"""Against a hub on loopback; a proxy with TLS is played by `World`, which translates addresses."""

import asyncio
import gzip
import hashlib
import hmac
from contextlib import asynccontextmanager

import aiohttp
import pytest
from structlog.testing import capture_logs

from streams.config import Settings
from streams.errors import ConfigError, FetchError
from streams.feeds.fetch import Fetcher
from streams.feeds.outcome import Outcome
from streams.feeds.websub import callback
from streams.feeds.websub.callback import CallbackServer
from streams.feeds.websub.subscriber import Posts, Subscriber
from streams.records import FeedState, Subscription
from tests.feeds.fakes import NOW, Clock, make_feed

MASTER = b"only for tests, and long enough for them"
PUBLIC = "https://hooks.example/w"
SETTINGS = Settings(websub_url=PUBLIC + "/", websub_listen="127.0.0.1:0")
HUB = "https://hub.example/"
DOCUMENT = b"<rss><channel><title>News</title></channel></rss>"
AT = int(NOW.timestamp())
DAY = 86_400


def self_url(name):
    return f"https://{name}.example/self"


def named(name="a", **changes):
    fields = {"status": 200, "hub": HUB, "feed_url": self_url(name), "unchanged": 3}
    return Outcome(**(fields | changes))


class World:
    """A subscriber, its hub and its poller."""

    def __init__(self, settings=SETTINGS):
        self.clock = Clock()
        self.forms = []
        self.answer = 202
        self.delivered = []
        self.deliver_waits = None
        self.ours = True
        self.takes = True
        self.remembered: dict[str, Subscription] = {}
        self.logged = []
        self.subscriber = Subscriber(
            settings,
            MASTER,
            self,
            self.deliver,
            self.clock,
            self.remembered.get,
            lambda feed_id: self.takes,
        )

    async def post(self, url, form):
        """What a Fetcher does; the form goes to the hub."""
        self.forms.append((url, form))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def deliver(self, feed_id, body, content_type):
        if self.deliver_waits is not None:
            await self.deliver_waits.wait()
        if isinstance(self.ours, Exception):
            raise self.ours
        self.delivered.append((feed_id, body, content_type))
        return self.ours

    def poll(self, name="a", outcome=None, subscription=None):
        feed = make_feed(name)
        state = FeedState(feed_id=name, url=feed.url, subscription=subscription)
        return self.subscriber.after_poll(feed, state, outcome or named(name))

    async def until(self, condition):
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.005)

    async def asked(self, count=1):
        """The latest form, once there are so many."""
        await self.until(lambda: len(self.forms) >= count)
        await asyncio.sleep(0)
        return self.forms[-1][1]

    def local(self, address):
        """Where the proxy hands a request for this public address on to."""
        assert address.startswith(PUBLIC)
        return f"http://127.0.0.1:{self.subscriber.port}/w{address.removeprefix(PUBLIC)}"

    async def verify(self, form, **changes):
        fields = {"mode": form["hub.mode"], "topic": form["hub.topic"], "challenge": "ch/1 <b>"}
        fields |= {"lease_seconds": "864000"} | changes
        params = {f"hub.{name}": value for name, value in fields.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.local(form["hub.callback"]), params=params) as response,
        ):
            self.headers = response.headers
            return response.status, await response.text()

    async def push(self, form, body=DOCUMENT, secret=None, signature=None, data=None, **headers):
        """Push as a hub does; gives the status."""
        secret = form.get("hub.secret", "") if secret is None else secret
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        sent = {"X-Hub-Signature": f"sha256={digest}" if signature is None else signature}
        sent |= {"Content-Type": "application/rss+xml"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                self.local(form["hub.callback"]), data=body if data is None else data, headers=sent
            ) as response,
        ):
            self.headers = response.headers
            return response.status

    async def subscribed(self, name="a"):
        """Ask and confirm; gives the form."""
        count = len(self.forms)
        self.poll(name)
        form = await self.asked(count + 1)
        assert await self.verify(form) == (200, "ch/1 <b>")
        return form


@asynccontextmanager
async def running(settings=SETTINGS, **changes):
    world = World(settings)
    for name, value in changes.items():
        setattr(world, name, value)
    with capture_logs() as world.logged:
        await world.subscriber.start()
        try:
            yield world
        finally:
            await world.subscriber.stop()


def events(world, name):
    return [entry for entry in world.logged if entry["event"] == name]


# --- from asking to a push


async def test_a_document_with_a_hub_leads_to_pushes():
    async with running() as world:
        assert world.poll() == Subscription(hub=HUB, feed_url=self_url("a"), since=AT)
        form = await world.asked()
        assert world.forms[0][0] == HUB
        assert form["hub.topic"] == self_url("a")
        assert form["hub.callback"].startswith(f"{PUBLIC}/websub/a/")
        assert 32 <= len(form["hub.secret"].encode()) < 200
        assert await world.verify(form) == (200, "ch/1 <b>")
        assert world.headers["Content-Type"].startswith("text/plain")
        assert world.headers["X-Content-Type-Options"] == "nosniff"
        assert await world.push(form) == 202
        await world.until(lambda: world.delivered)
        assert world.delivered == [("a", DOCUMENT, "application/rss+xml")]
        expected = Subscription(
            hub=HUB, feed_url=self_url("a"), state="active", since=AT, until=AT + 10 * DAY
        )
        assert world.subscriber.subscription("a") == expected
        assert world.poll(outcome=Outcome(status=304)) == expected
        assert world.subscriber.pushes == {"taken": 1}


async def test_feeds_have_callbacks_and_secrets_of_their_own():
    async with running() as world:
        first, second = await world.subscribed("a"), await world.subscribed("b")
        tokens = {form["hub.callback"].rpartition("/")[2] for form in (first, second)}
        assert len(tokens) == 2
        assert first["hub.secret"] != second["hub.secret"]
        crossed = {**first, "hub.callback": first["hub.callback"].replace("/a/", "/b/")}
        assert await world.push(crossed) == 404
        assert await world.verify(crossed) == (404, "")
        assert await world.push({**second, "hub.secret": first["hub.secret"]}) == 202
        await asyncio.sleep(0.05)
        assert not world.delivered


async def test_an_empty_push_asks_for_a_poll_if_it_is_signed():
    async with running() as world:
        form = await world.subscribed()
        assert await world.push(form, b"", signature="") == 202
        assert await world.push(form, b"") == 202
        await world.until(lambda: world.delivered)
        assert world.delivered == [("a", b"", "application/rss+xml")]


async def test_repeats_and_compressed_pushes_arrive_in_order():
    async with running() as world:
        form = await world.subscribed()
        packed = gzip.compress(b"second")
        assert await world.push(form, b"first") == 202
        assert await world.push(form, b"first") == 202
        assert await world.push(form, b"second", data=packed, Content_Encoding="gzip") == 202
        await world.until(lambda: len(world.delivered) == 3)
        assert [body for _, body, _ in world.delivered] == [b"first", b"first", b"second"]


@pytest.mark.parametrize("signature", ["", "sha256=00", "sha256", "md5=" + "0" * 32])
async def test_what_is_not_signed_well_is_ignored_counted_and_logged(signature):
    async with running() as world:
        form = await world.subscribed()
        assert await world.push(form, signature=signature) == 202  # as if nothing were wrong
        assert world.subscriber.pushes == {"ignored": 1}
        (entry,) = events(world, "websub_push_not_taken")
        assert entry["why"] == "ignored"
        assert entry["feed"] == "a"
        assert entry["signature"] == ("wrong" if signature else "none")
        await asyncio.sleep(0.05)
        assert not world.delivered
        assert world.subscriber.subscription("a").state == "asked"


async def test_strangers_learn_nothing():
    async with running() as world:
        form = await world.subscribed()
        public = form["hub.callback"]
        for address in (f"{PUBLIC}/", f"{PUBLIC}/websub/a/{'0' * 32}", f"{public}0", public[:-1]):
            elsewhere = {**form, "hub.callback": address}
            assert (await world.verify(elsewhere))[0] == 404
            assert await world.push(elsewhere) == 404
        assert (await world.verify(form, topic="https://b.example/"))[0] == 404
        assert (await world.verify(form, mode="unsubscribe"))[0] == 404


# --- bounds


@asynccontextmanager
async def small_server(receive=None, **limits):
    """A callback server that takes 1,000 bytes in a fifth of a second; yields it, a poster
    and what was received."""
    received = []

    async def keep(feed_id, body, content_type):
        received.append(body)
        if receive is not None:
            await receive.wait()

    bounds = {"max_body_bytes": 1_000, "body_seconds": 0.2} | limits
    server = CallbackServer(
        "127.0.0.1:0",
        verify=lambda feed_id, token, query: (404, ""),
        secret=lambda feed_id, token: "secret",
        takes=lambda feed_id: True,
        receive=keep,
        **bounds,
    )
    await server.start()
    async with aiohttp.ClientSession() as session:

        async def post(data, feed_id="a", body=None, **headers):
            signature = hmac.new(b"secret", data if body is None else body, "sha1").hexdigest()
            headers |= {"X-Hub-Signature": f"sha1={signature}"}
            url = f"http://127.0.0.1:{server.port}/websub/{feed_id}/t"
            async with session.post(url, data=data, headers=headers) as response:
                return response.status, response.headers

        try:
            yield server, post, received
        finally:
            if receive is not None:
                receive.set()
            await server.stop()


async def test_large_pushes_and_bombs_are_refused():
    async with small_server() as (server, post, received):
        assert (await post(b"x" * 1_000))[0] == 202
        assert (await post(b"x" * 1_001))[0] == 413
        bomb = gzip.compress(b"x" * 50_000_000)
        status, _ = await post(bomb, **{"Content-Encoding": "gzip"})
        assert status == 413
        assert [len(body) for body in received] == [1_000]
        assert server.pushes == {"taken": 1, "refused": 2}


async def test_broken_compression_is_refused():
    async with small_server() as (server, post, _):
        assert (await post(b"no gzip", **{"Content-Encoding": "gzip"}))[0] == 400
        assert server.pushes == {"refused": 1}


async def test_a_body_that_only_drips_is_refused_and_makes_room():
    async with small_server() as (server, _, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /websub/a/t HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nx")
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        await writer.wait_closed()
        assert server.pushes == {"refused": 1}


async def test_a_sender_that_goes_away_makes_room(monkeypatch):
    monkeypatch.setattr(callback, "MAX_PUSHES_PER_FEED", 1)
    async with small_server(body_seconds=5) as (server, post, _):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /websub/a/t HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nx")
        await writer.drain()
        await asyncio.sleep(0.05)
        assert (await post(b"1"))[0] == 503
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(5):
            while (await post(b"1"))[0] != 202:
                await asyncio.sleep(0.01)
        assert server.pushes["refused"] == 1


async def test_a_full_house_is_said_so_that_the_hub_repeats():
    wait = asyncio.Event()
    async with small_server(wait) as (_, post, received):
        statuses = [(await post(b"x", "a"))[0] for _ in range(callback.MAX_PUSHES_PER_FEED)]
        status, headers = await post(b"x", "a")
        assert {*statuses} == {202}
        assert status == 503
        assert int(headers["Retry-After"]) > 0
        others = [(await post(b"x", f"b{number}"))[0] for number in range(callback.MAX_PUSHES)]
        assert others.count(202) == callback.MAX_PUSHES - callback.MAX_PUSHES_PER_FEED
        assert {*others} == {202, 503}
        assert received.count(b"x") == 1 + others.count(202)  # one of a feed at a time
        wait.set()
        async with asyncio.timeout(5):
            while (await post(b"x", "a"))[0] != 202:
                await asyncio.sleep(0.01)


async def test_in_a_rebalance_the_hub_is_asked_to_repeat():
    async with running() as world:
        form = await world.subscribed()
        world.takes = False
        assert await world.push(form) == 503
        assert int(world.headers["Retry-After"]) > 0
        assert await world.push({**form, "hub.callback": form["hub.callback"] + "x"}) == 404
        world.takes = True
        assert await world.push(form) == 202
        await world.until(lambda: world.delivered)
    assert world.subscriber.pushes == {"turned_away": 1, "taken": 1}


@pytest.mark.parametrize("listen", ["", "8610", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_to_listen_on_that_is_none_is_explained(listen):
    with pytest.raises(ConfigError, match=r"WIREWATCH_WEBSUB_LISTEN .*give host:port"):
        Subscriber(
            Settings(websub_url=PUBLIC, websub_listen=listen), MASTER, World(), World().deliver
        )


async def test_an_address_that_is_taken_is_explained():
    async with running() as world:
        taken = Settings(websub_url=PUBLIC, websub_listen=f"127.0.0.1:{world.subscriber.port}")
        other = Subscriber(taken, MASTER, world, world.deliver)
        with pytest.raises(ConfigError, match="nothing can listen on"):
            await other.start()
        await other.stop()


# --- hubs that say no, or nothing


async def test_a_denial_is_taken_note_of():
    async with running() as world:
        form = await world.subscribed()
        reason = "paid\x1b[31m only"
        assert await world.verify(form, mode="denied", reason=reason) == (200, "")
        assert world.poll().state == "refused"
        (entry,) = [each for each in events(world, "websub_verified") if each["mode"] == "denied"]
        assert entry["reason"] == "paid[31m only"


async def test_a_refusal_and_an_unreachable_hub_are_logged_and_tried_again_in_time():
    async with running(answer=404) as world:
        world.poll()
        await world.until(lambda: events(world, "websub_asked"))
        assert world.poll().state == "refused"
    async with running(answer=FetchError("no", kind="timeout")) as world:
        assert world.poll().state == "asked"
        await world.until(lambda: events(world, "websub_asked"))
        (entry,) = events(world, "websub_asked")
        assert entry["trouble"] == "timeout"
        assert entry["log_level"] == "warning"
        world.clock.go(minutes=30)
        assert world.poll().state == "asked"
        world.clock.go(minutes=30)
        world.poll()
        await world.asked(2)


async def test_an_unexpected_fault_while_asking_stays_there():
    async with running(answer=RuntimeError("boom")) as world:
        world.poll()
        await world.until(lambda: events(world, "websub_asked"))
        assert "RuntimeError" in events(world, "websub_asked")[0]["trouble"]
        assert world.poll().state == "asked"


async def test_few_requests_are_under_way_at_once():
    async with running() as world:
        under_way, most = 0, 0

        async def slow(url, form):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.002)
            under_way -= 1
            world.forms.append((url, form))
            return 202

        world.post = slow
        for number in range(40):
            world.poll(f"f{number}")
        await world.asked(40)
        assert most == 4


# --- what the poller sees


@pytest.mark.parametrize("trouble", [False, RuntimeError("boom")])
async def test_a_push_that_the_poller_cannot_use_harms_nothing(trouble):
    async with running() as world:
        form = await world.subscribed()
        world.ours = trouble
        assert await world.push(form) == 202
        world.ours = True
        assert await world.push(form) == 202
        await world.until(lambda: DOCUMENT in [body for _, body, _ in world.delivered[-1:]])


async def test_a_lease_is_renewed_in_time_and_clipped():
    async with running() as world:
        form = await world.subscribed()
        await world.verify(form, lease_seconds="31536000")
        assert world.poll().until == AT + 14 * DAY
        world.clock.go(days=14 * 0.8)
        world.poll(outcome=Outcome(status=304))
        again = await world.asked(2)
        assert again == form  # the same callback and secret: pushes on their way stay valid
        await world.verify(again)
        assert world.poll().until == AT + int(14 * 0.8 * DAY) + 10 * DAY


async def test_a_hub_that_never_pushes_is_distrusted():
    async with running() as world:
        form = await world.subscribed()
        for new in (0, 1, 1, 0):
            world.clock.go(minutes=15)
            subscription = world.poll(outcome=named(new=new))
        assert (subscription.state, subscription.missed) == ("distrusted", 2)
        assert (await world.verify(form))[0] == 404


async def test_after_a_restart_pushes_are_taken_before_the_first_poll():
    async with running() as world:
        form = await world.subscribed()
        world.remembered["a"] = world.poll()
    async with running() as reborn:
        reborn.remembered.update(world.remembered)
        assert await reborn.push(form) == 202
        await reborn.until(lambda: reborn.delivered)
        assert reborn.poll(subscription=world.remembered["a"]).state == "active"
        assert not reborn.forms


async def test_a_new_owner_tells_the_hub_at_once_and_takes_the_pushes_over():
    async with running() as world:
        await world.subscribed()
        remembered = world.poll()
    other = Settings(websub_url="https://second.example", websub_listen="127.0.0.1:0")
    async with running(other) as world:
        state = FeedState(feed_id="a", url="https://a.example/feed", subscription=remembered)
        world.subscriber.take(make_feed("a"), state)
        form = await world.asked()
        assert form["hub.callback"].startswith("https://second.example/websub/a/")
        assert world.subscriber.subscription("a").until == 0


async def test_feeds_without_a_subscription_are_not_taken_note_of():
    async with running() as world:
        world.subscriber.take(make_feed("a"), FeedState(feed_id="a", url="https://a.example/feed"))
        assert world.poll(outcome=Outcome(status=200, unchanged=3)) is None
        assert world.subscriber.subscription("a") is None
        await asyncio.sleep(0)
        assert not world.forms


async def test_a_feed_that_is_forgotten_is_unsubscribed():
    async with running() as world:
        form = await world.subscribed()
        world.subscriber.forget(["a", "unknown"])
        leaving = await world.asked(2)
        assert leaving["hub.mode"] == "unsubscribe"
        assert leaving["hub.callback"] == form["hub.callback"]
        assert await world.push(form) == 404
        assert await world.verify(form) == (404, "")
        assert await world.verify(leaving) == (200, "ch/1 <b>")
        assert world.subscriber.subscription("a") is None


async def test_what_was_never_confirmed_needs_no_leaving():
    async with running() as world:
        world.poll()
        await world.asked()
        world.subscriber.forget(["a"])
        await asyncio.sleep(0.02)
        assert len(world.forms) == 1


async def test_a_feed_that_comes_back_is_not_unsubscribed_after_all():
    async with running() as world:
        await world.subscribed()
        world.subscriber.forget(["a"])
        leaving = await world.asked(2)
        world.poll()
        assert (await world.verify(leaving))[0] == 404


async def test_another_hub_gets_another_callback_and_the_old_one_is_left():
    async with running() as world:
        form = await world.subscribed()
        world.clock.go(hours=1)
        world.poll(outcome=named(hub="https://other.example/"))
        await world.asked(3)
        (old_hub, leaving), (new_hub, again) = world.forms[1:]
        assert (old_hub, new_hub) == (HUB, "https://other.example/")
        assert leaving["hub.mode"] == "unsubscribe"
        assert again["hub.callback"] != form["hub.callback"]
        assert again["hub.secret"] != form["hub.secret"]
        assert await world.push(form) == 404
        assert await world.push(again) == 202


async def test_stopping_finishes_what_was_taken():
    async with running() as world:
        form = await world.subscribed()
        world.deliver_waits = asyncio.Event()
        assert await world.push(form) == 202
        asyncio.get_running_loop().call_later(0.1, world.deliver_waits.set)
        await world.subscriber.stop()
        assert len(world.delivered) == 1
        assert world.subscriber.port == 0


async def test_stopping_does_not_wait_for_hubs():
    ended: list[str] = []
    async with running() as world:

        async def stuck(url, form):
            world.forms.append((url, form))
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(url)

        world.post = stuck
        world.poll()
        await world.asked()
        async with asyncio.timeout(2):
            await world.subscriber.stop()
        assert ended == [HUB]


# --- settings and secrets


async def test_without_an_address_nothing_is_asked_and_old_subscriptions_are_dropped():
    world = World(Settings())
    await world.subscriber.start()
    remembered = Subscription(hub=HUB, feed_url=self_url("a"), state="active", until=AT + DAY)
    assert world.poll(subscription=remembered) is None
    assert world.subscriber.port == 0
    await world.subscriber.stop()
    assert not world.forms


@pytest.mark.parametrize("secret", [b"", b"x" * 31])
def test_a_missing_or_short_secret_is_explained(secret):
    with pytest.raises(ConfigError, match=r"WIREWATCH_WEBSUB_SECRET .*openssl rand") as caught:
        Subscriber(SETTINGS, secret, World(), World().deliver)
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["hooks.example", "ftp://hooks.example", "https://hooks.example/?a", "https://u:p@x/"]
)
def test_a_public_address_that_is_none_is_explained(url):
    with pytest.raises(ConfigError, match=r"WIREWATCH_WEBSUB_URL: .*give the public address"):
        Subscriber(Settings(websub_url=url), MASTER, World(), World().deliver)


async def test_no_secret_or_callback_is_ever_logged_shown_or_remembered(caplog):
    caplog.set_level("DEBUG")
    async with running() as world:
        form = await world.subscribed()
        await world.push(form)
        await world.push(form, secret="wrong")
        await world.push(form, b"x" * 100, data=b"junk", Content_Encoding="gzip")
        world.ours = RuntimeError("boom")
        await world.push(form)
        world.answer = RuntimeError(f"as posted: {form}")
        world.clock.go(days=9)
        remembered = world.poll()
        await world.until(lambda: len(events(world, "websub_asked")) == 2)
        await world.until(lambda: events(world, "websub_push_failed"))
        token = form["hub.callback"].rpartition("/")[2]
        shown = [repr(world.subscriber), str(vars(world.subscriber)["_standings"])]
        everything = f"{world.logged} {caplog.text} {shown} {remembered}"
        assert "websub_push_failed" in everything
        for hidden in (MASTER.decode(), form["hub.secret"], token):
            assert hidden not in everything


def test_a_fetcher_is_what_is_needed_to_ask():
    posts: Posts = Fetcher(Settings())
    assert callable(posts.post)
