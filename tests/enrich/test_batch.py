"""A batch in a pool's process: one bad record never costs the others anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from streams.config import default_config_folder
from streams.enrich.batch import begin, enrich_batch, write_snapshot
from streams.enrich.pipeline import Enricher
from streams.records import EnrichedItem, Item
from streams.testing import NOW, make_item
from streams.wire import decode, encode


@pytest.fixture
def snapshot(tmp_path: Path) -> str:
    path = tmp_path / "watchlist.json"
    write_snapshot(path, [])
    begin(str(default_config_folder() / "policy"), {}, "off", str(path))
    return str(path)


def test_what_cannot_be_decoded_or_enriched_fails_alone(
    snapshot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Enricher.enrich_all

    def fragile(self: Enricher, items: Sequence[Item], now: datetime) -> list[EnrichedItem]:
        if any("FATAL" in item.title for item in items):
            raise ValueError("cannot be read")
        return real(self, items, now)

    monkeypatch.setattr(Enricher, "enrich_all", fragile)
    good, bad = make_item(number=1, title="Rain in the north"), make_item(number=2, title="FATAL")
    other = make_item(number=3, title="Sonne im Süden")
    values = [encode(good), b"\xff", encode(bad), None, encode(other)]
    results = enrich_batch(snapshot, values, NOW)
    errors = [result.error for result in results]
    assert [bool(error) for error in errors] == [False, True, True, True, False]
    assert errors[2] == "ValueError: cannot be read"
    told = [decode(EnrichedItem, results[at].value).item.item_id for at in (0, 4)]
    assert told == [good.item_id, other.item_id]


_FIRST = """
import sys, time
from streams.enrich.batch import begin, enrich_batch
from streams.testing import NOW, make_item
from streams.wire import encode
policy, snapshot = sys.argv[1:]
begin(policy, {}, "off", snapshot)
began = time.process_time()
enrich_batch(snapshot, [encode(make_item(title="Rain in the north"))], NOW)
print(time.process_time() - began)
"""


def test_the_first_item_of_a_process_waits_for_nothing_to_load(tmp_path: Path) -> None:
    """An item alone has five seconds; on an overloaded machine loading took longer, and it was refused."""
    snapshot = tmp_path / "watchlist.json"
    write_snapshot(snapshot, [])
    command = [sys.executable, "-c", _FIRST, str(default_config_folder() / "policy"), str(snapshot)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert float(told) < 0.25
