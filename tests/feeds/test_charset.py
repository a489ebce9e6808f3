import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.charset import decode

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
