"""What `wirewatch rules …` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from streams.alerts.match import Check
from streams.alerts.rule_checks import Finding
from streams.alerts.trying import TriedMention, TriedRule, condition_in_words
from streams.printing import plain, say
from streams.records import Rule, Selection

__all__ = ["show_findings", "show_rules", "show_tried"]

NAMES_SHOWN = 4
TEXT_SHOWN = 300
"""Characters of what was tried; `wirewatch analyze` shows a whole article."""


def show_rules(rules: Sequence[Rule]) -> None:
    """Rules, one line each."""
    columns = (Column(name, no_wrap=True) for name in ("rule", "version", "severity"))
    table = Table(
        *columns, "figures", "policy topics", "more", "when", box=SIMPLE_HEAD, pad_edge=False
    )
    for rule in rules:
        cells = (
            rule.rule_id if rule.enabled else f"{rule.rule_id} (off)",
            rule.version,
            rule.severity.base,
            _figures(rule),
            _topics(rule),
            _more(rule),
            condition_in_words(rule.when) or "match",
        )
        table.add_row(*map(plain, cells))
    console = Console()
    console.print(table)
    off = sum(not rule.enabled for rule in rules)
    console.print(f"{len(rules)} rules, {off} of them off" if off else f"{len(rules)} rules")


def show_findings(findings: Iterable[tuple[int, Finding]], source: str) -> None:
    """Findings with the line that each is about."""
    for line, each in findings:
        about = f"{each.rule_id}: {each.field}" if each.rule_id else each.field
        place = f"{source}:{line}" if line else source
        say(f"{place}: {each.level}: {about}: {each.message} ({each.cure})")


def show_tried(text: str, lang: str, tried: Sequence[TriedMention]) -> None:
    """Each figure that was found, with each rule and its conditions."""
    say(f"{_beginning(text)}  [{lang}]")
    if not tried:
        say("no watched figure is found, so no rule can fire; `wirewatch watchlist test` says why")
    for mention in tried:
        topics = ", ".join(f"{name} {score:.2f}" for name, score in mention.policy_topics.items())
        say("")
        say(f"{mention.name} ({mention.figure_id}), {mention.confidence:.0%}")
        say(f"policy topics: {topics or 'none'}")
        for rule in mention.rules:
            say(f"  {_verdict(rule)}  {rule.rule_id}: {rule.name}")
            for check in rule.checks:
                _say_check(check, 6)
            if rule.matches:
                say(f"      severity {rule.severity}{_raised(rule)}")
            if rule.matches and rule.when:
                say(f"      and needs {rule.when}")


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT_SHOWN else f"{line[:TEXT_SHOWN].rstrip()} …"


def _verdict(rule: TriedRule) -> str:
    if not rule.matches:
        return "no   "
    if not rule.enabled:
        return "off  "
    return "fires" if rule.fires else "waits"


def _raised(rule: TriedRule) -> str:
    return f", raised since {' and '.join(rule.severity_reasons)}" if rule.severity_reasons else ""


def _say_check(check: Check, indent: int) -> None:
    passed = "yes" if check.passed else "no "
    say(f"{' ' * indent}{passed}  {check.condition}: {check.detail}")
    for part in check.parts:
        _say_check(part, indent + 5)


def _figures(rule: Rule) -> str:
    figures = rule.figures
    parts = [
        _names(figures.any),
        f"on {_names(figures.lists)}" if figures.lists else "",
        f"not {_names(figures.exclude)}" if figures.exclude else "",
        f"with {_names(figures.together)}" if figures.together else "",
        f"as {_names(figures.roles)}" if figures.roles else "",
        f"in {_names(figures.fields)}" if figures.fields else "",
    ]
    return "; ".join(filter(None, parts)) or "all"


def _topics(rule: Rule) -> str:
    topics = rule.policy_topics
    parts = [
        " or ".join(topics.any),
        " and ".join(topics.all),
        f"not {_names(topics.none)}" if topics.none else "",
    ]
    return "; ".join(filter(None, parts)) or "any or none"


def _more(rule: Rule) -> str:
    """Which further parts there are; `--json` has them whole."""
    own = Selection(sources=rule.sources)
    parts = {
        "sources": own != Selection(),
        f"any of {len(rule.any)}": rule.any,
        f"not {len(rule.none)}": rule.none,
        "a day is one alert": rule.group_by == "figure",
        "schedule": rule.schedule.active,
        f"{len(rule.silences)} silences": rule.silences,
        f"to {rule.route}": rule.route,
    }
    return ", ".join(word for word, there in parts.items() if there)


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
