"""A feed's language, learned from its entries."""

from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.language import certain
from streams.feeds.languages import MEMORY, learn, prevailing
from streams.testing import make_item
from tests.feeds.fakes import World, make_feed, rss

GERMAN = "Die Stadt will im kommenden Jahr drei Brücken sanieren und dafür neue Schulden machen."
ENGLISH = "The city wants to repair three bridges next year and will borrow the money for it."


def items(*texts, revision=1):
    return [
        make_item(number=n, title="", summary=text, revision=revision)
        for n, text in enumerate(texts)
    ]


def test_long_entries_teach_the_language_of_their_feed():
    langs = learn({}, items(*[GERMAN] * 6), certain)
    assert langs == {"de": 6}
    assert prevailing(langs) == "de"


def test_a_few_entries_or_a_mixed_feed_teach_nothing():
    assert prevailing({"de": 3}) == ""
    assert prevailing(learn({}, items(*[GERMAN, ENGLISH] * 10), certain)) == ""


def test_headlines_teach_together():
    headlines = ["Zoll bleibt", "Rat tagt in Wien", "Neue Brücke über den Fluss eröffnet"] * 12
    assert prevailing(learn({}, items(*headlines), certain)) == "de"


def test_revisions_teach_nothing():
    assert learn({}, items(GERMAN, revision=2), certain) == {}


def test_a_feed_may_change_its_language():
    langs = {"de": MEMORY}
    for _ in range(60):
        langs = learn(langs, items(*[ENGLISH] * 20), certain)
    assert prevailing(langs) == "en"


@given(
    st.lists(st.text(max_size=80), max_size=60),
    st.dictionaries(st.sampled_from(["de", "en"]), st.integers(0, 999)),
)
def test_whatever_comes_there_is_an_answer(texts, langs):
    learned = learn(langs, items(*texts), lambda text: "de" if len(text) % 2 else "")
    assert prevailing(learned) in ("", *learned)
    assert all(count >= 0 for count in learned.values())


async def test_items_carry_what_their_feed_has_shown_and_a_restart_remembers_it():
    german = [f"{number} {GERMAN}" for number in ("Eins", "Zwei", "Drei", "Vier", "Fünf")]
    world = World(make_feed("a"), a=rss(*german))
    world.detects = certain
    world.restart()
    state = await world.poll()
    assert state.langs == {"de": 5}
    assert {item.feed_lang for item in world.producer.items} == {"de"}
    world.restart()
    world.clock.go(hours=1)
    world.internet.pages["https://a.example/feed"] = rss(*german, "Sechs Musk vs Zuckerberg")
    await world.poll()
    assert world.producer.items[-1].feed_lang == "de", "a headline that says nothing by itself"
