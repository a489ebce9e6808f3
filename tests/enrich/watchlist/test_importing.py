"""Candidates become figures, or more of figures that are there."""

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.names import path_of
from streams.enrich.watchlist.aliases import Alias, clean
from streams.enrich.watchlist.candidates import Candidate, Problem
from streams.enrich.watchlist.checking import errors
from streams.enrich.watchlist.editing import (
    merged,
    new_figure_id,
    same_but_origin,
    with_names,
)
from streams.enrich.watchlist.erasing import mark_of
from streams.enrich.watchlist.importing import Imported, import_figures
from streams.enrich.watchlist.vetting import NAMES_LIMIT
from streams.records import Figure, Name

ZORV = Figure(
    figure_id="zorv",
    name="Nina Zorv",
    kind="person",
    qid="Q900001",
    names=(Name(surface="Zorv", kind="surname", strength="context"),),
    cues=("Amt",),
    origin="file",
)


def test_an_erased_figure_is_a_problem_in_its_line():
    found = import_figures([row("Nina Zorv", line=7)], [mark_of("nina-zorv")])
    (told,) = found.problems
    assert (told.line, told.message) == (7, "'nina-zorv' was erased")
    assert "watchlist add" in told.cure
    assert found.figures == ()


def test_a_later_review_renews_and_a_stated_purpose_stays():
    first = msgspec.structs.replace(ZORV, purpose="desk", review=date(2026, 1, 31))
    again = row("Nina Zorv", purpose="else", owner="ann", review=date(2027, 1, 31))
    (figure,) = imported(again, known=(first,)).figures
    assert (figure.purpose, figure.owner, figure.review) == ("desk", "ann", date(2027, 1, 31))


def row(name: str, line: int = 2, **fields) -> Candidate:
    """As from a CSV file."""
    aliases = tuple(
        Alias(alias) if isinstance(alias, str) else alias for alias in fields.pop("aliases", ())
    )
    return Candidate(line=line, name=name, aliases=aliases, **fields)


def entity(name: str, *aliases: str, **fields) -> Candidate:
    """As from Wikidata."""
    given: dict[str, Any] = {"line": 1, "qid": "Q900001", "kind": "person", **fields}
    return Candidate(name=name, aliases=tuple(map(Alias, aliases)), is_chosen=False, **given)


def imported(*read: Candidate | Problem, known: tuple[Figure, ...] = (), **options) -> Imported:
    found = import_figures(read, known, **options)
    assert not found.problems, found.problems
    return found


def names(figure: Figure) -> dict[str, str]:
    return {name.surface: name.strength for name in figure.names}


def problem(*read: Candidate | Problem, known: tuple[Figure, ...] = (), **options) -> Problem:
    found = import_figures(read, known, **options)
    (only,) = found.problems
    return only


# --- new figures ------------------------------------------------------------------------------


def test_a_row_becomes_a_figure():
    found = imported(
        row(
            "Nina Zorv", kind="person", qid="Q1", aliases=["Zorv", "NZ:x"], titles=("Ministerin",),
            cues=("Amt",), blockers=("Zorv Verlag",), lists=("politics",), description="Ministerin",
        )
    )  # fmt: skip
    assert found.figures == (
        Figure(
            figure_id="nina-zorv",
            name="Nina Zorv",
            kind="person",
            qid="Q1",
            names=(Name(surface="Zorv", kind="surname"), Name(surface="NZ:x", kind="word")),
            titles=("Ministerin",),
            cues=("Amt",),
            blockers=("Zorv Verlag",),
            lists=("politics",),
            description="Ministerin",
            origin="cli",
        ),
    )
    assert [(each.outcome, each.line) for each in found.changes] == [("added", 2)]


def test_names_are_graded_and_notes_say_so():
    found = imported(
        row("Zorvex AG", kind="organisation", aliases=["Apple", Alias("Meta", "strong"), "Zorvex"])
    )
    assert names(found.figures[0]) == {"Apple": "context", "Meta": "strong", "Zorvex": "strong"}
    assert found.changes[0].notes == (
        "'Apple' is an ordinary English word: it counts only with cues, a title or the full name",
    )


def test_a_given_name_is_known_as_one():
    (figure,) = imported(row("Nina Zorv", aliases=["Nina"])).figures
    assert figure.names == (Name(surface="Nina", kind="given", strength="context"),)


