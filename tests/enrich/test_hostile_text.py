"""Texts, figures and lexicons that were never meant to be read."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.enrich.entities import EntityTagger
from streams.enrich.figures import FigureMatcher
from streams.enrich.lexicon import PolicyLexicon, read_policy
from streams.enrich.pipeline import Enricher, build_enricher
from streams.enrich.policy import PolicyMatcher
from streams.enrich.text import TEXT_LIMIT, make_document
from streams.enrich.watchlist.checking import own_errors
from streams.errors import ConfigError, NotFoundError
from streams.records import EnrichedItem, Figure, FigureHit, Item, Name
from streams.wire import decode, encode

POLICY = Path(__file__).resolve().parents[2] / "deploy" / "config" / "policy"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = 5.0
"""Of processor time, some ten times what was measured; what takes a square of time takes more."""


def weak(surface: str, kind: str = "surname") -> Name:
    return msgspec.convert({"surface": surface, "kind": kind, "strength": "context"}, Name)


FIGURES = (
    Figure(
        figure_id="vogel",
        name="Tom Vogel",
        kind="person",
        names=(weak("Vogel"),),
        titles=("Chef",),
        cues=("Funk", "Amt"),
        negative_cues=("Wald",),
        related=("berg", "vogel"),
    ),
    Figure(
        figure_id="berg",
        name="Eva Berg",
        kind="person",
        names=(weak("Berg"),),
        cues=("Funk",),
        related=("vogel",),
    ),
    Figure(
        figure_id="orbit",
        name="Oriental Basic Institute",
        kind="organisation",
        names=(Name(surface="OBI", kind="acronym"), weak("Delta", "word")),
        blockers=("Delta Force",),
    ),
    Figure(figure_id="q", name="Q", kind="organisation", names=(weak("Q", "word"),)),
)
MATCHER = FigureMatcher(FIGURES)
LEXICON = read_policy(POLICY)
ENRICHER = Enricher(MATCHER, PolicyMatcher(LEXICON), EntityTagger({}))
COMPLETE = build_enricher(FIGURES, POLICY)


def item(**fields: Any) -> Item:
    values = {"item_id": "i", "feed_id": "f", "published_at": NOW, "seen_at": NOW, **fields}
    return Item(**values)


def seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def found(text: str, *figures: Figure, lang: str = "de") -> dict[str, FigureHit]:
    matcher = FigureMatcher(figures) if figures else MATCHER
    return {hit.figure_id: hit for hit in matcher.find(make_document("", "", text), lang)}


# --- characters ---------------------------------------------------------------------------------

ODD_CHARACTERS = (
    "\0 \x1b \x1c \x85 \u00ad \u0301 \u0345 \u034f \u061c \u115f \u200b \u200d \u200e \u200f "
    "\u202a \u202e \u2028 \u2066 \u2069 \u3099 \u3164 \uff9e \uff9f \ufdfa \ufe0f \ufeff \ufffe "
    "\ud83d \udc00 \U0001f680 \U0001f1e9 \U0001d413 \U000e0041 \U0010ffff "
    "ß ẞ İ ı ŉ ǅ ﬁ ² ½ Ⅷ م א ไ 한 字"
)
ODD = ODD_CHARACTERS.split(" ")
PIECE_WORDS = "Tom Vogel Berg OBI Delta Q EU sperrt „ “ : . , - ’s sagte <p> &amp;"
PIECES = st.sampled_from([*ODD, *PIECE_WORDS.split(), " ", "\n"])
TEXTS = st.one_of(st.text(st.characters(codec=None)), st.lists(PIECES, max_size=50).map("".join))


@settings(max_examples=200)
@given(TEXTS, TEXTS, TEXTS, st.sampled_from(["", "de", "en", "uk", "\ud800"]))
@example("\uff9e", "\uff9e OBI", "Tom Vogel \uff9f", "de")
def test_no_characters_break_an_item(title: str, summary: str, body: str, lang: str) -> None:
    enriched = ENRICHER.enrich(item(title=title, summary=summary, body=body, lang=lang), NOW)
    assert decode(EnrichedItem, encode(enriched)) == enriched
    for place in (place for hit in enriched.figures for place in hit.mentions):
        assert enriched.text[place.start : place.end] == place.surface


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("character", ODD)
def test_an_odd_character_anywhere_leaves_the_rest_readable(character: str, lang: str) -> None:
    body = f"{character} Tom Vogel {character} . {character}{character} {character * 40}"
    enriched = COMPLETE.enrich(item(title=character, body=body, lang=lang), NOW)
    assert [hit.figure_id for hit in enriched.figures] == ["vogel"]


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("To\u200bm Vo\u00adgel sprach.", "Tom Vogel"),
        ("\u202bTom\u200f Vogel\u202c sprach.", "Tom Vogel"),
        ("\u2067Tom Vogel\u2069 قال אמר", "Tom Vogel"),
        ("قال Tom Vogel: نعم", "Tom Vogel"),
        ("Tom\u00a0Vogel und Tom\u2003Berg", "Tom\u0020Vogel"),
        ("🚀Tom Vogel🚀🚀", "Tom Vogel"),
        ("👩\u200d🚀Tom Vogel❤\ufe0f sprach", "Tom Vogel"),
        ("𝐓𝐨𝐦 𝐕𝐨𝐠𝐞𝐥 sprach.", "𝐓𝐨𝐦 𝐕𝐨𝐠𝐞𝐥"),
        ("Ｔｏｍ Ｖｏｇｅｌ sprach.", "Ｔｏｍ Ｖｏｇｅｌ"),
        ("T\u0301om V\u0301ogel, Tom Vogel", "Tom Vogel"),
    ],
)
def test_a_name_among_odd_characters_is_found(text: str, surface: str) -> None:
    hit = found(text)["vogel"]
    assert [place.surface for place in hit.mentions] == [surface]


@pytest.mark.parametrize("text", ["Тоm Vоgel", "Tom🚀Vogel", "legoV moT", "T o m  V o g e l"])
def test_what_only_looks_like_a_name_is_none(text: str) -> None:
    """Cyrillic letters among them: nobody's name is guessed."""
    assert found(text) == {}


