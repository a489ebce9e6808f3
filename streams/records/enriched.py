"""What enrichment found in an item, and where."""

from __future__ import annotations

from typing import Literal

from streams.records.vocabulary import (
    DateSource,
    FieldName,
    Offset,
    Record,
    Share,
    Utc,
    check_seen_at,
)

__all__ = [
    "EnrichedItem",
    "Entity",
    "Evidence",
    "FieldSpan",
    "FigureHit",
    "ItemRef",
    "PolicyTopicHit",
    "Quote",
    "Reason",
]


class FieldSpan(Record, frozen=True, kw_only=True):
    """Where a field of the item lies in `EnrichedItem.text`."""

    name: FieldName
    start: Offset
    end: Offset


class Evidence(Record, frozen=True, kw_only=True):
    """A place in the text that supports a finding."""

    field: FieldName
    start: Offset
    end: Offset
    surface: str
    """`EnrichedItem.text[start:end]`."""
    sentence: str
    sentence_start: Offset
    """Offset of `sentence`; `sentence[start - sentence_start:][:end - start] == surface`."""
    rule: str
    """What matched: a kind of name ("surname"), or of term ("strong", "weak", "pattern")."""
    detail: str = ""
    """The name or term that matched, in its dictionary form."""
    weight: float = 0.0
    inflection: str = ""
    """Ending that was added to the name ("s" in "Trumps"); not part of the span."""
    compound: Literal["", "head", "tail"] = ""
    """head: the name opens a hyphen compound ("Trump-Lager"); tail: it closes one."""


class Reason(Record, frozen=True, kw_only=True):
    """One summand of a score, in log-odds."""

    rule: str
    detail: str = ""
    weight: float = 0.0


class Entity(Record, frozen=True, kw_only=True):
    """One place where a named entity stands, with spaCy's vocabulary."""

    text: str
    label: str
    start: Offset
    end: Offset
    name: str = ""
    """What the item calls it most fully ("Mark Zuckerberg" for "Zuckerbergs"): places of one label and name
    are one entity."""
    figure_id: str = ""
    """The watched figure that stands there."""


class Quote(Record, frozen=True, kw_only=True):
    """What somebody says."""

    text: str
    """`EnrichedItem.text[start:end]`, without the quotation marks."""
    start: Offset
    end: Offset
    speaker: str = ""
    """Who says it, as it stands there."""
    kind: Literal["direct", "reported"] = "direct"
    """direct: in quotation marks; reported: in the words of the newsroom."""


class FigureHit(Record, frozen=True, kw_only=True):
    """A watched figure found in an item."""

    figure_id: str
    name: str
    qid: str = ""
    kind: Literal["person", "organisation"] = "person"
    lists: tuple[str, ...] = ()
    confidence: Share
    level: Literal["alert", "possible"]
    """alert: sure enough to alert; possible: stored and searchable only."""
    in_title: bool = False
    mentions: tuple[Evidence, ...]
    reasons: tuple[Reason, ...] = ()
    """Why the best mention has this confidence."""
    role: Literal["", "speaker", "subject", "object", "passing"] = ""
    """The largest part that the figure plays in the item; empty where it was not decided."""
    quotes: tuple[Quote, ...] = ()
    """What it says, three at most."""


class PolicyTopicHit(Record, frozen=True, kw_only=True):
    """A policy topic that an item is about."""

    policy_topic: str
    score: Share
    """Logistic of the sum of `reasons`."""
    evidence: tuple[Evidence, ...]
    labels: tuple[str, ...] = ()
    """Finer names within the topic that the item names, such as a law ("dsa")."""
    iptc: tuple[str, ...] = ()
    """QCodes of the IPTC Media Topics that fit, such as medtop:20000763."""
    reasons: tuple[Reason, ...] = ()
    """What its words say, and what it means where the semantic layer was asked."""


class ItemRef(Record, frozen=True, kw_only=True):
    """What later records need of an item to stand alone."""

    item_id: str
    revision: int = 1
    feed_id: str
    feed_title: str = ""
    tier: int = 2
    url: str = ""
    title: str = ""
    """Plain text."""
    lang: str = "und"
    published_at: Utc
    date_source: DateSource = "published"
    seen_at: Utc
    enriched_at: Utc
    backfill: bool = False

    def __post_init__(self) -> None:
        """Refuse times that nothing behind could bear."""
        check_seen_at(self.seen_at)


class EnrichedItem(Record, frozen=True, kw_only=True):
    """An item with what was found in it. `news.enriched`, key: language shard."""

    item: ItemRef
    text: str
    """Title, summary and body as plain text in NFC, a newline between blocks."""
    fields: tuple[FieldSpan, ...]
    lang_confidence: Share = 0.0
    entities: tuple[Entity, ...] = ()
    figures: tuple[FigureHit, ...] = ()
    policy_topics: tuple[PolicyTopicHit, ...] = ()
    vector: bytes = b""
    """What title and lead mean, as 384 signed bytes whose cosine compares two items of any language; empty where the
    semantic layer is not installed, or no figure is in the item."""
    versions: dict[str, str] = {}
    """What decided: app, watchlist, policy lexicon, and the models used."""
    skipped: tuple[str, ...] = ()
    """Steps that did not run, each with its reason ("entities: no model for fr")."""
