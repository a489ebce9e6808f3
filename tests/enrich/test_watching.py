"""`wirewatch watchlist …` as a user runs it."""

import asyncio
import gzip
import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from streams.broker.broadcast import publish
from streams.broker.topics import WATCHLIST
from streams.broker.topics import apply as apply_topics
from streams.config import BrokerSettings, Settings
from streams.enrich.verbs.watching import app
from streams.enrich.watchlist import read_watchlist
from streams.errors import BrokerError, ConfigError, NotFoundError
from streams.records import Figure, Name

NOWHERE = ("--broker", "127.0.0.1:1")
HOSTILE = "Zorv [/x] :bomb: \u202e"
WATCHLIST_FILE = """
figures:
  - id: zorv
    name: Nina Zorv
    kind: person
    names: [Zorv]

  - id: apple
    name: Apple Inc.
    kind: organisation
    names:
      - {surface: Apple, strength: context}
    cues: [iPhone]
    blockers: [apple pie]
"""


def run(*arguments, stdin=None):
    result = CliRunner(env={"COLUMNS": "300"}).invoke(app, arguments, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "watchlist.yaml"
    path.write_text(WATCHLIST_FILE, "utf-8")
    return path


@pytest.fixture
def live(embedded_broker):
    """A broker with a watchlist; the flags that name it."""
    asyncio.run(apply_topics(embedded_broker))
    return "--broker", embedded_broker.broker.bootstrap


def write(live, *figures: Figure) -> None:
    settings = Settings(broker=BrokerSettings(bootstrap=live[1]))
    asyncio.run(publish(settings, WATCHLIST, {figure.figure_id: figure for figure in figures}))


def watched(live) -> dict[str, Figure]:
    shown = run("list", "--json", *live).stdout
    return {figure.figure_id: figure for figure in msgspec.json.decode(shown, type=list[Figure])}


ZORV = Figure(
    figure_id="zorv", name="Nina Zorv", kind="person", names=(Name(surface="Zorv", kind="surname"),), origin="file"
)  # fmt: skip

# --- check ------------------------------------------------------------------------------------


def test_a_sound_file(file):
    ended = run("check", str(file), "--strict")
    assert (ended.exit_code, ended.stdout) == (0, "2 figures: 0 errors, 0 warnings, 0 notes\n")


def test_warnings_name_line_figure_field_and_cure(file):
    file.write_text(WATCHLIST_FILE.replace("[apple pie]", "[Kuchen]"), "utf-8")
    ended = run("check", str(file))
    assert ended.exit_code == 0
    assert ended.stdout.startswith(
        f"{file}:14: warning: apple: blockers: 'Kuchen' holds no word of a name of the figure: "
        "it blocks nothing (write a longer phrase"
    )
    assert run("check", str(file), "--strict").exit_code == 1
    report = json.loads(run("check", str(file), "--json").stdout)
    assert (report["errors"], report["warnings"], report["notes"]) == (0, 1, 0)
    (found,) = report["findings"]
    assert (found["level"], found["figure_id"], found["field"]) == ("warning", "apple", "blockers")
    assert (found["line"], report["source"]) == (14, str(file))


def test_all_errors_are_told_at_once(file):
    text = WATCHLIST_FILE.replace("[Zorv]", "['(']").replace(
        "[iPhone]", "[iPhone]\n    related: [none]"
    )
    file.write_text(text, "utf-8")
    ended = run("check", str(file))
    assert ended.exit_code == 1
    assert f"{file}:6: error: zorv: names: '(' can never be found" in ended.stdout
    assert f"{file}:14: error: apple: related: 'none' is no figure here" in ended.stdout


def test_notes_are_not_strict(file):
    file.write_text("figures: [{id: a, name: Nina Trump, kind: person, names: [Trump]}]", "utf-8")
    ended = run("check", str(file), "--strict")
    assert ended.exit_code == 0
    assert f"{file}: note: a: names: 'Trump' is an ordinary English word" in ended.stdout


def test_persons_whose_review_is_overdue_or_whom_nobody_answers_for(file):
    text = WATCHLIST_FILE.replace("[Zorv]", "[Zorv]\n    owner: ann\n    review: 2020-01-31")
    file.write_text(text, "utf-8")
    ended = run("check", str(file))
    assert f"{file}:8: warning: zorv: review: was due on 2020-01-31" in ended.stdout
    assert f"{file}:3: warning: zorv: purpose: is not said" in ended.stdout
    assert "apple" not in ended.stdout, "organisations need none"
    file.write_text(text.replace("2020-01-31", "someday"), "utf-8")
    with pytest.raises(ConfigError, match="review"):
        run("check", str(file))


def test_the_configuration_is_checked_by_default(file, monkeypatch):
    monkeypatch.setenv("WIREWATCH_CONFIG", str(file.parent))
    assert run("check").stdout.startswith("2 figures")


def test_what_cannot_be_checked(file, tmp_path):
    with pytest.raises(NotFoundError, match="no file"):
        run("check", str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigError, match="not both"):
        run("check", str(file), "--live")
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1"):
        run("check", *NOWHERE)
    file.write_text("figures: [{id: a}]", "utf-8")
    with pytest.raises(ConfigError, match=r"watchlist\.yaml:1: .*missing required field `name`"):
        run("check", str(file))


# --- test -------------------------------------------------------------------------------------


def test_a_text_is_explained(file):
    shown = run(
        "test", "Jürgen Zorv kauft Apple, doch Nina Zorv kauft ein iPhone.", "--watchlist", str(file)
    ).stdout  # fmt: skip
    assert (
        "  alert 95%  zorv: 'Nina Zorv'\n      +3.0 the full name stands here: Nina Zorv\n" in shown
    )
    assert (
        "  no  zorv: 'Zorv' does not count: more speaks against it than for it (with "
        "somebody else's given name: Jürgen)\n      +1.5 the surname stands here: Zorv\n"
    ) in shown
    assert "apple: 'Apple'" in shown


def test_lines_of_standard_input_as_json(file):
    lines = "Zorv spricht über Zölle und Steuern.\n\nNichts davon ist hier zu lesen.\n"
    found = json.loads(run("test", "-", "--watchlist", str(file), "--json", stdin=lines).stdout)
    assert [[hit["figure_id"] for hit in each["figures"]] for each in found] == [["zorv"], []]
    assert found[0]["text"] == "Zorv spricht über Zölle und Steuern."
    assert found[0]["lang"] == "de"
    shown = run("test", "Nichts davon ist hier zu lesen.", "--watchlist", str(file)).stdout
    assert shown.endswith("  no name of the watchlist\n")


def test_a_terminal_obeys_no_text(file):
    shown = run("test", f"Nina {HOSTILE} \x1b[31m", "--watchlist", str(file)).stdout
    assert not set("\u202e\x1b") & set(shown)
    assert "Zorv [/x] :bomb:" in shown


def test_a_text_is_tried_on_one_watchlist(file):
    with pytest.raises(ConfigError, match="--watchlist: name a file or the broker"):
        run("test", "x", "--watchlist", str(file), "--live")


# --- changes by hand --------------------------------------------------------------------------


@pytest.mark.embedded
def test_the_watchlist_by_hand(live):
    added = run(
        "add", "Jörg Zorv", "--alias", "Zorv", "--title", "Minister", "--cue", "Amt", "--list", "politics",
        "--negative-cue", "Zoo", "--blocker", "Zorv Verlag", "--qid", "Q9", "--description", "x", *live,
    )  # fmt: skip
    assert (added.stdout, added.stderr) == ("joerg-zorv\n", "")
    assert watched(live)["joerg-zorv"] == Figure(
        figure_id="joerg-zorv",
        name="Jörg Zorv",
        kind="person",
        qid="Q9",
        description="x",
        lists=("politics",),
        names=(Name(surface="Zorv", kind="surname"),),
        titles=("Minister",),
        cues=("Amt",),
        negative_cues=("Zoo",),
        blockers=("Zorv Verlag",),
        origin="cli",
    )
    run("add", "Quarzit AG", "--kind", "organisation", "--related", "joerg-zorv", *live)
    run(
        "edit", "joerg-zorv", "--alias", "Zorv:context", "--drop-cue", "Amt", "--cue", "Haus", "--cue", "Hof",
        "--drop-title", "Minister", "--qid", "", "--name", "Jörg Maria Zorv", "--inactive", *live,
    )  # fmt: skip
    figure = watched(live)["joerg-zorv"]
    assert figure.names == (Name(surface="Zorv", kind="surname", strength="context"),)
    assert (figure.cues, figure.titles, figure.qid) == (("Haus", "Hof"), (), "")
    assert (figure.name, figure.active, figure.lists) == ("Jörg Maria Zorv", False, ("politics",))
    assert "joerg-zorv (off)" in run("list", *live).stdout
    run("edit", "joerg-zorv", "--active", "--drop-alias", "zorv", *live)
    assert (watched(live)["joerg-zorv"].active, watched(live)["joerg-zorv"].names) == (True, ())

    removed = run("remove", "joerg-zorv", *live)
    assert removed.stdout == "removed joerg-zorv\n"
    assert "watchlist edit quarzit-ag --drop-related joerg-zorv" in removed.stderr
    run("edit", "quarzit-ag", "--drop-related", "joerg-zorv", "--cue", "Erz", *live)
    assert watched(live)["quarzit-ag"].related == ()


@pytest.mark.embedded
def test_weak_names_are_graded_and_told(live):
    added = run(
        "add", "Quarzit AG", "--kind", "organisation", "--alias", "Apple", "--alias", "Meta:strong", *live
    )  # fmt: skip
    assert added.stderr == (
        "'Apple' is an ordinary English word: it counts only with cues, a title or the full name; "
        "'Apple:strong' would let it stand alone\n"
    )
    strengths = {name.surface: name.strength for name in watched(live)["quarzit-ag"].names}
    assert strengths == {"Apple": "context", "Meta": "strong"}
    write(live, ZORV)
    assert (
        "'Zorv' is the surname of zorv too"
        in run("add", "Tom Zorv", "--alias", "Zorv", *live).stderr
    )


@pytest.mark.embedded
def test_a_weak_name_of_a_figure_needs_support_unless_told_otherwise(live):
    add = ("add", "Apple", "--kind", "organisation", "--cue", "iPhone", *live)
    added = run(*add)
    assert added.stdout == "apple\n"
    assert added.stderr == (
        "'Apple' is an ordinary English word: it is taken as 'Apple:context', and counts only with "
        "cues or a title; 'Apple:strong' would let it stand alone\n"
    )
    weak = (Name(surface="Apple", kind="word", strength="context"),)
    assert watched(live)["apple"].names == weak
    assert "apple is as it was" in run(*add).stderr
    run("edit", "apple", "--name", "Apple:strong", *live)
    assert watched(live)["apple"].names == ()
    quiet = (
        ("Apple:strong", ()), ("Apple", ("--blocker", "apple pie")), ("Apple:context", ()),
        ("Apple", ("--alias", "Apple:context")), ("Google", ()),
    )  # fmt: skip
    for number, (name, more) in enumerate(quiet):
        assert run("add", name, "--id", f"a{number}", *more, *live).stderr == ""
    assert [watched(live)[f"a{number}"].names for number in range(5)] == [(), (), weak, weak, ()]
    edited = run("edit", "a1", "--name", "Signal", "--drop-blocker", "apple pie", *live)
    assert "it is taken as 'Signal:context'" in edited.stderr
    assert watched(live)["a1"].name == "Signal"


@pytest.mark.embedded
def test_purpose_owner_and_review_are_stated_changed_and_taken_away(live):
    run("add", "Nina Zorv", "--purpose", "desk", "--owner", "ann", "--review", "2020-01-31", *live)
    figure = watched(live)["nina-zorv"]
    assert (figure.purpose, figure.owner, str(figure.review)) == ("desk", "ann", "2020-01-31")
    assert "nina-zorv: the review was due on 2020-01-31" in run("list", *live).stderr
    run("edit", "nina-zorv", "--owner", "bo", "--review", "2999-01-31", *live)
    figure = watched(live)["nina-zorv"]
    assert (figure.purpose, figure.owner, str(figure.review)) == ("desk", "bo", "2999-01-31")
    assert run("list", *live).stderr == ""
    run("edit", "nina-zorv", "--purpose", "", "--review", "", *live)
    figure = watched(live)["nina-zorv"]
    assert (figure.purpose, figure.owner, figure.review) == ("", "bo", None)
    with pytest.raises(ConfigError, match=r"--review: 'soon' is no date \(write it like"):
        run("edit", "nina-zorv", "--review", "soon", *live)


@pytest.mark.embedded
def test_the_same_command_twice(live):
    add = ("add", "Nina Zorv", "--alias", "Zorv", "--alias", "Apple", *live)
    first = run(*add)
    again = run(*add)
    assert first.stdout == again.stdout == "nina-zorv\n"
    assert "nina-zorv is as it was" in again.stderr
    edit = ("edit", "nina-zorv", "--cue", "Amt", "--drop-alias", "Apple", *live)
    run(*edit)
    again = run(*edit)
    assert "has no 'Apple' in its alias" in again.stderr
    assert "nina-zorv is as it was" in again.stderr
    with pytest.raises(
        ConfigError, match=r"'nina-zorv' is already there: Nina Zorv .*watchlist edit nina-zorv"
    ):
        run(*add)
    assert run("add", "Nina Zorv", "--id", "other", *live).stdout == "other\n"


@pytest.mark.embedded
def test_what_came_from_a_file_is_now_edited_by_hand(live):
    write(live, ZORV)
    run("edit", "zorv", "--drop-cue", "none", *live)
    assert watched(live)["zorv"].origin == "file", "nothing was changed"
    run("edit", "zorv", "--cue", "Amt", *live)
    assert watched(live)["zorv"].origin == "cli"


@pytest.mark.embedded
def test_a_checked_qid_that_changes_is_unchecked(live):
    write(live, msgspec.structs.replace(ZORV, qid="Q1", qid_checked=True))
    run("edit", "zorv", "--qid", "Q1", "--cue", "Amt", *live)
    assert watched(live)["zorv"].qid_checked
    run("edit", "zorv", "--qid", "Q2", *live)
    assert not watched(live)["zorv"].qid_checked


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "(?)"), r"name \(.*\): '\(\?\)' can never be found"),
        (("add", "Tom Quarz", "--alias", "--"), r"names \(tom-quarz\): '--' can never"),
        (("add", "Tom Quarz", "--qid", "42"), r"qid \(tom-quarz\): '42' is no QID"),
        (("add", "Tom Quarz", "--qid", "Q1"), "Q1 is already the QID of 'zorv'"),
        (("add", "Tom Quarz", "--list", "Big Tech"), "lists.*'Big Tech' cannot be a list"),
        (("add", "Tom Quarz", "--related", "none"), "related.*'none' is no figure here"),
        (("add", "Tom Quarz", "--id", "No Id"), "'No Id' cannot be an id"),
        (("edit", "zorv", "--related", "zorv"), "'zorv' is the figure itself"),
    ],
)
def test_what_cannot_be_is_refused(live, arguments, message):
    write(live, msgspec.structs.replace(ZORV, qid="Q1"))
    with pytest.raises(ConfigError, match=message):
        run(*arguments, *live)
    assert list(watched(live)) == ["zorv"]


