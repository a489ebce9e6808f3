import asyncio
import json
import threading
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.broker.broadcast import publish
from streams.broker.topics import FEED_STATE, FEEDS
from streams.broker.topics import apply as apply_topics
from streams.config import BrokerSettings, Settings
from streams.errors import ConfigError, FetchError, NotFoundError, ParseError
from streams.feeds.finding import find
from streams.feeds.verbs.changing import app
from streams.records import FeedState, Polled, Subscription
from tests.feeds.fakes import NOW, make_feed, rss

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


def test_check_tells_how_the_feed_would_be_polled(tmp_path):
    feed = tmp_path / "feed.xml"
    hints = b"<ttl>120</ttl><skipDays><day>Sunday</day></skipDays><item>"
    feed.write_bytes(rss("a").replace(b"<item>", hints, 1))
    shown = run("check", str(feed)).stdout
    assert "it asks for:  a poll every 2 h at most; none on Sun" in shown
    assert "next poll:    in " in shown
    report = json.loads(run("check", str(feed), "--json").stdout)
    assert (report["ttl_seconds"], report["skip_days"]) == (7_200, [6])
    assert report["next_check_seconds"] >= 7_200
    assert report["next_check_reason"]


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
    [("add", "ftp://a.example"), ("add", "no address"), ("discover", "no address")],
)
def test_what_cannot_be_an_address_is_refused(arguments, monkeypatch):
    monkeypatch.setenv("WIREWATCH_BROKER", "127.0.0.1:1")
    with pytest.raises(ConfigError, match="give an http or https address"):
        run(*arguments)


@pytest.fixture
def site(monkeypatch):
    """A web site on loopback: pages by path, with whatever is put into them later."""
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("WIREWATCH_ALLOW_PRIVATE", "127.0.0.0/8")
    monkeypatch.setattr("streams.feeds.verbs.changing.looking.find", partial(find, gap=0))
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    server.server_close()


PAGE = b"""<html lang=de><link rel=alternate type=application/rss+xml href=/all title=Alles>
<link rel=alternate type=application/rss+xml href=/ressort/sport>"""


def test_discover_lists_feeds_best_first(site):
    url, pages = site
    pages |= {"/": PAGE, "/all": rss("a", "b"), "/ressort/sport": rss("c")}
    found = json.loads(run("discover", url, "--json").stdout)
    assert [feed["url"] for feed in found["feeds"]] == [f"{url}/all", f"{url}/ressort/sport"]
    assert found["feeds"][0] == {
        "url": f"{url}/all", "title": "T", "kind": "rss20", "lang": "", "entries": 2, "why": "link",
    }  # fmt: skip
    assert found["tried"] == [{"url": url, "why_not": "a web page, not a feed"}]
    assert "announced by the page" in run("discover", url).stdout


def test_discover_without_a_find_says_what_was_tried(site):
    url, pages = site
    pages["/"] = b"<html>"
    ended = run("discover", url)
    assert ended.exit_code == 1
    assert f"{url}/feed/: HTTP 404" in ended.stderr
    assert f"no feed found at {url}" in ended.stderr
    assert json.loads(run("discover", url, "--json").stdout)["feeds"] == []


def test_discover_where_nobody_answers(site):
    with pytest.raises(FetchError, match="404"):
        run("discover", f"{site[0]}/none")


@pytest.fixture
def broker_flag(embedded_broker):
    asyncio.run(apply_topics(embedded_broker))
    return "--broker", embedded_broker.broker.bootstrap


@pytest.mark.embedded
def test_the_registry_by_hand(broker_flag, tmp_path):
    url = "https://news.example/feed"
    add = ("add", url, "--as-is", "--title", "Süd-Nachrichten", "--tag", "de")
    assert run(*add, "--interval", "15m", *broker_flag).stdout == "sued-nachrichten\n"
    with pytest.raises(ConfigError, match="already there as 'sued-nachrichten'"):
        run("add", "https://news.example/feed?utm_source=x", *broker_flag)
    moved = (
        "add",
        "https://news.example/new",
        "--id",
        "sued-nachrichten",
        "--tier",
        "1",
        "--as-is",
    )
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
    assert "feeds.opml:6: 'Süd-Nachrichten' is added as sued-nachrichten\n" in imported.stdout
    assert imported.stdout.endswith("1 feeds added, 0 already there, 0 skipped\n")
    again = run("import", str(tmp_path / "feeds.opml"), *broker_flag)
    assert "feeds.opml:6: 'Süd-Nachrichten' is already there as sued-nachrichten\n" in again.stdout
    assert again.stdout.endswith("0 feeds added, 1 already there, 0 skipped\n")
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
    assert row_after("--min-interval", "5m", "--user-agent", "Desk/1")["user_agent"] == "Desk/1"
    assert row_after("--max-interval", "1h")["min_interval_seconds"] == 300
    assert row_after("--interval", "", "--min-interval", "")["interval_seconds"] is None
    row = row_after("--user-agent", "")
    assert (row["min_interval_seconds"], row["max_interval_seconds"]) == (None, 3_600)
    assert row["user_agent"] == ""
    assert row_after("--enable")["enabled"]
    assert not row_after("--disable")["enabled"]


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--min-interval", "2h", "--max-interval", "1h"), "--min-interval: is more than"),
        (("--max-interval", "soon"), "--max-interval: 'soon' is not a duration"),
        (("--user-agent", "a\r\nb: c"), "--user-agent: has other characters"),
        (("--tag", "a,b"), "--tag: 'a,b' cannot be a tag"),
        (("--id", "No Id"), "--id: 'No Id' cannot be an id"),
    ],
)
def test_settings_that_cannot_be_are_refused(broker_flag, arguments, message):
    with pytest.raises(ConfigError, match=message):
        run("add", "https://news.example/feed", "--as-is", *arguments, *broker_flag)
    assert json.loads(run("list", "--json", *broker_flag).stdout) == []


