from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from streams.broker.topics import ALERTS, ITEMS, MENTIONS
from streams.errors import ConfigError
from streams.records import FigureHit, Item, Mention, Story
from streams.sinks.parquet import TABLES, discard_unfinished, next_offset, row_of, write_batch
from streams.wire import encode
from tests.desk.samples import NOON, make_alert


def row(offset, record, topic=ITEMS, partition=0):
    return row_of(topic, partition, offset, encode(record))


def read(folder: Path, table: str) -> list[dict[str, Any]]:
    files = sorted((folder / table).glob("dt=*/*.parquet"))
    rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    return sorted(rows, key=lambda row: row["kafka_offset"])


def make_item(item_id="i1", at=NOON) -> Item:
    return Item(item_id=item_id, feed_id="f", title="Größe", published_at=at, seen_at=at)


def make_mention() -> Mention:
    alert = make_alert()
    source = alert.sources[0]
    figure = FigureHit(
        figure_id="muster",
        name="Petra Muster",
        confidence=0.9,
        level="alert",
        mentions=source.figure,
    )
    return Mention(
        mention_id="m1", item=source.item, story=Story(story_id="s1"), figure=figure,
        policy_topics=source.policy_topics,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "record", "columns"),
    [
        (ITEMS, make_item(), {"item_id": "i1", "title": "Größe", "seen_at": NOON}),
        (MENTIONS, make_mention(), {"figure_name": "Petra Muster", "story_id": "s1",
                                    "policy_topics": ["ai"], "item_id": "item-a1"}),
        (ALERTS, make_alert(copies=3), {"alert_id": "a1", "revision": 1, "source_count": 4,
                                        "policy_topics": ["ai"], "alerted_at": NOON,
                                        "url": "https://news.example/bilder", "notify": True}),
    ],
)  # fmt: skip
def test_round_trip(tmp_path, topic, record, columns):
    [file] = write_batch(tmp_path, topic, 3, 7, 7, [row(7, record, topic, 3)])
    table = TABLES[topic].name
    assert file == tmp_path / table / "dt=2026-03-02" / f"{topic}-3-7-7.parquet"
    [found] = read(tmp_path, table)
    assert found | columns == found
    assert (found["kafka_partition"], found["kafka_offset"]) == (3, 7)
    assert msgspec.json.decode(found["record"].encode(), type=type(record)) == record


def test_a_batch_is_split_by_day_and_moves_the_offset(tmp_path):
    late = make_item("i2", NOON + timedelta(days=1))
    files = write_batch(tmp_path, ITEMS, 0, 5, 9, [row(5, make_item()), row(8, late)])
    assert [file.parent.name for file in files] == ["dt=2026-03-02", "dt=2026-03-03"]
    assert next_offset(tmp_path, ITEMS, 0) == 10
    assert next_offset(tmp_path, ITEMS, 1) is None


def test_writing_the_same_batch_again_changes_nothing(tmp_path):
    for _ in range(2):
        write_batch(tmp_path, ITEMS, 0, 0, 1, [row(0, make_item("a")), row(1, make_item("b"))])
    assert [found["item_id"] for found in read(tmp_path, "items")] == ["a", "b"]


def test_a_batch_of_nothing_readable_moves_the_offset(tmp_path):
    assert write_batch(tmp_path, ITEMS, 0, 4, 6, []) == []
    assert next_offset(tmp_path, ITEMS, 0) == 7


def test_what_a_crash_left_is_removed_and_finished_batches_stay(tmp_path):
    write_batch(tmp_path, ITEMS, 1, 0, 9, [row(0, make_item("kept"))])
    write_batch(tmp_path, ITEMS, 11, 10, 19, [row(10, make_item("other partition"))])
    offset = tmp_path / "offsets" / f"{ITEMS}-1.json"
    before = offset.read_bytes()
    [unfinished] = write_batch(tmp_path, ITEMS, 1, 10, 12, [row(10, make_item("unfinished"))])
    offset.write_bytes(before)  # as if the process had died between the two renames
    part = unfinished.with_name(f"{ITEMS}-1-5-9.parquet.part")
    part.write_bytes(b"half a file")

    assert set(discard_unfinished(tmp_path, ITEMS, 1)) == {unfinished, part}
    assert discard_unfinished(tmp_path, ITEMS, 1) == []
    assert {found["item_id"] for found in read(tmp_path, "items")} == {"kept", "other partition"}


@pytest.mark.parametrize("content", [b"", b"{}", b'{"next": "x"}', b"\xff"])
def test_a_broken_offset_is_told_with_its_file(tmp_path, content):
    file = tmp_path / "offsets" / f"{ITEMS}-0.json"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=file.name):
        next_offset(tmp_path, ITEMS, 0)


@pytest.mark.parametrize("module", ["parquet", "query"])
def test_without_the_extra_the_cure_is_told(monkeypatch, module):
    name = f"streams.sinks.{module}"
    __import__(name)
    missing = {"parquet": "pyarrow", "query": "duckdb"}[module]
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=r"pip install 'wirewatch\[archive\]'"):
        __import__(name)
