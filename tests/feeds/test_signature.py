import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.websub.signature import derive, signed
from streams.records import Subscription

BODY = "<rss>Größe</rss>".encode()
MASTER = b"m" * 32
SUBSCRIPTION = Subscription(hub="https://hub.example/", feed_url="https://a.example/feed")


def sign(body=BODY, secret="s" * 64, method="sha256"):
    return f"{method}={hmac.new(secret.encode(), body, method).hexdigest()}"


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_every_method_of_the_recommendation_is_taken(method):
    assert signed(BODY, sign(method=method), "s" * 64)
    assert signed(BODY, sign(method=method).upper(), "s" * 64)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256",
        "sha256=",
        "=",
        sign(secret="t" * 64),
        sign(body=BODY + b" "),
        sign(method="md5"),
        sign().replace("sha256", "sha1"),
        sign()[:-1],
        sign() + "0",
        hashlib.sha256(BODY).hexdigest(),
        "sha256=" + hashlib.sha256(BODY).hexdigest(),
    ],
)
def test_anything_else_is_not(header):
    assert not signed(BODY, header, "s" * 64)


@given(st.text(max_size=100))
def test_no_header_is_too_odd(header):
    assert not signed(BODY, header, "s" * 64)
    assert not signed(BODY, f"sha1={header}", "s" * 64)


def test_secrets_are_long_stable_and_each_of_one_use_feed_and_hub():
    other_hub = Subscription(hub="https://b.example/", feed_url=SUBSCRIPTION.feed_url)
    other_self = Subscription(hub=SUBSCRIPTION.hub, feed_url="https://b.example/feed")
    renewed = Subscription(
        hub=SUBSCRIPTION.hub, feed_url=SUBSCRIPTION.feed_url, state="active", since=9, until=99
    )
    made = [
        derive(MASTER, "secret", "a", SUBSCRIPTION),
        derive(MASTER, "callback", "a", SUBSCRIPTION),
        derive(MASTER, "secret", "b", SUBSCRIPTION),
        derive(MASTER, "secret", "a", other_hub),
        derive(MASTER, "secret", "a", other_self),
        derive(b"n" * 32, "secret", "a", SUBSCRIPTION),
    ]
    assert len(set(made)) == len(made)
    assert all(len(bytes.fromhex(each)) == 32 for each in made)
    assert derive(MASTER, "secret", "a", renewed) == made[0]
