"""Bytes from outside, politely and safely: conditional, bounded in time and size, public only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import aiohttp
from aiohttp.compression_utils import HAS_BROTLI
from msgspec import Struct

from streams.config import Settings, utc_now
from streams.errors import FetchError
from streams.feeds import answers
from streams.feeds.guard import networks, refuse, refuse_url

__all__ = ["Fetched", "Fetcher", "Limits", "NotModified"]

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml,"
    " application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_REDIRECTS = (301, 302, 303, 307, 308)
_PERMANENT = (301, 308)
_CHUNK_BYTES = 64 * 1024
_MAX_HEADER_BYTES = 16_384
_REFUSED = "address refused"


class Limits(Struct, frozen=True, kw_only=True):
    """What one fetch may cost; the values of common readers (guides: miniflux, CommaFeed)."""

    connect_seconds: float = 10.0
    """Resolving the name, connecting and TLS."""
    read_seconds: float = 15.0
    """Longest silence in the middle of an answer."""
    total_seconds: float = 30.0
    """Everything, redirects included; also ends an answer that only drips."""
    body_bytes: int = 10 * 1024 * 1024
    """After decompression; the largest real feed seen had 2.5 MiB."""
    redirects: int = 5


class Fetched(Struct, frozen=True, kw_only=True):
    """A document."""

    status: int
    url: str
    final_url: str
    """After redirects: what relative links in the document refer to."""
    body: bytes
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    wait_seconds: float = 0.0
    """How long the publisher calls the document fresh; 0 if it does not say."""
    permanent_url: str | None = None
    """Where the feed has moved for good, as far as the redirects say so."""


class NotModified(Struct, frozen=True, kw_only=True):
    """The document is still the one that the validators belong to."""

    url: str
    etag: str = ""
    last_modified: str = ""
    wait_seconds: float = 0.0


class _RefusedAddressError(OSError):
    """The guard forbids the connection; an OSError, as the connector expects."""


class Fetcher:
    """Fetches feeds over one session; use as an async context manager.

    Args:
        settings: `user_agent` and `allow_private` count.
        limits: for tests.
        clock: for dates in headers.

    Raises:
        ConfigError: `allow_private` holds something that is no range of addresses.
    """

    def __init__(
        self,
        settings: Settings,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._limits = limits or Limits()
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        networks(settings.allow_private)

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=self._open_socket),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            max_field_size=_MAX_HEADER_BYTES,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=limits.connect_seconds, sock_read=limits.read_seconds
            ),
            headers={
                "User-Agent": self._settings.user_agent,
                "Accept": _ACCEPT,
                "Accept-Encoding": "gzip, br" if HAS_BROTLI else "gzip, deflate",
            },
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(
        self, url: str, *, etag: str = "", last_modified: str = ""
    ) -> Fetched | NotModified:
        """Fetch a document, or learn that it has not changed.

        Args:
            url: http or https.
            etag: as it came with the document that is already there, or "".
            last_modified: likewise.

        Raises:
            FetchError: kinds `refused` (by us), `dns`, `dns_temporary`, `connect`, `tls`,
                `timeout`, `too_large`, `redirects`, `protocol`, and those of `answers.trouble`.
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in conditions.items() if value}
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._follow(url, headers)
        except TimeoutError as error:
            raise FetchError("no complete answer in time", kind="timeout") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _explain(error) from error

    async def _follow(self, url: str, headers: dict[str, str]) -> Fetched | NotModified:
        """Request, and follow redirects by hand so that every hop is checked."""
        assert self._session is not None, "use `async with`"
        here, moved, for_good = url, None, True
        for _ in range(self._limits.redirects + 1):
            reason = refuse_url(here)
            if reason:
                raise FetchError(f"{_REFUSED}: {reason}", kind="refused")
            async with self._session.get(here, headers=headers, allow_redirects=False) as response:
                target = response.headers.get("Location", "")
                if response.status not in _REDIRECTS or not target:
                    return await self._read(response, url, moved)
                here = urljoin(here, target)
                for_good = for_good and response.status in _PERMANENT
                moved = here if for_good else moved
        raise FetchError(
            f"more than {self._limits.redirects} redirects", kind="redirects", cure="check the URL"
        )

    async def _read(
        self, response: aiohttp.ClientResponse, url: str, moved: str | None
    ) -> Fetched | NotModified:
        now = self._clock()
        etag, last_modified = answers.validators(response.headers, now)
        wait = answers.wait_asked(response.headers, now)
        if response.status == 304:
            return NotModified(url=url, etag=etag, last_modified=last_modified, wait_seconds=wait)
        if response.status != 200:
            raise FetchError(
                f"HTTP {response.status} {response.reason or ''}".strip(),
                kind=answers.trouble(response.status, response.headers),
                status=response.status,
                retry_after_seconds=answers.retry_after(response.headers, now),
            )
        return Fetched(
            status=response.status,
            url=url,
            final_url=str(response.url),
            body=await self._body(response),
            content_type=response.headers.get("Content-Type", ""),
            etag=etag,
            last_modified=last_modified,
            wait_seconds=wait,
            permanent_url=moved,
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """Read in pieces: `response.read()` would expand a bomb of 481 bytes to 300 MB."""
        limit = self._limits.body_bytes
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) > limit:
                response.close()
                raise FetchError(f"larger than {limit / 2**20:g} MiB", kind="too_large")
        return bytes(body)

    def _open_socket(self, address: Any) -> socket.socket:
        """Called by the connector for every address before it connects."""
        family, kind, protocol, _, place = address
        reason = refuse(str(place[0]), self._settings.allow_private, int(place[1]))
        if reason:
            raise _RefusedAddressError(f"{_REFUSED}: {reason}")
        return socket.socket(family, kind, protocol)


def _explain(error: Exception) -> FetchError:
    """One word and one sentence for what went wrong below HTTP."""
    text = str(error) or type(error).__name__
    cause = getattr(error, "os_error", None)
    if _REFUSED in str(cause):  # the guard's, alone or among those of several addresses
        return FetchError(
            str(cause), kind="refused", cure="WIREWATCH_ALLOW_PRIVATE opens ranges of addresses"
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        later = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
        return FetchError(
            f"the name cannot be resolved: {cause}", kind="dns_temporary" if later else "dns"
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return FetchError(f"TLS: {text}", kind="tls")
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return FetchError(text, kind="connect")
    return FetchError(f"no proper HTTP: {text}", kind="protocol")
