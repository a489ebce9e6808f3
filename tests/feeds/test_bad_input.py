"""What feeds really send, through the whole poller: each kind of bad input has its test here.

Every one of them must end as health or as an Item, keep what was known, and leave room for the
next poll; `test_parse` and `test_charset` have the details.
"""

import gzip

import pytest

from streams.broker.topics import ITEMS
from streams.enrich.text import make_document
from tests.feeds.fakes import NOW, World, make_feed, rss, url_of

RECORD_BYTES = 1024 * 1024
"""What a broker takes unless told otherwise."""


async def polled(page):
    """A world whose only feed sent this page."""
    world = World(make_feed("a"), a=page)
    await world.poll()
    return world


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><head><title>Moved</title></head><body></body></html>",
        b'{"error": "no such feed"}',
        b"Service unavailable",
        b"\x89PNG\r\n\x1a\n\x00\x00",
    ],
)
async def test_not_a_feed(page):
    world = World(make_feed("a"), a=rss("one"))
    before = await world.poll()
    world.internet.pages[url_of("a")] = page
    state = await world.poll()
    assert state.health == "failing"
    assert "feed" in state.reason.lower()
    assert state.seen == before.seen
    assert world.titles == ["one"]


async def test_an_index_of_sitemaps_says_what_to_poll_instead():
    page = b"<sitemapindex><sitemap><loc>https://a.example/news.xml</loc></sitemap></sitemapindex>"
    state = (await polled(page)).producer.states["a"]
    assert state.health == "failing"
    assert "name one of the sitemaps" in state.reason


async def test_a_gzip_file_in_place_of_a_document():
    world = await polled(gzip.compress(rss("one")))
    assert world.titles == ["one"]


async def test_a_feed_that_no_strict_parser_takes_and_that_makes_feedparser_raise():
    item = "<item><title>{}</title><guid>{}</guid><gml:pos>1</gml:pos></item>"
    world = await polled(rss("Caf&eacute; one", item=lambda title: item.format(title, "g")))
    assert world.titles == ["Café one"]
    assert world.producer.states["a"].health == "ok"


async def test_a_hundred_thousand_entries():
    world = await polled(rss(*(f"t{n}" for n in range(100_000))))
    assert len(world.titles) == 2_000
    assert "of 100,000 entries" in world.producer.states["a"].reason


async def test_dates_that_are_none_become_the_time_of_the_poll():
    item = "<item><title>{0}</title><guid>{0}</guid><pubDate>{0}</pubDate></item>"
    dates = ("gestern", "0000-00-00", "Fri, 31 Feb 2026", "Mon, 14 Jan 2041 00:00:00 GMT")
    world = await polled(rss(*dates, item=item.format))
    assert {(each.date_source, each.published_at) for each in world.producer.items} == {
        ("first_seen", NOW)
    }


async def test_an_empty_document():
    state = (await polled(b"")).producer.states["a"]
    assert (state.health, "empty" in state.reason) == ("failing", True)


async def test_a_feed_without_entries():
    world = await polled(rss())
    assert world.producer.states["a"].health == "ok"
    assert world.titles == []


async def test_truncated_xml_gives_its_whole_entries_and_the_rest_with_the_next_poll():
    whole = rss("one", "two")
    world = await polled(whole[: whole.index(b"two") + 2])
    state = world.producer.states["a"]
    assert world.titles == ["one"]
    assert state.health == "ok"
    assert "ends inside its last entry" in state.reason
    world.internet.pages[url_of("a")] = whole
    await world.poll()
    assert [(item.title, item.revision) for item in world.producer.items] == [
        ("one", 1), ("two", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "really"),
    [("utf-8", "windows-1252"), ("iso-8859-1", "utf-8"), ("us-ascii", "utf-8"), ("?", "utf-8")],
)
async def test_a_wrong_charset(declared, really):
    title = "„Größe“ zählt – für 5 €"
    page = f"<?xml version='1.0' encoding='{declared}'?>{rss(title).decode()}".encode(really)
    assert (await polled(page)).titles == [title]


@pytest.mark.parametrize(
    "title",
    [
        "Trump &lt;b&gt;und&lt;/b&gt; Zuckerberg",
        "<![CDATA[Trump <b>und</b> Zuckerberg]]>",
        "<![CDATA[Trump <script>alert(1)</script><i>und</i> <img src=x onerror=alert(1)>Zuckerberg]]>",
        "Trump &amp;lt;b&amp;gt;und&amp;lt;/b&amp;gt; Zuckerberg",
    ],
)
async def test_html_in_titles_is_no_part_of_the_words(title):
    (item,) = (await polled(rss(title))).producer.items
    assert make_document(item.title).text == "Trump und Zuckerberg"


@pytest.mark.parametrize("filling", ["ä" * 2_500_000, '"<br>' * 1_000_000], ids=["words", "quotes"])
async def test_an_item_of_5_mb_is_cut_to_what_a_record_can_hold(filling):
    entry = f"<item><title>x</title><guid>g</guid><description><![CDATA[{filling}]]></description></item>"
    world = await polled(rss("x", item=lambda _: entry))
    (sent,) = (sent for sent in world.producer.sent if sent.topic == ITEMS)
    assert len(sent.value or b"") < RECORD_BYTES
    (item,) = world.producer.items
    assert filling.startswith(item.summary)
    assert len(item.summary) > 100_000
    state = world.producer.states["a"]
    assert state.health == "ok"
    assert "entry 1: summary cut from" in state.reason