def test_surnames_that_rows_share_are_weak_whatever_their_order():
    rows = [row("Nina Zorv", 2, aliases=["Zorv"]), row("Tom Zorv", 3, aliases=["Zorv"])]
    for read in (rows, rows[::-1]):
        found = imported(*read)
        assert [names(figure) for figure in found.figures] == [{"Zorv": "context"}] * 2
    stated = row("Nina Zorv", 2, aliases=[Alias("Zorv", "strong")])
    assert [names(each) for each in imported(stated, rows[1]).figures] == [
        {"Zorv": "strong"},
        {"Zorv": "context"},
    ]


def test_a_name_that_always_counts_although_it_is_weak_is_noted():
    (change,) = imported(row("Apple", kind="organisation")).changes
    assert change.notes == (
        "'Apple' is an ordinary English word, and stands alone; 'Apple:context' among its aliases "
        "would change that",
    )


def test_a_name_of_its_own_needs_support_where_that_is_said():
    apple = row("Apple", kind="organisation", aliases=[Alias("Apple", "context"), "Apple"])
    (figure,) = imported(apple).figures
    assert names(figure) == {"Apple": "context"}
    assert imported(apple).changes[0].notes == ()
    known = Figure(figure_id="a", name="Apple", kind="organisation", cues=("iPhone",))
    (figure,) = imported(apple, known=(known,)).figures
    assert names(figure) == {"Apple": "context"}
    assert imported(apple, known=(figure,)).figures == ()


def test_a_weak_label_without_a_longer_alias_needs_support():
    found = imported(entity("Apple", "AAPL", kind="organisation"))
    assert names(found.figures[0]) == {"AAPL": "strong", "Apple": "context"}
    assert found.changes[0].notes == (
        "'Apple' is an ordinary English word: it counts only with cues or a title",
    )
    assert imported(entity("Google", kind="organisation")).figures[0].names == ()


def test_a_row_is_a_person_unless_it_or_the_command_says_otherwise():
    assert imported(row("Nina Zorv")).figures[0].kind == "person"
    assert imported(row("Nina Zorv"), kind="organisation").figures[0].kind == "organisation"
    assert (
        imported(row("Nina Zorv", kind="person"), kind="organisation").figures[0].kind == "person"
    )


def test_figures_of_a_file_may_be_related():
    found = imported(row("Nina Zorv", related=("quarzit",)), row("Quarzit", related=("nina-zorv",)))
    assert len(found.figures) == 2


@pytest.mark.parametrize(
    ("name", "qid", "taken", "figure_id"),
    [
        ("Jörg Müller-Öz", "", (), "joerg-mueller-oez"),
        ("Nina Zorv", "", ("nina-zorv",), "nina-zorv-2"),
        ("Nina Zorv", "Q7", ("nina-zorv",), "nina-zorv-q7"),
        ("Nina Zorv", "Q7", ("nina-zorv", "nina-zorv-q7"), "nina-zorv-2"),
        ("Зорв", "Q7", (), "q7"),
        ("Зорв", "", (), "figure-z4cdmdvq"),
    ],
)
def test_ids_are_made_of_names(name, qid, taken, figure_id):
    assert new_figure_id(name, qid, taken) == figure_id


# --- Wikidata ---------------------------------------------------------------------------------


def test_names_of_no_use_are_dropped_and_told():
    found = imported(
        entity(
            "Nina Zorv",
            "Zorv",
            "NZ",
            "45",
            "Quarz",
            "der kleine Stein",
            "kleiner stein",
            "Zorv (Politik)",
        )
    )
    assert {each.surface: each.reason for each in found.dropped} == {
        "NZ": "it is shorter than three letters",
        "45": "it contains no letters",
        "Quarz": "it is an ordinary word",
        "kleiner stein": "it is a phrase of ordinary words",
        "Zorv (Politik)": "it cannot stand in a text",
    }
    assert names(found.figures[0]) == {"Zorv": "strong", "der kleine Stein": "strong"}
    assert found.reasons["it is an ordinary word"] == 1


def test_weak_names_of_wikidata_need_support():
    (figure,) = imported(entity("Nina Zorv", "Nina", "Kim", "Schmidt", "NTB")).figures
    assert names(figure) == {
        "Nina": "context",
        "Kim": "context",
        "Schmidt": "context",
        "NTB": "strong",
    }


def test_there_is_room_for_so_many_names_only():
    aliases = [f"Nina Zorv{letter}{other}" for letter in "abcdef" for other in "abcdefgh"]
    found = imported(entity("Nina Zorv", *aliases))
    assert len(found.figures[0].names) == NAMES_LIMIT
    assert found.reasons == {f"there are {NAMES_LIMIT} better ones": 48 - NAMES_LIMIT}