@pytest.mark.embedded
def test_unknown_figures(live):
    write(live, ZORV)
    for arguments in (("edit", "zorf"), ("remove", "zorv", "zorf")):
        with pytest.raises(NotFoundError, match=r"no figure 'zorf' \(did you mean zorv\?\)"):
            run(*arguments, *live)
    with pytest.raises(NotFoundError, match="see `wirewatch watchlist list`"):
        run("remove", "quarzit", *live)
    assert list(watched(live)) == ["zorv"], "all or none"


@pytest.mark.embedded
def test_the_list_shows_names_and_obeys_none(live):
    weak = Name(surface="Apple", kind="word", strength="context")
    off = Name(surface="N. Zorv", kind="initial", strength="never")
    write(live, msgspec.structs.replace(ZORV, name=HOSTILE, names=(weak, off), lists=("politics",)))
    many = tuple(Name(surface=f"Quarz {number}", kind="word") for number in range(8))
    quarzit = Figure(figure_id="quarzit", name="Quarzit AG", kind="organisation", names=many)
    write(live, msgspec.structs.replace(quarzit, active=False))
    shown = run("list", *live).stdout
    assert "Zorv [/x] :bomb: �, Apple?, N. Zorv (never)" in shown
    assert "Quarz 4 and 3 more" in shown
    assert shown.endswith("2 figures, 1 of them off\n")
    assert "quarzit" not in run("list", "--list", "politics", *live).stdout


