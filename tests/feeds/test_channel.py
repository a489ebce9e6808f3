"""What a feed says about itself before its entries."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.formats.channel import Channel, read_channel, read_json_channel
from streams.feeds.formats.outline import header
from streams.feeds.parse import parse

URL = "https://news.example/dir/feed"
HOUR = 3_600


def channel(inside):
    text = f"<rss version='2.0'><channel><title>T</title>{inside}<item><ttl>1</ttl></item></channel></rss>"
    return read_channel(header(text), URL)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", {}),
        ("<ttl>30</ttl>", {"ttl_seconds": 1_800}),
        ("<ttl> <![CDATA[ 30 ]]> </ttl>", {"ttl_seconds": 1_800}),
        ("<ttl>99999</ttl>", {"ttl_seconds": 86_400}),
        ("<ttl>soon</ttl>", {}),
        ("<ttl>-5</ttl>", {}),
        ("<ttl>١٢</ttl>", {}),
        ("<!-- <ttl>30</ttl> -->", {}),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", {"cadence_seconds": HOUR}),
        (
            "<sy:updatePeriod>\n  daily\n</sy:updatePeriod>"
            "<sy:updateFrequency> 4 </sy:updateFrequency>",
            {"cadence_seconds": 6 * HOUR},
        ),
        (
            "<x:updatePeriod>hourly</x:updatePeriod><x:updateFrequency>0</x:updateFrequency>",
            {"cadence_seconds": HOUR},
        ),
        ("<sy:updatePeriod>sometimes</sy:updatePeriod>", {}),
        (
            "<skipHours><hour>23</hour><hour>0</hour>\n<hour> 5 </hour><hour>5</hour></skipHours>",
            {"skip_hours": (0, 5, 23)},
        ),
        ("<skipHours><hour>24</hour><hour>25</hour><hour>x</hour></skipHours>", {"skip_hours": (0,)}),
        (f"<skipHours>{''.join(f'<hour>{n}</hour>' for n in range(24))}</skipHours>", {}),
        (
            "<skipDays><day>Sunday</day><day>saturday</day><day>Caturday</day></skipDays>",
            {"skip_days": (5, 6)},
        ),
        ("<hour>3</hour><day>Monday</day>", {}),
        (
            "<atom:link rel='self' href='/feed?a=1&amp;b=2'/><atom:link href='https://hub.example/' rel=\"hub\"/>",
            {"hub": "https://hub.example/", "feed_url": "https://news.example/feed?a=1&b=2"},
        ),
        (
            "<link rel='hub' href='https://first.example/'/><link rel='hub' href='https://second.example/'/>",
            {"hub": "https://first.example/"},
        ),
        ("<link rel='HUB self' href='https://a.example/'/>", {"hub": "https://a.example/", "feed_url": "https://a.example/"}),
        ("<link rel='hub' href='javascript:alert(1)'/><link rel='self' href='//[x'/>", {}),
        (f"<link rel='self' href='https://a.example/{'x' * 3_000}'/>", {}),
        ("<link rel='alternate' href='https://a.example/'/><link>https://a.example/</link>", {}),
        ("<language>de-AT</language>", {"lang": "de-AT"}),
    ],
)  # fmt: skip
def test_hints(inside, expected):
    assert channel(inside) == Channel(**expected)


def test_hints_reach_the_parsed_feed():
    body = b"""<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><ttl>10</ttl>
    <atom:link rel='hub' href='https://hub.example/'/><atom:link rel='self' href='feed'/>
    <skipHours><hour>1</hour></skipHours><skipDays><day>Monday</day></skipDays>
    <sy:updatePeriod xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'>daily</sy:updatePeriod>
    </channel></rss>"""
    parsed = parse(body, "", URL)
    assert (parsed.ttl_seconds, parsed.cadence_seconds) == (600, 86_400)
    assert (parsed.skip_hours, parsed.skip_days) == ((1,), (0,))
    assert (parsed.hub, parsed.feed_url) == ("https://hub.example/", URL)


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        (
            {"hubs": [{"type": "rssCloud", "url": "https://c.example/"}, {"type": "WebSub", "url": "/hub"}]},
            {"hub": "https://news.example/hub"},
        ),
        ({"feed_url": "https://news.example/feed.json"}, {"feed_url": "https://news.example/feed.json"}),
        ({"hubs": "x", "feed_url": 5}, {}),
        ({"hubs": [None, {"type": "WebSub"}], "feed_url": "ftp://x"}, {}),
    ],
)  # fmt: skip
def test_hints_of_json_feeds(feed, expected):
    assert read_json_channel(feed, URL) == Channel(**expected)


@pytest.mark.parametrize(
    "piece",
    ["<", "<!--", "<ttl>", "<ttl ", "<skipHours>", "<skipHours><hour>", "<link ", "<link rel='", "<a:", "a" * 40],
)  # fmt: skip
def test_hostile_headers_take_no_time(piece):
    text = piece * (2_000_000 // len(piece))
    began = time.process_time()
    read_channel(header(text), URL)
    assert time.process_time() - began < 2


@given(st.text(), st.text(max_size=30))
def test_any_header_is_read(text, url):
    found = read_channel(header(text), url)
    assert all(0 <= hour < 24 for hour in found.skip_hours)
