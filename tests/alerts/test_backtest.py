"""What a backtest says must be what the stage would have done, for any log."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.alerts.backtest import FLOOD_PER_DAY, Backtest, warm_up
from streams.alerts.book import Book
from streams.alerts.replaying import Messages, Replaying
from streams.alerts.revise import revise
from streams.alerts.rules import RuleIndex
from streams.errors import ConfigError
from streams.moments import between, moment
from streams.records import (
    Condition,
    FigureSelector,
    PolicyTopicHit,
    PolicyTopicSelector,
    Schedule,
    Silence,
    stable_id,
)
from streams.stories.cluster import WINDOW
from streams.testing import (
    NOW,
    make_enriched,
    make_figure_hit,
    make_item_ref,
    make_mention,
    make_rule,
)
from tests.alerts.logs import RULES, mention_logs

DAY = timedelta(days=1)
WORDS = 12
_LETTERS = str.maketrans("234567", "ghjklm")


def enriched(number, *, figure="ada-example", topics=(("ai", 0.8),), after=timedelta(), **fields):
    """An item in words of its own, so that each begins a story."""
    text = f"Report {number}: " + " ".join(
        stable_id("word", str(number), str(n))[:6].translate(_LETTERS) for n in range(WORDS)
    )
    at = NOW + after
    return make_enriched(
        text,
        item=make_item_ref(
            **{
                "number": number,
                "title": text,
                "feed_id": f"feed-{number % 5}",
                "seen_at": at,
                "published_at": at,
                **fields,
            }
        ),
        figures=(make_figure_hit(figure_id=figure, name=figure),) if figure else (),
        policy_topics=tuple(
            PolicyTopicHit(policy_topic=topic, score=score, evidence=()) for topic, score in topics
        ),
    )


def tried(rules, items, *, before=(), days=3):
    testing = Backtest(
        rules, {rule.rule_id: rule for rule in before}, since=NOW, until=NOW + days * DAY
    )
    for item in items:
        testing.take(0, item)
    return testing.report()


AI = make_rule(rule_id="ai", policy_topics=PolicyTopicSelector(any=("ai",), min_score=0.6))


def test_days_count_what_was_read_and_told():
    items = [enriched(n, after=n * DAY / 2) for n in range(4)]
    report = tried([AI], items)
    (rule,) = report.rules
    assert [(d.date, d.items, d.alerts, d.notifications) for d in rule.days] == [
        ("2026-11-22", 1, 1, 1),
        ("2026-11-23", 2, 2, 2),
        ("2026-11-24", 1, 1, 1),
        ("2026-11-25", 0, 0, 0),
    ]
    assert (report.items, report.items_with_figures, report.mentions) == (4, 4, 4)


def test_copies_are_one_alert_and_one_message():
    first = enriched(1)
    copies = [
        msgspec.structs.replace(
            first,
            item=make_item_ref(
                number=n, title=first.text, feed_id=f"f{n}", seen_at=NOW + n * timedelta(minutes=1)
            ),
        )
        for n in (2, 3)
    ]
    (rule,) = tried([AI], [first, *copies]).rules
    assert (rule.alerts, rule.items, rule.copies, rule.publishers) == (1, 3, 2, 3)
    assert rule.notifications <= 2  # that three sources tell it is news of its own


def test_what_came_before_is_known_but_not_counted():
    early = enriched(1, after=-DAY / 2)
    again = msgspec.structs.replace(
        early, item=make_item_ref(number=2, title=early.text, seen_at=NOW + DAY / 24)
    )
    report = tried([AI], [early, again])
    assert (report.items, report.warm_up_items) == (1, 1)
    assert report.rules[0].alerts == 0  # its story had begun before


def test_what_comes_after_the_time_takes_no_part():
    report = tried([AI], [enriched(1), enriched(2, after=4 * DAY)])
    assert (report.items, report.rules[0].alerts) == (1, 1)


@pytest.mark.parametrize(
    ("count", "words"),
    [(FLOOD_PER_DAY, False), (FLOOD_PER_DAY + 1, True)],
)
def test_a_flood_is_warned_of(count, words):
    items = [
        enriched(n, figure=f"figure-{n % 10}", after=n * timedelta(minutes=15))
        for n in range(count)
    ]
    (rule,) = tried([AI], items).rules
    assert rule.notifications == count
    assert (
        any("flood" in each and f"{count} notifications" in each for each in rule.warnings) == words
    )


def test_one_figure_that_takes_over_is_warned_of_unless_the_rule_is_about_it():
    items = [enriched(n, after=n * DAY / 5) for n in range(9)]
    assert any("about ada-example alone" in w for w in tried([AI], items).rules[0].warnings)
    about = msgspec.structs.replace(AI, figures=FigureSelector(any=("ada-example",)))
    assert tried([about], items).rules[0].warnings == ()


def test_reasons_are_counted():
    items = [
        enriched(1, topics=(("ai", 0.8),), backfill=True),
        enriched(2, topics=(("ai", 0.4),)),
        enriched(3, topics=(("ai", 0.9),), published_at=NOW - 3 * DAY),
    ]
    (rule,) = tried([AI], items).rules
    assert rule.suppressed == {"backfill": 1, "max_age": 1}
    assert rule.failed == {"policy_topics.any": 1}
    assert (rule.alerts, rule.notifications) == (2, 0)
    assert sum("backfill" in sample.reason for sample in rule.samples) == 1


def test_a_count_that_is_not_reached_is_counted():
    three = msgspec.structs.replace(AI, when=Condition(kind="count", at_least=3))
    (rule,) = tried([three], [enriched(n, after=n * timedelta(minutes=5)) for n in range(2)]).rules
    assert (rule.alerts, rule.held) == (0, {"when.count": 2})


def test_a_burst_fires_without_stored_trends():
    bursting = msgspec.structs.replace(AI, when=Condition(kind="burst"))
    quiet = [
        enriched(n, figure="otto", after=n * timedelta(minutes=20) - 9 * DAY, topics=())
        for n in range(600)
    ]
    burst = [enriched(1_000 + n, after=timedelta(hours=1, minutes=2 * n)) for n in range(12)]
    assert tried([bursting], [*quiet, *burst]).rules[0].alerts > 0
    assert tried([bursting], [*quiet, *burst[:1]]).rules[0].alerts == 0


def test_the_difference_names_what_is_new_and_what_is_gone():
    strict = msgspec.structs.replace(
        AI, version=2, policy_topics=PolicyTopicSelector(any=("ai", "law"), min_score=0.7)
    )
    items = [
        enriched(1, topics=(("ai", 0.9),)),
        enriched(2, topics=(("ai", 0.65),)),
        enriched(3, topics=(("law", 0.9),)),
    ]
    found = tried([strict], items, before=[AI]).rules[0].difference
    assert found is not None
    assert (found.both, found.only_new, found.only_old) == (1, 1, 1)
    assert found.new_samples[0].headline == items[2].text
    assert found.old_samples[0].headline == items[1].text
    daily = msgspec.structs.replace(AI, group_by="figure")
    note = tried([daily], items, before=[AI]).rules[0].difference
    assert note is not None
    assert "none can be the same" in note.note


def test_a_rule_that_is_off_is_tried_as_if_it_were_on():
    (rule,) = tried([msgspec.structs.replace(AI, enabled=False)], [enriched(1)]).rules
    assert rule.alerts == 1
    assert "switched off" in rule.warnings[0]


def test_a_message_that_waits_is_counted_on_the_day_it_goes_out():
    weekdays = msgspec.structs.replace(AI, schedule=Schedule(active=("Mon-Fri 07:00-20:00",)))
    (rule,) = tried([weekdays], [enriched(1)]).rules  # on a Sunday
    told = {day.date: day.notifications for day in rule.days if day.notifications}
    assert told == {"2026-11-23": 1}
    assert rule.suppressed == {"schedule": 1}


def test_a_silence_holds_back():
    silence = Silence(start=NOW - DAY, end=NOW + 9 * DAY, author="Ann", comment="holidays")
    (rule,) = tried([msgspec.structs.replace(AI, silences=(silence,))], [enriched(1)]).rules
    assert rule.suppressed == {"silence": 1}


def test_how_far_back_is_read():
    assert warm_up([AI]) == WINDOW
    assert warm_up([msgspec.structs.replace(AI, when=Condition(kind="burst"))]) >= 7 * DAY
    month = Condition(kind="first_seen", window_seconds=30 * 86_400)
    assert warm_up([msgspec.structs.replace(AI, when=month)]) > 30 * DAY


@settings(max_examples=60)
@given(mention_logs())
def test_replaying_is_what_the_stage_does(log):
    """Mentions that are sifted out change nothing that is counted."""
    replaying = Replaying(RULES.values(), NOW - DAY)
    for mention in log:
        if replaying.sift(mention).wanted:
            replaying.take(mention)
    book, index = Book(), RuleIndex(RULES)
    for mention in log:
        candidates = index.candidates(mention.figure, mention.policy_topics)
        revise(book, mention, candidates, mention.item.seen_at, rules=RULES)

    def sources(alerts):
        return {a.alert_id: [s.item.item_id for s in a.sources] for a in alerts}

    living = [a for a in book.alerts.values() if not a.superseded_by and "storm" not in a.story_id]
    assert sources(replaying.alerts()) == sources(living)


@settings(max_examples=25)
@given(st.permutations(range(6)), st.integers(1, 3))
def test_how_items_lie_in_partitions_does_not_matter(order, partitions):
    items = [enriched(n, figure=f"figure-{n % 2}", after=n * DAY / 4) for n in range(6)]
    expected = tried([AI], items)
    testing = Backtest([AI], {}, since=NOW, until=NOW + 3 * DAY)
    for number in order:  # which partition is read first, and what lies in it
        for item in items[number::6]:
            testing.take(number if partitions > 1 else 7 + number, item)
    assert testing.report() == expected


def revision(**changes):
    book = Book()
    (alert,) = revise(book, make_mention(), [AI], NOW, rules={})
    return msgspec.structs.replace(alert, **changes)


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("revisions", "sent"),
    [
        pytest.param([(0, {"hold_until": None})], [0], id="at once"),
        pytest.param([(0, {"hold_until": NOW + MINUTE})], [1], id="waits"),
        pytest.param(
            [(0, {"hold_until": NOW + MINUTE}), (0.5, {"hold_until": NOW + MINUTE})],
            [1],
            id="two in one",
        ),
        pytest.param(
            [(0, {"hold_until": NOW + MINUTE}), (3, {"hold_until": NOW + 5 * MINUTE})],
            [1, 5],
            id="one after the other",
        ),
        pytest.param(
            [(0, {"hold_until": NOW + 2 * MINUTE}), (1, {"state": "closed", "hold_until": None})],
            [],
            id="closed before it goes out",
        ),
        pytest.param([(0, {"notify": False, "hold_until": None})], [], id="quiet"),
        pytest.param(
            [(0, {"notify": False, "suppressed_by": "silence", "hold_until": NOW + MINUTE})],
            [1],
            id="when the silence ends",
        ),
    ],
)
def test_messages_are_counted_as_they_go_out(revisions, sent):
    messages = Messages()
    for minutes, changes in revisions:
        messages.take(revision(**{"notify": True, **changes}), NOW + minutes * MINUTE)
    messages.end()
    assert [(at - NOW) / MINUTE for at, _ in messages.sent] == sent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2d", NOW - 2 * DAY),
        ("2026-11-20", NOW.replace(day=20, hour=0)),
        ("2026-11-20T08:00", NOW.replace(day=20, hour=8)),
        ("2026-11-20T08:00+01:00", NOW.replace(day=20, hour=7)),
        ("0001-01-02", NOW.replace(year=1970, month=1, day=1, hour=0)),
    ],
)
def test_times_as_people_give_them(text, expected):
    assert moment(text, NOW, "--since") == expected


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("soon", "", "--since: 'soon' is no time"),
        ("7d", "whenever", "--until: 'whenever'"),
        ("2d", "3d", "2d is not before 3d"),
        ("2999-01-01", "", "is not before now"),
        ("0001-01-01T00:00+05:00", "", "is no time"),
    ],
)
def test_times_that_make_no_sense(since, until, words):
    with pytest.raises(ConfigError, match=words):
        between(since, until, NOW)
