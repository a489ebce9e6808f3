"""Records to Kafka bytes and back: JSON, with headers that say what the bytes are.

Decoders are tolerant (unknown fields are ignored), so that producers may add fields first;
the published schemas are closed (see `streams.schemas`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from streams import __version__
from streams.errors import RecordError
from streams.records import DeadLetter, Record

__all__ = [
    "Headers",
    "dead_letter_headers",
    "decode",
    "encode",
    "headers_for",
    "read_dead_letter",
    "record_headers",
]

R = TypeVar("R", bound=Record)
Headers = list[tuple[str, bytes]]

_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder[Record]] = {}

MESSAGE_LIMIT = 500
"""Characters of an error message that travel in a dead letter."""


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
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"not a {type_.__name__}: {error}") from error
    assert isinstance(record, type_)
    return record


def headers_for(type_: type[Record]) -> tuple[tuple[str, bytes], ...]:
    """Headers of every record that Wirewatch writes: what it is and who wrote it."""
    return (("record", type_.__name__.encode()), ("app-version", __version__.encode()))


def record_headers(record: Record) -> Headers:
    """`headers_for` a record at hand."""
    return list(headers_for(type(record)))


def dead_letter_headers(
    *, topic: str, partition: int, offset: int, stage: str, error: BaseException, attempts: int = 1
) -> Headers:
    """Say where a record came from and why it could not be processed."""
    values = {
        "dead-letter-topic": topic,
        "dead-letter-partition": str(partition),
        "dead-letter-offset": str(offset),
        "dead-letter-stage": stage,
        "dead-letter-error": type(error).__name__,
        "dead-letter-message": str(error)[:MESSAGE_LIMIT],
        "dead-letter-attempts": str(attempts),
        "dead-letter-app-version": __version__,
    }
    return [(name, value.encode("utf-8", "replace")) for name, value in values.items()]


def read_dead_letter(
    key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]
) -> DeadLetter:
    """Read what `dead_letter_headers` wrote.

    Raises:
        RecordError: the headers are not those of a dead letter.
    """
    found = {name: raw.decode("utf-8", "replace") for name, raw in headers}
    try:
        return DeadLetter(
            topic=found["dead-letter-topic"],
            partition=int(found["dead-letter-partition"]),
            offset=int(found["dead-letter-offset"]),
            stage=found["dead-letter-stage"],
            error=found["dead-letter-error"],
            message=found.get("dead-letter-message", ""),
            attempts=int(found.get("dead-letter-attempts", "1")),
            app_version=found.get("dead-letter-app-version", ""),
            key=key,
            value=value,
        )
    except (KeyError, ValueError) as error:
        raise RecordError(f"not a dead letter: {error!r}") from error
