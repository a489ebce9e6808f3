"""Logs of mentions and commands for the tests of the laws, and a partition that processes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from streams.alerts.book import Book
from streams.alerts.evidence import item_ids
from streams.alerts.naming import alert_name
from streams.alerts.revise import command, replay, revise
from streams.alerts.rules import RuleIndex
from streams.alerts.series import observation_of
from streams.alerts.trends import Partition as Trends
from streams.alerts.trends import observe
from streams.records import (
    Alert,
    Command,
    Condition,
    Mention,
    PolicyTopicHit,
    PolicyTopicSelector,
    Rule,
    SeverityPolicy,
    Story,
    Trend,
)
from streams.testing import NOW, make_figure_hit, make_item_ref, make_mention, make_rule

LATER = NOW + timedelta(days=9)
FIGURES = ("ada", "bob")
RULES = {
    rule.rule_id: rule
    for rule in (
        make_rule(rule_id="all", severity=SeverityPolicy(base="alert", bump=("headline", "tier1"))),
        make_rule(rule_id="quiet", severity=SeverityPolicy(base="info")),
        make_rule(rule_id="daily", group_by="figure"),
        make_rule(rule_id="three", when=Condition(kind="count", at_least=3, window_seconds=3_600)),
        make_rule(
            rule_id="two-feeds",
            when=Condition(kind="distinct_sources", at_least=2, window_seconds=1_200),
        ),
    )
}
OF_TRENDS = {
    rule.rule_id: rule
    for rule in (
        make_rule(rule_id="burst", when=Condition(kind="burst")),
        make_rule(
            rule_id="burst-of-ai",
            policy_topics=PolicyTopicSelector(any=("ai",)),
            when=Condition(kind="burst", at_least=2),
        ),
        make_rule(rule_id="silence", when=Condition(kind="silence", window_seconds=7_200)),
        make_rule(rule_id="all"),
    )
}
"""Rules whose alerts begin and end with trends and time."""


class Asked(Struct, frozen=True):
    """What somebody will do with some alert."""

    which: int
    action: str


class Partition:
    """The stage without Kafka: what it would publish, and its book."""

    def __init__(self, rules: dict[str, Rule] | None = None) -> None:
        self.rules = RULES if rules is None else rules
        self.index = RuleIndex(self.rules)
        self.published: list[Alert] = []
        self.trends_published: list[Trend] = []
        self.book = Book()
        self.trends = Trends()

    def take(self, event: Mention | Command, offset: int = -1) -> list[Alert]:
        if isinstance(event, Command):
            out = command(self.book, event, offset)
        else:
            found = observe(self.trends, observation_of(event))
            self.trends_published += found
            out = revise(
                self.book,
                event,
                self.index.candidates(event.figure, event.policy_topics),
                LATER,
                offset=offset,
                rules=self.rules,
                trends=found,
            )
        self.published += out
        return out

    def take_all(self, log: Sequence[Mention | Command]) -> list[Alert]:
        return [alert for n, event in enumerate(log) for alert in self.take(event, n)]

    def crash(self, past: Sequence[Mention | Command]) -> None:
        """Lose all that is not in Kafka; `past` has been committed."""
        self.book, self.trends = Book(), Trends()
        for alert in self.published:
            self.book.remember(alert)
        for event in past:
            if isinstance(event, Mention):
                candidates = self.index.candidates(event.figure, event.policy_topics)
                found = observe(self.trends, observation_of(event))
                replay(self.book, event, candidates, self.rules, trends=found)

    @property
    def alerts(self) -> Mapping[str, Alert]:
        return self.book.alerts


def living(alerts: Mapping[str, Alert]) -> dict[Any, Any]:
    """What alerts say that go on, whatever order they were told in.

    Which number an episode has depends on how many were begun, those that turned out to be one included; so
    episodes of a story are told apart by when they begin.
    """
    return {
        (_first_id(alert), alert.first_seen_at): (
            item_ids(alert),
            set(alert.publishers),
            alert.severity,
            alert.policy_topics,
            alert.first_seen_at,
            alert.last_seen_at,
            alert.copies,
        )
        for alert in alerts.values()
        if not alert.superseded_by and not alert.story_id.startswith("storm:")
    }


def _first_id(alert: Alert) -> str:
    named = (alert.rule_id, alert.figure_id, alert.story_id)
    is_own = alert.alert_id == alert_name(*named, alert.episode)
    return alert_name(*named) if is_own else alert.alert_id


def hits(*names: str) -> tuple[PolicyTopicHit, ...]:
    return tuple(PolicyTopicHit(policy_topic=name, score=0.8, evidence=()) for name in names)


@st.composite
def mention_logs(draw: st.DrawFn, *, most: int = 14, gap_minutes: int = 30 * 60) -> list[Mention]:
    """Mentions in the order in which they were seen, in stories that become one now and then."""
    names = {f"s{n}": f"s{n}" for n in range(4)}
    at, log, copies, revisions = NOW, list[Mention](), dict[int, str](), Counter[int]()
    for _ in range(draw(st.integers(1, most))):
        minutes = draw(
            st.one_of(st.integers(0, 12), st.integers(1_200, 1_450), st.integers(0, gap_minutes))
        )
        at += timedelta(minutes=minutes, seconds=draw(st.integers(0, 59)))
        number = draw(st.integers(1, 9))
        absorbed: tuple[str, ...] = ()
        if log and draw(st.integers(0, 9)) == 0:
            log.append(draw(st.sampled_from(log[-3:])))  # told again
            continue
        revisions[number] += 1
        story = names[f"s{number % 4}"]
        if draw(st.integers(0, 5)) == 0:
            other = names[draw(st.sampled_from(sorted(names)))]
            if other != story:
                absorbed = (other,)
                names = {raw: story if root == other else root for raw, root in names.items()}
        copies.setdefault(number, draw(st.sampled_from(["", "x"])))
        log.append(
            make_mention(
                item=make_item_ref(
                    number=number,
                    revision=revisions[number],
                    feed_id=f"feed-{number % 5}",
                    tier=1 + number % 3,
                    title=draw(st.sampled_from(["One title", "Another"])),
                    backfill=draw(st.integers(0, 5)) == 0,
                    seen_at=at,
                    published_at=at,
                ),
                story=Story(story_id=story, copy_of=copies[number], absorbed=absorbed),
                figure=make_figure_hit(figure_id=FIGURES[number % 2], in_title=draw(st.booleans())),
                policy_topics=draw(st.sampled_from([hits("ai"), hits("ai", "law"), ()])),
            )
        )
    return log


@st.composite
def crowded_logs(draw: st.DrawFn) -> list[Mention]:
    """Spells of many stories, hours apart, and now and then one of another figure or a carrier between."""
    at, number, log = NOW, 0, list[Mention]()
    for _ in range(draw(st.integers(1, 3))):
        at += timedelta(minutes=draw(st.sampled_from([30, 100, 300, 1_600])))
        for _ in range(draw(st.integers(1, 12))):
            number += 1
            late = draw(st.sampled_from([0, 0, 0, 4]))
            seen = at - timedelta(minutes=late)
            carrier = number > 2 and draw(st.integers(0, 9)) == 0
            story = f"s{number - draw(st.sampled_from([0, 0, 0, 1]))}"
            log.append(
                make_mention(
                    item=make_item_ref(
                        number=number - draw(st.sampled_from([0] * 8 + [1])),
                        revision=draw(st.sampled_from([1] * 6 + [2])),
                        feed_id=f"feed-{number % 4}",
                        backfill=draw(st.integers(0, 9)) == 0,
                        seen_at=seen,
                        published_at=seen,
                    ),
                    story=Story(
                        story_id=story,
                        absorbed=(f"s{number - 2}",) if carrier else (),
                        stories_hour=20,
                        stories_window=60,
                    ),
                    figure=make_figure_hit(
                        figure_id=draw(st.sampled_from(["ada", "ada", "ada", "bob"])),
                        **(
                            {"confidence": 0.0, "level": "possible", "mentions": ()}
                            if carrier
                            else {}
                        ),
                    ),
                    policy_topics=draw(st.sampled_from([hits("ai"), hits("law"), ()])),
                )
            )
            at += timedelta(seconds=draw(st.sampled_from([5, 60, 200, 900])))
    return log


ACTIONS = ("acknowledge", "snooze", "assign", "comment", "resolve", "dismiss", "reopen")


@st.composite
def mixed_logs(draw: st.DrawFn) -> list[Mention | Command]:
    """Mentions, and commands for alerts that exist when they come."""
    reference, log = Partition(), list[Mention | Command]()
    for mention in draw(mention_logs()):
        log.append(mention)
        reference.take(mention, len(log) - 1)
        if reference.alerts and draw(st.integers(0, 3)) == 0:
            ids = sorted(reference.alerts)
            alert = reference.alerts[ids[draw(st.integers(0, len(ids) - 1))]]
            action: Any = draw(st.sampled_from(ACTIONS))
            log.append(
                Command(
                    command_id=f"c{len(log)}",
                    alert_id=alert.alert_id,
                    action=action,
                    actor=draw(st.sampled_from(["Ann", "Bo"])),
                    at=mention.item.seen_at,
                    expected_revision=draw(st.integers(1, alert.revision)),
                    argument="2h" if action == "snooze" else "note",
                )
            )
            reference.take(log[-1], len(log) - 1)
    return log


def broken_off(partition, log, draw):
    """The partition after a log that one to three crashes broke off.

    Records before `start` are never read again; those up to `reached` have been published.
    """
    start = 0
    for _ in range(draw(st.integers(1, 3))):
        reached = draw(st.integers(start, len(log)))
        for offset in range(start, reached):
            partition.take(log[offset], offset)
        start = draw(st.integers(0, reached))
        partition.crash(log[:start])
    for offset in range(start, len(log)):
        partition.take(log[offset], offset)
    return partition
