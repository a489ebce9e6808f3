"""How good detection is: what was found against what careful readers labelled. Pure.

A label is the id of a figure or policy topic; labels belong to classes (kinds of figures, topics),
and each class gets its figures, as do all together.

    precision   right / (right + false)      F1   2 right / (2 right + false + missed)
    recall      right / (right + missed)

None of them exists where its denominator is 0. *Micro* adds the counts of all classes up before it
divides; *macro* is the plain mean of the classes for which the figure exists.

Every estimate comes with its 95 % confidence interval. Proportions have Wilson's: E. B. Wilson,
"Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
F1 and macro figures, which are no proportions, have the percentile bootstrap over items: B. Efron,
"Bootstrap methods: another look at the jackknife", Ann. Statist. 7 (1979), 1-26. It knows only
variation that is in the sample: where nothing went wrong, its interval is a point.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

__all__ = [
    "LONG_WORDS",
    "Accuracy",
    "Estimate",
    "Macro",
    "Outcome",
    "Row",
    "Scores",
    "Told",
    "Trap",
    "accuracies",
    "compare",
    "score",
    "wilson",
]

Z = 1.959964
"""Of the standard normal distribution, 95 % lie within so many standard deviations."""
ROUNDS = 1_000
SEED = 1
"""Of the bootstrap: the same counts give the same intervals."""
LONG_WORDS = 15
"""Words from which the language of a text should be clear."""

Numbers: TypeAlias = NDArray[np.float64]


class Estimate(Struct, frozen=True):
    """A figure from 0 to 1 with its 95 % confidence interval."""

    value: float
    low: float
    high: float


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one item, by label."""

    item_id: str
    right: frozenset[str]
    """Found, and labelled."""
    false: frozenset[str]
    """Found, and not labelled."""
    missed: frozenset[str]
    """Labelled, and not found."""
    unsure: frozenset[str] = frozenset()
    """Seen, but not surely enough to count as found."""
    left_open: frozenset[str] = frozenset()
    """What counts neither way."""
    trap: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """Figures of one class, or of all together."""

    name: str
    right: int
    false: int
    missed: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


class Macro(Struct, frozen=True, kw_only=True):
    """Means of the classes."""

    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


class Trap(Struct, frozen=True):
    """How many of the hard negatives with this trap were passed: nothing false was found."""

    trap: str
    items: int
    passed: int


class Scores(Struct, frozen=True, kw_only=True):
    """How good detection is on some items."""

    items: int
    rows: tuple[Row, ...]
    micro: Row
    macro: Macro
    traps: tuple[Trap, ...]
    unsure: int
    """Labels seen, but not surely enough to count as found."""
    unsure_missed: int
    """How many of them are among the missed ones."""


class Told(Struct, frozen=True, kw_only=True):
    """The language that an item was labelled with, and the one it was told to have."""

    item_id: str
    expected: str
    alone: str
    """ISO 639-1 code or "und", from the text alone."""
    with_prior: str
    """The same, helped by what its feed is written in."""
    words: int
    only_title: bool

    @property
    def is_long(self) -> bool:
        """Whether there are enough words to be clear."""
        return self.words >= LONG_WORDS

    @property
    def is_headline(self) -> bool:
        """Whether it is a title and nothing else, or too short to be more."""
        return self.only_title or not self.is_long


class Accuracy(Struct, frozen=True, kw_only=True):
    """The share of items whose language was told right."""

    name: str
    items: int
    alone: Estimate | None
    with_prior: Estimate | None


def compare(
    item_id: str,
    expected: Collection[str],
    found: Collection[str],
    *,
    left_open: Collection[str] = (),
    unsure: Collection[str] = (),
    trap: str = "",
) -> Outcome:
    """Compare labels with findings.

    Args:
        item_id: which item.
        expected: what is labelled.
        found: what was found.
        left_open: what counts neither way, found or not.
        unsure: what was seen but does not count as found.
        trap: what sets the trap, of a hard negative.
    """
    wanted, got, either = frozenset(expected), frozenset(found), frozenset(left_open)
    return Outcome(
        item_id=item_id,
        right=wanted & got - either,
        false=got - wanted - either,
        missed=wanted - got - either,
        left_open=either,
        unsure=frozenset(unsure) - got,
        trap=trap,
    )


def wilson(successes: int, trials: int) -> Estimate | None:
    """A proportion with Wilson's interval; None without trials."""
    if not trials:
        return None
    share = successes / trials
    shrink = 1 + Z**2 / trials
    centre = (share + Z**2 / (2 * trials)) / shrink
    reach = Z / shrink * math.sqrt(share * (1 - share) / trials + (Z / (2 * trials)) ** 2)
    return Estimate(
        share, max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach))
    )


