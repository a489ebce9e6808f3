"""How names are read, respelled and found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.name_trie import NameTrie
from streams.enrich.names import (
    SPELLINGS_LIMIT,
    capitals,
    given_names,
    given_names_of,
    path_of,
    spellings,
    stated_names,
)
from streams.enrich.words import Words, fold
from streams.records import Figure, Name


def person(name: str, *names: Name) -> Figure:
    return Figure(figure_id="p", name=name, kind="person", names=names)


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("Zölle", "zolle"),
        ("Weiß", "weiss"),
        ("WEISS", "weiss"),
        ("Žižek", "zizek"),
        ("Łukasz", "lukasz"),
        ("Ørsted", "orsted"),
        ("ЗЕЛЕНСЬКИЙ", "зеленськии"),
        ("42", "42"),
    ],
)
def test_folding_drops_case_and_accents(word, folded):
    assert fold(word) == folded


@pytest.mark.parametrize(
    ("surface", "path"),
    [
        ("Nick Clegg", ("nick", " clegg")),
        ("EU-Kommission", ("eu", " kommission")),
        ("D. Trump", ("d", ".trump")),
        ("v.d. Leyen", ("v", ".d", ".leyen")),
        ("Clegg, Nick", ("clegg", ",nick")),
        ("Marks & Spencer", ("marks", "&spencer")),
        ("O’Brien", ("o", "'brien")),
        ("X Corp.", ("x", " corp")),
        ("Meta (Konzern)", ()),
        ("Meta – Konzern", ()),
        ("…", ()),
        ("", ()),
    ],
)
def test_a_name_becomes_a_path_of_words_and_gaps(surface, path):
    assert path_of(surface) == path


@pytest.mark.parametrize(
    ("surface", "demanded"),
    [
        ("Ursula von der Leyen", (1, 0, 0, 1)),
        ("FTC", (2,)),
        ("X", (1,)),
        ("noyb", (0,)),
        ("iPhone", (0,)),
        ("OpenAI", (1,)),
    ],
)
def test_a_name_demands_the_capitals_it_has(surface, demanded):
    assert capitals(surface) == demanded


@pytest.mark.parametrize(
    ("name", "variant", "kind", "source"),
    [
        ("Nina Wächter", "Wächter, Nina", "full", "generated:comma"),
        ("Nina Wächter", "N. Wächter", "initial", "generated:initial"),
        ("Nina Wächter", "Nina Waechter", "full", "generated:umlaut"),
        ("Nina Wächter", "N. Waechter", "initial", "generated:initial"),
        ("Nina Wächter", "Wächter", "surname", "generated:surname"),
        ("Karl Otto Brandt", "Karl O. Brandt", "full", "generated:middle-initial"),
        ("Karl Otto Brandt", "Karl Brandt", "full", "generated:first-given"),
        ("Karl-Otto Brandt", "K.-O. Brandt", "initial", "generated:initial"),
        ("Eva van den Berg", "Eva v. d. Berg", "full", "generated:particles"),
        ("Eva van den Berg", "van den Berg", "surname", "generated:surname"),
        ("Eva van den Berg", "E. van den Berg", "initial", "generated:initial"),
        ("Iwan Petrowskyj", "Iwan Petrowski", "full", "generated:transliteration"),
    ],
)
def test_variants_of_a_person(name, variant, kind, source):
    found = {spelling.surface: spelling for spelling in spellings(person(name))}
    assert (found[variant].kind, found[variant].source) == (kind, source)


def test_a_surname_nobody_stated_is_too_weak_to_stand_alone():
    (surname,) = [name for name in spellings(person("Nina Brandt")) if name.kind == "surname"]
    assert surname.strength == "context"


def test_initials_are_as_strong_as_the_surname():
    strong = person("Nina Brandt", Name(surface="Brandt", kind="surname"))
    weak = person("Nina Brandt", Name(surface="Brandt", kind="surname", strength="context"))
    assert {n.strength for n in spellings(strong) if n.kind == "initial"} == {"strong"}
    assert {n.strength for n in spellings(weak) if n.kind == "initial"} == {"context"}


def test_a_stated_name_replaces_the_derived_one():
    never = Name(surface="N. Brandt", kind="initial", strength="never")
    assert [n for n in spellings(person("Nina Brandt", never)) if n.surface == "N. Brandt"] == [
        never
    ]


def test_an_organisation_has_no_given_names():
    figure = Figure(figure_id="o", name="Nordwind Energie", kind="organisation")
    assert [name.surface for name in spellings(figure)] == ["Nordwind Energie"]


def test_the_limit_cuts_what_is_derived_not_what_is_stated():
    stated = [Name(surface=f"Iwan{i} Petrowskyj", kind="full") for i in range(30)]
    found = spellings(person("Iwan Petrowskyj", *stated))
    assert len(found) == SPELLINGS_LIMIT
    assert {name.surface for name in stated} <= {name.surface for name in found}


def test_given_names_of_a_person():
    figure = person("Eva van den Berg", Name(surface="Evi Luise van den Berg", kind="full"))
    assert given_names_of(figure) == {"eva", "evi", "luise"}


def test_given_names_leave_out_words_that_open_a_headline():
    assert {"melania", "jurgen", "kevin"} <= given_names()
    assert not {"will", "may", "bill", "rich", ""} & given_names()


# --- the trie -------------------------------------------------------------------------------


def found(text: str, *surfaces: str) -> list[tuple[str, str]]:
    trie: NameTrie[str] = NameTrie()
    for surface in surfaces:
        trie.add(path_of(surface), surface)
    return [(text[p.start : p.end], p.ending) for p in trie.places(Words(text))]


@pytest.mark.parametrize(
    ("text", "surface", "expected"),
    [
        ("Brandts Rede", "Brandt", [("Brandt", "s")]),
        ("BRANDTS REDE", "Brandt", [("BRANDT", "S")]),
        ("Brandt’s speech", "Brandt", [("Brandt", "’s")]),
        ("Brandt's speech", "Brandt", [("Brandt", "'s")]),
        ("des Schulzes", "Schulz", [("Schulz", "es")]),
        ("Schulz’ Rede", "Schulz", [("Schulz", "’")]),
        ("the Brandts’ house", "Brandt", [("Brandt", "s’")]),
        ("'Brandt' sagt er", "Brandt", [("Brandt", "")]),
        ("Brandtes Rede", "Brandt", []),
        ("Brandtismus", "Brandt", []),
        ("Brandt’scher Stil", "Brandt", [("Brandt", "")]),
        ("Nina  Brandts Rede", "Nina Brandt", [("Nina  Brandt", "s")]),
        ("Nina\u00a0Brandt", "Nina Brandt", [("Nina\u00a0Brandt", "")]),
        ("Nina-Brandt-Platz", "Nina Brandt", [("Nina-Brandt", "")]),
        ("Nina\nBrandt", "Nina Brandt", []),
        ("Nina. Brandt", "Nina Brandt", []),
        ("N.Brandt", "N. Brandt", [("N.Brandt", "")]),
        ("Preuß kommt", "Preus", []),
    ],
)
def test_places_and_their_endings(text, surface, expected):
    assert found(text, surface) == expected


def test_a_short_name_that_opens_a_long_one_is_not_lost():
    assert found("Paul Mannheim", "Paul Mann", "Mannheim") == [("Mannheim", "")]


def test_an_exact_name_does_not_hide_one_with_a_genitive():
    assert found("Jans Haus", "Jans", "Jan") == [("Jans", ""), ("Jan", "s")]


@given(st.text())
def test_words_slice_the_text(text):
    words = Words(text)
    assert words.raws == [
        text[start:end] for start, end in zip(words.starts, words.ends, strict=True)
    ]
    assert all(raw.isalnum() for raw in words.raws)


paths = st.lists(st.sampled_from("abc"), max_size=4).map(tuple)


@given(st.lists(st.tuples(paths, st.integers(0, 3)), max_size=12), paths)
def test_removing_restores_the_trie(before, path):
    text = Words("a b c a a b")
    trie: NameTrie[int] = NameTrie()
    for known, payload in before:
        trie.add(known, payload)
    places = list(trie.places(text))
    trie.add(path, 99)
    trie.remove(path, 99)
    assert list(trie.places(text)) == places


def test_a_figures_own_name_may_be_stated_again():
    weak = Name(surface="apple", kind="word", strength="context", case="any")
    other = Name(surface="AAPL", kind="acronym")
    figure = Figure(figure_id="a", name="Apple", kind="organisation", names=(other, weak))
    assert stated_names(figure) == (weak, other)
    assert spellings(figure) == [weak, other]


def test_a_name_that_is_only_stated_twice_is_the_full_name_still():
    again = Name(surface="Zorvex", kind="word", case="any")
    figure = Figure(figure_id="a", name="Zorvex", kind="organisation", names=(again,))
    assert spellings(figure) == [Name(surface="Zorvex", kind="full", case="any")]


def test_a_full_name_that_others_bear_has_no_strong_variants():
    weak = Name(surface="Tom Miller", kind="full", strength="context")
    variants = {name.surface: name.strength for name in spellings(person("Tom Miller", weak))}
    assert variants["Tom Miller"] == variants["Miller, Tom"] == variants["T. Miller"] == "context"
