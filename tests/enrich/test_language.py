"""Language: short headlines, declared tags that help, and ones that must not decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from streams.enrich.language import LANGUAGES, _identifier, detect

GERMAN = "Die Kommission will die Regeln für große Plattformen noch in diesem Jahr verschärfen."
ENGLISH = (
    "The commission wants to tighten the rules for large platforms before the end of the year."
)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        (GERMAN, "de"),
        (ENGLISH, "en"),
        ("La commission veut renforcer les règles pour les grandes plateformes.", "fr"),
        ("Комісія хоче посилити правила для великих платформ.", "uk"),
        ("Bundestag beschließt neues Gesetz gegen Hass im Netz", "de"),
        ("Supreme Court upholds the law that could ban the app", "en"),
    ],
)
@pytest.mark.parametrize("declared", ["", "de", "en-GB", "x-unknown"])
def test_clear_texts_keep_their_language_whatever_is_declared(
    text: str, lang: str, declared: str
) -> None:
    found, probability = detect(text, declared)
    assert found == lang
    assert probability >= 0.6


@pytest.mark.parametrize("text", ["", "Trump", "42 000", "Meta AI", "Trump vs Musk"])
def test_nothing_is_claimed_about_names_alone(text: str) -> None:
    assert detect(text)[0] == "und" or len(text.split()) > 2


def test_a_declared_language_decides_an_unclear_headline() -> None:
    assert detect("Musk vs Zuckerberg in Mar-a-Lago", "de")[0] == "de"
    assert detect("EU fines Meta over data", "en-US")[0] == "en"


def test_a_declared_language_never_decides_a_long_text() -> None:
    assert detect(GERMAN * 20, "en")[0] == "de"
    assert detect(ENGLISH * 20, "de")[0] == "en"


@given(st.text(st.characters(codec=None), max_size=300), st.sampled_from(["", "de", "zz", "-"]))
def test_any_text_has_a_language_and_a_probability(text: str, declared: str) -> None:
    lang, probability = detect(text, declared)
    assert lang == "und" or lang in LANGUAGES
    assert 0.0 <= probability <= 1.0


@pytest.fixture(scope="module")
def untouched() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier


@given(st.text(max_size=300) | st.sampled_from([GERMAN, ENGLISH]))
def test_the_answers_are_those_of_the_library_as_it_comes(
    untouched: LanguageIdentifier, text: str
) -> None:
    assert _identifier().rank(text) == untouched.rank(text)
