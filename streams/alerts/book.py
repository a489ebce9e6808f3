"""What is known of the alerts of one partition: a fold over their revisions and over mentions.

`remember` takes in each revision once, in the order in which they are published, and so the book of a
partition can be rebuilt from `news.alerts`. What is counted of mentions that made no alert is rebuilt from
`news.mentions` (`streams.alerts.revise.replay`).
"""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import msgspec

from streams.alerts.conditions import Conditions
from streams.alerts.event_time import LATENESS, EventTime
from streams.alerts.evidence import revision_of
from streams.alerts.kept import Kept
from streams.alerts.living import deadline, joins
from streams.alerts.naming import alert_id_of, alert_name, group_of, is_burst, is_silence
from streams.alerts.storm import Storms, is_digest
from streams.alerts.suppress import Situation
from streams.alerts.trending import Bursts, Silences
from streams.event_clock import NEVER
from streams.records import Alert, Mention, Rule

__all__ = ["REVISIONS_KEPT", "Book", "Place"]

REVISIONS_KEPT = timedelta(hours=1)
"""How long the newest revision of an item is remembered, so that an older one that comes late is known as
such; well over the allowed lateness."""

ALIASES_KEPT = timedelta(days=14)
"""How long it is remembered which story a story is by now; items join stories within three days. After a restart
it is known for as long as mentions are read again, which is no longer."""

FORGETTING = timedelta(days=1)
"""How much further alerts are forgotten at once."""

K = TypeVar("K")


class _Alias(NamedTuple):
    """What a story is by now, and since when."""

    story_id: str
    since: datetime


class Place(msgspec.Struct, frozen=True):
    """Where a mention belongs."""

    previous: Alert | None
    """The newest revision of its alert, None if it begins one."""
    episode: int = 0
    """Of the alert that it begins."""
    derived_from: str = ""
    """The alert of the episode before."""


