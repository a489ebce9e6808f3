"""What must have happened for matching mentions to become an alert: `when` of a rule. Pure, in event time.

match            nothing more.
count            so many distinct stories about the figure within the window.
distinct_sources so many feeds within the window, that tell the story; of a rule that groups by figure, that
                 tell of the figure.
first_seen       no other story about the figure in the window before.
burst            the figure's burst, which the trends tell, has at least that level.
silence          nothing for the length of the window. No mention can fulfil it: it is time that does
                 (`streams.alerts.trending`).

Mentions that come before a condition is fulfilled are held, and become sources of the alert when it is: so the
alert shows what it counted, and it does not matter which of them came last. From then on all that comes joins
the alert as long as it lives, or as long as its burst lasts. `first_seen` is decided with what is there when the
mention comes: a story that turns out within minutes to have been second keeps its alert.

Stories are counted as they were called when the mention was made: two that turn out to be one later have been
counted as two, whatever the order in which that became known.

The counts are a fold over matching mentions; each is counted once, however often it comes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from streams.alerts.event_time import LATENESS, EventTime
from streams.alerts.tally import Tally, in_order, name_of
from streams.records import Condition, Mention, Rule

__all__ = ["Admission", "Conditions", "longest_window"]

Scope = tuple[str, str, str, str]
"""rule_id, kind of condition, figure_id, and the story where a condition is about one."""


class Admission(msgspec.Struct, frozen=True):
    """`mentions` become part of an alert now; if none, `reason` says what is missing."""

    mentions: tuple[Mention, ...]
    reason: str = ""


def longest_window(rules: Iterable[Rule]) -> timedelta:
    """How far back mentions must be read to know what the conditions of rules have counted."""
    counting = [r.when.window_seconds for r in rules if r.when.kind != "match"]
    return 2 * (timedelta(seconds=max(counting, default=0)) + LATENESS)


class Conditions:
    """Counts of one partition.

    Args:
        story_of: names the story that a story is by now.
        time: of the partition; it has taken in what is admitted.
    """

    def __init__(self, story_of: Callable[[str], str], time: EventTime) -> None:
        self._story_of = story_of
        self._time = time
        self._tallies: dict[Scope, Tally] = {}
        self._by_story: dict[str, set[Scope]] = {}

    def admit(
        self,
        rule: Rule,
        mention: Mention,
        story: str,
        *,
        alert_since: float | None = None,
        trend_level: int = 0,
    ) -> Admission:
        """Say which mentions become part of an alert, now that a rule matches another one.

        Args:
            rule: that matches the mention.
            mention: as it came.
            story: that it belongs to by now.
            alert_since: when the first item of its living alert was seen, in Unix seconds.
            trend_level: of the figure's burst; 0 if there is none.
        """
        when = rule.when
        if when.kind == "match":
            return Admission((mention,))
        if when.kind == "burst":
            return self._in_burst(rule, mention, trend_level)
        if when.kind == "silence":
            return Admission((), "when.silence: the figure is in the news")
        tally = self._tally(rule, mention, story)
        at = mention.item.seen_at.timestamp()
        self._count(tally, when, mention)
        if alert_since is not None and alert_since <= at:
            return Admission((mention, *self._also(tally, when, mention, at)))
        if when.kind == "first_seen":
            return self._first(tally, when, mention, at)
        return self._enough(tally, when, at)

    def _in_burst(self, rule: Rule, mention: Mention, level: int) -> Admission:
        when, at = rule.when, mention.item.seen_at.timestamp()
        if mention.item.backfill:
            return Admission((), "when.burst: the feed already held it when it was first polled")
        tally = self._tally(rule, mention, "")
        self._count(tally, when, mention)
        tally.remember_newest(mention, self._time)
        if level < when.at_least:
            return Admission((), f"when.burst: level {level} < {when.at_least}")
        tally.held.pop(name_of(mention), None)
        others = tally.let_go(at - when.window_seconds, self._bound(at))
        return Admission(in_order((mention, *others)))

    def risen(self, rule: Rule, figure_id: str, now: datetime) -> tuple[Mention, ...]:
        """Say which mentions become part of an alert, now that a burst has risen without a matching one.

        Args:
            rule: with `when: burst`, whose level is reached.
            figure_id: whose burst.
            now: event time.

        Returns:
            Those that are held of the window; if none, the newest one, which is known to the alert.
        """
        tally = self._tallies.get((rule.rule_id, rule.when.kind, figure_id, ""))
        begin = now.timestamp() - rule.when.window_seconds
        if tally is None or tally.newest is None or tally.newest.item.seen_at.timestamp() <= begin:
            return ()
        return tally.let_go(begin, self._bound(now.timestamp())) or (tally.newest,)

    def absorb(self, name: str, into: str, at: float) -> list[tuple[str, Mention]]:
        """Put together what was counted of a story that has turned out to be another.

        Args:
            name: the story that has ended.
            into: the one that it is now.
            at: when the item was seen that showed it, in Unix seconds. What is older than the window then is
                no news any more.

        Returns:
            rule_id and mention, of each that is still held: together they may be enough, or belong to the alert
            that moves with the story. To be admitted again.
        """
        for scope in self._by_story.pop(name, ()):
            moved = self._tallies.pop(scope)
            target = (*scope[:3], into)
            self._tallies.setdefault(target, Tally()).join(moved)
            self._by_story.setdefault(into, set()).add(target)
        return [
            (scope[0], mention)
            for scope in sorted(self._by_story.get(into, ()))
            for mention in self._tallies[scope].held_since(at)
        ]

    def forget(self) -> None:
        """Drop the tallies in which nothing counts any more."""
        over = [scope for scope, tally in self._tallies.items() if tally.is_over(self._time)]
        for scope in over:
            del self._tallies[scope]
            if scope[3]:
                self._by_story[scope[3]].discard(scope)
        self._by_story = {story: scopes for story, scopes in self._by_story.items() if scopes}

    def _tally(self, rule: Rule, mention: Mention, story: str) -> Tally:
        of_story = rule.when.kind == "distinct_sources" and rule.group_by == "story"
        scope = (
            rule.rule_id,
            rule.when.kind,
            mention.figure.figure_id,
            story if of_story else "",
        )
        tally = self._tallies.get(scope)
        if tally is None:
            tally = self._tallies[scope] = Tally()
            if of_story:
                self._by_story.setdefault(story, set()).add(scope)
        return tally

    def _first(self, tally: Tally, when: Condition, mention: Mention, at: float) -> Admission:
        story = self._story_of(mention.story.story_id)
        for key, times in tally.times.items():
            if self._story_of(key) == story:
                continue
            before = bisect_left(times, at)
            if before and times[before - 1] >= at - when.window_seconds:
                hours = (at - times[before - 1]) / 3600
                return Admission((), f"when.first_seen: another story {hours:.1f} h before")
        tally.held.pop(name_of(mention), None)
        return Admission((mention,))

    def _count(self, tally: Tally, when: Condition, mention: Mention) -> None:
        of_feeds = when.kind == "distinct_sources"
        key = mention.item.feed_id if of_feeds else mention.story.story_id
        tally.count(key, mention, when.window_seconds, self._time)

    def _bound(self, at: float) -> float:
        """What counts for a mention that was seen then: nothing that is ahead, unless it is so itself."""
        bound = self._time.bound.timestamp()
        return bound if at <= bound else math.inf

    def _also(
        self, tally: Tally, when: Condition, mention: Mention, at: float
    ) -> tuple[Mention, ...]:
        """What is still held of before the alert, and belongs to it now that a mention joins it."""
        tally.held.pop(name_of(mention), None)
        if not tally.held or when.kind == "first_seen":
            return ()
        return self._enough(tally, when, at).mentions

    def _enough(self, tally: Tally, when: Condition, at: float) -> Admission:
        mentions, found = tally.fill(at, when.at_least, self._bound(at))
        if found >= when.at_least:
            return Admission(mentions)
        what = "stories" if when.kind == "count" else "sources"
        hours = when.window_seconds / 3600
        return Admission((), f"when.{when.kind}: {found} {what} in {hours:g} h < {when.at_least}")
