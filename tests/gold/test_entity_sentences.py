"""What the entity model learns from: marks are read, tokens joined and names replaced without a slip."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from streams.enrich.entity_models import Found
from streams.errors import ConfigError
from tests.gold.entities.corpora import WRITTEN
from tests.gold.entities.judge import Counts, compare
from tests.gold.entities.name_lists import NameLists
from tests.gold.entities.sentences import (
    UNCLEAR,
    Sentence,
    Span,
    from_tokens,
    parse_marked,
    read_marked,
)
from tests.gold.entities.variants import varied

HERE = Path("here.txt")


def test_marks_become_spans() -> None:
    text, spans = parse_marked("[Kiel](LOC) ([dpa](ORG)) – Ruhe.", HERE, 1)
    assert text == "Kiel (dpa) – Ruhe."
    assert [(text[span.start : span.end], span.label) for span in spans] == [
        ("Kiel", "LOC"),
        ("dpa", "ORG"),
    ]


@pytest.mark.parametrize("line", ["[Kiel](CITY)", "Kiel] ruht", "[Kiel] ruht"])
def test_a_wrong_mark_is_named_with_file_and_line(line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_marked(line, HERE, 7)
    assert (caught.value.file, caught.value.line) == ("here.txt", 7)


@pytest.mark.parametrize("lang", ["de", "en"])
def test_what_we_wrote_is_well_formed_and_said_once(lang: str) -> None:
    texts = [each.text for each in read_marked(sorted(WRITTEN.glob(f"{lang}-*.txt")), lang, "")]
    assert len(texts) > 3_000
    assert len(set(texts)) == len(texts)
    for each in read_marked(sorted(WRITTEN.glob(f"{lang}-*.txt")), lang, ""):
        for span in each.spans:
            surface = each.text[span.start : span.end]
            assert surface == surface.strip()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["\"", "Ja", "\"", ",", "sagte", "Moss", "."], '"Ja", sagte Moss.'),
        (["Moss", "'s", "plan", "(", "new", ")", "wo", "n't", "work", "!"], "Moss's plan (new) won't work!"),
        (["Merkel", "'", "s", "Rede"], "Merkel's Rede"),
    ],
)  # fmt: skip
def test_tokens_are_joined_as_printed(words: list[str], text: str) -> None:
    assert from_tokens(words, ["O"] * len(words), "en", "").text == text


def test_neighbours_with_the_same_label_stay_two() -> None:
    sentence = from_tokens(
        ["Paris", ",", "New", "York"], ["B-LOC", "O", "B-LOC", "I-LOC"], "en", ""
    )
    assert [sentence.text[start:end] for start, end, _ in sentence.spans] == ["Paris", "New York"]


class Names(NameLists):
    """The same name for everybody, without the lists."""

    def __init__(self) -> None:
        pass

    def person(self, words: int, lang: str, random: Random) -> str:
        return " ".join(["Neu"] * words)

    def city(self, lang: str, random: Random) -> str:
        return "Neuwied"

    def organisation(self, lang: str, random: Random) -> str:
        return "Neu & Söhne"

    def known(self, label: str, lang: str, random: Random) -> str:
        return "Neuwied"


def test_variants_keep_every_span_on_its_name() -> None:
    random = Random(1)
    sentence = Sentence(
        "„Anna Bauer“ lobt Bonn und Bonn.", (Span(1, 11, "PER"), Span(18, 22, "LOC")), "de", ""
    )
    seen = set()
    for _ in range(300):
        other = varied(sentence, Names(), random)
        seen.add(other.text)
        found = {other.text[start:end].casefold() for start, end, _ in other.spans}
        assert found <= {"anna bauer", "neu neu", "bonn", "neuwied"}
    assert len(seen) > 10


def test_unclear_spans_count_neither_way() -> None:
    sentence = Sentence("Rot und Blau", (Span(0, 3, UNCLEAR), Span(8, 12, "ORG")), "de", "")
    counts = compare(sentence, [Found(0, 3, "PER"), Found(8, 12, "LOC")])
    assert counts == {"LOC": Counts(0, 1, 0), "ORG": Counts(0, 0, 1)}