class Book:
    """Alerts of one partition, with what is needed to decide on the next record."""

    def __init__(self) -> None:
        self.alerts = Kept()
        self.clock = NEVER
        """Event time that the partition has surely reached: the latest `seen_at` that is believed, less the
        lateness. It goes back where a poller's clock was ahead (`streams.alerts.event_time`)."""
        self.reached = -1
        """Offset in `news.mentions` of the newest revision: what is before has been published."""
        self.checked = ""
        """Versions of rules and watchlist that the open alerts have been held against."""
        self.time = EventTime()
        self.conditions = Conditions(self.story_of, self.time)
        self.storms = Storms()
        self.bursts = Bursts()
        self.silences = Silences(self.time)
        self._aliases: dict[str, _Alias] = {}
        self._gone: dict[str, str] = {}
        self._episodes: dict[str, int] = {}
        self._by_story: dict[str, list[str]] = {}
        self._by_day: dict[tuple[str, str], list[str]] = {}
        self._flash: dict[str, set[str]] = {}
        self._due: list[tuple[datetime, str]] = []
        self._waiting: dict[str, datetime] = {}
        self._latest = NEVER
        self._revised: dict[tuple[str, str], Mention] = {}
        self._cleaned = NEVER
        self._forgotten = NEVER

    def remember(self, alert: Alert) -> None:
        """Take in a revision; one that is known already changes nothing."""
        known = self.alerts.get(alert.alert_id)
        if known is not None and known.revision >= alert.revision:
            return
        self.alerts.put(alert)
        self.reached = max(self.reached, alert.mention_offset)
        self._latest = max(self._latest, alert.last_seen_at or NEVER)
        if known is None:
            self._index(alert)
        if alert.severity == "flash":
            followers = self._flash.setdefault(alert.figure_id, set())
            (followers.discard if alert.state == "closed" else followers.add)(alert.alert_id)
        if alert.superseded_by:
            self._gone[alert.story_id] = alert.superseded_by
        self._await(alert)
        self.storms.remember(alert)
        if is_burst(alert):
            self.bursts.remember(alert)
        elif is_silence(alert):
            self.silences.remember(alert)

    def _await(self, alert: Alert) -> None:
        """See to it that the heap has an entry not later than the alert's deadline.

        One that is too early is put right when it comes up: so most revisions cost nothing.
        """
        due = deadline(alert)
        waiting = self._waiting.get(alert.alert_id)
        if due is not None and (waiting is None or due < waiting):
            self._waiting[alert.alert_id] = due
            heapq.heappush(self._due, (due, alert.alert_id))

    def _index(self, alert: Alert) -> None:
        if is_digest(alert):
            return
        named = (alert.rule_id, alert.figure_id, alert.story_id)
        if alert.alert_id == alert_name(*named, alert.episode):
            self._by_story.setdefault(alert.story_id, []).append(alert.alert_id)
            first = alert_name(*named)
            self._episodes[first] = max(self._episodes.get(first, 0), alert.episode + 1)
            if not is_burst(alert):
                return  # found by the story of its items
        if alert.first_seen_at:
            day = (alert.figure_id, alert.first_seen_at.date().isoformat())
            self._by_day.setdefault(day, []).append(alert.alert_id)

    def _unindex(self, alert: Alert) -> None:
        """Let go of an alert that is kept no longer; the earlier episodes of it have gone before."""
        first = alert_name(alert.rule_id, alert.figure_id, alert.story_id)
        if self._episodes.get(first) == alert.episode + 1:
            del self._episodes[first]
        if self._gone.get(alert.story_id) == alert.superseded_by:
            del self._gone[alert.story_id]
        _drop(self._by_story, alert.story_id, alert.alert_id)
        if alert.first_seen_at:
            day = (alert.figure_id, alert.first_seen_at.date().isoformat())
            _drop(self._by_day, day, alert.alert_id)

    def observe(self, mention: Mention) -> list[tuple[str, Mention]]:
        """Take in what a mention says of time, stories and revisions.

        Returns:
            What conditions have held back and must be tried again (`Conditions.absorb`).
        """
        item, again = mention.item, list[tuple[str, Mention]]()
        self.time.take(item.seen_at)
        self.clock = self.time.reached - LATENESS
        for name in mention.story.absorbed:
            root = self.story_of(mention.story.story_id)
            if self.story_of(name) != root:
                self._aliases[self.story_of(name)] = _Alias(root, self.clock)
                again += self.conditions.absorb(name, root, item.seen_at.timestamp())
        key = (mention.figure.figure_id, item.item_id)
        newest = self._revised.get(key)
        if item.revision > 1 and (newest is None or newest.item.revision < item.revision):
            self._revised[key] = mention
        self._cleaned = min(self._cleaned, self.clock)
        if self.clock - self._cleaned > REVISIONS_KEPT:
            self._clean()
        return again

    def _clean(self) -> None:
        oldest = self.clock - REVISIONS_KEPT
        self._revised = {k: m for k, m in self._revised.items() if m.item.seen_at >= oldest}
        self.conditions.forget()
        self._forget_alerts()
        while (
            self._aliases and next(iter(self._aliases.values())).since < self.clock - ALIASES_KEPT
        ):
            del self._aliases[next(iter(self._aliases))]
        self._cleaned = self.clock

    def _forget_alerts(self) -> None:
        """Let go of what is no longer kept, by small steps: a clock that is months ahead for an hour forgets no more
        than some days.
        """
        begun = self._forgotten != NEVER
        further = self._forgotten + FORGETTING if begun else self.clock
        self._forgotten = min(self.clock, further)
        if begun:
            for alert in self.alerts.forget(self._forgotten):
                self._unindex(alert)

    def story_of(self, story_id: str) -> str:
        """The story that a story is by now."""
        for _ in range(len(self._aliases) + len(self._gone) + 1):
            alias = self._aliases.get(story_id)
            further = alias.story_id if alias else None
            if further is None and story_id in self._gone:
                heir = self.alerts.get(self._gone[story_id])
                further = heir.story_id if heir else None
            if further is None or further == story_id:
                break
            story_id = further
        return story_id

    def is_done(self, mention: Mention, offset: int) -> bool:
        """Whether all that a mention makes has been published, since what a later one made has been.

        Offsets begin anew where the topic was made again; then what comes is younger than what is known.
        """
        return 0 <= offset < self.reached and mention.item.seen_at <= self._latest

    def newer_than(self, mention: Mention) -> Mention | None:
        """A later revision of the mention's item that came before it."""
        newest = self._revised.get((mention.figure.figure_id, mention.item.item_id))
        return newest if newest and newest.item.revision > mention.item.revision else None

    def place(self, rule: Rule, mention: Mention, told_as: str = "") -> Place:
        """Find the alert that a mention belongs to.

        Args:
            rule: which matches the mention.
            mention: under the story that it belongs to by now.
            told_as: the story that it came with, whose alert may have been closed before that one became
                another; then it has the item already.
        """
        first = alert_id_of(rule, mention)
        if rule.when.kind == "burst":  # one alert, however long it lasts
            return Place(self.alerts.get(first))
        if group_of(rule, mention) != mention.story.story_id:
            return Place(self._yesterday(rule, mention) or self.alerts.get(first))
        figure, story = mention.figure.figure_id, mention.story.story_id
        told = self._told(rule, mention, {told_as or story, story}, first)
        if told is not None:
            return Place(told)
        living = self.episodes(rule.rule_id, figure, story, first)
        near = next((alert for alert in living if joins(alert, mention.item.seen_at)), None)
        if near is not None:
            return Place(near)
        count = self._episodes.get(first, 0)
        return Place(None, count, living[-1].alert_id if living else "")

    def _told(self, rule: Rule, mention: Mention, stories: set[str], first: str) -> Alert | None:
        """The alert that knows the mention already, where there is more than one that might."""
        item, figure = mention.item, mention.figure.figure_id
        if len(stories) == 1 and self._episodes.get(first, 0) < 2:
            return None
        for story in sorted(stories):
            for alert in self.episodes(rule.rule_id, figure, story, ended=True):
                heir = self.heir(alert)
                if _knows(heir, item.item_id, item.revision):
                    return heir
        return None

    def heir(self, alert: Alert) -> Alert:
        """The alert that goes on in the place of another; itself, if none does."""
        while alert.superseded_by in self.alerts:
            alert = self.alerts[alert.superseded_by]
        return alert

    def episodes(
        self, rule_id: str, figure_id: str, story_id: str, first: str = "", *, ended: bool = False
    ) -> list[Alert]:
        """The alerts of a rule, figure and story.

        Args:
            rule_id: which rule.
            figure_id: which figure.
            story_id: which story.
            first: the id of the first one, where it is known already.
            ended: also those that have gone on as another.
        """
        first = first or alert_name(rule_id, figure_id, story_id)
        count = self._episodes.get(first, 0)
        if not count:
            return []
        ids = [first, *(alert_name(rule_id, figure_id, story_id, n) for n in range(1, count))]
        found = (self.alerts.get(alert_id) for alert_id in ids)
        return [a for a in found if a is not None and (ended or not a.superseded_by)]

    def next_episode(self, rule_id: str, figure_id: str, story_id: str) -> int:
        """The number of an alert that would begin."""
        return self._episodes.get(alert_name(rule_id, figure_id, story_id), 0)

    def _yesterday(self, rule: Rule, mention: Mention) -> Alert | None:
        """The alert of the day before, if this is a revision of one of its items."""
        if mention.item.revision == 1:
            return None
        day = (mention.item.seen_at - timedelta(days=1)).date().isoformat()
        for alert_id in self._by_day.get((mention.figure.figure_id, day), ()):
            alert = self.alerts.get(alert_id)
            if alert and alert.rule_id == rule.rule_id and _holds(alert, mention.item.item_id):
                return alert
        return None

    def holding(self, mention: Mention) -> list[Alert]:
        """Open alerts that have an item among their sources."""
        figure, item = mention.figure.figure_id, mention.item
        ids = list(self._by_story.get(mention.story.story_id, ()))
        for back in (0, 1):
            day = (item.seen_at - timedelta(days=back)).date().isoformat()
            ids += self._by_day.get((figure, day), ())
        found = (self.alerts.get(alert_id) for alert_id in ids)
        return [
            alert
            for alert in found
            if alert
            and alert.figure_id == figure
            and alert.state != "closed"
            and _holds(alert, item.item_id)
        ]

    def of_story(self, story_id: str) -> list[Alert]:
        """Alerts of a story that have not gone on as others."""
        found = (self.alerts.get(alert_id) for alert_id in self._by_story.get(story_id, ()))
        return [alert for alert in found if alert and not alert.superseded_by]

    def open_alerts(self) -> list[Alert]:
        """All that are not closed."""
        return self.alerts.open()

    def due(self) -> list[Alert]:
        """Alerts whose deadline has passed by the clock; each is handed out once, to be advanced."""
        found = []
        while self._due and self._due[0][0] <= self.clock:
            entry, alert_id = heapq.heappop(self._due)
            if self._waiting.get(alert_id) != entry:
                continue
            del self._waiting[alert_id]
            alert = self.alerts.get(alert_id)
            if alert is None:  # kept no longer
                continue
            due = deadline(alert)
            if due is not None and due <= self.clock:
                found.append(alert)
            else:  # something has come since
                self._await(alert)
        return found

    def situation(
        self, rule: Rule, mention: Mention, alert: Alert | None, at: datetime
    ) -> Situation:
        """What goes on beside an alert at that time."""
        figure = mention.figure.figure_id
        own = alert.alert_id if alert else ""
        flash = next((i for i in sorted(self._flash.get(figure, ())) if i != own), "")
        burst = self.bursts.of(figure) if rule.when.kind == "burst" else None
        return Situation(
            storm=self.storms.reason(rule.rule_id, figure, at),
            flash=self.alerts[flash].headline if flash else "",
            at=at,
            burst_level=burst.level if burst else 0,
            begun_by=f"burst of level {burst.level}: {burst.reason}" if burst else "",
        )


def _drop(index: dict[K, list[str]], key: K, alert_id: str) -> None:
    ids = index.get(key, [])
    if alert_id in ids:
        ids.remove(alert_id)
    if not ids:
        index.pop(key, None)


def _holds(alert: Alert, item_id: str) -> bool:
    return item_id in alert.further_item_ids or any(
        source.item.item_id == item_id for source in alert.sources
    )


def _knows(alert: Alert, item_id: str, revision: int) -> bool:
    """Whether an alert has taken in this revision of an item, or a later one."""
    return (
        item_id in alert.further_item_ids
        or alert.retracted.get(item_id, 0) >= revision
        or revision_of(alert, item_id) >= revision
    )
