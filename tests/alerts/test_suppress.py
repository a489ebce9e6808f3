"""What holds a revision back, for how long, and what nothing holds back."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.decide import decide
from streams.alerts.suppress import CALM, Situation, not_news, suppression
from streams.records import Schedule, SeverityPolicy, Silence, Triage
from streams.testing import NOW, make_figure_hit, make_item_ref, make_mention, make_rule

LATER = NOW + timedelta(seconds=3)
HOUR = timedelta(hours=1)
SILENCE = Silence(
    start=NOW - HOUR, end=NOW + HOUR, author="Bo", comment="party conference, all day"
)
EVENING = Schedule(timezone="Europe/Berlin", active=("daily 18:00-20:00",))
FLASH = SeverityPolicy(base="flash")


def first(rule=None, *, situation=CALM, **item):
    return decide(
        None,
        rule or make_rule(),
        make_mention(item=make_item_ref(**item)),
        LATER,
        situation=situation,
    ).alert


def then(previous, *, rule=None, situation=CALM, number=2, topic=False, **item):
    """The next revision; `topic` makes it material."""
    figure = make_figure_hit(in_title=topic)
    rule = rule or make_rule()
    rule = msgspec.structs.replace(
        rule, severity=msgspec.structs.replace(rule.severity, bump=("headline",))
    )
    mention = make_mention(item=make_item_ref(number=number, **item), figure=figure)
    return decide(previous, rule, mention, LATER, situation=situation).alert


@pytest.mark.parametrize(
    ("rule", "item", "situation", "reason", "until"),
    [
        ({}, {"backfill": True}, CALM, "backfill: ", None),
        ({}, {"published_at": NOW - 25 * HOUR}, CALM, "max_age: 25.0 h old", None),
        ({"silences": (SILENCE,)}, {}, CALM, "silence: by Bo until 2026-11-22 13:00 UTC, party", NOW + HOUR),
        ({"silences": (SILENCE,), "severity": FLASH}, {}, CALM, "silence: by Bo", NOW + HOUR),
        ({"schedule": EVENING}, {}, CALM, "schedule: outside daily 18:00-20:00 (Europe/Berlin)", NOW + 5 * HOUR),
        ({"schedule": EVENING, "silences": (SILENCE,)}, {}, CALM, "schedule: ", NOW + 5 * HOUR),
        ({}, {}, Situation(storm="storm: 20 messages"), "storm: ", None),
        ({"severity": SeverityPolicy(base="info")}, {}, Situation(flash="War"), "inhibited: 'War' is flash", None),
    ],
)  # fmt: skip
def test_what_is_held_back_is_published_with_its_reason(rule, item, situation, reason, until):
    alert = first(make_rule(**rule), situation=situation, **item)
    assert alert.suppressed_by.startswith(reason)
    assert (alert.notify, alert.hold_until) == (False, until)
    assert alert.notified == (until is not None), "what waits will be told"


@pytest.mark.parametrize(
    ("rule", "item", "situation"),
    [
        ({"silences": (msgspec.structs.replace(SILENCE, figures=("somebody",)),)}, {}, CALM),
        ({"silences": (msgspec.structs.replace(SILENCE, end=NOW),)}, {}, CALM),
        ({}, {}, Situation(flash="War")),
        ({}, {"published_at": NOW + timedelta(days=900)}, CALM),
        ({}, {"published_at": NOW - 23 * HOUR}, CALM),
    ],
)
def test_what_is_not_held_back(rule, item, situation):
    alert = first(make_rule(**rule), situation=situation, **item)
    assert (alert.notify, alert.suppressed_by) == (True, "")
    assert alert.hold_until == NOW + timedelta(seconds=30)


def test_flash_waits_for_nothing_lesser():
    alert = first(make_rule(severity=FLASH), situation=Situation(storm="storm: ", flash="War"))
    assert (alert.notify, alert.hold_until, alert.suppressed_by) == (True, None, "")


@pytest.mark.parametrize(
    ("after", "hold"),
    [
        (10, 30),  # joins the message that waits
        (60, 330),  # that one has gone out; the next may five minutes later
        (329, 330),
        (331, None),
    ],
)
def test_messages_of_one_alert_are_collected(after, hold):
    second = then(first(), topic=True, seen_at=NOW + timedelta(seconds=after))
    assert (second.update_kind, second.notify) == ("material", True)
    assert second.hold_until == (NOW + timedelta(seconds=hold) if hold else None)


def test_becoming_flash_goes_out_at_once():
    rule = make_rule(severity=SeverityPolicy(base="urgent"))
    second = then(first(rule), rule=rule, topic=True, seen_at=NOW + timedelta(seconds=60))
    assert (second.severity, second.notify, second.hold_until) == ("flash", True, None)


def test_a_message_that_waits_goes_along_with_what_is_silent():
    second = then(first(), seen_at=NOW + timedelta(seconds=10))
    assert (second.notify, second.hold_until) == (False, NOW + timedelta(seconds=30))


def test_what_a_schedule_held_is_told_once():
    rule = make_rule(schedule=EVENING)
    second = then(first(rule), rule=rule, seen_at=NOW + timedelta(minutes=1))
    assert (second.update_kind, second.hold_until) == ("coverage", NOW + 5 * HOUR)
    third = then(second, rule=rule, number=3, seen_at=NOW + 6 * HOUR)
    assert (third.update_kind, third.notify) == ("coverage", False)


def with_triage(alert, **triage):
    return msgspec.structs.replace(alert, triage=Triage(actor="Bo", **triage))


def snoozed(severity="info"):
    rule = make_rule(severity=SeverityPolicy(base=severity))
    return with_triage(first(rule), status="snoozed", until=NOW + 3 * HOUR), rule


def test_a_snooze_holds_what_is_material_until_it_ends():
    alert, rule = snoozed()
    second = then(alert, rule=rule, topic=True, seen_at=NOW + HOUR)
    assert (second.severity, second.notify, second.hold_until) == ("alert", False, NOW + 3 * HOUR)
    assert second.suppressed_by == "snoozed: by Bo until 2026-11-22 15:00 UTC"
    assert second.triage.status == "snoozed"


def test_a_snooze_ends_with_something_urgent():
    alert, rule = snoozed("alert")
    second = then(alert, rule=rule, topic=True, seen_at=NOW + HOUR)
    assert (second.severity, second.notify, second.triage.status) == ("urgent", True, "new")
    assert second.triage.note == "the snooze ends, since this is urgent (snoozed by Bo)"


def test_a_snooze_ends_at_its_time():
    alert, rule = snoozed()
    second = then(alert, rule=rule, topic=True, seen_at=NOW + 4 * HOUR)
    assert (second.notify, second.triage.status) == (True, "new")


def test_what_was_resolved_comes_back_with_news_and_what_was_acknowledged_stays():
    for status, expected in (("resolved", "new"), ("acknowledged", "acknowledged")):
        second = then(with_triage(first(), status=status), topic=True, seen_at=NOW + HOUR)
        assert (second.notify, second.triage.status) == (True, expected)


def test_what_was_dismissed_stays_silent_but_is_corrected():
    alert = with_triage(first(), status="dismissed", note="namesake")
    second = then(alert, topic=True, seen_at=NOW + HOUR)
    assert (second.update_kind, second.notify) == ("material", False)
    assert second.suppressed_by == "dismissed: by Bo, namesake"
    third = then(second, number=1, revision=2, title="Other", seen_at=NOW + 2 * HOUR)
    assert (third.update_kind, third.notify) == ("correction", True)


@pytest.mark.parametrize("kind", ["correction", "retraction"])
def test_what_people_believe_wrongly_is_put_right_at_once(kind):
    rule = make_rule(silences=(SILENCE,))
    previous = with_triage(first(), status="dismissed")
    verdict = suppression(
        rule, make_mention(), previous, kind=kind, severity="alert", situation=Situation("storm: x")
    )
    assert verdict.reason == ""


def test_suppressed_news_is_told_when_there_is_more():
    alert = first(situation=Situation(storm="storm: 20 messages"))
    second = then(alert, seen_at=NOW + HOUR)
    assert (second.update_kind, second.notify) == ("material", True)


@given(st.integers(-400, 400), st.booleans())
def test_age_is_measured_when_the_item_was_seen(hours, backfill):
    item = make_item_ref(published_at=NOW + timedelta(hours=hours), backfill=backfill)
    assert bool(not_news(make_rule(), item)) == (backfill or hours < -24)
