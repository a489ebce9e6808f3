from streams.feeds.agenda import Agenda


def drain(agenda, now):
    return list(iter(lambda: agenda.take(now), None))


def test_feeds_start_when_due_and_in_order():
    agenda = Agenda()
    for feed_id, due in (("c", 30.0), ("a", 10.0), ("b", 20.0)):
        agenda.put(feed_id, feed_id, due)
    assert drain(agenda, 5) == []
    assert agenda.next_due() == 10
    assert drain(agenda, 25) == ["a", "b"]
    assert agenda.next_due() == 30


def test_one_request_per_host():
    agenda = Agenda()
    for feed_id in ("a1", "a2", "a3"):
        agenda.put(feed_id, "a", 0)
    agenda.put("b1", "b", 0)
    assert drain(agenda, 0) == ["a1", "b1"]
    agenda.done("a1")
    assert drain(agenda, 0) == ["a2"]


def test_a_slow_host_holds_up_nobody_else():
    agenda = Agenda()
    for number in range(100):
        agenda.put(f"slow{number:02}", "slow", 0)
    for number in range(10):
        agenda.put(f"f{number}", f"host{number}", 1)
    assert len(drain(agenda, 2)) == 11


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
