import pytest

from streams.errors import ConfigError
from streams.feeds.guard import networks, refuse, refuse_url


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1",
        "::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1",  # IPv4-mapped
        "2002:7f00:1::", "2002:a00:1::1",  # 6to4
        "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo to 127.0.0.1
        "64:ff9b::7f00:1", "64:ff9b:1::1", "::7f00:1",  # NAT64, IPv4-compatible
        "not an address", "",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(address):
    assert refuse(address)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"],
)
def test_public_addresses_are_not(address):
    assert refuse(address) == ""


@pytest.mark.parametrize(
    ("port", "allowed"), [(80, True), (443, True), (8080, True), (22, False), (6379, False)]
)
def test_public_addresses_are_used_on_web_ports_only(port, allowed):
    assert (refuse("93.184.216.34", (), port) == "") == allowed


def test_allowed_ranges_open_any_port_and_nothing_else():
    allowed = ("127.0.0.0/8", "fd00::/8")
    assert refuse("127.0.0.1", allowed, 41234) == ""
    assert refuse("::ffff:127.0.0.1", allowed, 41234) == ""
    assert refuse("fd00::7", allowed) == ""
    assert refuse("10.0.0.1", allowed)


def test_a_wrong_range_names_the_setting():
    with pytest.raises(ConfigError, match="ALLOW_PRIVATE"):
        networks(("10.0.0.0/99",))


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example", "https://user@a.example/", "https://", "nonsense",
     "https://[::1", "https://a.example:port/"],
)  # fmt: skip
def test_refused_urls(url):
    assert refuse_url(url)


def test_ordinary_urls_are_not():
    assert refuse_url("https://a.example/feed?x=1") == ""
