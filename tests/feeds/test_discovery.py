import pytest
from aiohttp import web

from streams.config import Settings
from streams.errors import FetchError
from streams.feeds.discovery import news_sitemaps, read_page, usual_paths
from streams.feeds.fetch import Fetched, Fetcher
from streams.feeds.finding import find, successor
from streams.feeds.parser_pool import ParserPool
from tests.feeds.fakes import FakeInternet, PlainParser, rss
from tests.feeds.loopback import answer, serving

HOME = "https://www.example.com/"


def link(href, kind="application/rss+xml", **attributes):
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<link rel="alternate" type="{kind}" href="{href}"{more}>'


def named(html, url=HOME):
    """Addresses, without that of the site."""
    return [each.url.removeprefix(HOME) for each in read_page(html, url).candidates]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (link("/feed"), ["feed"]),
        (link("https://www.example.com/a.json", "application/feed+json"), ["a.json"]),
        (link("a.atom", "Application/Atom+XML; charset=utf-8"), ["a.atom"]),
        (link("//www.example.com/x?b=1&amp;c=2#top"), ["x?b=1&c=2"]),
        ('<base href="/neu/">' + link("feed.xml"), ["neu/feed.xml"]),
        ('<base href="javascript:void(0)">' + link("feed.xml"), ["feed.xml"]),
        ('<LINK REL="Home ALTERNATE" TYPE="application/rss+xml" HREF="/f">', ["f"]),
        (link("feed:https://www.example.com/f"), ["f"]),
        (link("feed://other.example/f"), ["http://other.example/f"]),
        ('<a href="/politik.rss">Politik</a>', ["politik.rss"]),
        ('<a href="/index.php?format=feed&type=rss">x</a>', ["index.php?format=feed&type=rss"]),
        ('<a href="/dienste/abo.html">RSS-Feeds</a>', ["dienste/abo.html"]),
        ('<a href="https://newsfeed.example.com/all">x</a>', ["https://newsfeed.example.com/all"]),
    ],
)  # fmt: skip
def test_what_a_page_says(html, expected):
    assert named(html) == expected


@pytest.mark.parametrize(
    "html",
    [
        "",
        "\x00\x01 no page at all",
        f"<!-- {link('/feed')} -->",
        f"<script>document.write('{link('/feed')}')</script>",
        f"<template>{link('/feed')}</template>",
        link("/wp-json/wp/v2/posts/1"),
        link("/wp-json/oembed/1.0/embed?url=x", "application/json+oembed"),
        link("/comments/feed/"),
        link("/2026/11/beitrag/feed/", title="Blatt » Beitrag-Kommentar-Feed"),
        link("/?feed=comments-rss2"),
        link("javascript:alert(1)"),
        link("file:///etc/passwd"),
        link("http://[broken/feed"),
        link(""),
        link("#rss"),
        '<link rel="stylesheet" type="application/rss+xml" href="/f">',
        '<a href="/politik/atom-endlager/">Streit um das Atom-Endlager</a>',
        '<a href="/feedback">Feedback</a>',
        '<a href="/rss.png">x</a>',
        f'<a href="/meinung">{"Warum RSS nicht tot ist, sondern wieder da: ein Bericht" * 2}</a>',
    ],
)
def test_what_a_page_does_not_say(html):
    assert named(html) == []


def test_the_best_comes_first():
    page = f"""<html lang="de-AT"><body><a href="/feeds/sport.xml">Sport</a>
        {link("https://elsewhere.example/feed")}{link("/ressort/wien/feed")}
        {link("/en/feed", hreflang="en")}{link("/feed", title=" Alle   Meldungen ")}
        {link("/feed?utm_source=footer")}{link("https://feeds.example.com/all")}"""
    found = read_page(page, HOME)
    assert found.lang == "de"
    assert [each.url.removeprefix(HOME) for each in found.candidates] == [
        "feed",
        "https://feeds.example.com/all",
        "ressort/wien/feed",
        "en/feed",
        "feeds/sport.xml",
        "https://elsewhere.example/feed",
    ]
    assert found.candidates[0].title == "Alle Meldungen"


def test_a_page_of_a_section_means_the_feed_of_that_section():
    page = link("/feed") + link("/politik/feed")
    assert named(page, HOME + "politik/") == ["politik/feed", "feed"]
    assert named(page, HOME) == ["feed", "politik/feed"]


