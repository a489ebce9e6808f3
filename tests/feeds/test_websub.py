from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.feeds.outcome import Outcome
from streams.feeds.websub.subscription import (
    DAY,
    HOUR,
    LEASE_SECONDS,
    MINUTE,
    Ask,
    Standing,
    answered,
    form,
    leave,
    plan,
    pushed,
    verify,
    verify_leaving,
)
from streams.records import Subscription
from tests.feeds.fakes import NOW

HUB, SELF = "https://hub.example/", "https://a.example/feed"
NAMED = Outcome(status=200, hub=HUB, feed_url=SELF, unchanged=10)
NO_HUB = Outcome(status=200, unchanged=10)
UNCHANGED = Outcome(status=304)
FAILED = Outcome(error="timeout")
SUBSCRIBE = Ask("subscribe", HUB, SELF)
AT = int(NOW.timestamp())


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def poll(standing, outcome, seconds=0):
    return plan(standing, outcome, later(seconds))


def asked():
    standing, ask = poll(None, NAMED)
    assert ask == SUBSCRIBE
    return standing


def query(mode="subscribe", topic=SELF, challenge="c", lease="864000"):
    fields = {"mode": mode, "topic": topic, "challenge": challenge, "lease_seconds": lease}
    return {f"hub.{name}": value for name, value in fields.items() if value is not None}


def confirmed(standing=None, seconds=0, **changes):
    status, body, standing = verify(query(**changes), standing or asked(), later(seconds))
    assert (status, body) == (200, "c")
    return standing


def active(seconds=0):
    """Confirmed and proven."""
    return pushed(confirmed(seconds=seconds), later(seconds))


def follow(standing, times, outcome=UNCHANGED):
    """Poll at these seconds; gives the standing and when the hub was asked."""
    asks = []
    for seconds in times:
        standing, ask = poll(standing, outcome, seconds)
        if ask:
            asks.append(seconds)
    return standing, asks


# --- when a hub is asked


@pytest.mark.parametrize(
    ("hub", "asked_hub"),
    [
        (HUB, HUB),
        ("https://hub.example:8443/x?y=1", "https://hub.example:8443/x?y=1"),
        ("http://hub.example/", HUB),  # the secret does not go over the wire in the open
        ("http://hub.example:80/", HUB),
        ("http://hub.example:8080/", None),
        ("ftp://hub.example/", None),
        ("https://user:word@hub.example/", None),
        ("hub", None),
        ("https://[", None),
        ("https://hub.example:99999/", None),
        ("https://hub.example/" + "x" * 2_048, None),
        ("", None),
    ],
)
def test_hubs_that_can_be_asked_safely_are(hub, asked_hub):
    standing, ask = poll(None, replace(NAMED, hub=hub))
    if asked_hub is None:
        assert (standing, ask) == (None, None)
    else:
        assert ask == Ask("subscribe", asked_hub, SELF)
        assert standing.subscription == Subscription(hub=hub, feed_url=SELF, since=AT)


@pytest.mark.parametrize(
    "outcome",
    [replace(NAMED, feed_url=""), replace(NAMED, feed_url="urn:x"), replace(NAMED, error="html")],
)
def test_a_hub_is_not_asked_for_a_feed_that_does_not_name_itself_or_failed(outcome):
    assert plan(None, outcome, NOW) == (None, None)


def test_silence_is_answered_ever_more_rarely():
    _, asks = follow(asked(), range(0, 5 * DAY, 15 * MINUTE))
    assert [seconds / HOUR for seconds in asks] == [1, 2, 4, 8, 16, 32, 56, 80, 104]


def test_a_refusal_is_accepted_for_a_week_and_trouble_is_not_a_refusal():
    for status in (202, 204, 307, 408, 429, 500, 503, None):
        assert answered(asked(), SUBSCRIBE, status, NOW) == asked()
    standing = answered(asked(), SUBSCRIBE, 400, NOW)
    assert standing.subscription.state == "refused"
    standing, asks = follow(standing, range(0, 7 * DAY + HOUR, HOUR))
    assert asks == [7 * DAY]
    assert standing.subscription == Subscription(hub=HUB, feed_url=SELF, since=AT + 7 * DAY)


