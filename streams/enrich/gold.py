"""Labelled items that detection is measured with.

JSON Lines, one item a line; format and meaning of the labels are documented in `DOCUMENTATION`. A
label that is absent was not given, which is another thing than one that says "none".
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from streams.enrich.text import Document, make_document
from streams.errors import ConfigError, NotFoundError
from streams.meant import close_ids

__all__ = ["DOCUMENTATION", "GoldItem", "Split", "read_gold"]

DOCUMENTATION = "tests/gold/README.md"
"""Where the format is documented, in the repository."""

Split = Literal["dev", "test"]
FigureLabel = Literal["alert", "possible"]

_BOM = "\ufeff"
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<field>.*)`)?", re.DOTALL)
_NAMED = re.compile(r"field `(?P<field>[^`]+)`")


class GoldItem(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An item with what a careful reader finds in it."""

    id: Annotated[str, Meta(min_length=1)]
    lang: Annotated[str, Meta(pattern="^[a-z]{2}$")]
    """ISO 639-1 code of the language that it is written in."""
    feed: str = ""
    title: str = ""
    """Plain text or HTML, as the next two."""
    summary: str = ""
    body: str = ""
    figures: dict[str, FigureLabel] | None = None
    """figure_id to "alert" (it is named here) or "possible" (counts neither way)."""
    policy_topics: tuple[str, ...] | None = None
    possible_topics: tuple[str, ...] = ()
    """Topics that count neither way."""
    trap: str = ""
    """What sets the trap, of a hard negative."""

    @property
    def split(self) -> Split:
        """Whether rules and models may look at it ("dev"), or it is only measured ("test")."""
        return "test" if hashlib.blake2b(self.id.encode()).digest()[0] % 2 else "dev"

    def document(self) -> Document:
        """Its text as everything is found in it."""
        return make_document(self.title, self.summary, self.body)


FIELDS = (*(field.encode_name for field in msgspec.structs.fields(GoldItem)), "text")


class _Place(NamedTuple):
    """A line of a file."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    def error(self, message: str, *, field: str = "", cure: str) -> ConfigError:
        return ConfigError(message, file=str(self.path), line=self.line, field=field, cure=cure)


def read_gold(
    paths: Iterable[Path],
    figures: Collection[str] | None = None,
    topics: Collection[str] | None = None,
) -> list[GoldItem]:
    """Read labelled items.

    Args:
        paths: files of JSON lines; empty lines are passed over.
        figures: figure_ids that labels may name; None for any.
        topics: the same for ids of policy topics.

    Returns:
        All items in the order of the files.

    Raises:
        NotFoundError: a file cannot be read.
        ConfigError: an item is wrong; names file, line, field and cure.
    """
    places: dict[str, _Place] = {}
    items: list[GoldItem] = []
    for path in paths:
        number = len(items)
        for place, line in _lines(path):
            item = _item(line, place)
            _check_labels(item, place, figures, topics)
            if item.id in places:
                raise place.error(
                    f"{item.id!r} is the id of {places[item.id]} too",
                    field="id",
                    cure="give each item an id of its own, or name the file once",
                )
            places[item.id] = place
            items.append(item)
        if len(items) == number:
            cure = f"give a file of labelled items, as documented in {DOCUMENTATION}"
            raise ConfigError("has no items", file=str(path), cure=cure)
    return items


def _lines(path: Path) -> Iterator[tuple[_Place, str]]:
    """Lines that are not empty. Only a line feed ends one: JSON may hold other line ends as text."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        cure = f"give files of labelled items, as documented in {DOCUMENTATION}"
        raise NotFoundError(f"cannot read {path}: {reason}", cure=cure) from error
    for number, raw in enumerate(content.split(b"\n"), start=1):
        place = _Place(path, number)
        try:
            line = raw.decode("utf-8").removeprefix(_BOM).strip()
        except UnicodeDecodeError as error:
            raise place.error("is not UTF-8", cure="save the file as UTF-8") from error
        if line:
            yield place, line


def _item(line: str, place: _Place) -> GoldItem:
    try:
        data = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        cure = "write one JSON object a line; check quotes, commas and brackets"
        raise place.error(f"is no JSON: {error}", cure=cure) from error
    if isinstance(data, dict) and "text" in data:
        if "body" in data:
            cure = "leave one of them out"
            raise place.error("'text' is another name of 'body'", field="text", cure=cure)
        data["body"] = data.pop("text")
    try:
        item = msgspec.convert(data, GoldItem)
    except msgspec.ValidationError as error:
        raise _explained(str(error), data, place) from error
    if not item.document().text:
        cure = "fill title, summary or body"
        raise place.error("there is no text", field="title", cure=cure)
    return item


def _explained(message: str, data: Any, place: _Place) -> ConfigError:
    """Msgspec's message, which ends in a JSON path, as one with a field and a cure."""
    match = _AT.fullmatch(message)
    assert match is not None  # the pattern accepts anything
    named = _NAMED.search(message)
    field = named["field"] if named else match["field"] or ""
    if not isinstance(data, dict):
        cure = "write one JSON object a line"
    elif "unknown field" in message:
        close = difflib.get_close_matches(field, FIELDS, n=1)
        cure = f"did you mean {close[0]!r}?" if close else f"fields are {', '.join(FIELDS)}"
    elif "missing required" in message:
        cure = "add it"
    elif field.startswith("figures["):
        cure = 'label a figure "alert" or "possible"'
    elif field == "lang":
        cure = 'give an ISO 639-1 code, such as "de"'
    else:
        cure = "correct the value"
    return place.error(match["what"], field=field, cure=cure)


def _check_labels(
    item: GoldItem,
    place: _Place,
    figures: Collection[str] | None,
    topics: Collection[str] | None,
) -> None:
    """Refuse labels that nothing can meet, and such as contradict each other."""
    named: tuple[tuple[str, str, Iterable[str], Collection[str] | None], ...] = (
        ("figures", "figure of the watchlist", item.figures or (), figures),
        ("policy_topics", "policy topic of the lexicon", item.policy_topics or (), topics),
        ("possible_topics", "policy topic of the lexicon", item.possible_topics, topics),
    )
    for field, what, labels, known in named:
        for label in labels:
            if known is not None and label not in known:
                raise place.error(f"{label!r} is no {what}", field=field, cure=_near(label, known))
    for label in item.possible_topics:
        if label in (item.policy_topics or ()):
            message = f"{label!r} stands in policy_topics too"
            raise place.error(message, field="possible_topics", cure="choose one of them")


def _near(label: str, known: Collection[str]) -> str:
    close = close_ids(label, known)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    shown = sorted(known)[:10]
    more = ", …" if len(known) > len(shown) else ""
    return f"use one of {', '.join(shown)}{more}" if shown else "there is none"
