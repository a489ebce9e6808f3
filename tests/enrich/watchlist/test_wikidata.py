"""Wikidata's JSON, in every wrapping in which it comes. All entities here are invented."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.watchlist.aliases import Alias
from streams.enrich.watchlist.candidates import Candidate, Problem
from streams.enrich.watchlist.wikidata import MAX_DOCUMENT_BYTES, read_entities


def terms(values: dict[str, str]) -> dict[str, dict[str, str]]:
    return {lang: {"language": lang, "value": value} for lang, value in values.items()}


def claim(qid: str, rank: str = "normal") -> dict[str, object]:
    value = {"entity-type": "item", "numeric-id": int(qid[1:]), "id": qid}
    snak = {"snaktype": "value", "property": "P31", "datavalue": {"value": value}}
    return {"mainsnak": snak, "type": "statement", "rank": rank}


def entity(qid: str = "Q900001", **changes: object) -> dict[str, object]:
    return {
        "type": "item",
        "id": qid,
        "labels": terms({"de": "Nina Zorv", "en": "Nina Zorv"}),
        "descriptions": terms({"de": "deutsche Ministerin", "en": "German minister"}),
        "aliases": {"de": [{"language": "de", "value": "Nina Maria Zorv"}]},
        "claims": {"P31": [claim("Q5")], "P569": [{"mainsnak": {"datavalue": {"value": "x"}}}]},
        "sitelinks": {},
    } | changes


def read(text: str | bytes, langs: tuple[str, ...] = ("de", "en")) -> list[Candidate | Problem]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(read_entities(content.splitlines(keepends=True), langs))


def one(given: dict[str, object], langs: tuple[str, ...] = ("de", "en")) -> Candidate:
    (found,) = read(json.dumps(given), langs)
    assert isinstance(found, Candidate), found
    return found


def problem(given: object) -> Problem:
    (found,) = read(given if isinstance(given, str | bytes) else json.dumps(given))
    assert isinstance(found, Problem), found
    return found


def test_an_entity():
    assert one(entity()) == Candidate(
        line=1,
        name="Nina Zorv",
        qid="Q900001",
        kind="person",
        description="deutsche Ministerin",
        aliases=(Alias("Nina Zorv"), Alias("Nina Maria Zorv")),
        is_chosen=False,
    )


A, B = json.dumps(entity("Q900001")), json.dumps(entity("Q900002"))


@pytest.mark.parametrize(
    "text",
    [
        f"[\n{A},\n{B}\n]\n",  # a dump
        f"{A}\n{B}\n",
        f"{A}\r\n\r\n{B},\r\n",
        f"[{A},{B}]",
        f'{{"entities": {{"Q900001": {A}, "Q900002": {B}}}, "success": 1}}',
        json.dumps({"entities": {"Q900001": entity("Q900001"), "Q900002": entity("Q900002")}}, indent=2),
        json.dumps([entity("Q900001"), entity("Q900002")], indent=1),
        f'{{"entities": {{"Q900001": {A}}}}}\n{{"entities": {{"Q900002": {B}}}}}\n',
    ],
)  # fmt: skip
def test_every_wrapping(text):
    assert [each.qid for each in read(text) if isinstance(each, Candidate)] == [
        "Q900001",
        "Q900002",
    ]


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        ({"P31": [claim("Q5")]}, "person"),
        ({"P31": [claim("Q4830453"), claim("Q5")]}, "person"),
        ({"P31": [claim("Q4830453")]}, "organisation"),
        ({"P31": [claim("Q5", "deprecated"), claim("Q43229")]}, "organisation"),
        ({"P31": [claim("Q5", "deprecated")]}, ""),
        ({"P31": [{"mainsnak": {"snaktype": "somevalue"}}]}, ""),
        ({"P31": [{"mainsnak": {"datavalue": {"value": "Q5"}}}]}, ""),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_what_it_is(claims, kind):
    assert one(entity(claims=claims)).kind == kind


def test_languages_come_in_the_order_wanted():
    given = entity(
        labels=terms(
            {"en": "Lena Zorv", "de": "Lene Zorv", "mul": "L. Zorv", "de-at": "Leni Zorv"}
        ),
        aliases={
            "en-gb": [{"value": "Lady Zorv"}],
            "fr": [{"value": "Madame Zorv"}],
            "mul": [{"value": "@lzorv"}],
        },
        descriptions=terms({"en": "minister"}),
    )
    found = one(given, ("en", "de"))
    assert (found.name, found.description) == ("Lena Zorv", "minister")
    assert found.aliases == (
        Alias("Lene Zorv"),
        Alias("Leni Zorv"),
        Alias("L. Zorv"),
        Alias("Lady Zorv"),
        Alias("lzorv", kind="handle"),
    )


def test_labels_of_other_languages_in_scripts_that_are_read():
    labels = {"de": "Nina Zorv", "uk": "Ніна Зорв", "ru": "Нина Зорв", "lv": "Nina Zorva"}
    labels |= {"bg": "Нина Зорв", "ja": "ニナ・ゾルブ", "ar": "نينا زورف", "el": "Νίνα Ζορβ"}
    found = one(entity(labels=terms(labels), aliases=[]))
    assert [alias.surface for alias in found.aliases] == ["Нина Зорв", "Ніна Зорв", "Nina Zorva"]


def test_without_a_label_in_the_wanted_languages_the_next_best_is_taken():
    assert one(entity(labels=terms({"fr": "Nina Zorv"}))).name == "Nina Zorv"
    assert problem(entity(labels=terms({"ja": "ニナ"}))).message.startswith("has no label")
    assert problem(entity(labels=[])).message.startswith("has no label")


def test_labels_are_cleaned():
    found = one(entity(labels=terms({"de": " Wa\u0308chter \u200b  Zorv\u0000"})))
    assert found.name == "Wächter Zorv"


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"id": "Q900009", "missing": ""}, "Q900009", "no such entity"),
        (entity("P31", type="property"), "P31", "is a property"),
        (entity(""), "", "has no id"),
        ({"figure_id": "a", "name": "Nina Zorv"}, "", "has no id"),
        ({"id": 5}, "", "no entity of Wikidata: Expected `str`"),
        (entity(labels={"de": "Nina Zorv"}), "", "no entity of Wikidata"),
        ("[[[[[[]]]]]]", "", "nested too deep"),
        ("nonsense", "", "JSON is malformed"),
        ("{", "", "truncated"),
        ("42", "", "no entity of Wikidata"),
        (b'{"id": "\xff"}', "", "no entity of Wikidata"),
        ("[" * 100_000, "", "no entity of Wikidata"),
    ],
)
def test_what_is_no_entity(given, field, words):
    found = problem(given)
    assert found.field == field
    assert words in found.message
    assert found.cure


def test_a_broken_line_does_not_stop_a_dump():
    read_ = read(f"[\n{A},\n{{broken,\n{B}\n]")
    assert [(type(each), each.line) for each in read_] == [
        (Candidate, 2),
        (Problem, 3),
        (Candidate, 4),
    ]


def test_nothing_at_all():
    assert read("") == read("\n[\n]\n") == read("[]") == read('{"entities": []}') == []


def test_a_dump_is_never_held():
    """Lines are made while they are read: far more than memory would hold."""
    lines = (f"{A},\n".encode() for _ in range(20_000))
    assert sum(isinstance(each, Candidate) for each in read_entities(lines)) == 20_000


def test_a_document_has_bounds():
    lines = [b"x" * 2**20 + b"\n"] * (MAX_DOCUMENT_BYTES // 2**20 + 1)
    (found,) = read_entities(lines)
    assert isinstance(found, Problem)
    assert "is one document of more than 64 MB" in found.message


@given(st.binary())
def test_any_bytes_are_read_or_told(content):
    for each in read(content):
        assert isinstance(each, Candidate | Problem)


values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("id", "type", "labels", "aliases", "claims", "P31", "de", "entities"))
            | st.sampled_from(
                ("value", "mainsnak", "datavalue", "missing", "rank", "descriptions")
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(values, st.sampled_from((None, 1)))
def test_any_json_is_read_or_told(value, indent):
    for each in read(json.dumps(value, indent=indent)):
        assert isinstance(each, Candidate | Problem)


@given(st.fixed_dictionaries({}, optional={name: values for name in entity() if name != "id"}))
def test_any_entity_is_read_or_told(changes):
    (found,) = read(json.dumps(entity() | changes))
    assert isinstance(found, Candidate | Problem)
