"""Which mentions become an alert."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from streams.records.vocabulary import FieldName, Origin, Record, Severity, Share, Utc

__all__ = [
    "LONGEST_WINDOW",
    "Condition",
    "FigureSelector",
    "PolicyTopicSelector",
    "Rule",
    "Schedule",
    "Selection",
    "SeverityPolicy",
    "Silence",
    "SourceSelector",
]

LONGEST_WINDOW = timedelta(days=30)
"""`news.mentions` keeps no more, and what conditions have counted is read from there."""


class FigureSelector(Record, frozen=True, kw_only=True):
    """Which figures a rule is about. All of the given parts must hold."""

    any: tuple[str, ...] = ()
    """figure_ids; empty means every figure (of the given lists)."""
    lists: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_confidence: Share = 0.75
    roles: tuple[Literal["speaker", "subject", "object", "passing"], ...] = ()
    """Parts that the figure must play in the item; empty: any."""
    fields: tuple[FieldName, ...] = ()
    """Where the figure must be named; empty: anywhere."""
    together: tuple[str, ...] = ()
    """figure_ids of which at least one other must be in the same item."""


class PolicyTopicSelector(Record, frozen=True, kw_only=True):
    """Which policy topics a rule is about; an empty part means no condition."""

    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    """Topics that must not reach `min_score`, so that rules need not overlap."""
    min_score: Share = 0.5


class SourceSelector(Record, frozen=True, kw_only=True):
    """Which sources a rule listens to."""

    langs: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    feeds: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """feed_ids."""


class SeverityPolicy(Record, frozen=True, kw_only=True):
    """How urgent an alert is, and what raises it by one step each."""

    base: Severity = "alert"
    bump: tuple[Literal["headline", "tier1", "two_figures"], ...] = ()


class Selection(Record, frozen=True, kw_only=True):
    """What a mention must be like. All of its parts must hold."""

    figures: FigureSelector = FigureSelector()
    policy_topics: PolicyTopicSelector = PolicyTopicSelector()
    sources: SourceSelector = SourceSelector()


class Condition(Record, frozen=True, kw_only=True):
    """What must have happened for matching mentions to become an alert.

    match: nothing more. count: `at_least` distinct stories within the window. distinct_sources: `at_least`
    feeds within the window. first_seen: the figure matched in no other story of the window before. burst: the
    figure's burst is of level `at_least`. silence: no story has matched for the length of the window.
    """

    kind: Literal["match", "count", "distinct_sources", "first_seen", "burst", "silence"] = "match"
    at_least: Annotated[int, Meta(ge=1)] = 1
    window_seconds: Annotated[int, Meta(ge=1)] = 3_600
    """At most 30 days: mentions are kept no longer."""

    def __post_init__(self) -> None:
        """Refuse a window that cannot be read again; to a decoder, the record is invalid."""
        if self.window_seconds > LONGEST_WINDOW.total_seconds():
            raise ValueError(
                f"`window_seconds` is more than the {LONGEST_WINDOW.days} days that are kept"
            )


class Schedule(Record, frozen=True, kw_only=True):
    """When an alert may notify. Outside, it is published and held for the digest."""

    timezone: str = "UTC"
    """IANA name."""
    active: tuple[str, ...] = ()
    """Spans such as "Mon-Fri 07:00-20:00"; empty: always."""


class Silence(Record, frozen=True, kw_only=True):
    """A time in which an alert of a rule does not notify, because a person said so."""

    figures: tuple[str, ...] = ()
    """figure_ids; empty: all."""
    start: Utc
    end: Utc
    """At most 30 days after `start`."""
    author: str
    comment: str


class Rule(Record, frozen=True, kw_only=True):
    """When a mention becomes an alert. `news.rules`, key `rule_id`."""

    rule_id: str
    name: str = ""
    version: Annotated[int, Meta(ge=1)] = 1
    enabled: bool = True
    figures: FigureSelector = FigureSelector()
    policy_topics: PolicyTopicSelector = PolicyTopicSelector()
    sources: SourceSelector = SourceSelector()
    severity: SeverityPolicy = SeverityPolicy()
    any: tuple[Selection, ...] = ()
    """At least one of these must hold, too."""
    none: tuple[Selection, ...] = ()
    """None of these may hold; `not` in rules.yaml."""
    when: Condition = Condition()
    group_by: Literal["story", "figure"] = "story"
    """figure: one alert per figure and day, whatever the stories."""
    schedule: Schedule = Schedule()
    silences: tuple[Silence, ...] = ()
    route: str = ""
    """Which receivers are told: those with this one among their `routes`, and those without any."""
    max_age_seconds: Annotated[int, Meta(ge=1)] = 86_400
    """Items older than this when first seen are recorded but never notify."""
    origin: Origin = "cli"
