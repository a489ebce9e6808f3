import json
import time
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import ParseError
from streams.feeds.document import MAX_ENTRIES, MAX_TEXT_BYTES, MAX_VALUES_BYTES
from streams.feeds.fingerprint import content_hash
from streams.feeds.formats.salvage import parse_otherwise
from streams.feeds.parse import PARSER, parse, parse_apart
from streams.printable import MAX_MARKS
from tests.feeds.fakes import rss

DATA = Path(__file__).parent / "data"
SAMPLES = sorted(path for path in DATA.iterdir() if not path.name.endswith(".expected.json"))
URL = "https://feed.example/dir/feed"
ACCENTS = "\u0301\u0316"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


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
    assert parse_apart(body, "", URL) == (kind, caught.value.message, caught.value.cure)


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


def test_short_addresses_do_not_grow_without_bound_when_they_become_absolute():
    written = "".join(f"<enclosure url='{number}'/>" for number in range(64))
    body = rss("x", item=lambda _: f"<item><guid>g</guid>{written}</item>")
    parsed = parse(body, "", f"https://feed.example/{'long' * 480}/")
    (entry,) = parsed.entries
    assert sum(map(len, entry.enclosures)) <= MAX_VALUES_BYTES
    assert len(parse(body, "", URL).entries[0].enclosures) == 64
    assert "entry 1: enclosures: only 8 of 64 kept" in parsed.warnings


def test_marks_that_pile_up_on_a_letter_do_not_stop_the_poller():
    """Normalised as they are, one entry of 256 KiB would take 12 s, in the event loop."""
    text = f"a{ACCENTS * 65_000}b"
    body = rss("x", item=lambda _: f"<item><description>{text}</description></item>")
    (entry,) = parse(body, "", URL).entries
    assert entry.summary == f"a{ACCENTS * (MAX_MARKS // 2)}b"
    started = time.process_time()
    content_hash(entry)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("text", ["Việt Nam", "\U0001f600" * 50, "…" * 50, "ประเทศไทย"], ids=ascii)
def test_marks_and_signs_that_languages_need_stay(text):
    for form in ("NFC", "NFD"):
        written = unicodedata.normalize(form, text)
        (entry,) = parse(rss(written), "", URL).entries
        assert entry.title == written


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


MANY = [f"t{n}" for n in range(MAX_ENTRIES + 1)]
ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'>{}<title>T</title></feed>"
LISTED = "<item rdf:about='https://a.example/{0}'><title>{0}</title></item>"


@pytest.mark.parametrize(
    "body",
    [
        rss(*MANY),
        ATOM.format("".join(f"<entry><title>{t}</title></entry>" for t in MANY)).encode(),
        ATOM.format("".join(f"<entry><title>{t}</title></entry>" for t in MANY))
        .replace("<entry", "<a:entry").replace("</entry", "</a:entry")
        .replace("<feed", "<feed xmlns:a='http://www.w3.org/2005/Atom'").encode(),
        (
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
            f"<channel><items><rdf:Seq/></items></channel>{''.join(map(LISTED.format, MANY))}</rdf:RDF>"
        ).encode(),
        rss(*MANY).replace(b"<title>t5<", b"<title><![CDATA[<item>t5]]><!-- <item> --><"),
        rss(*MANY)[:-60],
    ],
    ids=["rss", "atom", "prefixed", "rdf", "quoted", "truncated"],
)  # fmt: skip
def test_only_so_many_entries_are_read(body):
    parsed = parse(body)
    assert len(parsed.entries) == MAX_ENTRIES
    assert parsed.entries[-1].title.removeprefix("<item>") == f"t{MAX_ENTRIES - 1}"
    assert parsed.warnings[0] == "only the first 2,000 of 2,001 entries are read"


def test_what_follows_the_entries_is_still_read():
    many = "".join(f"<entry><title>{t}</title></entry>" for t in MANY)
    parsed = parse(ATOM.format(many).encode())
    assert parsed.title == "T"
    assert len(parsed.warnings) == 1  # and so it stayed well-formed


def test_a_hundred_thousand_entries_cost_little_more_than_what_is_read_of_them():
    item = "<item><title>t</title><guid>{0}</guid><link>https://a.example/{0}</link></item>"
    items = "".join(map(item.format, range(100_000)))
    began = time.process_time()
    parsed = parse(f"<rss version='2.0'><channel>{items}</channel></rss>".encode())
    assert time.process_time() - began < 5  # without the cut it takes half a minute
    assert "of 100,000 entries" in parsed.warnings[0]


RAISES_TWICE = "<gml:pos>1</gml:pos>"  # outside of what it belongs to, feedparser looks up in vain


