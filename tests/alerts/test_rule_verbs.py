"""`wirewatch rules …` as a user runs it."""

import asyncio
import json

import msgspec
import pytest
from typer.testing import CliRunner

from streams.alerts.verbs.ruling import app
from streams.broker.broadcast import publish
from streams.broker.topics import FEEDS, RULES, WATCHLIST
from streams.broker.topics import apply as apply_topics
from streams.config import BrokerSettings, Settings
from streams.errors import BrokerError, ConfigError, NotFoundError
from streams.records import Feed, Figure, Rule

NOWHERE = ("--broker", "127.0.0.1:1")
WATCHLIST_FILE = """
figures:
  - {id: zorv, name: Nina Zorv, kind: person, lists: [politics]}
  - {id: quent, name: Otto Quent, kind: person}
"""
POLICY_FILE = """
id: ai
name: Artificial intelligence
definition: About machines that learn.
strong: {any: [artificial intelligence]}
"""
RULES_FILE = """
rules:
  - id: zorv-ai
    name: Nina Zorv and AI
    figures: {any: [zorv]}
    policy_topics: {any: [ai], min_score: 0.6}
  - id: politics
    figures: {lists: [politics]}
    sources: {tiers: [1]}
    when: {kind: count, at_least: 3, window: 2h}
"""
TEXT = "Nina Zorv wants strict rules for artificial intelligence."


def run(*arguments, stdin=None):
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments), input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A configuration folder; the starter's policy topics would take seconds to read."""
    (tmp_path / "watchlist.yaml").write_text(WATCHLIST_FILE, "utf-8")
    (tmp_path / "rules.yaml").write_text(RULES_FILE, "utf-8")
    (tmp_path / "feeds.yaml").write_text(
        "feeds: [{id: wire, url: 'https://wire.example/feed'}]", "utf-8"
    )
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "ai.yaml").write_text(POLICY_FILE, "utf-8")
    monkeypatch.setenv("WIREWATCH_CONFIG", str(tmp_path))
    return tmp_path


@pytest.fixture
def live(embedded_broker, folder):
    """A broker with a watchlist and a feed; the flags that name it."""
    asyncio.run(apply_topics(embedded_broker))
    flags = "--broker", embedded_broker.broker.bootstrap
    write(flags, WATCHLIST, zorv=Figure(figure_id="zorv", name="Nina Zorv", kind="person"))
    write(flags, FEEDS, wire=Feed(feed_id="wire", url="https://wire.example/feed"))
    return flags


def write(live, topic, **records):
    settings = Settings(broker=BrokerSettings(bootstrap=live[1]))
    asyncio.run(publish(settings, topic, records))


def rules(live) -> dict[str, Rule]:
    shown = run("list", "--json", *live).stdout
    return {rule.rule_id: rule for rule in msgspec.json.decode(shown, type=list[Rule])}


# --- list -------------------------------------------------------------------------------------


def test_the_rules_of_a_file_are_listed(folder):
    shown = run("list", str(folder / "rules.yaml")).stdout
    assert "zorv-ai" in shown
    assert "on politics" in shown
    assert "3 stories within 2 h" in shown
    assert shown.rstrip().endswith("2 rules")
    listed = json.loads(run("list", str(folder / "rules.yaml"), "--json").stdout)
    assert [rule["rule_id"] for rule in listed] == ["zorv-ai", "politics"]


def test_listing_needs_a_file_or_a_broker(folder):
    with pytest.raises(NotFoundError, match="no file"):
        run("list", str(folder / "none.yaml"))
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1"):
        run("list", *NOWHERE)


# --- check ------------------------------------------------------------------------------------


def test_the_configuration_is_checked_by_default(folder):
    ended = run("check", "--strict")
    assert ended.exit_code == 0
    assert ended.stdout == f"{folder / 'rules.yaml'}: 2 rules: 0 errors, 0 warnings\n"


def test_errors_name_file_line_rule_field_and_cure(folder):
    path = folder / "rules.yaml"
    wrong = RULES_FILE.replace("[zorv]", "[zorf]").replace("tiers: [1]", "feeds: [wires]")
    path.write_text(wrong, "utf-8")
    ended = run("check")
    assert ended.exit_code == 1
    assert ended.stdout.splitlines() == [
        f"{path}:5: error: zorv-ai: figures.any: no figure 'zorf' (did you mean 'zorv'?)",
        f"{path}:9: error: politics: sources.feeds: no feed 'wires' (did you mean 'wire'?)",
        f"{path}: 2 rules: 2 errors, 0 warnings",
    ]
    (report,) = json.loads(run("check", "--json").stdout)
    assert (report["errors"], report["warnings"], report["rules"]) == (2, 0, 2)
    assert report["findings"][0] == {
        "level": "error",
        "rule_id": "zorv-ai",
        "field": "figures.any",
        "message": "no figure 'zorf'",
        "cure": "did you mean 'zorv'?",
        "line": 5,
    }