def test_an_answer_to_an_earlier_question_changes_nothing():
    standing = asked()
    assert answered(standing, replace(SUBSCRIBE, hub="https://b.example/"), 400, NOW) == standing
    assert answered(standing, replace(SUBSCRIBE, feed_url="https://b"), 400, NOW) == standing


# --- what a hub may say


def test_a_confirmation_is_answered_with_its_challenge_and_starts_the_lease():
    status, body, standing = verify(query(challenge="x1"), asked(), later(5))
    assert (status, body) == (200, "x1")
    assert standing.subscription == Subscription(
        hub=HUB, feed_url=SELF, state="asked", since=AT + 5, until=AT + 5 + 10 * DAY
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "unsubscribe"},
        {"mode": "publish"},
        {"mode": None},
        {"topic": SELF + "/"},
        {"topic": None},
        {"mode": "denied", "topic": "https://b.example/"},
        {"challenge": ""},
        {"challenge": None},
        {"lease": "60"},  # would be renewed all day
        {"lease": "0"},
        {"lease": "-864000"},
        {"lease": "soon"},
        {"lease": "٨٦٤٠٠٠"},
    ],
)
def test_what_we_did_not_ask_for_is_not_found(changes):
    assert verify(query(**changes), asked(), NOW) == (404, "", asked())


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("864000", 10 * DAY),
        ("86400", DAY),
        ("1209600", 14 * DAY),
        ("31536000", 14 * DAY),
        ("9" * 5_000, 14 * DAY),
        (None, LEASE_SECONDS),
        ("", LEASE_SECONDS),
    ],
)
def test_leases_are_honoured_within_bounds(said, seconds):
    assert confirmed(lease=said).subscription.until == AT + seconds


@pytest.mark.parametrize("before", [asked(), confirmed(), active()])
def test_a_denial_ends_the_subscription(before):
    status, body, standing = verify(query("denied", challenge=None), before, later(9))
    assert (status, body) == (200, "")
    assert standing.subscription == Subscription(
        hub=HUB, feed_url=SELF, state="refused", since=AT + 9
    )
    assert verify(query(), standing, later(10))[0] == 404


def test_only_what_was_left_may_be_ended():
    assert verify_leaving(query("unsubscribe"), SELF) == (200, "c")
    for wrong in (query(), query("unsubscribe", topic="x"), query("unsubscribe", challenge="")):
        assert verify_leaving(wrong, SELF) == (404, "")


# --- the lease


def test_a_lease_is_renewed_at_four_fifths_while_the_old_one_counts():
    standing, asks = follow(active(), range(HOUR, 9 * DAY, HOUR))
    assert [seconds / DAY for seconds in asks[:2]] == [8, 8 + 1 / 24]
    assert standing.subscription == active().subscription
    standing = confirmed(standing, 9 * DAY)
    assert standing.subscription.state == "active"
    assert standing.subscription.until == AT + 19 * DAY


@pytest.mark.parametrize("outcome", [UNCHANGED, FAILED, NAMED])
def test_a_renewal_needs_no_new_document(outcome):
    assert poll(active(), outcome, 8 * DAY)[1] == SUBSCRIBE
    assert poll(active(), outcome, 7 * DAY)[1] is None


def test_a_failed_renewal_leaves_the_lease_and_a_lapsed_lease_is_asked_for_anew():
    standing, _ = poll(active(), UNCHANGED, 8 * DAY)
    assert answered(standing, SUBSCRIBE, 400, later(8 * DAY)) == standing
    standing, ask = poll(standing, UNCHANGED, 10 * DAY)
    assert ask == SUBSCRIBE
    assert standing.subscription == Subscription(hub=HUB, feed_url=SELF, since=AT + 10 * DAY)


# --- what documents say later


@pytest.mark.parametrize("change", [{"hub": "https://b.example/"}, {"feed_url": SELF + "2"}])
def test_another_hub_or_name_is_subscribed_to_anew_but_once_an_hour(change):
    standing = active()
    changed = replace(NAMED, **change)
    assert poll(standing, changed, HOUR - 1)[1] is None
    standing, ask = poll(standing, changed, HOUR)
    assert ask == Ask("subscribe", changed.hub, changed.feed_url)
    assert standing.subscription == Subscription(
        hub=changed.hub, feed_url=changed.feed_url, since=AT + HOUR
    )


