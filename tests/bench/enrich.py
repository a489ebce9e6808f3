"""What enriching short news costs, and which step takes how much of it.

Measured in processes of their own, as a worker has them: numpy decides when it is loaded how many
threads multiply its matrices, and those of a small model are too small for more than one.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from streams.enrich import pipeline
from streams.enrich.language import detect
from streams.enrich.pipeline import Enricher, build_enricher
from streams.enrich.text import make_document
from streams.enrich.watchlist import read_watchlist
from streams.testing import NOW
from tests.bench.result import Result, Row
from tests.bench.samples import LANGS, Lang, newsroom_items
from tests.e2e.stream import CONFIG

STEPS = ("text", "language", "figures", "near names", "policy", "entities")
Times = dict[str, float]
"""CPU seconds of each step and of the whole; `wall`, seconds by the clock of the whole."""


def run(
    *, items: int = 60, rounds: int = 9, threads: Sequence[str] = ("as it likes", "1")
) -> Result:
    """Enrich the demo newsroom's items with the starter watchlist and lexicon.

    Args:
        items: at most so many of each language.
        rounds: that count; the languages and the numbers of threads take turns.
        threads: how many numpy may use, each a variant.
    """
    with ExitStack() as stack:
        processes = {name: stack.enter_context(_process(name)) for name in threads}
        starts = [
            process.submit(_time_steps, lang, items)
            for lang in LANGS
            for process in processes.values()
        ]
        for start in starts:  # loads models and fills caches
            start.result()
        found: dict[tuple[Lang, str], list[Times]] = {
            (lang, n): [] for lang in LANGS for n in threads
        }
        for _ in range(rounds):
            for (lang, name), times in found.items():
                times.append(processes[name].submit(_time_steps, lang, items).result())
        skipped = {lang: processes[threads[0]].submit(_skipped, lang).result() for lang in LANGS}
    return Result(
        name="enrich",
        rows=tuple(_row(lang, name, items, times) for (lang, name), times in found.items()),
        notes=(
            "CPU time of all threads; steps in per cent of the whole",
            "text: HTML to text; sentences are split by figures where there are some, else by policy",
            *(f"{lang}: {reason}" for lang, reason in skipped.items() if reason),
        ),
    )


def _row(lang: Lang, threads: str, limit: int, rounds: list[Times]) -> Row:
    sample = newsroom_items(lang)[:limit]
    length = sum(len(item.title) + len(item.summary) for item in sample) / len(sample)
    cpu = statistics.median(times["whole"] for times in rounds) / len(sample)
    row: Row = {
        "items": f"{len(sample)} {lang}, {length:.0f} characters",
        "BLAS threads": threads,
        "items/s of a core": 1 / cpu,
        "CPU ms/item": cpu * 1e3,
        "wall ms/item": statistics.median(t["wall"] for t in rounds) / len(sample) * 1e3,
    }
    for step in STEPS:
        row[f"{step} %"] = 100 * statistics.median(t[step] / t["whole"] for t in rounds)
    return row


# --- in the processes -------------------------------------------------------------------------


def _process(threads: str) -> ProcessPoolExecutor:
    """Start a process whose numpy has been told how many threads to use."""
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    number = threads if threads.isdigit() else ""
    with patch.dict(os.environ, {"OPENBLAS_NUM_THREADS": number}):
        pool.submit(os.getpid).result()
    return pool


@functools.cache
def _enricher() -> Enricher:
    return build_enricher(read_watchlist(CONFIG / "watchlist.yaml"), CONFIG / "policy")


def _skipped(lang: Lang) -> str:
    return ", ".join(_enricher().enrich(newsroom_items(lang)[0], NOW).skipped)


def _time_steps(lang: Lang, limit: int) -> Times:
    """Run the real pipeline over the items, with a stopwatch around each of its steps."""
    enricher, items = _enricher(), newsroom_items(lang)[:limit]
    near = enricher.matcher.near
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
        patch.object(near, "find", timed("near names", near.find)),
        patch.object(enricher.policy, "find", timed("policy", enricher.policy.find)),
        patch.object(enricher.tagger, "tag_all", timed("entities", enricher.tagger.tag_all)),
    ):
        cpu, wall = time.process_time(), time.perf_counter()
        for item in items:
            enricher.enrich(item, NOW)
        return {"whole": time.process_time() - cpu, "wall": time.perf_counter() - wall, **spent}
