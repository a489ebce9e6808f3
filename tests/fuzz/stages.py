"""Feeds, files and the topics that stages read, as functions that must not raise whatever they are given."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from streams.alerts.rules import RuleIndex, read_rules
from streams.enrich.figures import FigureMatcher
from streams.enrich.pipeline import Enricher, build_enricher
from streams.enrich.watchlist import read_watchlist
from streams.errors import RecordError, WirewatchError
from streams.feeds.census import take_census
from streams.feeds.status import details, rows
from streams.records import (
    Command,
    EnrichedItem,
    Feed,
    FeedState,
    Figure,
    Item,
    Mention,
    Record,
    Rule,
    Story,
)
from streams.stories.cluster import Clusters
from streams.testing import NOW, make_enriched, make_figure_hit, make_mention
from streams.wire import decode, encode
from tests.alerts.logs import OF_TRENDS, RULES, Partition
from tests.feeds.fakes import Clock, World, make_feed, rss

__all__ = [
    "Known",
    "controls",
    "enriched_items",
    "feed_documents",
    "feed_states",
    "items",
    "mentions",
    "rule_files",
]

CONFIG = Path("deploy/config")
SANE = make_mention(
    number=7,
    story=Story(story_id="sane"),
    figure=make_figure_hit(figure_id="eve", name="Eve Example"),
)


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


class Known(Record, frozen=True):
    """Two records of a feed in one."""

    feed: Feed
    state: FeedState


def feed_states(values: Sequence[bytes]) -> None:
    """The poller reads `news.feeds` and `news.feed-state`, and so do those who ask; a poll brings a feed back."""
    for value in values:
        with contextlib.suppress(RecordError):
            known = decode(Known, value)
            feed = msgspec.structs.replace(known.feed, feed_id="a", enabled=True)
            state = msgspec.structs.replace(known.state, feed_id="a")
            world = World(feed, clock=Clock(NOW))
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
        if polling.done():
            polling.result()
    await world.poll()


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
