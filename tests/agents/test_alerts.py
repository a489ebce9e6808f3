"""The alerts stage: mentions and commands of a partition meet, and its state is rebuilt from the topics."""

from datetime import timedelta

import msgspec
import pytest

from streams.agents import alerts as agent
from streams.agents.acking import Received
from streams.agents.alerts import AlertsStage
from streams.broker.topics import ALERTS, COMMANDS, MENTIONS
from streams.config import Settings
from streams.errors import RecordError
from streams.records import Alert, Command, Condition, Figure
from streams.testing import NOW, make_item_ref, make_mention, make_rule
from streams.wire import decode, encode


class Topics:
    """A broker of one partition, and stages that read it."""

    def __init__(self, monkeypatch):
        self.logs: dict[str, list[Received]] = {MENTIONS: [], COMMANDS: [], ALERTS: []}
        self.rules = {"everything": make_rule()}
        self.figures = {}
        monkeypatch.setattr(agent, "read_history", self.read_history)
        self.stage = self.start()

    def start(self):
        """A process that knows nothing yet."""
        stage = AlertsStage(Settings())
        self.edit(stage)
        return stage

    def edit(self, stage=None):
        stage = stage or self.stage
        for broadcast, values in ((stage._rules, self.rules), (stage._watchlist, self.figures)):
            broadcast._values, broadcast._version = dict(values), ""

    async def read_history(self, settings, topic, partition, *, since=None, until_offset=None):
        past = self.logs[topic][:until_offset]
        return [record for record in past if since is None or record.timestamp >= since]

    def write(self, topic, value, at):
        log = self.logs[topic]
        log.append(
            Received(
                topic=topic,
                partition=0,
                offset=len(log),
                timestamp=at.timestamp(),
                key=b"k",
                value=value,
            )
        )
        return log[-1]

    async def take(self, record):
        (outcome,) = await self.stage.process([record])
        if isinstance(outcome, Exception):
            raise outcome
        for output in outcome:
            assert (output.topic, output.partition) == (ALERTS, record.partition)
            self.write(ALERTS, output.value, NOW)
        return [decode(Alert, output.value) for output in outcome]

    async def news(self, number, minutes=0):
        at = NOW + timedelta(minutes=minutes)
        mention = make_mention(
            item=make_item_ref(number=number, feed_id=f"feed-{number}", seen_at=at, published_at=at)
        )
        return await self.take(self.write(MENTIONS, encode(mention), at))

    async def command(self, alert, action="acknowledge", actor="Ann", **changes):
        wanted = Command(
            command_id=f"{action}-{actor}",
            alert_id=alert.alert_id,
            action=action,
            actor=actor,
            at=NOW,
            expected_revision=alert.revision,
        )
        value = encode(msgspec.structs.replace(wanted, **changes))
        return await self.take(self.write(COMMANDS, value, NOW))


@pytest.fixture
def topics(monkeypatch):
    return Topics(monkeypatch)


async def test_news_and_people_revise_one_alert(topics):
    (first,) = await topics.news(1)
    (second,) = await topics.command(first)
    (third,) = await topics.news(2, 1)
    assert [first.revision, second.revision, third.revision] == [1, 2, 3]
    assert third.triage.status == "acknowledged"
    assert len(third.sources) == 2


@pytest.mark.parametrize("before_command", [True, False])
async def test_another_process_goes_on_where_one_has_died(topics, before_command):
    (first,) = await topics.news(1)
    if before_command:
        topics.stage = topics.start()
    (second,) = await topics.command(first)
    topics.stage = topics.start()
    (third,) = await topics.news(2, 1)
    assert (third.revision, third.triage) == (3, second.triage)


async def test_what_is_delivered_again_makes_nothing(topics):
    (first,) = await topics.news(1)
    await topics.command(first)
    await topics.news(2, 1)
    for topic in (MENTIONS, COMMANDS, MENTIONS):
        topics.stage = topics.start()
        for record in topics.logs[topic]:
            assert await topics.take(record) == []


async def test_a_conflict_is_answered(topics):
    (first,) = await topics.news(1)
    await topics.command(first, actor="Bo")
    (answer,) = await topics.command(first, "dismiss")
    assert "Bo acknowledged it" in answer.triage.refused


async def test_a_command_for_an_unknown_alert_is_refused(topics):
    (first,) = await topics.news(1)
    with pytest.raises(RecordError, match="no alert nothing"):
        await topics.command(first, alert_id="nothing")


async def test_what_was_counted_is_counted_again_after_a_crash(topics):
    topics.rules = {
        "two": make_rule(rule_id="two", when=Condition(kind="distinct_sources", at_least=2))
    }
    topics.edit()
    assert await topics.news(1) == []
    topics.stage = topics.start()
    told = await topics.news(2, 5)
    assert len(told[-1].sources) == 2


async def test_a_command_that_comes_first_does_not_hide_what_was_counted(topics):
    (other,) = await topics.news(1)
    topics.rules["two"] = make_rule(
        rule_id="two", when=Condition(kind="distinct_sources", at_least=3)
    )
    topics.edit()
    await topics.news(2, 1)
    topics.stage = topics.start()
    await topics.command(other, "comment")
    told = await topics.news(3, 2)
    assert {alert.rule_id for alert in told} == {"everything", "two"}
    assert len(told[-1].sources) == 3


async def test_a_deleted_rule_ends_its_alerts_at_the_next_record(topics):
    (first,) = await topics.news(1)
    topics.rules = {"other": make_rule(rule_id="other")}
    topics.edit()
    told = {alert.rule_id: alert for alert in await topics.news(2, 1)}
    assert (told["everything"].alert_id, told["everything"].state) == (first.alert_id, "closed")
    assert told["everything"].update_reason == "rule everything is deleted"
    assert told["other"].update_kind == "new"


async def test_a_figure_that_is_no_longer_watched_ends_its_alerts(topics):
    watched = Figure(figure_id="ada-example", name="Ada Example", kind="person")
    topics.figures = {"ada-example": watched}
    topics.edit()
    await topics.news(1)
    topics.figures = {"ada-example": msgspec.structs.replace(watched, active=False)}
    topics.edit()
    assert [a.update_kind for a in await topics.news(2, 1)] == ["coverage", "closed"]
