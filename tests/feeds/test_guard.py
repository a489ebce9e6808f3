from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import ConfigError
from streams.feeds.guard import networks, refuse, refuse_url

METADATA = ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192"]
"""Where clouds tell their machines secrets."""
WRAPPINGS = ["::ffff:{}", "::ffff:0:{}", "64:ff9b::{}", "::{}"]
"""Mapped, translated, NAT64, compatible."""


@pytest.mark.parametrize(
    "address",
    [
        *METADATA,
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1",
        "192.88.99.1",
        "::1", "::", "::2", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "ff0e::1",
        "100::1", "2001:db8::1", "3fff::1", "5f00::1", "64:ff9b:1::1", "64:ff9b:1::5db8:d822",
        "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1",  # 6to4
        "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo to 127.0.0.1
        "2001:0:5db8:d822:8000:63bf:a247:27dd",  # Teredo to and by a public address
        "not an address", "127.1", "0x7f000001", "",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(address):
    assert refuse(address)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.100.100.200"])
def test_private_addresses_inside_others_are_refused(wrapping, address):
    assert refuse(wrapping.format(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_all_its_wrappings(address: IPv4Address):
    if int(address) > 1:  # "::" and "::1" are addresses of their own
        expected = bool(refuse(str(address)))
        assert [bool(refuse(each.format(address))) for each in WRAPPINGS] == [expected] * 4
        assert bool(refuse(str(IPv6Address((0x2002 << 112) | (int(address) << 80))))) == expected


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"],
)
def test_public_addresses_are_not(address):
    assert refuse(address) == ""


@pytest.mark.parametrize(
    ("port", "allowed"),
    [
        (80, True), (443, True), (8000, True), (8080, True), (9000, True),
        (22, False), (25, False), (6379, False), (7999, False), (9001, False), (0, False),
    ],
)  # fmt: skip
def test_public_addresses_are_used_on_web_ports_only(port, allowed):
    assert (refuse("93.184.216.34", (), port) == "") == allowed


def test_allowed_ranges_open_any_port_and_nothing_else():
    allowed = ("127.0.0.0/8", " fd00::/8")
    assert refuse("127.0.0.1", allowed, 41234) == ""
    assert refuse("::ffff:127.0.0.1", allowed, 41234) == ""
    assert refuse("fd00::7", allowed, 22) == ""
    assert refuse("10.0.0.1", allowed)
    assert refuse("93.184.216.34", allowed, 41234)


def test_a_wrong_range_names_the_setting():
    with pytest.raises(ConfigError, match="ALLOW_PRIVATE"):
        networks(("10.0.0.0/99",))


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example", "gopher://a.example/1", "https://user@a.example/",
     "https://user:secret@a.example/", "http://@a.example/", "http://a.example\\@127.0.0.1/",
     "https://", "http:///x", "nonsense", "", "//a.example/", "https://[::1", "https://[x]/",
     "https://a.example:port/", "https://a.example:99999/", f"https://a.example/{'x' * 2048}"],
)  # fmt: skip
def test_refused_urls(url):
    assert refuse_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://a.example/feed?x=1", "http://93.184.216.34/", "http://[::ffff:93.184.216.34]/",
     "http://127.0.0.1:8080/", "https://bücher.example/", "https://0xfeed.example/",
     "https://a.example/@user", "https://feeds.4chan/", "http://rsshub:1200/"],
)  # fmt: skip
def test_ordinary_urls_are_not(url):
    assert refuse_url(url) == ""
