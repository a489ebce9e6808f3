"""Which watched figures are found in a text, how surely, and why."""

import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.enrich.figures import ALERT, POSSIBLE, FigureMatcher
from streams.enrich.text import make_document
from streams.enrich.watchlist import read_watchlist
from streams.records import Figure, FigureHit, Name

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
STARTER = ROOT / "deploy" / "config" / "watchlist.yaml"


def weak(surface: str, kind: str = "surname") -> Name:
    return msgspec.convert({"surface": surface, "kind": kind, "strength": "context"}, Name)


BRANDT = Figure(
    figure_id="brandt",
    name="Nina Brandt",
    kind="person",
    qid="Q1",
    lists=("politics",),
    names=(Name(surface="Brandt", kind="surname"),),
    titles=("Digitalministerin",),
    negative_cues=("Feuerwehr",),
    blockers=("Brandt Zwieback",),
)
VOGEL = Figure(
    figure_id="vogel",
    name="Tom Vogel",
    kind="person",
    names=(weak("Vogel"),),
    titles=("Behördenchef", "agency head"),
    cues=("Funkaufsicht", "spectrum", "Sendelizenz"),
    related=("brandt",),
)
BERG = Figure(
    figure_id="berg",
    name="Eva van den Berg",
    kind="person",
    names=(Name(surface="van den Berg", kind="surname"),),
)
DELTA = Figure(
    figure_id="delta",
    name="Delta Networks",
    kind="organisation",
    names=(weak("Delta", "word"),),
    cues=("Router", "router", "Glasfaser"),
    negative_cues=("Donau", "river"),
    blockers=("Delta-Variante",),
    related=("vogel",),
)
ORBIT = Figure(
    figure_id="orbit",
    name="Oriental Basic Institute",
    kind="organisation",
    names=(Name(surface="OBI", kind="acronym"), Name(surface="obinews", kind="handle")),
)
FIGURES = (BRANDT, VOGEL, BERG, DELTA, ORBIT)
MATCHER = FigureMatcher(FIGURES)


def find(text: str, lang: str = "de", matcher: FigureMatcher = MATCHER) -> dict[str, FigureHit]:
    return {hit.figure_id: hit for hit in matcher.find(make_document("", "", text), lang)}


def levels(text: str, lang: str = "de", matcher: FigureMatcher = MATCHER) -> dict[str, str]:
    return {figure_id: hit.level for figure_id, hit in find(text, lang, matcher).items()}


