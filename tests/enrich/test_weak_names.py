"""Whose a name is that many bear, or that is an ordinary word: the starter watchlist on headlines."""

from pathlib import Path

import pytest

from streams.enrich.figures import FigureMatcher
from streams.enrich.text import make_document
from streams.enrich.watchlist import read_watchlist

STARTER = Path(__file__).parents[2] / "deploy" / "config" / "watchlist.yaml"
MATCHER = FigureMatcher(read_watchlist(STARTER))


def alerts(title: str, summary: str = "", lang: str = "de") -> set[str]:
    """Ids of the figures that alert."""
    hits = MATCHER.find(make_document(title, summary, ""), lang)
    return {hit.figure_id for hit in hits if hit.level == "alert"}


def reasons(title: str, summary: str = "", lang: str = "de") -> set[str]:
    """Rules that spoke about any name, however little it weighs."""
    weighed = MATCHER.weigh(make_document(title, summary, ""), lang)
    return {reason.rule for each in weighed for reason in each.reasons}


@pytest.mark.parametrize(
    ("lang", "title", "summary", "figures"),
    [
        ("de", "Johnson schlägt zurück", "Der frühere Premierminister nennt es Unsinn.", "boris-johnson"),
        ("en", "Johnson hits back", "The former prime minister called it absurd.", "boris-johnson"),
        ("de", "Mundt rügt Portale", "Kartellamtspräsident: 30 sind geprüft.", "andreas-mundt bundeskartellamt"),
        ("de", "Huang dämpft Erwartungen", "Exporte kosten den Chipkonzern Milliarden.", "jensen-huang"),
        ("de", "J. Huang, S. Nadella auf einer Bühne", "", "jensen-huang satya-nadella"),
        ("de", "Johnson wirft Speer auf 84 Meter", "", ""),
    ],
)  # fmt: skip
def test_a_surname_is_whose_the_item_speaks_of(
    lang: str, title: str, summary: str, figures: str
) -> None:
    assert alerts(title, summary, lang) == set(figures.split())


@pytest.mark.parametrize(
    ("lang", "title", "figures"),
    [
        ("en", "Apple: no plans to leave", "apple"),
        ("en", "Meta: why one word means so many things", ""),
        ("en", "Meta policy chief resigns", "meta"),
        ("en", "Apple in a pie", ""),
        ("de", "Ex-Apple-Designer gründet Firma", "apple"),
        ("de", "Amazon-Streik in Bad Hersfeld", "amazon"),
        ("en", "Apple Loses Court Fight", "apple"),
        ("en", "Apple in talks to buy a studio", "apple"),
        ("de", "Meta unter Druck", "meta"),
        ("en", "Can Apple catch up?", "apple"),
        ("en", "The Amazon is drying out", ""),
        ("en", "Deep in the Amazon, a doctor", ""),
        ("de", "Apple Watch rettet Wanderin", "apple"),
        ("und", "Die Polizei warnt vor Amazon", "amazon"),
        ("und", "Apple Amazon Meta Signal", ""),
    ],
)
def test_a_word_is_a_name_where_a_company_acts_or_is_spoken_of(
    lang: str, title: str, figures: str
) -> None:
    assert alerts(title, lang=lang) == set(figures.split())


@pytest.mark.parametrize(
    ("lang", "title", "summary"),
    [
        ("en", "Fiona Apple turns to the court", "Apple has filed briefs."),
        ("en", "Malcolm Meta sues", "Meta wins."),
        ("en", "Charity Commission warns trustees", "Commission says EU records are missing."),
        ("de", "Ethik-Kommission rät zu Auflagen", "Die Kommission empfiehlt Strenge."),
        ("de", "Ständige Kommission für Impfungen", ""),
        ("de", "Merz gewinnt", "Für Tobias Merz ist es der erste Preis."),
        ("de", "Der Heimatmaler Alwis Starmer", "Starmers Bilder hängen im Saal."),
    ],
)
def test_somebody_else_bears_the_name(lang: str, title: str, summary: str) -> None:
    assert alerts(title, summary, lang) == set()


def test_a_relative_named_later_does_not_take_the_name_of_a_politician() -> None:
    assert alerts("Macron klagt", "Der Präsident stellt sich vor Brigitte Macron.") == {
        "emmanuel-macron"
    }


@pytest.mark.parametrize(
    ("title", "summary"),
    [
        ("Wildbergers Klaviersonate entdeckt", ""),
        ("Altman-Retrospektive im Kino", ""),
        ("Virkkunen hält", "Der Torwart parierte 38 Schüsse."),
        ("Wissing heißt der neue Bischof", ""),
        ("Merz verlängert", "Der Stürmer bleibt bis 2028."),
        ("Iglus von Merz", "Museum, Oper und Orchester ehren den Bildhauer."),
        ("Bürgermeister Merz tritt ab", ""),
    ],
)
def test_another_field_is_another_person(title: str, summary: str) -> None:
    assert alerts(title, summary) == set()


@pytest.mark.parametrize(
    ("lang", "title", "figure"),
    [
        ("de", "Merz lobt Museum und Oper in Dresden", "friedrich-merz"),
        ("en", "Trump congratulates the quarterback", "donald-trump"),
        ("en", "Zelensky, the comedian who became a leader", "volodymyr-zelenskyy"),
        ("en", "Musk to play himself in an opera", "elon-musk"),
        ("de", "Musk in der Oper: Milliardär im Museum", "elon-musk"),
        ("en", "Macron and Merz at the opera and the museum", "emmanuel-macron"),
    ],
)
def test_who_leads_a_country_may_visit_a_museum(lang: str, title: str, figure: str) -> None:
    assert figure in alerts(title, lang=lang)


def test_reasons_are_told() -> None:
    assert "own title alone" in reasons(
        "Johnson hits back", "The former prime minister lied.", "en"
    )
    assert "another body" in reasons("Harbour Commission warns", lang="en")
    assert "somebody else later, strong" in reasons(
        "Merz siegt", "Es ist der erste für Tobias Merz."
    )
