from __future__ import annotations

import html
import re
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.desk.server import render_card
from streams.desk.view import Board, Span, duration_text, make_card, mark, web_url
from streams.records import Evidence
from tests.desk.samples import NOON, evidence_in, make_alert

TAGS = re.compile(r"</?mark>|<mark class=\"policy\">")


def unmarked(markup: str) -> str:
    """The text that a browser would show."""
    return html.unescape(TAGS.sub("", markup))


def marked(markup: str) -> list[str]:
    """What a browser would show as marked."""
    return [html.unescape(found) for found in re.findall(r"<mark[^>]*>(.*?)</mark>", markup, re.S)]


# --- marks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], "Anna regelt KI"),
        ([(0, 4, "figure")], "<mark>Anna</mark> regelt KI"),
        (
            [(12, 14, "policy"), (0, 4, "figure")],
            '<mark>Anna</mark> regelt <mark class="policy">KI</mark>',
        ),
        # Where two overlap the figure wins, whichever comes first.
        ([(0, 6, "policy"), (0, 4, "figure")], '<mark>Anna</mark><mark class="policy"> r</mark>egelt KI'),
        ([(0, 4, "figure"), (0, 6, "policy")], '<mark>Anna</mark><mark class="policy"> r</mark>egelt KI'),
        ([(0, 4, "figure"), (2, 6, "figure")], "<mark>Anna r</mark>egelt KI"),
        ([(0, 4, "figure"), (0, 4, "figure")], "<mark>Anna</mark> regelt KI"),
        # Nothing outside of the text.
        ([(-5, 2, "figure"), (13, 99, "policy"), (50, 60, "figure")],
         '<mark>An</mark>na regelt K<mark class="policy">I</mark>'),
    ],
)  # fmt: skip
def test_mark(spans, expected):
    assert mark("Anna regelt KI", [Span(*span) for span in spans]) == expected


def test_mark_escapes_what_it_marks_and_what_it_does_not():
    text = '<b>"Müller & Co"</b>'
    assert mark(text, [Span(4, 10, "figure")]) == (
        "&lt;b&gt;&#34;<mark>Müller</mark> &amp; Co&#34;&lt;/b&gt;"
    )


def test_a_long_sentence_is_cut_around_its_first_mark():
    text = "vorher " * 300 + "Anna Beispiel" + " nachher" * 300
    start = text.index("Anna")
    cut = mark(text, [Span(start, start + 13, "figure")], limit=200)
    assert marked(cut) == ["Anna Beispiel"]
    assert cut.startswith("… ")
    assert cut.endswith(" …")
    assert len(unmarked(cut)) == 200 + len("…  …")


spans = st.lists(
    st.builds(Span, st.integers(-5, 40), st.integers(-5, 40), st.sampled_from(["figure", "policy"]))
)


@given(st.text(max_size=30), spans)
def test_marks_never_change_the_text_and_let_no_markup_through(text, spans):
    markup = mark(text, spans)
    assert unmarked(markup) == text
    assert "<" not in TAGS.sub("", markup)
    assert '"' not in TAGS.sub("", markup)


@given(st.text(max_size=20), st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_marks_are_exactly_the_surface(before, surface, after):
    span = Span(len(before), len(before) + len(surface), "figure")
    assert marked(mark(before + surface + after, [span])) == [surface]


# --- links, durations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://news.example/a?b=1&c=2", True),
        ("HTTP://NEWS.EXAMPLE/", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,<script>", False),
        ("//news.example/a", False),
        ("https:///path", False),
        ("https://[broken", False),
        ("", False),
    ],
)
def test_only_web_urls_become_links(url, safe):
    assert web_url(url) == (url if safe else "")


@given(st.text())
def test_no_text_makes_a_link_raise(url):
    assert web_url(url) in ("", url)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0.0 s"), (0.42, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (89.9, "90 s"),
     (90, "2 min"), (3_600, "60 min"), (7_200, "2 h"), (172_800, "2 d")],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration_text(seconds) == text


# --- the board ---------------------------------------------------------------------------------


def test_newer_revisions_replace_older_ones_in_any_order():
    board = Board()
    assert board.apply(make_alert("a", 2)) == "added"
    assert board.apply(make_alert("a", 1)) == "outdated"
    assert board.apply(make_alert("a", 2)) == "outdated"
    assert board.apply(make_alert("a", 3, headline="Neuer Stand")) == "revised"
    assert [alert.headline for alert in board.newest_first()] == ["Neuer Stand"]


def test_the_board_is_bounded_and_keeps_the_newest():
    board = Board(limit=3)
    for minute in (5, 1, 4, 3):
        board.apply(make_alert(f"m{minute}", at=NOON + timedelta(minutes=minute)))
    assert [alert.alert_id for alert in board.newest_first()] == ["m5", "m4", "m3"]
    assert board.apply(make_alert("m2", at=NOON + timedelta(minutes=2))) == "too_old"
    assert len(board) == 3


def test_removing():
    board = Board()
    board.apply(make_alert("a"))
    assert board.remove("a")
    assert not board.remove("a")
    assert board.newest_first() == []


