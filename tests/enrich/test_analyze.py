"""`wirewatch analyze` as a user runs it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from streams.enrich.report import report
from streams.enrich.verbs.analyzing import analyze
from streams.errors import ConfigError, NotFoundError
from streams.records import (
    EnrichedItem,
    Entity,
    Evidence,
    FieldSpan,
    FigureHit,
    ItemRef,
    PolicyTopicHit,
    Reason,
)
from streams.wire import decode

SEED = (
    Path(__file__).resolve().parents[2].parent
    / "shared/data/seed/zuckerberg-trump-ki-berater.de.txt"
)
WATCHLIST = """
figures:
  - id: ada-lovelace
    name: Ada Lovelace
    kind: person
    qid: Q7259
"""
ARTICLE = """Ada Lovelace fined over AI app

The European regulator fined Ada Lovelace’s company, Café Analytica.
"""

app = typer.Typer()
app.command()(analyze)


@pytest.fixture
def watchlist(tmp_path: Path) -> Path:
    path = tmp_path / "watchlist.yaml"
    path.write_text(WATCHLIST, "utf-8")
    return path


def run(watchlist: Path, *arguments: str, stdin: bytes | None = None) -> Result:
    command = [*arguments, "--watchlist", str(watchlist)]
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, command, input=stdin)


def enriched(result: Result) -> EnrichedItem:
    assert result.exit_code == 0, result.output
    return decode(EnrichedItem, result.stdout.encode())


def test_a_reader_sees_marks_reasons_and_sentences(watchlist: Path, tmp_path: Path) -> None:
    file = tmp_path / "article.txt"
    file.write_text(ARTICLE, "utf-8")
    result = run(watchlist, str(file))
    assert result.exit_code == 0, result.output
    for expected in [
        "language: en",
        "figures: [1] Ada Lovelace",
        "Ada Lovelace [1] fined",
        "AI",
        "[regulation]",
        "figure [1]: Ada Lovelace (Q7259)",
        "the full name stands here: Ada Lovelace",
        "‹Ada Lovelace› fined over AI app",
        "policy topic [regulation]",
        "what the words say",
        "versions: app",
    ]:
        assert expected in result.stdout


def test_a_mistyped_name_is_told_with_what_is_off(watchlist: Path) -> None:
    text = ARTICLE.replace("Lovelace", "Lovelase").encode()
    result = run(watchlist, "-", stdin=text)
    assert result.exit_code == 0, result.output
    for expected in [
        "figure [1]: Ada Lovelace (Q7259), 43%, possible: stored, but never alerts",
        "a person stands here whose name is nearly this one: Ada Lovelace",
        "a letter off, so probably mistyped: “Lovelase” for “Lovelace”",
        "‹Ada Lovelase› fined over AI app",
    ]:
        assert expected in result.stdout


def test_json_is_the_enriched_item_and_stable(watchlist: Path, tmp_path: Path) -> None:
    file = tmp_path / "article.txt"
    file.write_text(ARTICLE, "utf-8")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    first, second = (run(watchlist, str(file), "--json") for _ in range(2))
    assert first.stdout == second.stdout
    item = enriched(first)
    assert item.item.title == "Ada Lovelace fined over AI app"
    assert item.item.published_at.timestamp() == 1_700_000_000
    assert item.figures[0].figure_id == "ada-lovelace"


def test_standard_input_and_windows_1252(watchlist: Path) -> None:
    result = run(watchlist, "-", "--json", stdin=ARTICLE.encode("windows-1252"))
    assert "Lovelace’s company, Café" in enriched(result).text
    assert "read as Windows-1252" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_encodings_need_no_note(watchlist: Path, encoding: str) -> None:
    result = run(watchlist, "-", "--json", stdin=ARTICLE.encode(encoding))
    assert enriched(result).text.startswith("Ada Lovelace fined")
    assert result.stderr == ""


PAGE = b"<html><head><title>A &lt;b&gt; title</title></head><body><p>One<p>Two</body></html>"


def test_html_is_recognised(watchlist: Path) -> None:
    item = enriched(run(watchlist, "-", "--json", stdin=PAGE))
    assert item.item.title == "A <b> title"
    assert item.text.endswith("One\nTwo")


def test_html_can_be_read_as_text(watchlist: Path) -> None:
    item = enriched(run(watchlist, "-", "--json", "--text", stdin=b"Use <p> for\nparagraphs."))
    assert item.text == "Use <p> for\nparagraphs."


def test_a_long_first_line_is_no_title(watchlist: Path) -> None:
    item = enriched(run(watchlist, "-", "--json", stdin=b"word " * 40 + b"\n\nMore."))
    assert item.item.title == ""
    assert [field.name for field in item.fields] == ["body"]


def test_nothing_at_all(watchlist: Path) -> None:
    result = run(watchlist, "-", stdin=b"")
    assert result.exit_code == 0
    assert "figures: none" in result.stdout


def test_expected_failures_name_a_cure(watchlist: Path, tmp_path: Path) -> None:
    missing = run(watchlist, str(tmp_path / "nothing.txt"))
    assert isinstance(missing.exception, NotFoundError)
    assert "nothing.txt" in str(missing.exception)
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "ai.yaml").write_text("strong: [", "utf-8")
    broken = run(watchlist, "-", "--policy", str(policy), stdin=b"x")
    assert isinstance(broken.exception, ConfigError)


def test_a_terminal_obeys_nothing_that_was_found() -> None:
    hostile = "[/x] [link=https://evil.example]:bomb: \x1b[31m \x9b31m \u202e"
    place = Evidence(
        field="title", start=0, end=len(hostile), surface=hostile, sentence=hostile,
        sentence_start=0, rule=hostile, detail=hostile,
    )  # fmt: skip
    reason = Reason(rule=hostile, detail=hostile)
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    item = EnrichedItem(
        item=ItemRef(
            item_id="i", feed_id="f", lang=hostile,
            published_at=moment, seen_at=moment, enriched_at=moment,
        ),
        text=f"{hostile} and the rest",
        fields=(FieldSpan(name="title", start=0, end=len(hostile)),),
        entities=(Entity(text=hostile, label=hostile, start=0, end=len(hostile)),),
        figures=(
            FigureHit(
                figure_id="f", name=hostile, qid=hostile, confidence=1, level="alert",
                mentions=(place,), reasons=(reason,),
            ),
        ),
        policy_topics=(PolicyTopicHit(policy_topic=hostile, score=1, evidence=(place,)),),
        versions={hostile: hostile},
        skipped=(hostile,),
    )  # fmt: skip
    screen = StringIO()
    Console(width=400, force_terminal=True, color_system=None, file=screen).print(report(item))
    shown = screen.getvalue()
    assert not set("\x1b\x9b\u202e") & set(shown)
    plain = "[/x] [link=https://evil.example]:bomb: �[31m �31m �"
    assert f"{plain} [1, {plain}] and the rest" in shown
    assert f"skipped: {plain}" in shown


@pytest.mark.skipif(not SEED.exists(), reason="the seed article lies beside the project only")
def test_the_seed_article() -> None:
    result = CliRunner().invoke(app, [str(SEED), "--json"])
    item = enriched(result)
    assert item.item.lang == "de"
    assert {"ai", "content-moderation"} <= {hit.policy_topic for hit in item.policy_topics}
    assert {"Mark Zuckerberg", "Donald Trump"} <= {hit.name for hit in item.figures}
