"""Commands are carried out or answered; only what other people did is a conflict."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.decide import decide
from streams.alerts.triage import STRENGTH, carry_out, stronger
from streams.errors import RecordError
from streams.records import Alert, Command, Triage
from streams.testing import NOW, make_mention, make_rule
from tests.alerts.logs import Partition

AT = NOW + timedelta(minutes=2)
ALERT = Partition({"everything": make_rule()}).take(make_mention())[0]


def done(alert: Alert, command: Command, offset: int = -1) -> Alert:
    """The revision that a command makes."""
    revision = carry_out(alert, command, offset=offset)
    assert revision is not None
    return revision


def ask(action, argument="", *, actor="Ann", expected=1, at=AT, command_id="c1", alert=ALERT):
    return Command(
        command_id=command_id,
        alert_id=alert.alert_id,
        action=action,
        actor=actor,
        at=at,
        expected_revision=expected,
        argument=argument,
    )


@pytest.mark.parametrize(
    ("action", "argument", "expected", "words"),
    [
        ("acknowledge", "", {"status": "acknowledged", "actor": "Ann", "at": AT}, "acknowledged by Ann"),
        ("snooze", "2h", {"status": "snoozed", "until": AT + timedelta(hours=2)}, "snoozed by Ann until 2026-11-22 14:02 UTC"),
        ("snooze", "2026-11-22T15:00:00+01:00", {"until": NOW + timedelta(hours=2)}, "snoozed by Ann until 2026-11-22 14:00 UTC"),
        ("assign", "Cy", {"status": "new", "assignee": "Cy"}, "assigned by Ann to Cy"),
        ("comment", "called them", {"status": "new", "note": "called them"}, "commented on by Ann: called them"),
        ("resolve", "", {"status": "resolved"}, "resolved by Ann"),
        ("dismiss", "namesake", {"status": "dismissed", "note": "namesake"}, "dismissed by Ann: namesake"),
        ("reopen", "", {"status": "new", "actor": "Ann"}, "reopened by Ann"),
    ],
)  # fmt: skip
def test_what_commands_do(action, argument, expected, words):
    alert = done(ALERT, ask(action, argument), offset=4)
    assert (alert.revision, alert.update_kind, alert.notify) == (2, "human", False)
    assert alert.update_reason == words
    assert {name: getattr(alert.triage, name) for name in expected} == expected
    assert (alert.triage.refused, alert.triage.commands, alert.triage.command_id) == ("", 5, "c1")


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("", "until when to snooze is not told by ''"),
        ("soon", "until when to snooze is not told by 'soon'"),
        ("2026-11-22T11:00:00Z", "has passed already"),
        ("2026-11-22T14:00:00", "has no time zone"),
        ("99999999999999999h", "until when"),
    ],
)
def test_a_snooze_that_cannot_be_read_is_answered_with_the_cure(argument, why):
    alert = done(ALERT, ask("snooze", argument))
    assert why in alert.triage.refused
    assert "write a time such as" in alert.triage.refused
    assert (alert.triage.status, alert.revision) == ("new", 2)


def acknowledged_by_bo():
    return done(ALERT, ask("acknowledge", actor="Bo", command_id="c0"), offset=0)


def test_a_conflict_says_what_is_the_case():
    alert = done(acknowledged_by_bo(), ask("dismiss", expected=1), offset=1)
    assert alert.triage.refused == "revision 1 expected, 2 is current: Bo acknowledged it at 12:02"
    assert (alert.triage.status, alert.triage.actor) == ("acknowledged", "Bo")
    assert alert.update_reason.startswith("dismiss by Ann refused: revision 1")
    seen = done(alert, ask("dismiss", expected=alert.revision, command_id="c2"), offset=2)
    assert (seen.triage.status, seen.triage.refused) == ("dismissed", "")


@pytest.mark.parametrize(
    "wanted",
    [
        ask("comment", "me too", expected=1),
        ask("acknowledge", actor="Bo", expected=1),
        ask("dismiss", expected=2),
    ],
)
def test_no_conflict(wanted):
    assert done(acknowledged_by_bo(), wanted).triage.refused == ""


def test_that_the_news_goes_on_is_no_conflict():
    more = decide(ALERT, make_rule(), make_mention(number=2), NOW).alert
    assert more is not None
    assert done(more, ask("acknowledge", expected=1)).triage.status == "acknowledged"


def test_a_revision_that_does_not_exist_yet_is_refused():
    assert "9 expected, 1 is current" in done(ALERT, ask("resolve", expected=9)).triage.refused


def test_a_command_is_carried_out_once():
    alert = done(ALERT, ask("acknowledge"), offset=7)
    assert carry_out(alert, ask("acknowledge"), offset=9) is None, "sent twice"
    assert carry_out(alert, ask("resolve", command_id="c0"), offset=7) is None, "read again"


@given(st.sampled_from(STRENGTH), st.sampled_from(STRENGTH))
def test_the_stronger_word_counts_whoever_is_asked_first(one, other):
    left = Triage(status=one, actor="Ann", at=AT, commands=3)
    right = Triage(status=other, actor="Bo", at=AT + timedelta(minutes=1), commands=5)
    assert stronger(left, right) == stronger(right, left)
    assert stronger(left, right).status == max(one, other, key=STRENGTH.index)
    assert stronger(left, right).commands == 5


def test_a_command_for_an_unknown_alert_is_a_dead_letter():
    with pytest.raises(RecordError, match=f"no alert {ALERT.alert_id} for resolve by Ann"):
        Partition().take(ask("resolve"))


def test_a_command_for_an_alert_that_went_on_as_another_is_carried_out_there():
    partition = Partition({"everything": make_rule()})
    one = make_mention(story=msgspec.structs.replace(make_mention().story, story_id="one"))
    both = make_mention(
        number=2,
        story=msgspec.structs.replace(one.story, story_id="two", absorbed=("one",)),
    )
    partition.take_all([one, both])
    ended, heir = (
        next(a for a in partition.alerts.values() if a.story_id == story)
        for story in ("one", "two")
    )
    (revision,) = partition.take(ask("acknowledge", alert=ended), 0)
    assert (revision.alert_id, revision.triage.status) == (heir.alert_id, "acknowledged")
    (second,) = partition.take(ask("dismiss", alert=ended, actor="Bo", command_id="c2"), 1)
    assert "Ann acknowledged it" in second.triage.refused
