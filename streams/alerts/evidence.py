"""The items behind an alert: the newest evidence of each, and how their number is bounded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from streams.records import Alert, AlertSource, Evidence, Latency, Mention

__all__ = [
    "EVIDENCE_KEPT",
    "SOURCES_KEPT",
    "add_source",
    "add_sources",
    "item_ids",
    "latency_of",
    "revision_of",
    "source_of",
]

SOURCES_KEPT = 50
"""Items kept in full; of the others the alert knows the ids."""

EVIDENCE_KEPT = 5
"""Places per figure and policy topic that an alert shows of an item; the enriched item has all."""


def source_of(mention: Mention) -> AlertSource:
    """The item of a mention as a source, with its best evidence."""
    return AlertSource(
        item=mention.item,
        confidence=mention.figure.confidence,
        figure=_best(mention.figure.mentions),
        copy_of=mention.story.copy_of,
        policy_topics=tuple(
            hit
            if len(hit.evidence) <= EVIDENCE_KEPT
            else msgspec.structs.replace(hit, evidence=_best(hit.evidence))
            for hit in mention.policy_topics
        ),
    )


def revision_of(alert: Alert, item_id: str) -> int:
    """Newest revision of an item that the alert knows as a source; 0 if it is not kept in full."""
    return next((s.item.revision for s in alert.sources if s.item.item_id == item_id), 0)


def item_ids(alert: Alert) -> set[str]:
    """Every item that tells the alert; those that were retracted do not."""
    known = {source.item.item_id for source in alert.sources} | {*alert.further_item_ids}
    return known - alert.retracted.keys()


def add_source(
    alert: Alert, source: AlertSource
) -> tuple[tuple[AlertSource, ...], tuple[str, ...]]:
    """Append a source, instead of an older revision of its item; the oldest is always kept.

    Returns:
        `sources` and `further_item_ids` of the next revision.
    """
    item_id, further = source.item.item_id, alert.further_item_ids
    gone = alert.retracted
    kept = [
        known
        for known in alert.sources
        if known.item.item_id != item_id and known.item.item_id not in gone
    ]
    kept.append(source)
    if len(kept) > SOURCES_KEPT:
        further = (*further, kept.pop(1).item.item_id)
    return tuple(kept), further


def add_sources(alert: Alert, other: Alert) -> tuple[tuple[AlertSource, ...], tuple[str, ...]]:
    """Put the sources of two alerts together, in the order in which the items were seen."""
    newest: dict[str, AlertSource] = {}
    gone = alert.retracted.keys() | other.retracted.keys()
    for source in (*other.sources, *alert.sources):
        known = newest.get(source.item.item_id)
        if known is None or known.item.revision < source.item.revision:
            newest[source.item.item_id] = source
    present = [source for item_id, source in newest.items() if item_id not in gone]
    ordered = sorted(present or newest.values(), key=lambda s: (s.item.seen_at, s.item.item_id))
    surplus = max(len(ordered) - SOURCES_KEPT, 0)
    kept = (*ordered[:1], *ordered[1 + surplus :])
    further = [s.item.item_id for s in ordered[1 : 1 + surplus]]
    return kept, _without_repeats(
        (*other.further_item_ids, *alert.further_item_ids, *further), kept
    )


def _without_repeats(ids: Iterable[str], kept: tuple[AlertSource, ...]) -> tuple[str, ...]:
    shown = {source.item.item_id for source in kept}
    return tuple(item_id for item_id in dict.fromkeys(ids) if item_id not in shown)


def latency_of(mention: Mention, now: datetime) -> Latency:
    """The ledger of a mention's item; `now` becomes `alerted_at`."""
    item = mention.item
    return Latency(
        published_at=item.published_at,
        seen_at=item.seen_at,
        enriched_at=item.enriched_at,
        alerted_at=now,
    )


def _best(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The heaviest places, those in the title first, in the order of the text."""
    if len(evidence) <= EVIDENCE_KEPT:
        return tuple(sorted(evidence, key=lambda e: (e.start, e.end)))
    ranked = sorted(evidence, key=lambda e: (e.field != "title", -e.weight, e.start))
    return tuple(sorted(ranked[:EVIDENCE_KEPT], key=lambda e: (e.start, e.end)))
