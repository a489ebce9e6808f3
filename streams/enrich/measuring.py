"""Detection run on labelled items, as it runs on items of the stream.

What the stream knows of a feed's language it learned from the feed's items; here it is learned from
the other items of the feed, so that no item helps itself. What is labelled is never shown to what
detects.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from streams.enrich.evaluation import Outcome, Told, compare
from streams.enrich.figures import FigureMatcher
from streams.enrich.gold import DOCUMENTATION, GoldItem
from streams.enrich.language import certain, detect
from streams.enrich.pipeline import Enricher
from streams.enrich.policy import PolicyMatcher
from streams.enrich.watchlist.trying import Trial
from streams.errors import NotFoundError
from streams.feeds.languages import ENTRIES_READ, Detects, learn, prevailing
from streams.records import Evidence, FigureHit, Item, PolicyTopicHit, Reason

__all__ = [
    "Examined",
    "Finding",
    "Measured",
    "choose",
    "examine_figures",
    "examine_language",
    "examine_policy",
    "feed_languages",
    "why_no_figure",
    "why_no_topic",
]

Measured = Literal["figures", "policy", "language"]

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing that is measured depends on the time."""


class Finding(Struct, frozen=True):
    """A figure or policy topic that was found in an item."""

    label: str
    """Its id."""
    score: float
    is_sure: bool
    evidence: tuple[Evidence, ...]
    reasons: tuple[Reason, ...]


class Examined(Struct, frozen=True):
    """An item, what was found in it, and what that is worth."""

    item: GoldItem
    text: str
    lang: str
    """As detected."""
    findings: tuple[Finding, ...]
    outcome: Outcome

    def finding(self, label: str) -> Finding | None:
        """What was found for a label, however surely."""
        return next((each for each in self.findings if each.label == label), None)


def choose(
    items: Iterable[GoldItem], measured: Measured, split: str = "all", lang: str = ""
) -> tuple[list[GoldItem], int]:
    """Choose the items to measure on.

    Args:
        items: labelled items.
        measured: what they must be labelled with.
        split: "dev", "test" or "all".
        lang: language that they are written in; "" for any.

    Returns:
        The items, and how many there are beside them that lack such labels.

    Raises:
        NotFoundError: there is none.
    """
    wanted = [item for item in items if split in ("all", item.split) and lang in ("", item.lang)]
    chosen = [item for item in wanted if _is_labelled(item, measured)]
    if not chosen:
        among = f" of split {split}" if split != "all" else ""
        among += f" in language {lang}" if lang else ""
        labels = "policy topics" if measured == "policy" else measured
        cure = f"label some, see {DOCUMENTATION}, or choose another --split or --lang"
        raise NotFoundError(f"no item{among} is labelled with {labels}", cure=cure)
    return chosen, len(wanted) - len(chosen)


def feed_languages(items: Sequence[GoldItem]) -> dict[str, str]:
    """Learn for each item what the other items of its feed are written in.

    Returns:
        ISO 639-1 code by id of the item; "" for an item without a feed, and where the others are
        too few or of several languages.
    """
    feeds: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        feeds[item.feed].append(_as_item(item))
    detects = functools.cache(certain)
    langs = dict.fromkeys((item.id for item in items), "")
    for feed, entries in feeds.items():
        if feed:
            langs.update(_others_languages(entries, detects))
    return langs


def examine_figures(item: GoldItem, feed_lang: str, matcher: FigureMatcher) -> Examined:
    """Find the figures of an item whose figures are labelled.

    Args:
        item: the item.
        feed_lang: what its feed is written in, or "".
        matcher: the watchlist.
    """
    document = item.document()
    lang, _ = detect(document.text, learned=feed_lang)
    hits = matcher.find(document, lang)
    labels = item.figures or {}
    outcome = compare(
        item.id,
        [label for label, level in labels.items() if level == "alert"],
        [hit.figure_id for hit in hits if hit.level == "alert"],
        left_open=[label for label, level in labels.items() if level == "possible"],
        unsure=[hit.figure_id for hit in hits if hit.level == "possible"],
        trap=item.trap,
    )
    return Examined(item, document.text, lang, tuple(map(_figure, hits)), outcome)


