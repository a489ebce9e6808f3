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

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from streams.records import Condition, Mention, Rule

__all__ = ["LATENESS", "Admission", "Conditions", "longest_window"]

LATENESS = timedelta(minutes=10)
"""How much later than another one that was seen after it a record may come and still be in time."""

Scope = tuple[str, str, str, str]
"""rule_id, kind of condition, figure_id, and the story where a condition is about one."""


class Admission(msgspec.Struct, frozen=True):
    """`mentions` become part of an alert now; if none, `reason` says what is missing."""

    mentions: tuple[Mention, ...]
    reason: str = ""


class _Tally(msgspec.Struct):
    """What a condition has counted, as far back as it looks. Times are Unix seconds."""

    times: dict[str, list[float]] = {}
    """Distinct thing (a story or feed) to when it was seen, sorted."""
    counted: dict[tuple[str, int], float] = {}
    """Item and revision, to when it was seen."""
    held: dict[tuple[str, int], Mention] = {}
    """Those that have not become part of an alert."""
    window: float = 0.0
    """Seconds."""
    latest: float = 0.0
    until: float = 0.0
    """Nothing of it counts any more from then on."""
    pruned: float = 0.0
    newest: Mention | None = None
    """burst: the latest mention, which stands for the alert when the burst rises by another one."""

    def held_since(self, at: float) -> tuple[Mention, ...]:
        """What is held of the window that ends then, and of what may have come late."""
        oldest = at - self.window - LATENESS.total_seconds()
        names = [name for name in self.held if self.counted[name] > oldest]
        return _in_order(self.held[name] for name in names)

    def oldest(self) -> float:
        """What was seen before takes no part any more: it is out of the window of all that is out of it."""
        return self.latest - 2 * (self.window + LATENESS.total_seconds())


def longest_window(rules: Iterable[Rule]) -> timedelta:
    """How far back mentions must be read to know what the conditions of rules have counted."""
    counting = [r.when.window_seconds for r in rules if r.when.kind != "match"]
    return 2 * (timedelta(seconds=max(counting, default=0)) + LATENESS)


class Conditions:
    """Counts of one partition.

    Args:
        story_of: names the story that a story is by now.
    """

    def __init__(self, story_of: Callable[[str], str]) -> None:
        self._story_of = story_of
        self._tallies: dict[Scope, _Tally] = {}
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
        _count(tally, when, mention, at)
        if alert_since is not None and alert_since <= at:
            return Admission((mention, *_also(tally, when, mention, at)))
        if when.kind == "first_seen":
            return self._first(tally, when, mention, at)
        return _enough(tally, when, at)

    def _in_burst(self, rule: Rule, mention: Mention, level: int) -> Admission:
        when, at = rule.when, mention.item.seen_at.timestamp()
        if mention.item.backfill:
            return Admission((), "when.burst: the feed already held it when it was first polled")
        tally = self._tally(rule, mention, "")
        _count(tally, when, mention, at)
        if tally.newest is None or _order(tally.newest) <= _order(mention):
            tally.newest = mention
        if level < when.at_least:
            return Admission((), f"when.burst: level {level} < {when.at_least}")
        tally.held.pop(_name(mention), None)
        return Admission(_in_order((mention, *_let_go(tally, at - when.window_seconds))))

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
        return _let_go(tally, begin) or (tally.newest,)

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
            there = self._tallies.setdefault(target, _Tally())
            self._by_story.setdefault(into, set()).add(target)
            for key, times in moved.times.items():
                there.times[key] = sorted([*there.times.get(key, ()), *times])
            there.counted.update(moved.counted)
            there.held.update(moved.held)
            there.latest = max(there.latest, moved.latest)
            there.until = max(there.until, moved.until)
            there.window = moved.window
        return [
            (scope[0], mention)
            for scope in sorted(self._by_story.get(into, ()))
            for mention in self._tallies[scope].held_since(at)
        ]

    def forget(self, clock: float) -> None:
        """Drop the tallies in which nothing counts any more."""
        for scope in [scope for scope, tally in self._tallies.items() if tally.until < clock]:
            del self._tallies[scope]
            if scope[3]:
                self._by_story[scope[3]].discard(scope)
        self._by_story = {story: scopes for story, scopes in self._by_story.items() if scopes}

    def _tally(self, rule: Rule, mention: Mention, story: str) -> _Tally:
        of_story = rule.when.kind == "distinct_sources" and rule.group_by == "story"
        scope = (
            rule.rule_id,
            rule.when.kind,
            mention.figure.figure_id,
            story if of_story else "",
        )
        tally = self._tallies.get(scope)
        if tally is None:
            tally = self._tallies[scope] = _Tally()
            if of_story:
                self._by_story.setdefault(story, set()).add(scope)
        return tally

    def _first(self, tally: _Tally, when: Condition, mention: Mention, at: float) -> Admission:
        story = self._story_of(mention.story.story_id)
        for key, times in tally.times.items():
            if self._story_of(key) == story:
                continue
            before = bisect_left(times, at)
            if before and times[before - 1] >= at - when.window_seconds:
                hours = (at - times[before - 1]) / 3600
                return Admission((), f"when.first_seen: another story {hours:.1f} h before")
        tally.held.pop(_name(mention), None)
        return Admission((mention,))


