import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.broker.broadcast import publish
from streams.broker.topics import FEED_STATE, FEEDS
from streams.broker.topics import apply as apply_topics
from streams.config import BrokerSettings, Settings
from streams.errors import ConfigError, NotFoundError, ParseError
from streams.feeds.verbs import app
from streams.records import FeedState
from tests.feeds.fakes import make_feed, rss

DATA = Path(__file__).parent / "data"


HOSTILE = "Oops [/x] [link=https://evil.example]click[/link] :bomb: \x1b[31m \x9b31m \u202etxt"
SHOWN = "Oops [/x] [link=https://evil.example]click[/link] :bomb: �[31m �31m �txt"


def run(*arguments):
    result = CliRunner(env={"COLUMNS": "300"}).invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_check_shows_what_would_be_read():
    shown = run("check", str(DATA / "rss2.xml"))
    assert shown.exit_code == 0
    assert "Tagesblatt Netzpolitik · rss20 · de · 3 entries" in shown.stdout
    assert "no usable date" in shown.stdout
    assert "warning: entry 3: link left out" in shown.stderr


def test_check_as_json_is_one_document():
    report = json.loads(run("check", str(DATA / "rss2.xml"), "--json").stdout)
    assert report["feed_id"] == "tagesblatt-netzpolitik"
    assert [entry["identity"] for entry in report["entries"]] == ["guid", "guid", "guid"]
    assert len({entry["item_id"] for entry in report["entries"]}) == 3


def test_check_obeys_nothing_that_a_feed_says(tmp_path):
    feed = tmp_path / "feed.xml"
    title = HOSTILE.replace("\x1b", "").replace("\x9b", "")  # already dropped where it is read
    feed.write_bytes(rss(title, title).replace(b"<title>T<", f"<title>{title}<".encode()))
    shown = run("check", str(feed))
    expected = "Oops [/x] [link=https://evil.example]click[/link] :bomb: [31m 31m �txt"
    assert shown.stdout.count(expected) == 2
    assert expected in shown.stdout.splitlines()[0]


def test_check_obeys_no_warning_about_a_feed(tmp_path):
    feed = tmp_path / "feed.json"
    entry = {"id": "1", "title": "T", "url": "[/x] :bomb: \u202e"}
    feed.write_text(json.dumps({"items": [entry]}), "utf-8")
    assert "no http address: '[/x] :bomb: \\u202e'" in run("check", str(feed)).stderr


def test_check_explains_what_is_no_feed(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html></html>")
    with pytest.raises(ParseError, match="web page"):
        run("check", str(page))
    with pytest.raises(NotFoundError):
        run("check", str(tmp_path / "none"))


@pytest.mark.parametrize(
    "arguments",
    [("add", "ftp://a.example"), ("add", "no address")],
)
def test_add_refuses_what_cannot_be_polled(arguments, monkeypatch):
    monkeypatch.setenv("WIREWATCH_BROKER", "127.0.0.1:1")
    with pytest.raises(ConfigError):
        run(*arguments)


@pytest.fixture
def broker_flag(embedded_broker):
    asyncio.run(apply_topics(embedded_broker))
    return "--broker", embedded_broker.broker.bootstrap


@pytest.mark.embedded
def test_the_registry_by_hand(broker_flag, tmp_path):
    add = ("add", "https://news.example/feed", "--title", "Süd-Nachrichten", "--tag", "de")
    assert run(*add, "--interval", "15m", *broker_flag).stdout == "sued-nachrichten\n"
    with pytest.raises(ConfigError, match="already there as 'sued-nachrichten'"):
        run("add", "https://news.example/feed?utm_source=x", *broker_flag)
    moved = ("add", "https://news.example/new", "--id", "sued-nachrichten", "--tier", "1")
    run(*moved, *broker_flag)
    (row,) = json.loads(run("list", "--json", *broker_flag).stdout)
    assert (row["url"], row["title"], row["tier"]) == (moved[1], "Süd-Nachrichten", 1)
    assert (row["tags"], row["interval_seconds"], row["health"]) == (["de"], 900, "new")

    run("export", str(tmp_path / "feeds.opml"), *broker_flag)
    run("remove", "sued-nachrichten", *broker_flag)
    assert json.loads(run("list", "--json", *broker_flag).stdout) == []
    with pytest.raises(NotFoundError, match="no feed"):
        run("remove", "sued-nachrichten", *broker_flag)
    imported = run("import", str(tmp_path / "feeds.opml"), *broker_flag)
    assert imported.stdout == "1 feeds added, 0 outlines skipped\n"
    again = run("import", str(tmp_path / "feeds.opml"), *broker_flag)
    assert "feeds.opml:6: skipped 'Süd-Nachrichten': the same address as" in again.stderr
    (row,) = json.loads(run("list", "--json", *broker_flag).stdout)
    assert (row["feed_id"], row["tier"], row["interval_seconds"]) == ("sued-nachrichten", 1, 900)


@pytest.mark.embedded
def test_what_is_not_given_stays(broker_flag):
    url = "https://news.example/feed"
    settled = make_feed("news", url=url, enabled=False, tier=1, tags=("x",), interval_seconds=60)
    write(broker_flag, FEEDS, settled)

    def row_after(*arguments):
        run("add", url, "--id", "news", *arguments, *broker_flag)
        (row,) = json.loads(run("list", "--json", *broker_flag).stdout)
        return row

    row = row_after("--title", "News")
    assert (row["title"], row["enabled"], row["health"]) == ("News", False, "disabled")
    assert (row["tier"], row["tags"], row["interval_seconds"]) == (1, ["x"], 60)
    assert row_after("--enable")["enabled"]
    assert not row_after("--disable")["enabled"]


@pytest.mark.embedded
def test_list_obeys_nothing_that_a_server_says(broker_flag):
    write(broker_flag, FEEDS, make_feed("a", lang="[/x]"))
    state = FeedState(feed_id="a", url="u", health="failing", reason=f"HTTP 500 {HOSTILE}")
    write(broker_flag, FEED_STATE, state)
    shown = run("list", *broker_flag).stdout
    assert f"HTTP 500 {SHOWN}" in shown
    assert shown.count("[/x]") == 2


@pytest.mark.embedded
def test_import_obeys_nothing_that_a_file_says(broker_flag, tmp_path):
    file = tmp_path / "feeds.opml"
    file.write_text(
        '<opml><body><outline text="[/x] :bomb: \u202e" xmlUrl="ftp://a.example"/></body></opml>',
        "utf-8",
    )
    notes = run("import", str(file), *broker_flag).stderr
    assert "skipped '[/x] :bomb: \\u202e'" in notes


@pytest.mark.embedded
def test_export_to_where_nothing_can_be_written(broker_flag, tmp_path):
    with pytest.raises(ConfigError, match=r"no/feeds\.opml: cannot be written: .*give a file"):
        run("export", str(tmp_path / "no" / "feeds.opml"), *broker_flag)


def write(broker_flag, topic, record):
    settings = Settings(broker=BrokerSettings(bootstrap=broker_flag[1]))
    asyncio.run(publish(settings, topic, {record.feed_id: record}))