def score(outcomes: Sequence[Outcome], classes: Mapping[str, str]) -> Scores:
    """Add outcomes up to figures; their order makes no difference.

    Args:
        outcomes: one per item.
        classes: class by label, of all labels that occur; rows come in this order.
    """
    names = list(dict.fromkeys(classes.values()))
    counts = _counts(outcomes, classes, names)
    sums, drawn = counts.sum(axis=0), _drawn(counts)
    pairs = [(name, sums[at], drawn[:, at]) for at, name in enumerate(names)]
    return Scores(
        items=len(outcomes),
        rows=tuple(_row(*each) for each in pairs),
        micro=_row("all", sums.sum(axis=0), drawn.sum(axis=1)),
        macro=Macro(
            precision=_mean(_precision(sums), _precision(drawn)),
            recall=_mean(_recall(sums), _recall(drawn)),
            f1=_mean(_f1(sums), _f1(drawn)),
        ),
        traps=_traps(outcomes),
        unsure=sum(len(each.unsure) for each in outcomes),
        unsure_missed=sum(len(each.unsure & each.missed) for each in outcomes),
    )


def accuracies(told: Sequence[Told]) -> tuple[Accuracy, Accuracy, Accuracy]:
    """How often the language is right: overall, on long texts, on headlines.

    A title of many words is a long text and a headline.
    """
    return (
        _accuracy("all", told),
        _accuracy("long", [each for each in told if each.is_long]),
        _accuracy("headlines", [each for each in told if each.is_headline]),
    )


def _accuracy(name: str, told: Sequence[Told]) -> Accuracy:
    return Accuracy(
        name=name,
        items=len(told),
        alone=wilson(sum(each.alone == each.expected for each in told), len(told)),
        with_prior=wilson(sum(each.with_prior == each.expected for each in told), len(told)),
    )


def _traps(outcomes: Sequence[Outcome]) -> tuple[Trap, ...]:
    passed: dict[str, list[bool]] = defaultdict(list)
    for each in outcomes:
        if each.trap:
            passed[each.trap].append(not each.false)
    return tuple(Trap(trap, len(each), sum(each)) for trap, each in sorted(passed.items()))


# --- counts: the last axis holds right, false, missed -----------------------------------------


def _counts(
    outcomes: Sequence[Outcome], classes: Mapping[str, str], names: Sequence[str]
) -> Numbers:
    """Counts of shape (items, classes, 3)."""
    place = {label: names.index(name) for label, name in classes.items()}
    counts = np.zeros((len(outcomes), len(names), 3))
    for number, each in enumerate(outcomes):
        for kind, labels in enumerate((each.right, each.false, each.missed)):
            for label in labels:
                counts[number, place[label], kind] += 1
    return counts


def _drawn(counts: Numbers) -> Numbers:
    """Sums of `ROUNDS` samples of as many items, drawn with replacement.

    To draw from the different kinds of items, each with its frequency, is to draw from the items;
    it takes less time, and the order of the items has no say in it.

    Args:
        counts: shape (items, classes, 3).

    Returns:
        Shape (rounds, classes, 3).
    """
    items, classes, kinds = counts.shape
    if not counts.size:
        return np.zeros((ROUNDS, classes, kinds))
    different, times = np.unique(counts.reshape(items, -1), axis=0, return_counts=True)
    draws = np.random.default_rng(SEED).multinomial(items, times / items, size=ROUNDS)
    drawn: Numbers = (draws @ different).reshape(ROUNDS, classes, kinds)
    return drawn


def _precision(counts: Numbers) -> Numbers:
    return _ratio(counts[..., 0], counts[..., 0] + counts[..., 1])


def _recall(counts: Numbers) -> Numbers:
    return _ratio(counts[..., 0], counts[..., 0] + counts[..., 2])


def _f1(counts: Numbers) -> Numbers:
    return _ratio(2 * counts[..., 0], 2 * counts[..., 0] + counts[..., 1] + counts[..., 2])


def _ratio(part: Numbers, whole: Numbers) -> Numbers:
    """`part / whole`, NaN where there is no whole."""
    ratio: Numbers = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def _row(name: str, sums: Numbers, drawn: Numbers) -> Row:
    """Figures of counts of shape (3,), and of drawn ones of shape (rounds, 3)."""
    right, false, missed = (int(number) for number in sums)
    return Row(
        name=name,
        right=right,
        false=false,
        missed=missed,
        precision=wilson(right, right + false),
        recall=wilson(right, right + missed),
        f1=_estimate(float(_f1(sums)), _f1(drawn)),
    )


def _mean(by_class: Numbers, drawn: Numbers) -> Estimate | None:
    """Mean of the classes that have a figure, shape (classes,); drawn ones (rounds, classes)."""
    return _estimate(float(_known_mean(by_class)), _known_mean(drawn))


def _known_mean(by_class: Numbers) -> Numbers:
    known = ~np.isnan(by_class)
    return _ratio(np.where(known, by_class, 0.0).sum(axis=-1), known.sum(axis=-1))


def _estimate(value: float, drawn: Numbers) -> Estimate | None:
    """A value with the interval that holds 95 % of what was drawn, and the value itself."""
    if math.isnan(value):
        return None
    low, high = np.percentile(drawn[~np.isnan(drawn)], (2.5, 97.5)).tolist()
    return Estimate(value, min(low, value), max(high, value))
