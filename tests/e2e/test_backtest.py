"""`wirewatch backtest`, `explain` and `replay` over a stream that is stored on a broker."""

import asyncio
import json
from datetime import timedelta

import msgspec
import pytest
from aiokafka.partitioner import DefaultPartitioner
from typer.testing import CliRunner

from streams.alerts.book import Book
from streams.alerts.revise import revise
from streams.alerts.verbs.explaining import UnknownIdError
from streams.broker.broadcast import publish
from streams.broker.clients import administer, connect_producer
from streams.broker.dead_letters import Letter, mark_redriven
from streams.broker.ranges import TopicReader
from streams.broker.topics import ALERTS, DEAD_LETTERS, ENRICHED, ITEMS, MENTIONS, RULES, WATCHLIST
from streams.broker.topics import apply as apply_topics
from streams.cli import app
from streams.config import utc_now
from streams.enrich.watchlist.erasing import mark_of
from streams.errors import BrokerError, ConfigError, NotFoundError, RecordError
from streams.records import (
    DeadLetter,
    Figure,
    FigureSelector,
    PolicyTopicHit,
    PolicyTopicSelector,
    SeverityPolicy,
)
from streams.stories.cluster import Clusters
from streams.testing import (
    make_enriched,
    make_evidence,
    make_figure_hit,
    make_item,
    make_item_ref,
    make_rule,
)
from streams.wire import dead_letter, encode

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(60)]

TITLES = (
    "Ada Example visits a chocolate museum in Bramstedt with her sister",
    "Harbour workers in Quarvik end their strike after eleven days",
    "Ada Example wants a licence for every artificial intelligence in Lindau",
    "Court in Ulvesund stops the merger of two insulin makers",
)
MUSEUM, _, LICENCE, _ = TITLES
POLICY_FILE = """
id: ai
name: Artificial intelligence
definition: About machines that learn.
strong: {any: [artificial intelligence]}
"""
TODAY = utc_now().replace(microsecond=0) - timedelta(hours=8)
AI = make_rule(
    rule_id="ai",
    name="Ada and AI",
    figures=FigureSelector(any=("ada-example",)),
    policy_topics=PolicyTopicSelector(any=("ai",), min_score=0.6),
    severity=SeverityPolicy(base="alert", bump=("headline",)),
)


def items():
    """Four stories, and a copy of one; Ada is in two of them, days apart, and one is about AI."""
    found = []
    for number, title in enumerate([*TITLES, LICENCE]):
        named = "Ada Example" in title
        at = TODAY + timedelta(hours=number if number else -48)
        place = make_evidence(title, "Ada Example") if named else None
        score = 0.8 if "artificial" in title else 0.3
        found.append(
            make_enriched(
                title,
                item=make_item_ref(
                    number=number,
                    title=title,
                    feed_id=f"feed-{number}",
                    seen_at=at,
                    published_at=at,
                    enriched_at=at,
                ),
                figures=(make_figure_hit(mentions=(place,), in_title=True),) if place else (),
                policy_topics=(PolicyTopicHit(policy_topic="ai", score=score, evidence=(place,)),)
                if place
                else (),
            )
        )
    return found


def partition(key):
    return DefaultPartitioner()(key, [0, 1, 2, 3], [0, 1, 2, 3])


async def fill(settings):
    """Write what the stages would have written."""
    await apply_topics(settings)
    await publish(settings, RULES, {"ai": AI})
    await publish(
        settings,
        WATCHLIST,
        {"ada-example": Figure(figure_id="ada-example", name="Ada Example", kind="person")},
    )
    producer = await connect_producer(settings)
    clusters, book = Clusters(), Book()

    async def send(topic, key, record, at, partition=None):
        await producer.send_and_wait(
            topic,
            encode(record),
            key=key.encode(),
            partition=partition,
            timestamp_ms=int(at.timestamp() * 1000),
        )

    try:
        for number, enriched in enumerate(items()):
            at = enriched.item.seen_at
            item = make_item(number=number, title=enriched.text, seen_at=at)
            await send(ITEMS, item.item_id, item, at)
            await send(ENRICHED, "de+en", enriched, at)
            for mention in clusters.mentions(enriched):
                key = mention.figure.figure_id
                await send(MENTIONS, key, mention, at)
                for alert in revise(book, mention, [AI], at, rules={"ai": AI}):
                    await send(ALERTS, alert.alert_id, alert, at, partition(key.encode()))
    finally:
        await producer.stop()
    return book


