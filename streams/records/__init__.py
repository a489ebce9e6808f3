"""The vocabulary: every record that crosses a topic, frozen and without behaviour.

Conventions
    - Times are timezone-aware UTC datetimes; on the wire RFC 3339 text.
    - Durations end in `_seconds`; sizes in `_bytes`; scores and confidences are 0.0 to 1.0.
    - Offsets (`start`, `end`) are Unicode code points into `EnrichedItem.text`, end exclusive,
      so that `text[start:end] == surface`.
    - Ids are pure functions of content (`stable_id`): no clock and no random number takes part,
      so processing the same input twice yields the same ids.
    - A field added later has a default, so that old records stay readable (see `streams.schemas`).
"""

from __future__ import annotations

from streams.records.alerts import Alert, AlertSource, Command, Latency, Told, Triage
from streams.records.dead_letters import DeadLetter
from streams.records.enriched import (
    EnrichedItem,
    Entity,
    Evidence,
    FieldSpan,
    FigureHit,
    ItemRef,
    PolicyTopicHit,
    Quote,
    Reason,
)
from streams.records.feeds import Feed, FeedState, Polled, Refused, Seen, Subscription
from streams.records.figures import Figure, Name
from streams.records.items import Item
from streams.records.mentions import Mention, Story
from streams.records.rules import (
    Condition,
    FigureSelector,
    PolicyTopicSelector,
    Rule,
    Schedule,
    Selection,
    SeverityPolicy,
    Silence,
    SourceSelector,
)
from streams.records.trends import Trend
from streams.records.vocabulary import (
    DateSource,
    FieldName,
    Offset,
    Origin,
    Record,
    Severity,
    Share,
    UpdateKind,
    Utc,
    stable_id,
)

__all__ = [
    "Alert",
    "AlertSource",
    "Command",
    "Condition",
    "DateSource",
    "DeadLetter",
    "EnrichedItem",
    "Entity",
    "Evidence",
    "Feed",
    "FeedState",
    "FieldName",
    "FieldSpan",
    "Figure",
    "FigureHit",
    "FigureSelector",
    "Item",
    "ItemRef",
    "Latency",
    "Mention",
    "Name",
    "Offset",
    "Origin",
    "PolicyTopicHit",
    "PolicyTopicSelector",
    "Polled",
    "Quote",
    "Reason",
    "Record",
    "Refused",
    "Rule",
    "Schedule",
    "Seen",
    "Selection",
    "Severity",
    "SeverityPolicy",
    "Share",
    "Silence",
    "SourceSelector",
    "Story",
    "Subscription",
    "Told",
    "Trend",
    "Triage",
    "UpdateKind",
    "Utc",
    "stable_id",
]
