"""What is known of bursts and silences for the rules that ask for them. Pure, in event time.

A burst is what the trends tell (`streams.alerts.trends`): it has a level as long as it lasts, and its id stands
in the place of a story, so that a rule makes one alert of it. What matches the rule becomes part of the alert;
that the burst rises may be told by a mention that does not match.

A silence is counted here, and for each rule by itself: nothing that matches it has come for the length of its
window. The trends find silences, too, but only implausible ones, and they know no rules. It is named after the
last item before it. Backfill is no sign of life: it was old when its feed was first polled.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from streams.alerts.event_time import EventTime
from streams.alerts.evidence import item_ids
from streams.alerts.living import close
from streams.alerts.naming import burst_story
from streams.event_clock import APART
from streams.records import Alert, Mention, Rule, Trend

__all__ = [
    "RECOMPUTED",
    "Bursts",
    "Silences",
    "burst_over",
    "silence_over",
    "silence_words",
]

RECOMPUTED = timedelta(hours=1)
"""Bursts of a figure lie further apart than that. One that begins sooner after what an open alert tells is the
same: its id has come out as another, since its begin was computed from a shorter history."""


class Bursts:
    """The bursts of one partition that are going on, and the alerts about them: a fold over both."""

    def __init__(self) -> None:
        self._going: dict[str, Trend] = {}
        self._alerts: dict[str, dict[str, Alert]] = {}

    def remember(self, alert: Alert) -> None:
        """Take in a revision of an alert about a burst."""
        self._alerts.setdefault(alert.figure_id, {})[alert.rule_id] = alert

    def alerts(self, figure_id: str) -> list[Alert]:
        """The latest alert of each rule about bursts of a figure."""
        return list(self._alerts.get(figure_id, {}).values())

    def story_for(self, rule: Rule, mention: Mention, *, revised: bool = False) -> str:
        """What stands in the place of a story for a mention whose rule asks for a burst; "" if there is none.

        Args:
            rule: which matches the mention.
            mention: as it came.
            revised: only where an alert has another revision of the item.
        """
        if rule.when.kind != "burst":
            return ""
        item = mention.item
        newest = self._alerts.get(mention.figure.figure_id, {}).get(rule.rule_id)
        if newest and item.revision > 1 and item.item_id in item_ids(newest) | {*newest.retracted}:
            return newest.story_id
        going = self._going.get(mention.figure.figure_id)
        if going is None or revised:
            return ""
        if newest and newest.state == "open" and newest.last_seen_at:
            since = item.seen_at - newest.last_seen_at
            if since < RECOMPUTED:
                return newest.story_id
        return burst_story(going.trend_id)

    def take(self, trend: Trend) -> None:
        """Take in a trend, in the order in which they are told; those of other kinds change nothing."""
        if trend.kind != "burst":
            return
        if trend.phase == "end":
            self._going.pop(trend.figure_id, None)
        else:
            self._going[trend.figure_id] = trend

    def of(self, figure_id: str) -> Trend | None:
        """The latest that was told of a figure's burst; None if there is none."""
        return self._going.get(figure_id)

    def level(self, figure_id: str) -> int:
        """The level of a figure's burst; 0 if there is none."""
        going = self._going.get(figure_id)
        return going.level if going else 0


class _Heard(msgspec.Struct):
    """The latest mention that matches a rule."""

    mention: Mention
    at: datetime
    """Since when nothing has been heard."""
    ahead: Mention | None = None
    """The latest that has come since with a time that is not believed: its clock is wrong, or it is among the first
    after a day without news."""
    told: bool = False
    """Whether the silence after it has been found."""