@pytest.fixture
def stored(embedded_broker, tmp_path, monkeypatch):
    """A broker with that, the flags that name it, and the alerts."""
    monkeypatch.setenv("WIREWATCH_CONFIG", str(tmp_path))  # no policy topics to check against
    monkeypatch.setenv("WIREWATCH_PARTITIONS", str(embedded_broker.partitions))
    book = asyncio.run(fill(embedded_broker))
    return embedded_broker, ("--broker", embedded_broker.broker.bootstrap), book


def run(*arguments, code=0):
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def rules_file(tmp_path, text):
    path = tmp_path / "try.yaml"
    path.write_text(f"rules:\n{text}", "utf-8")
    return str(path)


def test_a_live_rule_is_tried_on_what_is_stored(stored):
    _, flags, _ = stored
    report = json.loads(run("backtest", "ai", "--json", *flags))
    assert report["items"] == 5
    assert report["mentions"] == 3
    (rule,) = report["rules"]
    assert (rule["alerts"], rule["notifications"], rule["copies"]) == (1, 1, 1)
    assert rule["severities"] == {"urgent": 1}
    assert rule["difference"] is None
    shown = run("backtest", "ai", *flags)
    assert "1 alert, 1 notification; urgent 1" in shown
    assert LICENCE in shown


def test_a_file_is_compared_with_what_is_in_force(stored, tmp_path):
    _, flags, _ = stored
    path = rules_file(
        tmp_path, "  - id: ai\n    name: All of Ada\n    figures: {any: [ada-example]}\n"
    )
    (rule,) = json.loads(run("backtest", path, "--json", *flags))["rules"]
    difference = rule["difference"]
    assert (difference["both"], difference["only_new"], difference["only_old"]) == (1, 1, 0)
    assert difference["new_samples"][0]["headline"] == MUSEUM
    shown = run("backtest", path, *flags)
    assert "only the new one 1" in shown


def test_a_backtest_writes_nothing(stored):
    settings, flags, _ = stored

    async def ends():
        async with TopicReader(settings, ALERTS, MENTIONS, ENRICHED) as reader:
            return [span for t in (ALERTS, MENTIONS, ENRICHED) for span in await reader.spans(t)]

    async def groups():
        async with administer(settings) as admin:
            return [name for name, *_ in await admin.list_consumer_groups()]

    before = asyncio.run(ends())
    run("backtest", "ai", *flags)
    assert asyncio.run(ends()) == before
    assert asyncio.run(groups()) == []


def test_only_the_newest_items(stored):
    _, flags, _ = stored
    report = json.loads(run("backtest", "ai", "--limit", "2", "--json", *flags))
    assert report["items"] == 2
    assert report["warm_up_items"] == 3


def test_a_time_without_items(stored):
    _, flags, _ = stored
    assert (
        json.loads(
            run(
                "backtest",
                "ai",
                "--since",
                "2020-01-01",
                "--until",
                "2020-01-02",
                "--json",
                *flags,
                code=1,
            )
        )["items"]
        == 0
    )


def test_mistakes_are_told(stored, tmp_path):
    _, flags, _ = stored
    with pytest.raises(NotFoundError, match="did you mean ai"):
        run("backtest", "i", *flags)
    with pytest.raises(ConfigError, match="--since: 'soon' is no time"):
        run("backtest", "ai", "--since", "soon", *flags)
    with pytest.raises(ConfigError, match=r"try.yaml:2.*no-such"):
        run("backtest", rules_file(tmp_path, "  - {id: x, figures: {any: [no-such]}}\n"), *flags)


def test_an_alert_is_explained(stored):
    _, flags, book = stored
    (alert,) = book.alerts.values()
    found = json.loads(run("explain", alert.alert_id, "--json", *flags))
    assert found["kind"] == "alert"
    assert [each["kind"] for each in found["revisions"]] == ["new", "coverage"]
    assert found["revisions"][0]["notification"].startswith("notifies at ")
    assert all(check["passed"] for check in found["conditions"])
    assert [step["copy_of"] != "" for step in found["story"]] == [False, True]
    shown = run("explain", alert.alert_id, *flags)
    for words in ("first item of this story", "copies it", "ai 0.80", "rule ai, version 1"):
        assert words in shown


def test_an_item_is_explained(stored):
    _, flags, book = stored
    (alert,) = book.alerts.values()
    museum, _, about_ai, court, _ = (each.item.item_id for each in items())
    (verdict,) = json.loads(run("explain", about_ai, "--json", *flags))["rules"]
    assert (verdict["outcome"], verdict["alert_id"]) == ("fired", alert.alert_id)
    shown = run("explain", museum, *flags)
    assert "no       ai, ada-example: policy_topics.any: best is ai with 0.30 < 0.60" in shown
    assert "no watched figure was found, so no rule can fire" in run("explain", court, *flags)


