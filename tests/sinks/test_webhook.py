from __future__ import annotations

import asyncio
import errno
import json
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from yarl import URL

from streams.config import utc_now
from streams.errors import ConfigError, SinkError
from streams.sinks.webhook import (
    ReceiverGoneError,
    WebhookReceiver,
    digest_id,
    digest_payload,
    make_signer,
    notification_id,
    open_session,
    post_alert,
    retry_after_seconds,
)
from streams.wire import encode
from tests.desk.samples import NOON, make_alert

SECRET = "whsec_c2VsZi13cml0dGVuIHNlY3JldCBmb3IgdGVzdHM="
OTHER_SECRET = "whsec_YW5vdGhlciBzZWNyZXQgZm9yIHRlc3Rz"


class Target:
    """A web server that keeps what it gets and answers as told."""

    def __init__(self) -> None:
        self.status = 204
        self.headers: dict[str, str] = {}
        self.delay_seconds = 0.0
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        await asyncio.sleep(self.delay_seconds)
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    found = Target()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}/hook"
    yield found
    await runner.cleanup()


def receiver(url: str, **options) -> WebhookReceiver:
    return WebhookReceiver(id="desk", url=url, secret_env="SECRET", **options)


async def post(url: str, alert=None, *, allow_private: bool = True) -> None:
    to = receiver(url, allow_private=allow_private)
    async with open_session("test", allow_private=allow_private) as session:
        await post_alert(session, to, make_signer(to, SECRET), alert or make_alert(), utc_now())


async def test_a_receiver_can_verify_what_it_gets(target):
    alert = make_alert(headline="Müller über KI")
    await post(target.url, alert)
    [(headers, body)] = target.got
    message = Webhook(SECRET).verify(body, headers)
    assert message["type"] == "alert.new"
    assert message["timestamp"] == "2026-03-02T12:00:00Z"
    assert message["data"] == json.loads(encode(alert))
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER_SECRET).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"KI", b"IK"), headers)


async def test_every_attempt_carries_the_same_id(target):
    await post(target.url)
    await post(target.url)
    first, second = (headers["webhook-id"] for headers, _ in target.got)
    assert first == second


def test_the_id_depends_on_alert_revision_and_receiver():
    ids = {
        notification_id(make_alert(alert_id, revision), to)
        for alert_id in ("a", "b") for revision in (1, 2) for to in ("desk", "ops")
    }  # fmt: skip
    assert len(ids) == 8


def test_a_digest_tells_how_many_and_their_headlines():
    alerts = [make_alert("a", headline="Eins"), make_alert("b", 3, headline="Zwei")]
    message = json.loads(digest_payload(alerts))
    assert message["type"] == "alert.digest"
    assert message["timestamp"] == "2026-03-02T12:00:00Z"
    assert message["data"]["count"] == 2
    told = [
        (each["alert_id"], each["revision"], each["headline"]) for each in message["data"]["alerts"]
    ]
    assert told == [("a", 1, "Eins"), ("b", 3, "Zwei")]
    assert message["data"]["alerts"][0]["url"] == "https://news.example/bilder"


def test_a_foreign_alert_without_sources_is_told_in_a_digest():
    alerts = [msgspec.structs.replace(make_alert("a"), sources=()), make_alert("b")]
    told = json.loads(digest_payload(alerts))["data"]["alerts"]
    assert [each["url"] for each in told] == ["", "https://news.example/bilder"]


def test_the_id_of_a_digest_depends_on_its_revisions_and_the_receiver_only():
    a, b, newer = make_alert("a"), make_alert("b"), make_alert("b", 2)
    assert digest_id([a, b], "desk") == digest_id([b, a], "desk")
    assert (
        len(
            {digest_id(*each) for each in (([a, b], "desk"), ([a, newer], "desk"), ([a, b], "ops"))}
        )
        == 3
    )


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [(500, {}, 0.0), (429, {"Retry-After": "17"}, 17.0), (503, {"Retry-After": "999999"}, 3_600.0),
     (401, {}, 0.0), (302, {"Location": "/elsewhere"}, 0.0)],
)  # fmt: skip
async def test_a_refusal_may_be_tried_again(target, status, headers, wait):
    target.status, target.headers = status, headers
    with pytest.raises(SinkError, match=str(status)) as caught:
        await post(target.url)
    assert caught.value.retry_after_seconds == wait
    assert len(target.got) == 1  # a redirect is not followed


async def test_gone_is_for_good(target):
    target.status = 410
    with pytest.raises(ReceiverGoneError) as caught:
        await post(target.url)
    assert caught.value.retry_after_seconds is None


