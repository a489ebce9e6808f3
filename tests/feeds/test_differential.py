"""Our reading beside feedparser's: the check itself, and what it says of the collections."""

from datetime import UTC, datetime

import pytest

from tests.feeds.differential import (
    REASONS,
    SNAPSHOTS,
    SUITE,
    URL,
    Values,
    check_snapshots,
    check_suite,
    differ,
    main,
    snapshot_files,
    suite_files,
)
from tests.feeds.fakes import rss

LINK = "https://feed.example/1"
DATE = datetime(2026, 11, 20, tzinfo=UTC)
OURS = Values("g", LINK, "t", DATE)


@pytest.mark.parametrize(
    ("ours", "theirs", "raw_title", "reasons"),
    [
        (OURS, OURS, "t", []),
        (OURS, OURS._replace(date=None), "t", ["date feedparser cannot read"]),
        (OURS._replace(date=None), OURS, "t", [""]),
        (OURS._replace(title="<b>t</b>"), OURS, " <b>t</b>", ["markup as published"]),
        (OURS, OURS._replace(title="other"), "t, too", [""]),
        (OURS, OURS._replace(title="t\x07"), "t", ["cleaned"]),
        (OURS, OURS._replace(link="1"), "t", ["resolved link"]),
        (OURS._replace(link=""), OURS._replace(link="tag:1"), "t", ["no http link"]),
        (OURS._replace(link=""), OURS, "t", [""]),
        (OURS._replace(link=""), OURS._replace(link="https://feed.example/g"), "t", ["guid as written"]),
        (OURS, OURS._replace(id="https://feed.example/g"), "t", ["guid as written"]),
        (OURS, OURS._replace(id="other"), "t", [""]),
        (OURS._replace(id="", link=""), OURS, "t", ["", ""]),
    ],
)  # fmt: skip
def test_every_difference_has_a_reason_or_is_told(ours, theirs, raw_title, reasons):
    found = [each.reason for each in differ("x", ours, theirs, raw_title, URL)]
    assert found == reasons
    assert all(reason in {"", *REASONS} for reason in found)


async def test_files_that_agree_pass_and_others_do_not(tmp_path):
    folder = tmp_path / "wellformed"
    folder.mkdir()
    good, lost = folder / "good.xml", folder / "lost.xml"
    good.write_bytes(rss("one", "two"))
    lost.write_bytes(
        b"<p><rss version='2.0'><channel><item><title>x</title></item></channel></rss></p>"
    )
    page = folder / "page.xml"
    page.write_bytes(b"<html><item><title>x</title></item></html>")
    report = await check_suite([good, lost])
    assert report.passed
    assert (report.documents, report.entries, report.equal) == (2, 3, 3)
    report = await check_suite([good, page])
    assert not report.passed
    assert "0 entries instead of 1" in report.failures[0]
    report = await check_snapshots([good])
    assert report.passed
    assert report.equal_share == 1.0


def test_the_command_knows_what_it_can_check(capsys):
    assert main([]) == 2
    assert "suite|snapshots" in capsys.readouterr().out


@pytest.mark.skipif(not SUITE.is_dir(), reason=f"no feedparser suite at {SUITE}")
async def test_the_suite_of_feedparser():
    report = await check_suite(suite_files())
    assert report.documents > 2_000
    assert report.entries > 1_000
    assert (report.failures, report.unexplained) == ([], [])
    assert report.passed


@pytest.mark.skipif(not SNAPSHOTS.is_dir(), reason=f"no snapshots at {SNAPSHOTS}")
async def test_snapshots_of_news_feeds():
    report = await check_snapshots(snapshot_files())
    assert report.documents == 18
    assert (report.failures, report.unexplained) == ([], [])
    assert report.passed