@pytest.mark.embedded
def test_adding_a_site_adds_its_best_feed_and_names_the_others(broker_flag, site):
    url, pages = site
    pages |= {"/": PAGE, "/all": rss("a", "b"), "/ressort/sport": rss("c")}
    pages["/all"] = pages["/all"].replace(b"<title>T<", b"<title>Tagespost<")
    added = run("add", url, *broker_flag)
    assert added.stdout == "tagespost\n"
    assert f"added the feed it leads to: {url}/all (Tagespost, 2 entries)" in added.stderr
    assert f"also found: {url}/ressort/sport (T, 1 entries)" in added.stderr
    (row,) = json.loads(run("list", "--json", *broker_flag).stdout)
    assert (row["url"], row["title"]) == (f"{url}/all", "Tagespost")
    with pytest.raises(ConfigError, match="already there as 'tagespost'"):
        run("add", url, *broker_flag)


@pytest.mark.embedded
def test_adding_a_feed_takes_its_title(broker_flag, site):
    url, pages = site
    pages["/feed"] = rss("a")
    added = run("add", f"{url}/feed", *broker_flag)
    assert (added.stdout, added.stderr) == ("t\n", "")


@pytest.mark.embedded
def test_an_address_that_does_not_answer_is_added_with_a_warning(broker_flag, site):
    added = run("add", f"{site[0]}/none", "--id", "later", *broker_flag)
    assert added.stdout == "later\n"
    assert "warning: " in added.stderr
    assert "HTTP 404" in added.stderr


@pytest.mark.embedded
def test_a_page_without_a_feed_is_added_only_as_is(broker_flag, site):
    url, pages = site
    pages["/"] = b"<html>"
    with pytest.raises(ParseError, match=r"no feed found at .* --as-is"):
        run("add", url, *broker_flag)
    assert run("add", url, "--as-is", "--id", "page", *broker_flag).stdout == "page\n"


@pytest.mark.embedded
def test_status_shows_the_worst_first_and_why(broker_flag):
    write(broker_flag, FEEDS, make_feed("good"))
    write(broker_flag, FEEDS, make_feed("bad", tags=("x",)))
    write(broker_flag, FEEDS, make_feed("off", enabled=False))
    assert run("status", "--check", *broker_flag).exit_code == 0
    history = (Polled(int(NOW.timestamp()), 500, "server", 0, 120, 0),)
    hub = Subscription("https://hub.example", "https://bad.example/feed", "active")
    write(
        broker_flag,
        FEED_STATE,
        FeedState(
            feed_id="bad", url="https://bad.example/feed", health="failing", history=history,
            health_since=NOW - timedelta(hours=3), reason=f"HTTP 500 {HOSTILE}",
            subscription=hub, schedule_reason="failure 2", last_fetch_at=NOW,
        ),
    )  # fmt: skip
    shown = run("status", *broker_flag).stdout
    assert f"HTTP 500 {SHOWN}; failure 2" in shown
    assert shown.index("bad ") < shown.index("good ") < shown.index("off ")
    assert shown.endswith("3 feeds: 1 failing, 1 new, 1 disabled\n")

    report = json.loads(run("status", "--health", "failing", "--json", *broker_flag).stdout)
    assert report["counts"] == {"failing": 1}
    assert [feed["feed_id"] for feed in report["feeds"]] == ["bad"]
    assert "details" not in report["feeds"][0]
    (feed,) = json.loads(run("status", "bad", "--json", *broker_flag).stdout)["feeds"]
    (poll,) = feed["details"]["history"]
    assert (poll["at"], poll["status"], poll["error"]) == ("2026-11-20T12:00:00Z", 500, "server")
    whole = run("status", "bad", *broker_flag).stdout
    assert "2026-11-20 12:00:00" in whole
    assert "https://hub.example (active, 0 missed)" in whole

    assert run("status", "--check", *broker_flag).exit_code == 1
    assert run("status", "good", "--check", *broker_flag).exit_code == 0
    long_ago = FeedState(
        feed_id="good", url=make_feed("good").url, health="ok", last_fetch_at=NOW - timedelta(days=9),
        next_check_at=NOW - timedelta(days=8),
    )  # fmt: skip
    write(broker_flag, FEED_STATE, long_ago)
    late = run("status", "good", "--check", *broker_flag)
    assert (late.exit_code, " d late" in late.stdout) == (1, True), "nobody polls"


