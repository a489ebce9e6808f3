"""The pipelines that tag entities: our own model for German and English, or any installed spaCy pipeline.

Our own model is one spaCy component for both languages (`tests/gold/entities` trains it: `make
train-ner`), kept in half precision. Only the cutting into words differs by language.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.errors import ConfigError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokenizer import Tokenizer
    from spacy.vocab import Vocab

__all__ = [
    "OWN",
    "OWN_LANGUAGES",
    "UNUSED",
    "Found",
    "Pipeline",
    "check_models",
    "halve",
    "load_pipeline",
    "register",
    "tokenizer_of",
]

OWN = "wirewatch"
"""Names our own model."""
OWN_LANGUAGES = ("de", "en")
OWN_FOLDER = Path(__file__).parent / "data" / "entities"
BATCH = 64
"""Texts whose words are multiplied at once; the fastest of 1, 16, 64 and 256, single texts take twice as long."""

UNUSED = ["tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "morphologizer"]
"""Components of a stock pipeline that entities do not need."""


class Found(NamedTuple):
    """An entity as a pipeline says it: `text[start:end]`, and its own label."""

    start: int
    end: int
    label: str


class Pipeline:
    """Finds entities in texts of one language.

    Attributes:
        version: name and version of the model.
    """

    def __init__(self, nlp: Language, tokenizer: Tokenizer, version: str) -> None:
        self.version = version
        self._nlp = nlp
        self._tokenizer = tokenizer

    @property
    def words_known(self) -> int:
        """Words that its vocabulary keeps; they must not grow with what is read."""
        return len(self._nlp.vocab.strings)

    def find(self, texts: Sequence[str]) -> list[list[Found]]:
        """The entities of each text.

        spaCy keeps every word it has seen; a process that runs for weeks would grow without end, so
        what these texts bring is forgotten again.
        """
        with self._nlp.memory_zone():
            docs = self._nlp.pipe(map(self._tokenizer, texts), batch_size=BATCH)
            return [[Found(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in docs]


def load_pipeline(name: str, lang: str) -> Pipeline:
    """Load a pipeline.

    Args:
        name: `OWN`, or the package or folder of a spaCy pipeline.
        lang: what its texts are written in.

    Raises:
        ConfigError: there is no such pipeline, or it is broken, or finds no entities.
    """
    import spacy  # takes seconds, so only a process that tags pays for it

    if name == OWN and lang in OWN_LANGUAGES:
        nlp = _own()
        return Pipeline(nlp, tokenizer_of(lang, nlp.vocab), f"{OWN} {nlp.meta['version']}")
    setting = f"WIREWATCH_MODEL_{lang.upper()}"
    cure = (
        f"install it, or change {setting}; unset, it is our own for {' and '.join(OWN_LANGUAGES)}"
    )
    try:
        nlp = spacy.load(name, disable=UNUSED)
    except (OSError, ImportError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"{setting}: model {name} cannot be loaded: {reason}", cure=cure
        ) from error
    if "ner" not in nlp.pipe_names:
        raise ConfigError(f"{setting}: model {name} finds no entities", cure=cure)
    _use_numpy(nlp)
    return Pipeline(nlp, nlp.tokenizer, f"{name} {nlp.meta.get('version', '')}".strip())


def check_models(models: Mapping[str, str]) -> None:
    """Load the pipelines that somebody has configured, to tell a mistake before work begins.

    Raises:
        ConfigError: one of them is missing or broken, or finds no entities.
    """
    for lang, name in models.items():
        if name != OWN or lang not in OWN_LANGUAGES:
            load_pipeline(name, lang)


def tokenizer_of(lang: str, vocab: Vocab) -> Tokenizer:
    """SpaCy's tokenizer of a language over another vocabulary."""
    from spacy.tokenizer import Tokenizer
    from spacy.util import (
        compile_infix_regex,
        compile_prefix_regex,
        compile_suffix_regex,
        get_lang_class,
    )

    rules = get_lang_class(lang).Defaults
    return Tokenizer(
        vocab,
        rules=rules.tokenizer_exceptions,
        prefix_search=compile_prefix_regex(rules.prefixes or ()).search,
        suffix_search=compile_suffix_regex(rules.suffixes or ()).search,
        infix_finditer=compile_infix_regex(rules.infixes or ()).finditer,
        token_match=rules.token_match,
        url_match=rules.url_match,
    )


def halve(nlp: Language) -> None:
    """Keep all weights in half precision: for a pipeline that is about to be written."""
    _cast(nlp, "float16")


def register() -> None:
    """Tell spaCy what the configuration of our own model names."""
    from spacy.util import registry

    registry.callbacks("wirewatch.affixes.v1", func=_affixes)


def _affixes(prefix: int, suffix: int) -> Callable[[Language], Language]:
    """Other lengths of what a model knows of a word's beginning and end.

    spaCy has one letter and three; German shows more of a name's kind in its last four ("-berg", "-heim",
    "-tion").
    """
    from spacy.attrs import PREFIX, SUFFIX

    def change(nlp: Language) -> Language:
        vocab: Any = nlp.vocab  # its stub does not know the getters
        getters = vocab.lex_attr_getters
        getters[PREFIX] = lambda word: word[:prefix]
        getters[SUFFIX] = lambda word: word[-suffix:]
        return nlp

    return change


@functools.cache
def _own() -> Language:
    """Our own model, once for both languages."""
    import spacy

    register()
    nlp = spacy.load(OWN_FOLDER)
    _cast(nlp, "float32")
    _use_numpy(nlp)
    return nlp


def _cast(nlp: Language, dtype: str) -> None:
    for node in _nodes(nlp):
        for name in node.param_names:
            if node.has_param(name):
                node.set_param(name, node.get_param(name).astype(dtype))


def _use_numpy(nlp: Language) -> None:
    """Multiply by numpy's own BLAS instead of blis: the same entities, in about half of the time."""
    from thinc.api import NumpyOps

    ops = NumpyOps(use_blis=False)
    for node in _nodes(nlp):
        node.ops = ops


def _nodes(nlp: Language) -> Iterable[Any]:
    """The layers of all components."""
    for _, component in nlp.pipeline:
        model: Any = getattr(component, "model", None)
        if model is not None:
            yield from model.walk()
