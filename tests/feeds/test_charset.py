import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.formats.charset import decode

TEXT = "<?xml version='1.0'?><a>Größe – „zählt“ für 5 €</a>"
DECLARED = TEXT.replace("?>", " encoding='{}'?>")


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        (TEXT.encode(), "", "utf-8"),
        (TEXT.encode(), "text/xml", "utf-8"),
        (TEXT.encode(), "text/xml; charset=iso-8859-1", "utf-8"),  # a lie
        (codecs.BOM_UTF8 + TEXT.encode(), "text/xml; charset=us-ascii", "utf-8"),
        (TEXT.encode("cp1252"), "", "windows-1252"),
        (TEXT.encode("cp1252"), "text/xml; charset=UTF-8", "windows-1252"),
        (TEXT.encode("cp1252"), 'text/xml; charset="ISO-8859-1"', "windows-1252"),
        (TEXT.encode("cp1252"), "text/xml; charset=klingon", "windows-1252"),
        (TEXT.encode("cp1252"), "text/xml; charset=hex", "windows-1252"),
        (TEXT.encode("utf-16"), "text/xml; charset=utf-8", "utf-16-le"),
        (TEXT.encode("utf-16-be"), "", "utf-16-be"),
        (TEXT.encode("utf-32"), "", "utf-32-le"),
    ],
)
def test_the_text_is_recovered(body, content_type, encoding):
    text, used, _ = decode(body, content_type)
    assert (text, used) == (TEXT, encoding)


@pytest.mark.parametrize(
    ("name", "sample"),
    [("koi8-r", "Новости"), ("iso-2022-jp", "日本語"), ("gb2312", "新闻"), ("euc-kr", "뉴스"), ("iso-8859-2", "Žluťoučký kůň")],
)  # fmt: skip
def test_declarations_are_believed_where_nothing_speaks_against_them(name, sample):
    text = f"<?xml version='1.0' encoding='{name}'?><a>{sample}</a>"
    assert decode(text.encode(name))[0] == text
    bare = f"<a>{sample}</a>"
    assert decode(bare.encode(name), f"text/xml; charset={name}")[0] == bare


UNDECLARED = {
    "cp1251": "Правительство объявило новые правила для искусственного интеллекта",
    "koi8-r": "Правительство объявило новые правила для искусственного интеллекта",
    "cp1253": "Η κυβέρνηση ανακοίνωσε νέους κανόνες για την τεχνητή νοημοσύνη",
    "cp1255": "הממשלה הודיעה על כללים חדשים לבינה מלאכותית",
    "cp1256": "أعلنت الحكومة قواعد جديدة للذكاء الاصطناعي",
    "shift_jis": "政府は人工知能に関する新しい規則を発表した",
    "euc-kr": "정부는 인공지능에 대한 새로운 규칙을 발표했다",
    "gb18030": "政府宣布了有关人工智能的新规定",
}
WESTERN = (
    "Die Bundesregierung kündigt „schärfere“ Regeln für große Plattformen an – müssen prüfen",
    "Le gouvernement a annoncé de nouvelles règles : les plateformes devront modérer, déclare-t-il",
    "El Gobierno anunció más reglas; las plataformas deberán moderar mañana, según señaló",
)


@pytest.mark.parametrize(("name", "sample"), UNDECLARED.items())
def test_other_scripts_are_recognised_without_declaration(name, sample):
    text = "<rss><channel>" + f"<item><title>{sample}</title></item>" * 3 + "</channel></rss>"
    assert decode(text.encode(name))[0] == text
    assert decode(text.encode(name), "text/xml; charset=utf-8")[0] == text


@pytest.mark.parametrize("sample", WESTERN)
def test_western_languages_are_never_taken_for_others(sample):
    for text in (sample, f"<rss><channel><title>{sample}</title></channel></rss>", sample[:40]):
        assert decode(text.encode("cp1252"))[:2] == (text, "windows-1252")


def test_a_declaration_that_does_not_fit_is_told():
    assert "'utf-8' does not fit" in decode(TEXT.encode("cp1252"), "text/xml; charset=UTF-8")[2]
    assert "damaged utf-16-le" in decode(codecs.BOM_UTF16_LE + b"\x00\xd8a")[2]


def test_http_is_believed_before_xml():
    text = "<?xml version='1.0' encoding='koi8-r'?><a>Новости</a>"
    assert decode(text.encode("cp1251"), "text/xml; charset=windows-1251")[:2] == (
        text,
        "windows-1251",
    )


def test_a_few_damaged_bytes_do_not_turn_utf8_into_mojibake():
    body = ("ä" * 100).encode() + b"\xff" + "ö".encode()[:1]
    text, used, warning = decode(body)
    assert text.startswith("ä" * 100)
    assert used == "utf-8"
    assert "damaged" in warning


@given(st.binary(), st.text())
def test_anything_decodes(body, content_type):
    text, encoding, _ = decode(body, content_type)
    assert isinstance(text, str)
    codecs.lookup(encoding)
