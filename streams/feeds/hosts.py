"""Who counts as one server for politeness, and how long to leave it in peace. Pure."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tldextract import TLDExtract

__all__ = ["gap_seconds", "host_key"]

GAP_SECONDS = 2.0
"""Between the starts of two requests to one host; Media Cloud's rss-fetcher waits 5 s."""
_GAPS = {
    # One request per minute and address since June 2026, as readers report (FreshRSS issue 8928).
    "reddit.com": 65.0,
}
_OWN = re.compile(r"(?:127(?:\.\d+){3}|\[::1\]|localhost)(?::\d+)?")
"""Servers on this machine, such as a bridge that makes feeds: only we would be asked too often."""
_REMEMBERED = 65_536
"""Addresses whose host is remembered; several times the feeds that one process polls."""


@lru_cache(maxsize=_REMEMBERED)
def host_key(url: str) -> str:
    """Name what is polled as one server: the registrable domain.

    Only the suffixes of registries count, so all blogs of tumblr.com are one server: it is one
    company that would be asked too often. IP addresses and localhost are keyed with the port that
    the address names, and a name without a registrable domain by itself. International names come
    in their ASCII form, however they are spelt. What is no address at all is its own key.
    """
    try:
        parts = urlsplit(url)
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:
        return url
    if host == "localhost" or _is_address(host):
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{port}" if port else shown
    return _registrable(host) or host or url


def gap_seconds(host: str) -> float:
    """Least seconds between the starts of two requests to a host key."""
    return 0.0 if _OWN.fullmatch(host) else _GAPS.get(host, GAP_SECONDS)


def _ascii(host: str) -> str:
    """One spelling per name, without the dot of the root."""
    host = host.removesuffix(".")
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:  # no name that could be resolved
        return host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _registrable(host: str) -> str:
    return _suffixes().extract_str(host).top_domain_under_public_suffix


@cache
def _suffixes() -> TLDExtract:
    """The list inside the package; nothing is fetched, and nothing is kept on disk."""
    from tldextract import TLDExtract  # 0.16 s, which only polling needs to spend

    return TLDExtract(suffix_list_urls=(), cache_dir=None)
