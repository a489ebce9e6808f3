"""The stories stage: what it knows of a partition is rebuilt from the topic."""

from streams.agents import stories as agent
from streams.agents.acking import Received
from streams.agents.stories import StoriesStage
from streams.broker.topics import ENRICHED
from streams.config import Settings
from streams.records import Mention
from streams.stories.cluster import Clusters
from streams.testing import NOW, make_enriched, make_figure_hit, make_item_ref
from streams.wire import decode, encode


def received(offset, enriched):
    return Received(
        topic=ENRICHED,
        partition=0,
        offset=offset,
        timestamp=NOW.timestamp(),
        key=b"de+en",
        value=encode(enriched),
    )


def item(number, text, figure_id):
    return make_enriched(
        text,
        item=make_item_ref(number=number, title=text, seen_at=NOW),
        figures=(make_figure_hit(figure_id=figure_id),),
    )


ONE = "Regulator opens inquiry into the ranking of posts on the largest platform of the country"
OTHER = "Minister of the interior asks for new rules about artificial intelligence in all schools"


async def test_after_a_restart_stories_that_become_one_still_take_all_their_figures_along(
    monkeypatch,
):
    """The bridge is told for figures that it does not name, else their alerts would stay behind."""
    items = [
        item(1, ONE, "ada"),
        item(2, OTHER, "bob"),
        item(3, f"{ONE}. {OTHER}", "eve"),
    ]
    log = [received(offset, each) for offset, each in enumerate(items)]
    clusters = Clusters()
    whole = [mention for each in items for mention in clusters.mentions(each)]

    async def read_history(settings, topic, partition, *, since, until_offset):
        return log[:until_offset]

    monkeypatch.setattr(agent, "read_history", read_history)
    told = []
    for record in log:
        (outcome,) = await StoriesStage(Settings()).process([record])  # a new process for each
        assert not isinstance(outcome, Exception)
        told += [decode(Mention, output.value) for output in outcome]
    assert told == whole
    assert [mention.figure.figure_id for mention in told[2:]] == ["eve", "ada", "bob"]
