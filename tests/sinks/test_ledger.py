from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sinks.ledger import (
    BOOKMARK_CHARACTERS,
    WAITS,
    Bookmark,
    Ledger,
    read_bookmark,
    write_bookmark,
)


def offsets(ledger: Ledger[str]) -> dict[str, int]:
    return {partition: offset for partition, (offset, _) in ledger.committable().items()}


def test_only_what_everybody_is_done_with_is_committable():
    ledger = Ledger[str]()
    ledger.begin("p", 10)
    assert offsets(ledger) == {"p": 10}
    assert ledger.add("p", 10, ["a", "b"])
    assert ledger.add("p", 11, ["b"])
    assert ledger.add("p", 12, [])
    ledger.done("p", 11, "b")
    ledger.done("p", 10, "a")
    assert offsets(ledger) == {"p": 10}
    ledger.done("p", 10, "b")
    assert offsets(ledger) == {"p": 13}


def test_one_receiver_is_not_done_for_another():
    ledger = Ledger[str]()
    ledger.begin("p", 4)
    ledger.add("p", 4, ["a", "b"])
    ledger.done("p", 4, "a")
    ledger.done("p", 4, "a")
    assert not ledger.is_open("p", 4, "a")
    assert ledger.is_open("p", 4, "b")
    assert offsets(ledger) == {"p": 4}


def test_a_repeated_offset_is_known():
    ledger = Ledger[str]()
    ledger.begin("p", 0)
    assert ledger.add("p", 0, ["a"])
    assert not ledger.add("p", 0, ["a"])
    ledger.done("p", 0, "a")
    assert not ledger.add("p", 0, ["a"])
    assert offsets(ledger) == {"p": 1}


def test_a_lost_partition_is_forgotten():
    ledger = Ledger[str]()
    ledger.begin("p", 0)
    ledger.add("p", 0, ["a"])
    ledger.keep([])
    assert not ledger.is_open("p", 0, "a")
    assert not ledger.knows("p")
    ledger.done("p", 0, "a")
    assert offsets(ledger) == {}
    assert not ledger.add("p", 1, ["a"])


@given(
    st.lists(st.frozensets(st.sampled_from("abc")), max_size=20),
    st.randoms(use_true_random=False),
)
def test_nothing_open_lies_before_what_is_committable(waits, random):
    ledger = Ledger[str]()
    ledger.begin("p", 0)
    work = [(offset, receiver) for offset, receivers in enumerate(waits) for receiver in receivers]
    for offset, receivers in enumerate(waits):
        ledger.add("p", offset, receivers)
    random.shuffle(work)
    while work:
        ledger.done("p", *work.pop())
        still_owed = [offset for offset, _ in work]
        assert offsets(ledger) == {"p": min(still_owed, default=len(waits))}


def test_who_must_be_told_is_known_only_when_a_message_is_due():
    ledger = Ledger[str]()
    ledger.begin("p", 0)
    ledger.add("p", 0, [WAITS])
    ledger.owe("p", 0, ["a"])
    ledger.done("p", 0, WAITS)
    assert ledger.is_open("p", 0, "a")
    ledger.done("p", 0, "a")
    ledger.owe("p", 0, ["b"])  # it is done: too late
    ledger.owe("q", 0, ["b"])
    assert offsets(ledger) == {"p": 1}


# --- the bookmark ---------------------------------------------------------------------------------


@given(
    st.integers(0, 2**40), st.sets(st.integers(0, 5_000), max_size=300), st.integers(5_001, 9_000)
)
def test_a_bookmark_is_read_as_it_was_written(offset, steps, upto):
    found = sorted(offset + step for step in steps)
    assert read_bookmark(offset, write_bookmark(offset, offset + upto, found)) == Bookmark(
        offset + upto, frozenset(found)
    )


@pytest.mark.parametrize("step", [1, 100, 10_000, 2**60])
def test_a_bookmark_fits_and_never_says_of_an_open_offset_that_it_is_done(step):
    found = [5 + step * number for number in range(5_000)]
    text = write_bookmark(5, found[-1] + 1, found)
    assert len(text) <= BOOKMARK_CHARACTERS
    known = read_bookmark(5, text)
    assert known.open == {each for each in found if each < known.upto}
    assert len(known.open) > 250


@pytest.mark.parametrize("text", ["", "w1:", "w1:%", "w1:ä", "something of another program"])
def test_what_is_no_bookmark_knows_nothing(text):
    assert read_bookmark(7, text) == Bookmark(7, frozenset())


@given(st.text())
def test_no_text_is_an_error(text):
    assert read_bookmark(7, "w1:" + text).upto >= 7


@given(st.data())
def test_a_restart_knows_what_was_done(data):
    ledger = Ledger[str]()
    ledger.begin("p", 0)
    total = data.draw(st.integers(0, 30))
    still_open = set()
    start, read_before = 0, 0
    for _ in range(3):  # restarts
        upto = data.draw(st.integers(start, total))
        for offset in range(start, upto):
            was_open = ledger.was_open("p", offset)
            assert was_open == (offset in still_open if offset < read_before else None)
            if was_open is None and data.draw(st.booleans()):
                still_open.add(offset)
            ledger.add("p", offset, ["a"] if offset in still_open else [])
            if offset in still_open and data.draw(st.booleans()):
                ledger.done("p", offset, "a")
                still_open.discard(offset)
        read_before = max(upto, read_before)
        [(start, text)] = ledger.committable().values()
        assert start == min(still_open, default=read_before)
        ledger = Ledger[str]()
        ledger.begin("p", start, read_bookmark(start, text))
