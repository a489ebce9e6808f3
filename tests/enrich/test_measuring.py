"""Detection on labelled items: what it is told, and what it is not."""

from __future__ import annotations

from collections.abc import Mapping

from streams.enrich.figures import FigureMatcher
from streams.enrich.gold import GoldItem
from streams.enrich.lexicon import PolicyLexicon, Terms, Topic
from streams.enrich.measuring import (
    examine_figures,
    examine_language,
    feed_languages,
    why_no_figure,
    why_no_topic,
)
from streams.enrich.policy import Judgement, PolicyMatcher
from streams.enrich.text import Document
from streams.enrich.watchlist.trying import Trial
from streams.records import Figure, Name

GERMAN = "Die Stadt will im kommenden Jahr drei Brücken sanieren und dafür neue Schulden machen."
ENGLISH = "The city wants to repair three bridges next year and will borrow the money for it."
VOGEL = Figure(
    figure_id="vogel",
    name="Tom Vogel",
    kind="person",
    names=(Name(surface="Tomvogel", kind="word", strength="never"),),
)


def items(*texts: str, feed: str = "blatt") -> list[GoldItem]:
    return [
        GoldItem(id=f"{feed}-{n}", lang="de", feed=feed, body=text) for n, text in enumerate(texts)
    ]


def test_the_other_items_of_a_feed_tell_its_language() -> None:
    learned = feed_languages(items(*[GERMAN] * 5))
    assert set(learned.values()) == {"de"}


def test_an_item_does_not_help_itself() -> None:
    """Four certain texts make a language: without the one in question there are three."""
    assert set(feed_languages(items(*[GERMAN] * 4)).values()) == {""}


def test_an_item_that_differs_does_not_count_for_itself() -> None:
    learned = feed_languages(items(*[GERMAN] * 9, ENGLISH))
    assert learned["blatt-9"] == "de"  # the nine others
    assert learned["blatt-0"] == ""  # eight of nine: a mixed feed


def test_large_feeds_are_read_in_portions() -> None:
    learned = feed_languages(items(*[GERMAN] * 100, *[ENGLISH] * 6))
    assert set(learned.values()) == {"de"}


def test_feeds_do_not_mix_and_items_without_a_feed_have_none() -> None:
    learned = feed_languages(
        [*items(*[GERMAN] * 6), *items(*[ENGLISH] * 6, feed="post"), *items(*[GERMAN] * 6, feed="")]
    )
    assert {learned["blatt-0"], learned["post-5"], learned["-3"]} == {"de", "en", ""}


def test_a_label_is_never_shown_to_what_detects() -> None:
    item = GoldItem(id="a", lang="de", title="Zoll bleibt")
    told = examine_language(item, "")
    assert (told.expected, told.alone, told.with_prior) == ("de", "und", "und")
    assert examine_language(item, "de").with_prior == "de"


def test_what_is_counted_as_words_and_as_a_headline() -> None:
    told = examine_language(GoldItem(id="a", lang="de", title="<b>Zoll</b> bleibt"), "")
    assert (told.words, told.only_title, told.is_headline) == (2, True, True)
    told = examine_language(GoldItem(id="a", lang="de", title="Zoll", body=GERMAN), "")
    assert (told.words, told.only_title, told.is_long, told.is_headline) == (15, False, True, False)


def test_why_a_figure_was_missed() -> None:
    item = GoldItem(id="a", lang="de", title="Tomvogel singt", figures={"vogel": "alert"})
    examined = examine_figures(item, "", FigureMatcher([VOGEL]))
    assert examined.outcome.missed == {"vogel"}
    (line,) = why_no_figure(examined, "vogel", Trial([VOGEL]))
    assert line.startswith("'Tomvogel' does not count: ")


class Meaning:
    """A second layer that always says the same."""

    version = "fixed"

    def load(self) -> None:
        pass

    def vector(self, document: Document) -> bytes:
        return b""

    def judge(self, document: Document, words: Mapping[str, float]) -> Mapping[str, Judgement]:
        return {"ai": Judgement(-0.5, -1.25, (0, 1))}


def test_why_a_topic_was_missed() -> None:
    lexicon = PolicyLexicon(
        topics=[
            Topic(id="ai", name="AI", weak=Terms(any=["Modell"])),
            Topic(id="elections", name="Elections", strong=Terms(any=["Wahl"])),
        ]
    )
    item = GoldItem(id="a", lang="de", title="Ein Modell der Stadt")
    examined = examine_figures(item, "", FigureMatcher())
    alone, both = PolicyMatcher(lexicon), PolicyMatcher(lexicon, Meaning())
    said = alone.words(item.document(), examined.lang)["ai"]
    assert said < 0
    assert why_no_topic(examined, "ai", alone) == [f"{said:+.1f} words"]
    assert why_no_topic(examined, "ai", both)[1] == "-1.2 meaning, if it was asked"
    assert why_no_topic(examined, "elections", both) == ["its words say nothing of it"]