class Silences:
    """When each rule with `when: silence` last matched each figure.

    Args:
        time: of the partition; it has taken in what is heard.
    """

    def __init__(self, time: EventTime) -> None:
        self._time = time
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._due: list[tuple[datetime, str, str]] = []
        self._queued: dict[tuple[str, str], datetime] = {}
        """The entry that counts for each of `_heard`, not later than when its silence is long enough."""
        self._alerts: dict[tuple[str, str], Alert] = {}

    def remember(self, alert: Alert) -> None:
        """Take in a revision of an alert about a silence."""
        self._alerts[alert.rule_id, alert.figure_id] = alert

    def alert_of(self, rule: Rule, figure_id: str) -> Alert | None:
        """The latest alert of a rule about a silence of a figure; None if there was none."""
        return self._alerts.get((rule.rule_id, figure_id))

    def hear(self, rule: Rule, mention: Mention) -> bool:
        """Take in that a mention matches a rule.

        One that is ahead is a sign of life at the time that is believed. It stands in the place of the latest only
        where there is none with a time that is believed.

        Returns:
            Whether it is the latest so far, and so ends a silence.
        """
        if mention.item.backfill:
            return False
        key = (rule.rule_id, mention.figure.figure_id)
        if key in self._heard:
            known, is_ahead = self._caught_up(*key), self._time.is_ahead(mention)
            known_ahead = self._time.is_ahead(known.mention)
            if is_ahead and not known_ahead:
                return self._hear_ahead(rule, known, mention)
            if is_ahead == known_ahead and _order(known.mention) >= _order(mention):
                return False
        self._heard[key] = heard = _Heard(mention, mention.item.seen_at)
        self._wait(rule, heard)
        return True

    def _hear_ahead(self, rule: Rule, known: _Heard, mention: Mention) -> bool:
        if known.ahead is not None and _order(known.ahead) >= _order(mention):
            return False
        known.at, known.ahead = max(known.at, self._time.reached), mention
        self._wait(rule, known)
        return True

    def due(self, rules: Mapping[str, Rule], clock: datetime) -> list[tuple[Rule, Mention]]:
        """The silences that have lasted long enough by the clock, each once.

        Args:
            rules: by rule_id.
            clock: event time that has surely been reached.

        Returns:
            Rule and the last mention that matched it.
        """
        if not self._due or self._due[0][0] > clock:
            return []
        found = []
        while self._due and self._due[0][0] <= clock:
            entry, rule_id, figure_id = heapq.heappop(self._due)
            if self._queued.get((rule_id, figure_id)) != entry:
                continue
            del self._queued[rule_id, figure_id]
            heard, rule = self._caught_up(rule_id, figure_id), rules.get(rule_id)
            if heard.told or rule is None or not rule.enabled or rule.when.kind != "silence":
                continue
            if _long_enough(rule, heard) <= clock:
                heard.told = True
                found.append((rule, heard.mention))
            else:  # something has come since, or the window was edited
                self._wait(rule, heard)
        return found

    def _caught_up(self, rule_id: str, figure_id: str) -> _Heard:
        """What was heard last, now that what was ahead may be near: better a silence too late than a wrong one."""
        heard = self._heard[rule_id, figure_id]
        if heard.ahead is not None and heard.ahead.item.seen_at <= self._time.reached + APART:
            heard = _Heard(heard.ahead, heard.ahead.item.seen_at)
            self._heard[rule_id, figure_id] = heard
        return heard

    def _wait(self, rule: Rule, heard: _Heard) -> None:
        key = (rule.rule_id, heard.mention.figure.figure_id)
        due = _long_enough(rule, heard)
        if key not in self._queued or due < self._queued[key]:
            self._queued[key] = due
            heapq.heappush(self._due, (due, *key))


def _long_enough(rule: Rule, heard: _Heard) -> datetime:
    return heard.at + timedelta(seconds=rule.when.window_seconds)


def _order(mention: Mention) -> tuple[datetime, str]:
    return mention.item.seen_at, mention.item.item_id


def silence_words(rule: Rule, last: Mention) -> str:
    """Why an alert about a silence begins."""
    hours = rule.when.window_seconds / 3600
    item = last.item
    source = item.feed_title or item.feed_id
    return f"no story for {hours:g} h; the last was seen {item.seen_at:%Y-%m-%d %H:%M} UTC, by {source}"


def silence_over(alert: Alert, mention: Mention) -> Alert | None:
    """The revision by which a story ends a silence; None if it is over already, or the story lies before it."""
    last = alert.last_seen_at
    if alert.state == "closed" or last is None or mention.item.seen_at <= last:
        return None
    hours = (mention.item.seen_at - last).total_seconds() / 3600
    return close(alert, f"a story again after {hours:.0f} h: {mention.item.title}")


def burst_over(alert: Alert, trend: Trend) -> Alert | None:
    """The revision by which an alert grows quiet with the end of its burst.

    None if it is quiet already, or tells of a later burst, which is known where a log is read again.
    """
    if alert.state != "open" or (alert.first_seen_at and alert.first_seen_at > trend.window_end):
        return None
    return msgspec.structs.replace(
        alert,
        revision=alert.revision + 1,
        update_kind="coverage",
        update_reason=f"the burst is {trend.reason}",
        notify=False,
        suppressed_by="",
        state="quiet",
    )
