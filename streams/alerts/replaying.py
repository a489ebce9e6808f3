"""The stage's own decisions over stored mentions, with event time for a clock. Pure; publishes nothing.

Rules that are tried are held apart from those in force: what is counted here is what they would have made by
themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from streams.alerts import trends
from streams.alerts.book import Book
from streams.alerts.match import mismatch
from streams.alerts.revise import revise
from streams.alerts.rules import RuleIndex
from streams.alerts.series import observation_of
from streams.alerts.storm import is_digest
from streams.records import Alert, Mention, Rule, Trend

__all__ = ["Messages", "Replaying", "Sifted", "first_word"]


def first_word(reason: str) -> str:
    """The kind of a reason: "max_age: 30 h old" and "schedule: outside …" begin with it."""
    return reason.partition(":")[0]


class Messages:
    """Which messages the notifier would send for revisions (see `streams.alerts.decide`)."""

    def __init__(self) -> None:
        self.sent: list[tuple[datetime, Alert]] = []
        """When, and the revision that asked for it."""
        self._waiting: dict[str, tuple[datetime, Alert]] = {}

    def take(self, alert: Alert, at: datetime) -> None:
        """Take in a revision, published at that event time."""
        waiting = self._waiting.pop(alert.alert_id, None)
        if waiting is not None and waiting[0] <= at:
            self.sent.append(waiting)
            waiting = None
        if alert.state == "closed" and alert.update_kind != "retraction":
            return
        if alert.hold_until is not None and alert.hold_until > at:
            asking = alert if alert.notify or waiting is None else waiting[1]
            self._waiting[alert.alert_id] = (alert.hold_until, asking)
        elif alert.notify:
            self.sent.append((at, alert))

    def end(self) -> None:
        """Let what waits go out."""
        self.sent += sorted(self._waiting.values(), key=lambda pair: (pair[0], pair[1].alert_id))
        self._waiting.clear()


class Sifted(NamedTuple):
    """What rules make of a mention by itself."""

    wanted: bool
    """Whether one matches it, or it tells of a revision or of stories that are one now; all are wanted
    where a rule asks for bursts."""
    misses: dict[str, str]
    """What the rules that may match it fail on, by rule_id; empty for one that matches."""


class Replaying:
    """Some rules over mentions in the order in which they were seen.

    Args:
        rules: tried whether they are switched on or not.
        since: what is seen before makes the state, but is not counted.
    """

    def __init__(self, rules: Iterable[Rule], since: datetime) -> None:
        self.rules = {rule.rule_id: msgspec.structs.replace(rule, enabled=True) for rule in rules}
        self.messages = Messages()
        self.suppressed: dict[str, Counter[str]] = {each: Counter() for each in self.rules}
        """By rule_id and kind of reason, the revisions that told something new and nobody."""
        self.held: dict[str, Counter[str]] = {each: Counter() for each in self.rules}
        """By rule_id and condition, the matching mentions that were not enough for an alert."""
        self._since = since
        self._index = RuleIndex(self.rules)
        self._book = Book()
        self._trends = trends.Partition()
        self._needs_trends = any(rule.when.kind == "burst" for rule in self.rules.values())

    def sift(self, mention: Mention) -> Sifted:
        """Say whether a mention is of any account, so that the others need not be kept."""
        misses = {
            rule.rule_id: mismatch(rule, mention)
            for rule in self._index.candidates(mention.figure, mention.policy_topics)
        }
        wanted = (
            not all(misses.values())
            or bool(mention.story.absorbed)
            or mention.item.revision > 1
            or self._needs_trends
        )
        return Sifted(wanted, misses)

    def take(self, mention: Mention) -> list[Alert]:
        """Process a mention as the stage does; the revisions that it would publish."""
        at = mention.item.seen_at
        told = self._hold(mention) if at >= self._since else None
        revisions = revise(
            self._book,
            mention,
            self._index.candidates(mention.figure, mention.policy_topics),
            at,
            rules=self.rules,
            trends=self._observe(mention),
            told=told,
        )
        for alert in revisions:
            self.messages.take(alert, at)
            if alert.suppressed_by and at >= self._since:
                self.suppressed[alert.rule_id][first_word(alert.suppressed_by)] += 1
        return revisions

    def alerts(self) -> list[Alert]:
        """Newest revision of each alert that has begun in the time, oldest first.

        Those that go on as another are left out, and so are digests of storms: they tell no story.
        """
        begun = [
            (alert.first_seen_at, alert.alert_id, alert)
            for alert in self._book.alerts.values()
            if not alert.superseded_by
            and not is_digest(alert)
            and alert.first_seen_at is not None
            and alert.first_seen_at >= self._since
        ]
        return [alert for _, _, alert in sorted(begun, key=lambda each: each[:2])]

    def _hold(self, mention: Mention) -> Callable[[Rule, str], None]:
        def told(rule: Rule, why: str) -> None:
            if why.startswith("when."):
                self.held[rule.rule_id][first_word(why)] += 1

        return told

    def _observe(self, mention: Mention) -> tuple[Trend, ...]:
        """Fold trends as the stage does, where a rule asks for them."""
        if not self._needs_trends:
            return ()
        return trends.observe(self._trends, observation_of(mention))
