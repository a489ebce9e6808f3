"""Posting an alert to a URL, signed by the Standard Webhooks scheme (standardwebhooks.com).

The receiver verifies `webhook-signature` with the shared secret, refuses an old
`webhook-timestamp`, and drops a `webhook-id` it has seen: the id depends on the alert, its
revision and the receiver only, so every attempt and every replay of the same carries the same.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Meta
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from streams.errors import ConfigError, SinkError
from streams.feeds.guard import refuse, refuse_url
from streams.records import Alert, Severity, stable_id

__all__ = [
    "ReceiverGoneError", "WebhookReceiver", "digest_id", "digest_payload", "make_signer",
    "notification_id", "open_session", "payload", "post_alert", "post_digest",
    "retry_after_seconds",
]  # fmt: skip

TIMEOUT_SECONDS = 20.0
"""For the whole exchange; the scheme asks senders to allow 15 to 30 s."""
RETRY_AFTER_LIMIT_SECONDS = 3_600.0
"""A receiver may slow us down, but not switch us off for longer than this per attempt."""


class WebhookReceiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One receiver, as `notify.yaml` describes it."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """Part of every webhook-id: renaming a receiver may repeat what it has already got."""
    kind: Literal["webhook"] = "webhook"
    url: str
    """May itself be a secret, as with chat services: it is neither logged nor written to topics."""
    secret_env: Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]*$")]
    """Variable that holds the secret ("whsec_…"); with `_FILE` appended it names a file."""
    min_severity: Severity = "info"
    routes: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """Only alerts of rules with one of these; empty: of all rules."""
    max_per_hour: Annotated[int, Meta(ge=1)] | None = None
    """Beyond so many messages one digest instead of many; None: each by itself."""
    allow_private: bool = False
    """Also post to loopback and private addresses, and to any port."""


class ReceiverGoneError(SinkError):
    """The receiver answered 410: it wants no more, ever."""


def make_signer(receiver: WebhookReceiver, secret: str, *, file: str = "") -> Webhook:
    """Check a receiver's URL and secret.

    Args:
        receiver: as configured.
        secret: what its variable holds; empty if that is not set.
        file: where the receiver is configured, for the error.

    Raises:
        ConfigError: the URL cannot be posted to, or the secret is missing or not base64.
    """
    if reason := refuse_url(receiver.url):
        raise ConfigError(
            reason, file=file, field=f"receivers[{receiver.id}].url",
            cure="give an http or https URL",
        )  # fmt: skip
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError) as error:
        wrong = "does not hold base64" if secret else "is not set"
        raise ConfigError(
            f"the variable {receiver.secret_env} {wrong}",
            file=file,
            field=f"receivers[{receiver.id}].secret_env",
            cure='set it to "whsec_" and the output of: openssl rand -base64 32',
        ) from error


def notification_id(alert: Alert, receiver_id: str) -> str:
    """The webhook-id: the same for every attempt to tell this receiver this revision."""
    return stable_id("notification", alert.alert_id, str(alert.revision), receiver_id)


def digest_id(alerts: Sequence[Alert], receiver_id: str) -> str:
    """The webhook-id of a digest: the same for every attempt to tell this receiver these revisions."""
    told = sorted(f"{alert.alert_id}:{alert.revision}" for alert in alerts)
    return stable_id("digest", receiver_id, *told)


def open_session(user_agent: str, *, allow_private: bool) -> aiohttp.ClientSession:
    """A session that never opens a socket to an address that is not public, unless allowed.

    The check stands where sockets are made, after name resolution, so that no name and no
    notation of an address gets around it.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=None if allow_private else _public_socket),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        headers={"user-agent": user_agent},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class _PrivateAddressError(OSError):
    """The receiver's name leads to an address that is not public."""


def _public_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, type_, protocol, _, target = address
    if refuse(str(target[0]), port=int(target[1])):
        # One text for all addresses of a name: only then the connector passes the error on as is.
        raise _PrivateAddressError(
            errno.EACCES, "leads to an address that is not public, or to an unusual port"
        )
    return socket.socket(family, type_, protocol)


def payload(alert: Alert) -> bytes:
    """The body: what happened, when, and the alert in full."""
    body = {
        "type": f"alert.{alert.update_kind}",
        "timestamp": alert.latency.alerted_at,
        "data": alert,
    }
    return msgspec.json.encode(body)


