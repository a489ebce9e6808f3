"""A broker that goes is told once, and once that it is back."""

from __future__ import annotations

from streams.broker.presence import Presence


def test_gone_and_back_are_news_once() -> None:
    presence = Presence()
    assert presence.find("a:1", 5) is None, "never gone"
    assert [presence.lose("a:1", now) for now in (10, 10.1, 40)] == [True, False, False]
    assert presence.lose("b:1", 41), "each broker by itself"
    assert presence.find("a:1", 71) == 61
    assert presence.find("a:1", 72) is None
    assert presence.lose("a:1", 80)
