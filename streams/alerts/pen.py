"""Writes revisions of alerts into a book: what one mention, or the time that goes by with it, makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from streams.alerts.book import Book
from streams.alerts.decide import decide, retract
from streams.alerts.living import adjoin, advance, merge
from streams.alerts.match import mismatch
from streams.alerts.naming import alert_id_of, alert_name, silence_story
from streams.alerts.trending import burst_over, silence_over, silence_words
from streams.records import Alert, Mention, Rule, Trend

__all__ = ["Pen", "admit", "rise", "risen"]


class Pen:
    """Writes revisions into a book, and keeps them for whoever publishes."""

    def __init__(self, book: Book, now: datetime, at: datetime, offset: int) -> None:
        self.revisions: list[Alert] = []
        self._book = book
        self._now = now
        self._at = at
        self._offset = offset

    def write(self, alert: Alert) -> None:
        """Put down a revision, and that of the digest which it may bring about."""
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
        story = self._book.story_of(mention.story.story_id)
        for name in mention.story.absorbed:
            if name == story:
                continue
            for moved in self._book.of_story(name):
                there = self._book.episodes(moved.rule_id, moved.figure_id, story)
                into = next((alert for alert in there if adjoin(alert, moved)), None)
                why = "two stories have turned out to be one"
                self._join_episodes(self._merge(into, moved, story, why))

    def _merge(self, into: Alert | None, moved: Alert, story: str, reason: str) -> Alert:
        rule_id, figure_id = moved.rule_id, moved.figure_id
        episode = into.episode if into else self._book.next_episode(rule_id, figure_id, story)
        winner, loser = merge(
            into,
            moved,
            alert_id=alert_name(rule_id, figure_id, story, episode),
            story_id=story,
            episode=episode,
            reason=reason,
            at=self._at,
        )
        self.write(winner)
        self.write(loser)
        return winner

    def mismatch(self, rule: Rule, mention: Mention) -> str:
        """Why a rule does not match a mention, or the newer revision of its item that came before it."""
        newer = self._book.newer_than(mention)
        return mismatch(rule, mention) or (mismatch(rule, newer) if newer else "")

    def follow(self, trends: Iterable[Trend]) -> None:
        """Take in trends; the alerts of bursts that are over grow quiet."""
        for trend in trends:
            self._book.bursts.take(trend)
            if trend.kind == "burst" and trend.phase == "end":
                for alert in self._book.bursts.alerts(trend.figure_id):
                    if revision := burst_over(alert, trend):
                        self.write(revision)

    def rise(self, rules: Mapping[str, Rule], trends: Iterable[Trend]) -> None:
        """Tell the alerts of rules that a burst has risen, also by a mention that does not match them."""
        for rule, figure_id in risen(rules, trends):
            for each in rise(self._book, rule, figure_id, self._at):
                if not self.mismatch(rule, each):
                    self._revise(rule, each)

    def fall_silent(self, rules: Mapping[str, Rule]) -> None:
        """Begin alerts about what has been silent for long enough."""
        for rule, last in self._book.silences.due(rules, self._book.clock):
            under = _under(last, silence_story(last.item.item_id))
            if alert_id_of(rule, under) in self._book.alerts or self.mismatch(rule, last):
                continue
            situation = self._book.situation(rule, last, None, self._at)
            begun = msgspec.structs.replace(situation, begun_by=silence_words(rule, last))
            decision = decide(None, rule, under, self._now, situation=begun)
            if decision.alert is not None:
                self.write(decision.alert)

    def _hear(self, rule: Rule, mention: Mention) -> None:
        """Take in a sign of life, which ends a silence."""
        alert = self._book.silences.alert_of(rule, mention.figure.figure_id)
        latest = self._book.silences.hear(rule, mention)
        if alert is None or not latest or self._is_later(alert, mention):
            return
        if revision := silence_over(alert, mention):
            self.write(revision)

    def _is_later(self, alert: Alert, mention: Mention) -> bool:
        """Whether an alert was revised after a mention that is ahead, and so is known only where that is read again.

        Of one that is not ahead its time tells.
        """
        return self._book.time.is_ahead(mention) and 0 <= self._offset < alert.mention_offset

    def tell(self, rule: Rule, mention: Mention) -> str:
        """Apply a matching mention to the alert of a rule, as far as its condition admits it.

        Returns:
            Why nothing became of it; empty if something did.
        """
        if rule.when.kind == "match":
            return self._revise(rule, mention)
        if rule.when.kind == "silence":
            self._hear(rule, mention)
        mentions, reason = admit(self._book, rule, mention)
        for each in mentions:
            reason = self.mismatch(rule, each) or self._revise(rule, each)
        return reason

    def _revise(self, rule: Rule, mention: Mention) -> str:
        if burst := self._book.bursts.story_for(rule, mention):
            mention = _under(mention, burst)
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
        if decision.alert is not None and place.previous is not None:
            self._join_episodes(decision.alert)
        return "" if decision.alert else decision.reason

    def _join_episodes(self, alert: Alert) -> None:
        """Let an alert and other episodes that turn out to be one with it go on as the earliest of them."""
        named = (alert.rule_id, alert.figure_id, alert.story_id)
        others = (a for a in self._book.episodes(*named) if a.alert_id != alert.alert_id)
        other = next((a for a in others if adjoin(a, alert)), None)
        if other is None:
            return
        pair = (self._book.alerts[alert.alert_id], other)
        into, moved = sorted(pair, key=lambda a: (a.first_seen_at or self._at, a.episode))
        why = "there was no day without news between them"
        self._join_episodes(self._merge(into, moved, alert.story_id, why))

    def take_back(self, mention: Mention, matched: set[str], rules: Mapping[str, Rule]) -> None:
        """Retract a revised item where it does not match any more."""
        mention = _under_its_story(self._book, mention)
        for alert in self._book.holding(mention):
            rule = rules.get(alert.rule_id)
            if rule is None or rule.rule_id in matched:
                continue
            situation = self._book.situation(rule, mention, alert, self._at)
            why = mismatch(rule, mention)
            revision = retract(alert, rule, mention, why, self._now, situation=situation)
            if why and revision is not None:
                self.write(revision)


def _under_its_story(book: Book, mention: Mention) -> Mention:
    """The mention with the story that its story is by now."""
    return _under(mention, book.story_of(mention.story.story_id))


def _under(mention: Mention, story_id: str) -> Mention:
    if story_id == mention.story.story_id:
        return mention
    story = msgspec.structs.replace(mention.story, story_id=story_id)
    return msgspec.structs.replace(mention, story=story)


def risen(rules: Mapping[str, Rule], trends: Iterable[Trend]) -> list[tuple[Rule, str]]:
    """The rules, each with a figure whose burst has just begun or risen."""
    figures = [t.figure_id for t in trends if t.kind == "burst" and t.phase != "end"]
    if not figures:
        return []
    asking = (rule for rule in rules.values() if rule.when.kind == "burst" and rule.enabled)
    ordered = sorted(asking, key=lambda rule: rule.rule_id)
    return [(rule, figure) for rule in ordered for figure in figures]


def rise(book: Book, rule: Rule, figure_id: str, at: datetime) -> tuple[Mention, ...]:
    """Which mentions become part of an alert now that a burst has risen."""
    if book.bursts.level(figure_id) < rule.when.at_least:
        return ()
    return book.conditions.risen(rule, figure_id, at)


def admit(book: Book, rule: Rule, mention: Mention) -> tuple[tuple[Mention, ...], str]:
    """Which mentions become part of an alert now, and why none does."""
    if rule.when.kind in ("burst", "silence"):
        level = book.bursts.level(mention.figure.figure_id)
        admission = book.conditions.admit(rule, mention, "", trend_level=level)
        if not admission.mentions and book.bursts.story_for(rule, mention, revised=True):
            return (mention,), ""
        return admission.mentions, admission.reason
    by_now = _under_its_story(book, mention)
    alert = book.place(rule, by_now, mention.story.story_id).previous
    since = alert.first_seen_at.timestamp() if alert and alert.first_seen_at else None
    admission = book.conditions.admit(rule, mention, by_now.story.story_id, alert_since=since)
    return admission.mentions, admission.reason
