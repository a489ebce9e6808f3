from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.document import ParsedEntry, ParsedFeed
from streams.feeds.identity import KEEP_SEEN, MAX_REVISIONS, MAX_SEEN, content_hash, decide
from streams.records import FeedState, Seen, stable_id
from tests.feeds.fakes import NOW, make_feed

FEED = make_feed("a", lang="de", title="Ours", tier=1)


def entry(guid="g", title="Title", **fields):
    return ParsedEntry(guid=guid, title=title, **fields)


def feed_of(*entries, **fields):
    return ParsedFeed(version="rss20", entries=entries, **fields)


def remember(decision, now=NOW):
    return FeedState(feed_id="a", url=FEED.url, seen=decision.seen, last_success_at=now)


def poll(state, *entries, now=NOW):
    decision = decide(feed_of(*entries), FEED, state, now)
    return decision, remember(decision, now)


POLLED = FeedState(feed_id="a", url=FEED.url, last_success_at=NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("parsed", "kind", "value"),
    [
        (entry(guid=" g#1 "), "guid", "g#1"),
        (entry("", link="https://a.example/x?utm_source=rss"), "link", "https://a.example/x"),
        (
            entry("", enclosures=("https://a.example/1.mp3",)),
            "enclosure",
            "https://a.example/1.mp3",
        ),
        (entry("", "T", summary="S", raw_date="today"), "content", "T\ntoday\nS"),
    ],
)
def test_the_id_names_the_entry_by_the_best_it_has(parsed, kind, value):
    (item,) = decide(feed_of(parsed), FEED, None, NOW).items
    assert item.identity == kind
    assert item.item_id == stable_id("item", "a", kind, value)


def test_an_unchanged_entry_is_emitted_once():
    first, state = poll(POLLED, entry())
    again, _ = poll(state, entry(), now=NOW + timedelta(hours=1))
    assert (first.new, first.updated, first.unchanged) == (1, 0, 0)
    assert (again.new, again.updated, again.unchanged) == (0, 0, 1)
    assert again.items == ()


def test_a_changed_entry_is_the_next_revision_of_the_same_item():
    first, state = poll(POLLED, entry())
    later = NOW + timedelta(hours=1)
    second, state = poll(state, entry(title="Corrected"), now=later)
    (item,) = second.items
    assert (item.item_id, item.revision) == (first.items[0].item_id, 2)
    assert (second.new, second.updated) == (0, 1)
    assert item.seen_at == later
    assert item.published_at == first.items[0].published_at, "undated: first seen stays"


def test_an_entry_that_changes_for_ever_stops_at_some_revision():
    state = POLLED
    revisions = []
    for number in range(MAX_REVISIONS + 5):
        decision, state = poll(state, entry(title=f"{number} comments"))
        revisions += [item.revision for item in decision.items]
    assert revisions == list(range(1, MAX_REVISIONS + 1))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"summary": "<p>a  b</p>"}, {"summary": "a\nb"}, True),
        ({"summary": "x<img src='t.gif?r=1'>"}, {"summary": "x<img src='t.gif?r=2'>"}, True),
        ({"link": "https://a.example/?utm_source=1"}, {"link": "https://a.example/"}, True),
        ({"enclosures": ("https://a.example/1?t=1",)}, {"enclosures": ("https://a.example/1?t=2",)}, True),
        ({"title": "Cafe\u0301"}, {"title": "Café"}, True),
        ({"raw_date": "today"}, {"raw_date": "tomorrow"}, True),
        ({"title": "a"}, {"title": "b"}, False),
        ({"body": "a"}, {"body": "b"}, False),
        ({"authors": ("a",)}, {"authors": ("b",)}, False),
        ({"link": "https://a.example/1"}, {"link": "https://a.example/2"}, False),
    ],
)  # fmt: skip
def test_what_counts_as_a_change(one, other, same):
    found = (
        content_hash(entry(**{"title": "t", **one})),
        content_hash(entry(**{"title": "t", **other})),
    )
    assert (found[0] == found[1]) == same


def test_entries_that_share_a_guid_are_told_apart_by_link_and_then_content():
    links = ("https://a.example/1", "https://a.example/2", "https://a.example/2")
    entries = [entry("same", f"T{n}", link=link) for n, link in enumerate(links)]
    decision, _ = poll(POLLED, *entries, entries[-1])
    assert len({item.item_id for item in decision.items}) == 3
    assert [item.title for item in decision.items] == ["T0", "T1", "T2"]
    assert "1 entries are exact repetitions" in decision.warnings


def test_a_new_entry_never_hides_behind_the_guid_of_an_older_one():
    old = [entry("same", f"Old {n}", link=f"https://a.example/{n}") for n in range(3)]
    _, state = poll(POLLED, *old)
    decision, state = poll(state, entry("same", "New", link="https://a.example/new"), *old)
    assert [(item.title, item.revision) for item in decision.items] == [("New", 1)]
    decision, _ = poll(state, *reversed(old))
    assert decision.items == ()


