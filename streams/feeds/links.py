"""Links in one canonical form: the same page has the same address."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

__all__ = ["canonical_url", "is_web_link"]

# Parameters that say where a reader came from, never what is shown. Lower case.
_TRACKING = frozenset({
    "_ga", "_gl", "at_campaign", "at_medium", "cmpid", "dclid", "fbclid", "feature_source",
    "ftag", "gclid", "gclsrc", "guccounter", "igshid", "ito", "mc_cid", "mc_eid", "mkt_tok",
    "msclkid", "ncid", "ns_campaign", "ns_mchannel", "ns_source", "ocid", "smid", "spm", "srnd",
    "traffic_source", "twclid", "wbraid", "wt_mc", "wt_zmc", "xtor", "yclid",
})  # fmt: skip
_TRACKING_PREFIXES = ("utm_", "hsa_", "pk_", "mtm_", "matomo_", "at_custom")
_TRACKING_FRAGMENT = re.compile(r"(?:xtor|utm_|ref=rss|:~:|rss$|intcid)", re.IGNORECASE)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


def canonical_url(url: str) -> str:
    """Strip what does not change the page; idempotent.

    Lower-cases scheme and host, drops user name, default port, tracking parameters and tracking
    fragments. Other fragments stay: live blogs and changelogs tell entries apart by them.
    Anything but http and https comes back unchanged, without surrounding space.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
    except ValueError:  # such as a broken IPv6 address
        return url
    if parts.scheme not in _DEFAULT_PORT or not host:
        return url
    query = "&".join(part for part in parts.query.split("&") if part and not _tracks(part))
    fragment = "" if _TRACKING_FRAGMENT.match(parts.fragment) else parts.fragment
    return urlunsplit((
        parts.scheme, host.removesuffix(_DEFAULT_PORT[parts.scheme]), parts.path or "/", query,
        fragment,
    )).strip()  # fmt: skip


def _tracks(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def is_web_link(url: str) -> bool:
    """Whether this is an absolute http or https address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in _DEFAULT_PORT and bool(parts.hostname)
    except ValueError:
        return False
