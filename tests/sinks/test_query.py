from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from rich.console import Console

from streams.broker.topics import ALERTS, ITEMS
from streams.errors import NotFoundError
from streams.sinks.parquet import row_of, write_batch
from streams.sinks.query import QueryError, as_csv, as_json, as_table, run_query
from streams.wire import encode
from tests.desk.samples import NOON, make_alert


@pytest.fixture
def folder(tmp_path):
    """Two revisions of alert a, which lie in two files and days, and one of b."""
    a1, a2 = make_alert("a", 1), make_alert("a", 2, at=NOON + timedelta(days=1), severity="flash")
    b1 = make_alert("b", headline="\x1b[31mrot, „quer“", policy_topics=("ai", "regulation"))
    for offset, alert in enumerate((a1, b1, a2)):
        write_batch(tmp_path, ALERTS, 0, offset, offset, [row_of(ALERTS, 0, offset, encode(alert))])
    return tmp_path


def test_all_revisions_and_the_latest(folder):
    assert run_query(folder, "SELECT count(*) FROM alerts").rows == [(3,)]
    latest = run_query(
        folder, "SELECT alert_id, revision, severity FROM alerts_latest ORDER BY alert_id"
    )
    assert latest.columns == ("alert_id", "revision", "severity")
    assert latest.rows == [("a", 2, "flash"), ("b", 1, "urgent")]


def test_days_lists_times_and_the_full_record_can_be_asked_for(folder):
    sql = """
        SELECT dt::VARCHAR, alerted_at, list_contains(policy_topics, 'regulation'),
               record->>'$.latency.seen_at'
        FROM alerts WHERE alert_id = 'b'
    """
    [(day, at, found, seen)] = run_query(folder, sql).rows
    assert (day, at, found) == ("2026-03-02", NOON, True)
    assert seen.startswith("2026-03-02T11:59:58")


def test_a_table_without_files_is_empty_but_known(folder):
    assert run_query(folder, "SELECT item_id, title FROM items").rows == []
    assert run_query(folder, "SELECT figure_id, story_id FROM mentions").rows == []


@pytest.mark.parametrize("sql", ["SELECT nothing FROM alerts", "SELEKT 1", "SELECT * FROM nowhere"])
def test_wrong_sql_is_explained(folder, sql):
    with pytest.raises(QueryError, match="the views are items, mentions, alerts, alerts_latest"):
        run_query(folder, sql)


def test_no_archive(tmp_path):
    with pytest.raises(NotFoundError, match="wirewatch archive"):
        run_query(tmp_path / "nowhere", "SELECT 1")


def test_json(folder):
    result = run_query(
        folder, "SELECT alert_id, alerted_at, policy_topics FROM alerts_latest ORDER BY 1"
    )
    assert json.loads(as_json(result)) == [
        {"alert_id": "a", "alerted_at": "2026-03-03T12:00:00Z", "policy_topics": ["ai"]},
        {"alert_id": "b", "alerted_at": "2026-03-02T12:00:00Z", "policy_topics": ["ai", "regulation"]},
    ]  # fmt: skip


def test_csv(folder):
    file = io.StringIO()
    as_csv(run_query(folder, "SELECT 'x, \"y\"' AS a, NULL AS b, ['z'] AS c"), file)
    assert file.getvalue() == 'a,b,c\n"x, ""y""",,"[""z""]"\n'


def test_a_hostile_headline_does_not_steer_the_terminal(folder):
    file = io.StringIO()
    console = Console(file=file, width=120, force_terminal=False)
    console.print(as_table(run_query(folder, "SELECT headline FROM alerts WHERE alert_id = 'b'")))
    printed = file.getvalue()
    assert "\x1b" not in printed
    assert "rot, „quer“" in printed


def test_the_verb_prints_one_json_document(folder):
    done = subprocess.run(
        [sys.executable, "-c", "from streams.sinks.verbs import app; app()", "query",
         "SELECT count(*) AS n FROM alerts", "--from", str(folder), "--json"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(done.stdout) == [{"n": 3}]
    assert ITEMS not in done.stderr
