import pytest

from streams.feeds.answers import retry_after, trouble, validators, wait_asked
from tests.feeds.fakes import NOW

DATE = "Fri, 20 Nov 2026 12:00:00 GMT"
IN_AN_HOUR = "Fri, 20 Nov 2026 13:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {}, "blocked"),
        (403, {}, "blocked"),
        (503, {"cf-mitigated": "challenge"}, "blocked"),
        (404, {}, "not_found"),
        (410, {}, "gone"),
        (429, {}, "slow_down"),
        (503, {"Retry-After": "5"}, "slow_down"),
        (503, {}, "server"),
        (500, {}, "server"),
        (418, {}, "http"),
        (226, {}, "http"),
    ],
)
def test_trouble(status, headers, kind):
    assert trouble(status, headers) == kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": IN_AN_HOUR}, 3600.0),
        ({"Retry-After": IN_AN_HOUR, "Date": "Fri, 20 Nov 2026 12:30:00 GMT"}, 1800.0),
        ({"Retry-After": "Fri, 20 Nov 2020 12:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "9" * 400}, 999_999_999.0),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"Cache-Control": "public, max-age=600"}, 600.0),
        ({"Cache-Control": "max-age=999999"}, 86_400.0),
        ({"Cache-Control": "no-cache, max-age=600"}, 0.0),
        ({"Expires": IN_AN_HOUR, "Date": DATE}, 3600.0),
        ({"Expires": "0"}, 0.0),
        ({"Expires": DATE, "Date": IN_AN_HOUR}, 0.0),
        ({"Cache-Control": "max-age=60", "Expires": IN_AN_HOUR}, 60.0),
    ],
)
def test_wait_asked(headers, seconds):
    assert wait_asked(headers, NOW) == seconds


def test_validators_are_kept_byte_for_byte_if_usable():
    assert validators({"ETag": ' W/"x" ', "Last-Modified": DATE}, NOW) == (' W/"x" ', DATE)
    assert validators({}, NOW) == ("", "")
    assert validators({"ETag": 'x\r\ny: "1"'}, NOW)[0] == ""
    assert validators({"ETag": "\udcff"}, NOW)[0] == ""
    assert validators({"ETag": "x" * 10_000}, NOW)[0] == ""


def test_a_last_modified_far_ahead_would_hide_news():
    assert validators({"Last-Modified": "Fri, 20 Nov 2041 12:00:00 GMT"}, NOW) == ("", "")
