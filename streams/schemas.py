"""JSON Schemas (2020-12) of the records, and whether a change to them breaks a reader.

The published schemas are closed: an open schema would make adding a field a breaking change,
because older data may already use that name for something else. Readers of ours ignore fields
they do not know, and every added field has a default, so both older and newer readers go on.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson

from streams import records
from streams.errors import ConfigError, NotFoundError

__all__ = ["PUBLISHED", "breaking_changes", "export", "read_published", "schema_of"]

PUBLISHED: tuple[type[records.Record], ...] = (
    records.Feed,
    records.FeedState,
    records.Figure,
    records.Rule,
    records.Item,
    records.EnrichedItem,
    records.Mention,
    records.Trend,
    records.Alert,
    records.Command,
    records.DeadLetter,
)
"""Records that cross a topic; the others occur inside these."""

Schema = dict[str, Any]

_NOTES = ("title", "description", "default", "examples", "$id", "$schema")
"""Keywords that say nothing about which documents are valid."""


def schema_of(type_: type[records.Record]) -> Schema:
    """Schema of a record, closed, with the documentation of its fields."""
    (reference,), definitions = msgspec.json.schema_components([type_])
    texts = _field_texts()
    for name, definition in definitions.items():
        if "properties" in definition:
            definition["additionalProperties"] = False
            for field, text in texts.get(name, {}).items():
                definition["properties"][field] = {
                    **definition["properties"][field],
                    "description": text,
                }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:wirewatch:record:{type_.__name__}",
        **reference,
        "$defs": dict(sorted(definitions.items())),
    }


def _field_texts() -> dict[str, dict[str, str]]:
    """The string below each field of the records, by class and field."""
    texts: dict[str, dict[str, str]] = {}
    for node in _classes():
        for field, below in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                text = " ".join(str(below.value.value).split())
                texts.setdefault(node.name, {})[field.target.id] = text
    return texts


def _classes() -> Iterator[ast.ClassDef]:
    for module in sorted({record.__module__ for record in _records()}):
        for node in ast.parse(inspect.getsource(sys.modules[module])).body:
            if isinstance(node, ast.ClassDef):
                yield node


def _records() -> Iterator[type]:
    return (each for each in vars(records).values() if isinstance(each, type))


def export(folder: Path) -> list[Path]:
    """Write one file per published record, sorted and indented so that changes read well."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for type_ in PUBLISHED:
        path = folder / f"{type_.__name__}.json"
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        path.write_bytes(orjson.dumps(schema_of(type_), option=options))
        paths.append(path)
    return paths


def read_published(folder: Path) -> dict[str, Schema]:
    """Read what `export` wrote, by record name.

    Raises:
        NotFoundError: no schema is there.
        ConfigError: a file is not JSON.
    """
    published = {}
    for path in sorted(folder.glob("*.json")):
        try:
            published[path.stem] = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise ConfigError(
                f"not JSON: {error}", file=str(path), cure="run `wirewatch schemas --write`"
            ) from error
    if not published:
        raise NotFoundError(f"no schemas in {folder}", cure="run `wirewatch schemas --write` first")
    return published


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What in `new` would break a reader of `old` data, or an `old` reader of new data.

    A field may be added if it is not required. A field must not disappear, change its type or
    values, or become required.

    Returns:
        One sentence per break; empty if there is none.
    """
    return [
        problem
        for name, definition in sorted(old["$defs"].items())
        for problem in _definition_breaks(name, definition, new["$defs"].get(name))
    ]


def _definition_breaks(name: str, old: Schema, new: Schema | None) -> Iterator[str]:
    if new is None:
        yield f"{name} is gone"
        return
    if "properties" not in old or "properties" not in new:
        if _bare(old) != _bare(new):
            yield f"{name} has changed"
        return
    yield from _field_breaks(name, old["properties"], new["properties"])
    was, is_ = set(old.get("required", ())), set(new.get("required", ()))
    for field in sorted(is_ - was):
        yield f"{name}.{field} is newly required: older records lack it, give it a default"
    for field in sorted(was - is_):
        yield f"{name}.{field} is no longer required: older readers insist on it"


def _field_breaks(name: str, old: Schema, new: Schema) -> Iterator[str]:
    for field, schema in old.items():
        if field not in new:
            yield f"{name}.{field} is gone"
        elif _bare(schema) != _bare(new[field]):
            yield f"{name}.{field} has another type or other values"


def _bare(schema: Any) -> Any:
    """A schema without its notes."""
    if isinstance(schema, dict):
        return {key: _bare(value) for key, value in schema.items() if key not in _NOTES}
    if isinstance(schema, list):
        return [_bare(value) for value in schema]
    return schema