# --- figures that nobody checked ----------------------------------------------------------------


@pytest.mark.parametrize(
    "junk", ["", " ", "–", "(?)", "\n", "*", "\0", "\u200b", "🚀", "ﾞ", "_", "’"]
)
def test_a_figure_of_mere_marks_is_never_found_and_harms_nobody(junk: str) -> None:
    empty = Figure(
        figure_id="",
        name=junk,
        kind="person",
        names=(Name(surface=junk, kind="acronym"), weak(junk), weak(junk, "word")),
        titles=(junk, junk),
        cues=(junk,),
        negative_cues=(junk,),
        blockers=(junk, junk),
        related=("", "vogel"),
    )
    text = f"{junk} Tom Vogel {junk}, {junk} – (?) ’ * _"
    matcher = FigureMatcher([empty, *FIGURES])
    hits = matcher.find(make_document("", "", text), "de")
    assert "vogel" in [hit.figure_id for hit in hits]
    matcher.update("", None)
    assert matcher.version == MATCHER.version


def test_a_name_of_one_letter_needs_a_capital_and_support() -> None:
    assert found("q und Q.", lang="und") == {}
    assert found("Die App von Q meldet Nutzer.")["q"].mentions[0].surface == "Q"


def test_letters_that_stand_for_nothing_but_themselves() -> None:
    """Any word begins with some letter: "Quark" does not spell Q out."""
    letter = Figure(
        figure_id="l",
        name="Q Holding",
        kind="organisation",
        names=(Name(surface="Q", kind="acronym"),),
    )
    assert found("Quark ist teuer, Q auch.", letter)["l"].level == "alert"


