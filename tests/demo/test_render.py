import io
import json
from calendar import timegm
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest

from streams.demo.render import content_type, page, render
from streams.demo.script import Script, VisibleItem, feed_at, load_scripts

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "http://127.0.0.1:8770"
SCRIPTS = {script.feed.id: script for script in load_scripts()}
XML = [script for script in SCRIPTS.values() if script.feed.format != "json"]
ALL = 1e6


def parsed(script: Script, entries: tuple[VisibleItem, ...]) -> Any:
    return feedparser.parse(
        io.BytesIO(render(script, entries, BASE)),
        sanitize_html=False,
        resolve_relative_uris=False,
    )


@pytest.mark.parametrize("script", XML, ids=lambda script: script.feed.id)
def test_xml_feeds_say_what_the_script_says(script: Script) -> None:
    entries = feed_at(script, ALL, START)
    document = parsed(script, entries)
    assert not document.bozo
    assert (
        document.version == {"rss": "rss20", "rdf": "rss10", "atom": "atom10"}[script.feed.format]
    )
    assert document.encoding == script.feed.charset
    assert document.feed.title == script.feed.title
    assert document.feed.language == script.feed.lang
    for shown, entry in zip(document.entries, entries, strict=True):
        assert (shown.title, shown.summary) == (entry.title, entry.summary)
        assert shown.link == BASE + entry.link
        assert shown.get("id", "") == entry.guid
        assert dict.get(shown, "author", "") == entry.author
        assert tuple(tag.term for tag in shown.get("tags", ())) == entry.categories
        assert [each.value for each in shown.get("content", ())] == [entry.body] * bool(entry.body)
        # RSS 1.0 has one date, which feedparser calls `updated`.
        when = shown.get("published_parsed") or shown.get("updated_parsed")
        assert (when and timegm(when)) == (entry.published and entry.published.timestamp())


def test_json_feed_says_what_the_script_says() -> None:
    script = SCRIPTS["capitol-circuit"]
    entries = feed_at(script, ALL, START)
    document = json.loads(render(script, entries, BASE))
    assert document["version"].startswith("https://jsonfeed.org/version/1")
    assert (document["title"], document["language"]) == (script.feed.title, "en")
    for shown, entry in zip(document["items"], entries, strict=True):
        assert (shown["id"], shown["title"], shown["summary"]) == (
            entry.guid,
            entry.title,
            entry.summary,
        )
        assert datetime.fromisoformat(shown["date_published"]) == entry.published
        assert shown["url"] == BASE + entry.link


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=lambda script: script.feed.id)
def test_a_feed_without_items_is_still_a_feed(script: Script) -> None:
    document = render(script, (), BASE)
    if script.feed.format == "json":
        assert json.loads(document)["items"] == []
    else:
        assert parsed(script, ()).version
        assert not parsed(script, ()).bozo


def test_the_old_charset_is_used_and_announced() -> None:
    script = SCRIPTS["knotenpunkt"]
    document = render(script, feed_at(script, ALL, START), BASE)
    text = document.decode("iso-8859-1")
    assert text.startswith("<?xml version='1.0' encoding='iso-8859-1'?>")
    assert "Überall" in text
    assert "&#8222;" in text  # a low quotation mark is not in ISO-8859-1
    assert content_type(script.feed) == "application/rss+xml; charset=iso-8859-1"


def test_html_titles_are_declared_in_atom() -> None:
    script = SCRIPTS["northern-ledger"]
    entry = parsed(script, feed_at(script, ALL, START)).entries[-1]
    assert entry.title_detail.type == "text/html"
    assert "<em>ad-tech</em>" in entry.title


def test_hostile_texts_are_harmless_on_a_page() -> None:
    text = page(
        "<script>alert(1)</script>News <b>now</b>", '<p>Text<img src=x onerror="f()">', "en"
    )
    assert "script" not in text
    assert "onerror" not in text
    assert "<h1>News now</h1>" in text
