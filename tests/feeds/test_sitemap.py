"""Sitemaps as feeds, gzip files, and what of them is no feed."""

import gzip
import tracemalloc
import zlib
from datetime import UTC, datetime

import pytest

from streams.errors import ParseError
from streams.feeds.document import MAX_ENTRIES
from streams.feeds.formats.unpack import MAX_BYTES
from streams.feeds.parse import parse
from tests.feeds.fakes import rss

OPEN = (
    "<?xml version='1.0' encoding='ISO-8859-1'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'"
    " xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'"
    " xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'>"
)
NEWS = """<url><loc>https://news.example/1</loc><lastmod>2026-11-20T12:00:00Z</lastmod>
<n:news><n:publication><n:name>Blatt</n:name><n:language>de</n:language></n:publication>
<n:publication_date>2026-11-20T10:00:00+01:00</n:publication_date>
<n:title>Größe &amp; Maß &#8211; „zählt“</n:title><n:keywords>KI, Politik</n:keywords></n:news>
<image:image><image:loc>https://news.example/1.jpg</image:loc></image:image></url>"""


def sitemap(*urls):
    return f"{OPEN}{''.join(urls)}</urlset>".encode()


def plain(number, lastmod="2026-11-20"):
    return f"<url><loc>https://news.example/{number}</loc><lastmod>{lastmod}</lastmod></url>"


def test_a_news_sitemap_is_a_feed():
    parsed = parse(sitemap(NEWS), "application/xml")
    (entry,) = parsed.entries
    assert (parsed.version, parsed.lang, parsed.warnings) == ("sitemap", "de", ())
    assert entry.link == "https://news.example/1"
    assert entry.title == "Größe & Maß – „zählt“"
    assert entry.published == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert entry.updated == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert entry.categories == ("KI", "Politik")
    assert entry.media == ("https://news.example/1.jpg",)
    assert (entry.guid, entry.lang) == ("", "de")


def test_a_sitemap_with_dates_is_a_feed_without_titles():
    (entry,) = parse(sitemap(plain(1))).entries
    assert (entry.link, entry.title) == ("https://news.example/1", "")
    assert entry.updated == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        (b"<sitemapindex><sitemap><loc>https://news.example/s.xml</loc></sitemap></sitemapindex>", "one of the sitemaps"),
        (sitemap("<url><loc>https://news.example/1</loc></url>"), "news sitemap"),
        (sitemap(), "news sitemap"),
        (b"<urlset", "find"),
    ],
)  # fmt: skip
def test_a_sitemap_that_tells_no_news_says_what_to_do(body, cure):
    with pytest.raises(ParseError) as caught:
        parse(body)
    assert caught.value.kind == "not_a_feed"
    assert cure in caught.value.cure


def test_of_a_large_sitemap_the_newest_are_read():
    urls = [plain(n, f"20{n // 336:02}-{n % 12 + 1:02}-{n % 28 + 1:02}") for n in range(5_000)]
    parsed = parse(sitemap(*urls))
    assert len(parsed.entries) == MAX_ENTRIES
    assert "newest 2,000 of 5,000" in parsed.warnings[0]
    assert all(entry.updated and entry.updated.year >= 2008 for entry in parsed.entries)


def test_a_truncated_sitemap_gives_its_whole_entries():
    whole = sitemap(plain(1), plain(2))
    parsed = parse(whole[: whole.index(b"/2") + 2])
    assert [entry.link for entry in parsed.entries] == ["https://news.example/1"]
    assert "read up to there" in parsed.warnings[0]


def test_a_sitemap_declares_no_entities():
    bomb = b"<!DOCTYPE x [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]>"
    body = sitemap(plain(1), "<url><loc>https://news.example/&b;</loc></url>")
    parsed = parse(body.replace(b"<urlset", bomb + b"<urlset"))
    assert [entry.link for entry in parsed.entries] == ["https://news.example/1"]


def test_one_bad_address_costs_no_other():
    parsed = parse(sitemap(plain(1), "<url><loc>javascript:x</loc></url><url/>", plain(2)))
    assert [entry.link[-1:] for entry in parsed.entries] == ["1", "", "", "2"]
    assert any("entry 2: link left out" in warning for warning in parsed.warnings)


@pytest.mark.parametrize("document", [sitemap(NEWS), rss("one")], ids=["sitemap", "rss"])
def test_gzip_files_are_unpacked(document):
    once = parse(gzip.compress(document))
    half = len(document) // 2
    members = gzip.compress(document[:half]) + gzip.compress(document[half:]) + b"\0\0"
    assert once == parse(members) == parse(document)


def test_a_gzip_file_that_ends_too_early_is_read_as_far_as_it_goes():
    body = gzip.compress(rss(*(f"title {n} {zlib.crc32(bytes([n])):x}" for n in range(200))))
    parsed = parse(body[: len(body) // 2])
    assert 20 < len(parsed.entries) < 200
    assert "ends too early" in parsed.warnings[0]


def test_a_damaged_gzip_file_is_a_parse_error():
    with pytest.raises(ParseError):
        parse(b"\x1f\x8b\x08" + b"\xff" * 50)


def test_a_gzip_bomb_is_refused_without_being_unpacked():
    bomb = gzip.compress(b" " * 20 * MAX_BYTES)
    tracemalloc.start()
    try:
        with pytest.raises(ParseError) as caught:
            parse(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BYTES
    finally:
        tracemalloc.stop()
    assert caught.value.kind == "too_large"
