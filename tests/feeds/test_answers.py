import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.answers import (
    fold,
    language,
    links,
    redirect_target,
    retry_after,
    trouble,
    validators,
    wait_asked,
)
from tests.feeds.fakes import NOW

DATE = "Fri, 20 Nov 2026 12:00:00 GMT"
IN_AN_HOUR = "Fri, 20 Nov 2026 13:00:00 GMT"
BASE = "https://a.example/news/feed"


def test_repeated_lists_are_joined_and_of_all_else_the_first_counts():
    fields = [("Link", "<a>"), ("ETag", '"1"'), ("link", "<b>"), ("etag", '"2"')]
    assert fold(fields) == {"link": "<a>, <b>", "etag": '"1"'}


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {}, "blocked"),
        (403, {}, "blocked"),
        (503, {"CF-Mitigated": "challenge"}, "blocked"),
        (429, {"cf-mitigated": "Challenge"}, "blocked"),
        (404, {}, "not_found"),
        (410, {}, "gone"),
        (429, {}, "slow_down"),
        (503, {"Retry-After": "5"}, "slow_down"),
        (503, {}, "server"),
        (500, {}, "server"),
        (599, {}, "server"),
        (301, {}, "redirects"),
        (304, {}, "http"),
        (418, {}, "http"),
        (226, {}, "http"),
    ],
)
def test_trouble(status, headers, kind):
    assert trouble(status, fold(headers.items())) == kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": IN_AN_HOUR}, 3600.0),
        ({"Retry-After": IN_AN_HOUR, "Date": "Fri, 20 Nov 2026 12:30:00 GMT"}, 1800.0),
        ({"Retry-After": IN_AN_HOUR, "Date": "Fri, 20 Nov 1970 12:00:00 GMT"}, 86_400.0),
        ({"Retry-After": IN_AN_HOUR, "Date": "half past"}, 3600.0),
        ({"Retry-After": "Fri, 20 Nov 2020 12:00:00 GMT"}, 0.0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 86_400.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "9" * 400}, 86_400.0),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after(fold(headers.items()), NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"Cache-Control": "public, max-age=600"}, 600.0),
        ({"Cache-Control": 'MAX-AGE="600"'}, 600.0),
        ({"Cache-Control": "s-maxage=600"}, 0.0),
        ({"Cache-Control": "max-age=999999"}, 86_400.0),
        ({"Cache-Control": "max-age=-1"}, 0.0),
        ({"Cache-Control": "no-cache, max-age=600"}, 0.0),
        ({"Expires": IN_AN_HOUR, "Date": DATE}, 3600.0),
        ({"Expires": "0"}, 0.0),
        ({"Expires": "-1"}, 0.0),
        ({"Expires": DATE, "Date": IN_AN_HOUR}, 0.0),
        ({"Expires": "Fri, 20 Nov 2099 12:00:00 GMT"}, 86_400.0),
        ({"Cache-Control": "max-age=60", "Expires": IN_AN_HOUR}, 60.0),
    ],
)
def test_wait_asked(headers, seconds):
    assert wait_asked(fold(headers.items()), NOW) == seconds


@given(st.text(), st.text(), st.text())
def test_no_header_makes_anybody_wait_more_than_a_day(asked, expires, date):
    headers = {"retry-after": asked, "cache-control": asked, "expires": expires, "date": date}
    assert 0 <= (retry_after(headers, NOW) or 0) <= 86_400
    assert 0 <= wait_asked(headers, NOW) <= 86_400


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({"ETag": ' W/"x" ', "Last-Modified": DATE}, (' W/"x" ', DATE)),
        ({"ETag": "unquoted", "Last-Modified": "yesterday"}, ("unquoted", "yesterday")),
        ({}, ("", "")),
        ({"ETag": 'x\r\ny: "1"'}, ("", "")),
        ({"ETag": "\udcff"}, ("", "")),
        ({"ETag": "x" * 10_000}, ("", "")),
        ({"ETag": "1", "Last-Modified": "Sat, 21 Nov 2026 11:59:00 GMT"},
         ("1", "Sat, 21 Nov 2026 11:59:00 GMT")),
        ({"ETag": "1", "Last-Modified": "Sat, 21 Nov 2026 12:01:00 GMT"}, ("1", "")),
        ({"Last-Modified": "Fri, 20 Nov 2041 12:00:00 GMT"}, ("", "")),
    ],
)  # fmt: skip
def test_validators_are_kept_byte_for_byte_if_usable(headers, kept):
    assert validators(fold(headers.items()), NOW) == kept


@pytest.mark.parametrize(
    ("headers", "believed"),
    [
        ({"Expires": "0"}, False),
        ({"Expires": "0", "Cache-Control": "no-cache"}, False),
        ({"Expires": "0", "Cache-Control": "max-age=300"}, True),
        ({"Expires": "-1"}, True),
        ({"Expires": DATE}, True),
    ],
)
def test_validators_of_what_expires_at_0_are_not_believed(headers, believed):
    headers = fold({**headers, "ETag": "1", "Last-Modified": DATE}.items())
    assert validators(headers, NOW) == (("1", DATE) if believed else ("", ""))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('<https://hub.example/>; rel="hub"', {"hub": "https://hub.example/"}),
        ("</feed>; rel=self", {"self": "https://a.example/feed"}),
        ('<https://h.example/>; title="x"; REL="Hub self"',
         {"hub": "https://h.example/", "self": "https://h.example/"}),
        ("<https://1.example/>; rel=hub, <https://2.example/>; rel=hub",
         {"hub": "https://1.example/"}),
        ("<ftp://1.example/>; rel=hub, <https://2.example/>; rel=hub",
         {"hub": "https://2.example/"}),
        ("<https://user:secret@h.example/>; rel=hub", {}),
        ("<javascript:alert(1)>; rel=hub", {}),
        ("<https://h.example/\udcff>; rel=hub", {}),
        (f"<https://h.example/{'x' * 3000}>; rel=hub", {}),
        ("<http://[::1>; rel=hub", {}),
        ("<https://h.example/>", {}),
        ("https://h.example/; rel=hub", {}),
        ("<<<<;;;rel=", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_links(header, found):
    assert links({"link": header}, BASE) == found


@given(st.text('<>;,="rel \udcff/:ahttps.'))
def test_links_are_web_addresses_whatever_the_header(header):
    assert all(each.startswith("http") for each in links({"link": header}, BASE).values())


@pytest.mark.parametrize(
    ("header", "lang"),
    [("de-AT", "de"), ("EN", "en"), ("en-US, en-GB", "en"), ("de, en", ""), ("", ""), ("1;x", "")],
)
def test_language(header, lang):
    assert language({"content-language": header}) == lang


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://b.example/feed#top", "https://b.example/feed"),
        ("/feed", "https://a.example/feed"),
        ("feed.xml", "https://a.example/news/feed.xml"),
        ("//b.example/x", "https://b.example/x"),
        (" ?page=2 ", "https://a.example/news/feed?page=2"),
        ("/gr\udcfc\udcdfe", "https://a.example/gr%FC%DFe"),
        ("/größe", "https://a.example/größe"),
    ],
)
def test_redirect_target(location, target):
    assert redirect_target(location, BASE) == target
