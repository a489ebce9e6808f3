"""What rules would have done with the past: alerts and notifications per day, samples, and warnings. Pure.

Stored items go through the very same code as live ones: `Clusters` for each partition of `news.enriched`, then
the decisions of the alerts stage. The clock is event time, so the same items give the same report.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from streams.alerts.backtest_report import Day, Difference, Report, RuleReport, Sample
from streams.alerts.bursts import COLD_HOURS
from streams.alerts.conditions import longest_window
from streams.alerts.evidence import item_ids
from streams.alerts.replaying import Replaying, first_word
from streams.alerts.severity import SEVERITIES
from streams.records import Alert, EnrichedItem, Mention, Rule
from streams.stories.cluster import WINDOW, Clusters

__all__ = ["FLOOD_PER_DAY", "Backtest", "warm_up"]

FLOOD_PER_DAY = 20
"""Notifications on one day that a desk can still read one by one; beyond, they are a flood."""
LOPSIDED_LEAST = 8
"""Of fewer alerts half are about one figure by chance."""
SAMPLES = 8
FIGURES_TOLD = 5


def warm_up(rules: Iterable[Rule]) -> timedelta:
    """How long before the time in question to begin to read.

    Stories may have begun a window before, conditions count as far back as they look, and bursts stand out
    against a week. What is still
    older could only change what the stories of the first days are called.
    """
    rules = tuple(rules)
    usual = timedelta(hours=COLD_HOURS if any(r.when.kind == "burst" for r in rules) else 0)
    return max(WINDOW, usual, longest_window(rules))


class Backtest:
    """Takes in items, partition by partition, each in the order of its log.

    Args:
        rules: to be tried.
        before: those in force by rule_id; what the same ids have made is compared.
        since: begin of the time that is counted.
        until: its end.
    """

    def __init__(
        self, rules: Sequence[Rule], before: Mapping[str, Rule], *, since: datetime, until: datetime
    ) -> None:
        self.rules, self._since, self._until = rules, since, until
        self._before = {r.rule_id: before[r.rule_id] for r in rules if r.rule_id in before}
        self._new = Replaying(rules, since)
        self._old = Replaying(self._before.values(), since)
        self._clusters: defaultdict[int, Clusters] = defaultdict(Clusters)
        self._kept: list[tuple[datetime, int, int, Mention]] = []
        self._items: Counter[str] = Counter()
        self._failed: dict[str, Counter[str]] = {rule.rule_id: Counter() for rule in rules}
        self._warm_up = self._with_figures = self._mentions = self.unreadable = 0

    def take(self, partition: int, enriched: EnrichedItem) -> None:
        """Take in the next item of a partition."""
        at = enriched.item.seen_at
        if at > self._until:
            return
        counted = at >= self._since
        if counted:
            self._items[at.date().isoformat()] += 1
            self._with_figures += bool(enriched.figures)
        else:
            self._warm_up += 1
        for mention in self._clusters[partition].mentions(enriched):
            self._mentions += counted
            wanted, misses = self._new.sift(mention)
            if counted and mention.figure.confidence:  # else it only tells of stories that are one
                for rule_id, why in misses.items():
                    if why:
                        self._failed[rule_id][first_word(why)] += 1
            if wanted or (self._before and self._old.sift(mention).wanted):
                self._kept.append((at, partition, len(self._kept), mention))

    def report(self) -> Report:
        """Run the rules over all mentions, in the order in which they were seen."""
        for _, _, _, mention in sorted(self._kept, key=lambda each: each[:3]):
            self._new.take(mention)
            if self._before:
                self._old.take(mention)
        self._kept.clear()
        for each in (self._new, self._old):
            each.messages.end()
        return Report(
            since=self._since,
            until=self._until,
            items=self._items.total(),
            warm_up_items=self._warm_up,
            items_with_figures=self._with_figures,
            mentions=self._mentions,
            unreadable=self.unreadable,
            rules=tuple(self._report_of(rule) for rule in self.rules),
        )

    def _report_of(self, rule: Rule) -> RuleReport:
        rule_id = rule.rule_id
        alerts = _of_rule(self._new, rule_id)
        sent = _messages_of(self._new, rule_id, self._since)
        figures = Counter(alert.figure_id for alert in alerts)
        days = self._days(alerts, sent)
        return RuleReport(
            rule_id=rule_id,
            name=rule.name,
            version=rule.version,
            alerts=len(alerts),
            notifications=len(sent),
            days=days,
            severities={s: n for s in reversed(SEVERITIES) if (n := _count(alerts, s))},
            figures=dict(figures.most_common(FIGURES_TOLD)),
            items=sum(len(item_ids(alert)) for alert in alerts),
            copies=sum(alert.copies for alert in alerts),
            publishers=len({feed for alert in alerts for feed in alert.publishers}),
            suppressed=dict(self._new.suppressed[rule_id].most_common()),
            held=dict(self._new.held[rule_id].most_common()),
            failed=dict(self._failed[rule_id].most_common()),
            warnings=tuple(_warnings(rule, days, figures)),
            samples=_samples(alerts),
            difference=self._difference(rule, alerts),
        )

    def _days(self, alerts: Sequence[Alert], sent: Sequence[datetime]) -> tuple[Day, ...]:
        begun = Counter(_day(alert) for alert in alerts)
        told = Counter(at.date().isoformat() for at in sent)
        first, last = self._since.date(), self._until.date()
        every = ((first + timedelta(n)).isoformat() for n in range((last - first).days + 1))
        # A message that waits for the hours of its schedule may go out after the end.
        dates = sorted({*every, *told})
        return tuple(Day(date, self._items[date], begun[date], told[date]) for date in dates)

    def _difference(self, rule: Rule, alerts: Sequence[Alert]) -> Difference | None:
        old = self._before.get(rule.rule_id)
        if old is None:
            return None
        mine = {alert.alert_id: alert for alert in alerts}
        theirs = {alert.alert_id: alert for alert in _of_rule(self._old, rule.rule_id)}
        added = [alert for name, alert in mine.items() if name not in theirs]
        gone = [alert for name, alert in theirs.items() if name not in mine]
        return Difference(
            version=old.version,
            alerts=len(theirs),
            notifications=len(_messages_of(self._old, rule.rule_id, self._since)),
            both=len(mine) - len(added),
            only_new=len(added),
            only_old=len(gone),
            new_samples=_samples(added),
            old_samples=_samples(gone),
            note=_regrouped(old, rule),
        )


def _of_rule(replaying: Replaying, rule_id: str) -> list[Alert]:
    return [alert for alert in replaying.alerts() if alert.rule_id == rule_id]


def _messages_of(replaying: Replaying, rule_id: str, since: datetime) -> list[datetime]:
    sent = replaying.messages.sent
    return [at for at, alert in sent if alert.rule_id == rule_id and at >= since]


def _count(alerts: Sequence[Alert], severity: str) -> int:
    return sum(alert.severity == severity for alert in alerts)


def _day(alert: Alert) -> str:
    assert alert.first_seen_at is not None, "alerts without are not counted"
    return alert.first_seen_at.date().isoformat()


def _regrouped(old: Rule, new: Rule) -> str:
    daily = [r.group_by == "figure" or r.when.kind == "count" for r in (old, new)]
    if daily[0] == daily[1]:
        return ""
    return "one of the two makes an alert per story, the other one per day: none can be the same"


def _warnings(rule: Rule, days: Sequence[Day], figures: Counter[str]) -> list[str]:
    found = [
        f"flood: {day.notifications} notifications on {day.date}, more than {FLOOD_PER_DAY}"
        for day in days
        if day.notifications > FLOOD_PER_DAY
    ]
    total = figures.total()
    if total >= LOPSIDED_LEAST and len(rule.figures.any) != 1:
        figure_id, count = figures.most_common(1)[0]
        if count > total / 2:
            found.append(f"{count} of {total} alerts are about {figure_id} alone")
    if rule.when.kind == "silence":
        found.append("when: silence is told by trends, which a backtest does not read")
    if not rule.enabled:
        found.append("the rule is switched off (enabled: false); tried as if it were on")
    return found


def _samples(alerts: Sequence[Alert]) -> tuple[Sample, ...]:
    """Some alerts, spread over the time, so that no burst fills them all."""
    if len(alerts) > SAMPLES:
        step = (len(alerts) - 1) / (SAMPLES - 1)
        alerts = [alerts[round(n * step)] for n in range(SAMPLES)]
    return tuple(map(_sample, alerts))


def _sample(alert: Alert) -> Sample:
    first = alert.sources[0]
    assert alert.first_seen_at is not None, "alerts without are not counted"
    scores = {hit.policy_topic: hit.score for hit in first.policy_topics}
    topics = [f"{t} {scores[t]:.2f}" if t in scores else t for t in alert.policy_topics]
    quiet = "" if alert.notified else alert.suppressed_by or "nobody is told"
    return Sample(
        alert_id=alert.alert_id,
        at=alert.first_seen_at,
        figure_id=alert.figure_id,
        figure_name=alert.figure_name,
        severity=alert.severity,
        confidence=alert.confidence,
        headline=alert.headline,
        source=first.item.feed_title or first.item.feed_id,
        items=len(item_ids(alert)),
        reason="; ".join(filter(None, [", ".join(topics), *alert.severity_reasons, quiet])),
    )
