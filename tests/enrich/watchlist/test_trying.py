"""A watchlist tried on sentences: who is found, and why others are not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.watchlist import read_watchlist
from streams.enrich.watchlist.trying import Trial
from streams.records import Figure, Name

STARTER = Path(__file__).parents[3] / "deploy" / "config" / "watchlist.yaml"
FIGURES = (
    Figure(
        figure_id="brandt",
        name="Nina Brandt",
        kind="person",
        names=(
            Name(surface="Brandt", kind="surname"),
            Name(surface="N. Brandt", kind="initial", strength="never"),
        ),
        negative_cues=("Feuerwehr",),
        blockers=("Brandt Zwieback",),
    ),
    Figure(
        figure_id="delta",
        name="Delta Networks",
        kind="organisation",
        names=(Name(surface="Delta", kind="word", strength="context"),),
        titles=("Netzfirma",),
        cues=("Router", "Glasfaser", "Kabel", "Funk"),
    ),
    Figure(figure_id="haus", name="Brandt Haus AG", kind="organisation"),
    Figure(figure_id="alt", name="Zorvex AG", kind="organisation", active=False),
)
TRIAL = Trial(FIGURES)


def why(text: str) -> dict[str, str]:
    return {each.figure_id: each.why for each in TRIAL.on(text, "de").not_counted}


def test_who_is_found_is_found_as_in_the_stream():
    tried = TRIAL.on("Nina Brandt lobt Router von Delta.", "de")
    assert {hit.figure_id: hit.level for hit in tried.figures} == {
        "brandt": "alert",
        "delta": "alert",
    }
    assert tried.not_counted == ()
    assert tried.lang == "de"
    assert tried.figures[0].reasons


@pytest.mark.parametrize(
    ("text", "figure_id", "reason"),
    [
        (
            "Jürgen Brandt gewann den Lauf.",
            "brandt",
            "against it than for it (with somebody else's given name: Jürgen",
        ),
        (
            "Die Firma Brandt Zwieback wächst.",
            "brandt",
            "part of 'Brandt Zwieback', a blocker of brandt",
        ),
        ("Die Brandt Haus AG baut.", "brandt", "part of 'Brandt Haus AG', a name of haus"),
        ("Das brandt hier nicht.", "brandt", "without the capitals of 'Brandt'"),
        (
            "Die Feuerwehr löscht in Brandt.",
            "brandt",
            "against it than for it (a word nearby speaks against it: Feuerwehr",
        ),
        ("Das zeichnete N. Brandt.", "brandt", "the name 'N. Brandt' is switched off"),
        (
            "Am Delta nisten Reiher.",
            "delta",
            "it needs more support, such as the full name 'Delta Networks' elsewhere",
        ),
        ("Am Delta nisten Reiher.", "delta", "a title ('Netzfirma') before it"),
        ("Am Delta nisten Reiher.", "delta", "a cue ('Router', 'Glasfaser', 'Kabel', …)"),
        ("Zorvex AG meldet Verluste.", "alt", "the figure is switched off"),
    ],
)
def test_why_a_name_does_not_count(text, figure_id, reason):
    assert reason in why(text)[figure_id]


@pytest.mark.parametrize(
    "text",
    [
        "Nina Brandt spricht.",
        "Nichts davon steht hier.",
        "",
        "Delta Networks wächst; Delta stellt ein.",
    ],
)
def test_what_counts_is_not_told_again(text):
    assert why(text) == {}


def test_places_are_offsets_into_the_text():
    tried = TRIAL.on("Jürgen <b>Brandt</b> am  Delta", "de")
    for each in tried.not_counted:
        assert tried.text[each.start : each.end] == each.surface
    assert [each.surface for each in tried.not_counted] == ["Brandt", "Delta"]


WORDS = (
    "Nina",
    "Jürgen",
    "Brandt",
    "brandt",
    "Delta",
    "Router",
    "Zwieback",
    "Haus",
    "AG",
    ".",
    "-",
)


@given(st.lists(st.sampled_from(WORDS)))
def test_a_place_is_counted_or_not_but_never_both(words):
    tried = TRIAL.on(" ".join(words), "de")
    counted = {(hit.figure_id, place.start) for hit in tried.figures for place in hit.mentions}
    assert not counted & {(each.figure_id, each.start) for each in tried.not_counted}
    assert all(each.why for each in tried.not_counted)


def test_the_starter_watchlist_explains_itself():
    trial = Trial(read_watchlist(STARTER))
    tried = trial.on("Melania Trump was there; Apple Pie was served.", "en")
    assert tried.figures == ()
    assert {each.figure_id for each in tried.not_counted} == {"donald-trump", "apple"}


SENTENCES = Path(__file__).parents[3].parent / "shared" / "data" / "watchlist" / "tests.jsonl"


@pytest.mark.skipif(not SENTENCES.exists(), reason="the sentences lie beside the project only")
def test_tricky_sentences_all_have_an_explanation():
    trial = Trial(read_watchlist(STARTER))
    for line in SENTENCES.read_text("utf-8").splitlines():
        for each in trial.on(json.loads(line)["text"]).not_counted:
            assert each.why