DATES = [
    (datetime(2026, 11, 20, 9, tzinfo=UTC), None, "published", datetime(2026, 11, 20, 9, tzinfo=UTC)),
    (None, datetime(2026, 11, 20, 9, tzinfo=UTC), "updated", datetime(2026, 11, 20, 9, tzinfo=UTC)),
    (None, None, "first_seen", NOW),
    (datetime(1970, 1, 1, tzinfo=UTC), None, "first_seen", NOW),
    (NOW + timedelta(minutes=9), None, "published", NOW + timedelta(minutes=9)),
    (NOW + timedelta(minutes=11), None, "first_seen", NOW),
    (NOW + timedelta(days=9), NOW, "updated", NOW),
]  # fmt: skip


@pytest.mark.parametrize(("published", "updated", "source", "expected"), DATES)
def test_dates(published, updated, source, expected):
    (item,) = decide(feed_of(entry(published=published, updated=updated)), FEED, POLLED, NOW).items
    assert (item.date_source, item.published_at) == (source, expected)


def test_a_date_in_the_future_does_not_become_valid_by_waiting():
    soon = NOW + timedelta(hours=1)
    _, state = poll(POLLED, entry(published=soon))
    decision, _ = poll(state, entry(title="New", published=soon), now=NOW + timedelta(hours=2))
    assert (decision.items[0].date_source, decision.items[0].published_at) == ("first_seen", NOW)


@pytest.mark.parametrize(
    ("hours_old", "first_poll", "backfill"),
    [(1, True, False), (25, True, True), (None, True, True), (25, False, False), (None, False, False)],
)  # fmt: skip
def test_what_a_feed_held_before_is_backfill_unless_it_is_fresh(hours_old, first_poll, backfill):
    published = None if hours_old is None else NOW - timedelta(hours=hours_old)
    state = None if first_poll else POLLED
    (item,) = decide(feed_of(entry(published=published)), FEED, state, NOW).items
    assert item.backfill == backfill


def test_a_feed_that_never_worked_is_still_at_its_first_poll():
    failing = FeedState(feed_id="a", url=FEED.url, failures=3.0)
    assert decide(feed_of(entry()), FEED, failing, NOW).items[0].backfill


def test_language_and_title_come_from_entry_then_document_then_registry():
    (item,) = decide(feed_of(entry(lang="fr"), lang="en"), FEED, None, NOW).items
    assert item.lang == "fr"
    (item,) = decide(feed_of(entry(), lang="en", title="Theirs"), FEED, None, NOW).items
    assert (item.lang, item.feed_title, item.tier) == ("en", "Ours", 1)
    (item,) = decide(feed_of(entry()), FEED, None, NOW).items
    assert item.lang == "de"


def test_entries_that_left_the_feed_are_forgotten_after_a_while():
    _, state = poll(POLLED, entry("gone"))
    decision, state = poll(state, entry("here"), now=NOW + KEEP_SEEN)
    assert len(decision.seen) == 2
    decision, _ = poll(state, entry("here"), now=NOW + KEEP_SEEN + timedelta(seconds=1))
    assert len(decision.seen) == 1


def test_memory_is_bounded_but_never_loses_what_is_in_the_document():
    moment = int(NOW.timestamp())
    many = {f"id{n}": Seen("h", 1, moment - n, moment - n) for n in range(MAX_SEEN + 100)}
    state = FeedState(feed_id="a", url=FEED.url, last_success_at=NOW, seen=many)
    decision, _ = poll(state, entry("x"), entry("y"))
    assert len(decision.seen) == MAX_SEEN
    assert {item.item_id for item in decision.items} <= decision.seen.keys()
    assert "id0" in decision.seen
    assert f"id{MAX_SEEN}" not in decision.seen


few = st.sampled_from(["", "a", "b", "c"])
entries = st.builds(
    ParsedEntry,
    guid=few,
    link=st.sampled_from(["", "https://a.example/1", "https://a.example/2?utm_source=x"]),
    title=few,
    summary=few,
    published=st.none() | st.datetimes(timezones=st.just(UTC)),
)
documents = st.lists(entries, max_size=12).map(lambda found: feed_of(*found))


@given(documents)
def test_deciding_twice_on_the_same_document_emits_nothing(document):
    first = decide(document, FEED, POLLED, NOW)
    again = decide(document, FEED, remember(first), NOW + timedelta(hours=1))
    assert again.items == ()
    assert again.unchanged == first.new


@given(documents, documents)
def test_the_same_history_gives_the_same_items(one, two):
    def history():
        first = decide(one, FEED, POLLED, NOW)
        return first.items, decide(two, FEED, remember(first), NOW).items

    assert history() == history()


@given(documents, documents)
def test_no_two_entries_share_an_id(one, two):
    state = remember(decide(one, FEED, POLLED, NOW))
    decision = decide(two, FEED, state, NOW)
    ids = [item.item_id for item in decision.items]
    assert len(ids) == len(set(ids))
    assert all(item.revision == 1 or item.item_id in state.seen for item in decision.items)
