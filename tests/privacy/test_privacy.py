"""`wirewatch privacy …` as a user runs it; files that would bring an erased figure back."""

import asyncio
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from streams.broker.broadcast import publish, read
from streams.broker.clients import connect_producer
from streams.broker.topics import (
    ALERTS,
    COMMANDS,
    ITEMS,
    MENTIONS,
    TOPICS,
    TRENDS,
    WATCHLIST,
    apply,
)
from streams.content import Content, publish_content
from streams.enrich.verbs.watching import app as watching
from streams.enrich.watchlist.erasing import mark_id, watched
from streams.errors import ConfigError, NotFoundError
from streams.privacy import erasing
from streams.privacy.retention import REMAINING, gone_by
from streams.privacy.stored import living_alerts
from streams.privacy.verbs import app
from streams.records import Command, Figure, Trend
from streams.sinks.archive import lock_archive
from streams.sinks.parquet import row_of, write_batch
from streams.testing import NOW, make_figure_hit, make_mention
from streams.wire import encode
from tests.desk.samples import make_alert

ADA = Figure(figure_id="ada-example", name="Ada Example", kind="person", origin="file")
BO = Figure(figure_id="bo-example", name="Bo Example", kind="person", origin="file")
OF_ADA: dict[str, Any] = {"figure_id": "ada-example", "figure_name": "Ada Example"}
MENTION = make_mention()
OTHER = make_mention(
    number=2,
    figure=make_figure_hit(figure_id="bo-example", name="Bo Example"),
    other_figures=("ada-example",),
)
ALERT = make_alert("a1", **OF_ADA)
OTHERS_ALERT = make_alert("b1", figure_id="bo-example", figure_name="Bo Example")
COMMAND = Command(
    command_id="c1", alert_id="a1", action="acknowledge", actor="Kim", at=NOW, expected_revision=1
)
TREND = Trend(
    trend_id="t1", figure_id="ada-example", kind="burst", window_start=NOW,
    window_end=NOW + timedelta(hours=1), count=3, expected=0.1, score=4.0,
)  # fmt: skip


def run(*arguments, app=app):
    result = CliRunner(env={"COLUMNS": "300"}).invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


async def fill(settings):
    await apply(settings)
    await publish(settings, WATCHLIST, {each.figure_id: each for each in (ADA, BO)})
    producer = await connect_producer(settings)
    newer = msgspec.structs.replace(ALERT, revision=2)
    # Alerts lie in the partition of their mention, whatever their own key says.
    for topic, key, record, partition in (
        (MENTIONS, "ada-example", MENTION, None),
        (MENTIONS, "bo-example", OTHER, None),
        (ALERTS, "a1", ALERT, 3),
        (ALERTS, "a1", newer, 3),
        (ALERTS, "b1", OTHERS_ALERT, 1),
        (COMMANDS, "a1", COMMAND, 3),
        (TRENDS, "ada-example", TREND, None),
    ):
        await producer.send_and_wait(topic, encode(record), key.encode(), partition=partition)
    await producer.stop()


@pytest.fixture
def live(embedded_broker, monkeypatch):
    monkeypatch.setattr(erasing, "NOTICE_SECONDS", 0.2)
    asyncio.run(fill(embedded_broker))
    return embedded_broker


def flags(settings) -> tuple[str, str]:
    return "--broker", settings.broker.bootstrap


def on_broker(settings) -> dict[str, Figure]:
    return dict(asyncio.run(read(settings, WATCHLIST, Figure)))


def make_archive(folder: Path) -> Path:
    for topic, records in ((MENTIONS, (MENTION, OTHER)), (ALERTS, (ALERT, OTHERS_ALERT))):
        rows = [row_of(topic, 0, offset, encode(record)) for offset, record in enumerate(records)]
        write_batch(folder, topic, 0, 0, 1, rows)
    write_batch(folder, ALERTS, 1, 0, 0, [row_of(ALERTS, 1, 0, encode(ALERT))])
    return folder


def figures_in(folder: Path) -> list[str]:
    files = sorted(folder.glob("*/dt=*/*.parquet"))
    return [row["figure_id"] for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def test_what_has_no_key_goes_with_its_age():
    assert gone_by(ITEMS, NOW).isoformat() == "2026-12-01", "7 d, a segment of one, and a day"
    assert all(gone_by(topic, NOW) > NOW.date() for topic in (ALERTS, *REMAINING))


def test_the_runbook_tells_how_long_each_topic_is_kept():
    text = (Path(__file__).parents[2] / "deploy" / "README.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `news.")]
    for topic, spec in TOPICS.items():
        (row,) = [row for row in rows if f"`{topic}`" in row]
        if spec.retention_seconds:
            assert f"{spec.retention_seconds // 86_400} d" in row, topic


@pytest.mark.embedded
def test_export_is_all_that_names_the_figure(live, tmp_path):
    archive = make_archive(tmp_path / "archive")
    file = tmp_path / "ada.jsonl"
    run("export", "ada-example", "--archive", str(archive), "--to", str(file), *flags(live))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("topic", line.get("file", "").split("/")[0]) for line in lines] == [
        WATCHLIST, ALERTS, MENTIONS, MENTIONS, TRENDS, COMMANDS, "mentions", "alerts", "alerts",
    ]  # fmt: skip
    assert lines[0]["record"]["name"] == "Ada Example"
    assert (lines[1]["record"]["alert_id"], lines[1]["record"]["revision"]) == ("a1", 2)
    assert lines[5]["record"]["actor"] == "Kim"