async def test_a_slow_receiver_is_left(target, monkeypatch):
    monkeypatch.setattr("streams.sinks.webhook.TIMEOUT_SECONDS", 0.2)
    target.delay_seconds = 0.5
    with pytest.raises(SinkError) as caught:
        await post(target.url)
    assert caught.value.retry_after_seconds == 0.0


async def test_nobody_listens():
    with pytest.raises(SinkError) as caught:
        await post("http://127.0.0.1:1/hook")
    assert caught.value.retry_after_seconds == 0.0


async def test_a_host_name_that_cannot_be_is_given_up():
    with pytest.raises(SinkError, match="host name") as caught:
        await post("https://hooks..example/hook")
    assert caught.value.retry_after_seconds is None


PATH = "/services/T0SECRET"


def failures() -> dict[str, Exception]:
    """What aiohttp raises, each with the URL in its text or attributes."""
    url = URL(f"https://hooks.example{PATH}")
    key: Any = SimpleNamespace(host="hooks.example", port=443, ssl=True)
    request: Any = SimpleNamespace(real_url=url)
    return {
        "Connection refused": aiohttp.ClientConnectorError(
            key, OSError(errno.ECONNREFUSED, "Connection refused")
        ),
        "no answer within 20 s": aiohttp.ConnectionTimeoutError(f"Connection timeout to {url}"),
        "Connection reset by peer": aiohttp.ClientOSError(
            errno.ECONNRESET, f"Can not write request body for {url}"
        ),
        "ClientResponseError": aiohttp.ClientResponseError(request, (), message="bad status line"),
        "ServerDisconnectedError": aiohttp.ServerDisconnectedError(),
        "the URL is not valid": aiohttp.InvalidURL(url),
    }


@pytest.mark.parametrize(("told", "failure"), failures().items())
async def test_a_failure_names_receiver_and_host_and_never_the_url(monkeypatch, told, failure):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(aiohttp.ClientSession, "post", fail)
    with pytest.raises(SinkError) as caught:
        await post(f"https://hooks.example{PATH}")
    assert str(caught.value).startswith("desk at hooks.example: ")
    assert told in str(caught.value)
    assert "T0SECRET" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::1]"])
async def test_private_addresses_are_refused_for_good(target, name):
    url = target.url.replace("127.0.0.1", name)
    with pytest.raises(SinkError, match=r"not public|not a canonical") as caught:
        await post(url, allow_private=False)
    assert caught.value.retry_after_seconds is None
    assert target.got == []


@pytest.mark.parametrize(
    ("url", "secret", "told"),
    [
        ("ftp://hooks.example/", SECRET, "url"),
        ("https://user:pw@hooks.example/", SECRET, "url"),
        ("not an address", SECRET, "url"),
        ("https://hooks.example/", "", "SECRET"),
        ("https://hooks.example/", "whsec_", "SECRET"),
        ("https://hooks.example/", "wört", "SECRET"),
    ],
)
def test_a_wrong_receiver_is_told_at_the_start(url, secret, told):
    with pytest.raises(ConfigError, match=told) as caught:
        make_signer(receiver(url), secret)
    assert caught.value.cure
    assert "wört" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 0.0), ("120", 120.0), ("0", 0.0), ("-5", 0.0), ("soon", 0.0), ("²", 0.0),
     ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0), ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
     ("Mon, 02 Mar 2026 12:00:30 -0000", 30.0), ("9" * 5000, 3_600.0),
     ("Wed, 21 Oct 20260000000 07:28:00 GMT", 0.0), ("Wed, 21 Oct 2026 07:28:00 +9999999999", 0.0),
     ("Fri, 31 Dec 9999 23:59:59 -2359", 3_600.0), ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
     ("Mon, 32 Feb 2026 12:00:30 GMT", 0.0), ("Mon, 02 Mar 2026 99:99:99 GMT", 0.0), (" ", 0.0)],
)  # fmt: skip
def test_retry_after(header, seconds):
    assert retry_after_seconds(header, NOON) == seconds


LIKE_A_DATE = st.from_regex(
    r"[A-Z][a-z]{2},? ?[0-9]{1,20} (Oct|Feb) [0-9]{1,20} [0-9]{1,9}:[0-9]{1,9}(:[0-9]{1,9})? ?"
    r"(GMT|[+-][0-9]{1,20})?",
    fullmatch=True,
)


@given(st.text() | LIKE_A_DATE)
def test_no_retry_after_header_raises(header):
    assert 0.0 <= retry_after_seconds(header, datetime(2026, 1, 1, tzinfo=UTC)) <= 3_600.0
