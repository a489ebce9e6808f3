"""Trains the entity model: `make train-ner DATA=folder`.

Reads our own sentences (`written/`) and the corpora of `corpora.LEARNED` below the folder, writes
`streams/enrich/data/entities`. What is only judged on is never read here; a part of what is learned from
is held back to choose the best state. Seeds are fixed.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any

import spacy
import typer
from rich.console import Console
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import filter_spans, load_config
from spacy.vocab import Vocab
from thinc.api import NumpyOps, set_current_ops

from streams.enrich.entity_models import OWN_FOLDER, halve, register, tokenizer_of
from tests.gold.entities import variants  # noqa: F401 - registers the augmenter
from tests.gold.entities.corpora import LEARNED, read
from tests.gold.entities.sentences import UNCLEAR, Sentence

__all__ = ["WEIGHTS", "chosen", "docs_of", "main"]

CONFIG = Path(__file__).parent / "model.cfg"
WEIGHTS: Mapping[str, int] = {
    "germeval-test": 4,
    **dict.fromkeys(("written-de", "written-en", "ewt-dev"), 2),
    **dict.fromkeys(("crossner-politics-train", "crossner-politics-dev"), 1),
    **dict.fromkeys(("crossner-ai-train", "crossner-ai-dev", "crossner-ai-test"), 1),
    **dict.fromkeys(("ler-dev", "ler-test"), 1),
}
"""How often a corpus is read in an epoch: what is nearest to news counts double, German gold twice that."""
LEGAL_SENTENCES = 750
"""Of each half of LER: court decisions hold few persons and places, and long references."""
HELD_BACK = 12
"""Of 256 sentences, so many are held back, by their text."""


def main(
    data: Annotated[Path, typer.Option(help="Folder of the corpora, see README.md.")],
    out: Annotated[Path, typer.Option(help="Folder of the model.")] = OWN_FOLDER,
    version: Annotated[str, typer.Option(help="Version that the model states.")] = "1.0",
    only: Annotated[
        str, typer.Option(help="Names of corpora, comma between: for learning curves.")
    ] = "",
    epochs: Annotated[int, typer.Option(help="Instead of those in model.cfg; 0: those.")] = 0,
) -> None:
    """Train the model and write it."""
    notes = Console(stderr=True)
    learned, held = chosen(data, only.split(",") if only else list(WEIGHTS))
    words = sum(len(sentence.text.split()) for sentence in learned)
    notes.print(f"{len(learned)} sentences, {words:,} words; {len(held)} sentences held back")
    register()
    _use_numpy()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        vocab = spacy.blank("xx").vocab
        for name, sentences in (("train", learned), ("dev", held)):
            bundle = DocBin(docs=docs_of(sentences, vocab), store_user_data=True)
            bundle.to_disk(work / f"{name}.spacy")
        overrides: dict[str, object] = {
            f"paths.{name}": str(work / f"{name}.spacy") for name in ("train", "dev")
        }
        if epochs:
            overrides["training.max_epochs"] = epochs
        nlp = init_nlp(load_config(CONFIG, overrides=overrides, interpolate=False))
        _use_numpy(nlp)
        (work / "out").mkdir()
        train_loop(nlp, work / "out", stdout=sys.stderr, stderr=sys.stderr)
        _write(spacy.load(work / "out" / "model-best"), out, version)
    notes.print(f"written to {out}")


def chosen(data: Path, names: Iterable[str]) -> tuple[list[Sentence], list[Sentence]]:
    """Sentences to learn from, shuffled, and those held back."""
    random = Random(0)
    learned: list[Sentence] = []
    held: list[Sentence] = []
    for name in names:
        sentences = read(name, data)
        if name.startswith("ler-"):
            sentences = _legal(sentences, random)
        for sentence in sentences:
            if _is_held_back(sentence):
                held.append(sentence)
            else:
                learned += [sentence] * WEIGHTS[name]
    random.shuffle(learned)
    unknown = set(names) - set(LEARNED)
    assert not unknown, f"these are not for learning: {unknown}"
    return learned, held


def _legal(sentences: Sequence[Sentence], random: Random) -> list[Sentence]:
    """Sentences of court decisions that hold names and no references."""
    named = [
        sentence
        for sentence in sentences
        if sentence.spans and all(span.label != UNCLEAR for span in sentence.spans)
    ]
    return random.sample(named, min(LEGAL_SENTENCES, len(named)))


def _is_held_back(sentence: Sentence) -> bool:
    return hashlib.blake2b(sentence.text.encode(), digest_size=1).digest()[0] < HELD_BACK


def docs_of(sentences: Iterable[Sentence], vocab: Vocab) -> Iterable[Doc]:
    """Sentences as spaCy reads them: cut as in production, their language as user data."""
    tokenizers = {lang: tokenizer_of(lang, vocab) for lang in ("de", "en")}
    for sentence in sentences:
        doc = tokenizers[sentence.lang](sentence.text)
        spans = [
            doc.char_span(span.start, span.end, label=span.label, alignment_mode="expand")
            for span in sentence.spans
        ]
        known = filter_spans([span for span in spans if span is not None])
        doc.set_ents(
            [span for span in known if span.label_ != UNCLEAR],
            missing=[span for span in known if span.label_ == UNCLEAR],
        )
        doc.user_data["lang"] = sentence.lang
        yield doc


def _use_numpy(nlp: Language | None = None) -> None:
    """Train with numpy's BLAS, which is faster than blis."""
    ops = NumpyOps(use_blis=False)
    set_current_ops(ops)
    if nlp is not None:
        model: Any = nlp.get_pipe("ner").model  # type: ignore[attr-defined]
        for node in model.walk():
            node.ops = ops


def _write(nlp: Language, out: Path, version: str) -> None:
    """Write the model in half precision, with nothing of the words that it was trained on."""
    nlp.meta.update(
        name="wirewatch_entities",
        version=version,
        description="Persons, organisations, places, laws and others in German and English news",
        license="see MODEL_CARD.md",
    )
    halve(nlp)
    card = out / "MODEL_CARD.md"
    kept = card.read_text("utf-8") if card.exists() else ""
    shutil.rmtree(out, ignore_errors=True)
    nlp.to_disk(out, exclude=["vocab"])
    if kept:
        card.write_text(kept, "utf-8")


if __name__ == "__main__":
    typer.run(main)
