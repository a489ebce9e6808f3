from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.document import ParsedEntry, ParsedFeed
from streams.feeds.identity import (
    KEEP_SEEN,
    MAX_REVISIONS,
    MAX_SEEN,
    REVISION_GAP,
    content_hash,
    decide,
)
from streams.records import FeedState, Polled, Seen, stable_id
from streams.wire import decode, encode
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


PAGE = "https://a.example"
GOLDEN = [
    (
        entry(
            " tag:a.example,2026:1#x ",
            "Rat tagt",
            summary="<p>Der Rat tagt.</p>",
            link=f"{PAGE}/1?utm_source=rss",
            authors=("Lena Ostrander",),
        ),
        "2hkbmaoa7q6ry2ypxnnmvgvn2e", "guid", "tzwz23hnpgpqmzii",
    ),
    (entry("twice", "One", link=f"{PAGE}/2"), "yrf6xfowk6p7hpqhwxmqheo6fm", "guid", "2xbpyouz7ijxvmvp"),
    (entry("twice", "Two", link=f"{PAGE}/3"), "3zzpbon3nw7x5vdoyrvxa56lcq", "guid", "lcihvsktp23dovj2"),
    (
        entry("twice", "Three", link=f"{PAGE}/3", raw_date="today"),
        "hqp2t64pcttlhcwxatjmgeui4u", "guid", "ctf2rz3r3lq63iyb",
    ),
    (entry("", "Four", link=f"{PAGE}/4"), "lmbsuungjbsdvpj3vmdql3lx5m", "link", "grvpl4jqfzhc5hh6"),
    (entry("", "Five", link=f"{PAGE}/4"), "fuazy5bh2byup2kvtj4sn4q25y", "link", "l3qncywvzgs6n67w"),
    (
        entry("", "Six", enclosures=(f"{PAGE}/6.mp3?token=1",)),
        "a2x2dhlmmqwcekbyrw3jssuceu", "enclosure", "wsj4axjt7gdqj6tf",
    ),
    (
        entry("", "Seven", body="Cafe\u0301 b", raw_date="gestern"),
        "llame4ck3iqzxa4554sqcdoqtu", "content", "g26ptj6ux2kvgwyn",
    ),
]  # fmt: skip


def test_ids_and_hashes_are_those_of_the_first_release():
    """Were they to change, all that is known would be told again after an upgrade."""
    items = decide(feed_of(*(row[0] for row in GOLDEN)), FEED, None, NOW).items
    found = [(item.item_id, item.identity, item.content_hash) for item in items]
    assert found == [row[1:] for row in GOLDEN]


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
        later = NOW + number * REVISION_GAP
        decision, state = poll(state, entry(title=f"{number} comments"), now=later)
        revisions += [item.revision for item in decision.items]
    assert revisions == list(range(1, MAX_REVISIONS + 1))
    assert decision.unchanged == 1
    assert "1 entries have changed 24 times: not told again" in decision.warnings


def minutes(number):
    return NOW + timedelta(minutes=number)


def test_the_first_update_comes_at_once_and_the_next_ten_minutes_later():
    _, state = poll(POLLED, entry(), now=NOW)
    first, state = poll(state, entry(title="Corrected"), now=minutes(1))
    assert [item.revision for item in first.items] == [2]
    early, state = poll(state, entry(title="Again"), now=minutes(10))
    assert (early.items, early.withheld, early.updated, early.unchanged) == ((), 1, 0, 0)
    assert "1 changes are held back, too soon after the last" in early.warnings
    late, state = poll(state, entry(title="Again"), now=minutes(11))
    assert [(item.title, item.revision) for item in late.items] == [("Again", 3)]
    assert late.withheld == 0


def test_updates_are_told_although_the_last_one_is_from_a_clock_that_was_ahead():
    _, state = poll(POLLED, entry(), now=NOW)
    _, state = poll(state, entry(title="Corrected"), now=minutes(49 * 60))
    right, state = poll(state, entry(title="Again"), now=minutes(1))
    assert [(item.title, item.revision) for item in right.items] == [("Again", 3)]
    early, _ = poll(state, entry(title="And again"), now=minutes(10))
    assert early.withheld == 1, "from then on as ever"


def test_a_change_that_is_taken_back_while_it_is_withheld_is_never_told():
    _, state = poll(POLLED, entry())
    _, state = poll(state, entry(title="Corrected"), now=minutes(1))
    decision, state = poll(state, entry(title="Mistaken"), now=minutes(5))
    assert decision.withheld == 1
    decision, _ = poll(state, entry(title="Corrected"), now=minutes(20))
    assert (decision.items, decision.unchanged) == ((), 1)


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"title": "New"}, ("title",)),
        ({"summary": "New"}, ("text",)),
        ({"body": "New"}, ("text",)),
        ({"link": "https://a.example/new"}, ("link",)),
        ({"title": "New", "link": "https://a.example/new"}, ("title", "link")),
        ({"authors": ("Lena Ostrander",)}, ("other",)),
        ({"enclosures": ("https://a.example/new.mp3",)}, ("other",)),
    ],
)
def test_a_revision_says_what_has_changed(change, changed):
    fields = {"title": "Title", "summary": "Text", "link": "https://a.example/1"}
    first, state = poll(POLLED, entry(**fields))
    second, _ = poll(state, entry(**(fields | change)), now=minutes(60))
    assert [item.changed for item in (*first.items, *second.items)] == [(), changed]


def test_media_are_enclosures_and_pictures_each_once():
    sound, picture = "https://a.example/1.mp3", "https://a.example/1.jpg"
    decision, _ = poll(POLLED, entry(enclosures=(sound,), media=(sound, picture)))
    assert decision.items[0].media == (sound, picture)


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
    (datetime(2041, 1, 1, tzinfo=UTC), None, "first_seen", NOW),
    (datetime(1970, 1, 1, tzinfo=UTC), NOW, "updated", NOW),
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