@pytest.mark.embedded
def test_check_and_test_on_the_broker(live):
    write(live, msgspec.structs.replace(ZORV, related=("gone",)))
    ended = run("check", *live)
    assert ended.exit_code == 1
    assert "news.watchlist: error: zorv: related: 'gone' is no figure here" in ended.stdout
    assert "alert 82%  zorv: 'Zorv'" in run("test", "Dann sprach Zorv über Zölle.", *live).stdout


# --- import and export ------------------------------------------------------------------------

CSV = "name;aliases;lists\nNina Zorv;Zorv|Apple;politics\nQuarzit AG;;\n"


def wikidata(qid: str = "Q900001") -> str:
    aliases = [{"language": "en", "value": value} for value in ("Nina Maria Zorv", "Apple", "NZ")]
    return json.dumps({
        "id": qid, "type": "item", "labels": {"de": {"language": "de", "value": "Nina Zorv"}},
        "descriptions": [], "aliases": {"en": aliases},
        "claims": {"P31": [{"mainsnak": {"datavalue": {"value": {"id": "Q5"}}}, "rank": "normal"}]},
    })  # fmt: skip


@pytest.mark.embedded
def test_a_spreadsheet_is_imported_once(live, tmp_path):
    path = tmp_path / "figures.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CSV.encode())
    dry = run("import", str(path), "--dry-run", *live)
    assert f"{path}:2: 'Nina Zorv' would be added as nina-zorv\n" in dry.stdout
    assert dry.stdout.endswith(
        "2 figures would be added, 0 would be updated, 0 unchanged, 0 left out\n"
    )
    assert watched(live) == {}
    first = run("import", str(path), "--verbose", *live)
    assert f"{path}:3: 'Quarzit AG' is added as quarzit-ag\n" in first.stdout
    assert "  'Apple' is an ordinary English word: it counts only with" in first.stdout
    assert watched(live)["nina-zorv"].lists == ("politics",)
    again = run("import", str(path), *live)
    assert again.stdout == "0 figures added, 0 updated, 2 unchanged, 0 left out\n"