def _also(tally: _Tally, when: Condition, mention: Mention, at: float) -> tuple[Mention, ...]:
    """What is still held of before the alert, and belongs to it now that a mention joins it."""
    tally.held.pop(_name(mention), None)
    if not tally.held or when.kind == "first_seen":
        return ()
    return _enough(tally, when, at).mentions


def _enough(tally: _Tally, when: Condition, at: float) -> Admission:
    """Look for a window that the mention fills, and let go what lies in it."""
    things = list(tally.times.values())
    # A window fills only where a thing is seen for the first time after the mention, or with it.
    after = (times[bisect_left(times, at)] for times in things if times[-1] >= at)
    ends = sorted({at, *(end for end in after if end < at + when.window_seconds)})
    best = 0
    for end in ends:
        begin = end - when.window_seconds
        found = sum(_between(times, begin, end) for times in things)
        if found >= when.at_least:
            return Admission(_let_go(tally, begin))
        best = max(best, found)
    what = "stories" if when.kind == "count" else "sources"
    hours = when.window_seconds / 3600
    return Admission((), f"when.{when.kind}: {best} {what} in {hours:g} h < {when.at_least}")


def _name(mention: Mention) -> tuple[str, int]:
    return mention.item.item_id, mention.item.revision


def _between(times: list[float], begin: float, end: float) -> bool:
    """Whether a thing was seen after `begin` and not after `end`."""
    place = bisect_right(times, begin)
    return place < len(times) and times[place] <= end


def _count(tally: _Tally, when: Condition, mention: Mention, at: float) -> None:
    name = _name(mention)
    of_feeds = when.kind == "distinct_sources"
    key = mention.item.feed_id if of_feeds else mention.story.story_id
    if name in tally.counted:
        return
    tally.counted[name] = at
    tally.held[name] = mention
    insort(tally.times.setdefault(key, []), at)
    tally.latest = max(tally.latest, at)
    tally.window = when.window_seconds
    tally.until = tally.latest + (tally.latest - tally.oldest())
    # Looking back costs as much as is there, so it is done a few times per window.
    if tally.latest - tally.pruned > max(when.window_seconds / 4, 60):
        _prune(tally)


def _prune(tally: _Tally) -> None:
    oldest, tally.pruned = tally.oldest(), tally.latest
    tally.counted = {name: at for name, at in tally.counted.items() if at >= oldest}
    tally.held = {name: held for name, held in tally.held.items() if name in tally.counted}
    left = {key: times[bisect_left(times, oldest) :] for key, times in tally.times.items()}
    tally.times = {key: times for key, times in left.items() if times}


def _let_go(tally: _Tally, begin: float) -> tuple[Mention, ...]:
    """The held mentions that were seen after `begin`, oldest first."""
    names = [name for name, at in tally.counted.items() if at > begin and name in tally.held]
    return _in_order(tally.held.pop(name) for name in names)


def _in_order(mentions: Iterable[Mention]) -> tuple[Mention, ...]:
    return tuple(sorted(mentions, key=_order))


def _order(mention: Mention) -> tuple[datetime, str]:
    return mention.item.seen_at, mention.item.item_id
