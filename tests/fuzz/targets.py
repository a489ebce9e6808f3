"""The ways in from outside, each with bytes that nearly make sense there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml
from hypothesis import strategies as st

from streams.records import Command, FeedState, Figure, Refused, Subscription
from streams.testing import NOW, make_enriched, make_figure_hit, make_item, make_mention, make_rule
from streams.wire import encode
from tests.alerts.logs import OF_TRENDS, RULES, Partition
from tests.feeds.fakes import Clock, World, make_feed, rss
from tests.fuzz.edits import edited, edited_json
from tests.fuzz.sinks import LETTER, alerts, archived, headers, notified
from tests.fuzz.stages import (
    Known,
    controls,
    enriched_items,
    feed_documents,
    feed_states,
    items,
    mentions,
    rule_files,
)

__all__ = ["TARGETS", "Target"]

CONFIG = Path("deploy/config")
FEEDS = sorted(p for p in Path("tests/feeds/data").iterdir() if ".expected." not in p.name)


class Target(NamedTuple):
    """A way in from outside."""

    inputs: st.SearchStrategy[list[bytes]]
    """Bytes as they may come, some of them after another."""
    take: Callable[[Sequence[bytes]], None]
    """Raises where the product would, or goes wrong."""


def _some(samples: Sequence[bytes], *, are_json: bool = False) -> st.SearchStrategy[list[bytes]]:
    one = edited(samples)
    return st.lists(
        st.one_of(edited_json(samples), one) if are_json else one, min_size=1, max_size=4
    )


def _alerts() -> list[bytes]:
    part = Partition({"everything": make_rule()})
    return [encode(alert) for alert in part.take_all([make_mention(number=n) for n in range(3)])]


def _polled() -> bytes:
    """What is remembered of a feed that was polled, with the rarer fields, and its settings beside it."""
    world = World(make_feed("a"), clock=Clock(NOW - timedelta(minutes=30)), a=rss("one", "two"))
    state = msgspec.structs.replace(
        asyncio.run(world.poll()),
        moved_to="https://b.example/feed",
        moved_since=NOW,
        failing_since=NOW,
        answers_since=NOW,
        silent_since=NOW,
        refused=Refused(body_hash="h", parser="p", kind="not_a_feed", message="m"),
        subscription=Subscription(hub="https://hub.example/", feed_url="https://a.example/feed"),
    )
    feed = make_feed("a", min_interval_seconds=60, max_interval_seconds=3_600, user_agent="x")
    return encode(Known(feed, state))


_COMMAND = Command(
    command_id="c",
    alert_id="a",
    action="snooze",
    actor="Ann",
    at=NOW,
    expected_revision=1,
    argument="2h",
)
_RULE_FILES = [
    (CONFIG / "rules.yaml").read_bytes(),
    (CONFIG / "watchlist.yaml").read_bytes()[:3_000],
    yaml.safe_dump(
        {"rules": [{"id": "a", "when": {"kind": "burst"}, "schedule": {"days": "mon-fri"}}]}
    ).encode(),
]

TARGETS: dict[str, Target] = {
    "feeds": Target(_some([path.read_bytes() for path in FEEDS]), feed_documents),
    "items": Target(_some([encode(make_item())], are_json=True), items),
    "enriched": Target(
        _some(
            [
                encode(
                    make_enriched(
                        "Ada Example speaks about AI rules.", figures=(make_figure_hit(),)
                    )
                )
            ],
            are_json=True,
        ),
        enriched_items,
    ),
    "mentions": Target(_some([encode(make_mention()), encode(_COMMAND)], are_json=True), mentions),
    "alerts": Target(_some(_alerts(), are_json=True), alerts),
    "archive": Target(
        _some([encode(make_item()), encode(make_mention()), *_alerts()], are_json=True), archived
    ),
    "notify": Target(_some(_alerts(), are_json=True), notified),
    "feed-states": Target(_some([_polled()], are_json=True), feed_states),
    "headers": Target(
        _some([b"\n".join(LETTER.values()), b"\n".join(name.encode() for name in LETTER)]), headers
    ),
    "controls": Target(
        _some(
            [
                encode(make_feed("a")),
                encode(FeedState(feed_id="a", url="https://a.example/feed")),
                encode(Figure(figure_id="ada", name="Ada Example", kind="person")),
                *(encode(rule) for rule in (*RULES.values(), *OF_TRENDS.values())),
            ],
            are_json=True,
        ),
        controls,
    ),
    "rules": Target(_some(_RULE_FILES), rule_files),
}