ALERT_BRANDT = {"brandt": "alert"}


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        # Kinds of names.
        ("de", "Gestern trat Nina Brandt zurück.", ALERT_BRANDT),
        ("en", "Nina Brandt resigned yesterday.", ALERT_BRANDT),
        ("de", "Dann sprach Brandt über Zölle.", ALERT_BRANDT),
        ("de", "Unterzeichnet von N. Brandt und anderen.", ALERT_BRANDT),
        ("de", "Auf der Liste steht Brandt, Nina ganz oben.", ALERT_BRANDT),
        ("de", "Der OBI-Bericht liegt vor.", {"orbit": "alert"}),
        ("de", "Die obi ist klein geschrieben.", {}),
        ("en", "As @obinews reported, talks failed.", {"orbit": "alert"}),
        ("de", "Mit v. d. Berg sprach niemand.", {"berg": "alert"}),
        ("de", "Van den Berg widersprach.", {"berg": "alert"}),
        # Weak names need support.
        ("de", "Der Vogel singt.", {}),
        ("de", "Vogel wollte sich nicht äußern.", {"vogel": "possible"}),
        ("de", "Behördenchef Vogel äußerte sich nicht.", {"vogel": "alert"}),
        ("en", "The agency head Vogel declined to comment.", {"vogel": "alert"}),
        ("de", "Herr Vogel äußerte sich nicht.", {"vogel": "possible"}),
        ("de", "Die Funkaufsicht rügt: Vogel schweigt.", {"vogel": "alert"}),
        ("en", "Vogel opposes the auction of spectrum.", {"vogel": "alert"}),
        ("de", "Laut T. Vogel ist nichts entschieden.", {"vogel": "possible"}),
        ("de", "Nina Brandt traf Vogel.", {"brandt": "alert", "vogel": "possible"}),
        # The full name elsewhere.
        ("de", "Tom Vogel kam spät. Vogel ging früh.", {"vogel": "alert"}),
        ("de", "Vogel tritt ab. Das teilte Tom Vogel mit.", {"vogel": "alert"}),
        ("en", "Delta Networks grew; Delta hired staff.", {"delta": "alert"}),
        # Somebody else of that name.
        ("de", "Jürgen Brandt gewann den Marathon.", {}),
        ("en", "Kevin Brandt won the marathon.", {}),
        ("en", "The prize went to Zofirela Brandt at noon.", {"brandt": "possible"}),
        ("en", "The prize went to the Laureate Brandt at noon.", ALERT_BRANDT),
        ("de", "J. Brandt gewann den Marathon.", {}),
        ("de", "Jürgen Brandt lief an. Brandt gewann.", {"brandt": "possible"}),
        ("de", "Nina Brandt Jr. eröffnet ein Lokal.", {}),
        ("de", "Die Firma Brandt Zwieback meldet Umsatz.", {}),
        ("de", "Gutachterin Müller-Brandt warnt.", {}),
        ("de", "Nina und Jürgen Brandt kamen gemeinsam.", ALERT_BRANDT),
        ("en", "Nina K. Brandt spoke.", ALERT_BRANDT),
        # Beside the name.
        ("de", "Die Feuerwehr löschte in Brandt einen Stall.", {}),
        ("de", "Die Brandts sind verreist.", {"brandt": "possible"}),
        ("en", "The Brandts are away.", {"brandt": "possible"}),
        ("de", "Das brandt-neue Gerät.", {}),
        ("en", "BRANDT QUITS", ALERT_BRANDT),
        # Organisations with an ordinary name.
        ("de", "Die Delta-Variante breitet sich aus.", {}),
        ("de", "Am Delta nisten Reiher.", {}),
        ("de", "Der Delta-Chef kündigt Stellenabbau an.", {"delta": "alert"}),
        ("en", "Delta's chief executive stepped down.", {"delta": "alert"}),
        ("en", "Delta shares fell.", {"delta": "alert"}),
        ("de", "Delta liefert neue Router.", {"delta": "alert"}),
        ("en", "Officials spoke with Delta about prices.", {"delta": "alert"}),
        ("en", "The river reached the Delta.", {}),
    ],
)
def test_level(lang, text, expected):
    assert levels(text, lang) == expected


def test_a_guess_of_the_language_does_not_lose_a_name():
    for lang in ("de", "en", "fr", "und"):
        assert levels("Nina Brandt und Behördenchef Vogel", lang) == {
            "brandt": "alert",
            "vogel": "alert",
        }


@pytest.mark.parametrize(
    ("text", "surface", "inflection", "compound"),
    [
        ("Brandts Plan", "Brandt", "s", ""),
        ("Brandt’s plan", "Brandt", "’s", ""),
        ("Das Brandt-Lager", "Brandt", "", "head"),
        ("Brandt- und Berg-Anhänger", "Brandt", "", "head"),
        ("Anti-Brandt-Proteste", "Brandt", "", "head"),
        ("Die Anti-Brandt", "Brandt", "", "tail"),
        ("Nina-Brandt-Straße", "Nina-Brandt", "", "head"),
        ("Nina Brandts Plan", "Nina Brandt", "s", ""),
        ("NINA BRANDTS PLAN", "NINA BRANDT", "S", ""),
    ],
)
def test_endings_and_compounds_stay_outside_the_span(text, surface, inflection, compound):
    (mention,) = find(text)["brandt"].mentions
    assert (mention.surface, mention.inflection, mention.compound) == (
        surface,
        inflection,
        compound,
    )


@pytest.mark.parametrize(
    ("text", "rule", "detail", "weight"),
    [
        ("Nina Brandt sprach.", "full strong", "Nina Brandt", 3.0),
        ("N. Brandt sprach.", "initial strong", "N. Brandt (generated:initial)", 1.8),
        ("Digitalministerin Brandt sprach.", "own title", "Digitalministerin", 2.0),
        ("Senatorin Brandt sprach.", "title", "Senatorin", 1.0),
        ("Tom Vogel und Vogel.", "full strong", "Tom Vogel", 3.0),
        ("Der Delta-Vorstand tagt.", "role", "Delta-Vorstand", 2.0),
        ("Delta baut Router und Glasfaser.", "cue near", "Router, Glasfaser", 2.5),
        ("Nina Brandt und Tom Vogel.", "related figure", "brandt", 1.2),
    ],
)
def test_reasons_say_what_counted(text, rule, detail, weight):
    reasons = [reason for hit in find(text).values() for reason in hit.reasons]
    assert (rule, detail, weight) in [(r.rule, r.detail, r.weight) for r in reasons]


