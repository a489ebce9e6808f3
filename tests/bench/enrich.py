"""What enriching short news costs, and which step takes how much of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from streams.enrich import pipeline
from streams.enrich.language import detect
from streams.enrich.pipeline import Enricher, build_enricher
from streams.enrich.text import make_document
from streams.enrich.watchlist import read_watchlist
from streams.records import Item
from streams.testing import NOW
from tests.bench.result import Result, Row
from tests.bench.samples import LANGS, newsroom_items
from tests.e2e.stream import CONFIG

STEPS = ("text", "language", "figures", "policy", "entities")


def run(*, items: int = 60, rounds: int = 9) -> Result:
    """Enrich the demo newsroom's items, German and English by turns, with the starter files."""
    figures = read_watchlist(CONFIG / "watchlist.yaml")
    enricher = build_enricher(figures, CONFIG / "policy.yaml")
    samples = {lang: newsroom_items(lang)[:items] for lang in LANGS}
    rounds_of: dict[str, list[dict[str, float]]] = {lang: [] for lang in LANGS}
    for number in range(rounds + 1):
        for lang, sample in samples.items():
            times = _time_steps(enricher, sample)
            if number:  # the first round loads models and fills caches
                rounds_of[lang].append(times)
    skipped = {
        lang: ", ".join(dict.fromkeys(e for i in sample for e in enricher.enrich(i, NOW).skipped))
        for lang, sample in samples.items()
    }
    return Result(
        name="enrich",
        rows=tuple(_row(lang, samples[lang], rounds_of[lang]) for lang in LANGS),
        notes=(
            f"{len(figures)} figures; CPU time of all threads; steps in per cent of the whole",
            "text: HTML to text; sentences are split by figures where there are some, else by policy",
            *(f"{lang}: {reason}" for lang, reason in skipped.items() if reason),
        ),
    )


def _row(lang: str, sample: list[Item], rounds: list[dict[str, float]]) -> Row:
    whole = statistics.median(times["whole"] for times in rounds)
    length = sum(len(item.title) + len(item.summary) for item in sample) / len(sample)
    row: Row = {
        "items": f"{len(sample)} {lang}, {length:.0f} characters",
        "items/s of a core": len(sample) / whole,
        "CPU ms/item": whole / len(sample) * 1e3,
    }
    for step in STEPS:
        row[f"{step} %"] = 100 * statistics.median(t[step] / t["whole"] for t in rounds)
    return row


def _time_steps(enricher: Enricher, items: list[Item]) -> dict[str, float]:
    """CPU seconds of the real pipeline over the items, and of each of its steps."""
    spent = dict.fromkeys(STEPS, 0.0)

    def timed(step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return function(*args, **options)
            finally:
                spent[step] += time.process_time() - began

        return call

    with (
        patch.object(pipeline, "make_document", timed("text", make_document)),
        patch.object(pipeline, "detect", timed("language", detect)),
        patch.object(enricher.matcher, "find", timed("figures", enricher.matcher.find)),
        patch.object(enricher.policy, "find", timed("policy", enricher.policy.find)),
        patch.object(enricher.tagger, "tag", timed("entities", enricher.tagger.tag)),
    ):
        began = time.process_time()
        for item in items:
            enricher.enrich(item, NOW)
        return {"whole": time.process_time() - began, **spent}
