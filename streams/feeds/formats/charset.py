"""Bytes to text, for documents that lie about their encoding.

Order: byte order mark, valid UTF-8, HTTP charset, XML declaration, a guess at scripts other than
Latin, windows-1252. Text that is not UTF-8 practically never is valid UTF-8 by accident, so
validity beats every declaration; measured on feedparser 6.0.14, which believes a wrong
`charset=iso-8859-1` and yields mojibake.
"""

from __future__ import annotations

import codecs
import re

__all__ = ["decode"]

_OPENINGS = (  # a byte order mark, or `<` without one: XML 1.0, appendix F; longest first
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
# What publishers call one thing and mean as its superset (as browsers do: WHATWG Encoding).
_MEANT = {
    "iso-8859-1": "windows-1252", "iso8859-1": "windows-1252", "latin1": "windows-1252",
    "latin-1": "windows-1252", "us-ascii": "windows-1252", "ascii": "windows-1252",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc-kr": "cp949",
    "iso-8859-9": "cp1254",
}  # fmt: skip
_HTTP_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:+-]+)""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:+-]+)["']""")
_TAG = re.compile(rb"<[^<>]{0,2000}>|https?://[^\s<>]*")
_LETTER = re.compile(rb"[A-Za-z]")
_BEYOND_ASCII = bytes(range(0x80, 0x100))
_SAMPLE_BYTES = 20_000
_NOT_LATIN = ["cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874", "cp932", "cp949", "euc_jp",
              "gb18030", "big5"]  # fmt: skip
_SEVEN_BIT = ("iso-2022", "iso2022", "hz", "utf-7", "utf7", "csiso2022")


def decode(body: bytes, content_type: str = "") -> tuple[str, str, str]:
    """Decode a document.

    Args:
        body: the document.
        content_type: value of the HTTP header, or "".

    Returns:
        The text; the encoding that was used; a warning, "" if everything fitted.
    """
    for opening, encoding in _OPENINGS:
        if body.startswith(opening):
            text, warning = _lenient(body, encoding)
            return text.removeprefix("\ufeff"), encoding, warning
    declared = _declared(body, content_type)
    if not any(name.startswith(_SEVEN_BIT) for name in declared):
        utf8 = _utf8(body)
        if utf8 is not None:
            return utf8[0], "utf-8", utf8[1]
    for name in declared:
        encoding = _MEANT.get(name, name)
        fitting = _strict(body, encoding)
        if fitting is not None:
            return fitting, encoding, ""
    encoding = _guess(body) or "windows-1252"
    warning = f"declared {declared[0]!r} does not fit" if declared else ""
    return body.decode(encoding, "replace"), encoding, warning


def _declared(body: bytes, content_type: str) -> list[str]:
    """Charsets that the sender names, HTTP before XML, lower case."""
    http = _HTTP_CHARSET.search(content_type)
    xml = _XML_ENCODING.search(body[:400])
    return [
        name.lower()
        for name in (http[1] if http else "", xml[1].decode("ascii") if xml else "")
        if name
    ]


def _guess(body: bytes) -> str:
    """Encoding of text in another script than Latin; "" if it is Latin.

    charset-normalizer finds Cyrillic, Greek, Arabic and East Asian encodings in a few headlines,
    but takes German and Spanish for Polish or Baltic ones. So it is asked only where most letters
    are beyond ASCII, which no Latin alphabet knows.
    """
    sample = _TAG.sub(b" ", body[:_SAMPLE_BYTES])
    beyond = len(sample) - len(sample.translate(None, _BEYOND_ASCII))
    if beyond <= len(_LETTER.findall(sample)):
        return ""
    from charset_normalizer import from_bytes  # 30 ms, and hardly ever needed

    best = from_bytes(sample, cp_isolation=_NOT_LATIN).best()
    return best.encoding if best else ""


def _utf8(body: bytes) -> tuple[str, str] | None:
    """The text if it is UTF-8, or was before a few bytes were damaged or cut off."""
    try:
        return body.decode("utf-8"), ""
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    genuine = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text)))
    # Latin text read as UTF-8 has damage at nearly every letter beyond ASCII.
    return (text, f"{damaged} damaged characters") if genuine > 4 * damaged else None


def _strict(body: bytes, encoding: str) -> str | None:
    try:
        # Some codecs of Python are no charsets (`hex`, `zip`): `str` refuses them by LookupError.
        return body.decode(encoding)
    except (LookupError, ValueError):
        return None


def _lenient(body: bytes, encoding: str) -> tuple[str, str]:
    text = _strict(body, encoding)
    return (
        (text, "")
        if text is not None
        else (body.decode(encoding, "replace"), f"damaged {encoding}")
    )
