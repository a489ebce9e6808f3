import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.feeds.agenda import Agenda


def start(agenda, now):
    feed_id = agenda.take(now)
    assert feed_id is not None
    return feed_id


def drain(agenda, now):
    return list(iter(lambda: agenda.take(now), None))


def test_feeds_start_when_due_and_in_order():
    agenda = Agenda()
    for feed_id, due in (("c", 30.0), ("a", 10.0), ("b", 20.0)):
        agenda.put(feed_id, feed_id, due)
    assert drain(agenda, 5) == []
    assert agenda.next_start() == 10
    assert drain(agenda, 25) == ["a", "b"]
    assert agenda.next_start() == 30


def test_one_request_per_host():
    agenda = Agenda()
    for feed_id in ("a1", "a2", "a3"):
        agenda.put(feed_id, "a", 0)
    agenda.put("b1", "b", 0)
    assert drain(agenda, 0) == ["a1", "b1"]
    agenda.done("a1")
    assert drain(agenda, 0) == ["a2"]


def test_a_host_is_left_in_peace_between_two_starts():
    agenda = Agenda(gap={"a": 2.0, "b": 65.0}.__getitem__)
    for feed_id in ("a1", "a2", "b1", "b2"):
        agenda.put(feed_id, feed_id[0], 0)
    assert drain(agenda, 100) == ["a1", "b1"]
    agenda.done("a1")
    agenda.done("b1")
    assert drain(agenda, 101.9) == []
    assert agenda.next_start() == 102
    assert drain(agenda, 164) == ["a2"]
    assert drain(agenda, 165) == ["b2"]


def test_a_paused_host_rests_and_the_longer_pause_counts():
    agenda = Agenda()
    agenda.put("a", "h", 0)
    agenda.pause("h", 500)
    agenda.pause("h", 100)
    assert drain(agenda, 499) == []
    assert agenda.next_start() == 500
    assert drain(agenda, 500) == ["a"]


def test_a_slow_host_holds_up_nobody_else():
    agenda = Agenda()
    for number in range(100):
        agenda.put(f"slow{number:02}", "slow", 0)
    for number in range(10):
        agenda.put(f"f{number}", f"host{number}", 1)
    assert len(drain(agenda, 2)) == 11


def test_hosts_take_turns_when_only_one_may_start_at_a_time():
    agenda = Agenda()
    for number in range(3):
        agenda.put(f"big{number}", "big", 0)
    agenda.put("small", "small", 1)
    started = []
    for now in (10, 11, 12, 13):
        started.append(start(agenda, now))
        agenda.done(started[-1])
    assert started == ["big0", "small", "big1", "big2"]


def test_nothing_to_wait_for_while_the_only_host_is_busy():
    agenda = Agenda()
    agenda.put("a1", "a", 0)
    agenda.put("a2", "a", 0)
    assert agenda.take(5) == "a1"
    assert agenda.next_start() is None, "sleeping until a time that has passed would be no sleep"
    agenda.done("a1")
    assert agenda.next_start() == 5


def test_a_new_plan_replaces_the_old_one():
    agenda = Agenda()
    agenda.put("a", "h", 100)
    agenda.put("a", "h", 5)
    assert drain(agenda, 10) == ["a"]
    agenda.done("a")
    assert drain(agenda, 200) == []


def test_a_dropped_feed_does_not_start_even_if_it_was_waiting_for_its_host():
    agenda = Agenda()
    agenda.put("a", "h", 0)
    agenda.put("b", "h", 0)
    assert agenda.take(0) == "a"
    assert agenda.take(0) is None
    agenda.drop("b")
    agenda.done("a")
    assert agenda.take(0) is None


def test_a_feed_planned_again_while_running_starts_only_afterwards():
    agenda = Agenda()
    agenda.put("a", "h", 0)
    assert agenda.take(0) == "a"
    agenda.put("a", "moved", 0)
    assert agenda.take(0) is None
    agenda.done("a")
    assert agenda.take(0) == "a"


