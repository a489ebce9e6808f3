"""The living alert, and what people do with it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from streams.records.enriched import Evidence, ItemRef, PolicyTopicHit
from streams.records.vocabulary import Record, Severity, Share, UpdateKind, Utc

__all__ = ["Alert", "AlertSource", "Command", "Latency", "Told", "Triage"]


class AlertSource(Record, frozen=True, kw_only=True):
    """An item behind an alert, with its evidence."""

    item: ItemRef
    confidence: Share
    figure: tuple[Evidence, ...]
    policy_topics: tuple[PolicyTopicHit, ...] = ()
    copy_of: str = ""
    """item_id of the item that this one is a near-copy of; empty for an item in words of its own."""


class Triage(Record, frozen=True, kw_only=True):
    """What people have made of an alert: the other axis, apart from the state of the news."""

    status: Literal["new", "acknowledged", "snoozed", "resolved", "dismissed"] = "new"
    actor: str = ""
    """Who set the status."""
    at: Utc | None = None
    until: Utc | None = None
    """snoozed: until then, or until something material happens."""
    assignee: str = ""
    note: str = ""
    """The latest comment or reason."""
    refused: str = ""
    """Why the latest command was not carried out; empty if it was."""
    command_id: str = ""
    """The latest command, carried out or not."""
    commands: int = 0
    """Offset behind the latest command in its partition of `news.commands`: those before are done."""
    revision: int = 0
    """Revision of the alert that a person last changed the status or the assignee with; 0 if none has."""


class Told(Record, frozen=True, kw_only=True):
    """What the notifications of an alert have told; only what goes beyond it notifies again."""

    severity: Severity = "info"
    policy_topics: tuple[str, ...] = ()
    tier1: bool = False
    """Whether a tier-1 source was among the sources."""
    publishers: int = 0
    burst_level: int = 0
    """Of the alert at that time."""


class Latency(Record, frozen=True, kw_only=True):
    """The ledger of the item that made the newest notifying revision."""

    published_at: Utc
    seen_at: Utc
    enriched_at: Utc
    alerted_at: Utc


class Alert(Record, frozen=True, kw_only=True):
    """One rule, figure and story; every revision is the full state. `news.alerts`, key `alert_id`."""

    alert_id: str
    revision: Annotated[int, Meta(ge=1)]
    update_kind: UpdateKind
    update_reason: str
    """Why this revision exists, in words for a person."""
    notify: bool
    """True if this revision should reach people actively."""
    suppressed_by: str = ""
    """Why a revision that tells something new does not notify."""
    notified: bool = False
    """True once any revision so far has notified."""
    rule_id: str
    rule_version: int = 1
    rule_name: str = ""
    route: str = ""
    """Of the rule: receivers with `routes` are told only if this is one of them."""
    figure_id: str
    figure_name: str
    qid: str = ""
    story_id: str
    severity: Severity
    severity_reasons: tuple[str, ...] = ()
    confidence: Share
    policy_topics: tuple[str, ...] = ()
    headline: str
    sources: tuple[AlertSource, ...]
    """Newest evidence per item, 50 at most; the last one made this revision."""
    further_item_ids: tuple[str, ...] = ()
    """Items beyond the 50; `len(sources) + len(further_item_ids)` items tell it."""
    publishers: tuple[str, ...] = ()
    """feed_ids of all items, in the order in which they came."""
    copies: int = 0
    """Items that are near-copies of another one."""
    retracted: dict[str, int] = {}
    """item_id to the revision with which the item ceased to match the rule."""
    state: Literal["open", "quiet", "closed"] = "open"
    """quiet: nothing new for six hours; closed: for a day, or superseded, or its figure or rule is gone."""
    first_seen_at: Utc | None = None
    """`seen_at` of the earliest item."""
    last_seen_at: Utc | None = None
    """`seen_at` of the latest item; the state follows from it."""
    told: Told | None = None
    """None before the first notification, and in alerts older than this field."""
    notified_at: Utc | None = None
    """`seen_at` of the item that notified last."""
    hold_until: Utc | None = None
    """A notification waits until then for what else may come, so that one message tells it all."""
    superseded_by: str = ""
    """alert_id that goes on in its place."""
    derived_from: str = ""
    """alert_id whose story this one continues: the one it supersedes, or the closed one before it."""
    episode: int = 0
    """How often the same rule, figure and story have begun again after being closed."""
    triage: Triage = Triage()
    burst_level: int = 0
    """Highest level so far of the burst that the alert tells of; 0 where it tells of none."""
    mention_offset: int = -1
    """Offset in its partition of `news.mentions` of what made the newest revision by the news: all before it
    is done. -1: not known."""
    latency: Latency
    versions: dict[str, str] = {}


class Command(Record, frozen=True, kw_only=True):
    """What a person does with an alert. `news.commands`, key `alert_id`."""

    command_id: str
    alert_id: str
    action: Literal["acknowledge", "snooze", "assign", "comment", "resolve", "dismiss", "reopen"]
    actor: str
    at: Utc
    expected_revision: int
    argument: str = ""
    """Assignee, comment, reason, or the time until which to snooze."""