def test_confidence_is_the_logistic_of_the_reasons():
    hit = find("Dann sprach Brandt.")["brandt"]
    assert [reason.weight for reason in hit.reasons] == [1.5]
    assert hit.confidence == 0.8176


def test_a_distant_cue_weighs_less():
    filler = "und dann geschah lange Zeit nichts, was der Rede wert gewesen wäre, " * 3
    assert levels(f"Vogel schwieg {filler} bis die Funkaufsicht kam.") == {"vogel": "possible"}


def test_the_nearest_full_name_decides_whose_surname_it_is():
    text = "Nina Brandt traf Jürgen Brandt. Brandt lachte. Später kam Nina Brandt. Brandt ging."
    hit = find(text, "de", FigureMatcher([msgspec.structs.replace(BRANDT, names=())]))["brandt"]
    assert [text[m.start : m.end] for m in hit.mentions] == [
        "Nina Brandt",
        "Nina Brandt",
        "Brandt",
    ]


def test_hits_carry_the_figure_and_come_by_first_mention():
    document = make_document("Delta Networks verliert", "", "Dann sprach Brandt mit Tom Vogel.")
    hits = MATCHER.find(document, "de")
    assert [hit.figure_id for hit in hits] == ["delta", "brandt", "vogel"]
    assert [hit.in_title for hit in hits] == [True, False, False]
    assert (hits[1].name, hits[1].qid, hits[1].lists) == ("Nina Brandt", "Q1", ("politics",))
    (mention,) = hits[1].mentions
    assert (mention.field, mention.rule, mention.detail) == ("body", "surname", "Brandt")
    assert mention.sentence == "Dann sprach Brandt mit Tom Vogel."


def test_figures_of_the_same_name_are_both_found():
    other = Figure(figure_id="other", name="Nina Brandt", kind="person")
    assert levels("Nina Brandt sprach.", matcher=FigureMatcher([other, BRANDT])) == {
        "brandt": "alert",
        "other": "alert",
    }


def test_a_never_name_and_an_inactive_figure_are_not_looked_for():
    never = Name(surface="Brandt", kind="surname", strength="never")
    quiet = msgspec.structs.replace(BRANDT, names=(never,))
    assert levels("Brandt sprach.", matcher=FigureMatcher([quiet])) == {}
    assert levels("Nina Brandt sprach.", matcher=FigureMatcher([quiet])) == ALERT_BRANDT
    asleep = msgspec.structs.replace(BRANDT, active=False)
    assert levels("Nina Brandt sprach.", matcher=FigureMatcher([asleep])) == {}


def test_any_case_finds_small_letters():
    loud = Figure(
        figure_id="loud",
        name="Nordwind AG",
        kind="organisation",
        names=(Name(surface="Nordwind", kind="word", case="any"),),
    )
    assert levels("nordwind wächst.", matcher=FigureMatcher([loud])) == {"loud": "alert"}


def test_editing_in_place():
    matcher = FigureMatcher([BRANDT])
    before = matcher.version
    matcher.update("berg", BERG)
    assert levels("Eva van den Berg", matcher=matcher) == {"berg": "alert"}
    matcher.update("berg", msgspec.structs.replace(BERG, name="Ida van den Berg", names=()))
    assert levels("Eva Ida van den Berg", matcher=matcher) == {"berg": "alert"}
    assert levels("Eva van den Berg", matcher=matcher) == {}
    matcher.update("berg", None)
    matcher.update("nobody", None)
    assert levels("Ida van den Berg", matcher=matcher) == {}
    assert matcher.version == before


def test_an_unusable_figure_harms_nobody():
    odd = Figure(figure_id="odd", name="", kind="person", cues=("", "–"), blockers=("(?)",))
    assert levels("Nina Brandt – (?)", matcher=FigureMatcher([odd, BRANDT])) == ALERT_BRANDT


def test_a_hostile_text_takes_linear_time():
    text = "Brandt-Vogel, J. " * 20_000
    assert "brandt" in find(text)


# --- laws -------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *("Nina", "Brandt", "Brandts", "BRANDT", "Tom", "Vogel", "Vogels", "Eva", "van den Berg"),
        *("Delta", "Delta Networks", "Delta-Variante", "OBI", "OBIs", "Jürgen", "J.", "N."),
        *("Behördenchef", "Funkaufsicht", "Router", "Feuerwehr", "die", "und", "Jr.", "sprach"),
    ]
)
GAPS = st.sampled_from([" ", " ", " ", "-", ". ", ", ", "\n", "’s ", "’ ", " – ", "\u00a0"])
TEXTS = st.lists(st.tuples(PIECES, GAPS), max_size=25).map(
    lambda parts: "".join(piece + gap for piece, gap in parts)
)
LANGS = st.sampled_from(["de", "en", "und"])


