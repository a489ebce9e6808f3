"""The alerts stage: mentions and commands of a partition meet, and its state is rebuilt from the topics."""

from datetime import timedelta

import msgspec
import pytest
from prometheus_client import REGISTRY

from streams.agents import acking
from streams.agents import alerts as agent
from streams.agents.acking import Received
from streams.agents.alerts import AlertsStage
from streams.alerts.revise import revise as revise_alerts
from streams.broker.broadcast import Broadcast
from streams.broker.topics import ALERTS, COMMANDS, MENTIONS, TRENDS
from streams.config import Settings
from streams.enrich.watchlist.erasing import mark_id, mark_of
from streams.errors import RecordError
from streams.records import Alert, Command, Condition, Figure, Story, Trend
from streams.testing import NOW, make_figure_hit, make_item_ref, make_mention, make_rule
from streams.wire import decode, encode


class Topics:
    """A broker of one partition, and stages that read it."""

    def __init__(self, monkeypatch):
        self.logs: dict[str, list[Received]] = {MENTIONS: [], COMMANDS: [], ALERTS: [], TRENDS: []}
        self.rules = {"everything": make_rule()}
        self.figures = {}
        monkeypatch.setattr(agent, "follow_history", self.follow_history)
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

    async def follow_history(self, settings, topic, partition, *, since=None, until_offset=None):
        past = self.logs[topic][:until_offset]
        yield [record for record in past if since is None or record.timestamp >= since]

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
            assert output.partition == record.partition
            self.write(output.topic, output.value, NOW)
        return [decode(Alert, output.value) for output in outcome if output.topic == ALERTS]

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


def story(number, minutes, **changes):
    at = NOW + timedelta(minutes=minutes)
    item = make_item_ref(number=number, feed_id=f"feed-{number}", seen_at=at, published_at=at)
    told = Story(story_id=f"s{number}", stories_hour=20, stories_window=60)
    return make_mention(item=item, story=told, **changes)


async def test_a_burst_is_told_once_with_its_alert(topics):
    topics.rules = {"burst": make_rule(rule_id="burst", when=Condition(kind="burst"))}
    topics.edit()
    alerts = []
    for n in range(3):
        mention = story(n, n)
        alerts += await topics.take(topics.write(MENTIONS, encode(mention), mention.item.seen_at))
    (record,) = topics.logs[TRENDS]
    trend = decode(Trend, record.value)
    assert (trend.kind, trend.phase, trend.figure_id) == ("burst", "begin", "ada-example")
    assert {len(alert.sources) for alert in alerts} == {1, 2, 3}


async def test_a_restart_tells_no_trend_again_and_goes_on_with_it(topics):
    for n in range(3):
        mention = story(n, n)
        await topics.take(topics.write(MENTIONS, encode(mention), mention.item.seen_at))
    (begin,) = (decode(Trend, record.value) for record in topics.logs[TRENDS])
    topics.stage = topics.start()
    mention = story(9, 200, figure=make_figure_hit(figure_id="bob"))
    await topics.take(topics.write(MENTIONS, encode(mention), mention.item.seen_at))
    _, end = (decode(Trend, record.value) for record in topics.logs[TRENDS])
    assert (end.trend_id, end.phase) == (begin.trend_id, "end")


async def test_what_is_delivered_again_has_the_same_trends(topics):
    for n in range(9):
        mention = story(n, n)
        await topics.take(topics.write(MENTIONS, encode(mention), mention.item.seen_at))
    before = [record.value for record in topics.logs[TRENDS]]
    topics.stage = topics.start()
    for record in topics.logs[MENTIONS][1:]:
        assert await topics.take(record) == []
    assert [record.value for record in topics.logs[TRENDS]] == before * 2


async def test_a_silence_is_told_by_whatever_comes_next(topics):
    when = Condition(kind="silence", window_seconds=3_600)
    topics.rules = {"silence": make_rule(rule_id="silence", when=when)}
    topics.edit()
    await topics.take(topics.write(MENTIONS, encode(story(1, 0)), NOW))
    topics.stage = topics.start()
    bob = make_figure_hit(figure_id="bob")
    mention = story(2, 90, figure=bob)
    (begun,) = await topics.take(topics.write(MENTIONS, encode(mention), mention.item.seen_at))
    topics.stage = topics.start()
    mention = story(3, 100)
    (over,) = await topics.take(topics.write(MENTIONS, encode(mention), mention.item.seen_at))
    assert (begun.state, over.state) == ("open", "closed")
    assert over.alert_id == begun.alert_id


