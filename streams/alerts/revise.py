"""What one record does to the alerts of its partition: the whole of it, without Kafka. Pure but for the book.

The agent, backtests and the tests of the laws run this same code. Everything is decided by event time and
by what is in the book, so the same log gives the same revisions, wherever a run was broken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from streams.alerts.book import Book
from streams.alerts.living import close
from streams.alerts.match import mismatch
from streams.alerts.pen import Pen, admit, rise, risen
from streams.alerts.triage import carry_out
from streams.errors import RecordError
from streams.records import Alert, Command, Mention, Rule, Trend

__all__ = ["close_orphans", "command", "replay", "revise"]


def revise(
    book: Book,
    mention: Mention,
    candidates: Iterable[Rule],
    now: datetime,
    *,
    offset: int = -1,
    rules: Mapping[str, Rule] | None = None,
    trends: Sequence[Trend] = (),
    told: Callable[[Rule, str], None] | None = None,
) -> list[Alert]:
    """Apply a mention to every alert that it concerns; the book changes with it.

    Args:
        book: of the mention's partition.
        mention: what was found.
        candidates: enabled rules that may match it.
        now: becomes `alerted_at`; takes no part in a decision.
        offset: of the mention in its partition; -1 where there is none. What is known to be done is not done
            again: reading the topic anew tells nothing.
        rules: all of them by rule_id: to take an item back where its revision is no candidate any more, and
            for what happens with time. Without them no burst rises by a mention that does not match, and
            nothing is silent.
        trends: that the mention has made begin, rise or end, in order.
        told: is called with each rule that makes nothing of the mention, and why.

    Returns:
        Revisions in the order in which they are to be published.
    """
    rules = rules or {}
    if book.is_done(mention, offset):
        replay(book, mention, candidates, rules, trends=trends)
        return []
    pen = Pen(book, now, mention.item.seen_at, offset)
    again = book.observe(mention)
    pen.advance()
    pen.absorb(mention)
    pen.follow(trends)
    for rule, held in _of_rules(again, rules):
        pen.tell(rule, held)
    matched = set()
    for rule in candidates:
        why = pen.mismatch(rule, mention)
        if not why:
            matched.add(rule.rule_id)
            why = pen.tell(rule, mention)
        if why and told:
            told(rule, why)
    if mention.item.revision > 1:
        pen.take_back(mention, matched, rules)
    pen.rise(rules, trends)
    pen.fall_silent(rules)
    pen.advance()  # what came late, or moved here, may be old already
    return pen.revisions


def replay(
    book: Book,
    mention: Mention,
    candidates: Iterable[Rule],
    rules: Mapping[str, Rule],
    *,
    trends: Sequence[Trend] = (),
) -> None:
    """Take in a mention whose revisions are in the book already: what conditions count of it."""
    again = book.observe(mention)
    for trend in trends:
        book.bursts.take(trend)
    for rule, held in _of_rules(again, rules):
        admit(book, rule, held)
    for rule in candidates:
        if rule.when.kind != "match" and not mismatch(rule, mention):
            if rule.when.kind == "silence":
                book.silences.hear(rule, mention)
            admit(book, rule, mention)
    for rule, figure_id in risen(rules, trends):
        rise(book, rule, figure_id, mention.item.seen_at)
    book.silences.due(rules, book.clock)


def _of_rules(
    again: Iterable[tuple[str, Mention]], rules: Mapping[str, Rule]
) -> list[tuple[Rule, Mention]]:
    return [(rules[rule_id], held) for rule_id, held in again if rule_id in rules]


def command(book: Book, wanted: Command, offset: int) -> list[Alert]:
    """Carry out what somebody does with an alert.

    A command for an alert that has gone on as another is carried out there: the person saw its news.

    Raises:
        RecordError: there is no such alert in this partition.
    """
    alert = book.alerts.get(wanted.alert_id)
    if alert is None:
        raise RecordError(
            f"no alert {wanted.alert_id} for {wanted.action} by {wanted.actor}",
            cure="write the command to the partition of its alert in news.alerts",
        )
    seen, alert = alert, book.heir(alert)
    if alert is not seen:
        wanted = msgspec.structs.replace(wanted, expected_revision=_expected(seen, alert, wanted))
    revision = carry_out(alert, wanted, offset=offset)
    if revision is None:
        return []
    book.remember(revision)
    return [revision]


def _expected(seen: Alert, heir: Alert, wanted: Command) -> int:
    """The revision of the heir that stands for what the person saw; 0 if others have gone on since."""
    unchanged = heir.triage.status in ("new", seen.triage.status)
    return heir.revision if unchanged and wanted.expected_revision >= seen.triage.revision else 0


def close_orphans(
    book: Book, rules: Mapping[str, Rule], figures: Callable[[str], bool]
) -> list[Alert]:
    """Close open alerts whose rule or figure is gone.

    Args:
        book: of a partition.
        rules: all rules, by rule_id.
        figures: whether a figure is still watched.
    """
    revisions = []
    for alert in book.open_alerts():
        rule = rules.get(alert.rule_id)
        if rule is None:
            reason = f"rule {alert.rule_id} is deleted"
        elif not rule.enabled:
            reason = f"rule {alert.rule_id} is switched off"
        elif not figures(alert.figure_id):
            reason = f"{alert.figure_name} is no longer watched"
        else:
            continue
        revision = close(alert, reason)
        book.remember(revision)
        revisions.append(revision)
    return revisions
