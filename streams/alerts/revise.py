"""What one record does to the alerts of its partition: the whole of it, without Kafka. Pure but for the book.

The agent, backtests and the tests of the laws run this same code. Everything is decided by event time and
by what is in the book, so the same log gives the same revisions, wherever a run was broken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import msgspec

from streams.alerts.book import Book
from streams.alerts.decide import decide, retract
from streams.alerts.living import advance, close, joins, merge
from streams.alerts.match import mismatch
from streams.alerts.naming import alert_name
from streams.alerts.triage import carry_out
from streams.errors import RecordError
from streams.records import Alert, Command, Mention, Rule

__all__ = ["close_orphans", "command", "replay", "revise"]


def revise(
    book: Book,
    mention: Mention,
    candidates: Iterable[Rule],
    now: datetime,
    *,
    offset: int = -1,
    rules: Mapping[str, Rule] | None = None,
    trend_level: int = 0,
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
        rules: all of them by rule_id, to take an item back where its revision is no candidate any more.
        trend_level: of the figure's burst, for rules with `when: burst`.
        told: is called with each rule that makes nothing of the mention, and why.

    Returns:
        Revisions in the order in which they are to be published.
    """
    if book.is_done(mention, offset):
        replay(book, mention, candidates, rules or {})
        return []
    pen = _Pen(book, now, mention.item.seen_at, offset)
    again = book.observe(mention)
    pen.advance()
    pen.absorb(mention)
    for rule_id, held in again:
        if rules and rule_id in rules:
            pen.tell(rules[rule_id], held, trend_level)
    matched = set()
    for rule in candidates:
        why = pen.mismatch(rule, mention)
        if not why:
            matched.add(rule.rule_id)
            why = pen.tell(rule, mention, trend_level)
        if why and told:
            told(rule, why)
    if mention.item.revision > 1:
        pen.take_back(_under_its_story(book, mention), matched, rules or {})
    pen.advance()  # what came late, or moved here, may be old already
    return pen.revisions


def replay(
    book: Book, mention: Mention, candidates: Iterable[Rule], rules: Mapping[str, Rule]
) -> None:
    """Take in a mention whose revisions are in the book already: what conditions count of it."""
    for rule_id, held in book.observe(mention):
        if rule_id in rules:
            _admit(book, rules[rule_id], held, 0)
    for rule in candidates:
        if rule.when.kind != "match" and not mismatch(rule, mention):
            _admit(book, rule, mention, 0)


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


def _under_its_story(book: Book, mention: Mention) -> Mention:
    story = mention.story
    by_now = book.story_of(story.story_id)
    if by_now == story.story_id:
        return mention
    return msgspec.structs.replace(mention, story=msgspec.structs.replace(story, story_id=by_now))


def _admit(book: Book, rule: Rule, mention: Mention, level: int) -> tuple[tuple[Mention, ...], str]:
    """Which mentions become part of an alert now, and why none does."""
    by_now = _under_its_story(book, mention)
    alert = book.place(rule, by_now, mention.story.story_id).previous
    since = alert.first_seen_at.timestamp() if alert and alert.first_seen_at else None
    admission = book.conditions.admit(
        rule, mention, by_now.story.story_id, alert_since=since, trend_level=level
    )
    return admission.mentions, admission.reason


class _Pen:
    """Writes revisions into a book, and keeps them for whoever publishes."""

    def __init__(self, book: Book, now: datetime, at: datetime, offset: int) -> None:
        self.revisions: list[Alert] = []
        self._book = book
        self._now = now
        self._at = at
        self._offset = offset

    def write(self, alert: Alert) -> None:
        if self._offset >= 0:
            alert = msgspec.structs.replace(alert, mention_offset=self._offset)
        self._book.remember(alert)
        self.revisions.append(alert)
        if alert.suppressed_by.startswith("storm"):
            digest = self._book.storms.digest(alert)
            if digest is not None:
                self.write(digest)

    def advance(self) -> None:
        """Let alerts grow quiet or close whose time has come."""
        for alert in self._book.due():
            revision = advance(alert, self._book.clock)
            if revision is not None:
                self.write(revision)

    def absorb(self, mention: Mention) -> None:
        """Move the alerts of stories that are the mention's story now."""
        at = mention.item.seen_at
        story = self._book.story_of(mention.story.story_id)
        for name in mention.story.absorbed:
            if name == story:
                continue
            for moved in self._book.of_story(name, at):
                self._move(moved, story, at)

    def _move(self, moved: Alert, story: str, at: datetime) -> None:
        named = (moved.rule_id, moved.figure_id, story)
        times = (moved.first_seen_at or at, moved.last_seen_at or at)
        there = self._book.episodes(*named)
        into = next((a for a in there if any(joins(a, time) for time in times)), None)
        self._merge(into, moved, story, at, "two stories have turned out to be one")

    def _merge(
        self, into: Alert | None, moved: Alert, story: str, at: datetime, reason: str
    ) -> None:
        rule_id, figure_id = moved.rule_id, moved.figure_id
        episode = into.episode if into else self._book.next_episode(rule_id, figure_id, story)
        winner, loser = merge(
            into,
            moved,
            alert_id=alert_name(rule_id, figure_id, story, episode),
            story_id=story,
            episode=episode,
            reason=reason,
            at=at,
        )
        self.write(winner)
        self.write(loser)

    def mismatch(self, rule: Rule, mention: Mention) -> str:
        """Why a rule does not match a mention, or the newer revision of its item that came before it."""
        newer = self._book.newer_than(mention)
        return mismatch(rule, mention) or (mismatch(rule, newer) if newer else "")

    def tell(self, rule: Rule, mention: Mention, trend_level: int) -> str:
        """Apply a matching mention to the alert of a rule, as far as its condition admits it.

        Returns:
            Why nothing became of it; empty if something did.
        """
        if rule.when.kind == "match":
            return self._revise(rule, mention)
        mentions, reason = _admit(self._book, rule, mention, trend_level)
        for each in mentions:
            reason = self.mismatch(rule, each) or self._revise(rule, each)
        return reason

    def _revise(self, rule: Rule, mention: Mention) -> str:
        told_as, mention = mention.story.story_id, _under_its_story(self._book, mention)
        place = self._book.place(rule, mention, told_as)
        decision = decide(
            place.previous,
            rule,
            mention,
            self._now,
            situation=self._book.situation(rule, mention, place.previous, self._at),
            episode=place.episode,
            derived_from=place.derived_from,
        )
        if decision.alert is not None:
            self.write(decision.alert)
        if place.previous is not None and place.joined:
            self._join_episodes([place.previous, *place.joined])
        return "" if decision.alert else decision.reason

    def _join_episodes(self, alerts: list[Alert]) -> None:
        newest = [self._book.alerts[alert.alert_id] for alert in alerts]
        earliest, *later = sorted(newest, key=lambda a: (a.first_seen_at or self._at, a.episode))
        for moved in later:
            into = self._book.alerts[earliest.alert_id]
            why = "there was no day without news between them"
            self._merge(into, moved, into.story_id, self._at, why)

    def take_back(self, mention: Mention, matched: set[str], rules: Mapping[str, Rule]) -> None:
        """Retract a revised item where it does not match any more."""
        for alert in self._book.holding(mention):
            rule = rules.get(alert.rule_id)
            if rule is None or rule.rule_id in matched:
                continue
            situation = self._book.situation(rule, mention, alert, self._at)
            why = mismatch(rule, mention)
            revision = retract(alert, rule, mention, why, self._now, situation=situation)
            if why and revision is not None:
                self.write(revision)
