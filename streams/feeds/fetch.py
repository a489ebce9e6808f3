"""Bytes from outside, politely and safely: conditional, bounded in time and size, public only."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from http.client import responses
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.compression_utils import HAS_BROTLI
from msgspec import Struct

from streams.config import Settings, utc_now
from streams.errors import FetchError
from streams.feeds import answers
from streams.feeds.guard import networks, refuse, refuse_url
from streams.feeds.resolve import Resolver

__all__ = ["Fetched", "Fetcher", "Limits", "NotModified"]

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml,"
    " application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_CHUNK_BYTES = 64 * 1024
_MAX_HEADER_BYTES = 16_384
_KEEP_ALIVE_SECONDS = 5.0
"""Spans the gap between two feeds of a host; longer would hold a socket for every host there is."""
_REFUSED = "address refused"


class Limits(Struct, frozen=True, kw_only=True):
    """What one fetch may cost."""

    lookup_seconds: float = 8.0
    """Resolving the name."""
    connect_seconds: float = 10.0
    """Resolving the name, connecting and TLS."""
    read_seconds: float = 15.0
    """Longest silence in the middle of an answer."""
    total_seconds: float = 30.0
    """Everything, redirects included; also ends an answer that only drips."""
    body_bytes: int = 10 * 1024 * 1024
    """After decompression. The largest real feed seen had 2.5 MiB; miniflux takes 15, CommaFeed 5."""
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
    permanent_url: str = ""
    """Where `url` redirects to for good, up to the first passing redirect; "" if it does not."""
    hub: str = ""
    """WebSub hub that the headers name, absolute."""
    feed_url: str = ""
    """The address that the headers give the document (`rel="self"`), absolute."""
    lang: str = ""
    """Language that the headers name: "de", "en"."""


class NotModified(Struct, frozen=True, kw_only=True):
    """The document is still the one that the validators belong to."""

    url: str
    etag: str = ""
    last_modified: str = ""
    wait_seconds: float = 0.0
    permanent_url: str = ""
    """As for `Fetched`."""


class _RefusedAddressError(OSError):
    """The guard forbids the connection; an OSError, as the connector expects."""


class Fetcher:
    """Fetches over one session; use as an async context manager.

    Args:
        settings: `user_agent` and `allow_private` count.
        limits: for tests.
        clock: for dates in headers.
        resolver: looks names up instead of the system. Whatever it answers, the guard decides.

    Raises:
        ConfigError: `allow_private` holds something that is no range of addresses.
    """

    def __init__(
        self,
        settings: Settings,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = utc_now,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._settings = settings
        self._limits = limits or Limits()
        self._clock = clock
        self._resolver = resolver or Resolver(self._limits.lookup_seconds)
        self._session: aiohttp.ClientSession | None = None
        networks(settings.allow_private)

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
                resolver=self._resolver,
                socket_factory=self._open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            max_field_size=_MAX_HEADER_BYTES,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=limits.connect_seconds, sock_read=limits.read_seconds
            ),
            headers={
                "User-Agent": self._settings.user_agent,
                "Accept": _ACCEPT,
                "Accept-Encoding": "gzip, br" if HAS_BROTLI else "gzip",
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
        self, url: str, *, etag: str = "", last_modified: str = "", user_agent: str = ""
    ) -> Fetched | NotModified:
        """Fetch a document, or learn that it has not changed.

        The validators go along with redirects: they belong to the document that is reached in the
        end. Nothing else of a request does: there are no cookies, and user names are refused.

        Args:
            url: http or https.
            etag: as it came with the document that is already there, or "".
            last_modified: likewise.
            user_agent: instead of the settings'.

        Returns:
            NotModified only if a validator was given.

        Raises:
            FetchError: kinds `refused` (by us), `dns`, `dns_temporary`, `connect`, `tls`,
                `timeout`, `too_large`, `redirects`, `protocol`, and those of `answers.trouble`.
        """
        asked = {
            "If-None-Match": etag,
            "If-Modified-Since": last_modified,
            "User-Agent": user_agent,
        }
        async with self._bounded():
            return await self._follow(url, {name: value for name, value in asked.items() if value})

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        """Send a form, as WebSub's hubs take it; redirects are not followed.

        Args:
            url: http or https.
            form: its fields.

        Returns:
            The HTTP status, whatever it is. What else the server says is not read.

        Raises:
            FetchError: there was no answer; kinds as for `fetch`.
        """
        async with self._bounded(), self._request("POST", url, data=dict(form)) as response:
            return response.status

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """End in time, and explain what goes wrong below HTTP."""
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                yield
        except TimeoutError as error:
            raise FetchError("no complete answer in time", kind="timeout") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _explain(error) from error

    def _request(
        self, method: str, url: str, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        assert self._session is not None, "use `async with`"
        if reason := refuse_url(url):
            raise FetchError(f"{_REFUSED}: {reason}", kind="refused")
        return self._session.request(method, url, allow_redirects=False, **options)

    async def _follow(self, url: str, headers: dict[str, str]) -> Fetched | NotModified:
        """Request, and follow redirects by hand so that every hop is checked."""
        here, permanent, for_good = url, "", True
        seen = {url}
        for _ in range(self._limits.redirects + 1):
            async with self._request("GET", here, headers=headers) as response:
                if for_good and here != url:
                    permanent = str(response.url)
                target = response.headers.get("Location", "")
                if response.status not in answers.REDIRECTS or not target:
                    return await self._read(response, url, permanent)
                for_good = for_good and response.status in answers.PERMANENT
                here = answers.redirect_target(target, here)
            if here in seen:
                raise FetchError("redirects lead in a circle", kind="redirects")
            seen.add(here)
        raise FetchError(
            f"more than {self._limits.redirects} redirects", kind="redirects", cure="check the URL"
        )

    async def _read(
        self, response: aiohttp.ClientResponse, url: str, permanent: str
    ) -> Fetched | NotModified:
        now, headers = self._clock(), answers.fold(response.headers.items())
        etag, last_modified = answers.validators(headers, now)
        wait = answers.wait_asked(headers, now)
        asked = response.request_info.headers
        if response.status == 304 and ("If-None-Match" in asked or "If-Modified-Since" in asked):
            return NotModified(
                url=url,
                etag=etag,
                last_modified=last_modified,
                wait_seconds=wait,
                permanent_url=permanent,
            )
        if response.status != 200:
            raise FetchError(
                f"HTTP {response.status} {responses.get(response.status, '')}".strip(),
                kind=answers.trouble(response.status, headers),
                status=response.status,
                retry_after_seconds=answers.retry_after(headers, now),
                permanent_url=permanent,
                answered_by=str(response.url),
            )
        final_url = str(response.url)
        links = answers.links(headers, final_url)
        return Fetched(
            status=response.status,
            url=url,
            final_url=final_url,
            body=await self._body(response),
            content_type=headers.get("content-type", ""),
            etag=etag,
            last_modified=last_modified,
            wait_seconds=wait,
            permanent_url=permanent,
            hub=links.get("hub", ""),
            feed_url=links.get("self", ""),
            lang=answers.language(headers),
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """Read in pieces, each expanded to 256 KiB at most; `response.read()` would expand it all.

        A `BytesIO` hands its bytes out without another copy of them.
        """
        limit = self._limits.body_bytes
        body = io.BytesIO()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            if body.tell() + len(chunk) > limit:
                raise FetchError(f"larger than {limit / 2**20:g} MiB", kind="too_large")
            body.write(chunk)
            await asyncio.sleep(0)  # what expands does not wait for the network: others have a turn
        return body.getvalue()

    def _open_socket(self, address: Any) -> socket.socket:
        """Called by the connector for every address before it connects."""
        family, kind, protocol, _, place = address
        reason = refuse(str(place[0]), self._settings.allow_private, int(place[1]))
        if reason:
            raise _RefusedAddressError(f"{_REFUSED}: {reason}")
        return socket.socket(family, kind, protocol)


def _explain(error: Exception) -> FetchError:
    """One word and one sentence for what went wrong below HTTP.

    Never aiohttp's own sentence where it quotes the address: that may hold a secret.
    """
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
        return FetchError(f"TLS: {error}", kind="tls")
    if isinstance(error, aiohttp.InvalidURL):
        return FetchError(f"{_REFUSED}: not a web address", kind="refused")
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return FetchError(str(error) or type(error).__name__, kind="connect")
    if isinstance(error, aiohttp.ClientPayloadError):
        return FetchError("the answer breaks off or is damaged", kind="protocol")
    reason = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return FetchError(f"no proper HTTP: {' '.join(reason.split())[:200]}", kind="protocol")
