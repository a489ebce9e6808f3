"""Passwords and tokens that processes are given turn up nowhere: no log, no topic, no page, no command line."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from aiohttp import web

from streams.broker.topics import DEAD_LETTERS, FEED_STATE, FEEDS, ITEMS, TOPICS
from streams.config import utc_now
from streams.records import Feed
from streams.supervise import Child
from streams.testing import make_item
from streams.wire import encode
from tests.brokers import free_port
from tests.e2e.stream import Publisher, Stream
from tests.feeds.fakes import rss

pytestmark = [pytest.mark.e2e, pytest.mark.embedded, pytest.mark.timeout(180)]

SECRETS = {
    "WIREWATCH_DESK_TOKEN": "desk-token-0f3a9c",
    "WIREWATCH_HEALTH_TOKEN": "health-token-77b1e2",
    "WIREWATCH_WEBSUB_SECRET": "websub-secret-c4d5f6",
    "DESK_SECRET": "whsec_bm90LWZvci1hbnlib2R5LWVsc2UtMDE=",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=otlp-key-91d2aa",
}
HOOK = "hook-path-5be210"
"""In the URL of the receiver: with chat services it is the password."""
FEED_TOKEN, FEED_PASSWORD = "feed-token-1c9e44", "feed-password-a81f03"
ALL = {value.removeprefix("api-key=") for value in SECRETS.values()}
ALL |= {HOOK, FEED_TOKEN, FEED_PASSWORD}
STAGES = ("enrich", "stories", "alerts")


def found_in(text):
    return sorted(each for each in ALL if each in text)


@pytest.fixture
async def receiver(tmp_path):
    """Wants no notification ever, so that it is logged and set aside; its configuration, and what it got."""
    told = []

    async def refuse(request):
        told.append(await request.text())
        return web.Response(status=410)

    app = web.Application()
    app.router.add_post("/{path:.*}", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = tmp_path / "notify.yaml"
    config.write_text(
        "receivers:\n  - id: desk\n    secret_env: DESK_SECRET\n    allow_private: true\n"
        f"    url: http://127.0.0.1:{runner.addresses[0][1]}/{HOOK}\n"
    )
    yield config, told
    await runner.cleanup()


def page(port, path, **headers):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, "".join(f"{k}: {v}\n" for k, v in answer.getheaders()) + answer.read(
        200_000
    ).decode()


def command_lines(pids):
    return " ".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in pids)


def news():
    """Of a few minutes ago: told at once, and not history."""
    at = utc_now() - timedelta(minutes=10)
    title = "Mark Zuckerberg presents a plan for artificial intelligence"
    return make_item(title=title, seen_at=at, published_at=at)


async def test_what_is_secret_turns_up_nowhere(embedded_broker, receiver, monkeypatch):
    config, told = receiver
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WIREWATCH_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("WIREWATCH_OTLP_ENDPOINT", "http://127.0.0.1:1")
    desk, health = free_port(), free_port()
    stream = Stream(embedded_broker, "poll", *STAGES)
    stream.supervisor._children = [
        *stream.supervisor._children,
        Child("desk", ("desk", "--port", str(desk)), health_port=health),
        Child("notify", ("notify", "--config", str(config))),
    ]
    publisher = Publisher({"feed": (rss("1 plan"), "application/rss+xml")})
    async with publisher, stream:
        query = f"?token={FEED_TOKEN}"
        host = publisher.url.removeprefix("http://")
        await stream.add_feeds(
            [
                Feed(feed_id="tokened", url=f"{publisher.url}/feed{query}"),
                Feed(feed_id="refused", url=f"http://ann:{FEED_PASSWORD}@{host}/nothing{query}"),
            ]
        )
        async with asyncio.timeout(90):
            while "notifying" not in stream.log_of("notify"):
                await asyncio.sleep(0.2)
            item = news()
            await stream.send_raw(ITEMS, (item.item_id, encode(item)), ("x", b"{"))
            while len(await stream.records(DEAD_LETTERS)) < 2 or await _unpolled(stream):
                await asyncio.sleep(0.5)
        await stream.settle()
        token = SECRETS["WIREWATCH_DESK_TOKEN"]
        pages = [
            await asyncio.to_thread(page, desk, path, **headers)
            for path in ("/", "/feeds", "/login", "/none")
            for headers in ({}, {"Authorization": f"Bearer {token}"})
        ]
        token = SECRETS["WIREWATCH_HEALTH_TOKEN"]
        pages += [
            await asyncio.to_thread(page, health, path, Authorization=f"Bearer {token}")
            for path in ("/livez", "/readyz", "/metrics")
        ]
        commands = command_lines(stream.supervisor.running().values())
        records = {topic: await stream.records(topic) for topic in TOPICS}
        metrics = pages[-1][1]
    logs = {name: stream.log_of(name) for name in ("poll", *STAGES, "desk", "notify")}
    # All of it took part, and so could have leaked.
    assert told
    assert "dead_letter" in logs["notify"]
    assert "news_" in metrics
    assert {200, 401} <= {status for status, _ in pages}
    assert {name: found_in(text) for name, text in logs.items()} == {name: [] for name in logs}
    assert [found_in(text) for _, text in pages] == [[]] * len(pages)
    assert found_in(commands) == []
    assert found_in(" ".join(told) + " ".join(stream.notes)) == []
    for topic, written in records.items():
        everything = "".join(f"{record.key} {record.value} {record.headers}" for record in written)
        # The registry has the addresses of feeds, and their state names the address it belongs to.
        known = sorted((FEED_TOKEN, FEED_PASSWORD)) if topic in (FEEDS, FEED_STATE) else []
        assert (topic, found_in(everything)) == (topic, known)


async def _unpolled(stream):
    return stream.log_of("poll").count("polled") < 2


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "PLAINTEXT", "nonsense"])
@pytest.mark.parametrize("verb", ["poll", "worker --only alerts", "topics apply"])
def test_the_password_of_the_broker_is_in_no_error_and_no_log(protocol, verb, tmp_path):
    """Nobody listens there, or the settings contradict each other: both are told at length."""
    password = "broker-password-d20c7e"
    ended = subprocess.run(
        [sys.executable, "-m", "streams", "--log-level", "DEBUG", *verb.split()],
        env={
            **os.environ,
            "WIREWATCH_BROKER": "127.0.0.1:1",
            "WIREWATCH_SASL_USERNAME": "ann",
            "WIREWATCH_SASL_PASSWORD": password,
            "WIREWATCH_SASL_MECHANISM": "PLAIN",
            "WIREWATCH_SECURITY_PROTOCOL": protocol,
            "WIREWATCH_DATA": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (69, 78)
    assert ended.stderr
    assert password not in ended.stdout + ended.stderr
