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

import hashlib
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = [
    "Alert",
    "AlertSource",
    "Command",
    "Condition",
    "DeadLetter",
    "EnrichedItem",
    "Entity",
    "Evidence",
    "Feed",
    "FeedState",
    "FieldSpan",
    "Figure",
    "FigureHit",
    "FigureSelector",
    "Item",
    "ItemRef",
    "Latency",
    "Mention",
    "Name",
    "PolicyTopicHit",
    "PolicyTopicSelector",
    "Polled",
    "Quote",
    "Reason",
    "Refused",
    "Rule",
    "Schedule",
    "Seen",
    "Selection",
    "SeverityPolicy",
    "Silence",
    "SourceSelector",
    "Story",
    "Subscription",
    "Told",
    "Trend",
    "Triage",
    "stable_id",
]

Utc = Annotated[datetime, Meta(tz=True)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Offset = Annotated[int, Meta(ge=0)]

Origin = Literal["file", "cli"]
DateSource = Literal["published", "updated", "first_seen"]
Severity = Literal["info", "alert", "urgent", "flash"]
UpdateKind = Literal["new", "coverage", "material", "correction", "retraction", "human", "closed"]
FieldName = Literal["title", "summary", "body"]


def stable_id(kind: str, *parts: str) -> str:
    """Name content by a 26-character id that depends on nothing else.

    Args:
        kind: what is named ("item", "alert", …); separates the id spaces.
        parts: the content that makes it this one and no other.

    Returns:
        Lower-case base32 of a 128-bit BLAKE2b digest, without padding.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (kind, *parts):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    bits = int.from_bytes(digest.digest(), "big") << 2  # 130 bits are 13 pairs of letters
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(one + other for one in _LETTERS for other in _LETTERS)
"""Two letters of base32 for ten bits: ten times as fast as `base64.b32encode`, for ids are made all the time."""


class Record(Struct, frozen=True, kw_only=True):
    """What all records share: immutable, built by keyword, every field spelled out on the wire."""


# --- control topics: what people configure ---------------------------------------------


class Feed(Record, frozen=True, kw_only=True):
    """A feed to poll. `news.feeds`, key `feed_id`."""

    feed_id: str
    """Chosen once and kept when the URL changes; never derived from the URL again."""
    url: str
    title: str = ""
    lang: str = ""
    """Declared BCP 47 primary language ("de", "en"); a hint, never trusted alone."""
    tier: Annotated[int, Meta(ge=1, le=3)] = 2
    """1 official source or wire service, 2 newsroom, 3 blog or aggregator."""
    tags: tuple[str, ...] = ()
    enabled: bool = True
    interval_seconds: Annotated[int, Meta(ge=1)] | None = None
    """Fixed polling interval, also through the hours and days that the publisher wants skipped;
    None lets the schedule adapt."""
    min_interval_seconds: Annotated[int, Meta(ge=1)] | None = None
    """The adaptive interval never goes below; None for the schedule's own bound."""
    max_interval_seconds: Annotated[int, Meta(ge=1)] | None = None
    """The adaptive interval never goes above, not even for a silent feed."""
    user_agent: str = ""
    """What this publisher is told instead of the settings' user agent."""
    origin: Origin = "cli"
    """Where the entry came from; entries from a file follow that file at every start."""


class Name(Record, frozen=True, kw_only=True):
    """One name of a figure."""

    surface: str
    kind: Literal["full", "initial", "surname", "word", "given", "handle", "acronym"]
    strength: Literal["strong", "context", "never"] = "strong"
    """strong stands alone; context needs supporting evidence; never switches a variant off."""
    case: Literal["cap", "any"] = "cap"
    """cap requires the capitals of the surface form (all capitals also pass)."""
    source: str = "user"
    """`user`, or `generated:<rule>` for a variant that the matcher derived."""


class Figure(Record, frozen=True, kw_only=True):
    """A watched person or organisation. `news.watchlist`, key `figure_id`."""

    figure_id: str
    name: str
    kind: Literal["person", "organisation"]
    qid: str = ""
    """Wikidata id, such as Q36215; empty if unknown."""
    qid_checked: bool = False
    """True once a person has compared the QID with Wikidata."""
    description: str = ""
    lists: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()
    """Names beside `name`, which is always a strong full name."""
    titles: tuple[str, ...] = ()
    """Words that support the figure directly before the name ("Kanzler", "Senator")."""
    cues: tuple[str, ...] = ()
    """Words that support the figure anywhere in the item."""
    negative_cues: tuple[str, ...] = ()
    """Words that speak against the figure close to the name."""
    blockers: tuple[str, ...] = ()
    """Longer phrases that contain a name and mean somebody or something else."""
    related: tuple[str, ...] = ()
    """figure_ids whose full name supports this figure."""
    active: bool = True
    origin: Origin = "cli"


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


# --- what the poller knows ---------------------------------------------------------------


class Seen(Struct, frozen=True, array_like=True):
    """What is remembered of an entry that has been emitted; positional, to stay small."""

    content_hash: str
    revision: int
    first_seen: int
    """Unix seconds."""
    last_seen: int
    """Unix seconds; forgotten some time after leaving the feed."""
    parts: str = ""
    """Short hashes of title, text, link and raw entry, eight characters each, and the present name
    where that is another than the item_id: they tell what changed, and whether an entry under
    another name is this one."""
    revised: int = 0
    """Unix seconds of the latest revision beyond the first; 0 if there is none."""


class Polled(Struct, frozen=True, array_like=True):
    """One look at a feed, for its history; positional, to stay small."""

    at: int
    """Unix seconds."""
    status: int = 0
    """HTTP status; 0 where there was no answer."""
    error: str = ""
    """`FeedError.kind`, "" for success."""
    size: int = 0
    """Bytes of the document, decompressed."""
    took_ms: int = 0
    new: int = 0
    """Items found for the first time."""


class Refused(Struct, frozen=True):
    """A document that could not be parsed, so that it need not be tried again."""

    body_hash: str
    parser: str
    """Version of the parser that failed on it."""
    kind: str
    """`FeedError.kind`."""
    message: str
    tries: int = 1


class Subscription(Struct, frozen=True):
    """A WebSub subscription of a feed."""

    hub: str
    feed_url: str
    """The address that the feed gives itself, which is what the hub knows it by."""
    state: Literal["asked", "active", "refused", "distrusted"] = "asked"
    """active once a push has come and while the lease runs: then polling is only the backup."""
    since: int = 0
    """Unix seconds at which the hub last confirmed; before that, at which it was first asked; or at
    which it was refused or distrusted."""
    until: int = 0
    """Unix seconds at which the hub's lease ends; 0 before it is confirmed."""
    missed: int = 0
    """Items found first by polling although the hub should have pushed them."""


class FeedState(Record, frozen=True, kw_only=True):
    """What a poller must remember of a feed. `news.feed-state`, key `feed_id`."""

    feed_id: str
    url: str
    """The configured URL that all of this belongs to."""
    address: str = ""
    """Where the feed is fetched instead, since `url` has moved there for good; or ""."""
    moved_to: str = ""
    """Where `url` permanently redirects to, while that is not adopted yet."""
    moved_since: Utc | None = None
    """Since when it has redirected to `moved_to`, without exception; None where `moved_to` was
    adopted before and has its turn again."""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    parser: str = ""
    """Version of the parser that read the document of the validators."""
    refused: Refused | None = None
    """The latest document, if it could not be parsed."""
    remark: str = ""
    """What was odd about the latest document that could be, in words for a person."""
    next_check_at: Utc | None = None
    last_fetch_at: Utc | None = None
    last_success_at: Utc | None = None
    first_success_at: Utc | None = None
    """What was there then is no sign of how much the feed brings."""
    last_document_at: Utc | None = None
    """Last time that a document came, and not the word that nothing has changed."""
    failing_since: Utc | None = None
    interval_seconds: float = 900.0
    failures: float = 0.0
    """Weighted failures in a row."""
    health: Literal[
        "new", "ok", "stale", "slow_down", "failing", "blocked", "dormant", "gone", "disabled"
    ] = "new"
    health_before: str = ""
    """The health before `health_since`."""
    health_since: Utc | None = None
    """When the health changed; equal to `last_fetch_at` in the record that tells of the change."""
    reason: str = ""
    """Why the feed has this health, in words for a person."""
    schedule_reason: str = ""
    """Why it is polled next when it is, in words for a person."""
    history: tuple[Polled, ...] = ()
    """The latest polls, oldest first."""
    ttl_seconds: int = 0
    """How long the document asks to wait between polls; 0 if it does not say."""
    cadence_seconds: int = 0
    """How often the document says it changes (`sy:updatePeriod`); 0 if it does not say."""
    skip_hours: tuple[int, ...] = ()
    """Hours (0 to 23, UTC) in which the publisher does not want to be asked."""
    skip_days: tuple[int, ...] = ()
    """Days (0 Monday to 6 Sunday, UTC) likewise."""
    id_policy: Literal["guid", "guid+link"] = "guid"
    """What names the entries; switched for good once guids prove not to be unique."""
    doubtful_documents: int = 0
    """Documents in which guids were not unique, so far."""
    subscription: Subscription | None = None
    langs: dict[str, int] = {}
    """How often its longer entries were in which language (ISO 639-1), lately."""
    seen: dict[str, Seen] = {}
    """item_id to what was last emitted."""


class Item(Record, frozen=True, kw_only=True):
    """One entry of a feed, as published. `news.items`, key `item_id`."""

    item_id: str
    feed_id: str
    revision: Annotated[int, Meta(ge=1)] = 1
    """Counts the published versions of the same entry."""
    url: str = ""
    canonical_url: str = ""
    """`url` without tracking parameters."""
    title: str = ""
    """As in the feed; may hold markup."""
    summary: str = ""
    """HTML or text."""
    body: str = ""
    """HTML or text of the full entry where the feed carries it."""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    lang: str = ""
    """Declared by the entry or feed."""
    feed_lang: str = ""
    """Language of nearly all entries of the feed, as learned; "" where there is none."""
    feed_title: str = ""
    tier: int = 2
    published_at: Utc
    date_source: DateSource = "published"
    """Where `published_at` comes from; `first_seen` when the feed gave no usable date."""
    seen_at: Utc
    """When this revision was first seen; also the Kafka timestamp."""
    backfill: bool = False
    """True for what was already old (over 24 h, or undated) when its feed was first polled: it
    never notifies."""
    content_hash: str = ""
    identity: Literal["guid", "link", "enclosure", "content"] = "guid"
    """What the item_id was made from."""
    changed: tuple[Literal["title", "text", "link", "other"], ...] = ()
    """What differs from the revision before; empty for the first, and where that is unknown."""
    media: tuple[str, ...] = ()
    """Addresses of enclosures, pictures and sound, absolute."""


# --- what enrichment found -----------------------------------------------------------------


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


# --- stories, alerts ------------------------------------------------------------------------


class Story(Record, frozen=True, kw_only=True):
    """Reference to the cluster of items that tell the same news."""

    story_id: str
    copy_of: str = ""
    """item_id of the item that this one is a near-copy of; empty for an item in words of its own."""
    absorbed: tuple[str, ...] = ()
    """story_ids that have turned out to be this story; their alerts are superseded by its alerts."""
    reason: str = ""
    """Why it is this story, in words for a person; empty where it begins one."""
    stories_hour: int = 0
    """Stories of all figures and none that began within the hour before, this one included."""
    stories_window: int = 0
    """The same for the whole window of 72 hours."""


class Mention(Record, frozen=True, kw_only=True):
    """One figure in one item. `news.mentions`, key `figure_id`."""

    mention_id: str
    item: ItemRef
    story: Story
    figure: FigureHit
    policy_topics: tuple[PolicyTopicHit, ...] = ()
    other_figures: tuple[str, ...] = ()
    """figure_ids of the other figures in the same item."""
    versions: dict[str, str] = {}


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


class Trend(Record, frozen=True, kw_only=True):
    """A burst or a silence of a figure. `news.trends`, key `figure_id`."""

    trend_id: str
    figure_id: str
    kind: Literal["burst", "silence", "together"]
    phase: Literal["begin", "level", "end"] = "begin"
    level: int = 1
    """1 to 3, by score."""
    window_start: Utc
    window_end: Utc
    count: int
    """Distinct stories in the window."""
    expected: float
    score: float
    """Surprise: minus log10 of the probability of such a count."""
    publishers: int = 0
    other_figure: str = ""
    """together: with whom; silence of a feed: ""."""
    cold: bool = False
    """True while the figure's history is too short, and a prior stands in."""
    reason: str = ""
    """In words for a person."""
    story_ids: tuple[str, ...] = ()
    """Newest stories of the window, ten at most."""


class DeadLetter(Record, frozen=True, kw_only=True):
    """A record that could not be processed. On `news.dead-letters` the value stays the original
    bytes and these fields travel as headers; this is the decoded view.
    """

    topic: str
    partition: int
    offset: int
    stage: str
    error: str
    """Name of the exception class."""
    message: str = ""
    attempts: int = 1
    app_version: str = ""
    key: bytes | None = None
    value: bytes | None = None
