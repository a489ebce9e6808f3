"""What holds of detection whatever is watched and whatever is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from streams.enrich import memo
from streams.enrich.entities import LABELS, EntityTagger
from streams.enrich.figures import FigureMatcher
from streams.enrich.lexicon import read_policy
from streams.enrich.pipeline import Enricher
from streams.enrich.policy import PolicyMatcher
from streams.enrich.roles import with_roles
from streams.enrich.text import make_document
from streams.records import Entity, Evidence, Figure, FigureHit, Item, Name
from streams.wire import encode

LEXICON = read_policy(Path(__file__).resolve().parents[2] / "deploy" / "config" / "policy")
POLICY = PolicyMatcher(LEXICON)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def context(surface: str, kind: str = "surname") -> Name:
    return Name(surface=surface, kind="word" if kind == "word" else "surname", strength="context")


FIGURES = (
    Figure(
        figure_id="kern",
        name="Ida Kern",
        kind="person",
        lists=("politics",),
        names=(context("Kern"),),
        titles=("Ministerin", "Chefin"),
        cues=("Hafen", "hafen"),
        blockers=("Kern-Energie",),
        related=("lohse",),
    ),
    Figure(
        figure_id="lohse",
        name="Uwe Lohse",
        kind="person",
        names=(Name(surface="Lohse", kind="surname"),),
        titles=("Chefin", "Hafen"),
        cues=("Ministerin",),
        negative_cues=("Hafen",),
        related=("kern", "lohse", "nobody"),
    ),
    Figure(
        figure_id="kern-ag",
        name="Kern AG",
        kind="organisation",
        lists=("platforms",),
        names=(context("Kern", "word"), Name(surface="KAG", kind="acronym")),
        titles=("Hafen",),
        cues=("Hafen", "App"),
        related=("kern",),
    ),
    Figure(figure_id="ida", name="Ida Kern", kind="person", cues=("Chefin",), blockers=("Kern",)),
    Figure(figure_id="one", name="Q", kind="organisation", names=(context("Q", "word"),)),
)
CHANGED = (
    *(structs.replace(figure, active=False) for figure in FIGURES),
    *(structs.replace(figure, titles=figure.cues, cues=("Hafen", "Q")) for figure in FIGURES),
    *(structs.replace(figure, names=(), negative_cues=figure.titles) for figure in FIGURES),
)
MATCHER = FigureMatcher(FIGURES)

TEXT_WORDS = """
    Ida Kern Kerns Kern-Energie Uwe Lohse Lohses AG KAG KAGs Q Ministerin Chefin Hafen hafen App
    und sagte: „Wir „Nie wieder!“ müssen reden“, so laut dass EU Kommission Gericht sperrt löscht
    verklagt TikTok Meta KI Konto Beiträge Daten Strafe Behörde prüft die nicht , . ? – ("""
WORDS = st.sampled_from([*TEXT_WORDS.split(), "\n"])
TEXTS = st.lists(WORDS, max_size=40).map(" ".join)
LANGS = st.sampled_from(["de", "en", "und"])


def places(hits: Sequence[FigureHit]) -> list[Evidence]:
    return [place for hit in hits for place in hit.mentions]


# --- places -----------------------------------------------------------------------------------


@given(TEXTS, TEXTS, LANGS)
def test_whatever_is_told_stands_where_it_is_said_to_stand(
    title: str, body: str, lang: str
) -> None:
    document = make_document(title, "", body)
    text = document.text
    figures = with_roles(document, lang, MATCHER.find(document, lang))
    topics = POLICY.find(document, lang, figures)
    for place in [*places(figures), *(place for topic in topics for place in topic.evidence)]:
        assert text[place.start : place.end] == place.surface != ""
        assert text.startswith(place.sentence, place.sentence_start)
        assert place.sentence_start <= place.start
        assert place.end <= place.sentence_start + len(place.sentence)
        assert place.field == document.field_at(place.start)
    for quote in (quote for hit in figures for quote in hit.quotes):
        assert text[quote.start : quote.end] == quote.text != ""
        assert quote.speaker in text


# --- watchlists -------------------------------------------------------------------------------


@given(TEXTS, LANGS, st.permutations(FIGURES))
def test_the_order_of_a_watchlist_with_shared_names_and_cues_does_not_matter(
    text: str, lang: str, figures: list[Figure]
) -> None:
    document = make_document("", "", text)
    assert FigureMatcher(figures).find(document, lang) == MATCHER.find(document, lang)


UNRELATED = Figure(
    figure_id="a-first",
    name="Jorinde Kernwasser",
    kind="person",
    names=(Name(surface="Kern Kernwasser", kind="full"),),
    titles=("Hafen Kernwasser",),
    cues=("Ministerin im Ruhestand",),
    negative_cues=("Chefinnen",),
    blockers=("Ida Kern Brunnen",),
    related=("kern",),
)


@given(TEXTS, LANGS)
def test_a_figure_of_whom_nothing_occurs_changes_nothing(text: str, lang: str) -> None:
    document = make_document("", "", text)
    assert FigureMatcher([UNRELATED, *FIGURES]).find(document, lang) == MATCHER.find(document, lang)


EDITS = st.lists(
    st.one_of(
        st.sampled_from([*FIGURES, *CHANGED]).map(lambda figure: (figure.figure_id, figure)),
        st.sampled_from([figure.figure_id for figure in FIGURES]).map(lambda id_: (id_, None)),
    ),
    max_size=20,
)


@given(EDITS, TEXTS, LANGS)
def test_any_edits_equal_a_rebuild(
    edits: list[tuple[str, Figure | None]], text: str, lang: str
) -> None:
    matcher, watched = FigureMatcher(), dict[str, Figure]()
    for figure_id, figure in edits:
        matcher.update(figure_id, figure)
        watched.pop(figure_id, None)
        if figure is not None:
            watched[figure_id] = figure
    rebuilt = FigureMatcher(reversed(watched.values()))
    document = make_document("", "", text)
    assert matcher.version == rebuilt.version
    assert matcher.weigh(document, lang) == rebuilt.weigh(document, lang)
    for figure_id in watched:
        matcher.update(figure_id, None)
    assert matcher.version == FigureMatcher().version
    assert matcher.weigh(document, lang) == ()


def test_of_figures_with_one_id_the_last_is_watched() -> None:
    first, last = FIGURES[0], structs.replace(FIGURES[1], figure_id="kern")
    matcher = FigureMatcher([first, last])
    assert matcher.version == FigureMatcher([last]).version
    hits = matcher.find(make_document("Ida Kern und Uwe Lohse"), "de")
    assert [(hit.figure_id, hit.name) for hit in hits] == [("kern", "Uwe Lohse")]


# --- what was read before ---------------------------------------------------------------------


@settings(max_examples=15)
@given(st.lists(st.tuples(TEXTS, LANGS), min_size=1, max_size=6))
def test_what_was_read_before_does_not_matter(texts: list[tuple[str, str]]) -> None:
    documents = [(make_document("", "", text), lang) for text, lang in texts]
    expected = [POLICY.find(document, lang) for document, lang in documents]
    fresh = PolicyMatcher(LEXICON)
    backwards = [fresh.find(document, lang) for document, lang in reversed(documents)]
    assert backwards[::-1] == expected


def test_forgotten_words_are_learned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    document = make_document("EU verklagt TikTok", "", "Die Behörde sperrt Konten und löscht sie.")
    expected = POLICY.find(document, "de")
    monkeypatch.setattr(memo, "WORDS_KEPT", 2)
    forgetful = PolicyMatcher(LEXICON)
    assert expected
    assert [forgetful.find(document, "de") for _ in range(3)] == [expected] * 3


# --- items ------------------------------------------------------------------------------------


@given(TEXTS, TEXTS, LANGS)
def test_an_item_is_enriched_the_same_in_every_process(title: str, body: str, lang: str) -> None:
    item = Item(
        item_id="i",
        feed_id="f",
        published_at=NOW,
        seen_at=NOW,
        title=title,
        body=body,
        lang=lang,
    )
    one = Enricher(MATCHER, POLICY, EntityTagger({}))
    other = Enricher(FigureMatcher(reversed(FIGURES)), POLICY, EntityTagger({}))
    assert encode(one.enrich(item, NOW)) == encode(one.enrich(item, NOW))
    assert encode(one.enrich(item, NOW)) == encode(other.enrich(item, NOW))


@given(TEXTS, LANGS, st.data())
def test_figures_and_entities_may_be_given_or_not(
    text: str, lang: str, data: st.DataObject
) -> None:
    document = make_document("", "", text)
    figures = MATCHER.find(document, lang)
    spans = st.tuples(st.integers(0, len(document.text)), st.integers(0, len(document.text)))
    entities = [
        Entity(text=document.text[low:high], label=label, start=low, end=high)
        for (low, high), label in data.draw(
            st.lists(
                st.tuples(
                    spans.map(lambda span: (min(span), max(span))),
                    st.sampled_from(sorted(set(LABELS.values()))),
                ),
                max_size=4,
            )
        )
        if low < high
    ]
    fresh = FigureMatcher(FIGURES).find(document, lang)
    for given_figures in ((), figures):
        for given_entities in ((), entities):
            POLICY.find(document, lang, given_figures, given_entities)
    found = POLICY.find(document, lang, figures, entities)
    assert POLICY.find(document, lang, fresh, entities) == found
    for place in (place for topic in found for place in topic.evidence):
        assert document.text[place.start : place.end] == place.surface
