"""What the page shows, decided without I/O.

All text of an alert comes from feeds and is hostile. It leaves this module either as plain text,
which the templates escape, or as `Markup` in which everything but our own `<mark>` is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup, escape
from msgspec import Struct

from streams.records import Alert, AlertSource, Evidence

__all__ = [
    "Board", "Card", "SourceLine", "Span", "duration_text", "make_card", "mark", "web_url",
]  # fmt: skip

BOARD_LIMIT = 500
"""Alerts on the page: more than a shift reads, and still a page of about 1 MB."""
PASSAGE_LIMIT = 480
"""Characters of one evidence passage; a longer sentence is cut around its first mark."""
LEAD_IN = 160
"""Characters kept before the first mark of a passage that is cut."""
PASSAGES = 2
"""Evidence sentences on a card: one with the figure and, if it is another, one with the policy."""
SOURCES_LISTED = 12

SpanKind = Literal["figure", "policy"]
Outcome = Literal["added", "revised", "outdated", "too_old"]


class Board:
    """The newest alerts, each in its newest revision.

    Args:
        limit: how many alerts are kept, at least 1.
    """

    def __init__(self, limit: int = BOARD_LIMIT) -> None:
        self._limit = limit
        self._alerts: dict[str, Alert] = {}

    def __len__(self) -> int:
        return len(self._alerts)

    def get(self, alert_id: str) -> Alert | None:
        """The newest revision of an alert, if it is on the board."""
        return self._alerts.get(alert_id)

    def apply(self, alert: Alert) -> Outcome:
        """Take in a revision; repeated and older ones change nothing.

        Returns:
            added or revised; outdated if the board holds this or a newer revision; too_old if
            the board is full of newer alerts.
        """
        held = self._alerts.get(alert.alert_id)
        if held and held.revision >= alert.revision:
            return "outdated"
        self._alerts[alert.alert_id] = alert
        if len(self._alerts) > self._limit:
            oldest = min(self._alerts.values(), key=_recency)
            del self._alerts[oldest.alert_id]
            if oldest is alert:
                return "too_old"
        return "revised" if held else "added"

    def remove(self, alert_id: str) -> bool:
        """Forget an alert; True if it was on the board."""
        return self._alerts.pop(alert_id, None) is not None

    def newest_first(self) -> list[Alert]:
        """All alerts, the one that alerted last first.

        A silent revision keeps the ledger of the revision that notified, so copies of a story
        do not lift its alert over newer ones.
        """
        return sorted(self._alerts.values(), key=_recency, reverse=True)


def _recency(alert: Alert) -> tuple[datetime, str]:
    return alert.latency.alerted_at, alert.alert_id


class Span(NamedTuple):
    """A stretch of a text to mark: code points, end exclusive."""

    start: int
    end: int
    kind: SpanKind


def mark(text: str, spans: Iterable[Span], limit: int = PASSAGE_LIMIT) -> Markup:
    """Escape a text and mark spans in it: `<mark>` a figure, `<mark class="policy">` a policy term.

    Where spans overlap, the figure wins; what lies outside the text is ignored.

    Args:
        text: any text.
        spans: in any order.
        limit: characters to keep; a longer text is cut around its first mark.
    """
    kinds: list[SpanKind | None] = [None] * len(text)
    for start, end, kind in sorted(spans, key=lambda span: span.kind, reverse=True):
        for at in range(max(start, 0), min(end, len(text))):
            kinds[at] = kind
    first, last = _cut(kinds, limit)
    pieces = [
        _piece("".join(text[at] for at in run), kind)
        for kind, run in groupby(range(first, last), key=kinds.__getitem__)
    ]
    return Markup("").join(["… " if first else "", *pieces, " …" if last < len(text) else ""])


def _piece(text: str, kind: SpanKind | None) -> Markup:
    if kind is None:
        return escape(text)
    opening = Markup("<mark>") if kind == "figure" else Markup('<mark class="policy">')
    return opening + escape(text) + Markup("</mark>")


def _cut(kinds: Sequence[SpanKind | None], limit: int) -> tuple[int, int]:
    """The part of a text to keep: all of it, or `limit` characters around the first mark."""
    if len(kinds) <= limit:
        return 0, len(kinds)
    marked = next((at for at, kind in enumerate(kinds) if kind), 0)
    first = min(max(marked - LEAD_IN, 0), len(kinds) - limit)
    return first, first + limit


def web_url(url: str) -> str:
    """The URL if it is safe to link to, which means http or https with a host; else empty."""
    try:
        parts = urlsplit(url)
        return url if parts.scheme in {"http", "https"} and parts.hostname else ""
    except ValueError:
        return ""


def duration_text(seconds: float) -> str:
    """Say a duration the way people do: "0.4 s", "42 s", "12 min", "5 h", "3 d"."""
    for below, unit_seconds, unit in ((90, 1, "s"), (5_400, 60, "min"), (172_800, 3_600, "h")):
        if seconds < below:
            count = max(seconds, 0.0) / unit_seconds
            return f"{count:.1f} {unit}" if unit == "s" and count < 9.95 else f"{count:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


class SourceLine(Struct, frozen=True, kw_only=True):
    """One item behind an alert, as the card lists it."""

    feed: str
    title: str
    url: str
    """http(s), or empty."""
    tier: int
    lang: str
    published_at: datetime
    rules: str
    """Which kinds of names and which terms matched."""


class Card(Struct, frozen=True, kw_only=True):
    """An alert as the card template wants it; every text is plain unless it is Markup."""

    alert: Alert
    headline: Markup
    url: str
    lang: str
    """Value of the `lang` attribute; empty if not known."""
    passages: tuple[Markup, ...]
    policy_topics: tuple[str, ...]
    badge: str
    """Kind of update, or empty for an alert as it first came."""
    latency_seconds: float
    latency: str
    feed: str
    copies: int
    """Items beside the first one that tell the same."""
    source_count: int
    sources: tuple[SourceLine, ...]
    qid: str
    """Wikidata id of the form Q123, or empty."""


def make_card(alert: Alert) -> Card:
    """Work out what a card shows of an alert."""
    shown = _shown_source(alert)
    source_count = len(alert.sources) + len(alert.further_item_ids)
    latency_seconds = max((alert.latency.alerted_at - alert.latency.seen_at).total_seconds(), 0.0)
    return Card(
        alert=alert,
        headline=mark(alert.headline, _headline_spans(alert, shown)),
        url=web_url(shown.item.url) if shown else "",
        lang=_lang(shown.item.lang) if shown else "",
        passages=_passages(alert, shown) if shown else (),
        policy_topics=tuple(map(_label, alert.policy_topics)),
        badge="" if alert.update_kind == "new" else alert.update_kind,
        latency_seconds=latency_seconds,
        latency=duration_text(latency_seconds),
        feed=_feed_name(shown) if shown else "",
        copies=max(source_count - 1, 0),
        source_count=source_count,
        sources=tuple(map(_source_line, alert.sources[:SOURCES_LISTED])),
        qid=alert.qid if re.fullmatch(r"Q[1-9][0-9]{0,11}", alert.qid) else "",
    )


def _shown_source(alert: Alert) -> AlertSource | None:
    """The source that the headline came from, or else the first."""
    same = (source for source in alert.sources if source.item.title == alert.headline)
    return next(same, alert.sources[0] if alert.sources else None)


def _findings(source: AlertSource) -> list[tuple[Evidence, SpanKind]]:
    figures: list[tuple[Evidence, SpanKind]] = [(found, "figure") for found in source.figure]
    return figures + [(found, "policy") for hit in source.policy_topics for found in hit.evidence]


def _headline_spans(alert: Alert, shown: AlertSource | None) -> list[Span]:
    """Evidence in the title, whose offsets count from the start of the headline.

    The title opens the text of an item; an offset that does not lead to its surface is not used.
    """
    return [
        Span(found.start, found.end, kind)
        for found, kind in (_findings(shown) if shown else [])
        if found.field == "title" and _fits(alert.headline, found, found.start)
    ]


def _fits(text: str, found: Evidence, start: int) -> bool:
    end = start + found.end - found.start
    return 0 <= start < end and text[start:end] == found.surface


def _passages(alert: Alert, source: AlertSource) -> tuple[Markup, ...]:
    """The sentences that prove the alert, best first, without those the headline shows already."""
    spans: dict[tuple[int, str], set[Span]] = {}
    for found, kind in _findings(source):
        if found.field == "title" and _fits(alert.headline, found, found.start):
            continue
        passage = spans.setdefault((found.sentence_start, found.sentence), set())
        start = found.start - found.sentence_start
        if _fits(found.sentence, found, start):
            passage.add(Span(start, start + len(found.surface), kind))

    def rank(passage: tuple[int, str]) -> tuple[int, bool, int]:
        kinds = {span.kind for span in spans[passage]}
        return -len(kinds), "figure" not in kinds, passage[0]

    return tuple(mark(key[1], spans[key]) for key in sorted(spans, key=rank)[:PASSAGES])


def _source_line(source: AlertSource) -> SourceLine:
    names = [f"{found.detail or found.surface} ({found.rule})" for found in source.figure]
    return SourceLine(
        feed=_feed_name(source),
        title=source.item.title,
        url=web_url(source.item.url),
        tier=source.item.tier,
        lang=source.item.lang,
        published_at=source.item.published_at,
        rules=", ".join(dict.fromkeys(names)),
    )


def _feed_name(source: AlertSource) -> str:
    return source.item.feed_title or source.item.feed_id


def _lang(tag: str) -> str:
    return tag if re.fullmatch(r"[a-z]{2,3}", tag) and tag != "und" else ""


def _label(policy_topic: str) -> str:
    """A policy topic's id in words; two letters are an abbreviation ("ai")."""
    words = policy_topic.replace("_", " ").replace("-", " ")
    return words.upper() if len(words) <= 2 else words