@pytest.mark.embedded
def test_status_of_what_does_not_exist(broker_flag):
    with pytest.raises(NotFoundError, match="no feed 'none'"):
        run("status", "none", *broker_flag)
    with pytest.raises(ConfigError, match="'well' is no health"):
        run("status", "--health", "well", *broker_flag)


@pytest.mark.embedded
def test_list_obeys_nothing_that_a_server_says(broker_flag):
    write(broker_flag, FEEDS, make_feed("a", lang="[/x]"))
    state = FeedState(
        feed_id="a", url=make_feed("a").url, health="failing", reason=f"HTTP 500 {HOSTILE}"
    )
    write(broker_flag, FEED_STATE, state)
    shown = run("list", *broker_flag).stdout
    assert f"HTTP 500 {SHOWN}" in shown
    assert shown.count("[/x]") == 2


@pytest.mark.embedded
def test_list_tells_what_still_holds(broker_flag):
    """Neither the health of an address that was changed, nor a plan for what is not polled."""
    due = NOW - timedelta(days=30)
    for feed in (make_feed("moved"), make_feed("off", enabled=False), make_feed("waits")):
        write(broker_flag, FEEDS, feed)
        url = "https://old.example/feed" if feed.feed_id == "moved" else feed.url
        state = FeedState(feed_id=feed.feed_id, url=url, health="gone", next_check_at=due)
        write(broker_flag, FEED_STATE, state)
    found = {row["feed_id"]: row for row in json.loads(run("list", "--json", *broker_flag).stdout)}
    assert (found["moved"]["health"], found["moved"]["next_check_at"]) == ("new", None)
    assert (found["off"]["health"], found["off"]["next_check_at"]) == ("disabled", None)
    shown = {
        line.split()[0]: line
        for line in run("list", *broker_flag).stdout.splitlines()
        if line.strip()
    }
    assert " now " in shown["moved"]
    assert " now " not in shown["off"]
    assert " d late " in shown["waits"], "nobody polls"


@pytest.mark.embedded
def test_import_obeys_nothing_that_a_file_says(broker_flag, tmp_path):
    file = tmp_path / "feeds.opml"
    file.write_text(
        '<opml><body><outline text="[/x] :bomb: \u202e" xmlUrl="ftp://a.example"/></body></opml>',
        "utf-8",
    )
    report = run("import", str(file), *broker_flag).stdout
    assert "'[/x] :bomb: \\u202e' is skipped: scheme 'ftp'" in report


@pytest.mark.embedded
def test_a_dry_run_reports_and_changes_nothing(broker_flag, tmp_path):
    file = tmp_path / "feeds.opml"
    file.write_text(
        "<opml><body><outline text='A' xmlUrl='https://a.example/f'/></body></opml>", "utf-8"
    )
    shown = run("import", str(file), "--dry-run", *broker_flag).stdout
    assert shown.endswith("1 feeds would be added, 0 already there, 0 skipped\n")
    report = json.loads(run("import", str(file), "--dry-run", "--json", *broker_flag).stdout)
    assert (report["dry_run"], report["added"]) == (True, 1)
    assert report["outlines"] == [
        {
            "line": 1, "title": "A", "url": "https://a.example/f", "outcome": "added",
            "feed_id": "a", "reason": "",
        }
    ]  # fmt: skip
    assert json.loads(run("list", "--json", *broker_flag).stdout) == []


@pytest.mark.embedded
def test_export_to_where_nothing_can_be_written(broker_flag, tmp_path):
    with pytest.raises(ConfigError, match=r"no/feeds\.opml: cannot be written: .*give a file"):
        run("export", str(tmp_path / "no" / "feeds.opml"), *broker_flag)


def write(broker_flag, topic, record):
    settings = Settings(broker=BrokerSettings(bootstrap=broker_flag[1]))
    asyncio.run(publish(settings, topic, {record.feed_id: record}))