def test_what_makes_feedparser_raise_twice_is_read_by_another_parser():
    item = (
        "<item><title>Caf&eacute; &amp; Bar &lt;b&gt;opens&lt;/b&gt;</title><guid>g</guid><link>/1</link>"
        "<pubDate>Fri, 20 Nov 2026 11:00:00 GMT</pubDate><author>a@b.example (Ada Sample)</author>"
        f"<enclosure url='a.mp3'/><category>KI</category>{RAISES_TWICE}</item><item><title>Two</title></item>"
    )
    body = rss("x", item=lambda _: item).replace(
        b"<channel>", b"<channel><ttl>5</ttl><language>de</language>"
    )
    parsed = parse(body, "", URL)
    first, second = parsed.entries
    assert "read by another parser" in parsed.warnings[1]
    assert (parsed.title, parsed.lang, parsed.ttl_seconds) == ("T", "de", 300)
    assert first.title == "Café & Bar <b>opens</b>"
    assert (first.guid, first.link) == ("g", "https://feed.example/1")
    assert first.published is not None
    assert first.published.isoformat() == "2026-11-20T11:00:00+00:00"
    assert (first.authors, first.categories) == (("Ada Sample",), ("KI",))
    assert first.enclosures == ("https://feed.example/dir/a.mp3",)
    assert second.title == "Two"


def test_what_no_parser_reads_is_malformed():
    with pytest.raises(ParseError) as caught:
        parse(f"<channel><item>{RAISES_TWICE}".encode())
    assert caught.value.kind == "malformed"


def test_the_last_parser_neither_fetches_nor_opens_files(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("geheim")
    entity = f"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{secret}'>]>"
    assert "geheim" not in str(parse_otherwise(f"{entity}{rss('a &x; b').decode()}"))
    for address in (f"file://{secret}", "http://127.0.0.1:9/", str(secret)):
        with pytest.raises(ValueError, match="parse"):
            parse_otherwise(address)


@pytest.mark.parametrize(
    ("inside", "field", "expected"),
    [
        ("<guid>https://a.example/1</guid>", "link", "https://a.example/1"),
        ("<guid>1</guid>", "link", ""),
        ("<guid isPermaLink='false'>https://a.example/1</guid>", "link", ""),
        ("<guid>https://a.example/1</guid><link>/2</link>", "link", "https://feed.example/2"),
        ("<author>ada@a.example (Ada Sample)</author>", "authors", ("Ada Sample",)),
        ("<author>Ada Sample &lt;ada@a.example&gt;</author>", "authors", ("Ada Sample",)),
        ("<author>ada@a.example</author>", "authors", ()),
        (
            "<dc:creator>Ada</dc:creator><dc:creator>Ben</dc:creator><dc:creator>Ada</dc:creator>",
            "authors",
            ("Ada", "Ben"),
        ),
        ("<itunes:author>Ada</itunes:author>", "authors", ("Ada",)),
        ("<dc:language>fr-CA</dc:language>", "lang", "fr"),
        ("<author>Redaktion (news@a.media)</author>", "authors", ("Redaktion",)),
        (
            "<enclosure url='a.mp3'/><media:content url='/p.jpg'/><media:thumbnail url='/p.jpg'/>",
            "enclosures",
            ("https://feed.example/dir/a.mp3",),
        ),
        (
            "<enclosure url='a.mp3'/><media:group><media:content url='/p.jpg'/></media:group>"
            "<media:thumbnail url='/p.jpg'/><media:thumbnail url='/t.jpg'/>",
            "media",
            ("https://feed.example/dir/a.mp3", "https://feed.example/p.jpg", "https://feed.example/t.jpg"),
        ),
        ("<pubDate>Fr, 20. November 2026, 12.00 Uhr</pubDate>", "published", NOON),
        ("<pubDate>gestern</pubDate>", "published", None),
        ("<pubDate>gestern</pubDate>", "raw_date", "gestern"),
        ("<pubDate></pubDate><dc:date>2026-11-20T12:00:00Z</dc:date>", "updated", NOON),
    ],
)  # fmt: skip
def test_fields(inside, field, expected):
    body = (
        "<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'"
        " xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'>"
        f"<channel><language>de</language><item>{inside}</item></channel></rss>"
    )
    (entry,) = parse(body.encode(), "", URL).entries
    assert getattr(entry, field) == expected


def test_the_channel_lends_its_author_and_atom_its_language():
    body = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='de'><author><name>Redaktion</name></author>"
        "<entry><title>a</title><link rel='alternate' type='text/xml' href='a'/></entry>"
        "<entry xml:lang='en'><title>b</title><author><name>Ada</name></author></entry></feed>"
    )
    first, second = parse(body.encode(), "", URL).entries
    assert (first.authors, first.lang) == (("Redaktion",), "de")
    assert (second.authors, second.lang) == (("Ada",), "en")
    assert first.link == "https://feed.example/dir/a"


def test_the_version_of_the_parser_names_the_library():
    assert PARSER.startswith(f"{feedparser.__version__}+")


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
         "<author>", "<gml:pos>1</gml:pos>", "<urlset>", "<url>", "<loc>", "</url>", "<itunes:duration>1:x</itunes:duration>", "<geo:lat>x</geo:lat>"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=150)
@given(st.binary() | snippets.map(lambda text: text.encode()), st.text(max_size=40))
def test_bytes_give_a_feed_or_a_parse_error_and_nothing_else(body, content_type):
    try:
        parsed = parse(body, content_type, URL)
    except ParseError as error:
        assert error.kind in {"empty", "not_a_feed", "malformed", "too_large"}
    else:
        msgspec.json.encode(parsed)
