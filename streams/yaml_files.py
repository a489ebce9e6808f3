"""YAML files as records, with errors that name file, line, field and cure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
import yaml
from yaml.composer import Composer

from streams.errors import ConfigError, NotFoundError
from streams.meant import did_you_mean

try:  # libyaml, which PyYAML's wheels bring: ten times as fast, and a policy folder is 300 kB
    from yaml import CSafeLoader as _Parser
except ImportError:
    from yaml import SafeLoader as _Parser  # type: ignore[assignment]

__all__ = ["read_yaml"]

T = TypeVar("T")


class _Loader(_Parser):
    """Puts nodes together in Python: libyaml's own way ends the process where brackets are nested without end."""

    get_single_node = Composer.get_single_node
    compose_document = Composer.compose_document
    compose_node = Composer.compose_node
    compose_scalar_node = Composer.compose_scalar_node
    compose_sequence_node = Composer.compose_sequence_node
    compose_mapping_node = Composer.compose_mapping_node

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.anchors: dict[str, yaml.Node] = {}


def read_yaml(path: Path, type_: type[T]) -> T:
    """Read a YAML file into a msgspec type.

    Args:
        path: the file.
        type_: what it must hold; structs with `forbid_unknown_fields` report misspelt fields.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is not YAML, or not of that type; names line, field and cure.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"no file {path}", cure="check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot be read: {error}", file=str(path), cure="save it as readable UTF-8 text"
        ) from error
    try:
        loader = _Loader(text)
        node = loader.get_single_node()  # type: ignore[misc]
        data = None if node is None else loader.construct_document(node)
    # Beside its own errors: a date like 2026-13-45, and brackets nested without end.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(
            f"not valid YAML: {getattr(error, 'problem', None) or error}",
            file=str(path),
            line=mark.line + 1 if mark else 0,
            cure="check indentation, colons and quotes here and one line above",
        ) from error
    if data is None:
        raise ConfigError("is empty", file=str(path), cure="fill it, or name another file")
    try:
        return msgspec.convert(data, type_, strict=True)
    except msgspec.ValidationError as error:
        raise _explain(str(error), path, node, type_) from error


_AT = re.compile(r"(?P<what>.*?)(?: - at `(?P<place>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_NAMED = re.compile(r"field `(?P<field>[^`]+)`")


def _explain(message: str, path: Path, node: yaml.Node | None, type_: type) -> ConfigError:
    """Turn msgspec's message, which has a JSON path, into one with a line and a cure."""
    match = _AT.fullmatch(message)
    assert match is not None  # the pattern accepts anything
    what, place = match["what"], (match["place"] or "$")
    named = _NAMED.search(what)
    steps = [step["key"] or step["index"] for step in _STEP.finditer(place)]
    line = _line_of(node, [*steps, *([named["field"]] if named else [])])
    if "unknown field" in what and named:
        known = set(_field_names(type_))
        cure = did_you_mean(named["field"], known - {named["field"]}) or "remove it"
    elif "missing required" in what:
        cure = "add it"
    elif "matching regex" in what:
        cure = "write it in that form"
    else:
        cure = "correct the value"
    return ConfigError(
        what, file=str(path), line=line, field=place.removeprefix("$").lstrip("."), cure=cure
    )


def _line_of(node: yaml.Node | None, steps: list[str]) -> int:
    """Line of the deepest node on the path that exists."""
    line = 1
    for step in steps:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    line, found = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and step.isdigit():
            found = node.value[int(step)]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line


def _field_names(type_: Any, seen: frozenset[Any] = frozenset()) -> list[str]:
    """Names of all fields that occur in a type, however deep."""
    if type_ in seen:
        return []
    seen = seen | {type_}
    names: list[str] = []
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        names += [field.encode_name for field in msgspec.structs.fields(type_)]
        for hint in get_type_hints(type_).values():
            names += _field_names(hint, seen)
    for argument in get_args(type_):
        names += _field_names(argument, seen)
    return names
