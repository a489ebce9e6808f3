"""The pipeline: one item in, one enriched item out, whatever the item holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.enrich.figures import ALERT
from streams.enrich.pipeline import Enricher, build_enricher
from streams.enrich.semantics import installed
from streams.records import EnrichedItem, Figure, Item
from streams.wire import decode, encode

POLICY = Path(__file__).resolve().parents[2] / "deploy" / "config" / "policy"
SEEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 1, 1, 13, tzinfo=UTC)
FIGURES = [Figure(figure_id="ada", name="Ada Lovelace", kind="person", qid="Q7259")]
ENRICHER = build_enricher(FIGURES, POLICY)


@pytest.fixture
def enricher() -> Enricher:
    return ENRICHER


def item(**fields: Any) -> Item:
    values = {"item_id": "i", "feed_id": "f", "published_at": SEEN, "seen_at": SEEN, **fields}
    return Item(**values)


def test_everything_found_in_one_item(enricher: Enricher) -> None:
    source = item(
        title="<b>Ada Lovelace</b> fined by EU regulator over AI app",
        body="<p>The European Commission fined Ada <em>Lovelace</em>’s company.</p>",
        lang="en",
        feed_title="Wire",
        tier=1,
        backfill=True,
        url="https://example.org/1",
    )
    enriched = enricher.enrich(source, NOW)
    reference = enriched.item
    assert reference.title == "Ada Lovelace fined by EU regulator over AI app"
    assert (reference.lang, reference.enriched_at, reference.seen_at) == ("en", NOW, SEEN)
    assert (reference.feed_title, reference.tier, reference.backfill) == ("Wire", 1, True)
    assert [hit.figure_id for hit in enriched.figures] == ["ada"]
    assert {"ai", "regulation"} <= {hit.policy_topic for hit in enriched.policy_topics}
    assert "European Commission" in {entity.text for entity in enriched.entities}
    known = {"app", "watchlist", "policy", "entities:en"}
    assert enriched.versions.keys() == known | ({"semantics"} if installed() else set())
    assert enriched.skipped == ()
    assert decode(EnrichedItem, encode(enriched)) == enriched


def test_german_has_entities_that_are_watched_or_found(enricher: Enricher) -> None:
    source = item(
        title="Ada Lovelace verklagt Siemens", summary="Lovelaces Klage liegt in München."
    )
    enriched = enricher.enrich(source, NOW)
    assert enriched.item.lang == "de"
    assert enriched.skipped == ()
    named = {entity.text: (entity.name, entity.figure_id) for entity in enriched.entities}
    assert named["Ada Lovelace"] == ("Ada Lovelace", "ada")
    assert named["Siemens"] == ("Siemens", "")
    assert "entities:de" in enriched.versions


@pytest.mark.parametrize(
    "title", ["Ada Lovelase fined over AI app", "Aufsicht verhängt Bußgeld gegen Ada Lovelase"]
)
def test_a_mistyped_name_is_possible_and_decides_nothing_else(
    enricher: Enricher, title: str
) -> None:
    enriched = enricher.enrich(item(title=title), NOW)
    (hit,) = enriched.figures
    assert (hit.figure_id, hit.level, hit.in_title) == ("ada", "possible", True)
    assert hit.confidence < ALERT
    named = {entity.text: entity.figure_id for entity in enriched.entities}
    assert named["Ada Lovelase"] == ""
    unwatched = build_enricher([], POLICY).enrich(item(title=title), NOW)
    assert enriched.policy_topics == unwatched.policy_topics
    assert enriched.entities == unwatched.entities


def test_without_entities_nothing_is_guessed() -> None:
    blind = build_enricher(FIGURES, POLICY, {"de": "", "en": ""})
    enriched = blind.enrich(item(title="Ada Lovelase fined over AI app"), NOW)
    assert enriched.figures == ()
    assert enriched.skipped[0].startswith("entities: no model for en")


def test_a_language_without_a_model_says_so(enricher: Enricher) -> None:
    text = "Le gouvernement a présenté hier son projet de loi sur les plateformes en ligne."
    enriched = enricher.enrich(item(body=text, lang="fr"), NOW)
    assert enriched.item.lang == "fr"
    assert enriched.skipped[0].startswith("entities: no model for fr")


def test_many_items_get_what_each_gets_alone(enricher: Enricher) -> None:
    items = [
        item(title="Ada Lovelace verklagt Siemens"),
        item(title="Ada Lovelace sues Siemens over its new plant in Ohio"),
        item(),
    ]
    assert enricher.enrich_all(items, NOW) == [enricher.enrich(each, NOW) for each in items]


def test_an_empty_item(enricher: Enricher) -> None:
    enriched = enricher.enrich(item(), NOW)
    assert (enriched.text, enriched.fields, enriched.item.lang) == ("", (), "und")
    assert (*enriched.figures, *enriched.policy_topics, *enriched.entities) == ()


@pytest.mark.timeout(20)
def test_a_huge_item_is_bounded(enricher: Enricher) -> None:
    enriched = enricher.enrich(item(title="<i>" * 10_000, body="<p>Ada Lovelace " * 300_000), NOW)
    assert 0 < len(enriched.text) <= 20_000
    assert enriched.figures[0].figure_id == "ada"


def test_the_same_item_gives_the_same_result(enricher: Enricher) -> None:
    source = item(title="Ada Lovelace verklagt TikTok", body="Ein Gericht prüft die App.")
    again = build_enricher(FIGURES, POLICY).enrich(source, NOW)
    assert encode(enricher.enrich(source, NOW)) == encode(again)


words = st.sampled_from(["Ada", "Lovelace", "KI", "EU", "<p>", "&lt;", "\n", ".", "sperrt", "x",
                         "Meta", "\ud800", "\u00ad", "’s", "-", " "])  # fmt: skip
texts = st.one_of(st.text(st.characters(codec=None)), st.lists(words, max_size=60).map("".join))


@settings(max_examples=60)
@given(texts, texts, texts, st.sampled_from(["", "de", "en", "??"]))
def test_no_item_breaks_it(title: str, summary: str, body: str, lang: str) -> None:
    enriched = ENRICHER.enrich(item(title=title, summary=summary, body=body, lang=lang), NOW)
    assert decode(EnrichedItem, encode(enriched)) == enriched
    places = [place for hit in enriched.figures for place in hit.mentions]
    places += [place for topic in enriched.policy_topics for place in topic.evidence]
    for place in places:
        assert enriched.text[place.start : place.end] == place.surface
    for entity in enriched.entities:
        assert enriched.text[entity.start : entity.end] == entity.text