def test_several_files_and_what_is_not_meant(folder):
    more = folder / "more.yaml"
    more.write_text("rules: [{id: all}, {id: quent, figures: {any: [quent]}}]", "utf-8")
    ended = run("check", str(folder / "rules.yaml"), str(more))
    assert ended.exit_code == 0
    assert f"{more}:1: warning: all: id: matches every mention" in ended.stdout
    assert f"{more}:1: warning: quent: id: whatever it matches, 'all' matches too" in ended.stdout
    assert run("check", str(more), "--strict").exit_code == 1


DESK = "{id: desk, url: 'https://desk.example/in', secret_env: NOT_SET, routes: [desk, late]}"
ALL = "{id: all, url: 'https://all.example/in', secret_env: NOT_SET}"


@pytest.mark.parametrize(
    ("receivers", "route", "told"),
    [
        ("", "", ""),
        (f"{DESK}, {ALL}", "nowhere", ""),  # one of them hears of everything
        (DESK, "desk", ""),
        (DESK, "", "has routes, and the rule none (write one of desk, late, or add a receiver)"),
        (DESK, "dsk", "has the route 'dsk' (did you mean 'desk'?)"),
    ],
)
def test_a_rule_of_which_nobody_is_told(folder, receivers, route, told):
    """Whoever checks rules need not have the receivers' secrets."""
    (folder / "notify.yaml").write_text(f"receivers: [{receivers}]", "utf-8")
    rules = f"rules: [{{id: zorv, figures: {{any: [zorv]}}{route and ', route: ' + route}}}]"
    (folder / "rules.yaml").write_text(rules, "utf-8")
    shown = run("check").stdout
    assert ("1: warning: zorv: route: nobody is told: " in shown) == bool(told)
    assert told in shown


def test_a_folder_without_a_watchlist(folder):
    (folder / "watchlist.yaml").unlink()
    ended = run("check")
    assert ended.exit_code == 0
    assert "names of figures and lists are not checked" in ended.stderr


def test_what_cannot_be_checked(folder):
    with pytest.raises(NotFoundError, match="no file"):
        run("check", str(folder / "none.yaml"))
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1"):
        run("check", *NOWHERE)
    (folder / "rules.yaml").write_text("rules: [{}]", "utf-8")
    with pytest.raises(ConfigError, match=r"rules\.yaml:1: .*missing required field `id`"):
        run("check")


# --- test -------------------------------------------------------------------------------------


def test_a_text_is_held_against_the_rules_of_a_file(folder):
    shown = run("test", str(folder / "rules.yaml"), TEXT).stdout
    assert "Nina Zorv (zorv), " in shown
    assert "  fires  zorv-ai: Nina Zorv and AI\n      yes  figures.any: zorv\n" in shown
    assert "      yes  policy_topics.any: best is ai with " in shown
    assert "  no     politics: politics\n" in shown
    assert "      no   sources.tiers: 2 is not among 1\n" in shown
    assert (
        "  waits  politics" in run("test", str(folder / "rules.yaml"), TEXT, "--tier", "1").stdout
    )


def test_how_urgent_an_alert_would_be_is_told_with_what_raises_it(folder):
    severity = "severity: {base: alert, bump: [headline, tier1]}\n    figures: {any: [zorv]}"
    path = folder / "rules.yaml"
    path.write_text(RULES_FILE.replace("figures: {any: [zorv]}", severity), "utf-8")
    plain = run("test", "zorv-ai", TEXT).stdout
    assert "      severity alert\n" in plain
    raised = run("test", "zorv-ai", TEXT, "--tier", "1").stdout
    assert "      severity urgent, raised since the source is tier 1\n" in raised
    shown = json.loads(run("test", "zorv-ai", TEXT, "--tier", "1", "--json").stdout)
    (rule,) = shown["mentions"][0]["rules"]
    assert rule["severity"] == "urgent"
    assert rule["severity_reasons"] == ["the source is tier 1"]
    nothing = run("test", "zorv-ai", "Nina Zorv sings.", "--tier", "1").stdout
    assert "severity" not in nothing  # no rule matches, so there is no alert


