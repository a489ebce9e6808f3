"""The table of topics, and bringing a broker in line with it."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from streams import records
from streams.broker import topics, verbs
from streams.broker.clients import MESSAGE_BYTES, administer, connect_producer
from streams.broker.topics import TOPICS, Existing, TopicSpec, apply, check, config_of, differences
from streams.broker.verbs import app
from streams.config import Settings, utc_now
from streams.errors import BrokerError
from streams.records.rules import LONGEST_WINDOW

DAY_MS = 86_400_000
EVERY_SPEC = pytest.mark.parametrize("spec", TOPICS.values(), ids=lambda spec: spec.name)

# --- the table -------------------------------------------------------------------------------


def test_every_constant_is_in_the_table_and_nothing_else() -> None:
    constants = {v for v in vars(topics).values() if isinstance(v, str) and v.startswith("news.")}
    assert constants == set(TOPICS)
    assert all(name == spec.name for name, spec in TOPICS.items())


@EVERY_SPEC
def test_every_row_is_complete(spec: TopicSpec) -> None:
    assert spec.purpose
    assert spec.key
    assert all(issubclass(record, records.Record) for record in spec.records)
    assert (spec.retention_seconds is None) == (spec.cleanup == "compact")


@EVERY_SPEC
def test_every_key_is_a_field_of_its_records(spec: TopicSpec) -> None:
    if spec.key in ("language shard", "original key"):
        return
    for record in spec.records:
        fields = set(record.__struct_fields__)
        nested = set(records.FigureHit.__struct_fields__) if "figure" in fields else set()
        assert spec.key in fields | nested


def test_mentions_are_kept_as_long_as_any_condition_looks_back() -> None:
    assert TOPICS[topics.MENTIONS].retention_seconds == LONGEST_WINDOW.total_seconds()


@EVERY_SPEC
def test_every_topic_takes_what_the_producer_sends(spec: TopicSpec) -> None:
    assert int(config_of(spec)["max.message.bytes"]) >= MESSAGE_BYTES


@EVERY_SPEC
def test_compaction_happens_and_deletions_are_seen(spec: TopicSpec) -> None:
    config = config_of(spec)
    if "compact" not in spec.cleanup:
        assert "delete.retention.ms" not in config
        return
    assert int(config["segment.ms"]) < DAY_MS
    assert float(config["min.cleanable.dirty.ratio"]) < 0.5
    assert int(config["delete.retention.ms"]) >= 7 * DAY_MS


@EVERY_SPEC
def test_deletion_is_late_by_a_fraction_only(spec: TopicSpec) -> None:
    if spec.retention_seconds is None:
        return
    config = config_of(spec)
    assert int(config["retention.ms"]) == spec.retention_seconds * 1000
    assert int(config["segment.ms"]) * 5 < int(config["retention.ms"])


def test_the_promised_retention() -> None:
    days = {name: spec.retention_seconds for name, spec in TOPICS.items()}
    assert days[topics.ITEMS] == 7 * 86_400
    assert days[topics.DEAD_LETTERS] == 14 * 86_400
    assert days[topics.COMMANDS] == 365 * 86_400
    assert TOPICS[topics.DEAD_LETTERS].message_bytes == 8 * 1024 * 1024


def test_a_revision_that_notifies_outlives_a_week_without_notify() -> None:
    """A silent revision may follow it at once, and must not take its place while nobody reads."""
    assert config_of(ALERTS)["min.compaction.lag.ms"] == str(7 * DAY_MS)
    others = [config_of(spec) for name, spec in TOPICS.items() if name != topics.ALERTS]
    assert not any("min.compaction.lag.ms" in config for config in others)


# --- differences, purely ---------------------------------------------------------------------

ALERTS = TOPICS[topics.ALERTS]


def existing(spec: TopicSpec, partitions: int = 8, **changed: str) -> Existing:
    extra = {name.replace("_", "."): value for name, value in changed.items()}
    return Existing(partitions=partitions, config={"min.insync": "1"} | config_of(spec) | extra)


@EVERY_SPEC
def test_what_is_as_in_the_table_has_no_differences(spec: TopicSpec) -> None:
    assert differences(existing(spec), spec, 8) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, ["missing"]),
        (existing(ALERTS, 3), ["partitions is 3, not 8"]),
        (
            existing(ALERTS, cleanup_policy="delete"),
            ["cleanup.policy is delete, not compact,delete"],
        ),
        (existing(ALERTS, cleanup_policy="delete, compact"), []),
        (existing(ALERTS, retention_ms="1"), [f"retention.ms is 1, not {90 * DAY_MS}"]),
        (
            existing(ALERTS, min_compaction_lag_ms="0"),
            [f"min.compaction.lag.ms is 0, not {7 * DAY_MS}"],
        ),
        (existing(ALERTS, compression_type="zstd"), []),
        (
            Existing(partitions=8, config=config_of(ALERTS), leaderless=2),
            ["2 partitions have no leader"],
        ),
    ],
)
def test_differences(found: Existing | None, told: list[str]) -> None:
    assert differences(found, ALERTS, 8) == told


def test_all_differences_are_told_at_once() -> None:
    assert len(differences(Existing(partitions=1, config={}), ALERTS, 8)) == 1 + len(
        config_of(ALERTS)
    )


# --- on real brokers -------------------------------------------------------------------------


async def create(broker: Settings, name: str, partitions: int, config: dict[str, str]) -> None:
    """Create a topic as somebody else might, and wait until it is there for all who ask."""
    async with administer(broker) as admin:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
        while name not in {topic["topic"] for topic in await admin.describe_topics()}:
            await asyncio.sleep(0.05)


async def test_apply_creates_all_and_then_rests(broker: Settings) -> None:
    assert all(found == ["missing"] for found in (await check(broker)).values())
    assert await apply(broker) == [f"{name}: created" for name in TOPICS]
    assert await apply(broker) == []
    assert await check(broker) == {name: [] for name in TOPICS}
    async with administer(broker) as admin:
        described = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}
    assert {name: described[name] for name in TOPICS} == dict.fromkeys(TOPICS, broker.partitions)


async def test_apply_tells_of_drift_and_alters_only_when_asked(broker: Settings) -> None:
    foreign = {"cleanup.policy": "delete", "min.compaction.lag.ms": "1234"}
    await create(broker, topics.FEEDS, broker.partitions + 1, foreign)
    partitions = f"{topics.FEEDS}: partitions is 5, not 4"
    lines = await apply(broker)
    assert partitions in lines
    assert f"{topics.FEEDS}: cleanup.policy is delete, not compact" in lines
    assert f"{topics.FEEDS}: created" not in lines
    assert await apply(broker, alter=True) == [f"{topics.FEEDS}: altered", partitions]
    assert (await check(broker))[topics.FEEDS] == ["partitions is 5, not 4"]
    async with administer(broker) as admin:
        [response] = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topics.FEEDS)]
        )
    config = {entry[0]: entry[1] for entry in response.resources[0][4]}
    assert config["min.compaction.lag.ms"] == "1234", "what the table does not name stays"


async def test_alerts_of_an_older_version_are_kept_longer_once_that_is_asked_for(
    broker: Settings,
) -> None:
    """Streams that run already have the topic without the lag: `apply` says so, and sets it."""
    before = {name: value for name, value in config_of(ALERTS).items() if "lag" not in name}
    await create(broker, topics.ALERTS, broker.partitions, before)
    (told,) = [line for line in await apply(broker) if line.startswith(f"{topics.ALERTS}: min")]
    assert told.endswith(f", not {7 * DAY_MS}")
    assert await apply(broker, alter=True) == [f"{topics.ALERTS}: altered"]
    assert await apply(broker) == []


async def test_a_record_of_a_clock_that_is_hours_ahead_is_taken(broker: Settings) -> None:
    await apply(broker)
    producer = await connect_producer(broker)
    try:
        ahead_ms = int((utc_now().timestamp() + 5 * 3_600) * 1000)
        told = await producer.send_and_wait(topics.ITEMS, b"{}", key=b"k", timestamp_ms=ahead_ms)
        assert told.timestamp in (-1, ahead_ms)
    finally:
        await producer.stop()


@pytest.mark.kafka
async def test_more_replicas_than_brokers_names_the_setting(kafka_broker: Settings) -> None:
    settings = msgspec.structs.replace(kafka_broker, replication=3)
    with pytest.raises(BrokerError, match=r"refuses news\..*WIREWATCH_REPLICATION"):
        await apply(settings)


# --- verbs -----------------------------------------------------------------------------------


def test_list_needs_no_broker() -> None:
    shown = CliRunner().invoke(app, ["list"])
    assert shown.exit_code == 0
    assert all(name in shown.output for name in TOPICS)
    rows = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    assert [row["name"] for row in rows] == list(TOPICS)
    assert rows[0]["records"] == ["Feed"]


def test_check_fails_until_apply_has_run(broker: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREWATCH_PARTITIONS", "2")
    flag = ["--broker", broker.broker.bootstrap]
    run = CliRunner().invoke
    before = run(app, ["check", *flag])
    assert before.exit_code == 1
    assert before.stdout.count("missing") == len(TOPICS)
    assert "wirewatch topics apply" in before.stderr
    assert json.loads(run(app, ["apply", "--json", *flag]).stdout)[0] == "news.feeds: created"
    assert "as in the table" in run(app, ["apply", *flag]).stdout
    after = run(app, ["check", "--json", *flag])
    assert after.exit_code == 0
    assert json.loads(after.stdout) == {name: [] for name in TOPICS}


@pytest.mark.parametrize("verb", ["check", "apply"])
def test_a_terminal_obeys_nothing_that_a_broker_says(
    monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    said = "cleanup.policy is [/x] :bomb: \x1b[31m \x9b31m \u202e, not delete"

    async def checked(settings: Settings) -> dict[str, list[str]]:
        return {"news.items": [said]}

    async def applied(settings: Settings, *, alter: bool) -> list[str]:
        return [said]

    monkeypatch.setattr(verbs, "check_topics", checked)
    monkeypatch.setattr(verbs, "apply_topics", applied)
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, [verb, "--broker", "127.0.0.1:1"])
    assert "is [/x] :bomb: �[31m �31m �, not delete" in shown.stdout


def test_an_unreachable_broker_is_an_expected_failure() -> None:
    failed = CliRunner().invoke(app, ["check", "--broker", "127.0.0.1:1"])
    assert isinstance(failed.exception, BrokerError)
