"""What only this poller and one hub know: secrets made from one, and the signatures of pushes. Pure."""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from streams.records import Subscription

__all__ = ["derive", "signed"]

_METHODS = ("sha1", "sha256", "sha384", "sha512")


def derive(master: bytes, purpose: str, feed_id: str, subscription: Subscription) -> str:
    """Make a secret of one feed and one hub from the master secret.

    The same for every lease, so that pushes on their way survive a renewal and nothing needs to be
    stored; a hub that is not asked any more cannot use its own for another.

    Returns:
        64 hex digits; the recommendation allows secrets of less than 200 bytes.
    """
    named = msgspec.json.encode((purpose, feed_id, subscription.hub, subscription.feed_url))
    return hmac.new(master, named, hashlib.sha256).hexdigest()


def signed(body: bytes, header: str, secret: str) -> bool:
    """Whether a body was signed with the secret; takes the same time wherever it differs.

    Args:
        body: without Content-Encoding.
        header: `X-Hub-Signature`, as method=hex. SHA-1 is taken too, since large hubs use nothing
            else: finding collisions, which is what SHA-1 is weak against, does not break an HMAC.
        secret: as given to the hub.
    """
    method, _, digest = header.strip().partition("=")
    method = method.lower()
    if method not in _METHODS:
        return False
    right = hmac.new(secret.encode(), body, method).hexdigest()
    return hmac.compare_digest(right.encode(), digest.lower().encode("utf-8", "replace"))
