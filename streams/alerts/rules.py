"""Rules: what a file says, and the index that finds the ones to try for a mention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

from streams.alerts.rule_checks import Finding, Known
from streams.alerts.rule_file import RuleFile, parse_rules
from streams.errors import ConfigError
from streams.records import Figure, FigureHit, FigureSelector, PolicyTopicHit, Rule, Selection

__all__ = ["RuleIndex", "error_of", "read_rules"]

ANY_TOPIC = ""
"""Stands in the index for rules that need no policy topic."""


def read_rules(
    path: Path,
    *,
    figures: Iterable[Figure] = (),
    policy_topics: Iterable[str] = (),
    feeds: Iterable[str] = (),
) -> list[Rule]:
    """Read rules.yaml.

    Args:
        path: the file.
        figures: the watchlist; ids and lists that it does not have are errors. Empty: unchecked.
        policy_topics: the known policy topics, likewise.
        feeds: the known feed_ids, likewise.

    Raises:
        NotFoundError: no such file.
        ConfigError: names file, line, rule, field and cure of the first mistake.
    """
    file = parse_rules(path)
    known = Known(tuple(figures), frozenset(policy_topics), frozenset(feeds))
    if errors := file.check(known):
        raise error_of(min(errors, key=file.line), file)
    return file.rules


def error_of(found: Finding, file: RuleFile) -> ConfigError:
    """Tell a finding of a file as an error."""
    field = f"rule {found.rule_id!r}, {found.field}" if found.rule_id else found.field
    return ConfigError(
        found.message, file=str(file.path), line=file.line(found), field=field, cure=found.cure
    )


class RuleIndex:
    """Finds the rules that may match a mention without trying all of them.

    A rule is found by each figure that it names; one that names none by each of its lists; one that names
    neither always. Where its own selection leaves that open, the selections of its `any` count. And of these
    only by the policy topics that it needs, if it needs any. So what a mention costs depends on the rules
    about its figure, its lists and its topics, not on how many there are.

    Args:
        rules: by rule_id; those that are switched off are left out.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules: tuple[Rule, ...] = tuple(
            rule for _, rule in sorted(rules.items()) if rule.enabled
        )
        """Sorted by id."""
        self._by_figure: defaultdict[str, _ByTopic] = defaultdict(_by_topic)
        self._by_list: defaultdict[str, _ByTopic] = defaultdict(_by_topic)
        self._always: _ByTopic = _by_topic()
        for position, rule in enumerate(self.rules):
            topics = _topics_of(rule)
            for by_topic in self._places(rule):
                for topic in topics:
                    by_topic[topic].append(position)

    def candidates(self, figure: FigureHit, policy_topics: Iterable[PolicyTopicHit]) -> list[Rule]:
        """Rules that may match a mention of a figure, sorted by id; all others do not.

        Args:
            figure: what was found of the figure.
            policy_topics: what was found of policy topics, however low their scores.
        """
        topics = (ANY_TOPIC, *(hit.policy_topic for hit in policy_topics))
        found: set[int] = set()
        for by_topic in (
            self._by_figure.get(figure.figure_id),
            *(self._by_list.get(name) for name in figure.lists),
            self._always,
        ):
            if by_topic:
                for topic in topics:
                    if topic in by_topic:
                        found.update(by_topic[topic])
        return [self.rules[position] for position in sorted(found)]

    def _places(self, rule: Rule) -> list[_ByTopic]:
        figures, lists = _figures_of(rule)
        return [
            *(self._by_figure[figure_id] for figure_id in figures),
            *(self._by_list[name] for name in lists),
        ] or [self._always]


_ByTopic = defaultdict[str, list[int]]
"""Policy topic to positions of rules."""


def _by_topic() -> _ByTopic:
    return defaultdict(list)


def _figures_of(rule: Rule) -> tuple[frozenset[str], frozenset[str]]:
    """Figures and lists of which a mention must have one; both empty where it need not."""
    own = _figures(rule.figures)
    if any(own) or not rule.any:
        return own
    parts = [_figures(selection.figures) for selection in rule.any]
    if not all(map(any, parts)):
        return frozenset(), frozenset()
    return frozenset().union(*(p[0] for p in parts)), frozenset().union(*(p[1] for p in parts))


def _figures(wanted: FigureSelector) -> tuple[frozenset[str], frozenset[str]]:
    if wanted.any:
        return frozenset(wanted.any), frozenset()
    return frozenset(), frozenset(wanted.lists)


def _topics_of(rule: Rule) -> frozenset[str]:
    """Policy topics of which a mention must have one."""
    if own := _topics(rule):
        return own
    parts = [_topics(selection) for selection in rule.any]
    return frozenset(chain(*parts)) if parts and all(parts) else frozenset({ANY_TOPIC})


def _topics(rule: Rule | Selection) -> frozenset[str]:
    wanted = rule.policy_topics
    # Of topics that are all needed one will do to find the rule.
    return frozenset(wanted.all[:1] or wanted.any)
