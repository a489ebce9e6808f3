"""The watchlist as files, which come back as they were."""

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.enrich.names import path_of
from streams.enrich.watchlist import read_watchlist
from streams.enrich.watchlist.aliases import clean
from streams.enrich.watchlist.checking import SLUG, own_errors
from streams.enrich.watchlist.exporting import export_figures
from streams.enrich.watchlist.importing import import_figures
from streams.enrich.watchlist.spreadsheet import read_rows
from streams.records import Figure, Name

STARTER = Path(__file__).parents[3] / "deploy" / "config" / "watchlist.yaml"
ZORV = Figure(
    figure_id="zorv",
    name="Nina Zorv",
    kind="person",
    qid="Q900001",
    qid_checked=True,
    description="Ministerin: seit 2025",
    lists=("politics",),
    names=(
        Name(surface="Zorv", kind="surname"),
        Name(surface="Nina", kind="given", strength="context"),
        Name(surface="nz", kind="handle", case="any"),
    ),
    blockers=("Zorv Verlag",),
    purpose="Politik",
    owner="ann",
    review=date(2027, 1, 31),
    active=False,
)


def test_yaml_looks_as_a_person_would_write_it():
    quarzit = Figure(figure_id="quarzit", name="Quarzit AG", kind="organisation")
    assert export_figures([ZORV, quarzit], "yaml") == (
        """figures:
  - id: quarzit
    name: Quarzit AG
    kind: organisation

  - id: zorv
    name: Nina Zorv
    kind: person
    qid: Q900001
    qid_checked: true
    description: 'Ministerin: seit 2025'
    lists: [politics]
    names:
      - Zorv
      - {surface: Nina, kind: given, strength: context}
      - {surface: nz, kind: handle, case: any}
    blockers: [Zorv Verlag]
    purpose: Politik
    owner: ann
    review: 2027-01-31
    active: false
"""
    )


def test_csv_and_json_lines():
    assert export_figures([ZORV], "csv").splitlines()[1] == (
        "zorv,Nina Zorv,person,Q900001,Zorv:strong|Nina:context:given|nz:strong:handle:any,,,,"
        "Zorv Verlag,politics,,Ministerin: seit 2025,no,yes,Politik,ann,2027-01-31"
    )
    assert msgspec.json.decode(export_figures([ZORV], "jsonl"), type=Figure) == ZORV


@pytest.mark.parametrize("format_", ["yaml", "csv", "jsonl"])
def test_nothing_to_write(format_, tmp_path):
    text = export_figures([], format_)
    if format_ == "yaml":
        (tmp_path / "w.yaml").write_text(text)
        assert read_watchlist(tmp_path / "w.yaml") == []
    else:
        assert len(text.splitlines()) == (format_ == "csv")


def test_the_starter_watchlist_comes_back_as_it_was(tmp_path):
    figures = read_watchlist(STARTER)
    path = tmp_path / "watchlist.yaml"
    path.write_text(export_figures(figures, "yaml"), "utf-8")
    assert read_watchlist(path) == sorted(figures, key=lambda figure: figure.figure_id)
    assert returned(figures) == {figure.figure_id: with_effect(figure) for figure in figures}


def with_effect(figure: Figure) -> Figure:
    """Without names that have the same words as an earlier one, which CSV leaves out."""
    names = {path_of(name.surface): name for name in reversed(figure.names)}
    return msgspec.structs.replace(
        figure, names=tuple(name for name in figure.names if names[path_of(name.surface)] is name)
    )


def returned(figures: list[Figure]) -> dict[str, Figure]:
    """Figures after a way through CSV."""
    found = import_figures(read_rows(export_figures(figures, "csv")), [])
    assert not found.problems, found.problems
    return {
        figure.figure_id: msgspec.structs.replace(figure, origin="file") for figure in found.figures
    }


# Text as people write it, with what YAML and CSV take for something else.
marks = st.sampled_from(
    ["yes", "no", "1", "1e3", "~", "null", "#a", "a: b", "a:strong", "=", "a|b"]
)
marks |= st.sampled_from(
    ["\\", "a\\|b", "'", '"', "- a", "[a]", "{a}", "a;b,c", "*a", "&a", "%", "@a"]
)
texts = (st.text(max_size=20) | st.lists(marks, max_size=3).map(" ".join)).map(clean)
phrases = texts.filter(lambda text: bool(path_of(text)) and len(text) < 200)
words = st.lists(phrases, max_size=3, unique=True).map(tuple)
names = st.builds(
    Name,
    surface=phrases,
    kind=st.sampled_from(("full", "initial", "surname", "word", "given", "handle", "acronym")),
    strength=st.sampled_from(("strong", "context", "never")),
    case=st.sampled_from(("cap", "any")),
)
figures = st.builds(
    Figure,
    figure_id=st.from_regex(SLUG, fullmatch=True).filter(lambda text: text == text.strip()),
    name=phrases,
    kind=st.sampled_from(("person", "organisation")),
    qid=st.sampled_from(("", "Q1", "Q2")),
    qid_checked=st.booleans(),
    description=texts,
    lists=st.lists(st.sampled_from(("a", "b-c", "on")), unique=True).map(tuple),
    names=st.lists(names, max_size=3, unique_by=lambda name: path_of(name.surface)).map(tuple),
    titles=words,
    cues=words,
    negative_cues=words,
    blockers=words,
    purpose=texts,
    owner=texts,
    review=st.none() | st.dates(min_value=date(1000, 1, 1)),
    active=st.booleans(),
    origin=st.just("file"),
).filter(
    lambda figure: (
        not list(own_errors(figure))
        and not any(
            path_of(name.surface) == path_of(figure.name) and name.strength == "strong"
            for name in figure.names
        )
    )
)


@given(figures)
def test_any_figure_comes_back_from_yaml(tmp_path_factory, figure):
    path = tmp_path_factory.mktemp("w") / "watchlist.yaml"
    path.write_text(export_figures([figure], "yaml"), "utf-8")
    assert read_watchlist(path) == [figure]


@given(figures)
def test_any_figure_comes_back_from_csv(figure):
    assert returned([figure]) == {figure.figure_id: figure}


@given(figures)
def test_yaml_is_read_by_others_too(figure):
    (entry,) = yaml.safe_load(export_figures([figure], "yaml"))["figures"]
    assert entry["name"] == figure.name
    (line,) = export_figures([figure], "jsonl").split("\n")[:-1]
    assert json.loads(line)["name"] == figure.name
