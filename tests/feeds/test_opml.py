from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import ConfigError
from streams.feeds.opml import export_opml, import_opml
from streams.records import Feed
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


def test_groups_become_tags_and_the_rest_is_reported_by_line():
    imported = import_opml(OPML, [make_feed("known")], "mine.opml")
    first, second = imported.feeds
    assert (first.feed_id, first.title, first.lang) == ("bruessel-heute", "Brüssel heute", "de")
    assert first.tags == ("Politik", "Europa EU")
    assert (second.feed_id, second.title, second.tags) == (
        "alpha",
        "Alpha",
        ("Politik", "x y", "z"),
    )
    reasons = [(skipped.line, skipped.title) for skipped in imported.skipped]
    assert reasons == [(9, "Alpha again"), (10, "No address"), (11, "Local"), (12, "Known")]
    assert "'alpha'" in imported.skipped[0].reason
    assert "'known'" in imported.skipped[3].reason


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


word = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, blacklist_characters=",/\x7f"), min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool)  # fmt: skip
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
        interval_seconds=st.none() | st.integers(1, 10**6),
    ),
    unique_by=(lambda feed: feed.feed_id, lambda feed: feed.url),
    max_size=8,
)


@given(feeds)
def test_an_export_comes_back_as_it_was(known):
    imported = import_opml(export_opml(known).encode())
    assert imported.skipped == ()
    assert {feed.feed_id: feed for feed in imported.feeds} == {feed.feed_id: feed for feed in known}


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no OPML collection at {SHARED}")
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.opml")), ids=lambda path: path.stem)
def test_real_lists_are_read_or_refused_with_the_line(path):
    data = path.read_bytes()
    try:
        imported = import_opml(data, file=path.name)
    except ConfigError as error:  # one of the five has quotes inside of quotes
        assert error.line
        return
    assert len(imported.feeds) + len(imported.skipped) == data.count(b"xmlUrl=")