@given(TEXTS, TEXTS, LANGS)
def test_every_mention_is_a_slice_of_the_text(title, body, lang):
    document = make_document(title, "", body)
    for hit in MATCHER.find(document, lang):
        assert hit.confidence >= POSSIBLE
        assert hit.level == ("alert" if hit.confidence >= ALERT else "possible")
        for mention in hit.mentions:
            start = mention.start - mention.sentence_start
            assert document.text[mention.start : mention.end] == mention.surface
            assert mention.sentence[start:][: len(mention.surface)] == mention.surface
            assert document.text.startswith(mention.inflection, mention.end)
            assert document.field_at(mention.start) == mention.field


@given(TEXTS, LANGS, st.permutations(FIGURES))
def test_the_order_of_figures_does_not_matter(text, lang, figures):
    shuffled = FigureMatcher(figures)
    assert shuffled.version == MATCHER.version
    assert find(text, lang, shuffled) == find(text, lang)


@given(TEXTS, LANGS, st.sampled_from(FIGURES))
def test_adding_and_removing_a_figure_restores_the_result(text, lang, figure):
    matcher = FigureMatcher([other for other in FIGURES if other != figure])
    before, version = find(text, lang, matcher), matcher.version
    matcher.update(figure.figure_id, figure)
    assert find(text, lang, matcher) == find(text, lang)
    matcher.update(figure.figure_id, None)
    assert find(text, lang, matcher) == before
    assert matcher.version == version


@settings(max_examples=50)
@given(st.text(max_size=40), st.text(max_size=20), st.lists(st.text(max_size=12), max_size=3))
def test_no_text_and_no_figure_is_too_odd(text, name, phrases):
    names = tuple(Name(surface=phrase, kind="surname") for phrase in phrases)
    figure = Figure(
        figure_id="odd", name=name, kind="person", names=names, titles=tuple(phrases), cues=(name,)
    )
    find(f"{text} {name} {text}", matcher=FigureMatcher([figure]))


# --- real texts, where they are at hand -------------------------------------------------------

LETTERS = {
    "T": "donald-trump",
    "Z": "mark-zuckerberg",
    "M": "elon-musk",
    "F": "friedrich-merz",
    "B": "boris-johnson",
    "S": "volodymyr-zelenskyy",
    "L": "ursula-von-der-leyen",
    "P": "meta",
    "A": "apple",
}


def solved(case: dict[str, object], matcher: FigureMatcher) -> bool:
    hits = find(str(case["text"]), str(case["lang"]), matcher)
    expected, counts = case["exp"], case.get("n", {})
    assert isinstance(expected, dict)
    assert isinstance(counts, dict)
    for letter, figure_id in LETTERS.items():
        hit, wanted = hits.get(figure_id), expected.get(letter, "none")
        level = hit.level if hit else "none"
        if level not in wanted.split("_or_"):
            return False
        if hit and len(hit.mentions) != counts.get(letter, len(hit.mentions)):
            return False
    return True


def test_tricky_sentences():
    """Floor of what was measured (40 of 40) on sentences that are measured on, never trained on."""
    path = SHARED / "watchlist" / "tests.jsonl"
    if not path.exists():
        pytest.skip("the tricky sentences are not beside this checkout")
    figures = [f for f in read_watchlist(STARTER) if f.figure_id in LETTERS.values()]
    random.Random(0).shuffle(figures)
    matcher = FigureMatcher(figures)
    cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    failed = [case["id"] for case in cases if not solved(case, matcher)]
    assert len(failed) <= 2, failed


def test_reference_article():
    path = SHARED / "seed" / "zuckerberg-trump-ki-berater.de.txt"
    if not path.exists():
        pytest.skip("the reference article is not beside this checkout")
    text = path.read_text("utf-8")
    hits = find(text, "de", FigureMatcher(read_watchlist(STARTER)))
    for figure_id, surname in [
        ("mark-zuckerberg", "Zuckerberg"),
        ("donald-trump", "Trump"),
        ("elon-musk", "Musk"),
        ("nick-clegg", "Clegg"),
        ("stephen-miller", "Miller"),
        ("meta", "Meta"),
    ]:
        assert hits[figure_id].level == "alert"
        assert len(hits[figure_id].mentions) == text.count(surname), figure_id
    assert len(hits) == 6