@pytest.mark.embedded
def test_one_mistake_stops_an_import_unless_told_otherwise(live, tmp_path):
    path = tmp_path / "figures.csv"
    path.write_text("name,kind\nNina Zorv,robot\nTom Quarz,person\n", "utf-8")
    with pytest.raises(ConfigError, match=r"1 mistakes: nothing was imported .*--skip-bad"):
        run("import", str(path), *live)
    assert watched(live) == {}
    ended = run("import", str(path), "--skip-bad", *live)
    assert f"{path}:2: kind: is 'robot' (write person or organisation)\n" in ended.stderr
    assert ended.stdout.endswith("1 figures added, 0 updated, 0 unchanged, 1 left out\n")
    assert list(watched(live)) == ["tom-quarz"]


@pytest.mark.embedded
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_wikidata_is_imported(live, tmp_path, pack):
    write(live, ZORV)
    path = tmp_path / "export.json"
    path.write_bytes(pack(f"[\n{wikidata()}\n]\n".encode()))
    shown = run("import", str(path), "--json", "--verbose", *live).stdout
    report = json.loads(shown)
    assert (report["added"], report["updated"], report["problems"]) == (0, 1, [])
    assert report["dropped"] == {
        "it is an ordinary word": 1,
        "it is shorter than three letters": 1,
    }
    assert [each["surface"] for each in report["dropped_names"]] == ["Apple", "NZ"]
    figure = watched(live)["zorv"]
    assert [name.surface for name in figure.names] == ["Zorv", "Nina Maria Zorv"]
    assert figure.qid == "Q900001"
    shown = run("import", str(path), *live).stdout
    assert "1 names dropped: it is an ordinary word\n" in shown
    assert "--verbose tells 0 remarks on names, and 2 dropped ones" in shown


