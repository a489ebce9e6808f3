import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.feeds.links import canonical_url, is_web_link


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://A.example/x?utm_source=rss&id=7", "https://a.example/x?id=7"),
        ("https://a.example/x?UTM_Campaign=1&fbclid=2&gclid=3", "https://a.example/x"),
        ("HTTPS://a.example:443", "https://a.example/"),
        ("http://a.example:80/x", "http://a.example/x"),
        ("http://a.example:8080/x", "http://a.example:8080/x"),
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("https://a.example/live#block-12", "https://a.example/live#block-12"),
        ("https://a.example/x#ref=rss", "https://a.example/x"),
        ("https://a.example/x?wt_mc=rss.red.ho#xtor=RSS-1", "https://a.example/x"),
        ("https://a.example/x?a=1&a=2&b", "https://a.example/x?a=1&a=2&b"),
        ("https://bücher.example/Ä", "https://bücher.example/Ä"),
        ("  https://a.example/x\n", "https://a.example/x"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("https://[broken/x", "https://[broken/x"),
        ("", ""),
    ],
)
def test_canonical_url(url, expected):
    assert canonical_url(url) == expected


pieces = st.lists(
    st.sampled_from(
        ["http://", "https://", "a.example", ":443", ":80", "/", "?", "&", "#", "utm_x=1", "b=2",
         "xtor=", "@", " ", "\n", "\t", "%", ";", "\x00", "[", "]", "rss", "é"]
    )
).map("".join)  # fmt: skip


@given(st.text() | pieces)
@example("http://a.example/?&utm_x=1#")
def test_canonical_url_is_idempotent(url):
    once = canonical_url(url)
    assert canonical_url(once) == once


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://a.example", "/x", "https://", ""])
def test_what_is_no_web_link(url):
    assert not is_web_link(url)