def test_a_large_page_is_read_whole():
    page = "<p><a href='/seite'>Text</a></p>" * 160_000 + "<a href='/feed.xml'>RSS</a>"
    assert len(page) > 5_000_000
    assert named(page) == ["feed.xml"]
    assert len(named("".join(link(f"/{n}.rss") for n in range(1000)))) == 200


def test_usual_paths_are_those_of_the_site():
    urls = [each.url for each in usual_paths(HOME + "politik/eu.html?x=1")]
    assert len(urls) == 9
    assert HOME + "feed/" in urls
    assert all(url.startswith(HOME) and "politik" not in url for url in urls)


def test_only_sitemaps_of_news_count():
    robots = (
        "User-agent: *\nDisallow: /\nSitemap: https://www.example.com/sitemap.xml\n"
        "sitemap: /news-sitemap.xml # all\nSITEMAP: ftp://x.example/news.xml\n"
    )
    assert [each.url for each in news_sitemaps(robots, HOME)] == [HOME + "news-sitemap.xml"]


def test_a_robots_file_of_nothing_takes_no_time():
    assert news_sitemaps("\n" * 5_000_000 + " " * 5_000_000, HOME) == []


# --- over a socket ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parser():
    pool = ParserPool(1)
    yield pool
    pool.stop()


async def search(url, parser, **options):
    async with Fetcher(Settings(allow_private=("127.0.0.0/8",))) as fetcher:
        return await find(url, fetcher, parser, gap=0, **options)


def html(text):
    return answer(body=text.encode(), Content_Type="text/html; charset=utf-8")


async def test_an_address_that_is_a_feed_needs_one_request(parser):
    async with serving(feed=answer(body=rss("a", "b"))) as site:
        found = await search(f"{site}/feed", parser)
    (feed,) = found.feeds
    assert (feed.url, feed.title, feed.kind) == (f"{site}/feed", "T", "rss20")
    assert (feed.entries, feed.why) == (2, "itself")
    assert found.tried == ()


async def test_announced_feeds_are_read_and_the_rest_says_why(parser):
    page = '<html lang="de">' + link("/none") + link("/page") + link("/empty") + link("/news")
    async with serving(
        start=html(page), page=html("<html>"), empty=answer(body=rss()), news=answer(body=rss("a"))
    ) as site:
        found = await search(f"{site}/start", parser)
    assert [feed.url for feed in found.feeds] == [f"{site}/news", f"{site}/empty"]
    assert {tried.url.removeprefix(site): tried.why_not for tried in found.tried} == {
        "/start": "a web page, not a feed",
        "/none": "HTTP 404 Not Found",
        "/page": "a web page, not a feed",
    }


async def test_the_same_feed_under_two_addresses_is_found_once(parser):
    async def to_feed(request):
        raise web.HTTPFound("/feed")

    async with serving(
        start=html(link("/feed") + link("/again")), feed=answer(body=rss("a")), again=to_feed
    ) as site:
        found = await search(f"{site}/start", parser)
    assert [feed.url for feed in found.feeds] == [f"{site}/feed"]
    assert "found already" in found.tried[-1].why_not


async def test_a_feed_that_has_moved_for_good_is_found_where_it_is(parser):
    async def moved(request):
        raise web.HTTPMovedPermanently("/new")

    async with serving(start=html(link("/old")), old=moved, new=answer(body=rss("a"))) as site:
        (feed,) = (await search(f"{site}/start", parser)).feeds
    assert feed.url == f"{site}/new"


async def test_a_page_that_lists_feeds_is_followed_once(parser):
    async with serving(
        start=html('<a href="/abo">RSS-Feeds</a>'),
        abo=html('<a href="/abo2">RSS</a><a href="/politik.rss">Politik</a>'),
        abo2=html('<a href="/hidden.rss">RSS</a>'),
        **{"politik.rss": answer(body=rss("a")), "hidden.rss": answer(body=rss("a"))},
    ) as site:
        found = await search(f"{site}/start", parser)
    assert [feed.url for feed in found.feeds] == [f"{site}/politik.rss"]


async def test_a_site_that_says_nothing_is_tried_at_the_usual_paths(parser):
    async with serving(start=html("<p>"), **{"feed.xml": answer(body=rss("a"))}) as site:
        found = await search(f"{site}/start", parser)
    (feed,) = found.feeds
    assert (feed.url, feed.why) == (f"{site}/feed.xml", "usual path")


