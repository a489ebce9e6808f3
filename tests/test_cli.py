"""The command as a shell sees it: help, one clear message per mistake, exit codes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from streams.broker.broadcast import Broadcast
from streams.broker.topics import FEEDS, RULES, WATCHLIST
from streams.cli import app
from streams.config import default_config_folder
from streams.records import Feed, Figure, Rule

VERBS = [
    "up", "worker", "poll", "desk", "notify", "archive", "newsroom", "analyze", "query", "schemas",
    "feeds", "topics", "config", "feeds add", "feeds list", "feeds remove", "feeds import",
    "feeds export", "feeds check", "feeds status", "feeds discover", "topics list", "topics apply", "topics check", "config check",
    "config publish", "watchlist", "watchlist add", "watchlist edit", "watchlist remove", "watchlist list",
    "watchlist import", "watchlist export", "watchlist check", "watchlist test",
    "rules", "rules add", "rules list", "rules check", "rules test", "rules remove",
    "backtest", "explain", "replay", "privacy", "privacy export", "privacy erase",
    "eval", "eval figures", "eval policy", "eval language", "eval stories",
    "dead-letters", "dead-letters list", "dead-letters show", "dead-letters redrive", "dead-letters purge",
]  # fmt: skip
NOWHERE = "127.0.0.1:1"


def wirewatch(*arguments, stdin="", cwd=None, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WIREWATCH_")}
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(Path(__file__).parent.parent), "COLUMNS": "100"}
        | environment,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_every_verb_explains_itself(verb):
    ended = wirewatch(*verb.split(), "--help")
    assert ended.returncode == 0
    assert "Usage:" in ended.stdout
    assert len(ended.stdout.splitlines()) > 5


def commands(command, name="wirewatch"):
    yield name, command
    for verb, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {verb}")


def test_no_help_text_loses_its_brackets_to_markup():
    for name, command in commands(typer.main.get_command(app)):
        tags = re.findall(r"(?<!\\)\[(/?[a-z#@][^][]*)]", command.help or "")
        assert set(tags) <= {"bold", "/bold"}, name


def test_the_readme_names_every_verb():
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    for verb in {verb.split()[0] for verb in VERBS} - {"newsroom"}:
        assert f"`{verb}" in readme or f"wirewatch {verb}" in readme, verb


def test_the_version():
    assert wirewatch("--version").stdout.startswith("wirewatch 0.")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--bogus"], 2, ["No such option", "--bogus"]),
        (["nonsense"], 2, ["nonsense"]),
        (["up", "--end-after", "soon"], 2, ["--end-after", "90s"]),
        (["up", "--config", "/nowhere"], 66, ["no folder /nowhere"]),
        (["worker", "--only", "all", "--broker", NOWHERE], 2, ["enrich, stories, alerts"]),
        (["analyze", "/nowhere.txt"], 66, ["/nowhere.txt"]),
        (["feeds", "check", "/nowhere.xml"], 66, ["/nowhere.xml"]),
        (["config", "check", "/nowhere"], 66, ["/nowhere"]),
        (["topics", "check"], 69, ["no broker", "wirewatch up", "--broker"]),
        (["topics", "check", "--broker", NOWHERE], 69, [NOWHERE]),
        (["topics", "check", "--broker", "what is this"], 78, ["what is this"]),
        (["feeds", "list", "--broker", NOWHERE], 69, [NOWHERE]),
        (["watchlist", "check", "/nowhere.yaml"], 66, ["/nowhere.yaml"]),
        (["watchlist", "test"], 2, ["TEXT"]),
        (["watchlist", "test", "x", "--watchlist", "/nowhere.yaml"], 66, ["/nowhere.yaml"]),
        (["watchlist", "list", "--broker", NOWHERE], 69, [NOWHERE]),
        (["watchlist", "add", "Nina Zorv", "--kind", "robot"], 2, ["robot", "organisation"]),
        (["backtest", "ai", "--broker", NOWHERE], 69, [NOWHERE]),
        (["backtest", "ai", "--since", "soon"], 78, ["--since", "'soon'", "7d"]),
        (["explain", "x", "--broker", NOWHERE], 69, [NOWHERE]),
        (["replay", "poll", "--since", "1d"], 2, ["enrich, stories, alerts"]),
        (["replay", "alerts", "--since", "1d"], 78, ["--shadow", "same ids", "backtest"]),
        (["poll", "--broker", NOWHERE], 69, [NOWHERE]),
        (["worker", "--only", "enrich", "--broker", NOWHERE], 69, [NOWHERE]),
        (["desk", "--broker", NOWHERE], 69, [NOWHERE]),
        (["up", "--broker", NOWHERE], 69, [NOWHERE]),
        (["up", "--demo", "--broker", NOWHERE], 2, ["--demo", "broker of its own"]),
        (["up", "--desk-port", "700000"], 2, ["--desk-port"]),
        (["up", "--data", "/proc/nowhere"], 69, ["/proc/nowhere"]),
        (["worker", "--broker", NOWHERE], 69, [NOWHERE]),
        (["schemas", "/proc/nowhere", "--write"], 74, ["/proc/nowhere"]),
        (["--log-level", "loud", "topics", "list"], 78, ["LOUD", "WARNING"]),
    ],
)
def test_a_mistake_ends_in_one_clear_message(tmp_path, arguments, code, words):
    ended = wirewatch(*arguments, cwd=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    message = " ".join(ended.stderr.replace("│", " ").split())
    for word in words:
        assert word in message


@pytest.fixture
def config(tmp_path):
    folder = tmp_path / "config"
    shutil.copytree(default_config_folder(), folder)
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("feeds.yaml", "lang: de", "lnag: de", ["feeds.yaml:", "lnag", "did you mean 'lang'?"]),
        ("watchlist.yaml", "kind: person", "kind: persona", ["watchlist.yaml:", "kind"]),
        ("watchlist.yaml", "qid: Q22686", "qid: 22686", ["watchlist.yaml:", "qid"]),
        ("rules.yaml", "all: [ai, regulation]", "all: [aj]", ["rules.yaml", "policy topic 'aj'"]),
        (
            "notify.yaml",
            "receivers: []",
            "recievers: []",
            ["notify.yaml:", "did you mean 'receivers'?"],
        ),
        ("policy/ai.yaml", "\nstrong:", "\nstrong: [", ["ai.yaml:", "not valid YAML"]),
    ],
)
def test_an_invalid_file_is_named_with_line_and_cure(config, file, old, new, words):
    path = config / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    for verb in (["config", "check", str(config)], ["up", "--demo", "--config", str(config)]):
        if verb[0] == "up" and file in ("feeds.yaml", "notify.yaml"):
            continue  # the demo brings its own feeds, and tells nobody
        ended = wirewatch(*verb, cwd=config)
        assert ended.returncode == 78
        assert "Traceback" not in ended.stderr
        for word in words:
            assert word in ended.stderr


def test_the_starter_files_are_good(config):
    ended = wirewatch("config", "check", str(config))
    assert ended.returncode == 0
    assert "all good" in ended.stdout
    assert "warning" not in ended.stdout


@pytest.mark.embedded
async def test_publishing_twice_changes_nothing_the_second_time(embedded_broker, config):
    address = embedded_broker.broker.bootstrap
    publish = ["config", "publish", str(config), "--broker", address]
    first = wirewatch(*publish)
    assert first.returncode == 0, first.stderr
    second = wirewatch(*publish)
    assert [line.split(": ")[1] for line in second.stdout.splitlines()] == ["0 changed"] * 3
    ended = wirewatch("feeds", "remove", "heise", "--broker", address)
    assert ended.returncode == 0, ended.stderr
    for topic, type_, least in ((FEEDS, Feed, 30), (WATCHLIST, Figure, 40), (RULES, Rule, 5)):
        entries: Broadcast[Feed | Figure | Rule] = Broadcast(embedded_broker, topic, type_)
        await entries.start()
        assert len(entries.values) >= least
        await entries.stop()


def test_json_is_for_shells():
    topics = json.loads(wirewatch("topics", "list", "--json").stdout)
    assert {topic["name"] for topic in topics} >= {"news.items", "news.alerts"}
    ended = wirewatch("analyze", "-", "--json", stdin="Mark Zuckerberg spricht über KI.\n")
    found = json.loads(ended.stdout)
    assert found["item"]["lang"] == "de"
    assert found["figures"][0]["figure_id"] == "mark-zuckerberg"


def test_a_reader_that_closes_early_is_no_error():
    ended = subprocess.run(
        f"{sys.executable} -m streams topics list --json | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