def test_a_weak_label_gives_way_to_a_longer_alias():
    found = imported(
        entity("Apple", "APPLE", "AAPL", "Apple Computer", "Apple Inc.", kind="organisation")
    )
    (figure,) = found.figures
    assert (figure.figure_id, figure.name) == ("apple", "Apple Computer")
    assert names(figure) == {"Apple": "context", "AAPL": "strong", "Apple Inc.": "strong"}


def test_what_is_neither_person_nor_organisation():
    assert "no P31" in problem(entity("Nina Zorv", kind="")).message
    assert imported(entity("Nina Zorv", kind=""), kind="person").figures[0].kind == "person"
    assert imported(entity("Nina Zorv", kind=""), known=(ZORV,)).count("unchanged") == 1


def test_the_same_entity_twice_is_one_figure():
    found = imported(entity("Nina Zorv", "Nina Maria Zorv"), entity("Nina Zorv", "Nina Luise Zorv"))
    (figure,) = found.figures
    assert names(figure) == {"Nina Maria Zorv": "strong", "Nina Luise Zorv": "strong"}
    assert [change.outcome for change in found.changes] == ["added"]


# --- figures that are there -------------------------------------------------------------------


def test_more_is_said_and_nothing_is_lost():
    found = imported(
        entity("Nina Zorv", "Nina Maria Zorv", "Zorv", description="Ministerin"), known=(ZORV,)
    )
    (figure,) = found.figures
    assert names(figure) == {"Zorv": "context", "Nina Maria Zorv": "strong"}
    assert (figure.figure_id, figure.cues, figure.description) == ("zorv", ("Amt",), "Ministerin")
    assert figure.origin == "cli"
    assert [change.outcome for change in found.changes] == ["updated"]


def test_a_second_import_changes_nothing():
    read = (entity("Nina Zorv", "Nina Maria Zorv", "Apple"), row("Tom Quarz", aliases=["Quarz"]))
    first = imported(*read, known=(ZORV,))
    known = {figure.figure_id: figure for figure in (ZORV, *first.figures)}
    second = imported(*read, known=tuple(known.values()))
    assert second.figures == ()
    assert second.count("unchanged") == 2


def test_what_a_person_switched_off_stays_off():
    off = msgspec.structs.replace(ZORV, active=False)
    assert imported(row("Nina Zorv", cues=("Haus",)), known=(off,)).figures[0].active is False
    assert imported(row("Nina Zorv", active=True), known=(off,)).figures[0].active is True
    assert imported(row("Nina Zorv", active=False), known=(ZORV,)).figures[0].active is False


def test_a_figure_without_a_qid_takes_that_of_its_name_with_a_note():
    bare = msgspec.structs.replace(ZORV, qid="", qid_checked=False)
    found = imported(entity("Nina Zorv"), known=(bare,))
    assert (found.figures[0].qid, found.figures[0].qid_checked) == ("Q900001", False)
    assert "because of its name" in found.changes[0].notes[0]


def test_a_namesake_with_another_qid_is_another_figure():
    found = imported(entity("Nina Zorv", qid="Q7"), known=(ZORV,))
    assert [figure.figure_id for figure in found.figures] == ["nina-zorv"]


def test_an_update_passes_over_everybody_else():
    bare = Figure(figure_id="quarz", name="Tom Quarz", kind="person")
    found = imported(
        entity("Nina Zorv", "Nina Maria Zorv"),
        entity("Tom Quarz", qid="Q8"),
        entity("Eva Erz", qid="Q9"),
        Problem(4, "Q10", "has no label", "x"),
        known=(ZORV, bare),
        update_only=True,
    )
    assert [change.figure_id for change in found.changes] == ["zorv"]


@pytest.mark.parametrize(
    ("candidate", "field", "words"),
    [
        (row("Tom Quarz", qid="Q900001"), "qid", "Q900001 is already the QID of 'zorv', which is 'Nina Zorv'"),
        (row("Tom Quarz", figure_id="quarz", qid="Q900001"), "qid", "already the QID of 'zorv'"),
        (row("Nina Zorv", figure_id="zorv", qid="Q2"), "qid", "'zorv' has the QID Q900001, not Q2"),
        (row("Tom Quarz", figure_id="zorv"), "id", "'zorv' is 'Nina Zorv', and has no such name"),
        (row("Nina Zorv", qid="Q900001", kind="organisation"), "kind", "of kind person"),
        (row("Nina Zorv", figure_id="No Id", qid="Q2"), "id", "cannot be an id"),
        (row("Tom Quarz", qid="42"), "qid", "no QID"),
        (row("Tom Quarz", aliases=["--"]), "names", "can never be found"),
        (row("Tom Quarz", cues=("(",)), "cues", "can never be found"),
        (row("Tom Quarz", related=("none",)), "related", "'none'"),
        (row("Tom Quarz", related=("tom-quarz",)), "related", "'tom-quarz'"),
        (row("???"), "name", "can never be found"),
        (row("x" * 300), "name", "more than 200"),
        (entity("Tom Quarz"), "qid", "already the QID of 'zorv'"),
    ],
)  # fmt: skip
def test_what_cannot_be(candidate, field, words):
    found = problem(candidate, known=(ZORV,))
    assert (found.line, found.field) == (candidate.line, field)
    assert words in found.message
    assert found.cure
    assert import_figures([candidate], [ZORV]).figures == ()