def test_a_feed_that_is_always_overdue_starves_nobody():
    agenda = Agenda()
    agenda.put("patient", "h", 50)
    agenda.put("greedy", "h", 0)
    started = []
    for now in range(60, 65):
        started.append(start(agenda, now))
        agenda.put(started[-1], "h", 0)
        agenda.done(started[-1])
    assert started == ["greedy", "patient", "greedy", "patient", "greedy"]


def test_many_feeds_cost_little_each():
    agenda, count = Agenda(), 20_000
    for number in range(count):
        agenda.put(f"{number}", f"{number % 50}" if number % 2 else f"own{number}", number)
    started = set()
    for now in range(count, 2 * count):
        feed_id = start(agenda, now)
        started.add(feed_id)
        agenda.put(feed_id, f"moved{feed_id}", 9 * count)
        agenda.done(feed_id)
    assert len(started) == count, "looking at all feeds at every start would take minutes"


FEEDS, HOSTS = st.sampled_from("abcdef"), st.sampled_from("xyz")
GAPS = {"x": 0.0, "y": 2.0, "z": 7.0}


class AgendaAgainstModel(RuleBasedStateMachine):
    """The agenda beside a model that looks at everything every time."""

    def __init__(self):
        super().__init__()
        self.agenda = Agenda(GAPS.__getitem__)
        self.now = 100.0
        self.plans = {}  # feed_id: host, due
        self.running = {}  # feed_id: host
        self.last_start = dict.fromkeys(GAPS, -math.inf)
        self.paused = dict.fromkeys(GAPS, -math.inf)

    def startable(self):
        """feed_id to when it may start, without what must wait for a `done`."""
        return {
            feed_id: max(due, self.last_start[host] + GAPS[host], self.paused[host])
            for feed_id, (host, due) in self.plans.items()
            if feed_id not in self.running and host not in self.running.values()
        }

    @rule(feed_id=FEEDS, host=HOSTS, wait=st.integers(-20, 20))
    def put(self, feed_id, host, wait):
        self.agenda.put(feed_id, host, self.now + wait)
        self.plans[feed_id] = (host, self.now + wait)

    @rule(feed_id=FEEDS)
    def drop(self, feed_id):
        self.agenda.drop(feed_id)
        self.plans.pop(feed_id, None)

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds):
        self.now += seconds

    @rule(host=HOSTS, seconds=st.integers(0, 20))
    def pause(self, host, seconds):
        self.agenda.pause(host, self.now + seconds)
        self.paused[host] = max(self.paused[host], self.now + seconds)

    @rule()
    def take(self):
        startable = self.startable()
        feed_id = self.agenda.take(self.now)
        earliest = min(startable.values(), default=math.inf)
        if feed_id is None:
            assert earliest > self.now, "nothing that may start is kept waiting"
            return
        assert feed_id in startable, "planned, not in flight, its host free"
        assert startable[feed_id] <= self.now, "due, the gap over, no pause"
        assert startable[feed_id] == earliest, "who could start earliest goes first"
        host, _ = self.plans.pop(feed_id)
        self.running[feed_id] = host
        self.last_start[host] = self.now

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data):
        feed_id = data.draw(st.sampled_from(sorted(self.running)))
        self.agenda.done(feed_id)
        del self.running[feed_id]

    @invariant()
    def tells_when_to_look_again(self):
        assert self.agenda.next_start() == min(self.startable().values(), default=None)

    def teardown(self):
        """Everything that is planned starts in the end, once."""
        for feed_id in list(self.running):
            self.agenda.done(feed_id)
        started = []
        for step in range(1, 20):
            feed_id = self.agenda.take(self.now + 100 * step)
            if feed_id is not None:
                started.append(feed_id)
                self.agenda.done(feed_id)
        assert sorted(started) == sorted(self.plans)


TestAgendaAgainstModel = AgendaAgainstModel.TestCase
TestAgendaAgainstModel.settings = settings(max_examples=150, stateful_step_count=40)
