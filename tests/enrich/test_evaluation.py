"""Precision, recall, F1 and their intervals against figures that were worked out by hand."""

from __future__ import annotations

import bisect
import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.enrich.evaluation import (
    Accuracy,
    Estimate,
    Macro,
    Outcome,
    Row,
    Scores,
    Told,
    Trap,
    accuracies,
    compare,
    score,
    wilson,
)

CLASSES = {"ada": "person", "bo": "person", "acme": "organisation"}


def outcome(
    item_id: str, right: str = "", false: str = "", missed: str = "", **more: str
) -> Outcome:
    return Outcome(
        item_id=item_id,
        right=frozenset(right.split()),
        false=frozenset(false.split()),
        missed=frozenset(missed.split()),
        **more,  # type: ignore[arg-type]
    )


def values(row: Row | Macro) -> tuple[float | None, ...]:
    found = (row.precision, row.recall, row.f1)
    return tuple(round(each.value, 6) if each else None for each in found)


@pytest.mark.parametrize(
    ("expected", "found", "left_open", "right", "false", "missed"),
    [
        ("a", "a", "", "a", "", ""),
        ("a b", "b c", "", "b", "c", "a"),
        ("", "", "", "", "", ""),
        ("", "a", "a", "", "", ""),
        ("a", "", "b", "", "", "a"),
        ("a", "b c", "b", "", "c", "a"),
    ],
)
def test_an_outcome(
    expected: str, found: str, left_open: str, right: str, false: str, missed: str
) -> None:
    got = compare("i", expected.split(), found.split(), left_open=left_open.split())
    assert (got.right, got.false, got.missed) == tuple(
        frozenset(each.split()) for each in (right, false, missed)
    )


# Worked out by the formula of Wilson (1927) with z = 1.959964.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (8, 10, 0.490162, 0.943318),
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (1, 1, 0.206549, 1.0),
        (50, 100, 0.403832, 0.596168),
    ],
)
def test_wilson(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(successes, trials)
    assert found is not None
    assert found.value == successes / trials
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)
    assert wilson(0, 0) is None


def test_scores_by_hand() -> None:
    scores = score(
        [
            outcome("1", right="ada", false="bo"),
            outcome("2", right="ada", missed="acme"),
            outcome("3", false="ada"),
        ],
        CLASSES,
    )
    person, organisation = scores.rows
    assert (person.name, person.right, person.false, person.missed) == ("person", 2, 2, 0)
    assert values(person) == (0.5, 1.0, 0.666667)  # 2/4, 2/2, 4/6
    assert (organisation.right, organisation.false, organisation.missed) == (0, 0, 1)
    assert values(organisation) == (None, 0.0, 0.0)
    assert (scores.micro.right, scores.micro.false, scores.micro.missed) == (2, 2, 1)
    assert values(scores.micro) == (0.5, 0.666667, 0.571429)  # 2/4, 2/3, 4/7
    assert values(scores.macro) == (0.5, 0.5, 0.333333)  # (2/4), (1+0)/2, (2/3+0)/2
    assert person.precision == wilson(2, 4)
    assert person.recall == wilson(2, 2)


def test_what_does_not_occur_has_no_figures() -> None:
    scores = score([outcome("1", right="ada")], {**CLASSES, "zeta": "place"})
    assert [row.name for row in scores.rows] == ["person", "organisation", "place"]
    assert values(scores.rows[2]) == (None, None, None)
    assert values(scores.macro) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("classes", [CLASSES, {}])
def test_no_items_at_all(classes: dict[str, str]) -> None:
    scores = score([], classes)
    assert values(scores.micro) == values(scores.macro) == (None, None, None)


def test_the_bootstrap_has_the_width_of_the_binomial() -> None:
    """Of 100 items 80 are right: drawn, their number is binomial, and F1 is 2r / (r + 100)."""
    items = [outcome(str(n), **{"right" if n < 80 else "missed": "ada"}) for n in range(100)]
    f1 = score(items, CLASSES).rows[0].f1
    assert f1 is not None
    shares = [math.comb(100, right) * 0.8**right * 0.2 ** (100 - right) for right in range(101)]
    up_to = list(itertools.accumulate(shares))
    quantiles = [bisect.bisect(up_to, share) for share in (0.025, 0.975)]
    low, high = (2 * right / (right + 100) for right in quantiles)
    assert (f1.value, quantiles) == (160 / 180, [72, 88])
    assert (f1.low, f1.high) == pytest.approx((low, high), abs=0.01)


