from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.demo.script import (
    FUTURE,
    Outlet,
    Script,
    ScriptItem,
    Update,
    feed_at,
    hasten,
    last_second,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
OUTLET = Outlet(id="paper", title="The Paper", lang="en", tier=2, format="rss", path="paper.xml")


def item(id_: str, at: float, **fields: Any) -> ScriptItem:
    return ScriptItem(id=id_, at=at, kind="other", title=f"Title of {id_}", **fields)


SCRIPT = Script(
    feed=OUTLET,
    items=(
        item("late", 30),
        item("early", 5, summary="s", updates=(Update(at=20, title="Changed"),)),
        item("odd", 6, undated=True, no_guid=True, link="/elsewhere?utm_source=rss"),
        item("calendar", 7, future=True),
    ),
)


def test_shows_what_has_been_published_newest_first() -> None:
    assert feed_at(SCRIPT, 4.9, START) == ()
    assert [each.key for each in feed_at(SCRIPT, 6, START)] == ["paper/odd", "paper/early"]
    assert feed_at(SCRIPT, 30, START)[0].key == "paper/late"


def test_an_update_keeps_identity_and_date_and_what_it_does_not_name() -> None:
    before, after = feed_at(SCRIPT, 19, START)[-1], feed_at(SCRIPT, 20, START)[-1]
    assert (before.title, after.title) == ("Title of early", "Changed")
    assert (before.guid, before.published, before.summary) == (
        after.guid,
        after.published,
        after.summary,
    )
    assert after.published == START + timedelta(seconds=5)
    assert after.changed == START + timedelta(seconds=20)


def test_dates_guids_and_links_as_the_script_wants_them() -> None:
    calendar, odd, _ = feed_at(SCRIPT, 8, START)
    assert calendar.published == START + timedelta(seconds=7) + FUTURE
    assert (odd.published, odd.guid, odd.link) == (None, "", "/elsewhere?utm_source=rss")


def test_another_start_is_another_edition() -> None:
    first = {each.guid for each in feed_at(SCRIPT, 99, START) if each.guid}
    second = {each.guid for each in feed_at(SCRIPT, 99, START + timedelta(hours=1)) if each.guid}
    assert not first & second


@given(st.floats(0, 60), st.floats(0, 60))
def test_nothing_that_was_published_disappears(one: float, other: float) -> None:
    earlier, later = sorted((one, other))
    before = {each.key for each in feed_at(SCRIPT, earlier, START)}
    assert before <= {each.key for each in feed_at(SCRIPT, later, START)}


def test_hastened_everything_comes_sooner() -> None:
    twice = hasten(SCRIPT, 2)
    assert (last_second(SCRIPT), last_second(twice)) == (30, 15)
    assert [each.title for each in feed_at(twice, 10, START)] == [
        each.title for each in feed_at(SCRIPT, 20, START)
    ]