def test_a_hub_that_is_gone_from_the_document_is_let_run_out():
    standing, asks = follow(active(), range(HOUR, 10 * DAY, HOUR), NO_HUB)
    assert not asks
    assert standing.subscription == active().subscription
    assert poll(standing, NO_HUB, 10 * DAY) == (None, None)


def test_a_document_that_names_its_hub_now_and_then_does_not_make_us_ask_each_time():
    standing = asked()
    for minute in range(1, 59, 2):
        for seconds, outcome in ((minute * MINUTE, NO_HUB), ((minute + 1) * MINUTE, NAMED)):
            standing, ask = poll(standing, outcome, seconds)
            assert ask is None
            assert standing.subscription == asked().subscription


# --- trust


def test_only_a_push_makes_a_subscription_active():
    assert asked().subscription.state == "asked"
    assert confirmed().subscription.state == "asked"
    assert pushed(asked(), NOW).subscription.state == "asked"  # without a lease
    assert active().subscription.state == "active"


def test_polls_are_frequent_again_as_soon_as_one_finds_something_first():
    standing, _ = poll(active(), UNCHANGED, HOUR)
    standing, _ = poll(standing, replace(NAMED, new=1), 2 * HOUR)
    assert (standing.subscription.state, standing.subscription.missed) == ("asked", 1)
    standing = pushed(standing, later(2 * HOUR + 60))
    assert (standing.subscription.state, standing.subscription.missed) == ("active", 0)


def test_a_hub_that_confirms_and_never_pushes_is_distrusted_for_a_month():
    standing = confirmed()
    states = []
    for quarter in range(1, 8):
        outcome = replace(NAMED, new=1 if quarter % 2 else 0)
        standing, _ = poll(standing, outcome, quarter * 15 * MINUTE)
        states.append((standing.subscription.state, standing.subscription.missed))
    # What the first poll finds may be older than the subscription.
    expected = [("asked", 0), ("asked", 0), ("asked", 1), ("asked", 1), ("asked", 2)]
    assert states == [*expected, ("distrusted", 2), ("distrusted", 2)]
    _, asks = follow(standing, range(2 * HOUR, 40 * DAY, 6 * HOUR))
    assert len(asks) >= 1
    assert 30 * DAY <= asks[0] < 31 * DAY
    assert verify(query(), standing, later(2 * HOUR))[0] == 404
    assert pushed(standing, later(2 * HOUR)).subscription == standing.subscription


def test_a_slow_hub_is_not_distrusted_when_polls_are_faster():
    standing = confirmed()
    for minute in range(1, 24 * 60):
        standing, _ = poll(standing, replace(NAMED, new=minute % 5 == 0), minute * MINUTE)
        if minute % 5 == 2 and minute > 5:
            standing = pushed(standing, later(minute * MINUTE))
    assert standing.subscription.state == "active"


def test_a_busy_feed_whose_hub_has_died_is_found_out_in_minutes():
    standing, minute = active(), 0
    while standing.subscription.state != "distrusted":
        minute += 1
        standing, _ = poll(standing, replace(NAMED, new=minute % 4 == 0), minute * MINUTE)
        assert minute < 30
    assert minute == 26  # missed at 12, after the grace, and 16; ten minutes to make up for it


def test_one_missed_item_or_two_that_come_late_are_forgiven():
    standing, _ = poll(active(), UNCHANGED, HOUR)
    one, _ = poll(standing, replace(NAMED, new=1), 2 * HOUR)
    two, _ = poll(standing, replace(NAMED, new=2), 2 * HOUR)
    assert poll(one, UNCHANGED, 3 * HOUR)[0].subscription.state == "asked"
    assert poll(two, UNCHANGED, 3 * HOUR)[0].subscription.state == "distrusted"
    late = pushed(two, later(2 * HOUR + 9 * MINUTE))
    assert poll(late, UNCHANGED, 3 * HOUR)[0].subscription.state == "active"


def test_what_a_ping_made_us_poll_for_is_not_held_against_the_hub():
    standing, _ = poll(active(), UNCHANGED, HOUR)
    standing = pushed(standing, later(2 * HOUR))
    standing, _ = poll(standing, replace(NAMED, new=5), 2 * HOUR + 2)
    assert (standing.subscription.state, standing.subscription.missed) == ("active", 0)