def test_the_same_items_give_the_same_intervals() -> None:
    items = [outcome(str(n), **{"right" if n % 3 else "false": "ada"}) for n in range(40)]
    assert score(items, CLASSES) == score(items, CLASSES)


def test_the_interval_of_perfection_is_a_point() -> None:
    assert score([outcome("1", right="ada")], CLASSES).micro.f1 == Estimate(1.0, 1.0, 1.0)


def test_traps_are_passed_where_nothing_false_is_found() -> None:
    scores = score(
        [
            outcome("1", trap="namesake"),
            outcome("2", trap="namesake", false="ada"),
            outcome("3", trap="namesake", missed="bo"),
            outcome("4", trap="ban", right="bo"),
            outcome("5", false="ada"),
        ],
        CLASSES,
    )
    assert scores.traps == (Trap("ban", 1, 1), Trap("namesake", 3, 2))


def test_what_is_unsure_counts_as_not_found() -> None:
    outcomes = [
        compare("1", ["ada", "bo"], ["bo"], unsure=["ada", "acme"]),
        compare("2", [], [], unsure=["bo"], left_open=["bo"]),
    ]
    scores = score(outcomes, CLASSES)
    assert (scores.micro.right, scores.micro.false, scores.micro.missed) == (1, 0, 1)
    assert (scores.unsure, scores.unsure_missed) == (3, 1)


def told(
    expected: str, alone: str, with_prior: str, words: int, *, only_title: bool = False
) -> Told:
    return Told(
        item_id="i",
        expected=expected,
        alone=alone,
        with_prior=with_prior,
        words=words,
        only_title=only_title,
    )


def test_accuracies_by_hand() -> None:
    items = [
        told("de", "de", "de", 15),
        told("de", "en", "en", 40),
        told("de", "und", "de", 14),
        told("en", "en", "de", 5, only_title=True),
        told("en", "en", "en", 16, only_title=True),  # long, and a headline
    ]
    assert accuracies(items) == (
        Accuracy(name="all", items=5, alone=wilson(3, 5), with_prior=wilson(3, 5)),
        Accuracy(name="long", items=3, alone=wilson(2, 3), with_prior=wilson(2, 3)),
        Accuracy(name="headlines", items=3, alone=wilson(2, 3), with_prior=wilson(2, 3)),
    )
    assert accuracies([])[0] == Accuracy(name="all", items=0, alone=None, with_prior=None)


# --- laws -------------------------------------------------------------------------------------

labels = st.frozensets(st.sampled_from(sorted(CLASSES)))
outcomes = st.lists(
    st.builds(
        lambda number, expected, found, left_open, unsure, trap: compare(
            str(number), expected, found, left_open=left_open, unsure=unsure, trap=trap
        ),
        st.integers(0, 9),
        labels,
        labels,
        labels,
        labels,
        st.sampled_from(["", "namesake", "ban"]),
    ),
    max_size=30,
)


def estimates(scores: Scores) -> list[Estimate]:
    rows: list[Row | Macro] = [*scores.rows, scores.micro, scores.macro]
    found = (each for row in rows for each in (row.precision, row.recall, row.f1))
    return [each for each in found if each is not None]


@settings(max_examples=60)
@given(outcomes)
def test_an_interval_lies_between_0_and_1_and_holds_its_estimate(items: list[Outcome]) -> None:
    for estimate in estimates(score(items, CLASSES)):
        assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0


@settings(max_examples=40)
@given(outcomes, st.randoms(use_true_random=False))
def test_the_order_of_items_makes_no_difference(
    items: list[Outcome], chance: random.Random
) -> None:
    shuffled = chance.sample(items, len(items))
    assert score(shuffled, CLASSES) == score(items, CLASSES)


@settings(max_examples=40)
@given(outcomes)
def test_together_the_classes_are_all(items: list[Outcome]) -> None:
    scores = score(items, CLASSES)
    for name in ("right", "false", "missed"):
        assert sum(getattr(row, name) for row in scores.rows) == getattr(scores.micro, name)
    assert scores.unsure_missed <= scores.unsure


@given(st.integers(1, 10_000), st.data())
def test_wilson_holds_its_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    found, mirrored = wilson(successes, trials), wilson(trials - successes, trials)
    assert found is not None
    assert mirrored is not None
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.low == pytest.approx(1 - mirrored.high)
