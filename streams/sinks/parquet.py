"""Batches of records as Parquet files, each record in exactly once.

    <folder>/<table>/dt=YYYY-MM-DD/<topic>-<partition>-<first>-<last>.parquet
    <folder>/offsets/<topic>-<partition>.json        {"next": the offset to read next}

A batch is one partition's records from offset `first` to `last`; it becomes one file per day.
Every file is written under another name and renamed when complete, and only then the offset
moves. After a crash, files at or beyond the stored offset belong to a batch that was not
finished: they are removed and written again. `dt` is the day (UTC) on which Wirewatch saw the
item or raised the alert, not the day of publication, which feeds may claim at will.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from streams.broker.topics import ALERTS, ITEMS, MENTIONS
from streams.config import plain_arrow_memory
from streams.errors import ConfigError, RecordError
from streams.records import Alert, Item, Mention, PolicyTopicHit, Record
from streams.wire import decode

plain_arrow_memory()  # before Arrow is loaded
try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise ConfigError(
        "the archive needs pyarrow", cure="pip install 'wirewatch[archive]'"
    ) from error

__all__ = [
    "TABLES",
    "Row",
    "Table",
    "discard_unfinished",
    "give_back",
    "next_offset",
    "replace_file",
    "row_of",
    "write_batch",
]

R = TypeVar("R", bound=Record)

_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Of glibc; other C libraries have their own ways."""

_TIME = pa.timestamp("us", tz="UTC")
_ITEM_COLUMNS: dict[str, pa.DataType] = {
    "item_id": pa.string(),
    "feed_id": pa.string(),
    "feed_title": pa.string(),
    "tier": pa.int8(),
    "url": pa.string(),
    "title": pa.string(),
    "lang": pa.string(),
    "published_at": _TIME,
    "seen_at": _TIME,
    "backfill": pa.bool_(),
}
_PLACE_COLUMNS: dict[str, pa.DataType] = {
    "kafka_partition": pa.int32(),
    "kafka_offset": pa.int64(),
    "record": pa.string(),
}


class Table(NamedTuple, Generic[R]):
    """How the records of one topic become rows."""

    name: str
    record_type: type[R]
    schema: Any
    """pyarrow schema; `record` holds the full JSON."""
    columns: Callable[[R], dict[str, Any]]
    day: Callable[[R], datetime]


class Row(NamedTuple):
    """A record as it will lie in its table. What was decoded, many times as large, need not be kept."""

    day: str
    """Its partition of the table, YYYY-MM-DD."""
    columns: dict[str, Any]


def _schema(columns: dict[str, pa.DataType]) -> Any:
    return pa.schema(columns | _PLACE_COLUMNS)


def _own_fields(record: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _topics(hits: Iterable[PolicyTopicHit]) -> list[str]:
    return [hit.policy_topic for hit in hits]


_ITEMS_COLUMNS = _ITEM_COLUMNS | {
    "revision": pa.int32(),
    "canonical_url": pa.string(),
    "summary": pa.string(),
    "date_source": pa.string(),
}
_MENTION_COLUMNS = {
    "mention_id": pa.string(),
    "figure_id": pa.string(),
    "figure_name": pa.string(),
    "qid": pa.string(),
    "confidence": pa.float64(),
    "level": pa.string(),
    "in_title": pa.bool_(),
    "policy_topics": pa.list_(pa.string()),
    "story_id": pa.string(),
    "copy_of": pa.string(),
    **_ITEM_COLUMNS,
    "enriched_at": _TIME,
}
_ALERT_OWN = (
    "alert_id", "revision", "update_kind", "update_reason", "notify", "suppressed_by", "rule_id",
    "rule_version", "rule_name", "figure_id", "figure_name", "qid", "story_id", "severity",
    "confidence", "headline", "state",
)  # fmt: skip
_ALERT_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(_ALERT_OWN, pa.string()),
    "revision": pa.int32(),
    "rule_version": pa.int32(),
    "notify": pa.bool_(),
    "confidence": pa.float64(),
    "policy_topics": pa.list_(pa.string()),
    "url": pa.string(),
    "source_count": pa.int32(),
    "published_at": _TIME,
    "seen_at": _TIME,
    "enriched_at": _TIME,
    "alerted_at": _TIME,
}


def _mention_row(mention: Mention) -> dict[str, Any]:
    figure = mention.figure
    return _own_fields(mention.item, [*_ITEM_COLUMNS, "enriched_at"]) | {
        "mention_id": mention.mention_id,
        "figure_id": figure.figure_id,
        "figure_name": figure.name,
        "qid": figure.qid,
        "confidence": figure.confidence,
        "level": figure.level,
        "in_title": figure.in_title,
        "policy_topics": _topics(mention.policy_topics),
        "story_id": mention.story.story_id,
        "copy_of": mention.story.copy_of,
    }


