"""A burst in the running stream: one trend from its begin on, and the alert of a rule that asks for it."""

import asyncio
import signal
from datetime import timedelta

import pytest

from streams.broker.broadcast import publish
from streams.broker.topics import ALERTS, DEAD_LETTERS, ENRICHED, RULES, TRENDS
from streams.records import Alert, Condition, FigureSelector, Trend
from streams.testing import NOW, make_enriched, make_figure_hit, make_item_ref, make_rule
from streams.wire import encode
from tests.e2e.stream import Stream

pytestmark = [pytest.mark.e2e, pytest.mark.embedded, pytest.mark.timeout(180)]

ZUCKERBERG = "mark-zuckerberg"
SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "wi", "zo")

WORDS = 40


def word(number):
    """A word that no other number has."""
    parts = []
    for _ in range(4):
        number, rest = divmod(number, len(SYLLABLES))
        parts.append(SYLLABLES[rest])
    return "".join(parts)


def enriched(number, hours, *, figure=""):
    """An item that is a story of its own: it has hardly a word in common with any other."""
    at = NOW + timedelta(hours=hours)
    words = " ".join(word(number * WORDS + n) for n in range(WORDS))
    figures = (make_figure_hit(figure_id=figure),) if figure else ()
    return make_enriched(
        words,
        item=make_item_ref(
            number=number,
            feed_id=f"feed-{number % 5}",
            title=words[:80],
            seen_at=at,
            published_at=at,
        ),
        figures=figures,
    )


def two_quiet_days():
    """Four stories an hour about nobody; every six hours somebody else tells how much news there is."""
    return [
        enriched(n, n / 4, figure="sam-altman" if n % 24 == 1 else "") for n in range(2 * 24 * 4)
    ]


def an_hour_of_news():
    return [enriched(1_000 + n, 48 + n / 10, figure=ZUCKERBERG) for n in range(10)]


def raw(records):
    return [("en", encode(record)) for record in records]


@pytest.mark.parametrize("crash", [False, True])
async def test_ten_stories_in_an_hour_are_one_burst_and_one_alert(embedded_broker, crash):
    async with Stream(embedded_broker, "stories", "alerts") as stream:
        rule = make_rule(
            rule_id="much-ado",
            figures=FigureSelector(any=(ZUCKERBERG,)),
            when=Condition(kind="burst"),
        )
        await publish(stream.settings, RULES, {rule.rule_id: rule})
        await stream.send_raw(ENRICHED, *raw(two_quiet_days()))
        await stream.settle()
        assert [t for t in await stream.read(TRENDS, Trend) if t.kind == "burst"] == []
        news = an_hour_of_news()
        await stream.send_raw(ENRICHED, *raw(news[:6]))
        await stream.settle()
        if crash:
            stream.signal("alerts", signal.SIGKILL)
            await asyncio.sleep(0.5)
        await stream.send_raw(ENRICHED, *raw(news[6:]))
        await stream.settle()
        trends = await stream.read(TRENDS, Trend)
        alerts = [a for a in await stream.read(ALERTS, Alert) if a.rule_id == rule.rule_id]
        assert await stream.records(DEAD_LETTERS) == []
    bursts = [t for t in trends if t.kind == "burst"]
    assert [t.figure_id for t in bursts if t.phase == "begin"] == [ZUCKERBERG]
    assert len({t.trend_id for t in bursts}) == 1
    assert len({a.alert_id for a in alerts}) == 1
    newest = max(alerts, key=lambda a: a.revision)
    assert {s.item.item_id for s in newest.sources} == {e.item.item_id for e in news}
    assert newest.burst_level == max(t.level for t in bursts)
    assert alerts[0].update_reason.startswith("burst of level ")
