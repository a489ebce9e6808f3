"""Does a rule match a mention? The answer always says why not, and by how much.

What a rule states of one mention is a list of conditions, each with the same name as its key in rules.yaml.
All must hold; of the selections in `any` one must, of those in `not` none may. `when`, the schedule and
silences are not about one mention and are decided elsewhere.

A mention tries many rules, most of which fail at once, so failing is decided without building words.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from streams.alerts.criteria import CRITERIA, Selecting
from streams.records import Mention, Rule, Selection

__all__ = ["Check", "explain", "mismatch"]


class Check(Struct, frozen=True, kw_only=True):
    """One condition of a rule, held against a mention."""

    condition: str
    """As in rules.yaml: "policy_topics.any"."""
    passed: bool
    detail: str
    """With the numbers: "best is ai with 0.41 < 0.50"."""
    parts: tuple[Check, ...] = ()
    """The conditions of each selection of `any` and `not`, named "any[0].sources.langs"."""


def mismatch(rule: Rule, mention: Mention) -> str:
    """Say which condition of the rule fails first, and how far it is off; empty if the rule matches."""
    for criterion in CRITERIA:
        if criterion.fails(rule, mention):
            return f"{criterion.name}: {criterion.words(rule, mention)}"
    if rule.any and _first_holding(rule.any, mention) is None:
        return f"any: {_none_of(rule.any, mention)}"
    if rule.none and (holding := _first_holding(rule.none, mention)) is not None:
        return f"not: {_all_of(holding, rule.none, mention)}"
    return ""


def explain(rule: Rule, mention: Mention) -> tuple[Check, ...]:
    """Hold every condition that the rule states against a mention.

    Returns:
        The conditions in the order in which `mismatch` tries them; all of them have passed if and only if
        the rule matches, and the first that has not is what `mismatch` tells.
    """
    checks = [*_stated(rule, mention)]
    if rule.any:
        checks.append(_choice("any", rule.any, mention, wanted=True))
    if rule.none:
        checks.append(_choice("not", rule.none, mention, wanted=False))
    return tuple(checks)


def _choice(
    name: str, selections: tuple[Selection, ...], mention: Mention, *, wanted: bool
) -> Check:
    """Whether one of the selections holds, where it should or should not."""
    holding = _first_holding(selections, mention)
    found = holding is not None
    return Check(
        condition=name,
        passed=found == wanted,
        detail=_none_of(selections, mention)
        if holding is None
        else _all_of(holding, selections, mention),
        parts=tuple(
            check
            for number, selection in enumerate(selections)
            for check in _stated(selection, mention, f"{name}[{number}].")
        ),
    )


def _holds(selection: Selection, mention: Mention) -> bool:
    return not any(criterion.fails(selection, mention) for criterion in CRITERIA)


def _stated(selection: Selecting, mention: Mention, prefix: str = "") -> Iterator[Check]:
    for criterion in CRITERIA:
        if criterion.stated(selection):
            yield Check(
                condition=prefix + criterion.name,
                passed=not criterion.fails(selection, mention),
                detail=criterion.words(selection, mention),
            )


def _first_holding(selections: tuple[Selection, ...], mention: Mention) -> int | None:
    return next((at for at, each in enumerate(selections) if _holds(each, mention)), None)


def _none_of(selections: tuple[Selection, ...], mention: Mention) -> str:
    """What each of the selections fails on first."""
    reasons = (
        next(f"{c.name}: {c.words(each, mention)}" for c in CRITERIA if c.fails(each, mention))
        for each in selections
    )
    return "; ".join(f"[{number}] {reason}" for number, reason in enumerate(reasons))


def _all_of(number: int, selections: tuple[Selection, ...], mention: Mention) -> str:
    """What the selection states that holds."""
    told = "; ".join(f"{c.condition}: {c.detail}" for c in _stated(selections[number], mention))
    return f"[{number}] holds ({told})"
