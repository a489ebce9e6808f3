"""What finding figures costs, by the size of the watchlist."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import spacy
from spacy.matcher import PhraseMatcher

from streams.enrich.figures import FigureMatcher
from streams.enrich.names import spellings
from streams.enrich.text import Document, make_document
from streams.records import Figure
from tests.bench.measure import NAN, Timing, compare, resident_megabytes
from tests.bench.result import Result, Row
from tests.bench.samples import make_figures, make_texts


def run(
    *,
    sizes: Sequence[int] = (100, 1_000, 10_000, 100_000),
    supported_sizes: Sequence[int] = (100, 1_000, 10_000),
    rival_size: int = 1_000,
    texts: int = 100,
    rounds: int = 7,
) -> Result:
    """Search the same texts with watchlists of all sizes, and with two string matchers.

    Args:
        sizes: figures with names only.
        supported_sizes: figures that also have a title and two cues each.
        rival_size: figures whose names the string matchers look for.
        texts: half of them name one of the first hundred figures.
        rounds: see `compare`.
    """
    documents = [
        make_document("", body) for body in make_texts(texts, make_figures(100, supported=False))
    ]
    builds = [_Build(size, supported=False) for size in sizes]
    builds += [_Build(size, supported=True) for size in supported_sizes]
    variants: dict[str, Callable[[], object]] = {
        build.name: partial(build.search, documents) for build in builds
    }
    rivals = _rivals(make_figures(rival_size, supported=False), documents)
    timings = compare(variants | rivals, units=texts, rounds=rounds)
    rows = [
        _row(build.name, timings[build.name], build.seconds, build.megabytes) for build in builds
    ]
    rows += [_row(name, timings[name], NAN, NAN) for name in rivals]
    hits = {build.name: build.search(documents) for build in builds}
    return Result(
        name="figures",
        rows=tuple(rows),
        notes=(
            f"{texts} German and English texts of {_mean_length(documents):,.0f} characters; "
            f"figures found: {', '.join(str(count) for count in hits.values())}",
            "the last two only find strings: no genitives, weights, evidence or sentences",
        ),
    )


class _Build:
    """A matcher, and what it took to build."""

    def __init__(self, size: int, *, supported: bool) -> None:
        self.name = f"{size:,} figures" + (", with title and cues" if supported else "")
        figures = make_figures(size, supported=supported)
        gc.collect()
        memory, began = resident_megabytes(), time.process_time()
        self._matcher = FigureMatcher(figures)
        self.seconds = time.process_time() - began
        self.megabytes = resident_megabytes() - memory

    def search(self, documents: Iterable[Document]) -> int:
        """Return how many figures were found."""
        return sum(
            len(self._matcher.find(document, "de" if number % 2 == 0 else "en"))
            for number, document in enumerate(documents)
        )


def _rivals(figures: list[Figure], documents: list[Document]) -> dict[str, Callable[[], object]]:
    names = sorted({name.surface for f in figures for name in spellings(f)}, key=len, reverse=True)
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")
    blank = spacy.blank("de")
    phrases = PhraseMatcher(blank.vocab)
    phrases.add("figure", [blank(name) for name in names])
    size = f"{len(figures):,} figures"
    return {
        f"re alternation, {size}": lambda: [pattern.findall(d.text) for d in documents],
        f"spaCy PhraseMatcher, {size}": lambda: [phrases(blank(d.text)) for d in documents],
    }


def _row(name: str, timing: Timing, build_seconds: float, megabytes: float) -> Row:
    return {
        "matcher": name,
        "CPU ms/text": timing.cpu * 1e3,
        "texts/s of a core": 1 / timing.cpu,
        "RSS MB": megabytes,
        "build s": build_seconds,
    }


def _mean_length(documents: Sequence[Document]) -> float:
    return sum(len(document.text) for document in documents) / len(documents)
