"""What rules may say, but probably not mean: two alerts for one thing, none ever, one for everything. Pure.

All of it is told by comparing selections: `covers` says that whatever one lets through the other does too.
It looks at what is written, not at the world, and says no where it cannot tell; so a warning is right, and
not every overlap is found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from streams.alerts.rule_checks import Finding, Known
from streams.meant import did_you_mean
from streams.records import (
    FigureSelector,
    PolicyTopicSelector,
    Rule,
    Selection,
    SourceSelector,
)

__all__ = ["covers", "doubts_of", "untold"]


def doubts_of(rules: Sequence[Rule], known: Known, now: datetime) -> list[Finding]:
    """What is probably not meant, by rule.

    Args:
        rules: without errors, in the order of their file; those that are switched off are passed over.
        known: what there is.
        now: silences that have ended by then are told.
    """
    found: list[tuple[int, Finding]] = []
    for number, rule in enumerate(rules):
        for field, message, cure in (*_own_doubts(rule, known), *_over(rule, now)):
            place = f"rules[{number}].{field}"
            found.append((number, Finding("warning", rule.rule_id, place, message, cure)))
    wider: defaultdict[int, list[int]] = defaultdict(list)
    for narrow, wide in _overlaps(rules):
        wider[narrow].append(wide)
    for number, others in wider.items():
        found.append((number, _doubled(rules, number, others)))
    if known.routes:
        found += untold(rules, known.routes)
    return [finding for _, finding in sorted(found, key=lambda pair: pair[0])]


def untold(rules: Sequence[Rule], routes: Collection[str]) -> list[tuple[int, Finding]]:
    """The rules whose alerts nobody is told of, each with its position.

    Args:
        rules: those that are switched off are passed over.
        routes: which receivers listen to, where each of them has some.
    """
    found = []
    for number, rule in enumerate(rules):
        if rule.enabled and rule.route not in routes:
            names = ", ".join(sorted(routes))
            message = "nobody is told: every receiver of notify.yaml has routes, and the rule none"
            if rule.route:
                message = f"nobody is told: no receiver of notify.yaml has the route {rule.route!r}"
            cure = did_you_mean(rule.route, routes) or f"write one of {names}, or add a receiver"
            place = f"rules[{number}].route"
            found.append((number, Finding("warning", rule.rule_id, place, message, cure)))
    return found


def _own_doubts(rule: Rule, known: Known) -> Iterator[tuple[str, str, str]]:
    """Field, message and cure of what a rule by itself is doubted for."""
    if not rule.enabled:
        return
    if reason := _never(rule, known):
        yield (*reason, "correct it, or switch the rule off with enabled: false")
    elif rule.when.kind == "match" and not (rule.any or rule.none) and covers(rule, _EVERYTHING):
        message = "matches every mention: every watched figure in every item raises an alert"
        yield "id", message, "name figures, lists, policy topics or sources"


_EVERYTHING = Selection()
"""With the confidence that a sure mention has."""


def _over(rule: Rule, now: datetime) -> Iterator[tuple[str, str, str]]:
    for at, silence in enumerate(rule.silences):
        if silence.end <= now:
            yield (
                f"silences[{at}].end",
                f"was over at {silence.end:%Y-%m-%d %H:%M} UTC",
                "remove it",
            )


def _doubled(rules: Sequence[Rule], number: int, others: Sequence[int]) -> Finding:
    """That a rule tells nothing that others do not tell."""
    first = rules[min(others)].rule_id
    more = f" and so do {len(others) - 1} more" if len(others) > 1 else ""
    message = f"whatever it matches, {first!r} matches too{more}: several alerts for one story"
    cure = f"narrow {first!r} by `not`, or give one of them another route"
    return Finding("warning", rules[number].rule_id, f"rules[{number}].id", message, cure)


# --- never ------------------------------------------------------------------------------------


def _never(rule: Rule, known: Known) -> tuple[str, str] | None:
    """Field and reason why a rule can never match; None where nothing speaks against it."""
    own = Selection(figures=rule.figures, policy_topics=rule.policy_topics, sources=rule.sources)
    if known.figures and not _reachable(rule.figures, known):
        return "figures", "can never match: no active figure of the watchlist is meant by it"
    for number, selection in enumerate(rule.none):
        if covers(selection, own):
            return (
                f"not[{number}]",
                "can never match: this shuts out all that the rule lets through",
            )
    if rule.any and all(_apart(own, selection) for selection in rule.any):
        return "any", "can never match: each of these contradicts the rest of the rule"
    return None


def _reachable(wanted: FigureSelector, known: Known) -> bool:
    return any(
        figure.active
        and (not wanted.any or figure.figure_id in wanted.any)
        and (not wanted.lists or not set(wanted.lists).isdisjoint(figure.lists))
        and figure.figure_id not in wanted.exclude
        for figure in known.figures
    )


def _apart(one: Selection, other: Selection) -> bool:
    """Whether no mention can have both."""
    pairs = (
        (one.figures.any, other.figures.any),
        (one.figures.roles, other.figures.roles),
        (one.sources.langs, other.sources.langs),
        (one.sources.tiers, other.sources.tiers),
        (one.sources.feeds, other.sources.feeds),
    )
    return (
        any(left and right and set(left).isdisjoint(right) for left, right in pairs)
        or _shut_out(one, other)
        or _shut_out(other, one)
    )


def _shut_out(one: Selection, other: Selection) -> bool:
    """Whether one forbids what the other asks for."""
    return bool(
        (other.figures.any and set(other.figures.any) <= set(one.figures.exclude))
        or (other.sources.feeds and set(other.sources.feeds) <= set(one.sources.exclude))
        or (
            one.policy_topics.min_score <= other.policy_topics.min_score
            and _needs_one_of(other.policy_topics, one.policy_topics.none)
        )
    )


# --- two alerts for one -----------------------------------------------------------------------


def _overlaps(rules: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """Positions of a rule and of another that matches all that it matches; each pair once.

    Rules are compared only where both may be about the same figure, or thousands would take minutes.
    """
    active = [number for number, rule in enumerate(rules) if rule.enabled]
    by_figure: defaultdict[str, list[int]] = defaultdict(list)
    for number in active:
        for figure_id in rules[number].figures.any:
            by_figure[figure_id].append(number)
    unnamed = [number for number in active if not rules[number].figures.any]
    for narrow in active:
        first = rules[narrow].figures.any[:1]
        for wide in (*(by_figure[first[0]] if first else ()), *unnamed):
            if wide != narrow and _doubles(rules[wide], rules[narrow]):
                both = _doubles(rules[narrow], rules[wide])
                if not both or wide < narrow:  # of two that match the same, the later one is told
                    yield narrow, wide


def _doubles(wide: Rule, narrow: Rule) -> bool:
    """Whether the same people hear of everything twice."""
    return (
        (wide.route == narrow.route)
        and (wide.when == narrow.when)
        and (wide.group_by == narrow.group_by)
        and _rule_covers(wide, narrow)
    )


def _rule_covers(wide: Rule, narrow: Rule) -> bool:
    own = Selection(
        figures=narrow.figures, policy_topics=narrow.policy_topics, sources=narrow.sources
    )
    return (
        covers(wide, own)
        and (not wide.any or _any_covers(wide, narrow, own))
        and all(
            _apart(forbidden, own) or any(covers(other, forbidden) for other in narrow.none)
            for forbidden in wide.none
        )
    )


def _any_covers(wide: Rule, narrow: Rule, own: Selection) -> bool:
    """Whether one of the selections of the wide rule holds wherever the narrow one matches."""

    def held(selection: Selection) -> bool:
        return any(covers(each, selection) for each in wide.any)

    return held(own) or (bool(narrow.any) and all(map(held, narrow.any)))


def covers(wide: Rule | Selection, narrow: Selection) -> bool:
    """Whether all that a selection lets through is let through by another (`any` and `not` aside)."""
    return (
        _figures_cover(wide.figures, narrow.figures)
        and _topics_cover(wide.policy_topics, narrow.policy_topics)
        and _sources_cover(wide.sources, narrow.sources)
    )


def _figures_cover(wide: FigureSelector, narrow: FigureSelector) -> bool:
    return (
        wide.min_confidence <= narrow.min_confidence
        and _within(narrow.any, wide.any)
        and _within(narrow.lists, wide.lists)
        and _within(narrow.roles, wide.roles)
        and _within(narrow.fields, wide.fields)
        and _within(narrow.together, wide.together)
        and _excluded(wide.exclude, narrow.exclude, narrow.any)
    )


def _topics_cover(wide: PolicyTopicSelector, narrow: PolicyTopicSelector) -> bool:
    needed = narrow.min_score >= wide.min_score
    forbidden = narrow.min_score <= wide.min_score
    return (
        (not wide.any or (needed and _needs_one_of(narrow, wide.any)))
        and (not wide.all or (needed and set(wide.all) <= _needed(narrow)))
        and (not wide.none or (forbidden and set(wide.none) <= set(narrow.none)))
    )


def _sources_cover(wide: SourceSelector, narrow: SourceSelector) -> bool:
    return (
        _within(narrow.langs, wide.langs)
        and _within(narrow.tiers, wide.tiers)
        and _within(narrow.feeds, wide.feeds)
        and _excluded(wide.exclude, narrow.exclude, narrow.feeds)
    )


def _within(narrow: Sequence[object], wide: Sequence[object]) -> bool:
    """Whether one choice is part of the other; an empty one leaves it open."""
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _excluded(wide: Sequence[str], narrow: Sequence[str], named: Sequence[str]) -> bool:
    """Whether all that the wide one shuts out is shut out by the narrow one, or never named by it."""
    return set(wide) <= set(narrow) or (bool(named) and set(wide).isdisjoint(named))


def _needed(topics: PolicyTopicSelector) -> set[str]:
    return {*topics.all, *(topics.any if len(topics.any) == 1 else ())}


def _needs_one_of(topics: PolicyTopicSelector, wanted: Sequence[str]) -> bool:
    return not set(topics.all).isdisjoint(wanted) or (
        bool(topics.any) and set(topics.any) <= set(wanted)
    )
