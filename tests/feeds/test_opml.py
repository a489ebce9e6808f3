from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import ConfigError
from streams.feeds.opml import export_opml, import_opml
from streams.records import Feed
from streams.wire import encode
from tests.feeds.fakes import make_feed

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "feeds" / "opml"

OPML = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Politik">
  <outline text="Europa, EU">
    <outline type="rss" text="Br&#252;ssel heute" xmlUrl="https://bruessel.example/feed" language="de-DE"/>
  </outline>
  <outline text="A" title="Alpha" xmlUrl="https://alpha.example/feed?utm_source=x" category="/x/y,z"/>
</outline>
<outline text="Alpha again" xmlUrl="https://alpha.example/feed"/>
<outline type="rss" text="No address"/>
<outline text="Local" xmlUrl="file:///etc/passwd"/>
<outline text="Known" xmlUrl="https://known.example/feed"/>
</body></opml>"""


def test_every_outline_is_reported_with_its_line():
    imported = import_opml(OPML, [make_feed("known")], "mine.opml")
    first, second = imported.feeds
    assert (first.feed_id, first.title, first.lang) == ("bruessel-heute", "Brüssel heute", "de")
    assert first.tags == ("Politik", "Europa EU")
    assert (second.feed_id, second.title, second.tags) == (
        "alpha",
        "Alpha",
        ("Politik", "x y", "z"),
    )
    report = [(each.line, each.title, each.outcome, each.feed_id) for each in imported.outlines]
    assert report == [
        (3, "Politik", "group", ""),
        (4, "Europa, EU", "group", ""),
        (5, "Brüssel heute", "added", "bruessel-heute"),
        (7, "Alpha", "added", "alpha"),
        (9, "Alpha again", "known", "alpha"),
        (10, "No address", "skipped", ""),
        (11, "Local", "skipped", ""),
        (12, "Known", "known", "known"),
    ]
    assert [each.reason for each in imported.outlines if each.outcome == "skipped"] == [
        "has no xmlUrl",
        "scheme 'file' is neither http nor https",
    ]


def test_settings_that_cannot_be_used_are_left_out_and_named():
    settings = (
        "w:id='No Id' w:tier='9' w:interval='often' w:minInterval='7200' w:maxInterval='3600' "
        "w:userAgent='a&#13;&#10;Cookie: b'"
    )
    data = (
        f"<opml xmlns:w='https://pypi.org/project/wirewatch/opml'><body>"
        f"<outline title='A' xmlUrl='https://a.example/f' {settings}/></body></opml>"
    )
    imported = import_opml(data.encode())
    assert imported.feeds == (
        Feed(feed_id="a", url="https://a.example/f", title="A", max_interval_seconds=3600),
    )
    (outline,) = imported.outlines
    for name in ("id 'No Id'", "tier '9'", "interval 'often'", "minInterval '7200'", "userAgent"):
        assert name in outline.reason


def test_an_id_that_is_taken_is_replaced():
    known = [make_feed("a", url="https://other.example/f")]
    imported = import_opml(
        export_opml([make_feed("a", url="https://a.example/f", title="A")]).encode(), known
    )
    assert [feed.feed_id for feed in imported.feeds] == ["a-2"]
    assert imported.outlines[0].reason == "id 'a' is taken"


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"<!DOCTYPE opml [<!ENTITY a 'aaaa'>]><opml>&a;</opml>", "document type"),
        (b"<opml><body><outline></body></opml>", "not well-formed"),
        (b"", "not well-formed"),
        (b"<rss/>", "not OPML"),
    ],
)
def test_files_that_are_refused(data, part):
    with pytest.raises(ConfigError, match=part) as caught:
        import_opml(data, file="x.opml")
    assert str(caught.value).startswith("x.opml:1")


def test_bare_ampersands_as_many_readers_write_them():
    data = b'<opml><body><outline text="A & B" xmlUrl="https://a.example/?x=1&y=2"/></body></opml>'
    (feed,) = import_opml(data).feeds
    assert (feed.title, feed.url) == ("A & B", "https://a.example/?x=1&y=2")


def test_a_file_of_ten_megabytes():
    line = '<outline text="Nachrichten" xmlUrl="https://{}.example/feed" htmlUrl="{}"/>\n'
    body = "".join(line.format(number, "x" * 300) for number in range(25_000))
    data = f"<opml><body><outline text='News'>{body}</outline></body></opml>".encode()
    assert len(data) > 9_000_000
    imported = import_opml(data)
    assert imported.count("added") == 25_000
    assert len({feed.feed_id for feed in imported.feeds}) == 25_000


def test_nesting_without_end_is_cut_and_reported():
    depth = 50_000
    inner = '<outline text="A" xmlUrl="https://a.example/f"/>'
    data = "<opml>" + '<outline text="g">' * depth + inner + "</outline>" * depth + "</opml>"
    imported = import_opml(data.encode())
    assert imported.feeds == ()
    assert imported.count("group") == depth
    (skipped,) = (each for each in imported.outlines if each.outcome == "skipped")
    assert skipped.reason == "nested deeper than 32"


def test_a_title_and_tags_without_end_fit_a_record():
    groups = ",".join(f"tag {number}" for number in range(5_000))
    data = (
        f"<opml><outline text='{'A' * 2_000_000}'><outline text='{'B' * 2_000_000}&#x9b;31m'"
        f" xmlUrl='https://a.example/f' category='{groups}'/></outline></opml>"
    )
    (feed,) = import_opml(data.encode()).feeds
    assert len(encode(feed)) < 64 * 1024
    assert feed.tags[1] == "tag 0"


word = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters=",/", exclude_categories=["Cc"]), min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool)  # fmt: skip
seconds = st.none() | st.integers(1, 10**6)
feeds = st.lists(
    st.builds(
        Feed,
        feed_id=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True),
        url=st.integers(0, 10**6).map(lambda n: f"https://a.example/{n}?a=1&b=2"),
        title=word | st.just(""),
        lang=st.sampled_from(["", "de", "en"]),
        tier=st.integers(1, 3),
        tags=st.lists(word, unique=True, max_size=3).map(tuple),
        enabled=st.booleans(),
        interval_seconds=seconds,
        min_interval_seconds=st.none() | st.integers(1, 10**3),
        max_interval_seconds=st.none() | st.integers(10**3, 10**6),
        user_agent=st.from_regex(r"([!-~]([ -~]{0,20}[!-~])?)?", fullmatch=True),
    ),
    unique_by=(lambda feed: feed.feed_id, lambda feed: feed.url),
    max_size=8,
)


@given(feeds)
def test_an_export_comes_back_as_it_was(known):
    data = export_opml(known).encode()
    imported = import_opml(data)
    assert imported.count("added") == len(known)
    assert {feed.feed_id: feed for feed in imported.feeds} == {feed.feed_id: feed for feed in known}
    again = import_opml(data, imported.feeds)
    assert again.feeds == ()
    assert again.count("known") == len(known)


@given(st.text(), st.text())
def test_no_title_and_no_tag_can_spoil_an_export(title, tag):
    feed = make_feed("a", title=title, tags=(tag,))
    (back,) = import_opml(export_opml([feed]).encode("utf-8")).feeds
    assert (back.feed_id, back.url) == (feed.feed_id, feed.url)


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no OPML collection at {SHARED}")
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.opml")), ids=lambda path: path.stem)
def test_real_lists_are_read_or_refused_with_the_line(path):
    data = path.read_bytes()
    try:
        imported = import_opml(data, file=path.name)
    except ConfigError as error:  # one of the five has quotes inside of quotes
        assert error.line
        return
    assert len(imported.outlines) - imported.count("group") == data.count(b"xmlUrl=")
    assert imported.count("added") == len(imported.feeds) > 0
