"""Enrichment inside a pool's process: bytes in, bytes out. Never imports Faust.

The process builds its `Enricher` once, and edits the watchlist in place when a batch names another
snapshot of it.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streams.enrich.language import shard_of
from streams.enrich.pipeline import Enricher, build_enricher
from streams.records import EnrichedItem, Figure, Item
from streams.wire import decode, encode

__all__ = ["BatchResult", "begin", "enrich_batch", "settle", "write_snapshot"]


class BatchResult(msgspec.Struct, frozen=True):
    """What became of one item; `error` is empty or says why it cannot be enriched."""

    key: bytes = b""
    value: bytes = b""
    timestamp: float = 0.0
    """Seconds since the epoch: when the item was first seen."""
    error: str = ""


class _Process:
    """What a process keeps between batches."""

    enricher: Enricher
    snapshot: str = ""
    figures: dict[str, Figure]


def begin(policy_path: str, models: Mapping[str, str], semantics: str, snapshot: str) -> None:
    """Initialise a process of the pool, models included, so that the first batch is quick."""
    figures = _read_snapshot(snapshot)
    _Process.enricher = build_enricher(figures.values(), Path(policy_path), models, semantics)
    _Process.enricher.load()
    _warm_up()
    _Process.figures, _Process.snapshot = figures, snapshot
    settle()


def _warm_up() -> None:
    """Enrich a text in each language, since much is loaded when it is first needed.

    That takes a second on a busy machine, and several on an overloaded one: within the deadline of an item it
    could make an innocent one seem to hang.
    """
    then = datetime(2026, 1, 1, tzinfo=UTC)
    _Process.enricher.enrich_all(
        [
            Item(item_id=lang, feed_id="", title=title, lang=lang, published_at=then, seen_at=then)
            for lang, title in (("en", "Rain in the north"), ("de", "Sonne im Süden"))
        ],
        then,
    )


def settle() -> None:
    """Let the garbage collector leave what is loaded alone: it is large, and stays.

    Otherwise each of its full rounds walks the names of the whole watchlist: with 100,000 names that
    was half of the time of an item.
    """
    gc.collect()
    gc.freeze()


def write_snapshot(path: Path, figures: Sequence[Figure]) -> None:
    """Write a watchlist for `enrich_batch` to read, at once or not at all."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(figures))
    temporary.replace(path)


def enrich_batch(snapshot: str, values: Sequence[bytes | None], now: datetime) -> list[BatchResult]:
    """Enrich encoded items.

    Args:
        snapshot: path of the watchlist to use.
        values: encoded Items.
        now: becomes `enriched_at`.

    Returns:
        One result per value, in order; a value that cannot be enriched never stops the others.
    """
    _use(snapshot)
    results = [_decoded(value) for value in values]
    items = [found for found in results if isinstance(found, Item)]
    try:
        enriched = iter([_result(each) for each in _Process.enricher.enrich_all(items, now)])
    except Exception:  # noqa: BLE001 - one of them fails: each by itself shows which
        enriched = iter([_enrich(item, now) for item in items])
    return [found if isinstance(found, BatchResult) else next(enriched) for found in results]


def _decoded(value: bytes | None) -> Item | BatchResult:
    try:
        return decode(Item, value)
    except Exception as error:  # noqa: BLE001 - whatever a record holds, only it fails
        return _failed(error)


def _enrich(item: Item, now: datetime) -> BatchResult:
    try:
        return _result(_Process.enricher.enrich(item, now))
    except Exception as error:  # noqa: BLE001 - whatever a text does, only its item fails
        return _failed(error)


def _result(enriched: EnrichedItem) -> BatchResult:
    return BatchResult(
        key=shard_of(enriched.item.lang).encode(),
        value=encode(enriched),
        timestamp=enriched.item.seen_at.timestamp(),
    )


def _failed(error: Exception) -> BatchResult:
    return BatchResult(error=f"{type(error).__name__}: {error}")


def _use(snapshot: str) -> None:
    """Bring the matcher to a snapshot by editing what differs."""
    if snapshot == _Process.snapshot:
        return
    new, old = _read_snapshot(snapshot), _Process.figures
    for figure_id in old.keys() | new.keys():
        if old.get(figure_id) != new.get(figure_id):
            _Process.enricher.matcher.update(figure_id, new.get(figure_id))
    _Process.figures, _Process.snapshot = new, snapshot


def _read_snapshot(snapshot: str) -> dict[str, Figure]:
    figures = msgspec.json.decode(Path(snapshot).read_bytes(), type=list[Figure])
    return {figure.figure_id: figure for figure in figures}