@pytest.mark.embedded
def test_what_can_be_said_about_an_import(live):
    def imported(*arguments, text=""):
        return run("import", "-", *arguments, *live, stdin=text or wikidata())

    assert "0 figures added" in imported("--update-only").stdout
    with pytest.raises(ConfigError, match="nothing was imported"):
        imported("--lang", "fr", text=wikidata().replace('"Nina Zorv"', '"ニナ"'))
    bare = wikidata().replace('"Q5"', '""')
    with pytest.raises(ConfigError, match="nothing was imported"):
        imported(text=bare)
    assert "1 figures added" in imported("--kind", "organisation", text=bare).stdout
    assert watched(live)["nina-zorv"].kind == "organisation"


@pytest.mark.embedded
def test_what_cannot_be_imported(live, tmp_path):
    with pytest.raises(NotFoundError, match="cannot be read: No such file"):
        run("import", str(tmp_path / "none.csv"), *live)
    with pytest.raises(NotFoundError, match="cannot be read: Is a directory"):
        run("import", str(tmp_path), *live)
    path = tmp_path / "watchlist.yaml"
    path.write_text("figures: []")
    with pytest.raises(ConfigError, match="wirewatch config publish"):
        run("import", str(path), *live)
    broken = tmp_path / "dump.json.gz"
    broken.write_bytes(gzip.compress(wikidata().encode() * 50)[:-40])
    with pytest.raises(ConfigError, match=r"cannot be read: .*download"):
        run("import", str(broken), *live)
    assert watched(live) == {}