revisions = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=20)


@given(revisions, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(keys, random):
    alerts = [make_alert(key, revision) for key, revision in keys]
    first, second = Board(), Board()
    for alert in alerts:
        first.apply(alert)
    random.shuffle(alerts)
    for alert in alerts + alerts:  # and repeating changes nothing
        second.apply(alert)
    assert first.newest_first() == second.newest_first()


# --- the card -------------------------------------------------------------------------------------


def test_a_card_says_what_happened():
    card = make_card(make_alert(copies=3, policy_topics=("ai", "content_moderation")))
    assert card.latency_seconds == pytest.approx(1.8)
    assert card.latency == "1.8 s"
    assert card.copies == 3
    assert card.source_count == 4
    assert card.policy_topics == ("AI", "content moderation")
    assert card.passages == (
        'Am Montag sagte <mark>Petra Muster</mark>, jede <mark class="policy">KI</mark>'
        " müsse erkennbar sein.",
    )


def test_evidence_in_the_headline_is_marked_there_and_not_repeated():
    headline = "Petra Muster warnt"
    alert = make_alert(headline=headline)
    found = evidence_in(headline, "Petra Muster")[0]
    title = msgspec.structs.replace(found, field="title")
    source = msgspec.structs.replace(alert.sources[0], figure=(title,), policy_topics=())
    card = make_card(msgspec.structs.replace(alert, sources=(source,)))
    assert card.headline == "<mark>Petra Muster</mark> warnt"
    assert card.passages == ()


def test_the_passage_with_figure_and_policy_comes_first():
    alert = make_alert()
    early = evidence_in("Muster kam.", "Muster", sentence_start=0)
    source = alert.sources[0]
    source = msgspec.structs.replace(source, figure=early + source.figure)
    card = make_card(msgspec.structs.replace(alert, sources=(source,)))
    assert [len(marked(passage)) for passage in card.passages] == [2, 1]


def test_the_figure_is_shown_even_where_much_speaks_of_policy_before_it():
    policy = [evidence_in(f"Regel {n}.", f"Regel {n}", sentence_start=20 * n)[0] for n in (1, 2, 3)]
    figure = evidence_in("Muster kam.", "Muster", sentence_start=500)
    alert = make_alert()
    source = alert.sources[0]
    hit = msgspec.structs.replace(source.policy_topics[0], evidence=tuple(policy))
    source = msgspec.structs.replace(source, figure=figure, policy_topics=(hit,))
    card = make_card(msgspec.structs.replace(alert, sources=(source,)))
    assert [marked(passage) for passage in card.passages] == [["Muster"], ["Regel 1"]]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [({"start": 3}, "moved"), ({"surface": "Somebody else"}, "other"), ({"sentence_start": 9999}, "far")],
)  # fmt: skip
def test_offsets_that_do_not_lead_to_the_surface_mark_nothing(changes, wrong):
    alert = make_alert()
    evidence = msgspec.structs.replace(alert.sources[0].figure[0], **changes)
    source = msgspec.structs.replace(alert.sources[0], figure=(evidence,), policy_topics=())
    card = make_card(msgspec.structs.replace(alert, sources=(source,)))
    assert [marked(passage) for passage in card.passages] == [[]]


def test_an_alert_without_sources_still_has_a_card():
    assert "Senatorin" in render_card(make_alert(sources=()))


hostile = st.text(max_size=40) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "{{ 7*7 }}"]
)
evidences = st.builds(
    Evidence,
    field=st.sampled_from(["title", "body"]),
    start=st.integers(0, 50),
    end=st.integers(0, 50),
    surface=hostile,
    sentence=hostile,
    sentence_start=st.integers(0, 50),
    rule=hostile,
    detail=hostile,
)
ATTRIBUTES = re.compile(r"<[a-zA-Z/][^>]*>")


@given(hostile, hostile, hostile, hostile, st.lists(evidences, max_size=3))
def test_no_alert_breaks_the_card_or_gets_markup_into_it(text, url, lang, feed, found):
    alert = make_alert(
        headline=text, url=url, lang=lang, feed=feed, alert_id=text, figure_name=text,
        update_reason=text, policy_topics=(text,), rule_name=text, severity_reasons=(text,),
    )  # fmt: skip
    source = msgspec.structs.replace(alert.sources[0], figure=tuple(found))
    card = render_card(msgspec.structs.replace(alert, sources=(source,)))
    tags = ATTRIBUTES.findall(card)
    allowed = {
        "article", "header", "span", "strong", "time", "h2", "a", "blockquote", "mark", "details",
        "summary", "dl", "dt", "dd", "ol", "li",
    }  # fmt: skip
    assert set(re.findall(r"</?(\w+)", "".join(tags))) <= allowed
    without_values = [re.sub(r'"[^"]*"', "", tag) for tag in tags]
    assert not [tag for tag in without_values if re.search(r"\bon\w+\s*=|'", tag)]
    assert not re.search(r'href="(?!https?://)', card, re.IGNORECASE)
