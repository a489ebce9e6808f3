"""Who may ask the desk, and what a browser may do with its answers.

On a loopback address the `Host` header must name this machine: a page from elsewhere that makes
its own name resolve to 127.0.0.1 (DNS rebinding) is refused. On any other address a token is
needed instead, on every route, as `Authorization: Bearer` or as the cookie that the login sets.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.errors import ConfigError

__all__ = ["COOKIE", "Guard", "check_binding", "is_loopback", "listen"]

COOKIE = "wirewatch_desk"
TOKEN_MIN_CHARACTERS = 16
"""Too long to guess over a network; `openssl rand -hex 16` gives 32."""
LOGIN_MAX_BYTES = 4_096
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

LOGIN_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width"><title>Wirewatch desk</title>
<h1>Wirewatch desk</h1>
<form method="post" action="/login">
<label>Token <input type="password" name="token" required autofocus autocomplete="current-password"></label>
<button>Open the desk</button></form></html>"""


def is_loopback(host: str) -> bool:
    """True if only this machine can reach the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int, *, what: str, cure: str) -> socket.socket:
    """Listen on an address.

    Raises:
        ConfigError: that cannot be; says what cannot be served, and the cure.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"{what} cannot be served on {host} port {port}: {error.strerror or error}", cure=cure
        ) from error


def check_binding(
    host: str, token: str, *, what: str = "the desk", variable: str = "WIREWATCH_DESK_TOKEN"
) -> None:
    """Refuse to serve beyond this machine without a token worth the name.

    Args:
        host: address to listen on.
        token: what every request must know, or empty.
        what: is served.
        variable: holds the token.

    Raises:
        ConfigError: the address is not loopback and there is no token, or a token is too short.
    """
    cure = f"set {variable}, for example to the output of: openssl rand -hex 16"
    if not token and not is_loopback(host):
        raise ConfigError(f"serving {what} on {host} needs a token", cure=cure)
    if token and len(token) < TOKEN_MIN_CHARACTERS:
        raise ConfigError(
            f"the token for {what} is shorter than {TOKEN_MIN_CHARACTERS} characters", cure=cure
        )


class Guard:
    """ASGI middleware around the whole desk.

    Args:
        app: what is guarded.
        token: what every request must know; empty asks for nothing.
        local_only: the desk listens on a loopback address.
        login: people with browsers come, and may log in; else only the header counts.
    """

    def __init__(self, app: ASGIApp, *, token: str, local_only: bool, login: bool = True) -> None:
        self._app = app
        self._token = token
        self._local_only = local_only
        self._login_allowed = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused, pass on the rest, add the headers to both."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = await self._refusal(Request(scope, receive))
        await (refusal or self._app)(scope, receive, send_with_headers)

    async def _refusal(self, request: Request) -> Response | None:
        if self._local_only and _host_name(request.headers) not in LOOPBACK_NAMES:
            return PlainTextResponse(
                "Open the desk by its address: 127.0.0.1 or localhost.\n", status_code=421
            )
        if not self._token or self._is_known(request):
            return None
        if not self._login_allowed:
            return _refused("A token is needed.\n")
        if request.url.path == "/login" and request.method == "POST":
            return await self._login(request)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(LOGIN_PAGE, status_code=401)
        return _refused("The desk needs its token.\n")

    def _is_known(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self._token):
            return True
        return _same(request.cookies.get(COOKIE, ""), _cookie_value(self._token))

    async def _login(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LOGIN_MAX_BYTES:
                return PlainTextResponse("Too long.\n", status_code=413)
        given = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0]
        if not _same(given.strip(), self._token):
            return HTMLResponse(LOGIN_PAGE, status_code=401)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE,
            _cookie_value(self._token),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response


def _refused(text: str) -> Response:
    return PlainTextResponse(text, status_code=401, headers={"www-authenticate": "Bearer"})


def _host_name(headers: Headers) -> str:
    """The `Host` header without its port."""
    host = headers.get("host", "").lower()
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def _cookie_value(token: str) -> str:
    """A value that proves the token without holding it, so that the cookie is not the token."""
    return hashlib.blake2b(token.encode(), digest_size=32, person=b"wirewatch-desk").hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