async def test_what_raises_is_a_dead_letter_and_the_next_record_is_processed(topics, monkeypatch):
    (first,) = await topics.news(1)

    def revise(book, mention, *args, **kwargs):
        made = revise_alerts(book, mention, *args, **kwargs)
        if mention.item.feed_id == "feed-2":
            raise ZeroDivisionError("half done")
        return made

    monkeypatch.setattr(agent, "revise", revise)
    with pytest.raises(RecordError, match="our own fault: ZeroDivisionError: half done"):
        await topics.news(2, minutes=1)
    (next_one,) = await topics.news(3, minutes=2)
    assert (next_one.alert_id, next_one.revision) == (first.alert_id, 2), "the half is forgotten"
    assert len(next_one.sources) == 2


async def test_an_alert_that_is_too_large_is_told_when_its_mention_is_redriven(topics, monkeypatch):
    mention = make_mention()
    with monkeypatch.context() as patch:
        patch.setattr(acking, "OUTPUT_BYTES", 10)
        with pytest.raises(RecordError, match="its output has"):
            await topics.take(topics.write(MENTIONS, encode(mention), NOW))
    (told,) = await topics.take(topics.write(MENTIONS, encode(mention), NOW))
    assert (told.revision, told.update_kind, told.notify) == (1, "new", True)


async def test_what_a_record_has_spoilt_is_no_base_for_the_next_of_its_batch(topics, monkeypatch):
    """The first begins the alert, and is set aside: so the second begins it, and must say so."""

    def revise(book, mention, *args, **kwargs):
        made = revise_alerts(book, mention, *args, **kwargs)
        if mention.item.feed_id == "feed-1":
            raise ZeroDivisionError("half done")
        return made

    monkeypatch.setattr(agent, "revise", revise)
    batch = [
        topics.write(MENTIONS, encode(make_mention(item=item)), item.seen_at)
        for number in (1, 2)
        for item in [make_item_ref(number=number, feed_id=f"feed-{number}")]
    ]
    (failed,) = await topics.stage.process(batch)
    assert isinstance(failed, RecordError)
    (told,) = await topics.take(batch[1])
    assert (told.revision, told.update_kind, told.notify) == (1, "new", True)
    assert [source.item.feed_id for source in told.sources] == ["feed-2"]


async def test_an_erased_figure_is_not_written_about_any_more(topics):
    (first,) = await topics.news(1)
    topics.figures = {mark_id("ada-example"): mark_of("ada-example")}
    topics.edit()
    assert await topics.news(2, 1) == []
    with pytest.raises(RecordError, match="no alert"):
        await topics.command(first)
    topics.stage = topics.start()
    assert await topics.news(3, 2) == [], "nor by a process that begins now"


async def test_what_is_erased_while_alerts_are_read_again_is_not_written_about(topics, monkeypatch):
    await topics.news(1)
    topics.stage = topics.start()
    follow = topics.follow_history

    async def erase_meanwhile(*args, **kwargs):
        topics.figures = {mark_id("ada-example"): mark_of("ada-example")}
        async for batch in follow(*args, **kwargs):
            yield batch
        topics.edit()

    monkeypatch.setattr(agent, "follow_history", erase_meanwhile)
    assert await topics.news(2, 1) == []


async def test_what_was_deleted_does_not_come_back_with_the_figure(topics):
    """The revisions before a deletion are in the topic until it is compacted."""
    (first,) = await topics.news(1)
    topics.logs[ALERTS][0] = msgspec.structs.replace(
        topics.logs[ALERTS][0], key=first.alert_id.encode()
    )
    deletion = topics.write(ALERTS, None, NOW)
    topics.logs[ALERTS][1] = msgspec.structs.replace(deletion, key=first.alert_id.encode())
    topics.stage = topics.start()
    (anew,) = await topics.news(2, 1)
    assert (anew.alert_id, anew.revision, len(anew.sources)) == (first.alert_id, 1, 1)


async def test_monitoring_is_told_how_many_rules_count(topics, monkeypatch):
    def served(state):
        return REGISTRY.get_sample_value("news_rules_loaded", {"state": state})

    async def start(broadcast):
        """Without a broker."""

    monkeypatch.setattr(Broadcast, "start", start)
    await topics.stage.start()
    topics.rules |= {
        "two": make_rule(rule_id="two"),
        "off": make_rule(rule_id="off", enabled=False),
    }
    topics.edit()
    assert (served("enabled"), served("disabled")) == (2, 1)
    topics.rules.clear()
    topics.edit()
    assert (served("enabled"), served("disabled")) == (0, 0)


async def test_monitoring_is_told_why_nobody_was_told(topics):
    def served():
        return (
            REGISTRY.get_sample_value("news_alerts_suppressed_total", {"reason": "backfill"}) or 0
        )

    before = served()
    mention = make_mention(item=make_item_ref(backfill=True))
    (first,) = await topics.take(topics.write(MENTIONS, encode(mention), NOW))
    assert (first.notify, served()) == (False, before + 1)
    await topics.command(first)  # what a person does is no news
    assert served() == before + 1
