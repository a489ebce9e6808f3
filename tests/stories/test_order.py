"""The same items make the same stories in the end, in whichever order they come."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.records import stable_id
from streams.stories.cluster import Clusters
from streams.stories.evaluation import group
from streams.testing import NOW
from tests.stories.samples import HEADLINES, WIRE, told

TEXTS = (
    (HEADLINES[0], WIRE),
    (HEADLINES[1], WIRE),
    ("41 Millionen Euro Bußgeld: Behörde straft Netzwerk für liegen gebliebene Beschwerden ab", ""),
    ("Netzwerk legt Widerspruch gegen Bußgeld der Aufsichtsbehörde ein", ""),
    ("Fähre sinkt vor Rügen: Küstenwache rettet alle Passagiere", "Ein Leck im Maschinenraum."),
    ("Küstenwache rettet Passagiere einer sinkenden Fähre vor Rügen", ""),
    ("Live", ""),
)

entries = st.lists(
    st.tuples(st.sampled_from(range(len(TEXTS))), st.integers(0, 30 * 60)),
    min_size=1,
    max_size=9,
)


def log(drawn):
    return [
        told(number, *TEXTS[text], at=NOW + timedelta(minutes=minutes))
        for number, (text, minutes) in enumerate(drawn)
    ]


def stories_of(items):
    """Item to the name of its story in the end."""
    return {i.item.item_id: each.story for i, each in zip(items, group(items), strict=True)}


@given(entries, st.randoms(use_true_random=False))
def test_order_takes_no_part(drawn, random):
    items = log(drawn)
    shuffled = random.sample(items, len(items))
    assert stories_of(items) == stories_of(shuffled)


@given(entries)
def test_repeating_an_item_changes_nothing(drawn):
    items = log(drawn)
    assert stories_of([*items, *items]) == stories_of(items)


def test_a_late_item_that_was_first_gives_the_story_its_name_and_says_so():
    clusters = Clusters()
    later = told(2, *TEXTS[2], at=NOW + timedelta(minutes=5))
    first = told(1, *TEXTS[0], at=NOW)
    before = clusters.assign(later)
    after = clusters.assign(first)
    assert after.absorbed == (before.story_id,)
    assert (
        clusters.assign(told(3, *TEXTS[1], at=NOW + timedelta(minutes=1))).story_id
        == after.story_id
    )


def test_an_item_that_joins_two_stories_makes_them_one_and_tells_their_figures():
    clusters = Clusters()
    one = told(
        1,
        "Fähre sinkt vor Rügen: Küstenwache rettet alle Passagiere",
        "Ein Leck im Maschinenraum setzte das Autodeck unter Wasser.",
        figures=("ada",),
    )
    other = told(
        2,
        "Staatsanwaltschaft Stralsund ermittelt gegen Kapitän Wendtland",
        "Er soll das Unglücksschiff als Erster verlassen haben.",
        at=NOW + timedelta(minutes=1),
        figures=("bob",),
    )
    both = told(
        3,
        "Fähre sinkt vor Rügen: Küstenwache rettet alle, ermittelt wird gegen Kapitän Wendtland",
        "Ein Leck im Maschinenraum war schuld. Er soll das Unglücksschiff als Erster verlassen haben, so die "
        "Staatsanwaltschaft Stralsund.",
        at=NOW + timedelta(minutes=2),
    )
    (first,), (second,) = clusters.mentions(one), clusters.mentions(other)
    assert first.story.story_id != second.story.story_id
    moved = clusters.mentions(both)
    assert [mention.figure.figure_id for mention in moved] == ["ada", "bob"]
    assert {mention.figure.confidence for mention in moved} == {0.0}
    assert {mention.story.absorbed for mention in moved} == {(second.story.story_id,)}
    assert {mention.story.story_id for mention in moved} == {first.story.story_id}


def test_stories_are_named_by_their_first_item():
    item = told(1, *TEXTS[0])
    assert Clusters().assign(item).story_id != stable_id("story", item.item.item_id)
    assert Clusters().assign(item) == Clusters().assign(item)