def test_what_stands_behind_a_genitive_in_es() -> None:
    """The "es" of "Fuchses" is no word of its own, unlike the s of "Fuchs’s"."""
    fox = Figure(
        figure_id="fuchs", name="Fuchs AG", kind="organisation", names=(weak("Fuchs", "word"),)
    )
    for text in ("Des Fuchses Konzern", "Fuchs’s Konzern"):
        assert ("role", 2.0) in [(r.rule, r.weight) for r in found(text, fox)["fuchs"].reasons]


def test_figures_that_are_related_in_a_circle() -> None:
    hits = found("Tom Vogel traf Eva Berg.")
    assert {id_: hit.level for id_, hit in hits.items()} == {"vogel": "alert", "berg": "alert"}


def test_a_name_with_an_invisible_character_is_refused_with_a_cure() -> None:
    """Texts hold no such characters any more, so it would never be found."""
    figure = Figure(figure_id="f", name="Mara Quen\u00adtin", kind="person")
    (error,) = own_errors(figure)
    assert "invisible" in error.message
    assert "'Mara Quentin'" in error.cure


# --- much of the same ---------------------------------------------------------------------------


def repeated(unit: str) -> str:
    return unit * (1_000_000 // len(unit))


UNITS = (
    *(
        ".",
        "…)",
        "!",
        ". ",
        "A. B. ",
        "a\n\n",
        "\u0301",
        "\U0001f680",
        "\u200b",
        "ﾞ",
        "ﾞ ",
        "<p>",
        "&#",
    ),
    *("Vogel ", "Vogel Berg ", "Vogel, Berg, ", "Funk Amt Vogel ", "Tom Vogel ", "Berg-Vogel-"),
    *("OBI ", "OBI Obst Bn ", "Q ", "Q, Q und ", "Delta Force ", "Wald Vogel ", "Chef Vogel. "),
    *(
        "der die das und ",
        "KI-",
        "Daten",
        "EU sperrt Konto. ",
        "EU ",
        "sperrt ",
        "Konto ",
        "nicht ",
    ),
    *(
        "„Das ist gut so“, sagte Tom Vogel. ",
        "Tom Vogel sagte, dass Eva Berg lügt. ",
        "„",
        "(",
        " – ",
    ),
)


@pytest.mark.parametrize("unit", UNITS)
def test_a_megabyte_of_anything_is_read_in_bounded_time(unit: str) -> None:
    source = item(title="Die Lage am Morgen im Land", body=repeated(unit), lang="de")
    assert seconds(lambda: ENRICHER.enrich(source, NOW)) < SECONDS


@pytest.mark.parametrize("letter", ["a", "Ä", "ß", "字", "ﾞ", "9"])
def test_a_word_of_a_whole_text(letter: str) -> None:
    source = item(title="Tom Vogel", body=letter * TEXT_LIMIT, lang="de")
    assert seconds(lambda: ENRICHER.enrich(source, NOW)) < SECONDS
    assert [hit.figure_id for hit in ENRICHER.enrich(source, NOW).figures] == ["vogel"]


@pytest.mark.parametrize("kind", ["person", "organisation"])
def test_many_figures_of_one_name_in_one_list(kind: Any) -> None:
    """Every bearer is weighed, but not against every other."""
    bearers = [
        Figure(figure_id=f"f{number}", name=f"G{number} Berg", kind=kind, names=(weak("Berg"),))
        for number in range(20)
    ]
    matcher, document = FigureMatcher(bearers), make_document("", "", "Berg, " * 1_000)
    assert seconds(lambda: matcher.find(document, "de")) < SECONDS
    assert len(matcher.find(document, "de")) == len(bearers)


def test_a_name_as_long_as_a_text_is_not_looked_for() -> None:
    endless = Figure(figure_id="e", name="ha " * 5_000, kind="organisation")
    matcher, document = FigureMatcher([endless]), make_document("", "", "ha " * 6_000)
    assert seconds(lambda: matcher.find(document, "de")) < SECONDS
    assert matcher.find(document, "de") == ()


SLOTS = [
    {"id": slot, "de": [f"{slot}{letter}" for letter in "abcdefgh"]}
    for slot in ("lo", "mi", "nu", "pe", "ri", "sa", "to", "vu")
]
NAMES = [str(slot["id"]) for slot in SLOTS]


@pytest.mark.parametrize("neighbours", [False, True])
@pytest.mark.parametrize(
    "gap", [" ", " dann ", " dann ging es weiter und weiter bis an ein Ende ", ". "]
)
def test_the_slots_of_a_pattern_do_not_multiply(gap: str, neighbours: bool) -> None:
    pattern = {"id": "p", "slots": NAMES, "within": 12, "neighbours": neighbours}
    source = {"topics": [{"id": "t", "name": "T", "patterns": [pattern]}], "slots": SLOTS}
    matcher = PolicyMatcher(msgspec.convert(source, PolicyLexicon))
    words = [f"{slot}{letter}" for slot in NAMES for letter in "abcdefgh"]
    document = make_document(
        "", "", f"{gap.join(words)}. {gap.join(sorted(words, key=lambda word: word[::-1]))}."
    )
    assert seconds(lambda: matcher.find(document, "de")) < SECONDS


def test_one_slot_of_each_pattern_of_the_lexicon_again_and_again() -> None:
    slots = {slot.id: [*slot.any, *slot.de, *slot.en] for slot in LEXICON.all_slots()}
    matcher = ENRICHER.policy
    spent = 0.0
    for topic in LEXICON.topics:
        words = [
            term.replace("*", "")
            for pattern in topic.patterns
            for place in pattern.alternatives()
            for term in slots[place[0]][:8]
        ]
        document = make_document("", "", f"{' '.join(words)} " * 20)
        assert document.words
        spent = max(spent, seconds(lambda document=document: matcher.find(document, "und")))  # type: ignore[misc]
    assert spent < SECONDS


# --- lexicons -----------------------------------------------------------------------------------

HEAD = b"id: ai\nname: AI\n"
WRONG = {
    "binary": bytes(range(256)),
    "NUL": HEAD + b'definition: "a\0b"\n',
    "UTF-16": "id: ai\nname: AI\n".encode("utf-16"),
    "empty": b"",
    "only comments": b"# later\n",
    "a list": b"- id: ai\n  name: AI\n",
    "a number": b"42\n",
    "no text for a key": b"1: x\n",
    "two documents": HEAD + b"---\n" + HEAD,
    "a tag": b"!!python/name:os.system x\n",
    "in itself": HEAD + b"strong: {de: &a [*a]}\n",
    "no such date": HEAD + b"strong: {de: [2026-13-45]}\n",
    "no such number": HEAD + b"strong: {de: [0b_]}\n",
    "endless number": HEAD + b"strong: {de: [" + b"9" * 5_000 + b"]}\n",
    "nested without end": b"[" * 20_000,
}


@pytest.mark.parametrize("file", ["ai.yaml", "slots.yaml"])
@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_file_that_is_no_lexicon(tmp_path: Path, content: bytes, file: str) -> None:
    (tmp_path / "ai.yaml").write_bytes(HEAD)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_policy(tmp_path)
    assert str(tmp_path / file) in str(caught.value)
    assert caught.value.cure


def test_a_lexicon_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ai.yaml"
    with pytest.raises(NotFoundError) as missing:
        read_policy(path)
    path.mkdir()
    with pytest.raises(ConfigError) as unreadable:
        read_policy(tmp_path)
    path.rmdir()
    path.symlink_to(tmp_path / "moved.yaml")
    with pytest.raises(NotFoundError) as dangling:
        read_policy(tmp_path)
    path.unlink()
    path.write_bytes(HEAD)
    with pytest.raises(NotFoundError) as no_folder:
        read_policy(path)
    for caught in (missing, unreadable, dangling, no_folder):
        assert str(path) in str(caught.value)
        assert caught.value.cure