@pytest.mark.embedded
def test_export_takes_what_others_have_written(live):
    """A record over several lines, one with a field that is no UTF-8, a command that is no JSON at all."""

    async def write():
        producer = await connect_producer(live)
        pretty = msgspec.json.format(encode(msgspec.structs.replace(ALERT, alert_id="a2")))
        latin = encode(MENTION)[:-1] + b',"theirs":"caf\xe9"}'
        for topic, value, key in (
            (ALERTS, pretty, b"a2"), (MENTIONS, latin, b"ada-example"), (COMMANDS, b"\xff{", b"a1"),
        ):  # fmt: skip
            await producer.send_and_wait(topic, value, key)
        await producer.stop()

    asyncio.run(write())
    lines = run("export", "ada-example", *flags(live)).stdout.splitlines()
    records = [json.loads(line)["record"] for line in lines]
    assert len(records) == 9
    assert "a2" in [each["alert_id"] for each in records if "alert_id" in each]
    assert "caf\ufffd" in [each["theirs"] for each in records if "theirs" in each]
    assert "\ufffd{" in records


@pytest.mark.embedded
def test_nothing_is_erased_without_yes(live, tmp_path):
    archive = make_archive(tmp_path / "archive")
    told = run("erase", "ada-example", "--archive", str(archive), *flags(live)).stdout
    assert "nothing is changed without --yes" in told
    assert "news.alerts: would be deleted: 1" in told
    assert "rows of the archive: would be deleted: 3" in told
    assert "news.mentions: 2 mentions" in told
    assert set(on_broker(live)) == {"ada-example", "bo-example"}
    assert len(figures_in(archive)) == 5


@pytest.mark.embedded
def test_erased_is_what_is_about_the_figure_and_twice_is_once(live, tmp_path):
    archive = make_archive(tmp_path / "archive")
    erase = ("erase", "ada-example", "--archive", str(archive), "--yes", "--json", *flags(live))
    first = run(*erase)
    told = json.loads(first.stdout)
    assert (told["done"], told["entry"], told["alerts"], told["archive_rows"]) == (True, True, 1, 3)
    assert "remove ada-example from watchlist.yaml" in first.stderr
    known = on_broker(live)
    assert set(known) == {"bo-example", mark_id("ada-example")}
    assert b"ada" not in encode(known[mark_id("ada-example")]).lower()
    assert asyncio.run(living_alerts(live, "ada-example")) == {}
    assert set(asyncio.run(living_alerts(live, "bo-example"))) == {"b1"}
    assert figures_in(archive) == ["bo-example", "bo-example"]
    again = json.loads(run(*erase).stdout)
    assert (again["done"], again["entry"], again["alerts"], again["archive_rows"]) == (
        True, False, 0, 0,
    )  # fmt: skip


@pytest.mark.embedded
def test_an_archive_that_is_being_written_is_left_alone(live, tmp_path):
    archive = make_archive(tmp_path / "archive")
    holder = subprocess.Popen(
        [
            sys.executable, "-c", "import fcntl, sys; f = open(sys.argv[1], 'w'); "
            "fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()",
            str(archive / ".lock"),
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout
    holder.stdout.readline()
    try:
        with pytest.raises(ConfigError, match="another process archives"):
            run("erase", "ada-example", "--archive", str(archive), "--yes", *flags(live))
    finally:
        holder.communicate()
    assert "ada-example" in on_broker(live), "nothing was begun"
    with lock_archive(archive):
        pass


@pytest.mark.embedded
def test_a_file_does_not_bring_it_back_until_somebody_says_so(live):
    run("erase", "ada-example", "--yes", *flags(live))
    content = Content({}, {each.figure_id: each for each in (ADA, BO)}, {}, (), (), ())
    for _ in range(2):
        published = asyncio.run(publish_content(live, content))
        assert published.left_out == ("ada-example",)
        (warning,) = published.warnings
        assert warning.startswith("watchlist.yaml: ada-example was erased")
        assert "--allow-again ada-example" in warning
        assert set(watched(on_broker(live))) == {"bo-example"}
    published = asyncio.run(publish_content(live, content, ["ada-example"]))
    assert published.warnings == []
    assert set(on_broker(live)) == {"ada-example", "bo-example"}


@pytest.mark.embedded
def test_who_adds_it_by_hand_means_it(live):
    run("erase", "ada-example", "--yes", *flags(live))
    assert "ada" not in run("list", *flags(live), app=watching).stdout.lower()
    added = run("add", "Ada Example", *flags(live), app=watching)
    assert "was erased; it is watched again" in added.stderr
    assert set(on_broker(live)) == {"ada-example", "bo-example"}


@pytest.mark.embedded
@pytest.mark.parametrize("verb", ["export", "erase"])
def test_an_unknown_figure(live, verb):
    with pytest.raises(NotFoundError, match="did you mean ada-example"):
        run(verb, "ada-exampel", *flags(live))
