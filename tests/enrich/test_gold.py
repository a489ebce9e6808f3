"""Labelled items: what is read, and what each mistake in a file is answered with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.gold import GoldItem, read_gold
from streams.errors import ConfigError, NotFoundError

FIGURES = {"ada-lovelace", "meta", "open-society"}
TOPICS = {"ai", "regulation"}
GOOD: dict[str, Any] = {"id": "a", "lang": "de", "title": "Ein Titel"}


def write(path: Path, *items: Any) -> Path:
    path.write_text("\n".join(json.dumps(item) for item in items), "utf-8")
    return path


def test_every_field_is_read(tmp_path: Path) -> None:
    stated = {
        "id": "de-1", "lang": "de", "feed": "blatt", "title": "Meta <b>prüft</b>",
        "summary": "Ein Satz.", "body": "Mehr.", "figures": {"meta": "alert", "open-society": "possible"},
        "policy_topics": ["ai"], "possible_topics": ["regulation"], "trap": "namesake",
    }  # fmt: skip
    (item,) = read_gold([write(tmp_path / "a.jsonl", stated)], FIGURES, TOPICS)
    assert item == GoldItem(
        id="de-1", lang="de", feed="blatt", title="Meta <b>prüft</b>", summary="Ein Satz.", body="Mehr.",
        figures={"meta": "alert", "open-society": "possible"}, policy_topics=("ai",),
        possible_topics=("regulation",), trap="namesake",
    )  # fmt: skip
    assert item.document().text == "Meta prüft\n\nEin Satz.\n\nMehr."


def test_what_is_not_labelled_differs_from_what_has_none(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", GOOD, {**GOOD, "id": "b", "figures": {}, "policy_topics": []}
    )
    without, none = read_gold([path])
    assert (without.figures, without.policy_topics) == (None, None)
    assert (none.figures, none.policy_topics) == ({}, ())


def test_text_is_another_name_of_body(tmp_path: Path) -> None:
    (item,) = read_gold([write(tmp_path / "a.jsonl", {"id": "a", "lang": "en", "text": "Words."})])
    assert item.body == "Words."


def test_files_of_other_editors_and_systems(tmp_path: Path) -> None:
    first = tmp_path / "a.jsonl"
    first.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n\r\n")
    second = tmp_path / "b.jsonl"
    line = json.dumps({**GOOD, "id": "b", "title": "one\u2028line\x85still"}, ensure_ascii=False)
    second.write_text(line, "utf-8")
    items = read_gold([first, second])
    assert [item.id for item in items] == ["a", "b"]
    assert items[1].title == "one\u2028line\x85still"


@pytest.mark.parametrize(
    ("id_", "split"),
    # First bytes of `printf ID | b2sum`: 57, 82, 7b, 9a, c0.
    [("de-1", "test"), ("de-2", "dev"), ("en-1", "test"), ("en-2", "dev"), ("b", "dev")],
)
def test_the_id_decides_the_split(id_: str, split: str) -> None:
    assert GoldItem(id=id_, lang="de").split == split


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"titel": "x"}, "titel", ["unknown field", "did you mean 'title'?"]),
        ({"texts": "x"}, "texts", ["unknown field", "did you mean 'text'?"]),
        ({"zzz": "x"}, "zzz", ["unknown field", "fields are id, lang, feed, title"]),
        ({"text": "x", "body": "y"}, "text", ["another name of 'body'", "leave one of them out"]),
        ({"lang": "deu"}, "lang", ["ISO 639-1", '"de"']),
        ({"id": ""}, "id", ["length >= 1"]),
        ({"title": 3}, "title", ["Expected `str`, got `int`"]),
        ({"title": " <br> "}, "title", ["no text", "fill title, summary or body"]),
        ({"figures": {"meta": "maybe"}}, "figures[...]", ["maybe", '"alert" or "possible"']),
        ({"figures": ["meta"]}, "figures", ["Expected `object"]),
        ({"figures": {"metta": "alert"}}, "figures", ["'metta' is no figure", "'meta'"]),
        ({"figures": {"ada": "possible"}}, "figures", ["'ada' is no", "'ada-lovelace'"]),
        ({"policy_topics": ["AI"]}, "policy_topics", ["'AI' is no policy topic", "'ai'?"]),
        ({"policy_topics": ["sports"]}, "policy_topics", ["use one of ai, regulation"]),
        ({"policy_topics": "ai"}, "policy_topics", ["Expected `array"]),
        ({"possible_topics": ["regulations"]}, "possible_topics", ["'regulation'"]),
        (
            {"policy_topics": ["ai"], "possible_topics": ["ai"]},
            "possible_topics",
            ["'ai' stands in policy_topics too", "choose one"],
        ),
    ],
)
def test_a_wrong_item_is_named_with_line_field_and_cure(
    tmp_path: Path, wrong: dict[str, Any], field: str, words: list[str]
) -> None:
    path = write(tmp_path / "a.jsonl", {**GOOD, "id": "first"}, {**GOOD, **wrong})
    with pytest.raises(ConfigError) as caught:
        read_gold([path], FIGURES, TOPICS)
    assert (caught.value.file, caught.value.line, caught.value.field) == (str(path), 2, field)
    assert str(caught.value).startswith(f"{path}:2: {field}: ")
    assert caught.value.cure
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("missing", ["id", "lang"])
def test_what_every_item_needs(tmp_path: Path, missing: str) -> None:
    item = {key: value for key, value in GOOD.items() if key != missing}
    with pytest.raises(ConfigError, match=rf"a.jsonl:1: {missing}: .*\(add it\)"):
        read_gold([write(tmp_path / "a.jsonl", item)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"id": "a",', "a.jsonl:1: is no JSON"),
        (b'\n\n{"id": "a"} {"id": "b"}', "a.jsonl:3: is no JSON"),
        (b"[" * 100_000, "a.jsonl:1: is no JSON"),
        (b'["id", "a"]', "one JSON object a line"),
        (b'{"id": "a", "lang": "de", "title": "\xfc"}', "a.jsonl:1: is not UTF-8"),
        (b"\n \n", "a.jsonl: has no items"),
        (b"", "tests/gold/README.md"),
    ],
)
def test_what_is_no_file_of_items(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_gold([path])
    assert words in str(caught.value)


def test_an_id_is_given_once_in_all_files(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", {**GOOD, "id": "z"}, GOOD)
    second = write(tmp_path / "b.jsonl", GOOD)
    with pytest.raises(ConfigError) as caught:
        read_gold([first, second])
    assert str(caught.value).startswith(f"{second}:1: id: 'a' is the id of {first}:2 too")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.jsonl", tmp_path):
        with pytest.raises(NotFoundError, match=r"cannot read .*tests/gold/README\.md"):
            read_gold([path])


def test_nothing_is_known_where_there_is_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {**GOOD, "figures": {"meta": "alert"}})
    assert read_gold([path])[0].figures == {"meta": "alert"}  # not asked
    with pytest.raises(ConfigError, match="there is none"):
        read_gold([path], figures=())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_with_a_cure(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_gold([path])
    assert caught.value.cure
