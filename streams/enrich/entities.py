"""Named entities: from text to Entities, by one pipeline per language.

A language without a pipeline is skipped with a reason: tagging German with an English model
invents people. Identical texts are tagged once; a wire story comes from many feeds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from streams.enrich.entity_models import OWN, OWN_LANGUAGES, Found, Pipeline, load_pipeline
from streams.enrich.text import Document
from streams.records import Entity

__all__ = ["DEFAULT_MODELS", "LABELS", "TEXT_LIMIT", "EntityTagger", "trimmed"]

DEFAULT_MODELS: Mapping[str, str] = dict.fromkeys(OWN_LANGUAGES, OWN)
TEXT_LIMIT = 5_000
"""Characters that are tagged; entities are by far the slowest step."""
CACHE = 2_048
"""Texts whose entities are kept."""
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

_LEADING = " \n\t\"'„“”‚‘’»«()[]-–—,;:"
_TRAILING = _LEADING + "."
_ARTICLES = ("the ", "The ", "a ", "an ")
_POSSESSIVES = ("'s", "’s", "'", "’")

Answer = tuple[tuple[Entity, ...], str]
"""The entities in the order of the text, and "" or the reason why none were looked for."""


class EntityTagger:
    """Tags documents with the pipelines of some languages.

    Args:
        models: language to `OWN` or the name of an installed spaCy pipeline.
    """

    def __init__(self, models: Mapping[str, str] = DEFAULT_MODELS) -> None:
        self._models = {lang: name for lang, name in models.items() if name}
        self._pipelines: dict[str, Pipeline] = {}
        self._known: OrderedDict[tuple[str, str], tuple[Entity, ...]] = OrderedDict()
        self.versions: dict[str, str] = {}
        """`entities:<lang>` to name and version of each pipeline loaded so far."""

    def load(self) -> None:
        """Load all pipelines now, so that the first document is not slow.

        Raises:
            ConfigError: a model that is configured is missing or broken.
        """
        for lang in self._models:
            self._pipeline(lang)

    def tag(self, document: Document, lang: str) -> Answer:
        """Find the entities of a document; see `tag_all`."""
        return self.tag_all([document], [lang])[0]

    def tag_all(self, documents: Sequence[Document], langs: Sequence[str]) -> list[Answer]:
        """Find the entities of some documents, faster than of one after the other.

        Args:
            documents: any texts; so much as `TEXT_LIMIT` of each is read.
            langs: the language of each.
        """
        texts = [document.text[:TEXT_LIMIT] for document in documents]
        for lang in dict.fromkeys(langs):
            if lang in self._models:
                new = dict.fromkeys(
                    text
                    for text, its in zip(texts, langs, strict=True)
                    if text and its == lang and (lang, text) not in self._known
                )
                self._tag(list(new), lang)
        found = [self._answer(text, lang) for text, lang in zip(texts, langs, strict=True)]
        while len(self._known) > CACHE:
            self._known.popitem(last=False)
        return found

    def _tag(self, texts: Sequence[str], lang: str) -> None:
        """Tag texts that are not known yet, and keep what is found."""
        for text, spans in zip(texts, self._pipeline(lang).find(texts), strict=True):
            kept = [span for span in (trimmed(span, text) for span in spans) if span is not None]
            self._known[lang, text] = tuple(
                Entity(text=text[start:end], label=label, start=start, end=end)
                for start, end, label in kept
            )

    def _answer(self, text: str, lang: str) -> Answer:
        if not text:
            return (), ""
        if lang == "und":
            return (), "entities: language not determined"
        if lang not in self._models:
            cure = f"install a spaCy pipeline and name it in WIREWATCH_MODEL_{lang.upper()}"
            return (), f"entities: no model for {lang} ({cure})"
        self._known.move_to_end((lang, text))
        return self._known[lang, text], ""

    def _pipeline(self, lang: str) -> Pipeline:
        if lang not in self._pipelines:
            self._pipelines[lang] = load_pipeline(self._models[lang], lang)
            self.versions[f"entities:{lang}"] = self._pipelines[lang].version
        return self._pipelines[lang]


def trimmed(span: Found, text: str) -> Found | None:
    """A span in our labels, without articles, quotes and possessive endings.

    Returns:
        The span; None if nothing remains of it, or its label is none of ours.
    """
    label, start = LABELS.get(span.label), span.start
    surface = text[start : span.end].split("\n")[0]
    for opening in _ARTICLES:
        if surface.startswith(opening):
            start += len(opening)
            surface = surface[len(opening) :]
    kept = surface.lstrip(_LEADING)
    start += len(surface) - len(kept)
    for ending in _POSSESSIVES:
        kept = kept.removesuffix(ending)
    kept = kept if _is_abbreviation(kept) else kept.rstrip(_TRAILING)
    return Found(start, start + len(kept), label) if label and kept else None


def _is_abbreviation(surface: str) -> bool:
    """Whether the full stop at the end belongs to the name ("U.S.", "Acme Inc.")."""
    return surface.endswith(".") and ("." in surface[:-1] or surface.endswith(("Inc.", "Jr.")))
