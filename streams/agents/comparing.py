"""Do two runs of a stage say the same? Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from streams.alerts.evidence import item_ids
from streams.records import Alert, EnrichedItem, Mention, Record

__all__ = ["Changed", "begun", "changes", "id_of"]

_CLOCKS = frozenset({"enriched_at", "alerted_at", "latency", "versions", "mention_offset"})
"""Fields that say when and by which version, which a second run cannot have in common with the first."""
_BY_PEOPLE = frozenset(
    {"triage", "revision", "update_kind", "update_reason", "notify", "suppressed_by"}
)
"""Fields of an alert that commands change, or that tell only of its newest revision: it has others where
commands took part."""


class Changed(msgspec.Struct, frozen=True):
    """A record that both runs have made, and that is not the same."""

    id: str
    fields: tuple[str, ...]


def changes(made: dict[str, Record], real: dict[str, Record]) -> tuple[Changed, ...]:
    """What both have, by id, and is not the same."""
    return tuple(
        Changed(each, fields)
        for each in sorted(made.keys() & real.keys())
        if (fields := _differing(made[each], real[each]))
    )


def id_of(record: Record) -> str:
    """What makes two records the same one."""
    if isinstance(record, EnrichedItem):
        return f"{record.item.item_id}:{record.item.revision}"
    return record.mention_id if isinstance(record, Mention) else _alert(record).alert_id


def _alert(record: Record) -> Alert:
    assert isinstance(record, Alert), "there is no other output"
    return record


def begun(records: dict[str, Record], since: datetime) -> dict[str, Record]:
    """Alerts that have begun in the time and go on: what was there before has a past that is not read."""
    found: dict[str, Record] = {}
    for alert_id, record in records.items():
        first = _alert(record).first_seen_at
        if first is not None and first >= since and not _alert(record).superseded_by:
            found[alert_id] = record
    return found


def _differing(one: Record, other: Record) -> tuple[str, ...]:
    """Names of the fields in which two records differ; clocks and versions do not count."""
    if isinstance(one, Alert) and isinstance(other, Alert):
        skipped = (
            _CLOCKS | _BY_PEOPLE | {"sources", "further_item_ids", "told", "hold_until", "state"}
        )
        extra = ("sources",) if item_ids(one) != item_ids(other) else ()
    else:
        skipped, extra = _CLOCKS, ()
    differing = (
        name
        for name in one.__struct_fields__
        if name not in skipped and _plain(getattr(one, name)) != _plain(getattr(other, name))
    )
    return (*differing, *extra)


def _plain(value: Any) -> Any:
    """A value without its clocks."""
    value = msgspec.to_builtins(value)
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name not in _CLOCKS}
    return value
