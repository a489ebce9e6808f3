"""Purpose, owner and review of persons; marks of those that were erased."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.watchlist.accounting import open_accounts
from streams.enrich.watchlist.checking import SLUG, own_errors
from streams.enrich.watchlist.erasing import is_erased, mark_id, mark_of, watched
from streams.records import Figure
from streams.wire import decode, encode

TODAY = date(2026, 11, 22)


def person(figure_id: str, **changes) -> Figure:
    return Figure(figure_id=figure_id, name=figure_id.title(), kind="person", **changes)


def organisation(figure_id: str, **changes) -> Figure:
    return Figure(figure_id=figure_id, name=figure_id.title(), kind="organisation", **changes)


FULL = person("full", purpose="desk politics", owner="ann", review=TODAY)


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ([person("a"), person("b")], []),
        ([person("a", review=date(2026, 11, 21))], [("a", "review")]),
        ([person("a", review=date(2026, 11, 21), active=False)], [("a", "review")]),
        ([organisation("o", review=date(2020, 1, 1))], []),
        ([FULL], []),
        ([FULL, person("a")], [("a", "purpose"), ("a", "owner")]),
        ([FULL, person("a", owner="bo")], [("a", "purpose")]),
        ([FULL, organisation("o")], []),
        ([organisation("o", owner="bo"), person("a")], [("a", "purpose"), ("a", "owner")]),
        ([FULL, mark_of("x")], []),
    ],
)
def test_what_a_watchlist_leaves_open(figures, told):
    found = open_accounts(figures, TODAY)
    assert [(each.figure_id, each.field) for each in found] == told
    assert all(each.level == "warning" and each.cure for each in found)
    assert all(figures[each.position].figure_id == each.figure_id for each in found)


@given(st.from_regex(SLUG, fullmatch=True).map(str.strip))
def test_a_mark_knows_its_figure_and_does_not_tell_it(figure_id):
    mark = mark_of(figure_id)
    known = {mark.figure_id: mark}
    assert is_erased(figure_id, known)
    assert not is_erased(figure_id + "x", known)
    assert not mark.active
    assert mark == mark_of(figure_id), "no clock and no random number"
    assert watched(known) == {}
    assert list(own_errors(mark)) == []
    assert len(figure_id) < 6 or figure_id.encode() not in encode(mark)


def test_records_without_these_fields_are_read():
    old = decode(Figure, b'{"figure_id":"a","name":"A B","kind":"person"}')
    assert (old.purpose, old.owner, old.review, old.erased) == ("", "", None, False)
    assert decode(Figure, encode(FULL)) == FULL
    assert mark_id("a") != mark_id("b")
