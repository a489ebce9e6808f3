"""From an item to an enriched item: the order of the steps, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from streams import __version__
from streams.enrich.canonical import canonical
from streams.enrich.entities import DEFAULT_MODELS, EntityTagger
from streams.enrich.figures import FigureMatcher
from streams.enrich.language import detect
from streams.enrich.policy import PolicyMatcher, read_policy
from streams.enrich.roles import with_roles
from streams.enrich.semantics import load_semantics
from streams.enrich.text import Document, make_document
from streams.records import EnrichedItem, Entity, Figure, Item, ItemRef

__all__ = ["Enricher", "build_enricher"]


class Enricher:
    """Enriches items; holds what may be exchanged while it runs: watchlist, lexicon, models."""

    def __init__(self, matcher: FigureMatcher, policy: PolicyMatcher, tagger: EntityTagger) -> None:
        self.matcher = matcher
        self.policy = policy
        self.tagger = tagger

    def load(self) -> None:
        """Load all models now, so that the first item is quick."""
        self.tagger.load()
        if self.policy.semantics is not None:
            self.policy.semantics.load()

    def enrich(self, item: Item, now: datetime) -> EnrichedItem:
        """Find language, entities, figures and policy topics of an item; see `enrich_all`."""
        return self.enrich_all([item], now)[0]

    def enrich_all(self, items: Sequence[Item], now: datetime) -> list[EnrichedItem]:
        """Find language, entities, figures and policy topics of some items.

        Entities are found for all items at once, which is faster.

        Args:
            items: any items, hostile ones included; markup is removed and the text is bounded.
            now: becomes `enriched_at`.

        Returns:
            One enriched item for each, in order.
        """
        documents = [make_document(item.title, item.summary, item.body) for item in items]
        langs = [
            detect(document.text, declared=item.lang, learned=item.feed_lang)
            for item, document in zip(items, documents, strict=True)
        ]
        tagged = self.tagger.tag_all(documents, [lang for lang, _ in langs])
        return [
            self._judge(item, document, *lang, *found, now)
            for item, document, lang, found in zip(items, documents, langs, tagged, strict=True)
        ]

    def _judge(
        self,
        item: Item,
        document: Document,
        lang: str,
        confidence: float,
        tagged: tuple[Entity, ...],
        skipped: str,
        now: datetime,
    ) -> EnrichedItem:
        figures = with_roles(document, lang, self.matcher.find(document, lang))
        entities = canonical(tagged, figures)
        policy_topics = self.policy.find(document, lang, figures, entities)
        figures += self.matcher.near.find(document, tagged, figures)  # a guess decides nothing else
        return EnrichedItem(
            item=_reference(item, document, lang, now),
            text=document.text,
            fields=document.fields,
            lang_confidence=confidence,
            figures=figures,
            policy_topics=policy_topics,
            entities=entities,
            vector=self.policy.vector_of(document) if figures else b"",
            versions=self._versions(lang),
            skipped=(skipped,) if skipped else (),
        )

    def _versions(self, lang: str) -> dict[str, str]:
        """What decided about an item in this language."""
        versions = {
            "app": __version__,
            "watchlist": self.matcher.version,
            "policy": self.policy.version,
        }
        if self.policy.semantics is not None:
            versions["semantics"] = self.policy.semantics.version
        model = f"entities:{lang}"
        if model in self.tagger.versions:
            versions[model] = self.tagger.versions[model]
        return versions


def build_enricher(
    figures: Iterable[Figure],
    policy_path: Path,
    models: Mapping[str, str] | None = None,
    semantics: str = "auto",
) -> Enricher:
    """Build an enricher from a watchlist, the folder of a policy lexicon, and models.

    Args:
        figures: whom to look for.
        policy_path: folder of the lexicon.
        models: language to spaCy pipeline, beside or instead of the built-in ones.
        semantics: "auto", "on" or "off", see `load_semantics`.

    Raises:
        NotFoundError: there is no such lexicon.
        ConfigError: the lexicon is wrong, or the semantic layer must be there and is not.
    """
    policy = PolicyMatcher(read_policy(policy_path), load_semantics(semantics))
    return Enricher(
        FigureMatcher(figures), policy, EntityTagger({**DEFAULT_MODELS, **(models or {})})
    )


def _reference(item: Item, document: Document, lang: str, now: datetime) -> ItemRef:
    """What later records need of the item; the title as plain text."""
    title = next((span for span in document.fields if span.name == "title"), None)
    return ItemRef(
        item_id=item.item_id,
        revision=item.revision,
        feed_id=item.feed_id,
        feed_title=item.feed_title,
        tier=item.tier,
        url=item.url,
        title=document.text[title.start : title.end] if title else "",
        lang=lang,
        published_at=item.published_at,
        date_source=item.date_source,
        seen_at=item.seen_at,
        enriched_at=now,
        backfill=item.backfill,
    )
