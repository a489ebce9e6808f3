"""A figure is erased while the alerts stage works: nothing about it comes back behind the deletion."""

import asyncio
from datetime import timedelta

import pytest

from streams.broker.broadcast import publish
from streams.broker.topics import ALERTS, DEAD_LETTERS, MENTIONS, RULES, WATCHLIST
from streams.privacy.erasing import erase
from streams.privacy.stored import living_alerts
from streams.records import Figure, Story
from streams.testing import NOW, make_figure_hit, make_item_ref, make_mention, make_rule
from streams.wire import encode
from tests.e2e.stream import Stream

pytestmark = [pytest.mark.e2e, pytest.mark.embedded, pytest.mark.timeout(120)]


def mentions(figure_id, numbers):
    return [
        (
            figure_id,
            encode(
                make_mention(
                    item=make_item_ref(number=n, seen_at=NOW + timedelta(seconds=n)),
                    story=Story(story_id=f"story-{n}"),
                    figure=make_figure_hit(figure_id=figure_id),
                )
            ),
        )
        for n in numbers
    ]


async def test_alerts_of_an_erased_figure_do_not_come_back(embedded_broker):
    async with Stream(embedded_broker, "alerts") as stream:
        figures = {
            figure_id: Figure(figure_id=figure_id, name=figure_id, kind="person")
            for figure_id in ("ada-example", "bo-example")
        }
        await publish(embedded_broker, WATCHLIST, figures)
        await publish(embedded_broker, RULES, {"everything": make_rule()})
        for figure_id in figures:
            await stream.send_raw(MENTIONS, *mentions(figure_id, range(20)))
        await stream.settle()
        assert await living_alerts(embedded_broker, "ada-example")
        sending = asyncio.create_task(
            stream.send_raw(MENTIONS, *mentions("ada-example", range(20, 60)))
        )
        assert await erase(embedded_broker, "ada-example")
        await sending
        # The stage works on, in the same partitions; before, it would have told that these alerts are closed.
        for figure_id in figures:
            await stream.send_raw(MENTIONS, *mentions(figure_id, range(60, 80)))
        await stream.settle()
        assert await living_alerts(embedded_broker, "ada-example") == {}
        assert len(await living_alerts(embedded_broker, "bo-example")) >= 40
        assert [r for r in await stream.records(ALERTS) if r.value is None]
        assert await stream.records(DEAD_LETTERS) == []
