"""Records to Kafka bytes and back: JSON, with headers that say what the bytes are.

Decoders are tolerant (unknown fields are ignored), so that producers may add fields first;
the published schemas are closed (see `streams.schemas`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from streams import __version__
from streams.errors import RecordError
from streams.records import DeadLetter, Record

__all__ = [
    "ATTEMPTS_HEADER",
    "LAST_MILLISECOND",
    "TRACE_HEADER",
    "Headers",
    "attempts_before",
    "dead_letter",
    "decode",
    "encode",
    "headers_for",
    "read_dead_letter",
    "record_headers",
    "time_of",
    "traceparent",
    "with_trace",
]

R = TypeVar("R", bound=Record)
Headers = list[tuple[str, bytes]]

_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder[Record]] = {}

ATTEMPTS_HEADER = "attempts-before"
"""How often a record had failed when it was sent back to where it came from; others have no such header."""

TRACE_HEADER = "traceparent"
"""Which trace a record belongs to, as W3C Trace Context writes it; a record has one at most."""

LAST_MILLISECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * 1_000
"""Since the epoch. Records of others may bear later times, which no clock of ours can tell."""

_COUNT = re.compile(rb"\d{1,9}")
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

MESSAGE_LIMIT = 500
"""Characters of an error message that travel in a dead letter; of other headers too, which are shorter."""

DEAD_LETTER_VALUE_BYTES = 7 * 1024 * 1024
"""What of a value surely fits into `news.dead-letters`, key and headers included."""
DEAD_LETTER_KEY_BYTES = 64 * 1024
"""What of a key surely fits beside it. Ours are far shorter, and aiokafka hashes so much for 20 ms."""


def encode(record: Record) -> bytes:
    """Encode any record as JSON."""
    return _encoder.encode(record)


def decode(type_: type[R], value: bytes | None) -> R:
    """Decode JSON into a record.

    Raises:
        RecordError: not JSON, or not a record of that type; the message names the field.
    """
    if value is None:
        raise RecordError(f"no value where a {type_.__name__} was expected")
    decoder = _decoders.get(type_)
    if decoder is None:
        decoder = _decoders[type_] = msgspec.json.Decoder(type_)
    try:
        record = decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"not a {type_.__name__}: {error}") from error
    assert isinstance(record, type_)
    return record


def headers_for(type_: type[Record]) -> tuple[tuple[str, bytes], ...]:
    """Headers of every record that Wirewatch writes: what it is and who wrote it."""
    return (("record", type_.__name__.encode()), ("app-version", __version__.encode()))


def record_headers(record: Record) -> Headers:
    """`headers_for` a record at hand."""
    return list(headers_for(type(record)))


def time_of(record: Any) -> datetime:
    """Timestamp of aiokafka's ConsumerRecord, UTC; of times that no datetime can be, the nearest that one can."""
    return datetime.fromtimestamp(min(max(record.timestamp, 0), LAST_MILLISECOND) / 1_000, UTC)


def traceparent(headers: Iterable[tuple[str, bytes | None]]) -> bytes | None:
    """Which trace a record says that it belongs to; None if to none, to several, or not as W3C writes it."""
    found = [value for name, value in headers if name == TRACE_HEADER]
    if not found or len(set(found)) > 1:
        return None
    return found[0] if found[0] and _TRACEPARENT.fullmatch(found[0]) else None


def with_trace(headers: Iterable[tuple[str, bytes]], trace: bytes | None) -> Headers:
    """Headers of a record that belongs to `trace`, or to none. Whatever they said of it before is replaced:
    with two `traceparent` on a record each reader would choose another.
    """
    others = [header for header in headers if header[0] != TRACE_HEADER]
    return [*others, (TRACE_HEADER, trace)] if trace else others


def dead_letter(
    key: bytes | None,
    value: bytes | None,
    *,
    topic: str,
    partition: int,
    offset: int,
    stage: str,
    error: BaseException,
    attempts: int = 1,
    timestamp_ms: int = -1,
    limit_bytes: int = DEAD_LETTER_VALUE_BYTES,
    trace: bytes | None = None,
) -> tuple[bytes | None, bytes | None, Headers]:
    """Make the dead letter of a record.

    Args:
        key: of the record; one longer than `DEAD_LETTER_KEY_BYTES` is cut, and headers say so.
        value: its bytes.
        topic: where it came from.
        partition: its partition, -1 if it never got there.
        offset: its offset, likewise.
        stage: who gave up.
        error: why.
        attempts: how often it was tried.
        timestamp_ms: its time, milliseconds since the epoch; that of the letter is when it was refused, or
            letters about old records would not be kept for long. -1: not known.
        limit_bytes: what the producer can send; a longer value is cut, and a header says so.
        trace: the `traceparent` of the record, or of the try that failed.

    Returns:
        Key and value to write, the original bytes wherever they fit, and the headers.
    """
    values = {
        "dead-letter-topic": topic,
        "dead-letter-partition": str(partition),
        "dead-letter-offset": str(offset),
        "dead-letter-stage": stage,
        "dead-letter-error": type(error).__name__,
        "dead-letter-message": str(error),
        "dead-letter-attempts": str(attempts),
        "dead-letter-timestamp-ms": str(min(timestamp_ms, LAST_MILLISECOND)),
        "dead-letter-app-version": __version__,
    }
    of_key, of_value = _cut_from(key, DEAD_LETTER_KEY_BYTES), _cut_from(value, limit_bytes)
    if of_key:
        values["dead-letter-key-cut-from-bytes"] = str(of_key)
    if of_key or of_value:
        values["dead-letter-cut-from-bytes"] = str(of_key + of_value)
    if key is None and value is None:
        key = b""  # aiokafka wants one of them
    headers = [
        (name, text[:MESSAGE_LIMIT].encode("utf-8", "replace")) for name, text in values.items()
    ]
    return (
        key and key[:DEAD_LETTER_KEY_BYTES],
        value and value[:limit_bytes],
        with_trace(headers, trace),
    )


def _cut_from(part: bytes | None, limit: int) -> int:
    """Size of what is to be cut; 0 of what fits."""
    return len(part) if part and len(part) > limit else 0


def attempts_before(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """How often a record had failed already when it was sent; 0 for all that was not sent back."""
    told = dict(headers).get(ATTEMPTS_HEADER) or b""
    return int(told) if _COUNT.fullmatch(told) else 0


def read_dead_letter(
    key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> DeadLetter:
    """Read what `dead_letter` made.

    Raises:
        RecordError: the headers are not those of a dead letter.
    """
    found = {name: (raw or b"").decode("utf-8", "replace") for name, raw in headers}
    try:
        letter = DeadLetter(
            topic=found["dead-letter-topic"],
            partition=int(found["dead-letter-partition"]),
            offset=int(found["dead-letter-offset"]),
            stage=found["dead-letter-stage"],
            error=found["dead-letter-error"],
            message=found.get("dead-letter-message", ""),
            attempts=int(found.get("dead-letter-attempts", "1")),
            timestamp_ms=int(found.get("dead-letter-timestamp-ms", "-1")),
            cut_from_bytes=int(found.get("dead-letter-cut-from-bytes", "0")),
            app_version=found.get("dead-letter-app-version", ""),
            key=key,
            value=value,
        )
    except (KeyError, ValueError) as error:
        raise RecordError(f"not a dead letter: {error!r}") from error
    if max(letter.partition, letter.offset, letter.timestamp_ms) >= 2**63:
        raise RecordError("not a dead letter: it names a place that no record has")
    return letter