def examine_policy(item: GoldItem, feed_lang: str, enricher: Enricher) -> Examined:
    """Find the policy topics of an item whose topics are labelled, with all that they build on.

    Args:
        item: the item.
        feed_lang: what its feed is written in, or "".
        enricher: the whole pipeline; figures and entities fill slots of policy patterns.
    """
    enriched = enricher.enrich(_as_item(item, feed_lang), _ANY_TIME)
    hits = enriched.policy_topics
    outcome = compare(
        item.id,
        item.policy_topics or (),
        [hit.policy_topic for hit in hits],
        left_open=item.possible_topics,
        trap=item.trap,
    )
    findings = tuple(map(_topic, hits))
    return Examined(item, enriched.text, enriched.item.lang, findings, outcome)


def examine_language(item: GoldItem, feed_lang: str) -> Told:
    """Tell the language of an item, with and without the help of its feed."""
    document = item.document()
    return Told(
        item_id=item.id,
        expected=item.lang,
        alone=detect(document.text)[0],
        with_prior=detect(document.text, learned=feed_lang)[0],
        words=len(document.text.split()),
        only_title=[field.name for field in document.fields] == ["title"],
    )


def why_no_figure(examined: Examined, label: str, trial: Trial) -> list[str]:
    """Say why a figure was not found; a line per name of it that is there."""
    tried = trial.on(examined.text, examined.lang)
    names = [name for name in tried.not_counted if name.figure_id == label]
    told = [f"{name.surface!r} does not count: {name.why}" for name in names]
    return told or ["no name of the watchlist for it"]


def why_no_topic(examined: Examined, label: str, policy: PolicyMatcher) -> list[str]:
    """Say what the words, and the semantic layer if it is there, give for a topic, in log-odds."""
    document = examined.item.document()
    words = policy.words(document, examined.lang)
    said = f"{words[label]:+.1f} words" if label in words else "its words say nothing of it"
    if policy.semantics is None:
        return [said]
    judged = policy.semantics.judge(document, words).get(label)
    return [said, f"{judged.meaning:+.1f} meaning, if it was asked"] if judged else [said]


def _is_labelled(item: GoldItem, measured: Measured) -> bool:
    if measured == "language":
        return True  # without one it is no item
    return (item.figures if measured == "figures" else item.policy_topics) is not None


def _as_item(item: GoldItem, feed_lang: str = "") -> Item:
    """The item as the stream has it; its language is what is to be found, so it is not declared."""
    return Item(
        item_id=item.id,
        feed_id=item.feed,
        title=item.title,
        summary=item.summary,
        body=item.body,
        feed_lang=feed_lang,
        published_at=_ANY_TIME,
        seen_at=_ANY_TIME,
    )


def _others_languages(entries: Sequence[Item], detects: Detects) -> Iterator[tuple[str, str]]:
    """For each entry what all others are written in.

    They are learned from in portions, as documents bring them, so that only the portion of the one
    that is left out has to be read again.
    """
    portions = [entries[at : at + ENTRIES_READ] for at in range(0, len(entries), ENTRIES_READ)]
    taught = [Counter(learn({}, portion, detects)) for portion in portions]
    for number, portion in enumerate(portions):
        elsewhere = sum((each for at, each in enumerate(taught) if at != number), Counter[str]())
        for at, entry in enumerate(portion):
            others = [*portion[:at], *portion[at + 1 :]]
            yield entry.item_id, prevailing(elsewhere + Counter(learn({}, others, detects)))


def _figure(hit: FigureHit) -> Finding:
    return Finding(hit.figure_id, hit.confidence, hit.level == "alert", hit.mentions, hit.reasons)


def _topic(hit: PolicyTopicHit) -> Finding:
    return Finding(hit.policy_topic, hit.score, True, hit.evidence, hit.reasons)
