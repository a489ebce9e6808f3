"""Names with marks, and several of them in one cell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.watchlist.aliases import Alias, clean, join, parse_alias, split, write_alias
from streams.records import Name

phrases = st.text(min_size=1, max_size=30).map(clean).filter(bool)
names = st.builds(
    Name,
    surface=phrases,
    kind=st.sampled_from(("full", "surname", "word", "given", "handle", "acronym", "initial")),
    strength=st.sampled_from(("strong", "context", "never")),
    case=st.sampled_from(("cap", "any")),
)


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("Nordwind", Alias("Nordwind")),
        ("Nordwind:context", Alias("Nordwind", strength="context")),
        (" Nordwind : Context ", Alias("Nordwind", strength="context")),
        ("nw:any:handle:never", Alias("nw", strength="never", kind="handle", case="any")),
        ("Bericht: Nordwind", Alias("Bericht: Nordwind")),
        ("A:strong:context", Alias("A:strong", strength="context")),
        ("Wa\u0308chter", Alias("Wächter")),
        ("Nord\u00adwind\x00 AG", Alias("Nordwind AG")),
        (":context", Alias("", strength="context")),
    ],
)
def test_marks_stand_behind_the_name(text, alias):
    assert parse_alias(text) == alias


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (Name(surface="Nina Maria Brandt", kind="full"), "Nina Maria Brandt"),
        (Name(surface="Brandt", kind="surname"), "Brandt:strong"),
        (Name(surface="Brandt", kind="surname", strength="context"), "Brandt:context"),
        (Name(surface="NB", kind="handle"), "NB:strong:handle"),
        (Name(surface="Studio:any", kind="word"), "Studio:any:strong:word:cap"),
    ],
)
def test_only_marks_that_are_needed_are_written(name, written):
    assert write_alias(name, "Nina Brandt", "person") == written


@given(names)
def test_what_is_written_is_read_as_it_was(name):
    alias = parse_alias(write_alias(name, "Nina Brandt", "person"))
    assert (alias.surface, alias.case) == (name.surface, name.case)
    assert alias.strength in (name.strength, "")
    assert alias.kind in (name.kind, "")


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("", ()),
        ("a|b", ("a", "b")),
        (" a | | b |a", ("a", "b")),
        (r"a\|b|c\\", ("a|b", "c\\")),
        (r"\d|e", (r"\d", "e")),
    ],
)
def test_a_cell_holds_several_values(cell, parts):
    assert split(cell) == parts


@given(st.lists(phrases, unique=True))
def test_a_cell_comes_apart_as_it_was_joined(parts):
    assert split(join(parts)) == tuple(parts)


@given(st.text())
def test_cleaning_twice_changes_nothing(text):
    assert clean(clean(text)) == clean(text)
