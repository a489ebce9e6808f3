"""What a person reads in the terminal."""

import io
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streams.alerts.decide import decide
from streams.records import PolicyTopicHit
from streams.sinks.terminal import render_alerts, render_silent
from streams.testing import (
    NOW,
    make_evidence,
    make_figure_hit,
    make_item_ref,
    make_mention,
    make_rule,
)

SENTENCE = "In the hearing Ada Example defended the new rules for AI models."


def shown(renderable):
    out = io.StringIO()
    Console(file=out, width=100, color_system=None).print(renderable)
    return out.getvalue()


def alert(title="Ada Example in Brussels", name="Ada Example", **item):
    figure = make_evidence(SENTENCE, "Ada Example", field="summary")
    topic = make_evidence(SENTENCE, "AI", field="summary", rule="strong")
    mention = make_mention(
        item=make_item_ref(title=title, feed_title="Morning Post", **item),
        figure=make_figure_hit(name=name, figure_id=name.lower(), mentions=(figure,)),
        policy_topics=(PolicyTopicHit(policy_topic="ai", score=0.9, evidence=(topic,)),),
    )
    return decide(None, make_rule(), mention, NOW + timedelta(seconds=1)).alert


def test_an_alert_says_who_what_where_and_how_fast():
    text = shown(render_alerts([alert()], NOW + timedelta(seconds=2)))
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines == [
        "ALERT   Ada Example  ai",
        "        Ada Example in Brussels",
        "        In the hearing [Ada Example] defended the new rules for {AI} models.",
        "        Morning Post (en) · confidence 0.95 · 2.0 s after first seen · everything",
        "        https://news.example/1",
        "",
    ]


def test_alerts_of_one_item_are_one_block():
    text = shown(render_alerts([alert(), alert(name="Bob Sample")], NOW))
    assert text.splitlines()[0].strip() == "ALERT   Ada Example, Bob Sample  ai"
    assert text.count("Ada Example in Brussels") == 1


def test_copies_take_one_quiet_line():
    assert shown(render_silent([alert()])).strip() == (
        "+ first item of this story (1 items): Ada Example · Ada Example in Brussels"
    )


@given(st.text())
def test_feed_text_never_steers_the_terminal(text):
    output = shown(render_alerts([alert(title=text, url=text, name=text)], NOW))
    assert not {c for c in output if ord(c) < 32 or 127 <= ord(c) < 160} - {"\n"}
