import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.broker.topics import apply as apply_topics
from streams.errors import ConfigError, NotFoundError, ParseError
from streams.feeds.verbs import app

DATA = Path(__file__).parent / "data"


def run(*arguments):
    result = CliRunner().invoke(app, arguments)
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
