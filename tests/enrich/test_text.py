"""Text: what a reader would read, offsets that hold, sentences that are sentences."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.text import (
    SENTENCE_LIMIT,
    TEXT_LIMIT,
    Document,
    html_to_text,
    make_document,
)

FRAGMENTS = ["<p>", "</p>", "<b>", "</b>", "<br", ">", "&lt;", "&amp;", "<script>", "<", "Dr. ",
             "U.S. ", "„Ja.“ ", "\n", "\u00ad", "\u200b", "e\u0301", "Ende. Der ", "z. B. ", " ",
             "\ud800", "😀"]  # fmt: skip
anything = st.one_of(
    st.text(st.characters(codec=None), max_size=200),
    st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join),
)
plain = st.text(st.characters(codec="utf-8", exclude_characters="<&"), max_size=200)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Donald <em>Trump</em>s Villa", "Donald Trumps Villa"),
        ("<p>Eins.</p><p>Zwei.</p>", "Eins.\nZwei."),
        ("<p>Eins</p>\n\n<div><p>Zwei</p></div>drei<br>vier", "Eins\nZwei\ndrei\nvier"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a\nb"),
        ("<b>a</b> <i>b</i>", "a b"),
        ("vor<script>alert(1)</script><style>p{}</style><template>t</template> nach", "vor nach"),
        ("<img src=x alt='Ein Bild'>Text", "Text"),
        ("AT&amp;T &ndash; K&ouml;ln", "AT&T – Köln"),
        ("&lt;p&gt;Hallo &amp;amp; Tsch&amp;uuml;s&lt;/p&gt;", "Hallo & Tschüs"),
        ("It&amp;#8217;s", "It’s"),
        ("1 < 2 und 3 > 2", "1 < 2 und 3 > 2"),
        ("I <3 you, <mail@example.org> <b>x</b>", "I <3 you, <mail@example.org> x"),
        ("<p>Abgeschnitten <a href='https://example.o", "Abgeschnitten"),
        ("<a title='x > y'>Link</a>", "Link"),
        ("R&D, Q&A, x?a=1&copy=2", "R&D, Q&A, x?a=1&copy=2"),
        ("Zeile 1\r\nZeile 2\n\n\n\nZeile\u00a03", "Zeile 1\nZeile 2\n\nZeile 3"),
        ("Grund\u00adgesetz\u200b \u202eA\u0308rger\x00", "Grundgesetz Ärger"),
        ("<o:p>Wort</o:p><my-widget>Ding</my-widget>", "WortDing"),
        ("", ""),
    ],
)
def test_html_to_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


@given(anything)
def test_any_string_becomes_clean_text(html: str) -> None:
    text = html_to_text(html)
    text.encode("utf-8")
    assert text == unicodedata.normalize("NFC", text) == text.strip()
    assert "\n\n\n" not in text
    assert "  " not in text
    assert not any(unicodedata.category(c) == "Cc" and c != "\n" for c in text)


@given(plain)
def test_plain_text_is_left_alone_the_second_time(raw: str) -> None:
    text = html_to_text(raw)
    assert html_to_text(text) == text


@pytest.mark.parametrize("html", ["<div>" * 1_000_000, "<b><i><u></b>" * 100_000, "<" * 2_000_000])
@pytest.mark.timeout(20)
def test_hostile_markup_takes_bounded_time(html: str) -> None:
    assert len(html_to_text(html)) <= len(html)


@given(anything, anything, anything)
def test_fields_partition_the_document(title: str, summary: str, body: str) -> None:
    document = make_document(title, summary, body)
    assert len(document.text) <= TEXT_LIMIT
    assert document.text == "\n\n".join(document.text[f.start : f.end] for f in document.fields)
    names = [field.name for field in document.fields]
    assert names == [name for name in ("title", "summary", "body") if name in names]
    for field in document.fields:
        assert document.field_at(field.start) == document.field_at(field.end - 1) == field.name


def test_fields_are_plain_and_in_order() -> None:
    document = make_document("Der <b>Titel</b>\n", "<p>Kurz.</p>", "<p>Lang.</p><p>Länger.</p>")
    assert document.text == "Der Titel\n\nKurz.\n\nLang.\nLänger."
    assert [document.text[f.start : f.end] for f in document.fields] == [
        "Der Titel",
        "Kurz.",
        "Lang.\nLänger.",
    ]


@pytest.mark.parametrize(
    ("title", "summary", "body"),
    [
        ("Gericht stoppt App", "Gericht stoppt App.", "Ein Gericht hat entschieden."),
        ("Titel", "Ein Gericht hat am Montag […]", "<p>Ein Gericht hat am <b>Montag</b> …</p>"),
    ],
)
def test_a_repeating_summary_is_left_out(title: str, summary: str, body: str) -> None:
    document = make_document(title, summary, body)
    assert [field.name for field in document.fields] == ["title", "body"]


def test_a_long_body_is_cut_at_a_word() -> None:
    text = make_document("Titel", "", "Wort " * 10_000).text
    assert TEXT_LIMIT - 6 < len(text) <= TEXT_LIMIT
    assert text.endswith(" Wort")


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Meier kam um 9 Uhr.", "Er ging z. B. nach Hause."],
        ["Am 6. November war Wahl.", "Der 3. Senat tagte im 19. Stock."],
        ["Sie wurde 12.", "Danach zog sie um."],
        ["„Das war alles.“", "So sagte es J. D. Vance."],
        ["„Warum?“ fragte er.", "Nr. 5 lebt!", "Ach so …", "Gut."],
        ["He left the U.S.", "The trip took ca. 3 days, said Mr. Smith of Acme Inc. on Monday."],
        ["She said no.", "See No. 5 for details."],
        ["Im Jahr 2024.", "2025 dann nicht mehr."],
        ["Ohne Punkt\n", "Nächste Zeile"],
    ],
)
def test_sentences(sentences: list[str]) -> None:
    text = " ".join(sentences).replace("\n ", "\n")
    document = Document(text=text, fields=())
    found = [text[start:end] for start, end in document.sentences]
    assert found == [sentence.strip() for sentence in sentences]


@given(anything, st.integers(0, 400), st.integers(1, 60))
def test_every_span_lies_in_its_sentence(raw: str, start: int, length: int) -> None:
    text = html_to_text(raw) or "x"
    start = min(start, len(text) - 1)
    end = min(start + length, len(text))
    low, high = Document(text=text, fields=()).sentence_at(start, end)
    assert 0 <= low <= start < end <= high <= len(text)
    assert high - low <= SENTENCE_LIMIT


@given(st.integers(0, 2_000), st.integers(1, 500))
def test_a_sentence_is_never_longer_than_the_limit(start: int, length: int) -> None:
    text = "wort und noch ein Wort, " * 120
    low, high = Document(text=text, fields=()).sentence_at(start, start + length)
    assert low <= start < start + length <= high
    assert high - low <= max(SENTENCE_LIMIT, length)
    if length < 200:
        assert high - low > SENTENCE_LIMIT - 40
