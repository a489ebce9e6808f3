"""Batches of records byte by byte, as clients other than ours may write them, and aiokafka's way of reading them."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBase
from aiokafka.record.util import calc_crc32c, encode_varint

__all__ = ["CONTROL", "GZIP", "Fetch", "Written", "make_batch", "send_batch"]

Written = tuple[bytes, Sequence[bytes]]
"""The value of a record, and the names of its headers."""
PLACE = TopicPartition("news.items", 0)
GZIP, CONTROL = DefaultRecordBase.CODEC_GZIP, DefaultRecordBase.CONTROL_MASK


def make_batch(
    *records: Written,
    offset: int = 0,
    attributes: int = 0,
    last: int | None = None,
) -> bytes:
    """A batch with a valid CRC.

    Args:
        records: what is in it.
        offset: of the first.
        attributes: GZIP or CONTROL, which is a mark of the broker.
        last: how far behind the first the last one lay before compaction.
    """
    body = b"".join(_record(number, *each) for number, each in enumerate(records))
    body = gzip.compress(body) if attributes & GZIP else body
    last = len(records) - 1 if last is None else last
    checked = struct.pack(">hiqqqhii", attributes, last, 1, 1, -1, -1, -1, len(records)) + body
    head = struct.pack(">qiibI", offset, 9 + len(checked), -1, 2, calc_crc32c(checked))
    return head + checked


def _record(number: int, value: bytes, names: Sequence[bytes]) -> bytes:
    body = b"\x00\x00" + _varint(number) + _sized(b"k") + _sized(value) + _varint(len(names))
    return _sized(body + b"".join(_sized(name) + _sized(b"x") for name in names))


def _sized(part: bytes) -> bytes:
    return _varint(len(part)) + part


def _varint(number: int) -> bytes:
    made = bytearray()
    encode_varint(number, made.append)
    return bytes(made)


class Fetch:
    """Consumers of one partition, before a broker that answers every fetch with the same bytes."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position
        self.active, self.paused = True, False  # as aiokafka's assignment and its state

    def state_value(self, _: TopicPartition) -> Fetch:
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position

    def answer(self, isolation: int = fetcher.READ_UNCOMMITTED) -> Any:
        """What a fetch from the present position brings."""
        records = fetcher.MemoryRecords(self.data)
        read = fetcher.PartitionRecords(
            PLACE, records, [], self.position, None, None, True, isolation
        )
        return fetcher.FetchResult(PLACE, assignment=self, partition_records=read, backoff=0)

    def read(self, at_once: int | None = None) -> list[Any]:
        """Hand out what one fetch brings, so many records at once; 0 hands them out one by one."""
        answer, found = self.answer(), []
        while answer.has_more():
            one = [answer.getone()] if at_once == 0 else answer.getall(at_once)
            found += [record for record in one if record is not None]
        return found


async def send_batch(
    producer: AIOKafkaProducer, topic: str, data: bytes, *, partition: int = 0
) -> None:
    """Write a batch as it is."""
    batch = producer.create_batch()
    batch.append(key=b"k", value=b"", timestamp=1)
    batch.close()
    batch._buffer = bytearray(data)
    await (await producer.send_batch(batch, topic, partition=partition))
