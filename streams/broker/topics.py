"""Every Kafka topic in one table, and how the broker is brought in line with it.

A topic is created here, with its partitions and policy; auto-creation is never relied on.
Nothing is ever deleted, and the number of partitions is never changed: keys would move.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError

from streams.broker.clients import MESSAGE_BYTES, administer
from streams.config import Settings
from streams.errors import BrokerError
from streams.records import (
    Alert,
    Command,
    EnrichedItem,
    Feed,
    FeedState,
    Figure,
    Item,
    Mention,
    Record,
    Rule,
    Trend,
)

__all__ = [
    "ALERTS", "COMMANDS", "DEAD_LETTERS", "DEAD_LETTER_BYTES", "ENRICHED", "FEEDS", "FEED_STATE",
    "ITEMS", "MENTIONS", "RULES", "TOPICS", "TRENDS", "WATCHLIST", "Existing", "TopicSpec",
    "apply", "check", "config_of", "differences",
]  # fmt: skip

FEEDS = "news.feeds"
WATCHLIST = "news.watchlist"
RULES = "news.rules"
FEED_STATE = "news.feed-state"
ITEMS = "news.items"
ENRICHED = "news.enriched"
MENTIONS = "news.mentions"
TRENDS = "news.trends"
ALERTS = "news.alerts"
COMMANDS = "news.commands"
DEAD_LETTERS = "news.dead-letters"

DEAD_LETTER_BYTES = 2 * MESSAGE_BYTES
"""Takes any original, also one that was too large to be written elsewhere, and its headers."""

_DAY = 86_400


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a topic is for, and how long the broker keeps what is in it."""

    name: str
    key: str
    """What the key of a record is; records with the same key stay in order."""
    records: tuple[type[Record], ...] = ()
    """What the values are; empty where they are somebody else's bytes."""
    cleanup: Literal["compact", "delete", "compact,delete"] = "delete"
    retention_seconds: int | None = None
    """None keeps the newest record of each key for ever."""
    uncompacted_seconds: int = 0
    """For so long a record stays although a newer one of its key has come; 0: compaction decides."""
    purpose: str
    message_bytes: int = MESSAGE_BYTES


