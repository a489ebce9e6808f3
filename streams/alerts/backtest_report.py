"""What a backtest says."""

from __future__ import annotations

from datetime import datetime

import msgspec

__all__ = ["Day", "Difference", "Report", "RuleReport", "Sample"]


class Day(msgspec.Struct, frozen=True):
    """One day, UTC."""

    date: str
    items: int
    alerts: int
    """That have begun on it."""
    notifications: int


class Sample(msgspec.Struct, frozen=True):
    """An alert as an example."""

    alert_id: str
    at: datetime
    figure_id: str
    figure_name: str
    severity: str
    confidence: float
    headline: str
    source: str
    items: int
    reason: str
    """What it matched by, and whether it would have notified."""


class Difference(msgspec.Struct, frozen=True):
    """Against the rule of the same id that is in force; alerts are the same if their ids are."""

    version: int
    alerts: int
    """Of the rule in force, likewise notifications."""
    notifications: int
    both: int
    only_new: int
    only_old: int
    new_samples: tuple[Sample, ...]
    old_samples: tuple[Sample, ...]
    note: str = ""


class RuleReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule would have done."""

    rule_id: str
    name: str
    version: int
    alerts: int
    notifications: int
    days: tuple[Day, ...]
    severities: dict[str, int]
    figures: dict[str, int]
    """Alerts by figure_id, those with the most first, five at most."""
    items: int
    """That tell the alerts."""
    copies: int
    """Of these, near-copies of another one."""
    publishers: int
    suppressed: dict[str, int]
    """Revisions with something new that notify nobody, by kind of reason."""
    held: dict[str, int]
    """Matching mentions that were not enough for an alert, by condition."""
    failed: dict[str, int]
    """Mentions of its figures that do not match, by the condition that fails first."""
    warnings: tuple[str, ...]
    samples: tuple[Sample, ...]
    difference: Difference | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Of a backtest."""

    since: datetime
    until: datetime
    items: int
    """In that time; what was read before, to know which stories had begun, is not counted."""
    warm_up_items: int
    items_with_figures: int
    mentions: int
    unreadable: int
    rules: tuple[RuleReport, ...]
