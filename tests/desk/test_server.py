from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from streams.broker import topics
from streams.broker.clients import connect_producer, send_all
from streams.broker.topics import ALERTS
from streams.config import Settings
from streams.desk.guard import COOKIE, check_binding, is_loopback
from streams.desk.server import create_app, follow, new_desk, serve_app
from streams.errors import ConfigError
from streams.wire import encode
from tests.desk.samples import NOON, make_alert

TOKEN = "a-token-of-enough-length"


@pytest.fixture
async def client():
    jar = aiohttp.CookieJar(unsafe=True)  # unsafe: cookies for addresses without a name
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
        yield session


def desk_with(*alerts):
    desk = new_desk(NOON)
    for alert in alerts:
        desk.take(alert.alert_id.encode(), encode(alert), "news.alerts/0/0")
    return desk


async def events(response, count):
    """The first server-sent events of a response, as (event, id, data)."""
    found: list[tuple[str | None, str | None, str]] = []
    fields: dict[str, str] = {}
    async for line in response.content:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name:
            fields[name] = fields.get(name, "") + value
        elif fields:
            found.append((fields.get("event"), fields.get("id"), fields.get("data", "")))
            fields = {}
        if len(found) == count:
            break
    return found


# --- what the routes answer ------------------------------------------------------------------------


async def test_the_page_shows_all_alerts_with_their_evidence(serve, client):
    url = await serve(desk_with(make_alert("a", copies=2), make_alert("b", severity="flash")))
    async with client.get(url) as response:
        page = await response.text()
    assert response.status == 200
    assert page.count("<article") == 2
    assert "<mark>Petra Muster</mark>" in page
    assert '<mark class="policy">KI</mark>' in page
    assert "+ 2 copies" in page
    assert 'href="https://news.example/bilder" target="_blank" rel="noopener noreferrer"' in page
    assert "alerted in 1.8 s" in page


async def test_alerts_as_json(serve, client):
    alert = make_alert()
    url = await serve(desk_with(alert))
    async with client.get(f"{url}/api/alerts") as response:
        body = await response.json()
    assert body["alerts"] == [json.loads(encode(alert))]
    assert body["cursor"].endswith("-1")


async def test_the_stream_resumes_where_the_page_ends(serve, client):
    desk = desk_with(make_alert("a"))
    url = await serve(desk)
    async with client.get(url) as response:
        [cursor] = re.findall(r'data-cursor="([^"]+)"', await response.text())
    alert = make_alert("b")
    desk.take(b"b", encode(alert), "news.alerts/0/1")
    async with client.get(f"{url}/api/stream", params={"cursor": cursor}) as response:
        [(name, last_id, data)] = await events(response, 1)
    assert (name, last_id) == ("alert", desk.cursor)
    assert 'data-id="b"' in data

    desk.take(b"c", encode(make_alert("c")), "news.alerts/0/2")
    headers = {"Last-Event-ID": last_id}  # counts more than the cursor in the address
    async with client.get(f"{url}/api/stream", params={"cursor": cursor}, headers=headers) as again:
        [(_, _, data)] = await events(again, 1)
    assert 'data-id="c"' in data


async def test_a_cursor_of_an_earlier_process_resets(serve, client):
    url = await serve(desk_with(make_alert("a")))
    async with client.get(f"{url}/api/stream", params={"cursor": "1-1"}) as response:
        [(name, last_id, _)] = await events(response, 1)
    assert name == "reset"
    assert last_id.endswith("-1")


async def test_an_open_stream_ends_with_the_server(client):
    desk, stop = desk_with(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(serve_app(create_app(desk), listener, desk, stop))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/stream"
        async with client.get(url) as response:
            stop.set()
            async with asyncio.timeout(2):
                await response.read()
                await serving


async def test_livez_counts_what_could_not_be_decoded(serve, client):
    desk = desk_with(make_alert())
    desk.take(b"x", b"?", "news.alerts/0/1")
    url = await serve(desk)
    async with client.get(f"{url}/livez") as response:
        assert await response.json() == {"status": "ok", "alerts": 1, "undecodable": 1}


async def test_following_goes_on_after_a_broken_record():
    async def records():
        for offset, value in enumerate([encode(make_alert("a")), b"?", encode(make_alert("b"))]):
            yield SimpleNamespace(topic=ALERTS, partition=0, offset=offset, key=b"k", value=value)

    desk = new_desk(NOON)
    await follow(records(), desk)
    assert {alert.alert_id for alert in desk.alerts()} == {"a", "b"}
    assert desk.undecodable == 1


# --- who may ask ----------------------------------------------------------------------------------------

ROUTES = ["/", "/api/alerts", "/api/stream", "/livez", "/static/desk.js", "/nothing"]


@pytest.mark.parametrize("path", ROUTES)
async def test_a_foreign_host_name_is_refused(serve, client, path):
    url = await serve(desk_with(make_alert()))
    for host in ("evil.example", "127.0.0.1.evil.example:80", "evil.example:8600", "[::2]", ""):
        async with client.get(url + path, headers={"Host": host}) as response:
            assert response.status in (400, 421), host
            assert "article" not in await response.text()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:8600", "[::1]:8600"])
async def test_names_of_this_machine_are_served(serve, client, host):
    url = await serve(desk_with())
    async with client.get(url, headers={"Host": host}) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", ROUTES)
async def test_every_route_needs_the_token(serve, client, path):
    url = await serve(desk_with(make_alert()), token=TOKEN, local_only=False)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{COOKIE}={TOKEN}"},
                    {"Authorization": "Bearer ä"}):  # fmt: skip
        async with client.get(url + path, headers=headers) as response:
            assert response.status == 401
            assert "article" not in await response.text()


