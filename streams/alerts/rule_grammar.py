"""The grammar of rules.yaml: which keys there are, and what may stand there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from streams.records import FieldName, Severity, Share

__all__ = [
    "RuleEntry",
    "RulesFile",
    "SelectionEntry",
    "SharedSilenceEntry",
    "SilenceEntry",
]

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Lang = Annotated[str, Meta(pattern=r"^[a-z]{2,3}$")]
Text = Annotated[str, Meta(min_length=1)]


class FiguresEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Figures of a rule or selection; what is not given depends on where it stands."""

    any: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_confidence: Share | None = None
    roles: tuple[Literal["speaker", "subject", "object", "passing"], ...] = ()
    fields: tuple[FieldName, ...] = ()
    together: tuple[str, ...] = ()


class PolicyTopicsEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Policy topics, likewise."""

    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    min_score: Share | None = None


class SourcesEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Where items come from."""

    langs: tuple[Lang, ...] = ()
    tiers: tuple[Literal[1, 2, 3], ...] = ()
    feeds: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class SeverityEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """How urgent it is."""

    base: Severity = "alert"
    bump: tuple[Literal["headline", "tier1", "two_figures"], ...] = ()


class SelectionEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """What a mention must be like; an entry of `any` and `not`."""

    figures: FiguresEntry = FiguresEntry()
    policy_topics: PolicyTopicsEntry = PolicyTopicsEntry()
    sources: SourcesEntry = SourcesEntry()


class WhenEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """What must have happened."""

    kind: Literal["match", "count", "distinct_sources", "first_seen", "burst", "silence"] = "match"
    at_least: Annotated[int, Meta(ge=1)] | None = None
    window: str | None = None


class ScheduleEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """When alerts may notify."""

    timezone: str = "UTC"
    active: tuple[str, ...] | str = ()


class SilenceEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A silence of one rule. Times are as YAML reads them: a time, a day, or text."""

    figures: tuple[str, ...] = ()
    start: Any
    end: Any
    author: Text
    comment: Text


class SharedSilenceEntry(SilenceEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A silence at the top of the file: of the named rules, or of all."""

    rules: tuple[str, ...] = ()


class RuleEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule."""

    id: Id
    name: str = ""
    version: Annotated[int, Meta(ge=1)] = 1
    enabled: bool = True
    figures: FiguresEntry = FiguresEntry()
    policy_topics: PolicyTopicsEntry = PolicyTopicsEntry()
    sources: SourcesEntry = SourcesEntry()
    any: tuple[SelectionEntry, ...] = ()
    none: tuple[SelectionEntry, ...] = field(default=(), name="not")
    when: WhenEntry = WhenEntry()
    group_by: Literal["story", "figure"] | None = None
    severity: SeverityEntry = SeverityEntry()
    schedule: ScheduleEntry = ScheduleEntry()
    silences: tuple[SilenceEntry, ...] = ()
    route: Id | Literal[""] = ""
    max_age: str = "24h"


class RulesFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    rules: list[RuleEntry]
    silences: tuple[SharedSilenceEntry, ...] = ()