def _alert_row(alert: Alert) -> dict[str, Any]:
    times = ("published_at", "seen_at", "enriched_at", "alerted_at")
    return (
        _own_fields(alert, _ALERT_OWN)
        | _own_fields(alert.latency, times)
        | {
            "policy_topics": list(alert.policy_topics),
            "url": alert.sources[0].item.url if alert.sources else "",
            "source_count": len(alert.sources) + len(alert.further_item_ids),
        }
    )


TABLES: dict[str, Table[Any]] = {
    ITEMS: Table(
        "items",
        Item,
        _schema(_ITEMS_COLUMNS),
        lambda item: _own_fields(item, _ITEMS_COLUMNS),
        lambda item: item.seen_at,
    ),
    MENTIONS: Table(
        "mentions",
        Mention,
        _schema(_MENTION_COLUMNS),
        _mention_row,
        lambda mention: mention.item.seen_at,
    ),
    ALERTS: Table(
        "alerts",
        Alert,
        _schema(_ALERT_COLUMNS),
        _alert_row,
        lambda alert: alert.latency.alerted_at,
    ),
}
"""Kafka topic to table."""

_above = {
    table.name: {
        field.name: 1 << field.type.bit_width - 1
        for field in table.schema
        if pa.types.is_integer(field.type)
    }
    for table in TABLES.values()
}
"""By table and integer column the least number that is too large for it."""


def row_of(topic: str, partition: int, offset: int, value: bytes) -> Row:
    """Decode a record and take from it what has a column.

    Args:
        topic: a key of `TABLES`.
        partition: of that topic.
        offset: in it.
        value: the record's JSON as it is there.

    Raises:
        RecordError: it cannot be decoded, or no table could hold it.
    """
    table = TABLES[topic]
    record = decode(table.record_type, value)
    try:
        text = value.decode()  # what lies in fields that we do not know was skipped so far
        day = table.day(record).astimezone(UTC).date()
    except (UnicodeDecodeError, OverflowError) as error:
        raise RecordError(f"not a {table.record_type.__name__} to keep: {error}") from error
    place = {"kafka_partition": partition, "kafka_offset": offset, "record": text}
    row = Row(day.isoformat(), table.columns(record) | place)
    for name, above in _above[table.name].items():
        if not -above <= row.columns[name] < above:
            raise RecordError(f"`{name}` is {row.columns[name]}, too large for its column")
    return row


def write_batch(
    folder: Path, topic: str, partition: int, first: int, last: int, rows: Sequence[Row]
) -> list[Path]:
    """Write one batch and move the stored offset behind it.

    Args:
        folder: of the archive.
        topic: a key of `TABLES`.
        partition: of that topic.
        first: offset of the batch's first record, also if it gave no row.
        last: offset of its last one.
        rows: the records that could be decoded, by offset; may be empty.

    Returns:
        The files, one per day.
    """
    table = TABLES[topic]
    days: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        days.setdefault(row.day, []).append(row.columns)
    files = []
    for day, columns_of_day in sorted(days.items()):
        file = folder / table.name / f"dt={day}" / f"{topic}-{partition}-{first}-{last}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        content = pa.Table.from_pylist(columns_of_day, schema=table.schema)
        replace_file(file, partial(pq.write_table, content, compression="zstd"))
        files.append(file)
    _store_offset(folder, topic, partition, last + 1)
    return files


def give_back() -> None:
    """Hand free memory back to the system, which Arrow and the C library would keep for batches to come."""
    pa.default_memory_pool().release_unused()
    if _malloc_trim is not None:
        _malloc_trim(0)


def next_offset(folder: Path, topic: str, partition: int) -> int | None:
    """The offset to read next; None if the partition has not been archived here yet.

    Raises:
        ConfigError: the stored offset cannot be read.
    """
    file = _offset_file(folder, topic, partition)
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, int])["next"]
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, KeyError) as error:
        raise ConfigError(
            "cannot be read",
            file=str(file),
            cure='restore it: {"next": one more than the highest offset in the names of its files}',
        ) from error


def discard_unfinished(folder: Path, topic: str, partition: int) -> list[Path]:
    """Remove what a crash left of a batch whose offset was not stored; returns the files."""
    following = next_offset(folder, topic, partition) or 0
    name = re.compile(rf"{re.escape(topic)}-{partition}-(\d+)-\d+\.parquet(\.part)?")
    unfinished = [
        file
        for file in (folder / TABLES[topic].name).glob(f"dt=*/{topic}-{partition}-*")
        if (match := name.fullmatch(file.name)) and (match[2] or int(match[1]) >= following)
    ]
    for file in unfinished:
        file.unlink()
    return unfinished


def _offset_file(folder: Path, topic: str, partition: int) -> Path:
    return folder / "offsets" / f"{topic}-{partition}.json"


def _store_offset(folder: Path, topic: str, partition: int, offset: int) -> None:
    file = _offset_file(folder, topic, partition)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, lambda path: path.write_bytes(msgspec.json.encode({"next": offset})))


def replace_file(file: Path, write: Callable[[Path], Any]) -> None:
    """Write a file so that it is there completely or not at all, also after a power cut."""
    part = file.with_name(file.name + ".part")
    write(part)
    _flush(part)
    part.replace(file)
    _flush(file.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