def test_one_rule_by_its_id(folder):
    shown = json.loads(run("test", "zorv-ai", TEXT, "--json").stdout)
    (mention,) = shown["mentions"]
    (rule,) = mention["rules"]
    assert (shown["lang"], mention["figure_id"]) == ("en", "zorv")
    assert (rule["rule_id"], rule["matches"], rule["fires"], rule["when"]) == (
        "zorv-ai", True, True, ""
    )  # fmt: skip
    assert rule["checks"][0] == {
        "condition": "figures.any", "passed": True, "detail": "zorv", "parts": []
    }  # fmt: skip
    with pytest.raises(NotFoundError, match=r"no rule 'zorv-a'.*did you mean zorv-ai\?"):
        run("test", "zorv-a", TEXT)


def test_a_file_with_a_page(folder):
    page = folder / "page.html"
    page.write_text(f"<title>News</title><p>{TEXT}</p>", "utf-8")
    shown = json.loads(run("test", "zorv-ai", "--file", str(page), "--json").stdout)
    assert "<p>" not in shown["text"]
    assert shown["mentions"][0]["rules"][0]["fires"]
    by_pipe = run("test", "zorv-ai", "--file", "-", stdin=TEXT)
    assert "fires" in by_pipe.stdout


def test_a_text_without_figures(folder):
    ended = run("test", "zorv-ai", "Nothing happened.")
    assert ended.exit_code == 0
    assert "no watched figure is found" in ended.stdout


def test_what_cannot_be_tried(folder):
    for arguments in ((), (TEXT, "--file", "x")):
        ended = run("test", "zorv-ai", *arguments)
        assert ended.exit_code == 2
    with pytest.raises(NotFoundError, match=r"none\.txt"):
        run("test", "zorv-ai", "--file", str(folder / "none.txt"))
    with pytest.raises(NotFoundError, match="no file"):
        run("test", str(folder / "none.yaml"), TEXT)
    with pytest.raises(ConfigError, match="not both"):
        run("test", "zorv-ai", TEXT, "--live", "--watchlist", "w.yaml")


# --- live -------------------------------------------------------------------------------------


@pytest.mark.embedded
def test_rules_are_added_replaced_and_removed(live, folder):
    path = folder / "mine.yaml"
    path.write_text(
        "rules: [{id: mine, figures: {any: [zorv]}, sources: {feeds: [wire]}}]", "utf-8"
    )
    assert run("add", str(path), *live).stdout == "mine\n"
    assert (rules(live)["mine"].origin, rules(live)["mine"].version) == ("cli", 1)
    again = run("add", str(path), *live)
    assert (again.stdout, "mine is as it was" in again.stderr) == ("mine\n", True)

    path.write_text("rules:\n- id: mine\n  figures: {any: [zorv]}", "utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml:2: id: 'mine' is already there.*--replace"):
        run("add", str(path), *live)
    for _ in range(2):  # the second time changes nothing, not even the version
        run("add", str(path), "--replace", *live)
        assert rules(live)["mine"].version == 2

    with pytest.raises(NotFoundError, match=r"did you mean mine\?"):
        run("remove", "mine", "min", *live)
    assert run("remove", "mine", "mine", *live).stdout == "removed mine\n"
    assert rules(live) == {}


@pytest.mark.embedded
def test_nothing_is_added_if_anything_is_wrong(live, folder):
    path = folder / "mine.yaml"
    path.write_text("rules:\n- {id: good}\n- {id: bad, figures: {any: [quent]}}", "utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml:3: rule 'bad', figures\.any: no figure"):
        run("add", str(path), *live)
    assert rules(live) == {}


@pytest.mark.embedded
def test_a_rule_of_the_file_comes_back(live):
    write(live, RULES, filed=Rule(rule_id="filed", origin="file"))
    ended = run("remove", "filed", *live)
    assert ended.stdout == "removed filed\n"
    assert "take it out there too" in ended.stderr


@pytest.mark.embedded
def test_live_rules_are_tried_with_the_live_watchlist(live, folder):
    write(live, RULES, mine=Rule(rule_id="mine"))
    shown = run("test", "mine", TEXT, *live).stdout
    assert "  fires  mine: " in shown
    with pytest.raises(NotFoundError, match="no rule 'zorv-ai'"):
        run("test", "zorv-ai", TEXT, *live)
    ended = run("check", *live)
    assert ended.exit_code == 1
    assert "error: politics: figures.lists: no figure list 'politics'" in ended.stdout
