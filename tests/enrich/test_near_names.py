"""Whose name is nearly a watched one: what passes for a slip, and what is somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from msgspec import structs

from streams.enrich.figures import POSSIBLE, FigureMatcher
from streams.enrich.near_names import NearNames
from streams.enrich.slips import distance
from streams.enrich.text import make_document
from streams.records import Entity, Figure, FigureHit, Name


def person(name: str, *others: str, **fields: object) -> Figure:
    names = tuple(Name(surface=other, kind="full") for other in others)
    figure_id = name.lower().replace(" ", "-")
    figure = Figure(figure_id=figure_id, name=name, kind="person", names=names)
    return structs.replace(figure, **fields)


FIGURES = (
    person("Mark Zuckerberg"),
    person("Olaf Scholz"),
    person("Ursula von der Leyen"),
    person("Friedrich Merz"),
    person("Jan Kowalke"),
    person("Lina Tesmer"),
    person("Peter Braun"),
    person("Simon Tesmer"),
    person("Mohammed bin Salman"),
    person("Li Qiang"),
    person("Tim Cook", titles=("CEO",)),
    person("Karl-Theodor zu Guttenberg"),
    person("Lisa Marie Paus"),
    person("Wolodymyr Selenskyj", "Volodymyr Zelensky"),
    person("Nele Arndtson", blockers=("Nele Arntson",)),
    person("Kira Wolter", names=(Name(surface="Kira Wolder", kind="full", strength="never"),)),
    person("Iris Tannhof", names=(Name(surface="Iris Tannhof", kind="full", strength="context"),)),
    person("Ole Brinkhof", active=False),
    Figure(figure_id="mannesmann", name="Max Mannesmann", kind="organisation"),
    person("Madonna"),
)
MATCHER = FigureMatcher(FIGURES)


def find(
    name: str, matcher: FigureMatcher = MATCHER, label: str = "PER", beside: str = ""
) -> tuple[FigureHit, ...]:
    """What is nearly found in a text of which the entity model says that a name stands in it."""
    document = make_document("", "", f"Gestern sprach {name} in Bonn. {beside}")
    start = document.text.index(name)
    entity = Entity(text=name, label=label, start=start, end=start + len(name))
    return matcher.near.find(document, [entity], matcher.find(document, "de"))


@pytest.mark.parametrize(
    ("name", "figure_id", "slip"),
    [
        # the given name, as it sounds or mistyped
        ("Marc Zuckerberg", "mark-zuckerberg", "“Marc” for “Mark”"),
        ("Olav Scholz", "olaf-scholz", "“Olav” for “Olaf”"),
        ("Freidrich Merz", "friedrich-merz", "“Freidrich” for “Friedrich”"),
        ("Mohamed bin Salman", "mohammed-bin-salman", "“Mohamed” for “Mohammed”"),
        # the family name: a letter exchanged, missing, too many, swapped; two in a long one
        ("Mark Zuckerburg", "mark-zuckerberg", "“Zuckerburg” for “Zuckerberg”"),
        ("Mark Zukerburg", "mark-zuckerberg", "“Zukerburg” for “Zuckerberg”"),
        ("Olaf Schloz", "olaf-scholz", "“Schloz” for “Scholz”"),
        ("Friedrich März", "friedrich-merz", "“März” for “Merz”"),
        ("Tim Coook", "tim-cook", "“Coook” for “Cook”"),
        ("Ursula van der Leyen", "ursula-von-der-leyen", "“van der Leyen” for “von der Leyen”"),
        # written otherwise, and among other words
        ("MARC ZUCKERBERG", "mark-zuckerberg", "“MARC” for “Mark”"),
        ("Mark Elliot Zuckerburg", "mark-zuckerberg", "“Zuckerburg” for “Zuckerberg”"),
        ("Konzernchef Mark Zuckerburg", "mark-zuckerberg", "“Zuckerburg” for “Zuckerberg”"),
        ("Mark Zuckerburgs", "mark-zuckerberg", "“Zuckerburg” for “Zuckerberg”"),
        ("Karl-Theodor zu Gutenberg", "karl-theodor-zu-guttenberg", "“zu Gutenberg” for"),
        ("Lisa Paust", "lisa-marie-paus", "“Paust” for “Paus”"),
    ],
)  # fmt: skip
def test_a_slip_is_possible_and_says_what_was_probably_meant(
    name: str, figure_id: str, slip: str
) -> None:
    (hit,) = find(name)
    assert (hit.figure_id, hit.level) == (figure_id, "possible")
    assert POSSIBLE <= hit.confidence < 0.5
    full, off = hit.reasons
    assert (full.rule, off.rule.endswith("off")) == ("nearly full", True)
    assert off.detail.startswith(slip)


@pytest.mark.parametrize(
    "name",
    [
        # somebody else: another known name, or the same with another vowel at its end
        "Paul Zuckerberg", "Anna Merz", "Jana Kowalke", "Lena Tesmer", "Nina Tesmer",
        "Simone Tesmer", "Peter Brown", "Olaf Schulz",
        # too short, an initial, one word, or both parts differ
        "Li Qian", "Tom Cook", "Jim Cook", "M. Zuckerburg", "Zuckerburg", "Madona",
        "Marc Zuckerburg",
        # too far, or otherwise from the first sound on
        "Olaf Schoolzz", "Mark Zuckermann", "Mark Zuckmayer", "Olaf Molz", "Park Zuckerberg",
        # what the watchlist knows: right to the letter, spelled otherwise, blocked, never, weak, off,
        # no person
        "Mark Zuckerberg", "Mark Zuckerbergs", "Lisa Pauss", "Volodymyr Zelenski", "Nele Arntson", "Kira Wolder", "Iris Tannhoff",
        "Ole Brinkhoff", "Max Manesmann",
        # no name at all
        "-", "…", "Mark", "von der", "a b c d e f g h Mark Zuckerburg",
    ],
)  # fmt: skip
def test_what_is_somebody_else_is_not_reported(name: str) -> None:
    assert find(name) == ()


def test_only_persons_of_the_entity_model_are_compared() -> None:
    document = make_document("", "", "Gestern sprach Mark Zuckerburg.")
    assert MATCHER.near.find(document, (), ()) == ()
    assert find("Mark Zuckerburg", label="ORG") == ()


def test_a_figure_that_is_found_by_name_is_not_found_again() -> None:
    assert find("Mark Zuckerburg", beside="Mark Zuckerberg schwieg.") == ()
    assert find("Mark Zuckerburg", beside="Olaf Scholz schwieg.") != ()


def test_where_a_figure_stands_nobody_else_is_suspected() -> None:
    matcher = FigureMatcher([person("Olaf Scholz"), person("Olav Scholz")])
    assert find("Olav Scholz", matcher) == ()


def test_whoever_is_equally_near_is_told_in_order() -> None:
    figures = [person("Mira Talberg"), person("Mira Talborg")]
    for matcher in (FigureMatcher(figures), FigureMatcher(reversed(figures))):
        assert [hit.figure_id for hit in find("Mira Talburg", matcher)] == [
            "mira-talberg",
            "mira-talborg",
        ]


def test_all_places_are_told_and_the_nearest_name_gives_the_reason() -> None:
    document = make_document("Mark Zukerburg in Bonn", "", "Dort sprach Mark Zuckerburg.")
    starts = [(name, document.text.index(name)) for name in ("Mark Zukerburg", "Mark Zuckerburg")]
    entities = [
        Entity(text=name, label="PER", start=start, end=start + len(name)) for name, start in starts
    ]
    (hit,) = MATCHER.near.find(document, entities, ())
    assert [place.surface for place in hit.mentions] == ["Mark Zukerburg", "Mark Zuckerburg"]
    assert [place.field for place in hit.mentions] == ["title", "body"]
    assert hit.in_title
    assert hit.reasons[1].rule == "a letter off"
    assert hit.mentions[0].weight < hit.mentions[1].weight


# --- laws -------------------------------------------------------------------------------------

LETTERS = st.text("abcd", max_size=7)


@given(LETTERS, LETTERS, st.integers(0, 3))
@example("ab", "ba", 1)
@example("abcd", "badc", 2)
def test_the_distance_is_the_shortest_way_as_far_as_it_matters(
    one: str, other: str, most: int
) -> None:
    assert distance(one, other, most) == min(_shortest(one, other), most + 1)
    assert distance(one, other, most) == distance(other, one, most)


@cache
def _shortest(one: str, other: str) -> int:
    """All ways tried, from the ends of both words."""
    if not one or not other:
        return len(one) + len(other)
    ways = [
        _shortest(one[:-1], other[:-1]) + (one[-1] != other[-1]),
        _shortest(one[:-1], other) + 1,
        _shortest(one, other[:-1]) + 1,
    ]
    if len(one) > 1 and len(other) > 1 and one[-2:] == other[-1] + other[-2]:
        ways.append(_shortest(one[:-2], other[:-2]) + 1)
    return min(ways)


@given(
    st.integers(1, 9), st.sampled_from("bdglmnprtxz"), st.sampled_from(["put", "drop", "change"])
)
def test_any_one_slip_behind_the_first_letter_of_a_long_name_is_found(
    place: int, letter: str, what: str
) -> None:
    family = "Zuckerberg"
    kept = place if what == "put" else place + 1
    wrong = family[:place] + ("" if what == "drop" else letter) + family[kept:]
    assume(wrong != family)
    (hit,) = find(f"Mark {wrong}")
    assert hit.figure_id == "mark-zuckerberg"
    assert [place.surface for place in hit.mentions] == [f"Mark {wrong}"]


NAMES = [
    "Mira Talberg",
    "Mira Talborg",
    "Miro Talberg",
    "Myra Talberg",
    "Mira Talbergs",
    "Ida Kern",
]
WATCHED = st.builds(
    lambda number, name, others, active: structs.replace(
        person(name, *others), figure_id=f"f{number}", active=active
    ),
    st.integers(0, 3),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(NAMES), max_size=2),
    st.booleans(),
)
EDITS = st.lists(st.tuples(WATCHED, st.booleans()), max_size=12)
WRITTEN = st.sampled_from([*NAMES, "Mira Talburg", "Mira Talburgs", "Mirja Talberg", "Ida Kerner"])


@given(EDITS, st.lists(WRITTEN, max_size=4))
def test_any_edits_of_a_watchlist_equal_a_rebuild(
    edits: Sequence[tuple[Figure, bool]], written: Sequence[str]
) -> None:
    matcher, watched = FigureMatcher(), dict[str, Figure]()
    for figure, kept in edits:
        matcher.update(figure.figure_id, figure if kept else None)
        watched.pop(figure.figure_id, None)
        if kept:
            watched[figure.figure_id] = figure
    text = ", ".join(written)
    document = make_document("", "", text)
    entities, start = [], 0
    for name in written:
        start = document.text.index(name, start)
        entities.append(Entity(text=name, label="PER", start=start, end=start + len(name)))
        start += len(name)
    found = matcher.near.find(document, entities, ())
    rebuilt = FigureMatcher(reversed(watched.values()))
    assert found == rebuilt.near.find(document, entities, ())
    assert len({hit.figure_id for hit in found}) == len(found)
    for hit in found:
        assert hit.level == "possible"
        for place in hit.mentions:
            assert document.text[place.start : place.end] == place.surface != ""
            assert place.sentence[place.start - place.sentence_start :].startswith(place.surface)
    for figure_id in watched:
        matcher.update(figure_id, None)
    assert matcher.near.find(document, entities, ()) == ()


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
@example("Mark " + "x" * 10_000, "Mark " + "x" * 10_001)
@example("\u0301 a", "a \ufffd")
def test_no_name_breaks_it(name: str, written: str) -> None:
    near, figure = NearNames(), person("Ida Kern", name)
    near.add(figure)
    entity = Entity(text=written, label="PER", start=0, end=len(written))
    for hit in near.find(make_document("", "", written), [entity], ()):
        assert hit.level == "possible"
    near.remove(figure)
    assert near.find(make_document("", "", written), [entity], ()) == ()
