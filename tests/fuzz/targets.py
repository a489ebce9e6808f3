"""What bytes from outside reach, as functions that must not raise whatever they are given."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import AsyncMock

import yaml
from aiokafka import TopicPartition
from hypothesis import strategies as st

from streams.alerts.rules import RuleIndex, read_rules
from streams.desk.live import Desk
from streams.desk.view import make_card
from streams.enrich.figures import FigureMatcher
from streams.enrich.pipeline import Enricher, build_enricher
from streams.enrich.watchlist import read_watchlist
from streams.errors import RecordError, WirewatchError
from streams.records import (
    Alert,
    Command,
    EnrichedItem,
    Feed,
    FeedState,
    Figure,
    Item,
    Mention,
    Rule,
    Story,
)
from streams.sinks.archive import Archiver
from streams.sinks.parquet import TABLES, next_offset
from streams.sinks.terminal import render_alerts
from streams.sinks.webhook import payload
from streams.stories.cluster import Clusters
from streams.testing import (
    NOW,
    make_enriched,
    make_figure_hit,
    make_item,
    make_mention,
    make_rule,
)
from streams.wire import decode, encode
from tests.alerts.logs import OF_TRENDS, RULES, Partition
from tests.feeds.fakes import World, make_feed
from tests.fuzz.edits import edited, edited_json

__all__ = ["TARGETS", "Target"]

CONFIG = Path("deploy/config")
FEEDS = sorted(p for p in Path("tests/feeds/data").iterdir() if ".expected." not in p.name)
SANE = make_mention(
    number=7,
    story=Story(story_id="sane"),
    figure=make_figure_hit(figure_id="eve", name="Eve Example"),
)


class Target(NamedTuple):
    """A way in from outside."""

    inputs: st.SearchStrategy[list[bytes]]
    """Bytes as they may come, some of them after another."""
    take: Callable[[Sequence[bytes]], None]
    """Raises only where the product would."""


def feed_documents(bodies: Sequence[bytes]) -> None:
    """A feed answers with one document after another; what is new of each is told."""
    world = World(make_feed("a"))
    for body in bodies:
        world.internet.pages["https://a.example/feed"] = body
        state = asyncio.run(world.poll())
        assert not state.reason.startswith("our own fault"), state.reason
        world.clock.go(hours=30)
    for item in world.producer.items:
        assert item.item_id


def items(values: Sequence[bytes]) -> None:
    """The worker enriches what is in `news.items`."""
    for value in values:
        with contextlib.suppress(RecordError):
            enriched = enricher().enrich(decode(Item, value), NOW)
            for figure in enriched.figures:
                for found in figure.mentions:
                    assert enriched.text[found.start : found.end] == found.surface
            encode(enriched)


def enriched_items(values: Sequence[bytes]) -> None:
    """The stories stage reads `news.enriched`; sane records among others are told."""
    clusters = Clusters()
    for value in values:
        with contextlib.suppress(RecordError):
            for mention in clusters.mentions(decode(EnrichedItem, value)):
                encode(mention)
    sane = make_enriched("Ada Example speaks about AI rules.", figures=(make_figure_hit(),))
    assert clusters.mentions(sane)


def mentions(values: Sequence[bytes]) -> None:
    """The alerts stage reads `news.mentions` and `news.commands`; a sane mention among others is told."""
    part = Partition({**RULES, **OF_TRENDS})
    for offset, value in enumerate(values):
        with contextlib.suppress(RecordError):
            is_command = b'"command_id"' in value[:20]
            event = decode(Command, value) if is_command else decode(Mention, value)
            for alert in part.take(event, offset):
                encode(alert)
    assert part.take(SANE, len(values))


def alerts(values: Sequence[bytes]) -> None:
    """Desk, terminal and webhooks read `news.alerts`."""
    desk = Desk("fuzz", lambda alert: str(make_card(alert)))
    for number, value in enumerate(values):
        desk.take(b"key", value, f"news.alerts/0/{number}")
        with contextlib.suppress(RecordError):
            alert = decode(Alert, value)
            if alert.sources:
                render_alerts([alert], NOW)
                payload(alert)
    desk.cards()


def archived(values: Sequence[bytes]) -> None:
    """The archive reads three topics; sane records among others are kept, and the others set aside."""
    values = [*values, encode(SANE)]
    partitions = [TopicPartition(topic, 0) for topic in TABLES]
    with tempfile.TemporaryDirectory() as folder:
        archiver = Archiver(Path(folder), AsyncMock(), every_seconds=1)
        for partition in partitions:
            records = [
                SimpleNamespace(topic=partition.topic, partition=0, offset=n, key=b"k", value=value)
                for n, value in enumerate(values)
            ]
            archiver.take(partition, records, 0.0)
        asyncio.run(archiver.flush())
        assert {next_offset(Path(folder), *each) for each in partitions} == {len(values)}
        assert list(Path(folder, "mentions").glob("dt=2*/*.parquet"))


def controls(values: Sequence[bytes]) -> None:
    """Every process follows feeds, figures and rules."""
    figures: list[Figure] = []
    rules: dict[str, Rule] = {}
    for value in values:
        for kind in (Feed, FeedState, Figure, Rule):
            with contextlib.suppress(RecordError):
                record = decode(kind, value)
                if isinstance(record, Figure):
                    figures.append(record)
                elif isinstance(record, Rule):
                    rules[record.rule_id] = record
    FigureMatcher(figures)
    part = Partition(rules)
    RuleIndex(rules)
    part.take(SANE, 0)


def rule_files(bodies: Sequence[bytes]) -> None:
    """Somebody edits rules.yaml and watchlist.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        for body in bodies:
            path = Path(folder, "rules.yaml")
            path.write_bytes(body)
            for read in (read_rules, read_watchlist):
                try:
                    read(path)
                except WirewatchError as error:
                    assert str(error)


@functools.cache
def enricher() -> Enricher:
    """With the starter's watchlist and lexicon."""
    made = build_enricher(
        read_watchlist(CONFIG / "watchlist.yaml"), CONFIG / "policy", semantics="off"
    )
    made.load()
    return made


def _some(samples: Sequence[bytes], *, are_json: bool = False) -> st.SearchStrategy[list[bytes]]:
    one = edited(samples)
    return st.lists(
        st.one_of(edited_json(samples), one) if are_json else one, min_size=1, max_size=4
    )


def _alerts() -> list[bytes]:
    part = Partition({"everything": make_rule()})
    return [encode(alert) for alert in part.take_all([make_mention(number=n) for n in range(3)])]


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
