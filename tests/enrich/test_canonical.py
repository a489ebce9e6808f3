"""Mentions of one entity share a name, and watched figures overrule the model."""

from __future__ import annotations

import pytest

from streams.enrich.canonical import canonical
from streams.records import Entity, Evidence, FigureHit

TEXT = "Mark Zuckerberg lobt Deutschland. Zuckerbergs Pläne für Deutschlands Schulen. Meta zahlt."


def entity(text: str, label: str, nth: int = 0, source: str = TEXT) -> Entity:
    start = -1
    for _ in range(nth + 1):
        start = source.index(text, start + 1)
    return Entity(text=text, label=label, start=start, end=start + len(text))


def hit(name: str, kind: str, *surfaces: str, level: str = "alert") -> FigureHit:
    places = tuple(
        Evidence(
            field="body",
            start=TEXT.index(surface),
            end=TEXT.index(surface) + len(surface),
            surface=surface,
            sentence=TEXT,
            sentence_start=0,
            rule="surname",
        )
        for surface in surfaces
    )
    return FigureHit(
        figure_id=name.split()[-1].lower(),
        name=name,
        kind=kind,  # type: ignore[arg-type]
        confidence=0.9,
        level=level,  # type: ignore[arg-type]
        mentions=places,
    )


def names(entities: tuple[Entity, ...]) -> dict[str, str]:
    return {entity.text: entity.name for entity in entities}


def test_a_surname_and_its_genitive_belong_to_the_full_name() -> None:
    found = canonical([entity("Mark Zuckerberg", "PER"), entity("Zuckerbergs", "PER")], [])
    assert names(found) == {
        "Mark Zuckerberg": "Mark Zuckerberg",
        "Zuckerbergs": "Mark Zuckerberg",
    }


def test_a_genitive_takes_the_base_that_is_said_elsewhere() -> None:
    found = canonical([entity("Deutschland", "LOC"), entity("Deutschlands", "LOC")], [])
    assert names(found)["Deutschlands"] == "Deutschland"


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        (
            "Ada Moss kam. Leo Moss ging. Moss rief an.",
            ("Ada Moss", "Leo Moss", "Moss"),
            "Leo Moss",
        ),
        (
            "Moss rief an. Ada Moss kam. Leo Moss ging.",
            ("Moss", "Ada Moss", "Leo Moss"),
            "Ada Moss",
        ),
    ],
)
def test_the_full_name_said_last_before_or_else_first_after(
    text: str, spans: tuple[str, ...], expected: str
) -> None:
    places, position = [], 0
    for span in spans:
        start = text.index(span, position)
        position = start + len(span)
        places.append(Entity(text=span, label="PER", start=start, end=position))
    assert names(canonical(places, []))["Moss"] == expected


def test_a_place_is_no_person_of_the_same_name() -> None:
    text = "Lea Berlin lebt in Berlin"
    places = [
        Entity(text="Lea Berlin", label="PER", start=0, end=10),
        Entity(text="Berlin", label="LOC", start=19, end=25),
    ]
    assert [place.name for place in canonical(places, [])] == ["Lea Berlin", "Berlin"]
    assert text[19:25] == "Berlin"


def test_a_watched_figure_takes_the_place_of_what_the_model_found() -> None:
    wrong = Entity(
        text="Meta zahlt", label="PER", start=TEXT.index("Meta"), end=TEXT.index("Meta") + 10
    )
    found = canonical([wrong], [hit("Meta Platforms", "organisation", "Meta")])
    assert [(each.text, each.label, each.name, each.figure_id) for each in found] == [
        ("Meta", "ORG", "Meta Platforms", "platforms")
    ]


def test_a_mere_possibility_overrules_nothing() -> None:
    found = canonical(
        [entity("Meta", "LOC")], [hit("Meta Platforms", "organisation", "Meta", level="possible")]
    )
    assert [(each.label, each.figure_id) for each in found] == [("LOC", "")]


def test_other_mentions_of_a_watched_figure_are_his_too() -> None:
    found = canonical(
        [entity("Zuckerbergs", "PER")], [hit("Mark Zuckerberg", "person", "Mark Zuckerberg")]
    )
    assert {each.figure_id for each in found} == {"zuckerberg"}
