"""Which part a figure plays in an item."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.enrich.roles import QUOTES_KEPT, with_roles
from streams.enrich.text import Document, make_document
from streams.records import FigureHit
from tests.enrich.part_examples import FROZEN, MATCHER, TUNED


def cast(document: Document, lang: str) -> dict[str, FigureHit]:
    hits = with_roles(document, lang, MATCHER.find(document, lang))
    return {hit.figure_id: hit for hit in hits}


def roles(text: str, lang: str = "de", title: str = "") -> dict[str, str]:
    return {name: hit.role for name, hit in cast(make_document(title, "", text), lang).items()}


@pytest.mark.parametrize("case", TUNED, ids=lambda case: case.text[:50])
def test_table(case):
    found = cast(case.document, case.lang)
    assert {name: found[name].role for name in case.roles} == case.roles


@pytest.mark.parametrize("lang", ["de", "en"])
def test_sentences_that_were_never_tuned_for(lang):
    """54 of 55 German and 52 of 55 English roles were right when this was written."""
    right = total = 0
    for case in FROZEN:
        if case.lang == lang:
            found = cast(case.document, lang)
            right += sum(found[name].role == role for name, role in case.roles.items())
            total += len(case.roles)
    assert right / total >= 0.93


# --- the strongest counts -----------------------------------------------------------------------


def test_the_strongest_mention_counts():
    text = "Anders als Frenz schweigt Maas. Die Kritik an Frenz wächst. Frenz reist ab."
    assert roles(text)["Frenz"] == "subject"
    assert roles(f"{text} Frenz sagte, er komme wieder.")["Frenz"] == "speaker"


def test_figures_are_told_apart():
    text = "„Brandt hat uns alle im Stich gelassen“, sagte Reuter über den Plan von Maas."
    assert roles(text) == {"Brandt": "object", "Reuter": "speaker", "Maas": "object"}


def test_a_spokesman_speaks_for_an_organisation_and_not_for_a_person():
    said = "„Dazu äußern wir uns grundsätzlich nicht.“"
    assert roles(f"Ein Sprecher von Veltron sagte: {said}") == {"Veltron": "speaker"}
    assert roles(f"Eine Veltron-Sprecherin sagte: {said}") == {"Veltron": "speaker"}
    assert roles(f"Ein Sprecher von Frenz sagte: {said}") == {"Frenz": "object"}
    assert roles(f"Der Veltron-Chef sagte: {said}") == {"Veltron": "passing"}


def test_a_headline_with_an_organisation_names_the_topic():
    assert roles("", title="Frenz: Wir müssen reden") == {"Frenz": "speaker"}
    assert roles("", title="Veltron: Dienst soll teurer werden") == {"Veltron": "subject"}


def test_the_last_sentence_of_a_long_item_is_an_afterthought():
    filler = "Das Wetter bleibt in den kommenden Tagen recht freundlich. "
    assert roles(f"{filler * 3}Frenz reist ab.") == {"Frenz": "subject"}
    assert roles(f"{filler * 20}Frenz reist ab.") == {"Frenz": "passing"}


def test_a_caption_is_only_its_own_block():
    assert roles("Frenz reist ab.\n\nFoto: Nina Brandt")["Frenz"] == "subject"
    assert roles("Frenz reist ab.\n\nFoto: Nina Brandt")["Brandt"] == "passing"


@pytest.mark.parametrize(
    ("lang", "text", "role"),
    [
        ("de", "Die Anti-Frenz-Proteste gehen weiter.", "passing"),
        ("de", "Maas, der Frenz nach der Wahl gratulierte, schweigt.", "object"),
        ("de", "Die Frist endete, als Frenz noch im Urlaub war.", "subject"),
        ("de", "Zum Ausschuss gehören Maas, Reuter, Frenz und Brandt.", "passing"),
        ("de", "Dies bemerkte Nordwerks stellvertretender Leiter Karl Frenz.", "subject"),
        ("de", "Den Preis bekam Frenz.", "subject"),
        ("de", "Warum sollte Frenz zurücktreten?", "subject"),
        ("de", "Für den Umbau der Behörde ist Frenz zuständig.", "subject"),
        ("de", "Die Entscheidung von Frenz wurde erwartet.", "object"),
        ("en", "Hale wrote a book about Hartley.", "object"),
        ("en", "The minister Hartley appointed has resigned.", "subject"),
        ("en", "Hartley, along with two aides, left the hall.", "subject"),
        ("en", "The award went to Hale, Moss and Hartley.", "passing"),
        ("en", "Why did Hartley resign?", "subject"),
        ("en", "It was a bad day for Hartley's party.", "object"),
    ],
)  # fmt: skip
def test_places_in_a_clause(lang, text, role):
    found = roles(text, lang)
    assert (found.get("Frenz") or found["Hartley"]) == role


# --- the quotes ---------------------------------------------------------------------------------


def test_at_most_three_quotes_direct_speech_first():
    direct = [f"„Das ist der Satz mit der Nummer {n}.“" for n in range(5)]
    text = "Frenz sagte, er habe Zeit.\n\n" + "\n\n".join(f"Frenz sagte: {q}" for q in direct)
    quotes = cast(make_document("", "", text), "de")["Frenz"].quotes
    assert [quote.text for quote in quotes] == [q[1:-1] for q in direct[:QUOTES_KEPT]]
    assert {quote.kind for quote in quotes} == {"direct"}
    assert [quote.speaker for quote in quotes] == ["Frenz"] * QUOTES_KEPT


def test_the_speaker_is_told_as_it_stands_there():
    document = make_document(
        "", "", "„Wir haben sehr lange gewartet“, sagte Veltron-Chef Karl Frenz."
    )
    (quote,) = cast(document, "de")["Frenz"].quotes
    assert quote.speaker == "Veltron-Chef Karl Frenz"
    assert document.text[quote.start : quote.end] == quote.text == "Wir haben sehr lange gewartet"


def test_nothing_found_is_nothing_done():
    assert with_roles(make_document("Ein Titel"), "de", ()) == ()


def test_a_hit_without_mentions_stays_as_it_is():
    hit = FigureHit(figure_id="x", name="X", confidence=0.5, level="possible", mentions=())
    assert with_roles(make_document("Ein Titel"), "de", (hit,)) == (hit,)


# --- laws ---------------------------------------------------------------------------------------

PIECE_WORDS = """
    Brandt Frenz Frenz’ Veltron Veltrons Nordwerk Nina „ “ " ' ( ) , . : ! – - und and von by der
    die the sagte said hat wird geplant wurde gegen in laut wie als who dass that Foto: will says
    Sprecher spokesman told er she Montag heute Wir müssen reden jetzt we must talk now"""
PIECES = st.sampled_from(PIECE_WORDS.split())
TEXTS = st.lists(
    st.one_of(PIECES, PIECES, st.sampled_from(["\n", "\n\n"]), st.text(max_size=5)), max_size=60
).map(" ".join)


@settings(max_examples=400)
@given(TEXTS, TEXTS, st.sampled_from(["de", "en", "und"]))
def test_every_hit_has_a_role_and_its_quotes_stand_in_the_text(title, body, lang):
    document = make_document(title, "", body)
    before = MATCHER.find(document, lang)
    after = with_roles(document, lang, before)
    assert [hit.figure_id for hit in after] == [hit.figure_id for hit in before]
    for hit in after:
        assert hit.role in ("speaker", "subject", "object", "passing")
        assert (hit.role == "speaker") == bool(hit.quotes)
        assert len(hit.quotes) <= QUOTES_KEPT
        for quote in hit.quotes:
            assert document.text[quote.start : quote.end] == quote.text
            assert quote.speaker in document.text


@settings(max_examples=100)
@given(TEXTS)
def test_the_same_text_gives_the_same_roles(body):
    document, again = make_document("", "", body), make_document("", "", body)
    assert cast(document, "de") == cast(again, "de")
