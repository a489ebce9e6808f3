"""`wirewatch eval …` as a user runs it, on small files of labelled items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams import cli
from streams.enrich.evaluation import wilson
from streams.enrich.verbs.evaluating import app
from streams.errors import ConfigError, NotFoundError

WATCHLIST = """
figures:
  - {id: acme, name: Acme Werke, kind: organisation}
  - {id: nina-brandt, name: Nina Brandt, kind: person}
  - {id: tom-vogel, name: Tom Vogel, kind: person, names: [{surface: Vogel, strength: context}]}
"""
AI = """
id: ai
name: Artificial intelligence
strong: {any: [KI, AI]}
"""
REGULATION = """
id: regulation
name: Regulation
strong: {de: [Aufsicht], en: [regulator]}
"""
# Splits, by the first byte of `printf ID | b2sum`: de-1 57, de-2 82, en-1 7b, en-2 9a, a 33, b c0.
FIGURES: list[dict[str, Any]] = [
    {"id": "de-1", "lang": "de", "title": "Nina Brandt besucht Acme Werke",
     "figures": {"nina-brandt": "alert", "acme": "alert"}},
    {"id": "de-2", "lang": "de", "title": "Acme Werke spielen Theater", "figures": {}, "trap": "stage"},
    {"id": "en-1", "lang": "en", "title": "The painter of the year", "body": "She keeps silent.",
     "figures": {"nina-brandt": "alert"}},
    {"id": "a", "lang": "de", "title": "Vogel wollte sich nicht äußern.",
     "figures": {"tom-vogel": "alert"}},
    {"id": "b", "lang": "en", "title": "Snow in May", "figures": {}, "trap": "weather"},
    {"id": "c", "lang": "en", "title": "Acme Werke again", "figures": {"acme": "possible"}},
    {"id": "d", "lang": "en", "title": "Nina Brandt, not labelled"},
]  # fmt: skip
POLICY: list[dict[str, Any]] = [
    {"id": "de-1", "lang": "de", "title": "KI schreibt Gedichte", "policy_topics": ["ai"]},
    {"id": "de-2", "lang": "de", "title": "Aufsicht prüft Fähren", "policy_topics": [], "trap": "ferries"},
    {"id": "en-1", "lang": "en", "title": "Computers learn faster", "policy_topics": ["ai"]},
    {"id": "en-2", "lang": "en", "title": "Ship named AI", "policy_topics": [], "possible_topics": ["ai"]},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "ai.yaml").write_text(AI, "utf-8")
    (tmp_path / "policy" / "regulation.yaml").write_text(REGULATION, "utf-8")
    (tmp_path / "watchlist.yaml").write_text(WATCHLIST, "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, **environment: str) -> Result:
    settings = {
        "COLUMNS": "100",
        "WIREWATCH_CONFIG": str(folder),
        "WIREWATCH_SEMANTICS": "off",
        # Whoever asked for a broker would fail.
        "WIREWATCH_BROKER": "127.0.0.1:1",
        **environment,
    }
    return CliRunner(env=settings).invoke(app, [*arguments])


def write(folder: Path, items: list[dict[str, Any]], name: str = "gold.jsonl") -> str:
    path = folder / name
    path.write_text("".join(json.dumps(item) + "\n" for item in items), "utf-8")
    return str(path)


def shown(result: Result) -> list[str]:
    """Lines with single spaces."""
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def row(lines: list[str], name: str) -> str:
    """The first line that begins with a name."""
    return next(line for line in lines if line.startswith(f"{name} "))


def document(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def wrong(result: Result, error: type[Exception]) -> str:
    assert isinstance(result.exception, error), result.output
    return str(result.exception)


def numbers(row: dict[str, Any]) -> list[float | None]:
    found = [row[name] for name in ("precision", "recall", "f1")]
    return [each and round(each["value"], 4) for each in found]


# --- figures ----------------------------------------------------------------------------------


def test_figures_as_a_table_with_examples(folder: Path) -> None:
    lines = shown(run(folder, "figures", write(folder, FIGURES)))
    assert lines[0] == "figures: 6 items, split all, 1 without labels passed over"
    assert lines[1].startswith("by app ")
    assert "watchlist " in lines[1]
    # Wilson's intervals of 1/1, 1/3, 1/2 and so on.
    assert row(lines, "person").startswith("person 1 0 2 100 (21–100) 33.3 (6–79) 50.0 (")
    organisation = "organisation 1 1 0 50.0 (9–91) 100 (21–100) 66.7 ("
    assert row(lines, "organisation").startswith(organisation)
    assert row(lines, "all").startswith("all 2 1 2 66.7 (21–94) 50.0 (15–85) 57.1 (")
    means = [word for word in row(lines, "macro").split() if "(" not in word]
    assert means == ["macro", "75.0", "66.7", "58.3"]
    assert "1 found as possible only, which does not count; 1 of them among the missed" in lines
    assert "1 of 2 hard negatives passed" in lines
    assert "stage 0 1" in lines
    assert "weather 1 1" not in lines
    assert "person missed: en-1 nina-brandt: The painter of the year She keeps silent." in lines
    (false,) = (line for line in lines if line.startswith("organisation false: de-2 acme "))
    assert false.endswith("'Acme Werke': Acme Werke spielen Theater")


def test_figures_for_programs(folder: Path) -> None:
    file = write(folder, FIGURES)
    found = document(run(folder, "figures", file, "--json", "--errors"))
    assert {name: found[name] for name in ("measured", "files", "split", "lang")} == {
        "measured": "figures", "files": [file], "split": "all", "lang": "",
    }  # fmt: skip
    assert (found["items"], found["unlabelled"]) == (6, 1)
    person, organisation = found["rows"]
    assert (person["name"], numbers(person)) == ("person", [1.0, 0.3333, 0.5])
    assert (organisation["name"], numbers(organisation)) == ("organisation", [0.5, 1.0, 0.6667])
    assert numbers(found["micro"]) == [0.6667, 0.5, 0.5714]
    assert numbers(found["macro"]) == [0.75, 0.6667, 0.5833]
    assert (found["unsure"], found["unsure_missed"]) == (1, 1)
    assert found["traps"] == [
        {"trap": "stage", "items": 1, "passed": 0},
        {"trap": "weather", "items": 1, "passed": 1},
    ]
    errors = {(each["id"], each["label"]): each for each in found["errors"]}
    assert sorted(errors) == [("a", "tom-vogel"), ("de-2", "acme"), ("en-1", "nina-brandt")]
    false = errors["de-2", "acme"]
    assert (false["class"], false["kind"], false["trap"]) == ("organisation", "false", "stage")
    assert (false["labelled"], list(false["found"])) == ([], ["acme"])
    assert any("'Acme Werke' in title 0–10" in reason for reason in false["reasons"])
    assert "errors" not in document(run(folder, "figures", file, "--json"))


def test_every_mistake_is_explained(folder: Path) -> None:
    printed = run(folder, "figures", write(folder, FIGURES), "--errors").stdout
    assert "\norganisation false: 1\n" in printed
    assert "\nperson missed: 2\n" in printed
    assert "de-2: acme is found, but not labelled (trap: stage)\n" in printed
    assert "en-1: nina-brandt is labelled, but not found\n" in printed
    block = printed.split("\na: tom-vogel is labelled, but not found\n")[1].split("\n\n")[0]
    lines = [" ".join(line.split()) for line in block.splitlines()]
    assert lines[0] == "text Vogel wollte sich nicht äußern."
    assert lines[1] == "labelled tom-vogel"
    assert lines[2].startswith("found tom-vogel ")
    assert lines[2].endswith("(possible)")
    assert lines[3].startswith("because ")
    missed = printed.split("\nen-1: ")[1]
    assert "because   no name of the watchlist for it" in missed


def test_only_three_examples_of_each_kind(folder: Path) -> None:
    items = [
        {
            "id": f"i{n}",
            "lang": "de",
            "title": f"Acme Werke {n}",
            "figures": {"nina-brandt": "alert"},
        }
        for n in range(5)
    ]
    lines = shown(run(folder, "figures", write(folder, items)))
    assert sum(line.startswith("organisation false: i") for line in lines) == 3
    assert sum(line.startswith("person missed: i") for line in lines) == 3
    assert lines[-1] == "and 4 more, see --errors"


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ([], "de-1 de-2 en-1 a b c"),
        (["--split", "test"], "de-1 en-1 a c"),
        (["--split", "dev"], "de-2 b"),
        (["--lang", "en"], "en-1 b c"),
        (["--lang", "en", "--split", "dev"], "b"),
    ],
)
def test_a_part_of_the_items(folder: Path, arguments: list[str], ids: str) -> None:
    found = document(run(folder, "figures", write(folder, FIGURES), "--json", *arguments))
    assert found["items"] == len(ids.split())


def test_several_files_and_another_watchlist(folder: Path) -> None:
    first = write(folder, FIGURES[:1])
    second = write(folder, FIGURES[1:2], "second.jsonl")
    other = folder / "other.yaml"
    other.write_text(WATCHLIST.replace("Nina Brandt", "Nina Berg"), "utf-8")
    found = document(run(folder, "figures", first, second, "--json", "--watchlist", str(other)))
    assert found["files"] == [first, second]
    assert numbers(found["rows"][0]) == [None, 0.0, 0.0]


def test_a_terminal_obeys_nothing_that_was_read(folder: Path) -> None:
    hostile = {
        "id": "\x1b[31mx",
        "lang": "de",
        "title": "Acme Werke",
        "figures": {},
        "trap": "[b]\x1b",
    }
    result = run(folder, "figures", write(folder, [hostile]), "--errors")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "[b]�" in result.stdout


# --- policy topics ----------------------------------------------------------------------------


def test_policy_topics_as_a_table_with_examples(folder: Path) -> None:
    lines = shown(run(folder, "policy", write(folder, POLICY)))
    assert lines[0] == "policy: 4 items, split all"
    assert lines[1].endswith("semantics off")
    assert row(lines, "ai").startswith("ai 1 0 1 100 (21–100) 50.0 (9–91) 66.7 (")
    assert "regulation 0 1 0 0.0 (0–79) – 0.0 (0–0)" in lines
    assert row(lines, "all").startswith("all 1 1 1 50.0 (9–91) 50.0 (9–91) 50.0 (")
    assert "ferries 0 1" in lines
    assert "ai missed: en-1: Computers learn faster" in lines
    assert "regulation false: de-2 95% 'Aufsicht': Aufsicht prüft Fähren" in lines


def test_policy_topics_for_programs(folder: Path) -> None:
    found = document(run(folder, "policy", write(folder, POLICY), "--json", "--errors"))
    assert [row["name"] for row in found["rows"]] == ["ai", "regulation"]
    assert numbers(found["macro"]) == [0.5, 0.5, 0.3333]
    assert set(found["versions"]) == {"app", "watchlist", "policy", "semantics"}
    missed, false = found["errors"]
    assert missed["reasons"] == ["its words say nothing of it"]
    assert false["reasons"][0].endswith("words: Aufsicht")


def test_another_lexicon(folder: Path) -> None:
    (folder / "policy").rename(folder / "other")
    arguments = ["policy", write(folder, POLICY), "--json"]
    assert wrong(run(folder, *arguments), NotFoundError).startswith("no folder ")
    assert document(run(folder, *arguments, "--policy", str(folder / "other")))["items"] == 4


def test_semantics_are_chosen_by_option_or_environment(folder: Path) -> None:
    file = write(folder, POLICY)
    assert run(folder, "policy", file, "--semantics", "maybe").exit_code == 2
    found = document(
        run(folder, "policy", file, "--json", "--semantics", "off", WIREWATCH_SEMANTICS="on")
    )
    assert found["versions"]["semantics"] == "off"


# --- languages --------------------------------------------------------------------------------

GERMAN = "Die Stadt will im kommenden Jahr drei Brücken sanieren und dafür neue Schulden machen."


def languages() -> list[dict[str, Any]]:
    """A feed that is clearly German, with a headline that says nothing by itself."""
    long = [
        {"id": f"l{n}", "lang": "de", "feed": "blatt", "title": f"Brücke {n}", "summary": GERMAN}
        for n in range(5)
    ]
    short = {"id": "s", "lang": "de", "feed": "blatt", "title": "Zoll bleibt"}
    return [*long, short, {**short, "id": "alone", "feed": ""}]


def test_languages_with_and_without_the_feed(folder: Path) -> None:
    lines = shown(run(folder, "language", write(folder, languages())))
    assert lines[0] == "language: 7 items, split all"
    # 5/7 and 6/7; 5/5; 0/2 and 1/2: only one of the headlines has a feed that helps.
    assert "all 7 71.4 (36–92) 85.7 (49–97)" in lines
    assert "15 words or more 5 100 (57–100) 100 (57–100)" in lines
    assert "headlines 2 0.0 (0–66) 50.0 (9–91)" in lines
    assert "6 items are of a feed whose language was learned from its other items" in lines
    assert lines[-1] == "de read as und alone: alone: Zoll bleibt"


def test_all_languages_that_were_told_wrong(folder: Path) -> None:
    lines = shown(run(folder, "language", write(folder, languages()), "--errors"))
    assert [line for line in lines if " read as " in line] == [
        "de read as und alone: alone: Zoll bleibt",
        "de read as und alone and de with its feed (de): s: Zoll bleibt",
    ]


def test_languages_for_programs(folder: Path) -> None:
    file = write(folder, languages())
    found = document(run(folder, "language", file, "--json", "--errors"))
    rows = {row["name"]: row for row in found["rows"]}
    expected = wilson(6, 7)
    assert expected is not None
    assert rows["all"]["items"] == 7
    assert rows["all"]["with_prior"] == {
        "value": expected.value, "low": expected.low, "high": expected.high,
    }  # fmt: skip
    assert found["with_feed"] == 6
    assert found["errors"][1] == {
        "id": "s", "lang": "de", "alone": "und", "with_prior": "de", "feed": "blatt",
        "feed_lang": "de", "text": "Zoll bleibt",
    }  # fmt: skip
    assert "errors" not in document(run(folder, "language", file, "--json"))


def test_a_feed_is_learned_from_items_of_the_other_split_too(folder: Path) -> None:
    # By the first byte of `printf ID | b2sum` l0, l3, l4 and alone are dev: too few to learn from.
    file = write(folder, languages())
    found = document(run(folder, "language", file, "--json", "--split", "dev"))
    assert (found["items"], found["with_feed"]) == (4, 3)


# --- for CI -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["figures", "--min-f1", "0.5"], ""),
        (["figures", "--min-f1", "0.51"], "below 0.51: person 0.5000"),
        (
            ["figures", "--min-f1", "0.6", "--json"],
            "below 0.6: person 0.5000, all 0.5714, macro 0.5833",
        ),
        (["figures", "--min-f1", "0", "--lang", "de"], ""),
    ],
)
def test_a_limit_for_figures(folder: Path, arguments: list[str], told: str) -> None:
    result = run(folder, *arguments, write(folder, FIGURES))
    assert result.exit_code == (1 if told else 0)
    assert result.stderr.strip() == told
    assert result.stdout


def test_a_limit_for_policy_topics_passes_over_what_has_no_figure(folder: Path) -> None:
    file = write(folder, POLICY[:1])
    assert run(folder, "policy", file, "--min-f1", "1").exit_code == 0
    file = write(folder, POLICY)
    result = run(folder, "policy", file, "--min-f1", "0.5")
    assert result.exit_code == 1
    assert "below 0.5: regulation 0.0000, macro 0.3333" in result.stderr


@pytest.mark.parametrize("option", ["--min-accuracy", "--min-f1"])
def test_a_limit_for_languages(folder: Path, option: str) -> None:
    file = write(folder, languages())
    assert run(folder, "language", file, option, "0.5").exit_code == 0
    result = run(folder, "language", file, option, "0.9")
    assert result.exit_code == 1
    assert result.stderr.strip() == "below 0.9: all 0.8571, headlines 0.5000"


# --- what can go wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["figures", "policy", "language"])
def test_no_file_is_a_usage_error_that_names_the_documentation(folder: Path, verb: str) -> None:
    result = run(folder, verb)
    assert result.exit_code == 2
    assert "tests/gold/README.md" in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("verb", ["figures", "policy", "language"])
def test_a_missing_file_and_a_broken_one(folder: Path, verb: str) -> None:
    missing = wrong(run(folder, verb, str(folder / "nothing.jsonl")), NotFoundError)
    assert "nothing.jsonl" in missing
    broken = folder / "broken.jsonl"
    broken.write_text('{"id": "a", "lang": "de", "title": "x", "figure": {}}', "utf-8")
    message = wrong(run(folder, verb, str(broken)), ConfigError)
    assert "broken.jsonl:1: figure: " in message
    assert "did you mean 'figures'?" in message


def test_labels_that_nothing_can_meet(folder: Path) -> None:
    items = [{**FIGURES[0], "figures": {"nina": "alert"}, "policy_topics": ["a-i"]}]
    file = write(folder, items)
    message = wrong(run(folder, "figures", file), ConfigError)
    assert "gold.jsonl:1: figures: 'nina' is no figure of the watchlist" in message
    assert "did you mean 'nina-brandt'?" in message
    message = wrong(run(folder, "policy", file), ConfigError)
    assert "gold.jsonl:1: policy_topics: 'a-i' is no policy topic of the lexicon" in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["policy"], "no item is labelled with policy topics"),
        (["figures", "--lang", "fr"], "no item in language fr is labelled with figures"),
        (["language", "--lang", "fr"], "no item in language fr is labelled with language"),
        (
            ["figures", "--lang", "de", "--split", "dev"],
            "no item of split dev in language de is labelled with figures",
        ),
    ],
)
def test_nothing_to_measure(folder: Path, arguments: list[str], words: str) -> None:
    items = [item for item in FIGURES if item["id"] != "de-2"]
    message = wrong(run(folder, *arguments, write(folder, items)), NotFoundError)
    assert message.startswith(words)
    assert "tests/gold/README.md" in message


def test_a_wrong_watchlist(folder: Path) -> None:
    file = write(folder, FIGURES)
    (folder / "watchlist.yaml").write_text("figures: {", "utf-8")
    assert "watchlist.yaml" in wrong(run(folder, "figures", file), ConfigError)


def test_limits_lie_between_0_and_1(folder: Path) -> None:
    assert run(folder, "figures", write(folder, FIGURES), "--min-f1", "95").exit_code == 2


def test_the_command_has_the_verbs() -> None:
    (group,) = (group for group in cli.app.registered_groups if group.name == "eval")
    assert group.rich_help_panel == "Inspect"
    result = CliRunner().invoke(app, ["--help"])
    assert all(verb in result.stdout for verb in ("figures", "policy", "language"))
    for verb in ("figures", "policy", "language"):
        assert "Example" in CliRunner().invoke(app, [verb, "--help"]).stdout
