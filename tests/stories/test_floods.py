"""A wire story a thousand times over is one story; five hundred reports from templates are five hundred."""

from datetime import timedelta

from streams.stories.evaluation import group
from tests.stories.samples import copies, reports


def test_a_thousand_copies_of_one_wire_story_are_one_story():
    items = copies(1_000, feeds=40, within=timedelta(hours=2))
    grouped = group(items)
    assert len({each.story for each in grouped}) == 1
    assert {each.copy_group for each in grouped} == {items[0].item.item_id}


def test_reports_from_a_template_are_never_merged():
    grouped = group(reports(500, every=timedelta(minutes=8)))
    assert len({each.story for each in grouped}) == 500


def test_reports_from_a_template_within_minutes_are_never_merged():
    grouped = group(reports(75, every=timedelta(seconds=20)))
    assert len({each.story for each in grouped}) == 75
