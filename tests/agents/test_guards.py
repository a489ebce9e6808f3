"""Faust alone commits past a record in flight; with the guard it does not."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import faust.streams
import pytest
from faust.transport.consumer import Consumer
from faust.types import TP

from streams.agents import guards
from streams.errors import WirewatchError

PLACE = TP("news.items", 0)


@dataclass(eq=False)
class Message:
    offset: int
    acked: bool = False
    tp: TP = PLACE


class Log:
    """The part of a consumer that Faust's `_new_offset` looks at."""

    def __init__(self, offsets: list[int], committed: int | None) -> None:
        self._unacked_messages = {Message(offset) for offset in offsets}
        self._acked: dict[Any, list[int]] = defaultdict(list)
        self._acked_index: dict[Any, set[int]] = defaultdict(set)
        self._gap: dict[Any, Any] = defaultdict(lambda: None)
        self._committed_offset = {PLACE: committed}

    def ack(self, offset: int) -> None:
        for message in self._unacked_messages:
            if message.offset == offset:
                message.acked = True
        self._acked[PLACE].append(offset)
        self._acked_index[PLACE].add(offset)


@pytest.fixture
def guarded(monkeypatch):
    """What a consumer commits next, once the guard is installed."""
    monkeypatch.setattr(Consumer, "_new_offset", guards._faust_new_offset)
    guards.install_commit_guard()

    def commit(log: Any) -> int | None:
        offset: int | None = Consumer._new_offset(log, PLACE)
        if offset is not None:
            log._committed_offset[PLACE] = offset
        return offset

    return commit


@pytest.mark.parametrize("committed", [None, 0, 5])
def test_faust_alone_still_commits_past_a_record_in_flight(committed):
    """When this fails, a newer Faust has mended it and the guard can go."""
    log: Any = Log([5, 6], committed)
    log.ack(6)
    assert guards._faust_new_offset(log, PLACE) == 7


@pytest.mark.parametrize("committed", [None, 0, 4, 5])
def test_the_guard_waits_for_the_lowest_in_flight(guarded, committed):
    log = Log([5, 6, 7], committed)
    log.ack(6)
    assert guarded(log) is None
    log.ack(5)
    assert guarded(log) == 7
    log.ack(7)
    assert guarded(log) == 8


def test_the_compiled_stream_is_required(monkeypatch):
    guards.require_compiled_streams()
    monkeypatch.setattr(faust.streams, "_CStreamIterator", None)
    with pytest.raises(WirewatchError, match="compiled"):
        guards.require_compiled_streams()
