import pytest

from streams.config import default_config_folder
from streams.errors import ConfigError, NotFoundError
from streams.feeds.registry import is_feed_id, new_feed_id, read_feeds, refuse_user_agent, slug


def write(tmp_path, text):
    path = tmp_path / "feeds.yaml"
    path.write_text(text, "utf-8")
    return path


def test_an_entry_becomes_a_feed(tmp_path):
    path = write(
        tmp_path,
        "feeds:\n"
        "  - {id: a, url: 'https://a.example/f', title: Süd, lang: de, tier: 1, tags: [x, y], interval: 15m}\n"
        "  - id: b\n"
        "    url: https://b.example/f\n"
        "    enabled: false\n"
        "    min_interval: 5m\n"
        "    max_interval: 1h\n"
        "    user_agent: 'Newsdesk/2.0 (+https://desk.example)'\n",
    )
    first, second = read_feeds(path)
    assert (first.feed_id, first.title, first.tier, first.tags) == ("a", "Süd", 1, ("x", "y"))
    assert (first.interval_seconds, first.origin) == (900, "file")
    assert (second.enabled, second.interval_seconds) == (False, None)
    assert (second.min_interval_seconds, second.max_interval_seconds) == (300, 3600)
    assert second.user_agent == "Newsdesk/2.0 (+https://desk.example)"
    assert (first.min_interval_seconds, first.max_interval_seconds, first.user_agent) == (
        None,
        None,
        "",
    )


@pytest.mark.parametrize(
    ("entry", "line", "part"),
    [
        ("{id: b, url: 'https://b.example', langg: de}", 3, "did you mean 'lang'"),
        ("{id: a, url: 'https://b.example'}", 3, "'a' is there twice"),
        ("{id: b, url: 'https://a.example/f?utm_source=x'}", 3, "is also that of 'a'"),
        ("{id: b, url: 'ftp://b.example'}", 3, "neither http nor https"),
        ("{id: b, url: 'https://b.example', interval: often}", 3, "'often' is not a duration"),
        ("{id: b, url: 'https://b.example', max_interval: 5}", 3, "max_interval"),
        ("{id: b, url: 'https://b.example', max_interval: 5 years}", 3, "is not a duration"),
        (
            "{id: b, url: 'https://b.example', min_interval: 2h, max_interval: 90m}",
            3,
            "min_interval: '2h' is more than max_interval",
        ),
        ("{id: b, url: 'https://b.example', user_agent: Späher}", 3, "ASCII"),
        ("{id: b, url: 'https://b.example', tier: 4}", 3, "tier"),
        ("{id: 'B B', url: 'https://b.example'}", 3, "id"),
        ("{id: b}", 3, "url"),
    ],
)
def test_errors_name_line_field_and_cure(tmp_path, entry, line, part):
    path = write(tmp_path, f"feeds:\n  - {{id: a, url: 'https://a.example/f'}}\n  - {entry}\n")
    with pytest.raises(ConfigError) as caught:
        read_feeds(path)
    assert part in str(caught.value)
    assert caught.value.line == line
    assert caught.value.field
    assert caught.value.cure


def test_an_error_is_in_the_line_of_its_feed_even_if_others_say_the_same(tmp_path):
    path = write(
        tmp_path,
        "feeds:\n"
        "  - id: a\n"
        "    url: https://a.example\n"
        "    max_interval: 1h\n"
        "    min_interval: 2h\n"
        "  - id: b\n"
        "    url: https://b.example\n"
        "    min_interval: 2h\n",
    )
    with pytest.raises(ConfigError) as caught:
        read_feeds(path)
    assert (caught.value.line, caught.value.field) == (5, "feeds[0].min_interval")


@pytest.mark.parametrize(
    "text", ["a\r\nCookie: x", "a\n", " a", "a ", "Sp\u00e4her", "a\x00", "\t", "x" * 257]
)
def test_a_user_agent_is_one_line_of_ascii(text):
    assert refuse_user_agent(text)


@pytest.mark.parametrize(
    "text", ["", "x", "Name/1.2 (+https://info.example; 3 readers)", "x" * 256]
)
def test_user_agents_that_can_be_sent(text):
    assert refuse_user_agent(text) == ""


def test_thousands_of_feeds_with_one_title_have_ids_in_no_time():
    taken: set[str] = set()
    for number in range(5_000):
        taken.add(new_feed_id("News", f"https://{number}.example", taken))
    assert len(taken) == 5_000
    assert {"news", "news-2", "news-9"} <= taken
    assert all(is_feed_id(each) for each in taken)


def test_a_missing_file_is_not_a_wrong_one(tmp_path):
    with pytest.raises(NotFoundError):
        read_feeds(tmp_path / "none.yaml")


def test_the_starter_file_is_valid_and_bilingual():
    feeds = read_feeds(default_config_folder() / "feeds.yaml")
    assert len(feeds) >= 30
    assert {feed.lang for feed in feeds} == {"de", "en"}
    assert all(feed.url.startswith("https://") for feed in feeds)


@pytest.mark.parametrize(
    ("title", "url", "taken", "expected"),
    [
        ("Süddeutsche – Politik", "https://x.example", (), "sueddeutsche-politik"),
        ("", "https://www.heise.de/rss", (), "heise"),
        ("", "https://feeds.bbci.co.uk/x", (), "bbci"),
        ("新闻", "https://news.example", (), "news-example"),
        ("News", "https://x.example", ("news", "news-2"), "news-3"),
        ("", "file", (), "feed"),
    ],
)
def test_new_ids(title, url, taken, expected):
    found = new_feed_id(title, url, taken)
    assert found == expected
    assert is_feed_id(found)


def test_slugs_are_short_and_clean():
    assert slug("Straße & Ökologie: 100 % «gut»") == "strasse-oekologie-100-gut"
    assert len(slug("x" * 500)) <= 48
