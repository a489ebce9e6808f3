"""The tables of self-written sentences with the parts that figures play in them, and the quotes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from streams.enrich.figures import FigureMatcher
from streams.enrich.text import Document, make_document
from streams.records import Figure, Name

DATA = Path(__file__).parent / "data"
PERSONS = (
    "Nina Brandt",
    "Karl Frenz",
    "Jonas Reuter",
    "Otto Maas",
    "Paul Hartley",
    "Olivia Sterne",
)
ORGANISATIONS = ("Veltron", "Nordwerk")
MATCHER = FigureMatcher(
    [
        *(
            Figure(
                figure_id=name.split()[1],
                name=name,
                kind="person",
                names=(Name(surface=name.split()[1], kind="surname"),),
            )
            for name in PERSONS
        ),
        *(Figure(figure_id=name, name=name, kind="organisation") for name in ORGANISATIONS),
    ]
)


class Example(NamedTuple):
    """An item with what is expected of it."""

    lang: str
    text: str
    roles: dict[str, str]
    quotes: list[tuple[str, str, str]]
    """Kind, speaker ("-" for nobody) and words of each."""

    @property
    def document(self) -> Document:
        if self.text.startswith("= "):
            return make_document(self.text[2:])
        title, split, body = self.text.partition(" // ")
        return make_document(title, "", body) if split else make_document("", "", title)


def read(name: str) -> list[Example]:
    """The examples of a table, in order."""
    found: list[Example] = []
    lang = ""
    for line in (DATA / name).read_text("utf-8").splitlines():
        if line in ("# de", "# en"):
            lang = line[2:]
        elif line.startswith("  "):
            _expect(found[-1], *line.strip().split(" ", 1))
        elif line and not line.startswith("#"):
            found.append(Example(lang, line, {}, []))
    return found


def _expect(example: Example, first: str, rest: str) -> None:
    if first in ("direct", "reported"):
        speaker, _, words = rest.partition(": ")
        example.quotes.append((first, speaker, words))
    else:
        example.roles[first] = rest


TUNED = read("parts_tuned.txt")
FROZEN = read("parts_frozen.txt")
