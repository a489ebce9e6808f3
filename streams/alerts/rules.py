"""Rules as YAML, and the index that finds the ones to try for a figure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.config import parse_duration, read_yaml
from streams.errors import ConfigError
from streams.meant import did_you_mean
from streams.records import (
    Figure,
    FigureSelector,
    PolicyTopicSelector,
    Rule,
    Severity,
    SeverityPolicy,
    Share,
    SourceSelector,
)

__all__ = ["RuleIndex", "read_rules"]

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class _Figures(Struct, frozen=True, forbid_unknown_fields=True):
    any: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_confidence: Share = 0.75


class _PolicyTopics(Struct, frozen=True, forbid_unknown_fields=True):
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    min_score: Share = 0.5


class _Sources(Struct, frozen=True, forbid_unknown_fields=True):
    langs: tuple[str, ...] = ()
    tiers: tuple[Literal[1, 2, 3], ...] = ()
    feeds: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class _Severity(Struct, frozen=True, forbid_unknown_fields=True):
    base: Severity = "alert"
    bump: tuple[Literal["headline", "tier1", "two_figures"], ...] = ()


class _Rule(Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    name: str = ""
    version: Annotated[int, Meta(ge=1)] = 1
    enabled: bool = True
    figures: _Figures = _Figures()
    policy_topics: _PolicyTopics = _PolicyTopics()
    sources: _Sources = _Sources()
    severity: _Severity = _Severity()
    max_age: str = "24h"


class _RulesFile(Struct, frozen=True, forbid_unknown_fields=True):
    rules: list[_Rule]


def read_rules(
    path: Path, *, figures: Iterable[Figure] = (), policy_topics: Iterable[str] = ()
) -> list[Rule]:
    """Read rules.yaml.

    Args:
        path: the file.
        figures: the watchlist; ids and lists that it does not have are errors. Empty: unchecked.
        policy_topics: the known policy topics, likewise.

    Raises:
        NotFoundError: no such file.
        ConfigError: names file, line or rule, field and cure.
    """
    rules = [_rule(entry, path) for entry in read_yaml(path, _RulesFile).rules]
    twice = [rule_id for rule_id, count in Counter(r.rule_id for r in rules).items() if count > 1]
    if twice:
        raise _error(path, twice[0], "id", "is used twice", "give each rule its own id")
    watchlist = list(figures)
    known = {
        "figure": {f.figure_id for f in watchlist},
        "figure list": {name for f in watchlist for name in f.lists},
        "policy topic": set(policy_topics),
    }
    for rule in rules:
        _check_names(rule, known, path)
    return rules


def _check_names(rule: Rule, known: Mapping[str, set[str]], path: Path) -> None:
    """Refuse names that nothing has: a misspelt one would never match, silently."""
    named = {
        "figure": {*rule.figures.any, *rule.figures.exclude},
        "figure list": {*rule.figures.lists},
        "policy topic": {
            *rule.policy_topics.any,
            *rule.policy_topics.all,
            *rule.policy_topics.none,
        },
    }
    for kind, names in named.items():
        strangers = sorted(names - known[kind])
        if known[kind] and strangers:
            cure = did_you_mean(strangers[0], known[kind]) or f"use a {kind} that exists"
            field = "policy_topics" if kind == "policy topic" else "figures"
            raise _error(path, rule.rule_id, field, f"no {kind} {strangers[0]!r}", cure)


def _rule(entry: _Rule, path: Path) -> Rule:
    try:
        max_age = parse_duration(entry.max_age)
    except ValueError as error:
        raise _error(path, entry.id, "max_age", str(error), "write it like 6h") from error
    figures, topics, sources = entry.figures, entry.policy_topics, entry.sources
    return Rule(
        rule_id=entry.id,
        name=entry.name or entry.id,
        version=entry.version,
        enabled=entry.enabled,
        figures=FigureSelector(
            any=figures.any,
            lists=figures.lists,
            exclude=figures.exclude,
            min_confidence=figures.min_confidence,
        ),
        policy_topics=PolicyTopicSelector(
            any=topics.any, all=topics.all, none=topics.none, min_score=topics.min_score
        ),
        sources=SourceSelector(
            langs=sources.langs, tiers=sources.tiers, feeds=sources.feeds, exclude=sources.exclude
        ),
        severity=SeverityPolicy(base=entry.severity.base, bump=entry.severity.bump),
        max_age_seconds=max_age,
        origin="file",
    )


def _error(path: Path, rule_id: str, field: str, message: str, cure: str) -> ConfigError:
    return ConfigError(message, file=str(path), field=f"rule {rule_id!r}, {field}", cure=cure)


class RuleIndex:
    """Finds the rules that may match a figure without trying all of them."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._by_figure: defaultdict[str, list[Rule]] = defaultdict(list)
        self._others: list[Rule] = []
        for _, rule in sorted(rules.items()):
            if not rule.enabled:
                continue
            for figure_id in rule.figures.any:
                self._by_figure[figure_id].append(rule)
            if not rule.figures.any:
                self._others.append(rule)

    def candidates(self, figure_id: str) -> list[Rule]:
        """Rules that name the figure, then those that name none, each sorted by id."""
        return [*self._by_figure.get(figure_id, ()), *self._others]