def test_a_failed_poll_neither_counts_nor_is_the_poll_before():
    standing, _ = poll(confirmed(), FAILED, HOUR)
    standing, _ = poll(standing, replace(NAMED, new=9), 2 * HOUR)
    assert standing.subscription.missed == 0


# --- restarts and new owners


def test_who_takes_a_subscription_over_asks_once_since_the_hub_may_know_another_callback():
    taken = Standing(subscription=active().subscription)
    standing, asks = follow(taken, range(HOUR, 2 * HOUR, MINUTE), FAILED)
    assert asks == [HOUR]
    assert standing.subscription == Subscription(hub=HUB, feed_url=SELF, since=AT + HOUR)


def test_a_push_or_confirmation_shows_that_the_hub_knows_this_callback():
    taken = Standing(subscription=active().subscription)
    proven = pushed(taken, later(HOUR))
    assert poll(proven, UNCHANGED, 2 * HOUR)[1] is None
    assert poll(confirmed(taken, HOUR), UNCHANGED, 2 * HOUR)[1] is None


@pytest.mark.parametrize(("state", "days"), [("refused", 7), ("distrusted", 30)])
def test_a_restart_does_not_forget_what_to_think_of_a_hub(state, days):
    remembered = Subscription(hub=HUB, feed_url=SELF, state=state, since=AT)
    _, asks = follow(Standing(subscription=remembered), range(0, 31 * DAY, 6 * HOUR))
    assert asks[0] == days * DAY


# --- what is posted


def test_the_request_names_what_the_recommendation_asks_for():
    assert form(SUBSCRIBE, "https://me.example/x", "s") == {
        "hub.mode": "subscribe",
        "hub.topic": SELF,
        "hub.callback": "https://me.example/x",
        "hub.lease_seconds": "864000",
        "hub.secret": "s",
    }
    unsubscribe = form(leave(active().subscription), "https://me.example/x", "s")
    assert unsubscribe["hub.mode"] == "unsubscribe"
    assert "hub.secret" not in unsubscribe


# --- laws

OUTCOMES = st.sampled_from([
    NAMED, NO_HUB, UNCHANGED, FAILED, replace(NAMED, new=1), replace(NAMED, new=3),
    replace(NAMED, hub="http://b.example/"), replace(NAMED, feed_url=SELF + "?2"),
])  # fmt: skip
EVENTS = st.one_of(
    OUTCOMES,
    st.sampled_from(["push", 202, 400, 503]),
    st.tuples(
        st.sampled_from(["subscribe", "denied"]),
        st.sampled_from(["3600", "864000", "9999999", "9e9"]),
    ),
)
GAPS = st.sampled_from([1, MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 3 * DAY])


def step(standing, event, now):
    """The next standing, and what was asked."""
    if isinstance(event, Outcome):
        return plan(standing, event, now)
    if standing is None:
        return None, None
    subscription = standing.subscription
    if event == "push":
        return pushed(standing, now), None
    if isinstance(event, tuple):
        mode, lease = event
        return verify(query(mode, subscription.feed_url, lease=lease), standing, now)[2], None
    subscribe = Ask("subscribe", subscription.hub, subscription.feed_url)
    return answered(standing, subscribe, event, now), None


@given(st.lists(st.tuples(GAPS, EVENTS), max_size=60))
def test_laws_of_any_history(history):
    asks: list[datetime] = []
    standing, now, evidence = None, NOW, False
    for gap, event in history:
        now += timedelta(seconds=gap)
        before = standing
        standing, ask = step(standing, event, now)
        assert step(before, event, now) == (standing, ask)
        if ask:
            assert ask.hub.startswith("https://")
            assert not asks or (now - asks[-1]).total_seconds() >= HOUR
            asks.append(now)
        if standing is None:
            continue
        subscription = standing.subscription
        assert subscription.since <= now.timestamp()
        assert subscription.until <= now.timestamp() + 14 * DAY
        evidence = (event == "push" or evidence) and subscription.state == "active"
        assert subscription.state != "active" or evidence
        assert subscription.state != "distrusted" or subscription.missed >= 2
        assert subscription.state != "refused" or subscription.until == 0
