"""Which names stand alone, and which need support."""

import pytest

from streams.enrich.watchlist.grading import (
    Surnames,
    frequent_surnames,
    ordinary_word,
    surnames_of,
    weak_names,
    weakness,
    worries,
)
from streams.records import Figure, Name


def organisation(*names: Name, **changes) -> Figure:
    return Figure(figure_id="a", name="Zorvex AG", kind="organisation", names=names, **changes)


@pytest.mark.parametrize(
    ("surface", "reason"),
    [
        ("Apple", "an ordinary English word"),
        ("Meta", "an ordinary English word"),
        ("Threads", "an ordinary English word"),
        ("Trump", "an ordinary English word"),
        ("Claude", "an ordinary English word"),
        ("Wächter", "an ordinary German word"),
        ("Apfel", "an ordinary German word"),
        ("Kartellamt", "an ordinary German word"),
        ("Nina", "a given name"),
        ("Müller", "a frequent surname"),
        ("Mueller", "a frequent surname"),
        ("Johnson", "a frequent surname"),
        ("Xi", "very short"),
        ("Bas", "very short"),
        ("X", "very short"),
        ("EU", "very short"),
    ],
)
def test_weak_words(surface, reason):
    found = weakness(Name(surface=surface, kind="word"))
    assert found is not None
    assert found.reason == reason


@pytest.mark.parametrize(
    "surface",
    [
        "Merz",
        "Zuckerberg",
        "Nadella",
        "Selenskyj",
        "Microsoft",
        "FTC",
        "Zorvex",
        "Зеленський",
        "Meta Platforms",
        "Nina Müller",
        "von der Leyen",
        "Habicht-Ost",
    ],
)
def test_names_that_stand_alone(surface):
    assert weakness(Name(surface=surface, kind="word")) is None


def test_capitals_are_no_ordinary_word_but_may_be_short():
    assert weakness(Name(surface="WHO", kind="acronym")) is None
    assert weakness(Name(surface="Who", kind="word")) is not None


@pytest.mark.parametrize("word", ["laschet", "bezos", "vance", "clinton", "schmidt"])
def test_dictionaries_know_proper_names_that_are_no_ordinary_words(word):
    assert ordinary_word(word) == ordinary_word(word.capitalize()) == ""


@pytest.mark.parametrize("word", ["", "-", "42", "\u202e", "𐍈", "a" * 500])
def test_anything_can_be_asked(word):
    assert ordinary_word(word) in ("", "English", "German")


def test_the_list_of_surnames_is_of_some_size_and_without_comments():
    assert 300 < len(frequent_surnames()) < 500
    assert {"muller", "mueller", "smith", "nguyen"} <= frequent_surnames()
    assert "#" not in frequent_surnames()


def test_a_surname_that_another_figure_bears_is_weak():
    known = [
        Figure(
            figure_id="tom", name="Tom Zorv", kind="person", names=(Name(surface="Zorv", kind="surname"),)
        ),
        Figure(figure_id="eva", name="Eva Zorv", kind="person"),
        Figure(figure_id="off", name="Udo Quarz", kind="person", active=False),
        Figure(figure_id="hall", name="Hotel Zorv", kind="organisation"),
    ]  # fmt: skip
    surnames = surnames_of(known)
    assert surnames["zorv",] == {"tom", "eva"}
    assert ("quarz",) not in surnames
    found = weakness(Name(surface="Zorv", kind="surname"), "ina", surnames)
    assert found is not None
    assert found.reason == "the surname of eva, tom too"
    assert (
        weakness(Name(surface="Zorv", kind="surname"), "eva", {("zorv",): frozenset({"eva"})})
        is None
    )
    assert weakness(Name(surface="Zorv", kind="word"), "ina", surnames) is None


def test_a_long_surname_is_shared_too():
    surnames: Surnames = {("von", " der", " aue"): frozenset({"eva"})}
    found = weakness(Name(surface="von der Aue", kind="surname"), "ina", surnames)
    assert found is not None
    assert found.kind == "shared"


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        (Name(surface="Apple", kind="word"), "an ordinary English word"),
        (Name(surface="Nina", kind="given"), "a given name"),
        (Name(surface="Xi", kind="surname"), "very short"),
        (Name(surface="Schmidt", kind="surname"), "a frequent surname"),
        (Name(surface="Apple", kind="word", strength="context"), ""),
        (Name(surface="Apple", kind="word", strength="never"), ""),
        (Name(surface="FTC", kind="acronym"), ""),
        (Name(surface="Zorvex", kind="word"), ""),
        # These may well be meant; `watchlist check` notes them.
        (Name(surface="Trump", kind="surname"), ""),
        (Name(surface="Bundeskartellamt", kind="word"), ""),
    ],
)
def test_weak_names_that_stand_alone_are_warned_of(name, warned):
    warnings = weak_names([organisation(name)])
    assert [warned in text for text in warnings] == ([True] if warned else [])


def test_a_figure_that_was_thought_about_is_left_in_peace():
    apple = Name(surface="Apple", kind="word")
    assert weak_names([organisation(apple, blockers=("apple pie",))]) == []
    assert weak_names([organisation(apple, negative_cues=("Kuchen",))]) == []
    assert weak_names([organisation(apple, cues=("iPhone",))]) == []
    assert weak_names([organisation(apple, active=False)]) == []


def test_cues_settle_nothing_for_the_name_itself():
    figure = Figure(figure_id="a", name="Apple", kind="organisation", cues=("iPhone",))
    assert len(weak_names([figure])) == 1


def test_a_name_that_dictionaries_also_know_as_a_proper_name_is_a_mild_worry():
    google = Figure(figure_id="a", name="Google", kind="organisation")
    assert [worry.mild for worry in worries([google])] == [True]
