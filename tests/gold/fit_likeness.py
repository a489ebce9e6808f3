"""Learns what makes two items the same news: `make likeness`. Writes `streams/stories/data/likeness.json`.

Reads the dev half of tests/gold/stories; the other half is never read. Per case of `likeness`, a logistic regression
with ridge penalty on all pairs within `NEWS_SECONDS`; then the thresholds, for which the groups that come of all
pairs together have the best B-cubed F1.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from streams.config import default_config_folder
from streams.stories.evaluation import (
    GoldStoryItem,
    b_cubed,
    enrich_gold,
    enricher_for,
    read_story_gold,
)
from streams.stories.likeness import (
    NEWS_SECONDS,
    WEIGHTS,
    Case,
    Comparison,
    Traits,
    Weights,
    traits_of,
)

GOLD = Path(__file__).parent / "stories"
RIDGE = 2.0
STEPS = np.arange(-2.0, 2.01, 0.2)
"""Thresholds tried, in log-odds."""

Array = NDArray[Any]


class Pair(NamedTuple):
    """Two items, by number, with what is weighed."""

    one: int
    other: int
    features: tuple[float, ...]
    same: bool


def main() -> None:
    """Fit all four cases and write them."""
    gold = [item for item in read_story_gold(sorted(GOLD.glob("*.jsonl"))) if item.split == "dev"]
    notes = Console(stderr=True)
    learned: dict[Case, Weights] = {}
    for mode in ("off", "on"):
        enriched = enrich_gold(gold, enricher_for(default_config_folder(), semantics=mode))
        learned |= _fit(gold, [traits_of(item) for item in enriched], learned, notes)
    WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(learned), indent=2) + b"\n")


def _fit(
    gold: Sequence[GoldStoryItem],
    traits: Sequence[Traits],
    learned: Mapping[Case, Weights],
    notes: Console,
) -> Mapping[Case, Weights]:
    """Learn the cases that are not learned yet, beside those that are."""
    pairs, copies = _pairs(gold, traits)
    weights = {case: learned.get(case) or _regression(found) for case, found in pairs.items()}
    odds = {case: [_odds(weights[case], pair) for pair in found] for case, found in pairs.items()}
    settled = [link for case in learned for link in _links(pairs[case], odds[case], 0.0)]
    cases = [case for case in pairs if case not in learned]
    truth = [item.story for item in gold]

    def quality(thresholds: Sequence[float]) -> float:
        links = [*copies, *settled]
        for case, least in zip(cases, thresholds, strict=True):
            links += _links(pairs[case], odds[case], least)
        return b_cubed(truth, _joined(len(gold), links)).f1

    best = max(itertools.product(STEPS, repeat=len(cases)), key=quality)
    notes.print(f"{', '.join(cases)}: thresholds {best}, B-cubed F1 {quality(best):.3f}")
    return {
        case: Weights(weights[case].features, round(weights[case].bias - float(least), 4))
        for case, least in zip(cases, best, strict=True)
    }


def _pairs(
    gold: Sequence[GoldStoryItem], traits: Sequence[Traits]
) -> tuple[Mapping[Case, list[Pair]], list[tuple[int, int]]]:
    """Pairs to learn from, and those that are copies."""
    found: defaultdict[Case, list[Pair]] = defaultdict(list)
    copies = []
    for one, other in itertools.combinations(range(len(gold)), 2):
        a, b = traits[one], traits[other]
        comparison = Comparison(a)
        if comparison.is_settled(b):
            if comparison.likeness(b).kind == "copy":
                copies.append((one, other))
        elif abs(a.at - b.at) <= NEWS_SECONDS:
            case = comparison.case(b)
            if (values := comparison.features(b, case)) is not None:
                same = gold[one].story == gold[other].story
                found[case].append(Pair(one, other, values, same))
    return found, copies


def _regression(pairs: Sequence[Pair]) -> Weights:
    """Logistic regression by Newton's method; the bias is not penalised."""
    inputs = np.array([(*pair.features, 1.0) for pair in pairs])
    truth = np.array([pair.same for pair in pairs], float)
    penalty = np.diag([RIDGE] * (inputs.shape[1] - 1) + [1e-6])
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        said = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (said - truth) + penalty @ weights
        bend = (inputs * (said * (1 - said))[:, None]).T @ inputs + penalty
        weights -= np.linalg.solve(bend, slope)
    *each, bias = (round(float(weight), 4) for weight in weights)
    return Weights(tuple(each), bias)


def _odds(weights: Weights, pair: Pair) -> float:
    return weights.bias + sum(w * x for w, x in zip(weights.features, pair.features, strict=True))


def _links(pairs: Sequence[Pair], odds: Sequence[float], least: float) -> list[tuple[int, int]]:
    """Pairs that are the same news from a threshold on."""
    return [
        (pair.one, pair.other) for pair, value in zip(pairs, odds, strict=True) if value >= least
    ]


def _joined(count: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """Group of each item, where linked items share one."""
    parents = list(range(count))

    def root(at: int) -> int:
        while parents[at] != at:
            at = parents[at]
        return at

    for one, other in links:
        parents[root(one)] = root(other)
    return [root(at) for at in range(count)]


if __name__ == "__main__":
    main()