def test_what_comes_after_a_long_outage_is_news():
    back = decide(feed_of(entry()), FEED, POLLED, NOW + timedelta(days=60))
    assert not back.items[0].backfill


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


def test_a_large_feed_that_rotates_does_not_grow_for_ever():
    state = POLLED
    for day in range(4):
        document = [entry(f"{day}-{n}", f"Title {day} {n}") for n in range(2_000)]
        decision, state = poll(state, *document, now=NOW + timedelta(days=day))
        assert (decision.new, len(decision.seen)) == (2_000, min(2_000 * (day + 1), MAX_SEEN))


def test_what_is_remembered_of_a_feed_is_small():
    document = [
        entry(f"https://a.example/?p={n}", f"Title {n}", link=f"https://a.example/{n}", body="Text " * 99)
        for n in range(50)
    ]  # fmt: skip
    decision, state = poll(POLLED, *document)
    history = tuple(Polled(1_795_000_000 + n, 200, "", 60_000, 250, 3) for n in range(30))
    state = FeedState(feed_id="a", url=FEED.url, seen=decision.seen, history=history)
    assert len(encode(state)) < 8_500


few = st.sampled_from(["", "a", "b", "c"])
entries = st.builds(
    ParsedEntry,
    guid=few,
    link=st.sampled_from(
        ["", "https://a.example/1", "http://a.example/1", "https://a.example/2?utm_source=x"]
    ),
    title=few,
    summary=few,
    published=st.none() | st.datetimes(timezones=st.just(UTC)),
)
documents = st.lists(entries, max_size=12).map(lambda found: feed_of(*found))


stories = st.builds(
    lambda number, version: entry(
        f"guid-{number}",
        f"Title {number}, version {version}",
        summary=f"Text {number}",
        link=f"https://a.example/{number}",
    ),
    st.integers(0, 9),
    st.integers(0, 2),
)
newsrooms = st.lists(stories, max_size=8, unique_by=lambda each: each.guid)
waits = st.integers(1, 60 * 24 * 5)
"""Minutes until the next document."""


@given(documents)
def test_deciding_twice_on_the_same_document_emits_nothing(document):
    first = decide(document, FEED, POLLED, NOW)
    again = decide(document, FEED, remember(first), NOW + timedelta(hours=1))
    assert again.items == ()
    assert again.unchanged == first.new


@given(documents, st.randoms(use_true_random=False))
def test_what_is_known_may_come_in_any_order(document, random):
    state = remember(decide(document, FEED, POLLED, NOW))
    shuffled = random.sample(document.entries, k=len(document.entries))
    assert decide(feed_of(*shuffled), FEED, state, NOW + timedelta(hours=1)).items == ()


@given(newsrooms, st.randoms(use_true_random=False))
def test_ids_do_not_depend_on_the_order_of_entries(entries, random):
    shuffled = random.sample(entries, k=len(entries))
    found, again = (decide(feed_of(*each), FEED, None, NOW).items for each in (entries, shuffled))
    assert {(i.title, i.item_id) for i in found} == {(i.title, i.item_id) for i in again}


def live(history, restarts=False):
    """The decisions on documents one after the other, each some minutes after the last."""
    state, now = POLLED, NOW
    for document, wait in history:
        now += timedelta(minutes=wait)
        decision = decide(document, FEED, state, now)
        yield decision
        state = msgspec.structs.replace(
            remember(decision, now),
            id_policy=decision.id_policy,
            doubtful_documents=decision.doubtful_documents,
        )
        if restarts:
            state = decode(FeedState, encode(state))


histories = st.lists(st.tuples(documents, waits), max_size=8)


@given(histories)
def test_a_restart_decides_as_if_nothing_had_happened(history):
    assert list(live(history)) == list(live(history, restarts=True))


@given(histories)
def test_every_item_is_told_in_revisions_that_count_from_one(history):
    told: dict[str, int] = {}
    for decision in live(history):
        ids = [item.item_id for item in decision.items]
        assert len(ids) == len(set(ids)), "no two entries of a document are the same item"
        for item in decision.items:
            assert item.revision == told.get(item.item_id, 0) + 1
            told[item.item_id] = item.revision
        assert decision.seen.keys() >= set(ids)


@given(histories)
def test_every_entry_is_accounted_for(history):
    for (document, _), decision in zip(history, live(history), strict=True):
        told = decision.new + decision.updated
        assert told == len(decision.items)
        repeated = int(next((w for w in decision.warnings if "repetitions" in w), "0").split()[0])
        accounted = told + decision.unchanged + decision.withheld + repeated
        assert accounted == len(document.entries)


@given(st.lists(st.tuples(newsrooms, waits), max_size=8))
def test_an_entry_that_comes_back_is_not_new(history):
    told: set[str] = set()
    for decision in live((feed_of(*entries), wait) for entries, wait in history):
        for item in decision.items:
            number = item.url.rpartition("/")[2]
            assert (item.revision == 1) == (number not in told)
            told.add(number)


@given(newsrooms, st.sampled_from(["https://a.example/?p={}", "{}#1", ""]))
def test_a_feed_that_gives_all_its_entries_new_guids_tells_nothing(entries, guid):
    renamed = [msgspec.structs.replace(e, guid=guid.format(e.guid)) for e in entries]
    history = [(feed_of(*entries), 1), (feed_of(*renamed), 60), (feed_of(*entries), 60)]
    first, *later = live(history)
    assert first.new == len(entries)
    assert [decision.items for decision in later] == [(), ()]
