import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds import hosts
from streams.feeds.hosts import gap_seconds, host_key


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.spiegel.de/x", "spiegel.de"),
        ("https://feeds.bbci.co.uk:8443/news/rss.xml", "bbci.co.uk"),
        ("HTTP://Feeds.BBCI.co.uk./news", "bbci.co.uk"),
        ("https://one.tumblr.com/rss", "tumblr.com"),  # a private suffix is no registry
        ("https://two.github.io/feed", "github.io"),
        ("https://www.city.kawasaki.jp/", "city.kawasaki.jp"),
        ("https://www.bücher.de/", "xn--bcher-kva.de"),
        ("https://www.xn--bcher-kva.de/", "xn--bcher-kva.de"),
        ("http://127.0.0.1:8081/x", "127.0.0.1:8081"),
        ("http://127.0.0.1:8082/x", "127.0.0.1:8082"),
        ("https://192.0.2.7/x", "192.0.2.7"),
        ("http://[::1]:9/x", "[::1]:9"),
        ("http://localhost:9/x", "localhost:9"),
        ("http://rsshub:1200/x", "rsshub"),
        ("https://feeds.a.example/x", "feeds.a.example"),
        ("https://co.uk/x", "co.uk"),
        ("http://a.example:99999/x", "http://a.example:99999/x"),
        ("nonsense", "nonsense"),
    ],
)
def test_host_key(url, key):
    assert host_key(url) == key


labels = st.text("abcäß0123456789-", min_size=1, max_size=8)
names = st.lists(labels | st.sampled_from(["com", "co", "uk", "de", "www"]), min_size=1, max_size=5)


@given(names.map(".".join))
def test_a_key_is_its_own_key_and_that_of_all_names_below(host):
    key = host_key(f"https://{host}/feed")
    assert host_key(f"https://{key}/other") == key
    assert host_key(f"https://www.{host}/") in (key, f"www.{key}")


@given(st.text())
def test_whatever_is_no_address_is_a_key_all_the_same(text):
    assert bool(host_key(text)) == bool(text)


def test_gaps():
    assert gap_seconds(host_key("https://old.reddit.com/r/x/.rss")) == 65.0
    assert gap_seconds(host_key("https://a.example/feed")) == 2.0
    assert gap_seconds(host_key("http://127.0.0.1:8080/feed")) == 0.0
    assert gap_seconds(host_key("http://localhost:8080/feed")) == 0.0
    assert gap_seconds(host_key("http://127.example/feed")) == 2.0


def test_neither_network_nor_disk_is_touched(monkeypatch, tmp_path):
    def forbidden(*args, **options):
        raise AssertionError("no network")

    hosts._suffixes.cache_clear()
    host_key.cache_clear()
    for variable in ("HOME", "XDG_CACHE_HOME", "TLDEXTRACT_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    assert host_key("https://www.spiegel.de/x") == "spiegel.de"
    assert list(tmp_path.iterdir()) == []


def test_the_list_is_loaded_only_when_it_is_needed():
    program = (
        "import sys, streams.feeds.hosts as hosts; hosts.host_key('http://127.0.0.1:1/x');"
        "print('tldextract' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert found.stdout.strip() == "False"