def test_two_rows_for_one_figure():
    found = problem(row("Nina Zorv", 2), row("Nina Zorv", 3, cues=("Amt",)))
    assert (found.line, found.message) == (3, "is 'nina-zorv', as is line 2")


def test_what_is_related_to_something_bad_is_left_out_too():
    found = import_figures(
        [
            row("A Zorv", 2, related=("b-zorv",)),
            row("B Zorv", 3, related=("c-zorv",)),
            row("D Zorv", 4),
        ],
        [],
    )
    assert [figure.figure_id for figure in found.figures] == ["d-zorv"]
    assert [each.line for each in found.problems] == [2, 3]


def test_problems_of_the_reader_are_passed_on_in_order():
    told = Problem(1, "kind", "is 'robot'", "x")
    found = import_figures([row("???", 3), told], [])
    assert [each.line for each in found.problems] == [1, 3]


# --- laws -------------------------------------------------------------------------------------

words = st.text(alphabet="abNZé Ж-.1", max_size=7)
statements = st.builds(
    Candidate,
    line=st.just(1),
    name=words,
    figure_id=st.sampled_from(("", "a", "b")),
    kind=st.sampled_from(("", "person", "organisation")),
    qid=st.sampled_from(("", "Q1", "Q2")),
    aliases=st.lists(
        st.builds(Alias, words, strength=st.sampled_from(("", "strong", "context"))), max_size=3
    ).map(tuple),
    is_chosen=st.booleans(),
    cues=st.lists(words, max_size=2, unique=True).map(tuple),
    lists=st.lists(st.sampled_from(("x", "y")), max_size=2, unique=True).map(tuple),
    related=st.lists(st.sampled_from(("a", "b")), max_size=1).map(tuple),
    active=st.sampled_from((None, True, False)),
)
whole_figures = st.builds(
    Figure,
    figure_id=st.sampled_from("ab"),
    name=words.map(clean),
    kind=st.sampled_from(("person", "organisation")),
    qid=st.sampled_from(("", "Q1")),
    names=st.lists(
        st.builds(Name, surface=words, kind=st.sampled_from(("word", "surname"))), max_size=3
    ).map(tuple),
    cues=st.lists(words, max_size=2, unique=True).map(tuple),
)


@given(st.lists(statements, max_size=5))
def test_whatever_is_imported_can_be_used(read):
    found = import_figures(read, [])
    assert list(errors(found.figures)) == []
    assert {figure.figure_id for figure in found.figures} == {
        each.figure_id for each in found.changes
    }


@given(st.lists(statements, max_size=4))
def test_importing_again_changes_nothing(read):
    first = import_figures(read, [])
    second = import_figures([each for each in read if not first.problems], first.figures)
    assert second.figures == () or first.problems


@given(whole_figures, whole_figures)
def test_merging_twice_changes_nothing_and_loses_nothing(figure, more):
    once = merged(figure, more)
    assert merged(once, more) == once
    assert once.names[: len(figure.names)] == figure.names
    assert set(figure.cues) <= set(once.cues)
    assert {path_of(name.surface) for name in more.names} <= {
        path_of(name.surface) for name in (*once.names, Name(surface=once.name, kind="full"))
    }


def test_names_are_stated_anew():
    figure = with_names(
        ZORV, [Name(surface="zorv", kind="surname"), Name(surface="NZ", kind="word")]
    )
    assert names(figure) == {"zorv": "strong", "NZ": "strong"}


def test_origin_is_no_difference():
    assert same_but_origin(ZORV, msgspec.structs.replace(ZORV, origin="cli"))
    assert not same_but_origin(ZORV, msgspec.structs.replace(ZORV, cues=()))
    assert not same_but_origin(ZORV, None)
