"""The corpora that the entity model learns from and is judged on, as sentences of one form.

They lie beside the project (`--data`, see the README here for addresses and licences). Each corpus has its
own labels; what ours has no counterpart for is left out, and where it is unclear what we would say,
the span is marked so and not learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from streams.errors import NotFoundError
from tests.gold.entities.sentences import UNCLEAR, Sentence, from_tokens, read_marked

__all__ = ["JUDGED", "LEARNED", "read"]

WRITTEN = Path(__file__).parent / "written"

_GERMEVAL = {"PER": "PER", "ORG": "ORG", "LOC": "LOC", "OTH": "MISC"}
_UNER = {"PER": "PER", "ORG": "ORG", "LOC": "LOC"}
_WIKIGOLD = {**_UNER, "MISC": "MISC"}
_CROSSNER = {
    **dict.fromkeys(("politician", "person", "researcher"), "PER"),
    **dict.fromkeys(("politicalparty", "organisation", "university"), "ORG"),
    **dict.fromkeys(("country", "location"), "LOC"),
    **dict.fromkeys(("election", "event", "conference"), "MISC"),
    **dict.fromkeys(("misc", "product"), UNCLEAR),
}
"""`misc` holds nationalities beside works, `product` kinds beside names. Tasks, metrics are no names."""
_LER = {
    **dict.fromkeys(("PER", "RR", "AN"), "PER"),
    **dict.fromkeys(("ORG", "UN", "INN", "GRT"), "ORG"),
    **dict.fromkeys(("LD", "ST", "STR", "LDS"), "LOC"),
    **dict.fromkeys(("GS", "VO", "EUN", "VT"), "LAW"),
    **dict.fromkeys(("RS", "LIT", "VS", "MRK"), UNCLEAR),
}
"""References to rulings and books hold names of courts and persons; they are read as one span there."""

Rows = Iterator[tuple[list[str], list[str]]]


def _rows(path: Path, word: int, tag: int, separator: str | None) -> Rows:
    """Sentences of a file with a token a line and blank lines between them."""
    words: list[str] = []
    tags: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        cells = line.split(separator)
        if not line.strip():
            if words:
                yield words, tags
            words, tags = [], []
        elif not line.startswith(("# ", "#\t", "-DOCSTART-")) and len(cells) > tag:
            words.append(cells[word])
            tags.append(cells[tag])
    if words:
        yield words, tags


def _renamed(tags: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    """Tags with our labels; `O` for what is none of ours, parts and derivations included."""
    found = []
    for tag in tags:
        position, _, label = tag.partition("-")
        found.append(f"{position}-{labels[label]}" if label in labels else "O")
    return found


def _tokens(
    name: str, lang: str, labels: Mapping[str, str], word: int, tag: int, separator: str | None
) -> Callable[[Path], Iterator[Sentence]]:
    """A reader of a file of tokens below the folder of the corpora."""

    def sentences(data: Path) -> Iterator[Sentence]:
        path = data / name
        if not path.exists():
            raise NotFoundError(
                f"no corpus {path}",
                cure="see tests/gold/entities/README.md for where it comes from",
            )
        for words, tags in _rows(path, word, tag, separator):
            yield from_tokens(words, _renamed(tags, labels), lang, name.split("/")[0])

    return sentences


def _written(lang: str) -> Callable[[Path], Iterator[Sentence]]:
    """A reader of our own sentences."""
    return lambda _: read_marked(sorted(WRITTEN.glob(f"{lang}-*.txt")), lang, f"written-{lang}")


LEARNED: Mapping[str, Callable[[Path], Iterator[Sentence]]] = {
    "written-de": _written("de"),
    "written-en": _written("en"),
    "germeval-test": _tokens("germeval2014/NER-de-test.tsv", "de", _GERMEVAL, 1, 2, "\t"),
    "ewt-dev": _tokens("uner/en_ewt-ud-dev.iob2", "en", _UNER, 1, 2, "\t"),
    "crossner-politics-train": _tokens("crossner/politics.train.txt", "en", _CROSSNER, 0, 1, None),
    "crossner-politics-dev": _tokens("crossner/politics.dev.txt", "en", _CROSSNER, 0, 1, None),
    "crossner-ai-train": _tokens("crossner/ai.train.txt", "en", _CROSSNER, 0, 1, None),
    "crossner-ai-dev": _tokens("crossner/ai.dev.txt", "en", _CROSSNER, 0, 1, None),
    "crossner-ai-test": _tokens("crossner/ai.test.txt", "en", _CROSSNER, 0, 1, None),
    "ler-dev": _tokens("ler/ler_dev.conll", "de", _LER, 0, 1, None),
    "ler-test": _tokens("ler/ler_test.conll", "de", _LER, 0, 1, None),
}
"""What may be learned from."""

JUDGED: Mapping[str, Callable[[Path], Iterator[Sentence]]] = {
    "germeval-dev": _tokens("germeval2014/NER-de-dev.tsv", "de", _GERMEVAL, 1, 2, "\t"),
    "crossner-politics-test": _tokens("crossner/politics.test.txt", "en", _CROSSNER, 0, 1, None),
    "wikigold": _tokens("wikigold/en.test.conllu", "en", _WIKIGOLD, 1, 2, None),
}
"""What is only measured."""


def read(name: str, data: Path) -> list[Sentence]:
    """Read a corpus by its name."""
    return list({**LEARNED, **JUDGED}[name](data))
