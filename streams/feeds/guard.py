"""Where feeds may be fetched from: the public internet, and what the settings allow beside it.

Checked for every address that a socket is about to connect to, so that names that resolve to
private addresses, redirects, IP literals in any notation and rebinding are all covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from streams.errors import ConfigError

__all__ = ["MAX_URL", "networks", "refuse", "refuse_url"]

Network = IPv4Network | IPv6Network

MAX_URL = 2_048
"""Characters; some servers and proxies take no more."""
_EMBEDDING = tuple(
    ip_network(each)
    for each in (
        "64:ff9b::/96",  # NAT64, RFC 6052
        "::ffff:0:0:0/96",  # translated, RFC 2765
        "::/96",  # compatible, RFC 4291
    )
)
"""Networks whose last 32 bits are the IPv4 address that is reached in the end."""
_SPECIAL = tuple(
    ip_network(each)
    for each in (
        "192.0.0.0/24",  # protocol assignments; one cloud has its metadata there
        "192.88.99.0/24",  # relays of 6to4, given up
        "64:ff9b:1::/48",  # NAT64 within one network, RFC 8215
        "3fff::/20",  # documentation, RFC 9637
        "5f00::/16",  # segment routing, RFC 9602
    )
)
"""From IANA's registries of special addresses: what `ipaddress` of some Python versions misses."""


def refuse(address: str, allowed: Sequence[str] = (), port: int = 443) -> str:
    """Say why a socket must not connect.

    Args:
        address: an IP address as the resolver returned it; a scope (`%eth0`) is ignored.
        allowed: CIDR ranges that may be used besides public addresses, with any port.
        port: public addresses are used on 80, 443 and 8000 to 9000 only.

    Returns:
        The reason, or "" if the address may be used.
    """
    try:
        outer = ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address!r} is not an IP address"
    inner = _embedded(outer)
    if any(each in network for each in (outer, inner) for network in networks(tuple(allowed))):
        return ""
    if not _is_public(inner):
        return f"{address} is not a public address"
    if port not in (80, 443) and not 8000 <= port <= 9000:
        return f"port {port} is not one for the web"
    return ""


def refuse_url(url: str) -> str:
    """Say why an address must not be requested at all; "" if it may."""
    if len(url) > MAX_URL:
        return f"the address is longer than {MAX_URL:,} characters"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"not a web address: {error}"
    if parts.scheme not in ("http", "https"):
        return f"scheme {parts.scheme!r} is neither http nor https"
    if "@" in parts.netloc:
        return "user names in addresses are not supported"
    return "" if host else "the address has no host"


@lru_cache(maxsize=16)
def networks(ranges: tuple[str, ...]) -> tuple[Network, ...]:
    """Read CIDR ranges.

    Raises:
        ConfigError: one of them is none.
    """
    try:
        return tuple(ip_network(each.strip(), strict=False) for each in ranges)
    except ValueError as error:
        raise ConfigError(
            f"WIREWATCH_ALLOW_PRIVATE: {error}", cure="give ranges such as 10.0.0.0/8"
        ) from error


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address) and ip.is_site_local:
        return False
    if any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not ip.is_multicast


def _embedded(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address leads to, or the address itself.

    Not for Teredo (2001::/32): no such address is public, whichever client it leads to.
    """
    if isinstance(ip, IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if any(ip in network for network in _EMBEDDING) and int(ip) > 1:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
