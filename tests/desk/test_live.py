from __future__ import annotations

import asyncio

import msgspec
import pytest

from streams.desk.live import Change, Desk
from streams.desk.view import Board
from streams.wire import encode
from tests.desk.samples import make_alert


def new_desk(**options) -> Desk:
    return Desk("e1", lambda alert: f"{alert.alert_id} {alert.revision}", **options)


def put(desk: Desk, alert_id: str, revision: int = 1) -> None:
    desk.take(alert_id.encode(), encode(make_alert(alert_id, revision)), "news.alerts/0/0")


async def read(desk: Desk, cursor: str, count: int) -> list[Change]:
    changes = []
    async with asyncio.timeout(5):
        async for change in desk.changes(cursor):
            changes.append(change)
            if len(changes) == count:
                break
    return changes


async def test_a_client_gets_what_came_after_its_cursor():
    desk = new_desk()
    put(desk, "a")
    cursor = desk.cursor
    put(desk, "b")
    put(desk, "c")
    assert await read(desk, cursor, 2) == [
        Change("alert", "e1-2", "b 1"),
        Change("alert", "e1-3", "c 1"),
    ]


async def test_a_waiting_client_is_woken():
    desk = new_desk()
    reading = asyncio.create_task(read(desk, desk.cursor, 1))
    await asyncio.sleep(0.01)
    put(desk, "a")
    assert await reading == [Change("alert", "e1-1", "a 1")]


async def test_a_change_shows_the_newest_revision():
    desk = new_desk()
    put(desk, "a", 1)
    put(desk, "a", 2)
    assert [change.data for change in await read(desk, "e1-0", 2)] == ["a 2", "a 2"]


async def test_a_client_that_fell_behind_starts_over_and_then_follows():
    desk = new_desk(ring_size=2)
    for alert_id in "abc":
        put(desk, alert_id)
    reading = asyncio.create_task(read(desk, "e1-0", 2))
    await asyncio.sleep(0.01)
    put(desk, "d")
    assert [(change.name, change.cursor) for change in await reading] == [
        ("reset", "e1-3"),
        ("alert", "e1-4"),
    ]


@pytest.mark.parametrize(
    "cursor", ["other-1", "e1-99", "e1-", "e1--1", "e1-x", "", "e1", "e1-²", "e1-" + "9" * 5000]
)
async def test_an_unknown_cursor_starts_over(cursor):
    desk = new_desk()
    put(desk, "a")
    assert [change.name for change in await read(desk, cursor, 1)] == ["reset"]


async def test_a_forgotten_alert_is_removed():
    desk = new_desk()
    put(desk, "a")
    desk.take(b"a", None, "news.alerts/0/1")
    desk.take(b"never seen", None, "news.alerts/0/2")
    assert await read(desk, "e1-1", 1) == [Change("remove", "e1-2", "a")]
    assert desk.cards() == []


async def test_closing_ends_the_streams():
    desk = new_desk()
    reading = asyncio.create_task(read(desk, desk.cursor, 1))
    await asyncio.sleep(0.01)
    desk.close()
    assert await reading == []


def test_an_undecodable_record_is_counted_and_the_others_are_shown():
    desk = new_desk()
    put(desk, "a")
    desk.take(b"x", b"{not json", "news.alerts/0/1")
    desk.take(b"x", b'{"alert_id": "x"}', "news.alerts/0/2")
    put(desk, "b")
    assert desk.undecodable == 2
    assert len(desk) == 2


async def test_an_alert_that_goes_on_as_another_leaves_the_board():
    desk = new_desk()
    put(desk, "a")
    put(desk, "b")
    moved = msgspec.structs.replace(make_alert("a", 2), state="closed", superseded_by="b")
    desk.take(b"a", encode(moved), "news.alerts/0/2")
    assert [alert.alert_id for alert in desk.alerts()] == ["b"]
    assert (await read(desk, "e1-2", 1))[0].name == "remove"


def test_cards_of_alerts_that_left_the_board_are_forgotten():
    desk = new_desk(board=Board(limit=2))
    for number in range(20):
        put(desk, f"a{number}")
        desk.cards()
    assert len(desk._cards) <= 5