def digest_payload(alerts: Sequence[Alert]) -> bytes:
    """The body of a digest: how many alerts, and of each what a person needs to look it up."""
    body = {
        "type": "alert.digest",
        "timestamp": max(alert.latency.alerted_at for alert in alerts),
        "data": {"count": len(alerts), "alerts": [_line(alert) for alert in alerts]},
    }
    return msgspec.json.encode(body)


def _line(alert: Alert) -> dict[str, object]:
    return {
        "alert_id": alert.alert_id,
        "revision": alert.revision,
        "update_kind": alert.update_kind,
        "severity": alert.severity,
        "rule_id": alert.rule_id,
        "figure_name": alert.figure_name,
        "policy_topics": alert.policy_topics,
        "headline": alert.headline,
        "url": alert.sources[0].item.url if alert.sources else "",
        "seen_at": alert.latency.seen_at,
    }


async def post_alert(
    session: aiohttp.ClientSession,
    receiver: WebhookReceiver,
    signer: Webhook,
    alert: Alert,
    now: datetime,
) -> None:
    """Post an alert once; returns if the receiver took it.

    Args:
        session: from `open_session`.
        receiver: whom to tell.
        signer: from `make_signer`.
        alert: what to tell.
        now: signed as the time of this attempt, UTC.

    Raises:
        ReceiverGoneError: the receiver wants no more.
        SinkError: it did not take it; `retry_after_seconds` is None if it never will, else the
            wait that it asked for, or 0.
    """
    message_id = notification_id(alert, receiver.id)
    await _post(session, receiver, signer, message_id, payload(alert), now)


async def post_digest(
    session: aiohttp.ClientSession,
    receiver: WebhookReceiver,
    signer: Webhook,
    alerts: Sequence[Alert],
    now: datetime,
) -> None:
    """Post one message about several alerts; otherwise like `post_alert`."""
    message_id = digest_id(alerts, receiver.id)
    await _post(session, receiver, signer, message_id, digest_payload(alerts), now)


async def _post(
    session: aiohttp.ClientSession,
    receiver: WebhookReceiver,
    signer: Webhook,
    message_id: str,
    body: bytes,
    now: datetime,
) -> None:
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(message_id, now, body.decode()),
    }
    try:
        async with session.post(
            receiver.url, data=body, headers=headers, allow_redirects=False
        ) as response:
            _judge(response.status, response.headers.get("retry-after", ""), now)
    except (aiohttp.ClientError, OSError, UnicodeError) as error:
        raise SinkError(
            f"{receiver.id} at {urlsplit(receiver.url).hostname}: {_reason(error)}",
            retry_after_seconds=None if _is_final(error) else 0.0,
        ) from None  # the cause may hold the URL


def _reason(error: Exception) -> str:
    """Why a post failed, without the URL, which the text of many an error of aiohttp holds."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error)
    if isinstance(error, aiohttp.InvalidURL):
        return f"the URL {error.description or 'is not valid'}"
    if isinstance(error, UnicodeError):
        return "the host name is not valid"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else type(error).__name__


def _is_final(error: Exception) -> bool:
    """True if no later attempt can work: the URL itself is refused."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return isinstance(error.os_error, _PrivateAddressError)
    return isinstance(error, aiohttp.InvalidURL | UnicodeError)


def _judge(status: int, retry_after: str, now: datetime) -> None:
    """Only 2xx is success; a redirect is a mistake in the configuration that a person may mend."""
    if 200 <= status < 300:
        return
    if status == 410:
        raise ReceiverGoneError("the receiver answered 410 Gone")
    raise SinkError(
        f"the receiver answered {status}",
        retry_after_seconds=retry_after_seconds(retry_after, now),
    )


def retry_after_seconds(header: str, now: datetime) -> float:
    """Read a Retry-After header: seconds or a date.

    Returns:
        Seconds from now, 0 to `RETRY_AFTER_LIMIT_SECONDS`; 0 if there is none that can be read.
    """
    if header.isascii() and header.isdigit():
        seconds = float(header[:9])
    else:
        try:
            at = parsedate_to_datetime(header)
            seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT_SECONDS)
