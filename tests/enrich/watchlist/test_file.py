"""The watchlist file: what it means, and how its mistakes are told."""

from pathlib import Path

import pytest

from streams.enrich.figures import FigureMatcher
from streams.enrich.text import make_document
from streams.enrich.watchlist import read_watchlist
from streams.enrich.watchlist.aliases import infer_kind
from streams.enrich.watchlist.checking import Finding, check
from streams.enrich.watchlist.file import line_of, parse_watchlist
from streams.enrich.watchlist.grading import weak_names
from streams.errors import ConfigError, NotFoundError
from streams.records import Figure, Name

STARTER = Path(__file__).parents[3] / "deploy" / "config" / "watchlist.yaml"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "watchlist.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_figure_with_everything(tmp_path):
    path = write(
        tmp_path,
        """
figures:
  - id: nina-waechter
    name: Nina Wächter
    kind: person
    qid: Q42
    qid_checked: true
    description: Ministerin
    lists: [politics]
    names: [Wächter, {surface: NW, kind: handle, strength: context, case: any}]
    titles: [Ministerin]
    cues: [Ministerium]
    negative_cues: [Museum]
    blockers: [Wächter Verlag]
    related: [nordwind]
    active: false
  - id: nordwind
    name: Nordwind AG
    kind: organisation
""",
    )
    assert read_watchlist(path) == [
        Figure(
            figure_id="nina-waechter",
            name="Nina Wächter",
            kind="person",
            qid="Q42",
            qid_checked=True,
            description="Ministerin",
            lists=("politics",),
            names=(
                Name(surface="Wächter", kind="surname"),
                Name(surface="NW", kind="handle", strength="context", case="any"),
            ),
            titles=("Ministerin",),
            cues=("Ministerium",),
            negative_cues=("Museum",),
            blockers=("Wächter Verlag",),
            related=("nordwind",),
            active=False,
            origin="file",
        ),
        Figure(figure_id="nordwind", name="Nordwind AG", kind="organisation", origin="file"),
    ]


@pytest.mark.parametrize(
    ("surface", "name", "figure_kind", "kind"),
    [
        ("Wächter", "Nina Wächter", "person", "surname"),
        ("van den Berg", "Eva van den Berg", "person", "surname"),
        ("Nina Maria Wächter", "Nina Wächter", "person", "full"),
        ("Nordwind", "Nordwind AG", "organisation", "word"),
        ("Energie", "Nordwind Energie", "organisation", "word"),
        ("NWE", "Nordwind Energie", "organisation", "acronym"),
        ("NORDWIND", "Nordwind AG", "organisation", "word"),
    ],
)
def test_the_kind_of_a_plain_name_is_inferred(surface, name, figure_kind, kind):
    assert infer_kind(surface, name, figure_kind) == kind


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        (
            "figures:\n  - id: a\n    name: A B\n    kind: person\n    blocker: [x]\n",
            5,
            ["unknown field `blocker`", "figures[0]", "did you mean 'blockers'?"],
        ),
        ("figures:\n  - id: a\n    kind: person\n", 2, ["missing required field `name`"]),
        (
            "figures:\n  - id: a\n    name: A B\n    kind: person\n    qid: q12\n",
            5,
            ["figures[0].qid", "regex"],
        ),
        (
            "figures:\n  - id: a\n    name: A B\n    kind: robot\n",
            4,
            ["figures[0].kind", "'robot'"],
        ),
        (
            "figures:\n  - {id: a, name: A B, kind: person}\n  - {id: a, name: C D, kind: person}\n",
            3,
            ["figures[1].id", "'a' is taken by figures[0]"],
        ),
        (
            "figures:\n  - {id: a, name: A B, kind: person, qid: Q1}\n"
            "  - {id: c, name: C D, kind: person, qid: Q1}\n",
            3,
            ["figures[1].qid (c)", "Q1 is already the QID of 'a'"],
        ),
        (
            "figures:\n  - {id: a, name: A B, kind: person, related: [z]}\n",
            2,
            ["figures[0].related (a)", "'z' is no figure here"],
        ),
        (
            "figures:\n  - {id: a, name: A B, kind: person, related: [a]}\n",
            2,
            ["'a' is the figure itself"],
        ),
        (
            "figures:\n  - {id: a, name: A B, kind: person, cues: ['(?)']}\n",
            2,
            ["figures[0].cues (a)", "'(?)' can never be found"],
        ),
        ("figures: [\n", 2, ["not valid YAML"]),
        ("", 0, ["is empty"]),
    ],
)
def test_mistakes_are_told_with_place_and_cure(tmp_path, text, line, parts):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_watchlist(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}" if line else str(path))
    assert all(part in message for part in parts), message
    assert caught.value.cure


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(NotFoundError, match="no file"):
        read_watchlist(tmp_path / "none.yaml")


def test_a_watchlist_may_be_read_without_comparing_its_figures(tmp_path):
    path = write(
        tmp_path,
        "figures:\n  - {id: a, name: A B, kind: person}\n  - {id: a, name: '(', kind: person}\n",
    )
    assert [figure.name for figure in parse_watchlist(path)] == ["A B", "("]


PLACES = """# figures:
figures:
  # - id: none
  - id: a
    name: A B
    names:
      - X
      - {surface: Y, kind: word}

  - {id: b, name: C D,
     blockers: [x]}
"""


@pytest.mark.parametrize(
    ("position", "field", "line"),
    [
        (0, "id", 4),
        (0, "names", 6),
        (0, "cues", 4),
        (1, "name", 10),
        (1, "blockers", 11),
        (2, "id", 0),
    ],
)
def test_a_finding_has_a_line(position, field, line):
    finding = Finding("warning", "a", field, "", "", position)
    assert line_of(PLACES, finding) == line


def test_a_watchlist_on_one_line_has_no_lines():
    assert line_of("figures: [{id: a}]", Finding("note", "a", "id", "", "")) == 0


def test_the_starter_watchlist_is_sound():
    figures = read_watchlist(STARTER)
    assert 45 <= len(figures) <= 70
    assert weak_names(figures) == []
    assert not [each for each in check(figures) if each.level == "error"]
    assert all(figure.lists for figure in figures)
    assert {figure.qid for figure in figures if figure.qid_checked} == {
        "Q22686",
        "Q36215",
        "Q317521",
        "Q566257",
        "Q180589",
        "Q3874799",
        "Q60772",
        "Q380",
        "Q312",
    }


def test_every_starter_figure_is_found_by_its_name():
    figures = read_watchlist(STARTER)
    matcher = FigureMatcher(figures)
    for figure in figures:
        document = make_document("", "", f"Gestern ging es um {figure.name} und das Wetter.")
        levels = {hit.figure_id: hit.level for hit in matcher.find(document, "de")}
        assert levels.get(figure.figure_id) == "alert", figure.name
