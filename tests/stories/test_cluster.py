"""Copies and revisions share a story; ids follow from the log alone."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records import FieldSpan, Story
from streams.stories.cluster import WINDOW, Clusters, mentions_of
from streams.stories.reading import read
from streams.stories.signature import signature
from streams.testing import NOW, make_enriched, make_figure_hit, make_item_ref

TEXT = "Aufsicht prüft die Empfehlungen der Plattform"


def item(text, number, *, revision=1, after=timedelta()):
    at = NOW + after
    ref = make_item_ref(
        number=number, revision=revision, title=text, lang="de", seen_at=at, published_at=at
    )
    return make_enriched(text, item=ref)


@pytest.mark.parametrize(
    "copy",
    [TEXT, TEXT.upper(), f"„{TEXT}“!", TEXT.replace(" ", "  "), TEXT.replace("die", "– die –")],
)
def test_copies_share_the_story_of_the_first(copy):
    clusters = Clusters()
    first = clusters.assign(item(TEXT, 1))
    second = clusters.assign(item(copy, 2))
    assert first.copy_of == ""
    assert second.story_id == first.story_id
    assert second.copy_of == make_item_ref(number=1).item_id


@pytest.mark.parametrize(
    "other", ["Die Aufsicht prüft den Zoo", "Plattform im Bahnhof gesperrt", "Etwas anderes"]
)
def test_other_words_are_another_story(other):
    clusters = Clusters()
    assert clusters.assign(item(TEXT, 1)).story_id != clusters.assign(item(other, 2)).story_id


def test_a_headline_that_returns_with_another_text_is_another_story():
    clusters = Clusters()

    def briefing(number, body):
        text = f"Der Morgen im Überblick: Was heute wichtig wird\n\n{body}"
        title_end = text.index("\n")
        spans = (
            FieldSpan(name="title", start=0, end=title_end),
            FieldSpan(name="body", start=title_end + 2, end=len(text)),
        )
        return make_enriched(text, item=make_item_ref(number=number), fields=spans)

    first = clusters.assign(briefing(1, "Der Zoll zählt Pakete."))
    copy = clusters.assign(briefing(2, "Der Zoll zählt Pakete!"))
    other = clusters.assign(briefing(3, "Die Bahn baut um."))
    assert copy.story_id == first.story_id
    assert other.story_id != first.story_id


def test_texts_too_short_to_compare_never_group():
    clusters = Clusters()
    assert clusters.assign(item("Live", 1)).story_id != clusters.assign(item("Live", 2)).story_id


def test_a_revision_stays_in_its_story_and_copies_of_it_join():
    clusters = Clusters()
    first = clusters.assign(item(TEXT, 1))
    revised = clusters.assign(item("Aufsicht beendet die Prüfung der Plattform", 1, revision=2))
    copy = clusters.assign(item("Aufsicht beendet die Prüfung der Plattform", 2))
    assert revised.story_id == first.story_id
    assert copy.story_id == first.story_id


def test_a_text_that_returns_after_the_window_starts_a_new_story():
    clusters = Clusters()
    first = clusters.assign(item(TEXT, 1))
    inside = clusters.assign(item(TEXT, 2, after=WINDOW))
    outside = clusters.assign(item(TEXT, 3, after=WINDOW + timedelta(seconds=1)))
    assert inside.story_id == first.story_id
    assert outside.story_id != first.story_id
    assert outside.copy_of == ""


@given(st.permutations([1, 2, 3, 4]))
def test_the_order_in_which_copies_arrive_does_not_name_the_story(order):
    clusters = Clusters()
    assert {clusters.assign(item(TEXT, n)).story_id for n in order} == {
        Clusters().assign(item(TEXT, 1)).story_id
    }


texts = st.sampled_from([TEXT, TEXT + " heute", "Live", "Ein ganz anderer Text über das Wetter"])


@given(st.lists(st.tuples(texts, st.integers(1, 6), st.integers(0, 100)), max_size=30))
def test_replaying_the_log_gives_the_same_stories(log):
    log = [item(text, n, after=timedelta(hours=h)) for text, n, h in log]
    one, other = Clusters(), Clusters()
    assert [one.assign(e) for e in log] == [other.assign(e) for e in log]


@given(st.text(), st.text())
def test_signatures_never_fail(title, other):
    assert signature(read(make_enriched(title))) == signature(read(make_enriched(title)))
    if title.casefold() == other.casefold():
        assert signature(read(make_enriched(title))) == signature(read(make_enriched(other)))


def test_every_figure_gives_one_mention_that_names_the_others():
    hits = tuple(make_figure_hit(figure_id=f, name=f) for f in ("ada", "bob"))
    enriched = make_enriched(TEXT, figures=hits)
    mentions = mentions_of(enriched, Story(story_id="s"))
    assert [(m.figure.figure_id, m.other_figures) for m in mentions] == [
        ("ada", ("bob",)),
        ("bob", ("ada",)),
    ]
    assert len({m.mention_id for m in mentions}) == 2
    assert mentions == mentions_of(enriched, Story(story_id="s"))


def test_stories_that_are_over_are_forgotten():
    """A shard that runs for a year holds no more than one that runs for a month."""
    clusters = Clusters()
    for number in range(25_000):
        clusters.assign(item(f"Haus{number} Baum{number * 7}", number, after=WINDOW * number / 100))
    assert len(clusters._stories) < 12_000
    last = item(TEXT, 1_000_000, after=WINDOW * 251)
    assert clusters.assign(last).story_id == clusters.assign(last).story_id


def test_what_has_left_the_window_is_like_nothing_by_meaning_either():
    clusters = Clusters()

    def meant(text, number, after):
        vector = bytes([number % 7 + 1] * 16)
        return msgspec.structs.replace(
            item(text, number, after=after), vector=vector, versions={"semantics": "one"}
        )

    first = clusters.assign(meant("Erste Worte", 7, timedelta()))
    for number in range(30):  # by now the first has left
        clusters.assign(
            meant(f"Wort{number} Satz{number * 3}", number + 100, WINDOW * (2 + number))
        )
    again = clusters.assign(meant("Ganz anderes", 14, WINDOW * 33))
    assert again.story_id != first.story_id
