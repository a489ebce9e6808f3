"""Trains the heads of the semantic layer: `make semantics`.

Reads the self-written items of `tests/gold/train` and the dev half of `tests/gold/items`; the test half
is never read. Writes `streams/enrich/data/policy_heads.json`, the same bytes every time.

1. A logistic regression per policy topic on the embeddings of all items (ridge penalty, Newton steps).
2. How much its answer and that of the words count is learned from the dev items alone, in five folds,
   each judged by a head that has not seen it. For on the training items the words are too good: the
   lexicon was written with them in view.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streams.config import default_config_folder
from streams.enrich.gold import GoldItem, read_gold
from streams.enrich.policy import PolicyMatcher, read_policy
from streams.enrich.semantics import (
    HEADS,
    PACKAGE,
    Head,
    Heads,
    embed,
    sample_of,
    words_input,
)

HERE = Path(__file__).parent
FOLDS = 5
RIDGE = 20.0
"""Penalty on the weights of an embedding, scaled by `SCALE`; the best of 8, 20 and 50 in folds."""
SCALE = 20.0
"""Embeddings of this model lie close together; their differences are spread before they are fitted."""
STACK_RIDGE = 0.1
STEPS = 30

Array = NDArray[np.float64]


def main(out: Path = HEADS) -> None:
    """Train all heads and show how they do on dev items that they have not seen."""
    notes = Console(stderr=True)
    lexicon = read_policy(default_config_folder() / "policy")
    matcher = PolicyMatcher(lexicon)
    train = read_gold(sorted((HERE / "train").glob("*.jsonl")))
    dev = [item for item in read_gold(sorted((HERE / "items").glob("*.jsonl"))) if item.split == "dev"]
    notes.print(f"embedding {len(train)} training items and {len(dev)} dev items ...")
    centre, features = _features([*train, *dev])
    words = {item.id: matcher.words(item.document(), item.lang) for item in dev}
    heads, table = {}, Table("topic", "items", "words", "meaning", "both", title="F1 on dev, folds")
    for topic in lexicon.topics:
        said = np.array([words_input(words[item.id].get(topic.id)) for item in dev])
        head, scores = _train(topic.id, train, dev, features, said)
        heads[topic.id] = _unscaled(head, centre)
        table.add_row(topic.id, *scores)
    found = Heads(package=f"{PACKAGE} {version(PACKAGE)}", topics=heads)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=0) + b"\n")
    Console().print(table)


def _features(items: Sequence[GoldItem]) -> tuple[Array, Array]:
    """Centre of the embeddings, shape (384,), and the spread embeddings, shape (items, 384)."""
    raw = embed([sample_of(item.document()) for item in items]).astype(np.float64)
    centre = raw.mean(axis=0)
    return centre, (raw - centre) * SCALE


def _train(
    topic: str,
    train: Sequence[GoldItem],
    dev: Sequence[GoldItem],
    features: Array,
    said: Array,
) -> tuple[Head, tuple[str, ...]]:
    """A head for spread embeddings, and what to show of it."""
    items = [*train, *dev]
    labels = np.array([topic in (item.policy_topics or ()) for item in items], dtype=float)
    clear = np.array([topic not in item.possible_topics for item in items])
    in_dev = np.arange(len(items)) >= len(train)
    fold = np.where(in_dev, np.arange(len(items)) % FOLDS, -1)
    meaning = np.zeros(len(dev))
    for number in range(FOLDS):
        fitted = _fit(features[(fold != number) & clear], labels[(fold != number) & clear], RIDGE)
        meaning[fold[in_dev] == number] = _apply(fitted, features[fold == number])
    judged, truth = clear[in_dev], labels[in_dev]
    inputs = np.column_stack([said, meaning])
    both = np.zeros(len(dev))
    for number in range(FOLDS):
        seen = (fold[in_dev] != number) & judged
        both[~seen] = _apply(_fit(inputs[seen], truth[seen], STACK_RIDGE), inputs[~seen])
    weight_words, weight_meaning, bias = _fit(inputs[judged], truth[judged], STACK_RIDGE)
    whole = _fit(features[clear], labels[clear], RIDGE)
    head = Head(
        bias=float(bias + weight_meaning * whole[-1]),
        words_weight=float(weight_words),
        vector=[float(weight) for weight in weight_meaning * whole[:-1]],
    )
    shown = (_f1(score[judged] > 0, truth[judged] > 0) for score in (said, meaning, both))
    return head, (str(int(truth.sum())), *(f"{value:.3f}" for value in shown))


def _unscaled(head: Head, centre: Array) -> Head:
    """The same head for embeddings as they come, rounded."""
    vector = np.array(head.vector) * SCALE
    return Head(
        bias=round(float(head.bias - vector @ centre), 4),
        words_weight=round(head.words_weight, 4),
        vector=[round(float(weight), 4) for weight in vector],
    )


def _fit(inputs: Array, labels: Array, ridge: float) -> Array:
    """Logistic regression with a ridge penalty, by Newton's method.

    Args:
        inputs: shape (items, inputs).
        labels: 0 or 1, shape (items,).
        ridge: penalty on the squared weights; the bias is free.

    Returns:
        Weights with the bias last, shape (inputs + 1,).
    """
    with_bias = np.column_stack([inputs, np.ones(len(inputs))])
    penalty = np.eye(with_bias.shape[1]) * ridge
    penalty[-1, -1] = 1e-6
    weights: Array = np.zeros(with_bias.shape[1])
    for _ in range(STEPS):
        probability = 1.0 / (1.0 + np.exp(-with_bias @ weights))
        gradient = with_bias.T @ (probability - labels) + penalty @ weights
        curvature = (with_bias * (probability * (1.0 - probability))[:, None]).T @ with_bias
        step = np.linalg.solve(curvature + penalty, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _apply(weights: Array, inputs: Array) -> Array:
    found: Array = inputs @ weights[:-1] + weights[-1]
    return found


def _f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    right = int((found & truth).sum())
    return 2 * right / max(int(found.sum()) + int(truth.sum()), 1)


if __name__ == "__main__":
    typer.run(main)
