"""What `wirewatch backtest` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from streams.alerts.backtest_report import Day, Difference, Report, RuleReport, Sample
from streams.printing import plain, say

__all__ = ["show_backtest"]

BAR = 30
"""Characters of the longest bar."""


def show_backtest(report: Report) -> None:
    """A report, rule by rule."""
    days = (report.until - report.since).total_seconds() / 86_400
    say(
        f"{report.items:,} items in {days:.1f} days, {report.since:%Y-%m-%d %H:%M} to "
        f"{report.until:%Y-%m-%d %H:%M} UTC; {report.items_with_figures:,} name watched figures, "
        f"{report.mentions:,} mentions"
    )
    if report.unreadable:
        say(f"{report.unreadable:,} records could not be read; see news.dead-letters")
    for rule in report.rules:
        _show_rule(rule)


def _show_rule(rule: RuleReport) -> None:
    say("")
    say(f"{rule.rule_id}, version {rule.version}: {rule.name}".removesuffix(": "))
    say(
        f"{_many(rule.alerts, 'alert')}, {_many(rule.notifications, 'notification')}"
        + (f"; {_counts(rule.severities)}" if rule.severities else "")
    )
    for warning in rule.warnings:
        say(f"WARNING {warning}")
    if rule.alerts or rule.notifications:
        _show_days(rule.days)
        say(
            f"{_many(rule.items, 'item')} of {_many(rule.publishers, 'feed')} tell them, "
            f"{rule.copies} of them copies"
        )
        say(f"most about: {_counts(rule.figures)}")
    for words, counts in (
        ("told nobody because of", rule.suppressed),
        ("matched, but was not enough", rule.held),
        ("did not match by", rule.failed),
    ):
        if counts:
            say(f"{words}: {_counts(counts)}")
    _show_samples("samples:", rule.samples)
    if rule.difference is not None:
        _show_difference(rule.difference)


def _show_days(days: Sequence[Day]) -> None:
    table = Table(
        Column("day", no_wrap=True),
        *(Column(name, justify="right") for name in ("items", "alerts", "notifications")),
        "",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    most = max((day.notifications for day in days), default=0)
    for day in days:
        bar = "█" * -(-BAR * day.notifications // most) if most else ""
        table.add_row(day.date, f"{day.items:,}", f"{day.alerts:,}", f"{day.notifications:,}", bar)
    Console().print(table)


def _show_difference(difference: Difference) -> None:
    say(
        f"in force is version {difference.version}, which made {_many(difference.alerts, 'alert')} and "
        f"{_many(difference.notifications, 'notification')}"
    )
    say(
        f"both make {difference.both} of them, only the new one {difference.only_new}, "
        f"only the one in force {difference.only_old}"
    )
    if difference.note:
        say(difference.note)
    _show_samples("only the new one:", difference.new_samples)
    _show_samples("only the one in force:", difference.old_samples)


def _show_samples(heading: str, samples: Iterable[Sample]) -> None:
    samples = tuple(samples)
    if not samples:
        return
    say(heading)
    console = Console()
    for each in samples:
        more = f" and {each.items - 1} more" if each.items > 1 else ""
        console.print(
            plain(
                f"  {each.at:%m-%d %H:%M}  {each.severity:6}  {each.headline}  ({each.source}{more})"
            ),
            soft_wrap=True,
        )
        reason = f"; {each.reason}" if each.reason else ""
        console.print(
            plain(f"      {each.figure_name} {each.confidence:.0%}{reason}"), soft_wrap=True
        )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
