"""The published schemas describe what is written, and a change that breaks readers is found."""

import copy
from pathlib import Path

import jsonschema
import msgspec
import orjson
import pytest

from streams.errors import NotFoundError
from streams.records import Alert, EnrichedItem, FeedState, Item, Mention, Seen
from streams.schemas import PUBLISHED, breaking_changes, export, read_published, schema_of
from streams.testing import make_enriched, make_item, make_mention
from streams.wire import encode

FOLDER = Path(__file__).parent.parent / "deploy" / "schemas"


@pytest.mark.parametrize("type_", PUBLISHED, ids=lambda t: t.__name__)
def test_no_change_breaks_a_reader_of_the_published_schemas(type_):
    assert breaking_changes(read_published(FOLDER)[type_.__name__], schema_of(type_)) == []


def test_published_schemas_are_up_to_date(tmp_path):
    export(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_text() == (FOLDER / path.name).read_text(), (
            f"{path.name} has changed compatibly: run `wirewatch schemas --write` and commit it"
        )


@pytest.mark.parametrize(
    "record",
    [
        make_item(),
        make_enriched("Ada spricht über KI."),
        make_mention(),
        FeedState(feed_id="a", url="https://a.example", seen={"x": Seen("h", 1, 2, 3)}),
    ],
    ids=lambda r: type(r).__name__,
)
def test_what_is_written_is_valid_and_closed(record):
    schema = schema_of(type(record))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = orjson.loads(encode(record))
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "surprise": 1}, schema)


def test_fields_are_documented_in_the_schema():
    alert = schema_of(Alert)["$defs"]["Alert"]["properties"]
    assert "reach people" in alert["notify"]["description"]


def _without(schema, field):
    del schema["$defs"]["Item"]["properties"][field]


def _retype(schema, field):
    schema["$defs"]["Item"]["properties"][field] = {"type": "integer"}


def _require(schema, field):
    schema["$defs"]["Item"]["required"].append(field)


def _optional(schema, field):
    schema["$defs"]["Item"]["required"].remove(field)


def _add(schema, field):
    schema["$defs"]["Item"]["properties"][field] = {"type": "string", "default": ""}


def _describe(schema, field):
    schema["$defs"]["Item"]["properties"][field]["description"] = "said better"


@pytest.mark.parametrize(
    ("change", "field", "breaks"),
    [
        (_without, "title", ["Item.title is gone"]),
        (_retype, "title", ["Item.title has another type or other values"]),
        (_require, "title", ["Item.title is newly required: older records lack it, give it a default"]),
        (_optional, "seen_at", ["Item.seen_at is no longer required: older readers insist on it"]),
        (_add, "subtitle", []),
        (_describe, "title", []),
    ],
)  # fmt: skip
def test_breaking_changes(change, field, breaks):
    old = schema_of(Item)
    new = copy.deepcopy(old)
    change(new, field)
    assert breaking_changes(old, new) == breaks


def test_changes_inside_nested_records_count():
    old = schema_of(Mention)
    new = copy.deepcopy(old)
    del new["$defs"]["Evidence"]["properties"]["surface"]
    assert breaking_changes(old, new) == ["Evidence.surface is gone"]


def test_a_renamed_field_of_a_real_record_is_found():
    class EnrichedItemRenamed(EnrichedItem, frozen=True, kw_only=True):
        language: str = ""

    old = schema_of(EnrichedItem)
    assert breaking_changes(old, schema_of(EnrichedItemRenamed)) == ["EnrichedItem is gone"]


def test_missing_schemas_say_how_to_make_them(tmp_path):
    with pytest.raises(NotFoundError, match="--write"):
        read_published(tmp_path)


def test_decoder_and_schema_agree_on_what_is_required():
    required = schema_of(Item)["$defs"]["Item"]["required"]
    assert set(required) == {f.encode_name for f in msgspec.structs.fields(Item) if f.required}
