"""JSON Feed, also as it should not be."""

import json

import pytest

from streams.feeds.document import MAX_ENTRIES
from streams.feeds.parse import parse

URL = "https://json.example/dir/feed.json"


def entry_of(item, **feed):
    (entry,) = parse(json.dumps({"items": [item], **feed}).encode(), "", URL).entries
    return entry


@pytest.mark.parametrize(
    ("item", "field", "expected"),
    [
        ({"id": 7}, "guid", "7"),
        ({"id": 1.5}, "guid", "1.5"),
        ({"id": True}, "guid", ""),
        ({"id": ["x"]}, "guid", ""),
        ({"url": "../a"}, "link", "https://json.example/a"),
        ({"external_url": "https://b.example/"}, "link", "https://b.example/"),
        ({"url": "javascript:x"}, "link", ""),
        ({"url": "//[x"}, "link", ""),
        ({"content_html": "<p>x</p>", "content_text": "x"}, "body", "<p>x</p>"),
        ({"content_text": "x"}, "body", "x"),
        ({"author": {"name": "Ada"}}, "authors", ("Ada",)),
        ({"authors": [{"name": "Ada"}, {"name": "Ada"}, "x", {}]}, "authors", ("Ada",)),
        ({"authors": [{"name": "ada@a.example (Ada Sample)"}]}, "authors", ("Ada Sample",)),
        ({"tags": ["KI", 5, None, "KI"]}, "categories", ("KI", "5")),
        ({"tags": "KI"}, "categories", ()),
        ({"attachments": [{"url": "a.mp3"}, {"url": "a.mp3"}, {}, 5]}, "enclosures", ("https://json.example/dir/a.mp3",)),
        (
            {"attachments": [{"url": "a.mp3"}], "image": "i.jpg", "banner_image": "i.jpg"},
            "media",
            ("https://json.example/dir/a.mp3", "https://json.example/dir/i.jpg"),
        ),
        ({"language": "de-AT"}, "lang", "de"),
        ({"date_published": "soon"}, "published", None),
        ({"date_published": "soon"}, "raw_date", "soon"),
    ],
)  # fmt: skip
def test_fields(item, field, expected):
    assert getattr(entry_of(item), field) == expected


@pytest.mark.parametrize(
    "date", ["2026-11-20T12:00:00+01:00", "2026-11-20T11:00:00Z", "20. November 2026, 11 Uhr"]
)
def test_dates(date):
    found = entry_of({"date_published": date, "date_modified": date})
    assert found.published == found.updated
    assert found.published.isoformat() == "2026-11-20T11:00:00+00:00"


def test_the_feed_lends_its_authors():
    assert entry_of({}, authors=[{"name": "Redaktion"}]).authors == ("Redaktion",)
    assert entry_of({"author": {"name": "A"}}, author={"name": "B"}).authors == ("A",)


def test_what_is_no_item_costs_no_other():
    parsed = parse(json.dumps({"items": [{"id": "a"}, None, "x", [], {"id": "b"}]}).encode())
    assert [entry.guid for entry in parsed.entries] == ["a", "b"]
    assert len(parsed.warnings) == 3


def test_only_so_many_entries_are_read():
    parsed = parse(json.dumps({"items": [{"id": n} for n in range(MAX_ENTRIES + 5)]}).encode())
    assert len(parsed.entries) == MAX_ENTRIES
    assert "2,005" in parsed.warnings[0]
