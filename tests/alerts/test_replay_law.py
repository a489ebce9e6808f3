"""The laws of the living alert: repetition, crashes and small disorder change nothing; a storm is bounded."""

from collections import Counter
from datetime import timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from streams.records import Mention, SeverityPolicy, Story
from streams.testing import NOW, make_figure_hit, make_item_ref, make_mention, make_rule
from tests.alerts.logs import Partition, broken_off, hits, living, mention_logs, mixed_logs

DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0)
# Logs are built by running them, and shrinking one that breaks a law takes minutes.
FAST = settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))


@given(mixed_logs(), st.data())
@settings(FAST)
def test_wherever_a_run_breaks_off_the_end_is_the_same(log, data):
    """Records before `committed` are never read again; those up to `reached` have been published."""
    whole = Partition()
    whole.take_all(log)
    broken = broken_off(Partition(), log, data.draw)
    assert broken.alerts == whole.alerts


@given(mixed_logs())
@settings(FAST)
def test_a_replay_tells_nothing(log):
    """The topic is read again from its beginning, by a process that knows only what was published."""
    partition = Partition()
    partition.take_all(log)
    before = dict(partition.alerts)
    partition.crash([])
    assert not any(alert.notify for alert in partition.take_all(log))
    assert partition.alerts == before


@given(mention_logs(), st.data())
@settings(FAST, max_examples=300)
def test_a_little_disorder_changes_no_living_alert(log, data):
    log.sort(key=lambda mention: mention.item.seen_at)
    # A revision belongs to the day's alert that has its item: around midnight its order matters.
    late = [
        0 if abs((m.item.seen_at - MIDNIGHT) % DAY - DAY / 2) > DAY / 2 - timedelta(minutes=10)
        else data.draw(st.floats(0, 599))
        for m in log
    ]  # fmt: skip
    order = sorted(range(len(log)), key=lambda n: log[n].item.seen_at + timedelta(seconds=late[n]))
    ordered, shuffled = Partition(), Partition()
    ordered.take_all(log)
    shuffled.take_all([log[n] for n in order])
    assert living(shuffled.alerts) == living(ordered.alerts)


@given(mixed_logs())
@settings(FAST)
def test_revisions_count_up_and_say_what_is_the_case(log):
    newest: dict[str, int] = {}
    for alert in Partition().take_all(log):
        assert alert.revision == newest.get(alert.alert_id, 0) + 1
        newest[alert.alert_id] = alert.revision
        assert (alert.revision == 1) == (alert.update_kind == "new")
        assert not (alert.notify and alert.suppressed_by)
        assert alert.state == "closed" or not alert.superseded_by
        assert alert.sources
        assert len(set(alert.publishers)) == len(alert.publishers)


class Lives(RuleBasedStateMachine):
    """A partition that crashes now and then, beside one that does not."""

    def __init__(self) -> None:
        super().__init__()
        self.steady, self.shaken = Partition(), Partition()
        self.log: list[Mention] = []
        self.revisions: Counter[int] = Counter()
        self.at = NOW

    @rule(
        number=st.integers(1, 6),
        topics=st.sampled_from([(), ("ai",)]),
        minutes=st.sampled_from([0, 1, 7, 400, 1500]),
        absorbed=st.sampled_from([(), (), ("s1",), ("s2",)]),
    )
    def news(self, number, topics, minutes, absorbed):
        self.at += timedelta(minutes=minutes)
        self.revisions[number] += 1
        story = f"s{number % 3}"
        mention = make_mention(
            item=make_item_ref(
                number=number,
                revision=self.revisions[number],
                feed_id=f"f{number}",
                seen_at=self.at,
                published_at=self.at,
            ),
            story=Story(story_id=story, absorbed=absorbed if story == "s0" else ()),
            policy_topics=hits(*topics),
        )
        self.log.append(mention)
        offset = len(self.log) - 1
        self.shaken.take(mention, offset)
        self.steady.take(mention, offset)

    @rule(back=st.integers(0, 4))
    def crash(self, back):
        start = max(len(self.log) - back, 0)
        self.shaken.crash(self.log[:start])
        for offset in range(start, len(self.log)):
            assert not any(alert.notify for alert in self.shaken.take(self.log[offset], offset))

    @invariant()
    def alike(self):
        assert self.shaken.alerts == self.steady.alerts


Lives.TestCase.settings = settings(FAST, max_examples=60, stateful_step_count=20)
TestLives = Lives.TestCase


def flood(count, *, seconds, severity="alert", one_story=False, feeds=40):
    partition = Partition({"everything": make_rule(severity=SeverityPolicy(base=severity))})
    for n in range(count):
        at = NOW + timedelta(seconds=seconds * n / count)
        partition.take(
            make_mention(
                item=make_item_ref(
                    number=n, feed_id=f"feed-{n % feeds}", seen_at=at, published_at=at
                ),
                story=Story(
                    story_id="wire" if one_story else f"s{n}",
                    copy_of="first" if one_story and n else "",
                ),
                figure=make_figure_hit(),
            )
        )
    return partition


def test_a_thousand_copies_of_a_wire_story_are_one_alert_and_four_messages():
    partition = flood(1_000, seconds=7_200, one_story=True)
    (alert,) = partition.alerts.values()
    assert sum(a.notify for a in partition.published) <= 4
    assert (alert.copies, len(alert.publishers)) == (999, 40)
    assert len(alert.sources) + len(alert.further_item_ids) == 1_000


def test_a_storm_is_bounded_and_told_by_one_digest():
    partition = flood(10_000, seconds=60)
    told = [alert for alert in partition.published if alert.notify]
    digests = [alert for alert in told if alert.story_id.startswith("storm:")]
    assert (len(told), len(digests)) == (21, 1)
    assert digests[0].hold_until == digests[0].first_seen_at + timedelta(minutes=5)
    newest = partition.alerts[digests[0].alert_id]
    assert newest.headline == "Storm: 9950 more about Ada Example since 12:00 UTC"
    held_back = [a for a in partition.alerts.values() if a.suppressed_by.startswith("storm:")]
    assert len(held_back) == 9_980
    assert len(partition.published) < 10_000 + 250


def test_a_storm_that_comes_again_has_a_digest_of_its_own():
    partition = flood(100, seconds=60)
    later = NOW + timedelta(hours=2)
    for n in range(100):
        partition.take(
            make_mention(
                item=make_item_ref(number=1_000 + n, seen_at=later, published_at=later),
                story=Story(story_id=f"later-{n}"),
            )
        )
    assert len([a for a in partition.alerts.values() if a.story_id.startswith("storm:")]) == 2


def test_flash_is_no_part_of_a_storm():
    partition = flood(60, seconds=60, severity="flash")
    assert all(a.notify and a.hold_until is None for a in partition.published)