class Existing(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker has under the name of a topic."""

    partitions: int
    config: dict[str, str]
    """All that is in force, the broker's defaults included."""
    overrides: dict[str, str] = {}
    """The part of `config` that was set for this topic."""
    leaderless: int = 0
    """Partitions that can be neither written nor read at the moment."""


TOPICS: dict[str, TopicSpec] = {
    spec.name: spec
    for spec in (
        TopicSpec(
            name=FEEDS,
            key="feed_id",
            records=(Feed,),
            cleanup="compact",
            purpose="the feeds to poll",
        ),
        TopicSpec(
            name=WATCHLIST,
            key="figure_id",
            records=(Figure,),
            cleanup="compact",
            purpose="the figures to watch",
        ),
        TopicSpec(
            name=RULES,
            key="rule_id",
            records=(Rule,),
            cleanup="compact",
            purpose="when a mention becomes an alert",
        ),
        TopicSpec(
            name=FEED_STATE,
            key="feed_id",
            records=(FeedState,),
            cleanup="compact",
            purpose="validators, schedule, seen keys and health of each feed",
        ),
        TopicSpec(
            name=ITEMS,
            key="item_id",
            records=(Item,),
            retention_seconds=7 * _DAY,
            purpose="entries of feeds as published",
        ),
        TopicSpec(
            name=ENRICHED,
            key="language shard",
            records=(EnrichedItem,),
            retention_seconds=30 * _DAY,
            purpose="items with language, entities, figures and policy topics",
        ),
        TopicSpec(
            name=MENTIONS,
            key="figure_id",
            records=(Mention,),
            retention_seconds=30 * _DAY,
            purpose="one figure in one item, with its story",
        ),
        TopicSpec(
            name=TRENDS,
            key="figure_id",
            records=(Trend,),
            retention_seconds=30 * _DAY,
            purpose="bursts and silences of figures; silences of feeds, whose key is the feed_id",
        ),
        TopicSpec(
            name=ALERTS,
            key="alert_id",
            records=(Alert,),
            cleanup="compact,delete",
            retention_seconds=90 * _DAY,
            # The newest revision need not be the one that notifies: a copy may have joined since.
            # So notify may be down for a week and still find what it has to tell.
            uncompacted_seconds=7 * _DAY,
            purpose="alerts; every revision is the full state",
        ),
        TopicSpec(
            name=COMMANDS,
            key="alert_id",
            records=(Command,),
            retention_seconds=365 * _DAY,
            purpose="what people do with alerts: the audit trail",
        ),
        TopicSpec(
            name=DEAD_LETTERS,
            key="original key",
            retention_seconds=14 * _DAY,
            message_bytes=DEAD_LETTER_BYTES,
            purpose="original bytes of what could not be processed; headers say why",
        ),
    )
}
"""Name to specification, in the order in which data flows."""


def config_of(spec: TopicSpec) -> dict[str, str]:
    """Return the topic configuration, in Kafka's names and units, that a specification stands for."""
    config = {
        "cleanup.policy": spec.cleanup,
        "max.message.bytes": str(spec.message_bytes),
        # Records bear event time. By default Kafka refuses what is an hour ahead of its own clock, so one
        # poller with a wrong clock would stop every stage behind it.
        "message.timestamp.after.max.ms": str(2**63 - 1),
    }
    if spec.retention_seconds is not None:
        config["retention.ms"] = _milliseconds(spec.retention_seconds)
        # Kafka deletes whole segments, by their newest record: with its default of a week per
        # segment, "7 d" would keep a record for up to 14 days. A seventh is late by a seventh.
        config["segment.ms"] = _milliseconds(min(spec.retention_seconds // 7, 7 * _DAY))
    if "compact" in spec.cleanup:
        # The open segment is never compacted. By default it stays open for a week or a gigabyte,
        # so a start would read every edit ever made; the cleaner joins small segments again.
        config["segment.ms"] = _milliseconds(3600)
        config["segment.bytes"] = str(64 * 1024 * 1024)
        config["min.cleanable.dirty.ratio"] = "0.1"
        # A reader that was away must still learn of deletions when it is back within a week.
        config["delete.retention.ms"] = _milliseconds(7 * _DAY)
    if spec.uncompacted_seconds:
        config["min.compaction.lag.ms"] = _milliseconds(spec.uncompacted_seconds)
    return config


def _milliseconds(seconds: int) -> str:
    return str(seconds * 1000)


def differences(existing: Existing | None, spec: TopicSpec, partitions: int) -> list[str]:
    """Say how a topic differs from the table.

    Args:
        existing: what the broker has; None if it has no such topic.
        spec: the row of the table.
        partitions: how many there should be.

    Returns:
        One phrase per difference; empty if there is none.
    """
    if existing is None:
        return ["missing"]
    found = []
    if existing.partitions != partitions:
        found.append(f"partitions is {existing.partitions}, not {partitions}")
    if existing.leaderless:
        found.append(f"{existing.leaderless} partitions have no leader")
    return found + _config_differences(existing, spec)


def _config_differences(existing: Existing, spec: TopicSpec) -> list[str]:
    def normal(value: str) -> list[str]:
        return sorted(value.replace(" ", "").split(","))

    return [
        f"{name} is {existing.config.get(name, 'unknown')}, not {wanted}"
        for name, wanted in config_of(spec).items()
        if normal(existing.config.get(name, "unknown")) != normal(wanted)
    ]


async def check(settings: Settings) -> dict[str, list[str]]:
    """Compare the broker with the table; changes nothing.

    Returns:
        Every topic of the table, with its `differences`.

    Raises:
        BrokerError: the broker cannot be reached, or refuses to tell.
    """
    async with administer(settings) as admin:
        return _compare(await _survey(admin), settings.partitions)


def _compare(survey: Mapping[str, Existing], partitions: int) -> dict[str, list[str]]:
    return {name: differences(survey.get(name), spec, partitions) for name, spec in TOPICS.items()}


async def apply(settings: Settings, *, alter: bool = False) -> list[str]:
    """Create what is missing, and report what differs.

    Args:
        settings: whose broker is set; `partitions` and `replication` hold for new topics.
        alter: also set the configuration of existing topics to the table's. Their other
            settings stay. The number of partitions stays in any case.

    Returns:
        What was done and what still differs, one line each; empty if all was well before.

    Raises:
        BrokerError: the broker cannot be reached, or refuses.
    """
    async with administer(settings) as admin:
        survey = await _survey(admin)
        missing = [spec for name, spec in TOPICS.items() if name not in survey]
        drifted = {n: e for n, e in survey.items() if alter and _config_differences(e, TOPICS[n])}
        if missing:
            await _create(admin, missing, settings)
        if drifted:
            await _alter(admin, drifted)
        if missing or drifted:
            survey = await _settled(admin, [*drifted, *(spec.name for spec in missing)])
    lines = [f"{spec.name}: created" for spec in missing]
    lines += [f"{name}: altered" for name in drifted]
    drift = _compare(survey, settings.partitions)
    return lines + [f"{name}: {found}" for name, all_ in drift.items() for found in all_]


async def _survey(admin: AIOKafkaAdminClient) -> dict[str, Existing]:
    """Look at the table's topics, by listing all: asking for one by name could create it."""
    partitions = {
        topic["topic"]: [partition["leader"] for partition in topic["partitions"]]
        for topic in await admin.describe_topics()
        if topic["topic"] in TOPICS
    }
    if not partitions:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in partitions]
    survey = {}
    for response in await admin.describe_configs(asked):
        for resource in response.to_object()["resources"]:
            name, entries = resource["resource_name"], resource["config_entries"]
            if resource["error_code"] == UnknownTopicOrPartitionError.errno:
                continue  # asked another broker of the cluster, which does not know it yet
            _refuse(name, resource["error_code"], resource["error_message"])
            survey[name] = Existing(
                partitions=len(partitions[name]),
                leaderless=sum(leader < 0 for leader in partitions[name]),
                config={e["config_names"]: e["config_value"] or "" for e in entries},
                overrides={
                    e["config_names"]: e["config_value"] or ""
                    for e in entries
                    if e["config_source"] == _SET_FOR_TOPIC
                },
            )
    return survey


_SET_FOR_TOPIC = 1
"""DYNAMIC_TOPIC_CONFIG in Kafka's DescribeConfigs response, from version 1 on."""

_SETTLE_SECONDS = 15.0


async def _settled(admin: AIOKafkaAdminClient, changed: list[str]) -> dict[str, Existing]:
    """Wait until changed topics can be used: Kafka confirms before all its brokers know.

    What is not in force after `_SETTLE_SECONDS` is left for the caller to report.
    """
    deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
    while True:
        survey = await _survey(admin)
        if all(_in_force(survey.get(name), TOPICS[name]) for name in changed):
            return survey
        if asyncio.get_running_loop().time() > deadline:
            return survey
        await asyncio.sleep(0.1)


def _in_force(existing: Existing | None, spec: TopicSpec) -> bool:
    return existing is not None and not differences(existing, spec, existing.partitions)


async def _create(admin: AIOKafkaAdminClient, missing: list[TopicSpec], settings: Settings) -> None:
    # One replica may be down without stopping us; with fewer than three that would mean that an
    # acknowledged record may exist only once, so there it is as the user chose.
    in_sync = {"min.insync.replicas": "2"} if settings.replication >= 3 else {}
    response = await admin.create_topics(
        [
            NewTopic(
                spec.name,
                settings.partitions,
                settings.replication,
                topic_configs=config_of(spec) | in_sync,
            )
            for spec in missing
        ]
    )
    for name, code, message in response.topic_errors:
        if code != TopicAlreadyExistsError.errno:  # another process was faster
            _refuse(name, code, message)


async def _alter(admin: AIOKafkaAdminClient, drifted: Mapping[str, Existing]) -> None:
    """Set configurations; Kafka drops what is not sent along, so other overrides are."""
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC, name, configs=existing.overrides | config_of(TOPICS[name])
        )
        for name, existing in drifted.items()
    ]
    for response in await admin.alter_configs(resources):
        for code, message, _, name in response.resources:
            _refuse(name, code, message)


def _refuse(topic: str, code: int, message: str | None) -> None:
    if code:
        raise BrokerError(
            f"the broker refuses {topic}: {message or f'Kafka error {code}'}",
            cure="check the rights of the user and WIREWATCH_REPLICATION",
        )
