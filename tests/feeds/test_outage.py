import pytest

from streams.feeds.outage import NetworkWatch


def watching(*fetches):
    watch = NetworkWatch()
    for host, error in fetches:
        watch.record(host, error)
    return watch


def on_hosts(count, error="", first=0):
    return [(f"h{number}", error) for number in range(first, first + count)]


@pytest.mark.parametrize("error", ["dns", "dns_temporary", "connect", "timeout", "tls"])
def test_many_hosts_out_of_reach_are_our_own_outage(error):
    watch = watching(*on_hosts(30), *on_hosts(31, error))
    assert watch.offline
    assert "31 of the last 50 fetches failed, on 31 hosts" in watch.reason


@pytest.mark.parametrize(
    "fetches",
    [
        [],
        on_hosts(50),
        on_hosts(9, "dns"),  # too few to tell
        [("big", "connect")] * 200,  # one host that is really down
        [*on_hosts(25), *on_hosts(25, "timeout")],  # only half of them
        on_hosts(50, "server"),  # HTTP answers: the network works
        on_hosts(50, "blocked"),
    ],
)
def test_anything_else_is_the_feeds_own_trouble(fetches):
    watch = watching(*fetches)
    assert (watch.offline, watch.reason) == (False, "")


def test_a_start_without_network_is_noticed_soon():
    watch = NetworkWatch()
    counted = [watch.record(f"h{number}", "dns_temporary") for number in range(40)]
    assert counted == [True] * 9 + [False] * 31


@pytest.mark.parametrize("error", ["", "server", "not_found", "slow_down"])
def test_the_first_answer_ends_it_and_the_failures_are_forgotten(error):
    watch = watching(*on_hosts(50, "connect"))
    assert not watch.record("h1", "connect")
    assert watch.record("h1", error), "the answer itself counts"
    assert not watch.offline
    assert watch.record("h2", "connect"), "a straggler counts, and makes no new outage"
    assert not watch.offline
