"""What bytes from outside reach, as functions that must not raise whatever they are given."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import AsyncMock

import msgspec
import yaml
from aiokafka import TopicPartition
from hypothesis import strategies as st

from streams.alerts.rules import RuleIndex, read_rules
from streams.broker.topics import ALERTS
from streams.desk.live import Desk
from streams.desk.view import make_card
from streams.enrich.figures import FigureMatcher
from streams.enrich.pipeline import Enricher, build_enricher
from streams.enrich.watchlist import read_watchlist
from streams.errors import RecordError, WirewatchError
from streams.feeds.census import take_census
from streams.feeds.status import details, rows
from streams.records import (
    Alert,
    Command,
    EnrichedItem,
    Feed,
    FeedState,
    Figure,
    Item,
    Mention,
    Refused,
    Rule,
    Story,
    Subscription,
)
from streams.sinks.archive import Archiver
from streams.sinks.ledger import Ledger
from streams.sinks.notifier import Notifier
from streams.sinks.parquet import TABLES, next_offset
from streams.sinks.terminal import render_alerts
from streams.sinks.webhook import WebhookReceiver, payload
from streams.stories.cluster import Clusters
from streams.testing import (
    NOW,
    make_enriched,
    make_figure_hit,
    make_item,
    make_mention,
    make_rule,
)
from streams.wire import (
    ATTEMPTS_HEADER,
    TRACE_HEADER,
    attempts_before,
    dead_letter,
    decode,
    encode,
    read_dead_letter,
    traceparent,
)
from tests.alerts.logs import OF_TRENDS, RULES, Partition
from tests.feeds.fakes import Clock, World, make_feed, rss
from tests.fuzz.edits import edited, edited_json

__all__ = ["TARGETS", "Target"]

CONFIG = Path("deploy/config")
FEEDS = sorted(p for p in Path("tests/feeds/data").iterdir() if ".expected." not in p.name)
SANE = make_mention(
    number=7,
    story=Story(story_id="sane"),
    figure=make_figure_hit(figure_id="eve", name="Eve Example"),
)


TIMES = (-1, 0, int(NOW.timestamp() * 1_000), 2**63 - 1)
"""Milliseconds since the epoch that records may bear."""
LETTER = dict(
    dead_letter(b"", topic=ALERTS, partition=0, offset=7, stage="notify", error=OSError("no"))[1]
)
"""Headers of a dead letter."""


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


def notified(values: Sequence[bytes]) -> None:
    """`notify` reads `news.alerts`, whose records may bear any time; a sane one among others is told."""
    desk = AsyncMock()
    ledger = Ledger[TopicPartition]()
    ledger.begin(TopicPartition(ALERTS, 0), 0)
    receiver = WebhookReceiver(id="desk", url="https://desk.example/", secret_env="SECRET")
    notifier = Notifier({"desk": receiver}, {"desk": desk}, ledger, AsyncMock())

    async def tell() -> None:
        for offset, value in enumerate([*values, _alerts()[0]]):
            made = TIMES[len(value) % len(TIMES)]
            await notifier.take(_record(ALERTS, offset, value, timestamp=made))
            await notifier.hand_out(NOW)
            notifier.next_due()
        await notifier.hand_out(NOW + timedelta(days=1))

    asyncio.run(tell())
    assert ledger.committable()


def feed_states(values: Sequence[bytes]) -> None:
    """The poller reads `news.feed-state`, and so do those who ask how feeds are; a poll brings a feed back."""
    for value in values:
        with contextlib.suppress(RecordError):
            state = msgspec.structs.replace(decode(FeedState, value), feed_id="a")
            world = World(make_feed("a", url=state.url), clock=Clock(NOW))
            world.states["a"] = state
            world.internet.pages[state.url] = rss("one")
            asyncio.run(_polls(world))
            after = world.states["a"]
            for each in (state, after):
                rows(world.feeds, {"a": each}, NOW)
                details(world.feeds["a"], each)
                take_census(world.feeds, {"a": each}.get, NOW)
            assert not after.reason.startswith("our own fault"), after.reason


async def _polls(world: World) -> None:
    async with world.running() as polling:
        await asyncio.sleep(0.01)
        assert not polling.done()
    await world.poll()


def headers(values: Sequence[bytes]) -> None:
    """Anybody may write headers, of whom some have no value; a line of these values is one."""
    for value in values:
        fields = [field or None for field in value.split(b"\n")]
        for name in (ATTEMPTS_HEADER, TRACE_HEADER):
            attempts_before([(name, field) for field in fields])
            traceparent([(name, field) for field in fields])
        with contextlib.suppress(RecordError):
            read_dead_letter(b"k", b"v", zip(LETTER, fields, strict=False))


def archived(values: Sequence[bytes]) -> None:
    """The archive reads three topics; sane records among others are kept, and the others set aside."""
    values = [*values, encode(SANE)]
    partitions = [TopicPartition(topic, 0) for topic in TABLES]
    with tempfile.TemporaryDirectory() as folder:
        archiver = Archiver(Path(folder), AsyncMock(), every_seconds=1)
        for partition in partitions:
            records = [_record(partition.topic, n, value) for n, value in enumerate(values)]
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


def _record(topic: str, offset: int, value: bytes, timestamp: int = 0) -> Any:
    """As aiokafka hands it out."""
    return SimpleNamespace(
        topic=topic,
        partition=0,
        offset=offset,
        key=b"k",
        value=value,
        timestamp=timestamp,
        headers=(),
    )


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
_STATE = FeedState(
    feed_id="a",
    url="https://a.example/feed",
    moved_to="https://b.example/feed",
    moved_since=NOW,
    refused=Refused(body_hash="h", parser="p", kind="not_a_feed", message="m"),
    next_check_at=NOW + timedelta(minutes=5),
    last_fetch_at=NOW - timedelta(minutes=5),
    last_success_at=NOW - timedelta(minutes=5),
    subscription=Subscription(hub="https://hub.example/", feed_url="https://a.example/feed"),
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
    "feed-states": Target(_some([encode(_STATE)], are_json=True), feed_states),
    "headers": Target(_some([b"\n".join(LETTER.values())]), headers),
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