def test_an_item_is_explained_that_was_refused_and_sent_back(stored):
    """The mark behind a dead letter has its key, and is none."""
    settings, flags, _ = stored
    item_id = items()[0].item.item_id
    letter = DeadLetter(
        topic=ITEMS, partition=0, offset=7, stage="enrich", error="RecordError", message="not yet"
    )

    async def refuse_and_send_back():
        key, value, headers = dead_letter(
            item_id.encode(), b"{", topic=letter.topic, partition=letter.partition,
            offset=letter.offset, stage=letter.stage, error=RecordError(letter.message),
        )  # fmt: skip
        producer = await connect_producer(settings)
        sent = await producer.send_and_wait(DEAD_LETTERS, value, key=key, headers=headers)
        marked = msgspec.structs.replace(letter, key=key)
        await mark_redriven(
            producer,
            Letter(partition=sent.partition, offset=sent.offset, at=utc_now(), letter=marked),
        )
        await producer.stop()

    asyncio.run(refuse_and_send_back())
    assert f"refused by enrich from {ITEMS} 0/7" in run("explain", item_id, *flags)


def test_an_unknown_id_is_told_with_what_was_searched(stored):
    _, flags, _ = stored
    with pytest.raises(UnknownIdError, match=r"'nobody' in news.alerts.*news.enriched.*since 20"):
        run("explain", "nobody", "--since", "2d", *flags)
    assert UnknownIdError.exit_code == 1


def test_items_are_enriched_again(stored, tmp_path):
    """What is stored was made up here, so it differs; but it is about the same items."""
    _, flags, _ = stored
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "ai.yaml").write_text(POLICY_FILE, "utf-8")
    arguments = ("replay", "enrich", "--since", "4d", "--shadow", "try", *flags)
    report = json.loads(run(*arguments, "--json"))
    assert (report["read"], report["refused"]) == (5, 0)
    assert report["written"] == {f"{ENRICHED}.shadow-try": 5}
    assert report["only_shadow"] == report["only_real"] == []
    fields = {each["id"]: each["fields"] for each in report["changed"]}
    assert "policy_topics" in fields[f"{items()[0].item.item_id}:1"]


@pytest.mark.parametrize(
    ("stage", "topic", "same"), [("stories", MENTIONS, 3), ("alerts", ALERTS, 1)]
)
def test_a_stage_makes_the_same_again_beside_what_is_real(stored, stage, topic, same):
    settings, flags, _ = stored
    arguments = ("replay", stage, "--since", "4d", "--shadow", "try", *flags)
    report = json.loads(run(*arguments, "--json"))
    assert report["same"] == same, report
    assert report["only_shadow"] == report["only_real"] == report["changed"] == []

    async def partitions():
        async with administer(settings) as admin:
            return {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}

    assert asyncio.run(partitions())[f"{topic}.shadow-try"] == settings.partitions
    with pytest.raises(BrokerError, match="there already"):
        run(*arguments)


def test_what_a_changed_rule_does_is_told(stored):
    settings, flags, book = stored
    strict = msgspec.structs.replace(AI, policy_topics=PolicyTopicSelector(any=("law",)), version=2)
    asyncio.run(publish(settings, RULES, {"ai": strict}))
    shown = run("replay", "alerts", "--since", "4d", "--shadow", "strict", *flags)
    assert f"1 only in the real topic: {next(iter(book.alerts))}" in shown


def test_of_an_erased_figure_no_alerts_are_made_again(stored):
    settings, flags, book = stored
    (alert,) = book.alerts.values()
    mark = mark_of(alert.figure_id)
    asyncio.run(publish(settings, WATCHLIST, {mark.figure_id: mark}))
    report = json.loads(
        run("replay", "alerts", "--since", "4d", "--shadow", "erased", *flags, "--json")
    )
    assert (report["written"], report["only_shadow"]) == ({f"{ALERTS}.shadow-erased": 0}, [])


def test_a_replay_needs_topics_of_its_own(stored):
    _, flags, _ = stored
    with pytest.raises(ConfigError, match=r"same ids.*--shadow try.*backtest"):
        run("replay", "stories", "--since", "1d", *flags)
    with pytest.raises(ConfigError, match="'Not this' cannot be part"):
        run("replay", "stories", "--since", "4d", "--shadow", "Not this", *flags)
