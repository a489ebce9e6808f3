"""What records cost at the wire, beside plain dicts in json and orjson."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import orjson

from streams.alerts.decide import decide
from streams.enrich.pipeline import build_enricher
from streams.enrich.watchlist import read_watchlist
from streams.records import Alert, EnrichedItem, Record, Story
from streams.stories.cluster import mentions_of
from streams.testing import NOW, make_item, make_rule
from streams.wire import decode, encode
from tests.bench.measure import compare
from tests.bench.result import Result, Row
from tests.bench.samples import newsroom_items
from tests.e2e.stream import CONFIG

OURS = "streams.wire"


def run(*, repeats: int = 300, rounds: int = 9, sources: int = 5) -> Result:
    """Encode and decode what the stream makes of a short item, and an alert with some sources."""
    enriched, alert = _records(sources)
    rows = [
        row
        for record in (enriched, alert)
        for operation, variants in _operations(record).items()
        for row in _compare(record, operation, variants, repeats, rounds)
    ]
    return Result(
        name="wire",
        rows=tuple(rows),
        notes=(
            "streams.wire decodes to checked records; json and orjson to dicts that nobody checked",
            "orjson + convert: the dict made a checked record by msgspec",
        ),
    )


def _records(sources: int) -> tuple[EnrichedItem, Alert]:
    """An enriched item, and the alert that it and copies of it have made, as the stages do."""
    enricher = build_enricher(read_watchlist(CONFIG / "watchlist.yaml"), CONFIG / "policy")
    title = "Mark Zuckerberg presents a plan for the regulation of artificial intelligence"
    summary = newsroom_items("en")[0].summary
    alert = None
    for number in range(sources):
        item = make_item(number=number, title=title, summary=summary)
        enriched = enricher.enrich(item, NOW)
        mention = mentions_of(enriched, Story(story_id="story"))[0]
        alert = decide(alert, make_rule(), mention, NOW).alert
    assert alert is not None  # every source is a new one
    return enriched, alert


def _operations(record: Record) -> dict[str, dict[str, Callable[[], object]]]:
    type_, value = type(record), encode(record)
    plain, text = msgspec.to_builtins(record), value.decode()
    return {
        "encode": {
            OURS: lambda: encode(record),
            "orjson": lambda: orjson.dumps(plain),
            "json": lambda: json.dumps(plain),
        },
        "decode": {
            OURS: lambda: decode(type_, value),
            "orjson": lambda: orjson.loads(value),
            "orjson + convert": lambda: msgspec.convert(orjson.loads(value), type_),
            "json": lambda: json.loads(text),
        },
    }


def _compare(
    record: Record,
    operation: str,
    variants: dict[str, Callable[[], object]],
    repeats: int,
    rounds: int,
) -> list[Row]:
    def repeated(work: Callable[[], object]) -> Callable[[], object]:
        def call() -> None:
            for _ in range(repeats):
                work()

        return call

    timings = compare(
        {name: repeated(work) for name, work in variants.items()}, units=repeats, rounds=rounds
    )
    return [
        {
            "record": f"{type(record).__name__}, {len(encode(record)) / 1000:.1f} kB",
            "operation": operation,
            "variant": name,
            "CPU µs": timing.cpu * 1e6,
            "time / wire": timing.cpu / timings[OURS].cpu,
        }
        for name, timing in timings.items()
    ]
