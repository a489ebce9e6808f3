"""Entries that come under other names, and names that several entries share."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.feeds.document import ParsedEntry, ParsedFeed
from streams.feeds.identity import decide
from streams.records import FeedState, Seen
from tests.feeds.fakes import NOW, make_feed

FEED = make_feed("a")
SITE = "https://news.example"


class History:
    """A feed, document after document."""

    def __init__(self, *entries):
        self.state = FeedState(feed_id="a", url=FEED.url, last_success_at=NOW)
        self.now = NOW
        self.known = {}
        self.poll(*entries, hours=0)

    def poll(self, *entries, **later):
        """The next document, an hour later; returns its decision."""
        self.now += timedelta(**(later or {"hours": 1}))
        decision = decide(ParsedFeed(version="rss20", entries=entries), FEED, self.state, self.now)
        self.state = FeedState(
            feed_id="a",
            url=FEED.url,
            last_success_at=self.now,
            seen=decision.seen,
            id_policy=decision.id_policy,
            doubtful_documents=decision.doubtful_documents,
        )
        self.known |= {item.title: item.item_id for item in decision.items}
        return decision


def entry(guid, page, title="Rat tagt", summary="Der Rat tagt am Montag.", **fields):
    link = f"{SITE}/{page}" if page is not None else ""
    return ParsedEntry(guid=guid, **{"link": link, "title": title, "summary": summary} | fields)


def told(decision):
    return [(item.title, item.revision, item.changed) for item in decision.items]


OLD = entry("g1", "1")
LATER = NOW + timedelta(hours=1)
MP3 = (f"{SITE}/1.mp3",)
SAME_ITEM = [
    # miniflux #2358: the headline is part of the guid
    ("headline in the guid", OLD, entry("g1-neu", "1", title="Rat vertagt"), [("Rat vertagt", 2, ("title",))]),
    ("all but the link", OLD, entry("g2", "1", title="Neu", summary="Anders."), [("Neu", 2, ("title", "text"))]),
    # feedbin/support #515: guids move to https
    ("guid to https", entry("http://n/1", "1"), entry("https://n/1", "1"), []),
    ("guid and link to https", entry("http://n/1", None, link="http://n/1"), entry("https://n/1", None, link="https://n/1"), []),
    ("edited on the way to https", entry("http://n/1", None, link="http://n/1"), entry("https://n/1", None, title="Neu", summary="Anders.", link="https://n/1"), [("Neu", 2, ("title", "text"))]),
    ("tracking", OLD, entry("g2", "1?utm_source=rss"), []),
    ("another address, the same words", OLD, entry("g2", "2026/1"), [("Rat tagt", 2, ("link",))]),
    ("no address, the same words", entry("g1", None), entry("g2", None), []),
    ("the guid is gone", OLD, entry("", "1"), []),
    ("a guid comes", entry("", "1"), entry("g1", "1"), []),
    ("dated anew", entry("g1", "1", enclosures=MP3, published=NOW), entry("g2", "1", "Rat vertagt", enclosures=MP3, published=LATER), [("Rat vertagt", 2, ("title",))]),
    ("another byline and date", entry("g1", "1", published=NOW), entry("g2", "1", authors=("Lena Ostrander",), published=LATER), [("Rat tagt", 2, ("other",))]),
    ("another byline too", OLD, entry("g2", "1", authors=("Lena Ostrander",)), [("Rat tagt", 2, ("other",))]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), [case[1:] for case in SAME_ITEM], ids=[case[0] for case in SAME_ITEM])  # fmt: skip
def test_an_item_under_another_name_stays_that_item(before, after, expected):
    history = History(before)
    decision = history.poll(after)
    assert told(decision) == expected
    assert decision.new == 0
    assert list(decision.seen) == [history.known["Rat tagt"]]
    assert "1 entries are known under another name" in decision.warnings
    again = history.poll(after)
    assert (again.items, again.warnings) == ((), ())


OTHER_ITEM = [
    ("nothing in common", OLD, entry("g2", "2", "Anderes", "Etwas ganz anderes.")),
    ("only the title", OLD, entry("g2", "2", summary="Er tagt wieder.")),
    ("only a title at all", entry("g1", None, summary=""), entry("g2", None, summary="")),
    ("the home page", entry("g1", ""), entry("g2", "", "Anderes", "Etwas anderes.")),
    (
        "the hourly news",
        entry("g1", "news", enclosures=(f"{SITE}/08.mp3",), published=NOW),
        entry("g2", "news", enclosures=(f"{SITE}/09.mp3",), published=LATER),
    ),
    (
        "the hourly news, told apart by a query",
        entry("g1", "news", enclosures=(f"{SITE}/play.mp3?issue=8",), published=NOW),
        entry("g2", "news", enclosures=(f"{SITE}/play.mp3?issue=9",), published=LATER),
    ),
    ("the daily weather", entry("g1", "1", published=NOW), entry("g2", "2", published=LATER)),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in OTHER_ITEM], ids=[case[0] for case in OTHER_ITEM])  # fmt: skip
def test_what_only_resembles_an_item_is_another(before, after):
    decision = History(before).poll(after)
    assert (decision.new, len(decision.seen)) == (1, 2)


def test_of_two_that_resemble_an_item_neither_is_it():
    assert History(entry("g1", None)).poll(entry("g2", "2"), entry("g3", "3")).new == 2


def test_who_has_name_and_link_of_an_item_goes_before_who_has_its_words():
    edited = entry("g1", "1", "Rat vertagt", "Er tagt nicht.")
    assert told(History(OLD).poll(entry("g2", "2"), edited)) == [
        ("Rat tagt", 1, ()),
        ("Rat vertagt", 2, ("title", "text")),
    ]


def test_who_has_name_and_title_of_an_item_goes_before_who_has_its_link():
    edited = entry("g1", "rat", summary="Er tagt nicht.")
    assert told(History(OLD).poll(entry("g2", "1", "Neu", "Neues."), edited)) == [
        ("Neu", 1, ()),
        ("Rat tagt", 2, ("text", "link")),
    ]


def test_an_item_that_is_still_there_lends_its_name_to_nobody():
    decision = History(OLD).poll(entry("g2", "1"), OLD)
    assert [item.revision for item in decision.items] == [1]
    assert decision.unchanged == 1


@pytest.mark.parametrize(("days", "new"), [(29, 0), (31, 1)])
def test_words_count_for_thirty_days_after_they_left(days, new):
    history = History(entry("g1", None), entry("stays", "s", "Bleibt"))
    history.poll(entry("stays", "s", "Bleibt"), hours=1)
    assert history.poll(entry("g2", None), days=days).new == new


def test_a_feed_that_was_silent_for_long_still_knows_its_last_document():
    assert History(entry("g1", None)).poll(entry("g2", None), days=80).new == 0


@pytest.mark.parametrize(("days", "new"), [(30, 0), (31, 1)])
def test_a_page_whose_contents_are_ever_new_becomes_a_new_item_after_thirty_days(days, new):
    history = History(entry("g1", "today", "Montag", "Vom Montag."))
    assert history.poll(entry("g2", "today", "Dienstag", "Vom Dienstag."), days=days).new == new


def test_an_old_item_is_known_by_its_link_and_title():
    decision = History(OLD).poll(entry("g2", "1", summary="Er tagt nicht."), days=40)
    assert told(decision) == [("Rat tagt", 2, ("text",))]


def test_entries_of_a_live_blog_share_a_link_and_nothing_else():
    first, second, third, fourth = (
        entry(f"g{n}", "live", f"Meldung {n}", f"Es ist {n} Uhr.") for n in range(4)
    )
    history = History(second, first)
    assert told(history.poll(third, second)) == [("Meldung 2", 1, ())]
    assert told(history.poll(fourth)) == [("Meldung 3", 1, ())]
    assert history.poll(fourth, third, second, first).items == ()


def test_entries_of_a_live_blog_without_guids_do_not_become_each_other():
    first, second, third = (entry("", "live", f"Meldung {n}", f"Es ist {n} Uhr.") for n in range(3))
    history = History(second, first)
    assert told(history.poll(third, second)) == [("Meldung 2", 1, ())]
    assert told(history.poll(third, first)) == []


def test_guids_that_change_all_at_once_tell_nothing():
    def document(scheme):
        return [entry(f"{scheme}{n}", n, f"Meldung {n}", f"Es ist {n} Uhr.") for n in range(50)]

    history = History(*document("http://news.example/?p="))
    decision = history.poll(*document("tag:news.example,2026:"))
    assert (decision.items, decision.unchanged, len(decision.seen)) == ((), 50, 50)
    assert "50 entries are known under another name" in decision.warnings
    assert history.poll(*document("http://news.example/?p=")).items == ()


def test_a_new_name_is_remembered_through_later_edits():
    """Otherwise an item that shares its link is lost as soon as its words change."""
    other = entry("other", "live", "Anderes", "Etwas anderes.")
    history = History(entry("g1", "live"), other)
    history.poll(entry("g2", "live"), other)
    edited = entry("g2", "live", "Rat vertagt", "Der Rat tagt doch nicht.")
    assert told(history.poll(edited, other)) == [("Rat vertagt", 2, ("title", "text"))]
    assert history.known["Rat vertagt"] == history.known["Rat tagt"]


def test_who_has_the_new_name_and_the_link_of_an_item_goes_before_who_has_its_words():
    history = History(OLD)
    history.poll(entry("g2", "1"))
    edited = entry("g2", "1", "Rat vertagt", "Er tagt nicht.")
    assert told(history.poll(entry("g3", "3"), edited)) == [
        ("Rat tagt", 1, ()),
        ("Rat vertagt", 2, ("title", "text")),
    ]


def test_a_new_name_is_remembered_though_the_change_that_came_with_it_is_withheld():
    history = History(entry("g1", "1"))
    history.poll(entry("g1", "1", "Rat vertagt"))
    assert history.poll(entry("g2", "1", "Abgesagt"), minutes=1).withheld == 1
    assert told(history.poll(entry("g2", "2", "Doch nicht", "Neu."))) == [
        ("Doch nicht", 3, ("title", "text", "link"))
    ]


def test_what_an_older_version_remembered_is_known_by_its_content():
    """It kept no hashes of title, text and link."""
    history = History(OLD)
    (item_id,) = history.state.seen
    old = Seen(
        history.state.seen[item_id].content_hash, 1, int(NOW.timestamp()), int(NOW.timestamp())
    )
    for after, expected in ((entry("g2", "1"), []), (entry("g1", "1", "Neu"), [("Neu", 2, ())])):
        history.state = FeedState(
            feed_id="a", url=FEED.url, last_success_at=NOW, seen={item_id: old}
        )
        assert told(history.poll(after)) == expected


# Guids that are not unique.


def shared(number, title="", **fields):
    """All entries have the same guid; each has its page."""
    return entry("rss", number, title or f"Meldung {number}", f"Es ist {number} Uhr.", **fields)


def test_guids_that_are_not_unique_in_two_documents_are_never_trusted_again():
    history = History(*(shared(n) for n in range(3)))
    assert (history.state.id_policy, history.state.doubtful_documents) == ("guid", 1)
    decision = history.poll(*(shared(n) for n in range(1, 4)))
    assert (decision.id_policy, decision.doubtful_documents) == ("guid+link", 2)
    assert told(decision) == [("Meldung 3", 1, ())]
    assert decision.warnings[-1].startswith("too many guids are not unique")
    again = history.poll(*(shared(n) for n in range(4)))
    assert again.items == (), "the switch tells nothing"
    history.poll(*(entry(f"g{n}", f"x{n}", f"Neu {n}", f"Neues {n}.") for n in range(40)))
    assert history.state.id_policy == "guid+link", "not even after a document without fault"


def test_after_the_switch_items_keep_their_ids_and_their_revisions():
    history = History(*(shared(n) for n in range(3)))
    history.poll(*(shared(n) for n in range(1, 4)))
    before = dict(history.known)
    decision = history.poll(shared(2, "Meldung 2 berichtigt"), shared(0), shared(4))
    assert told(decision) == [("Meldung 2 berichtigt", 2, ("title",)), ("Meldung 4", 1, ())]
    assert decision.items[0].item_id == before["Meldung 2"]
    assert set(before.values()) <= set(history.state.seen)
    (alone,) = history.poll(shared(5)).items
    assert alone.revision == 1, "its guid names it no longer"


def test_after_the_switch_what_was_named_by_its_guid_is_still_found_by_it():
    live = entry("a", "live", "Rat tagt", "Noch."), entry("b", "live", "Börse", "Auf.")
    history = History(*live, *(shared(n) for n in range(3)))
    history.poll(*live, *(shared(n) for n in range(1, 4)))
    assert history.state.id_policy == "guid+link"
    edited = entry("a", "live", "Rat tagt", "Nicht mehr.")
    assert told(history.poll(edited, live[1])) == [("Rat tagt", 2, ("text",))]


def test_after_the_switch_a_guid_still_names_what_has_no_link():
    history = History(*(shared(n) for n in range(3)))
    history.poll(*(shared(n) for n in range(1, 4)), entry("alone", None))
    edited = entry("alone", None, "Rat vertagt", "Er tagt nicht.")
    assert told(history.poll(edited)) == [("Rat vertagt", 2, ("title", "text"))]


def test_the_switch_is_never_taken_back():
    state = FeedState(feed_id="a", url=FEED.url, last_success_at=NOW, id_policy="guid+link")
    document = ParsedFeed(version="rss20", entries=(shared(1), shared(1, "Zwei")))
    assert decide(document, FEED, state, NOW).id_policy == "guid+link"


def test_entries_told_apart_by_their_links_have_no_other_name():
    history = History(shared(1), shared(2))
    assert history.poll(shared(2), shared(1)).warnings == ()
    assert told(history.poll(shared(3), shared(2))) == [("Meldung 3", 1, ())]
    assert history.poll(shared(1)).items == ()


def test_a_document_that_brings_nothing_new_is_not_counted_again():
    document = [shared(n) for n in range(3)]
    history = History(*document)
    history.poll(*document)
    history.poll(shared(0, "Berichtigt"), *document[1:])
    assert (history.state.id_policy, history.state.doubtful_documents) == ("guid", 1)


@pytest.mark.parametrize(("entries", "doubtful"), [(20, 0), (19, 1)])
def test_some_repeated_guids_are_a_mishap(entries, doubtful):
    unique = [entry(f"g{n}", n, f"Meldung {n}", f"Es ist {n} Uhr.") for n in range(entries - 1)]
    twice = entry("g0", "again", "Noch eine", "Mit fremder guid.")
    assert History(*unique, twice).state.doubtful_documents == doubtful


def test_exact_repetitions_are_no_sign_against_guids():
    assert History(OLD, OLD, OLD).state.doubtful_documents == 0


def test_guids_that_are_positions_name_nobody():
    """Every new entry pushes the guids of all others by one."""

    def document(newest):
        return [
            entry(f"{place}", number, f"Meldung {number}", f"Es ist {number} Uhr.")
            for place, number in enumerate(range(newest, newest - 5, -1), 1)
        ]

    history = History(*document(4))
    for newest in range(5, 12):
        assert told(history.poll(*document(newest))) == [(f"Meldung {newest}", 1, ())]
    assert history.state.id_policy == "guid+link"
    assert [item.revision for item in history.poll(*document(30)).items] == [1] * 5
    assert len(set(history.known.values())) == 17


def test_a_guid_that_is_unique_is_trusted_though_all_else_changed():
    """Addresses are often made from the headline."""
    decision = History(OLD).poll(entry("g1", "rat-vertagt", "Rat vertagt", "Er tagt nicht."))
    assert told(decision) == [("Rat vertagt", 2, ("title", "text", "link"))]


def test_an_edited_entry_keeps_the_name_that_goes_with_its_link():
    history = History(shared(1), shared(2))
    decision = history.poll(shared(2, "Meldung 2 berichtigt"))
    assert told(decision) == [("Meldung 2 berichtigt", 2, ("title",))]
    assert history.known["Meldung 2 berichtigt"] == history.known["Meldung 2"]


def test_a_date_far_in_the_future_is_no_sign_of_another_issue():
    never = datetime(2041, 1, 1, tzinfo=UTC)
    history = History(entry("g1", "1", published=never))
    assert history.poll(entry("g2", "2", published=never)).new == 0
