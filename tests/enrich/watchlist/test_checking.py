"""What `watchlist check` finds."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.watchlist.checking import check, errors, refuse
from streams.errors import ConfigError
from streams.records import Figure, Name


def person(figure_id: str, name: str, *names: Name, **changes) -> Figure:
    return Figure(figure_id=figure_id, name=name, kind="person", names=names, **changes)


def organisation(figure_id: str, name: str, *names: Name, **changes) -> Figure:
    return Figure(figure_id=figure_id, name=name, kind="organisation", names=names, **changes)


def surname(surface: str, strength: str = "strong") -> Name:
    return Name(surface=surface, kind="surname", strength=strength)  # type: ignore[arg-type]


def word(surface: str, strength: str = "strong") -> Name:
    return Name(surface=surface, kind="word", strength=strength)  # type: ignore[arg-type]


def told(*figures: Figure) -> list[tuple[str, str, str]]:
    return [(each.level, each.figure_id, each.field) for each in check(figures)]


def message(*figures: Figure) -> str:
    (found,) = check(figures)
    return found.message


def test_a_sound_watchlist_says_nothing():
    figures = (
        person("zorv", "Nina Zorv", surname("Zorv"), related=("quarzit",)),
        organisation("quarzit", "Quarzit AG", word("Apple", "context"), cues=("Erz",), related=("zorv",)),
        person("off", "Xi", surname("Xi"), active=False),
    )  # fmt: skip
    assert check(figures) == []


@pytest.mark.parametrize(
    ("figure", "field", "words"),
    [
        (person("a b", "Nina Zorv"), "id", "cannot be an id"),
        (person("a\n", "Nina Zorv"), "id", "cannot be an id"),
        (person("a", "Nina Zorv", qid="q1"), "qid", "no QID"),
        (person("a", "Nina Zorv", lists=("Big Tech",)), "lists", "cannot be a list"),
        (person("a", "(?)"), "name", "can never be found"),
        (person("a", "Nina Zorv", word("--")), "names", "can never be found"),
        (person("a", "Nina Zorv", titles=("",)), "titles", "can never be found"),
        (person("a", "Nina Zorv", cues=("Erz (roh)",)), "cues", "can never be found"),
        (person("a", "Nina Wa\u0308chter"), "name", "accents stand apart"),
        (person("a", "Nina Zorv", cues=("x" * 300,)), "cues", "more than 200 characters"),
        (person("a", "Nina Zorv", related=("a",)), "related", "the figure itself"),
        (person("a", "Nina Zorv", related=("z",)), "related", "no figure here"),
    ],
)
def test_what_makes_a_figure_unusable(figure, field, words):
    (found,) = errors([figure])
    assert (found.level, found.field) == ("error", field)
    assert words in found.message
    with pytest.raises(ConfigError) as caught:
        refuse(figure, [])
    assert caught.value.cure == found.cure


def test_figures_beside_each_other():
    first = person("a", "Nina Zorv", qid="Q1")
    assert [each.field for each in errors([first, person("a", "Tom Quarz")])] == ["id"]
    twin = person("b", "Tom Quarz", qid="Q1")
    assert [each.message for each in errors([first, twin])] == ["Q1 is already the QID of 'a'"]
    with pytest.raises(ConfigError, match=r"qid \(b\): Q1 is already the QID of 'a'"):
        refuse(twin, [first])
    refuse(person("a", "Nina Zorv", qid="Q1"), [first])


def test_related_figures_may_be_related_to_each_other():
    cycle = [person("a", "Nina Zorv", related=("b",)), person("b", "Tom Quarz", related=("a",))]
    assert list(errors(cycle)) == []


def test_weak_names_that_stand_alone():
    assert told(organisation("a", "Zorvex AG", word("Apple"))) == [("warning", "a", "names")]
    assert told(person("a", "Nina Trump", surname("Trump"))) == [("note", "a", "names")]
    assert told(person("a", "Nina Trump", surname("Trump"), blockers=("trump card",))) == []
    assert told(organisation("a", "Apple", cues=("iPhone",))) == [("warning", "a", "name")]


def test_weak_names_without_support():
    figure = organisation("a", "Zorvex AG", word("Apple", "context"))
    assert "'Apple' only counts beside the full name" in message(figure)
    for field in ("cues", "titles"):
        assert (
            told(organisation("a", "Zorvex AG", word("Apple", "context"), **{field: ("x",)})) == []
        )


def test_names_of_several_figures():
    tom = person("tom", "Tom Zorv")
    assert told(tom, organisation("firma", "Tom Zorv AG", word("Tom Zorv"))) == [
        ("warning", "tom", "name"),
        ("warning", "firma", "names"),
    ]
    assert (
        told(tom, organisation("firma", "Tom Zorv AG", word("Tom Zorv", "context"), cues=("x",)))
        == []
    )


def test_surnames_of_several_figures():
    tom = person("tom", "Tom Zorv", surname("Zorv"))
    eva = person("eva", "Eva Zorv")
    assert message(tom, eva) == "'Zorv' stands alone, and is a surname of eva too"
    assert told(tom, person("eva", "Eva Zorv", active=False)) == []
    assert told(person("tom", "Tom Zorv", surname("Zorv", "context"), titles=("x",)), eva) == []


def test_blockers_that_hide_other_figures():
    tom = person("tom", "Tom Zorv")
    band = organisation("band", "Band AG", blockers=("Tom Zorv Band",))
    assert message(tom, band) == "'Tom Zorv Band' hides 'Tom Zorv', a name of tom"
    exact = person("eva", "Eva Zorv", blockers=("Tom Zorv",))
    assert told(tom, exact) == []


@pytest.mark.parametrize(
    ("blocker", "words"),
    [
        ("Trumpismus", "holds no word"),
        ("Nina Trump", "is also a name"),
        ("trump card", ""),
        ("Ivana Trump", ""),
        ("Trumps Turm", "holds no word"),
    ],
)
def test_blockers_that_block_nothing(blocker, words):
    found = check([person("a", "Nina Trump", surname("Trump"), blockers=(blocker,))])
    assert [words in each.message for each in found] == ([True] if words else [])


def test_a_person_needs_a_full_name():
    assert message(person("a", "Zorvex")) == "'Zorvex' is no full name"
    assert told(person("a", "Zorvex", Name(surface="Nina Zorvex", kind="full"))) == []
    assert told(organisation("a", "Zorvex")) == []


def test_a_name_of_its_own_that_is_stated_weak():
    apple = word("Apple", "context")
    assert told(organisation("a", "Apple", apple, cues=("iPhone",))) == []
    assert message(organisation("a", "Apple", apple)).endswith("'Apple' hardly ever counts")
    shared = organisation("b", "Apple", cues=("Obst",), blockers=("Big Apple",))
    assert told(organisation("a", "Apple", apple, cues=("iPhone",)), shared) == []
    assert told(organisation("a", "Apple", word("Apple"))) == [("warning", "a", "name")]


def test_names_with_the_same_words():
    figure = organisation("a", "Zorvex AG", word("Ofnar"), word("OFNAR"), word("zorvex ag"))
    assert [each.message for each in check([figure])] == [
        "'zorvex ag' is looked for instead of 'Zorvex AG', of the same words",
        "'OFNAR' has no effect: 'Ofnar' has the same words",
    ]


def test_errors_come_first_and_everything_has_its_place():
    figures = [
        organisation("a", "Apple"),
        person("b", "(?)", blockers=("x",)),
        person("c", "Zorvex"),
    ]
    found = check(figures)
    assert [(each.level, each.position) for each in found] == [
        ("error", 1), ("warning", 0), ("warning", 1), ("warning", 1), ("warning", 2),
    ]  # fmt: skip


phrases = st.text(max_size=8)
figures = st.builds(
    Figure,
    figure_id=st.sampled_from("abc"),
    name=phrases,
    kind=st.sampled_from(("person", "organisation")),
    qid=st.sampled_from(("", "Q1", "x")),
    names=st.lists(st.builds(Name, surface=phrases, kind=st.just("word")), max_size=2).map(tuple),
    blockers=st.lists(phrases, max_size=2).map(tuple),
    related=st.lists(st.sampled_from("abcd"), max_size=2).map(tuple),
)


@given(st.lists(figures, max_size=4))
def test_any_watchlist_can_be_checked(some):
    for found in check(some):
        assert some[found.position].figure_id == found.figure_id
        assert found.cure


@given(st.lists(figures, max_size=4, unique_by=lambda figure: figure.figure_id), st.integers(0, 9))
def test_the_order_of_figures_changes_no_warning(some, seed):
    mixed = random.Random(seed).sample(some, len(some))

    def warnings(listed):
        return sorted(
            (each.figure_id, each.message) for each in check(listed) if each.level != "error"
        )

    assert warnings(some) == warnings(mixed)
