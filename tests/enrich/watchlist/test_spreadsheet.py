"""Watchlists as CSV, and every way of getting it wrong."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.verbs.reading import decoded
from streams.enrich.watchlist.aliases import Alias
from streams.enrich.watchlist.candidates import Candidate, Problem
from streams.enrich.watchlist.spreadsheet import COLUMNS, read_rows


def rows(text: str) -> list[Candidate]:
    read = list(read_rows(text))
    assert all(isinstance(each, Candidate) for each in read), read
    return [each for each in read if isinstance(each, Candidate)]


def problems(text: str) -> list[Problem]:
    return [each for each in read_rows(text) if isinstance(each, Problem)]


def test_only_a_name_is_needed():
    assert rows("name\nNina Zorv\n") == [Candidate(line=2, name="Nina Zorv")]


def test_a_row_with_everything():
    text = (
        "id,name,kind,qid,aliases,titles,cues,negative_cues,blockers,lists,related,description,"
        "active,qid_checked,purpose,owner,review,lang\n"
        "zorv,Nina Zorv,Person,q42,Zorv:context|NZ:handle,Ministerin,Amt|Haus,Zoo,Zorv Verlag,"
        'politics,quarzit,"Ministerin, seit 2025",no,yes,Politik,ann,2027-01-31,de\n'
    )
    assert rows(text) == [
        Candidate(
            line=2,
            figure_id="zorv",
            name="Nina Zorv",
            kind="person",
            qid="Q42",
            qid_checked=True,
            description="Ministerin, seit 2025",
            aliases=(Alias("Zorv", strength="context"), Alias("NZ", kind="handle")),
            titles=("Ministerin",),
            cues=("Amt", "Haus"),
            negative_cues=("Zoo",),
            blockers=("Zorv Verlag",),
            lists=("politics",),
            related=("quarzit",),
            purpose="Politik",
            owner="ann",
            review=date(2027, 1, 31),
            active=False,
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Name;Kind;QID\nNina Zorv;person;Q42\n",
        "NAME\tkind\tqid\nNina Zorv\tperson\tQ42",
        '"name","kind","qid"\r\n"Nina Zorv","person","Q42"\r\n',
        "\n\nname , kind , qid\n\n Nina  Zorv , person , http://www.wikidata.org/entity/Q42\n,,\n",
        "qid;name;kind\nhttps://www.wikidata.org/wiki/Q42;Nina Zorv;person\n",
    ],
)
def test_however_it_is_written(text):
    (found,) = rows(text)
    assert (found.name, found.kind, found.qid) == ("Nina Zorv", "person", "Q42")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_whatever_it_is_encoded_in(encoding):
    (found,) = rows(decoded("name;lists\nJörg Žorv;büro\n".encode(encoding)))
    assert found.name == "Jörg Žorv"


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ("", None, "", ""),
        ("figure\nNina Zorv\n", 1, "name", "no such column"),
        ("\nnames,kind\nNina Zorv,person\n", 2, "name", "no such column"),
        ("name,alias\nNina Zorv,Zorv\n", 1, "alias", "no such column"),
        ("name,name\nNina Zorv,Zorv\n", 1, "name", "there twice"),
        ("name,kind\nNina Zorv,person\n\n,person\n", 4, "name", "is empty"),
        ("name,kind\nNina Zorv,robot\n", 2, "kind", "'robot'"),
        ("name,active\nNina Zorv,perhaps\n", 2, "active", "'perhaps'"),
        ("name,review\nNina Zorv,soon\n", 2, "review", "'soon'"),
        ("name,kind\nNina Zorv,person,Q42\n", 2, "", "has 3 cells, the header 2"),
        ('name\n"Nina\nZorv"\nTom Quarz,x\n', 4, "", "has 2 cells"),
        ('name\n"Nina" Zorv\n', 2, "", "cannot be read"),
        ('name\nTom Quarz\n"Nina Zorv\n', 3, "", "cannot be read"),
        ("name\n" + "x" * 200_000 + "\n", 2, "", "cannot be read"),
    ],
)
def test_mistakes_are_told_with_line_and_column(text, line, field, words):
    found = problems(text)
    assert [(each.line, each.field) for each in found] == ([(line, field)] if line else [])
    assert all(words in each.message and each.cure for each in found)


def test_a_misspelt_column_is_recognised():
    (found,) = problems("name,aliasses\nNina Zorv,Zorv\n")
    assert found.cure == "did you mean 'aliases'?"


def test_what_is_good_is_read_beside_what_is_bad():
    read = list(read_rows("name,kind\nNina Zorv,robot\nTom Quarz,person\nEva Erz\n"))
    assert [type(each) for each in read] == [Problem, Candidate, Candidate]


@given(st.binary())
def test_any_bytes_are_read_or_told(content):
    for each in read_rows(decoded(content)):
        assert each.line >= 1


@given(st.lists(st.text(max_size=6), max_size=4), st.sampled_from(",;\t"))
def test_any_cells_are_read_or_told(cells, delimiter):
    header = delimiter.join(("name", "aliases", "cues", "qid"))
    for each in read_rows(f"{header}\n{delimiter.join(cells)}\n"):
        assert isinstance(each, Candidate | Problem)


def test_the_help_text_names_all_columns():
    from streams.enrich.verbs.exchanging import import_

    assert all(column in (import_.__doc__ or "") for column in COLUMNS)
