import contextlib
import io
import json
import time
from pathlib import Path

import feedparser
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import ParseError
from streams.feeds.document import MAX_ENTRIES, MAX_TEXT_BYTES
from streams.feeds.parse import parse, parse_apart
from tests.feeds.fakes import rss

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "feeds"
SAMPLES = sorted(path for path in DATA.iterdir() if not path.name.endswith(".expected.json"))
URL = "https://feed.example/dir/feed"


def as_plain(parsed):
    """Without the fields that are empty."""
    plain = json.loads(msgspec.json.encode(parsed))
    plain = {name: value for name, value in plain.items() if value}
    plain["entries"] = [
        {name: value for name, value in entry.items() if value}
        for entry in plain.get("entries", [])
    ]
    return plain


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_golden_files(sample):
    expected = json.loads(sample.with_name(f"{sample.stem}.expected.json").read_text("utf-8"))
    assert as_plain(parse(sample.read_bytes(), "", URL)) == expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n\x00", "empty"),
        (b"<!DOCTYPE html><html><body><p>Moved</p></body></html>", "not_a_feed"),
        (b"<?xml version='1.0'?><!-- x --><html xmlns='http://www.w3.org/1999/xhtml'/>", "not_a_feed"),
        (b"Not found", "not_a_feed"),
        (b"<sitemap><url/></sitemap>", "not_a_feed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not_a_feed"),
        (b'{"items": "none"}', "not_a_feed"),
        (b'{"items": [', "malformed"),
        (b'{"a":' * 100_000, "malformed"),
    ],
)  # fmt: skip
def test_what_is_no_feed(body, kind):
    with pytest.raises(ParseError) as caught:
        parse(body, "text/html", URL)
    assert caught.value.kind == kind
    assert parse_apart(body, "", URL) == (kind, caught.value.message)


def test_a_feed_without_entries_is_a_success():
    assert parse(rss()).entries == ()


def test_what_makes_feedparser_raise_is_tried_again_without_it():
    body = rss("A &#1114112; B").replace(b"<rss", b"<!DOCTYPE rss [<!ENTITY a 'b'>]><rss", 1)
    parsed = parse(body)
    assert [entry.title for entry in parsed.entries] == ["A  B"]
    assert "parsed again" in parsed.warnings[0]


def test_guids_stay_as_written_wherever_the_feed_lives():
    first, second = (parse(rss("A"), "", url) for url in (URL, "http://moved.example/"))
    assert first.entries[0].guid == second.entries[0].guid == "A"


def test_a_huge_entry_is_cut_and_said_so():
    huge = "ä" * 2_500_000
    body = rss(
        "x",
        item=lambda _: (
            f"<item><title>T</title><guid>g</guid><description>{huge}</description></item>"
        ),
    )
    (entry,) = parse(body).entries
    assert len(entry.summary.encode()) == MAX_TEXT_BYTES
    assert "entry 1: summary cut" in parse(body).warnings[0]


def test_only_so_many_entries_are_read():
    parsed = parse(rss(*(f"t{n}" for n in range(MAX_ENTRIES + 1))))
    assert len(parsed.entries) == MAX_ENTRIES
    assert "2,001" in parsed.warnings[0]


def test_entities_are_neither_expanded_nor_read_from_files():
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = rss("&l9; &file;").replace(
        b"<rss",
        f'<!DOCTYPE x [<!ENTITY l0 "lol">{bomb}<!ENTITY file SYSTEM "file:///etc/passwd">]><rss'.encode(),
        1,
    )
    text = str(parse(body))
    assert "root:" not in text
    assert len(text) < 2_000


def test_characters_that_records_cannot_carry_are_dropped():
    body = (
        b'{"title": "\\udfffT", "items": [{"id": "a\\u0000b\\ud83dc", "title": "x\\u001b[31m\ny"}]}'
    )
    parsed = parse(body)
    assert (parsed.title, parsed.entries[0].guid, parsed.entries[0].title) == (
        "T",
        "abc",
        "x[31m\ny",
    )
    msgspec.json.encode(parsed)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Trump\x92s \x84Plan\x93 \x96 5 \x80", "Trump’s „Plan“ – 5 €"),  # windows-1252 as Latin-1
        ("\x9b31mred\x9d0;title\x9c", "›31mred0;titleœ"),  # what steers a terminal
        ("„Größe“ – naïve, año, 日本語, שלום", "„Größe“ – naïve, año, 日本語, שלום"),
    ],
)
def test_controls_of_c1_become_what_was_meant(written, meant):
    entry = {"id": 1, "title": written, "content_text": written, "author": {"name": written}}
    feed = {"title": written, "items": [{**entry, "url": f"https://a.example/{written}"}]}
    parsed = parse(json.dumps(feed, ensure_ascii=False).encode())
    (found,) = parsed.entries
    assert parsed.title == found.title == found.body == found.authors[0] == meant
    assert found.link == f"https://a.example/{meant}"


snippets = st.lists(
    st.sampled_from(
        ["<rss version='2.0'>", "<channel>", "<item>", "</item>", "<feed>", "<entry>", "<title>",
         "</title>", "<guid>", "<link href='//[x'/>", "<pubDate>", "Mon, 99 Foo", "&#xD800;",
         "&#9999999;", "&amp", "<![CDATA[", "]]>", "<!DOCTYPE \\ [", "<!--", "\x00", "{", "ä", "<",
         "<enclosure url='x'/>", "<content type='xhtml'>", "<link>https://a.example</link>",
         "<author>", "<itunes:duration>1:x</itunes:duration>", "<geo:lat>x</geo:lat>"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.binary() | snippets.map(lambda text: text.encode()), st.text(max_size=40))
def test_bytes_give_a_feed_or_a_parse_error_and_nothing_else(body, content_type):
    try:
        parsed = parse(body, content_type, URL)
    except ParseError as error:
        assert error.kind in {"empty", "not_a_feed", "malformed"}
    else:
        msgspec.json.encode(parsed)


shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no feed collection at {SHARED}")


@shared
@pytest.mark.parametrize("path", sorted(SHARED.glob("news/*")), ids=lambda path: path.stem)
def test_real_feeds_keep_every_entry(path):
    body = path.read_bytes()
    expected = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    parsed = parse(body, "", URL)
    assert len(parsed.entries) == len(expected.entries)
    for found, entry in zip(parsed.entries, expected.entries, strict=True):
        assert found.title == entry.title.strip()
        assert found.guid == entry.get("id", "").strip()


@shared
def test_the_suite_of_feedparser_raises_nothing_but_parse_errors():
    worst = 0.0
    for path in sorted(SHARED.glob("feedparser-suite/tests/**/*.*")):
        started = time.perf_counter()
        with contextlib.suppress(ParseError):
            msgspec.json.encode(parse(path.read_bytes(), "", URL))
        worst = max(worst, time.perf_counter() - started)
    assert worst < 5
