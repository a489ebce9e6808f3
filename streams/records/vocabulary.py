"""Names, times and ids that all records share."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = [
    "EARLIEST",
    "LATEST",
    "DateSource",
    "FieldName",
    "Offset",
    "Origin",
    "Record",
    "Severity",
    "Share",
    "UpdateKind",
    "Utc",
    "check_seen_at",
    "stable_id",
]

Utc = Annotated[datetime, Meta(tz=True)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Offset = Annotated[int, Meta(ge=0)]
Origin = Literal["file", "cli"]
DateSource = Literal["published", "updated", "first_seen"]
Severity = Literal["info", "alert", "urgent", "flash"]
UpdateKind = Literal["new", "coverage", "material", "correction", "retraction", "human", "closed"]
FieldName = Literal["title", "summary", "body"]


EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def check_seen_at(at: datetime) -> None:
    """Refuse a time at which nothing can have been seen: neither Kafka nor sums of times bear just any.

    Raises:
        ValueError: before 1970, or 2200 and later; to a decoder, the record is invalid.
    """
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"`seen_at` is {at:%Y-%m-%d}, which is no time to have seen an item")


def stable_id(kind: str, *parts: str) -> str:
    """Name content by a 26-character id that depends on nothing else.

    Args:
        kind: what is named ("item", "alert", …); separates the id spaces.
        parts: the content that makes it this one and no other.

    Returns:
        Lower-case base32 of a 128-bit BLAKE2b digest, without padding.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (kind, *parts):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    bits = int.from_bytes(digest.digest(), "big") << 2  # 130 bits are 13 pairs of letters
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(one + other for one in _LETTERS for other in _LETTERS)
"""Two letters of base32 for ten bits: ten times as fast as `base64.b32encode`, for ids are made all the time."""


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """What all records share: immutable, built by keyword, every field spelled out on the wire.

    The garbage collector does not track them, for nothing that is frozen can be part of a cycle that is made
    after it; where very many are kept, walking them was a third of the time of an alert.
    """