async def test_the_last_resort_is_a_sitemap_and_the_search_ends(parser):
    asked = []

    async def robots(request):
        asked.append(request.path)
        return web.Response(text=f"Sitemap: http://{request.host}/news-map.xml\n")

    async def sitemap(request):
        asked.append(request.path)
        return web.Response(status=404)

    many = "".join(f'<a href="/{n}.rss">{n}</a>' for n in range(30))
    async with serving(
        start=html("<p>"), many=html(many), **{"robots.txt": robots, "news-map.xml": sitemap}
    ) as site:
        assert (await search(f"{site}/start", parser)).feeds == ()
        assert asked == ["/robots.txt", "/news-map.xml"]
        found = await search(f"{site}/many", parser)
    assert len(found.tried) == 1 + 12 + 1  # the page, the probes, and a word that there is more
    assert "not tried" in found.tried[-1].why_not


async def test_a_news_sitemap_is_found_where_there_is_nothing_else(parser):
    async def robots(request):
        return web.Response(text=f"Sitemap: http://{request.host}/news-map.xml\n")

    sitemap = b"""<?xml version="1.0" encoding="UTF-8"?>
        <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
            xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
        <url><loc>https://blatt.example/1</loc><news:news>
            <news:publication><news:name>Blatt</news:name><news:language>de</news:language>
            </news:publication><news:publication_date>2026-11-20T11:00:00Z</news:publication_date>
            <news:title>Ministerin will KI-Aufsicht</news:title></news:news></url></urlset>"""
    async with serving(
        start=html("<p>"), **{"robots.txt": robots, "news-map.xml": answer(body=sitemap)}
    ) as site:
        (feed,) = (await search(f"{site}/start", parser)).feeds
    assert (feed.url, feed.entries, feed.why) == (f"{site}/news-map.xml", 1, "sitemap")


async def test_a_page_leads_to_no_private_address(parser):
    asked = []

    async def inside(request):
        asked.append(request.path)
        return web.Response(body=rss("secret"))

    async def lead_inside(request):
        raise web.HTTPFound(f"http://127.0.0.2:{request.url.port}/inside")

    async with (
        serving(start=html(link("/hop")), hop=lead_inside, inside=inside) as site,
        Fetcher(Settings(allow_private=("127.0.0.1/32",))) as fetcher,
    ):
        found = await find(f"{site}/start", fetcher, parser, gap=0)
    assert found.feeds == ()
    assert "127.0.0.2 is not a public address" in found.tried[1].why_not
    assert asked == []


async def test_a_server_that_asks_to_slow_down_is_left_alone(parser):
    async with serving(start=html(link("/a") + link("/b")), a=answer(429), b=answer()) as site:
        found = await search(f"{site}/start", parser)
    assert [tried.url.removeprefix(site) for tried in found.tried[:3]] == ["/start", "/a", "/b"]
    assert "not tried" in found.tried[2].why_not


async def test_an_address_that_does_not_answer_is_an_error_and_not_an_empty_result(parser):
    async with serving() as site:
        with pytest.raises(FetchError, match="404"):
            await search(f"{site}/start", parser)


def internet_of(pages):
    internet = FakeInternet()
    internet.pages = pages
    return internet


async def test_a_search_ends_in_time_and_keeps_what_it_has():
    site = internet_of({HOME: (link("/1") + link("/2")).encode(), HOME + "1": rss("a")})
    found = await find(HOME, site, PlainParser(), gap=1, total_seconds=1.5)
    assert [feed.url for feed in found.feeds] == [HOME + "1"]
    assert "the search ended after 1.5 s" in found.tried[-1].why_not


async def test_a_hostile_page_costs_no_more_than_its_time(monkeypatch):
    monkeypatch.setattr("streams.feeds.finding.PAGE_SECONDS", 0.5)
    site = internet_of({HOME: b"<div>" * 60_000})
    found = await find(HOME, site, PlainParser(), gap=0)
    assert found.feeds == ()
    assert "cannot be read" in found.tried[1].why_not


def page_of(*links):
    return Fetched(status=200, url=HOME, final_url=HOME, body="".join(links).encode())


async def test_a_successor_is_announced_read_and_on_the_same_site(monkeypatch):
    monkeypatch.setattr("streams.feeds.finding.gap_seconds", lambda host: 0.0)
    site = internet_of({HOME + "new": rss("a"), "https://buyer.example/feed": rss("spam")})
    page = page_of(link("https://buyer.example/feed"), link("/gone"), link("/new"))
    assert await successor(page, site, PlainParser()) == HOME + "new"
    assert [url for url, *_ in site.requests] == [HOME + "gone", HOME + "new"]
    assert await successor(page_of('<a href="/new">RSS</a>'), site, PlainParser()) == ""
