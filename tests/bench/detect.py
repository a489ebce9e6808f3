"""What detection by words costs in all: text, language, figures, policy topics; beside string search.

Measured in a process of its own, so that its memory is that of a worker without entities. The rivals
scan the same texts for the same names in the same process, and find strings only.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

from streams.config import default_config_folder
from streams.enrich.batch import settle
from streams.enrich.figures import FigureMatcher
from streams.enrich.language import detect
from streams.enrich.names import spellings
from streams.enrich.policy import PolicyMatcher, read_policy
from streams.enrich.text import Document, make_document
from streams.records import Figure
from tests.bench.measure import NAN, compare, resident_megabytes
from tests.bench.result import Result, Row
from tests.bench.samples import make_figures, make_news

NAMES_PER_FIGURE = 4
"""Full name, surname, initial and comma form."""


def run(*, names: int = 100_000, texts: int = 300, rounds: int = 5) -> Result:
    """Detect in German and English texts of about 1,000 characters.

    Args:
        names: of watched figures; every other text names one of them.
        texts: different ones.
        rounds: that count.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        rows, notes = pool.submit(_measure, names, texts, rounds).result()
    return Result(name="detect", rows=tuple(rows), notes=tuple(notes))


def _measure(names: int, count: int, rounds: int) -> tuple[list[Row], list[str]]:
    began = time.process_time()
    figures = make_figures(names // NAMES_PER_FIGURE, supported=False)
    matcher = FigureMatcher(figures)
    policy = PolicyMatcher(read_policy(default_config_folder() / "policy"))
    seconds = time.process_time() - began
    texts = make_news(count, figures[:100])
    documents = [_detect(text, matcher, policy) for text in texts]  # fills the caches
    settle()
    megabytes = resident_megabytes()
    variants: dict[str, Callable[[], object]] = {
        "text, language, figures, 7 policy topics": lambda: [
            _detect(text, matcher, policy) for text in texts
        ],
        **_steps(texts, documents, matcher, policy),
        **_rivals(figures, texts),
    }
    timings = compare(variants, units=count, rounds=rounds)
    whole = next(iter(variants))
    rows: list[Row] = [
        {
            "step": name,
            "items/s of a core": 1 / timing.cpu,
            "CPU ms/item": timing.cpu * 1e3,
            "RSS MB": megabytes if name == whole else NAN,
        }
        for name, timing in timings.items()
    ]
    length = sum(map(len, texts)) / count
    spelt = sum(len(spellings(figure)) for figure in figures)
    notes = [
        f"{spelt:,} names; {count} texts of {length:,.0f} characters; ready after {seconds:.1f} s",
        "RSS: the whole process, Python and models included, before the rivals are built",
    ]
    return rows, notes


def _detect(text: str, matcher: FigureMatcher, policy: PolicyMatcher) -> Document:
    document = make_document("", text)
    lang, _ = detect(document.text)
    figures = matcher.find(document, lang)
    policy.find(document, lang, figures)
    return document


def _steps(
    texts: Sequence[str],
    documents: Sequence[Document],
    matcher: FigureMatcher,
    policy: PolicyMatcher,
) -> dict[str, Callable[[], object]]:
    """Each step alone, on documents that are cut into words and sentences already."""
    langs = [detect(document.text)[0] for document in documents]
    pairs = list(zip(documents, langs, strict=True))

    def cut() -> None:
        for text in texts:
            document = make_document("", text)
            _ = document.words, document.sentences

    return {
        "  text, words and sentences": cut,
        "  language": lambda: [detect(document.text) for document in documents],
        "  figures": lambda: [matcher.find(document, lang) for document, lang in pairs],
        "  policy topics": lambda: [policy.find(document, lang) for document, lang in pairs],
    }


def _rivals(figures: Sequence[Figure], texts: Sequence[str]) -> dict[str, Callable[[], object]]:
    import ahocorasick  # here, so that our own memory is measured without them
    import spacy
    from spacy.matcher import PhraseMatcher

    names = list(dict.fromkeys(name.surface for f in figures for name in spellings(f)))
    automaton = ahocorasick.Automaton()
    for name in names:
        automaton.add_word(name, name)
    automaton.make_automaton()
    # Its tokenizer keeps 10,000 words; with more patterns it would tokenise every text anew.
    blank = spacy.blank("de")
    vars(blank)["tokenizer"].max_cache_size = 1_000_000
    phrases = PhraseMatcher(blank.vocab)
    phrases.add("figure", list(blank.pipe(names)))
    return {
        "bare pyahocorasick, same names": lambda: [list(automaton.iter(text)) for text in texts],
        "spaCy PhraseMatcher, same names": lambda: [phrases(blank(text)) for text in texts],
    }
