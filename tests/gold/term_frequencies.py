"""Counts in how many texts of ours a word stands: `python -m tests.gold.term_frequencies`.

Writes `streams/stories/data/term_frequencies.txt`. Rare words tell which news an item tells, so their weights must not
depend on what came before: replay would group otherwise. Counted are the items that topics are learned from
and the sentences that entities are learned from, never what anything is measured on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from streams.enrich.gold import read_gold
from streams.stories.terms import FREQUENCIES, cut, words_of
from tests.gold.entities.sentences import read_marked

HERE = Path(__file__).parent
LEAST = 3
"""Rarer terms count as unknown."""


def texts() -> Iterator[tuple[str, str]]:
    """Language and text of all that is counted."""
    for item in read_gold(sorted((HERE / "train").glob("*.jsonl"))):
        yield item.lang, item.document().text
    for lang in ("de", "en"):
        for path in sorted((HERE / "entities" / "written").glob(f"{lang}-*.txt")):
            for sentence in read_marked([path], lang, path.name):
                yield lang, sentence.text


def main() -> None:
    """Count and write."""
    counts: dict[str, Counter[str]] = {"de": Counter(), "en": Counter()}
    documents: Counter[str] = Counter()
    for lang, text in texts():
        documents[lang] += 1
        counts[lang].update({cut(word) for word in words_of(text)})
    lines = ["# How many texts hold a term; see tests/gold/term_frequencies.py"]
    for lang, terms in sorted(counts.items()):
        lines.append(f"{lang}\t\t{documents[lang]}")
        lines += [f"{lang}\t{term}\t{n}" for term, n in sorted(terms.items()) if n >= LEAST]
    FREQUENCIES.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
