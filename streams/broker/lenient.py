"""Reads names of headers that are not UTF-8, which Kafka takes from other clients and aiokafka refuses.

One such name raises in every fetch of its partition, for ever, and all who read the partition stand still. So what
the fetch brought is read once more from the batch on that raised, by aiokafka's reader in Python, with U+FFFD for
what is not UTF-8. The record then takes its normal way: no name of ours holds U+FFFD, so it is taken for none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.memory_records import MemoryRecords

__all__ = ["install_lenience"]

_LENGTH = slice(8, 12)
"""Where a batch tells how many bytes follow; all formats agree in that, and in the next."""
_MAGIC = 16

_unpack = PartitionRecords._unpack_records


class _Fetched(MemoryRecords):  # type: ignore[misc, unused-ignore]
    """The batches that a fetch brought, and their bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class _Text(bytearray):
    """Bytes whose every part can be told as text."""

    def __getitem__(self, at: Any) -> Any:
        part: Any = super().__getitem__(at)
        return part if isinstance(part, int) else _Text(part)

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc, unused-ignore]
    """A batch of records with headers."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Text(self._buffer)


class _Rest:
    """The batches of a fetch that are not read to their end, as `MemoryRecords` hands them out.

    Those before them must not come again: at the end of a batch aiokafka goes to the offset behind it.
    """

    def __init__(self, data: bytes, position: int) -> None:
        self._batches = (batch for batch in _batches(data) if batch.next_offset > position)
        self._next = next(self._batches, None)

    def has_next(self) -> bool:
        return self._next is not None

    def next_batch(self) -> Any:
        batch, self._next = self._next, next(self._batches, None)
        return batch


def _batches(data: bytes) -> Iterator[Any]:
    """Read what a fetch brought; its last batch may be cut off."""
    rest = memoryview(data)
    while len(rest) > _MAGIC:
        end = _LENGTH.stop + int.from_bytes(rest[_LENGTH], signed=True)
        if not _MAGIC < end <= len(rest):
            return
        batch, rest = rest[:end], rest[end:]
        old = batch[_MAGIC] < 2  # without headers
        yield LegacyRecordBatch(batch, batch[_MAGIC]) if old else _LenientBatch(batch)


def _unpack_leniently(self: Any) -> Iterator[Any]:
    try:
        yield from _unpack(self)
        return
    except (UnicodeDecodeError, CorruptRecordException) as error:
        # aiokafka's reader in Python tells it as the cause of another.
        told = error if isinstance(error, UnicodeDecodeError) else error.__cause__
        if not isinstance(told, UnicodeDecodeError) or not isinstance(self._records, _Fetched):
            raise
    self._records = _Rest(self._records.data, self.next_fetch_offset)
    yield from _unpack(self)


def install_lenience() -> None:
    """Make all aiokafka consumers of this process read such names, Faust's too. Safe to call twice."""
    setattr(fetcher, "MemoryRecords", _Fetched)  # noqa: B010 - a patch, seen as one
    setattr(PartitionRecords, "_unpack_records", _unpack_leniently)  # noqa: B010 - likewise