async def test_the_token_opens_the_desk(serve, client):
    url = await serve(desk_with(make_alert()), token=TOKEN, local_only=False)
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "desk.example"}
    async with client.get(url, headers=headers) as response:
        assert response.status == 200


async def test_logging_in_sets_a_cookie_that_is_not_the_token(serve, client):
    url = await serve(desk_with(make_alert()), token=TOKEN, local_only=False)
    async with client.get(url, headers={"Accept": "text/html"}) as response:
        assert "<form" in await response.text()
    async with client.post(f"{url}/login", data={"token": "wrong"}) as response:
        assert response.status == 401
    async with client.post(
        f"{url}/login", data={"token": TOKEN}, allow_redirects=False
    ) as response:
        assert response.status == 303
        cookie = response.headers["set-cookie"]
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    async with client.get(url) as response:
        assert "<article" in await response.text()
    async with client.post(f"{url}/login", data="x" * 10_000, cookies={COOKIE: "-"}) as response:
        assert response.status == 413


@pytest.mark.parametrize("path", ["/", "/livez", "/static/desk.js", "/nothing"])
async def test_every_answer_carries_the_security_headers(serve, client, path):
    url = await serve(desk_with())
    async with client.get(url + path) as response:
        policy = response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "server" not in response.headers
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_the_page_needs_nothing_that_its_policy_forbids(serve, client):
    url = await serve(desk_with(make_alert()))
    async with client.get(url) as response:
        page = await response.text()
    assert not re.search(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=", page)
    for address in re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', page):
        assert address.startswith("/static/")
        async with client.get(url + address) as response:
            assert response.status == 200


@pytest.mark.parametrize(
    ("host", "token", "works"),
    [("127.0.0.1", "", True), ("localhost", "", True), ("::1", "", True), ("0.0.0.0", "", False),
     ("192.0.2.7", "", False), ("desk.example", "", False), ("0.0.0.0", "short", False),
     ("127.0.0.1", "short", False), ("0.0.0.0", TOKEN, True)],
)  # fmt: skip
def test_serving_beyond_this_machine_needs_a_good_token(host, token, works):
    if works:
        check_binding(host, token)
    else:
        with pytest.raises(ConfigError, match="WIREWATCH_DESK_TOKEN"):
            check_binding(host, token)


def test_loopback():
    assert [is_loopback(host) for host in ("127.9.9.9", "::1", "localhost", "::", "localhost.example")] == [
        True, True, True, False, False,
    ]  # fmt: skip


# --- the process ---------------------------------------------------------------------------------------------


@pytest.mark.embedded
async def test_the_process_shows_old_and_new_alerts_and_ends_tidily(
    embedded_broker: Settings, client, tmp_path: Path
):
    await topics.apply(embedded_broker)
    producer = await connect_producer(embedded_broker)
    await send_all(producer, [(ALERTS, "a", make_alert("a"))])
    environment = {
        **os.environ,
        "WIREWATCH_BROKER": embedded_broker.broker.bootstrap,
        "WIREWATCH_DATA": str(tmp_path),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from streams.desk.verbs import app; app()", "--port", "0",
        stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            [url] = re.findall(r"http://\S+", (await process.stderr.readline()).decode())
            cursor = await _until_shown(client, url, "a")
            async with client.get(f"{url}api/stream", params={"cursor": cursor}) as response:
                await send_all(producer, [(ALERTS, "b", make_alert("b"))])
                [(_, _, data)] = await events(response, 1)
                assert 'data-id="b"' in data
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(5):
                    assert await process.wait() == 0
    finally:
        await producer.stop()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_shown(client, url, alert_id):
    while True:
        async with client.get(f"{url}api/alerts") as response:
            body = await response.json()
        if [alert["alert_id"] for alert in body["alerts"]] == [alert_id]:
            return body["cursor"]
        await asyncio.sleep(0.05)