@pytest.mark.embedded
def test_the_watchlist_is_exported(live, tmp_path):
    write(live, ZORV)
    path = tmp_path / "watchlist.yaml"
    assert run("export", str(path), *live).stdout == ""
    assert read_watchlist(path) == [ZORV]
    assert run("export", *live).stdout == path.read_text("utf-8")
    assert run("export", "--format", "csv", *live).stdout.startswith("id,name,kind")
    run("export", str(tmp_path / "w.jsonl"), *live)
    assert msgspec.json.decode((tmp_path / "w.jsonl").read_bytes(), type=Figure) == ZORV
    run("export", str(tmp_path / "w.csv"), *live)
    assert "1 unchanged" in run("import", str(tmp_path / "w.csv"), *live).stdout
    with pytest.raises(ConfigError, match=r"'xml' is no format .*yaml, csv, jsonl"):
        run("export", "--format", "xml", *live)
    with pytest.raises(ConfigError, match=r"w\.csv: cannot be written"):
        run("export", str(tmp_path / "none" / "w.csv"), *live)


def test_without_a_broker_there_is_one_clear_error(tmp_path: Path):
    for arguments in (
        ("add", "Nina Zorv"),
        ("edit", "a"),
        ("remove", "a"),
        ("list",),
        ("export",),
        ("import", "x.csv"),
    ):
        with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1"):
            run(*arguments, *NOWHERE)
