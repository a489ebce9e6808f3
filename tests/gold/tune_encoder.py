"""Tunes the embedding to the policy topics, and writes the adapter; part of `make semantics`.

The upper layers of the encoder and a logistic head per topic learn together from the beginnings of
labelled items, rounded to 4 bits at each step as the engine has them. What has changed becomes the
adapter (`streams.enrich.adapter`). The layers below stay: what they make of a text is computed once.

The heads of this training are thrown away: on items that the encoder has learned from they are too
good. `tests.gold.train_semantics` trains those that are kept, and needs the items that must not be here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from streams.enrich.adapter import model_digest, model_path, write_adapter
from streams.enrich.gold import GoldItem
from streams.enrich.semantics import sample_of
from tests.gold.encoder import (
    LAYERS,
    MATRICES,
    VECTORS,
    Encoder,
    Floats,
    Tokeniser,
    Weights,
    begin,
    pad,
    pooled,
    run_layers,
)

LOWER, UPPER = range(LAYERS // 2), range(LAYERS // 2, LAYERS)
EPOCHS = 3
"""Passes over the items; from the fourth on, held-back items were read no better."""
BATCH = 16
RATE = 8e-5
HEAD_RATE = 5e-3
"""Highest steps of Adam."""
DROPOUT = 0.1
SEED = 7
SPREAD = 20.0
"""As `SCALE` of `train_semantics`: embeddings lie close together."""
EMBEDDED = 64
"""Texts that go through the lower layers at once."""

Doubles = NDArray[np.float64]
_HEAD, _BIAS = "head", "bias"

# The usual generator takes a third of a step on a CPU; this one is as reproducible.
jax.config.update("jax_default_prng_impl", "rbg")


def tune(
    items: Sequence[GoldItem],
    topics: Sequence[str],
    initial: Callable[[Doubles, NDArray[np.bool_], NDArray[np.bool_]], Doubles],
    out: Path,
    say: Callable[[str], None],
) -> None:
    """Learn from items and write the adapter.

    Args:
        items: labelled for policy topics; none on which the result will be judged.
        topics: ids of the topics.
        initial: fits a linear head: from spread embeddings of shape (items, width), labels and
            whether they are clear, each of shape (items,), weights with the bias last.
        out: file of the adapter.
        say: told how it goes.
    """
    content = model_path().read_bytes()
    tokeniser, encoder = Tokeniser(content), Encoder(content)
    base = encoder.weights()
    words = [encoder.words(tokeniser.ids(sample_of(item.document()))) for item in items]
    say(f"tuning on {len(items)} items ...")
    states = _lower(base, words)
    embeddings = _embed(base, states)
    centre = embeddings.mean(axis=0)
    labels = np.array([[t in (item.policy_topics or ()) for t in topics] for item in items])
    clear = np.array([[t not in item.possible_topics for t in topics] for item in items])
    answers = _Answers(labels.astype(np.float32), clear, centre)
    spread = (embeddings - centre).astype(np.float64) * SPREAD
    fitted = np.array(
        [initial(spread, labels[:, n], clear[:, n]) for n in range(len(topics))], np.float32
    )
    head = {_HEAD: jnp.asarray(fitted[:, :-1]), _BIAS: jnp.asarray(fitted[:, -1])}
    scales = {name: encoder.scales(name) for name in _names(MATRICES)}
    learned = _learn(_beginning(base, scales) | head, (base, scales), states, answers, say)
    write_adapter(out, _changes(learned, base, scales), model_digest(content))


def _names(kinds: Iterable[str]) -> list[str]:
    """Tensors of the layers that are tuned."""
    return [f"l{layer}.{kind}" for layer in UPPER for kind in kinds]


def _beginning(base: Weights, scales: Weights) -> Weights:
    """What is learned of the encoder, as it begins.

    A weight of 4 bits stands for any that rounds to it. Begun in the middle of its step, hardly one
    would ever leave it; so each begins somewhere in its step.
    """
    random = np.random.default_rng(SEED)
    found = {name: base[name] for name in _names(VECTORS)}
    for name, scale in scales.items():
        offset = random.uniform(-0.5, 0.5, scale.shape).astype(np.float32)
        found[name] = base[name] + offset * scale
    return found


def _steps(weights: jax.Array, scale: jax.Array) -> jax.Array:
    """The 4-bit numbers, less 8, that weights round to."""
    return jnp.clip(jnp.round(weights / jnp.where(scale == 0.0, 1.0, scale)), -8, 7)


def _rounded(learned: Weights, base: Weights, scales: Weights) -> Weights:
    """All weights as the engine will have them; slopes pass the rounding as if it were not there."""
    weights = dict(base)
    for name in _names(VECTORS):
        weights[name] = learned[name]
    for name, scale in scales.items():
        exact = learned[name]
        lost = _steps(exact, scale) * scale - exact
        weights[name] = exact + jax.lax.stop_gradient(lost)
    return weights


def _changes(learned: Weights, base: Weights, scales: Weights) -> dict[str, NDArray[Any]]:
    """What has been learned, as `write_adapter` takes it."""
    found: dict[str, NDArray[Any]] = {
        name: np.asarray(learned[name] - base[name]) for name in _names(VECTORS)
    }
    for name, scale in scales.items():
        moved = _steps(learned[name], scale) - _steps(base[name], scale)
        found[name] = np.asarray(moved).astype(np.int8)
    return found


class _Answers(NamedTuple):
    """What the items are, to learn from."""

    labels: Floats
    """0 or 1, shape (items, topics)."""
    clear: NDArray[np.bool_]
    """Whether a label counts, shape (items, topics)."""
    centre: Floats
    """Mean embedding before tuning, shape (width,)."""


def _loss(
    learned: Weights, fixed: tuple[Weights, Weights], key: jax.Array, padded: Any, answers: Any
) -> jax.Array:
    """Cross-entropy per item, summed over the topics that are clear.

    Args:
        learned: what is trained.
        fixed: the weights as they come, and the scales of the matrices.
        key: chooses what is dropped.
        padded: states of the lower layers and their mask, see `pad`.
        answers: `_Answers` of these texts.
    """
    states, mask = padded
    states = run_layers(_rounded(learned, *fixed), states, mask, UPPER, key, DROPOUT)
    spread = (pooled(states, mask) - answers.centre) * SPREAD
    reads = spread @ learned[_HEAD].T + learned[_BIAS]
    losses = optax.sigmoid_binary_cross_entropy(reads, answers.labels)
    return jnp.where(answers.clear, losses, 0.0).sum() / len(states)


def _learn(
    learned: Weights,
    fixed: tuple[Weights, Weights],
    states: Sequence[Floats],
    answers: _Answers,
    say: Callable[[str], None],
) -> Weights:
    steps = EPOCHS * (len(states) // BATCH)

    def adam(highest: float) -> Any:
        return optax.adam(optax.warmup_cosine_decay_schedule(0.0, highest, steps // 10, steps))

    kinds = {name: _HEAD if name in (_HEAD, _BIAS) else "encoder" for name in learned}
    rules = optax.multi_transform({_HEAD: adam(HEAD_RATE), "encoder": adam(RATE)}, kinds)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), rules)

    @jax.jit
    def step(learned: Weights, memory: Any, fixed: Any, *given: Any) -> Any:
        loss, slopes = jax.value_and_grad(_loss)(learned, fixed, *given)
        updates, memory = optimiser.update(slopes, memory, learned)
        return optax.apply_updates(learned, updates), memory, loss

    memory = optimiser.init(learned)
    random, key = np.random.default_rng(SEED), jax.random.key(SEED)
    for epoch in range(EPOCHS):
        losses = []
        for batch in _batches(states, random):
            key, own = jax.random.split(key)
            padded = pad([states[at] for at in batch])
            part = _Answers(answers.labels[batch], answers.clear[batch], answers.centre)
            learned, memory, loss = step(learned, memory, fixed, own, padded, part)
            losses.append(loss)
        say(f"  epoch {epoch + 1} of {EPOCHS}, loss {float(np.mean(losses)):.3f}")
    return learned


def _batches(states: Sequence[Floats], random: np.random.Generator) -> Iterator[list[int]]:
    """All items in batches of similar length, in random order."""
    order = random.permutation(len(states)).tolist()
    batches = []
    for start in range(0, len(order), 12 * BATCH):
        near = sorted(order[start : start + 12 * BATCH], key=lambda at: len(states[at]))
        batches += [near[at : at + BATCH] for at in range(0, len(near) - BATCH + 1, BATCH)]
    for number in random.permutation(len(batches)):
        yield batches[int(number)]


def _lower(base: Weights, words: Sequence[Floats]) -> list[Floats]:
    """States after the lower layers, one array of shape (tokens, width) per text."""
    run = jax.jit(lambda base, words, mask: run_layers(base, begin(base, words), mask, LOWER))
    return _by_length(words, lambda padded, mask: run(base, padded, mask))


def _embed(weights: Weights, states: Sequence[Floats]) -> Floats:
    """Embeddings from states of the lower layers, shape (texts, width)."""
    run = jax.jit(lambda w, states, mask: pooled(run_layers(w, states, mask, UPPER), mask))
    found = _by_length(states, lambda padded, mask: run(weights, padded, mask)[:, None])
    return np.concatenate([rows[:1] for rows in found])


def _by_length(rows: Sequence[Floats], run: Callable[[Floats, Floats], jax.Array]) -> list[Floats]:
    """What `run` makes of padded rows, without the padding, in the order of the rows."""
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
    found: list[Floats] = [np.zeros(0, np.float32)] * len(rows)
    for start in range(0, len(order), EMBEDDED):
        chosen = order[start : start + EMBEDDED]
        # Filled up, so that few shapes are compiled.
        filled = chosen + [chosen[-1]] * (EMBEDDED - len(chosen))
        made = np.asarray(run(*pad([rows[at] for at in filled])))
        for at, row in zip(chosen, made, strict=False):
            found[at] = row[: len(rows[at])]
    return found
