"""Errors in YAML name file, line, field and cure; secrets stay secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from streams.config import BrokerSettings, Settings, parse_duration
from streams.errors import ConfigError, NotFoundError
from streams.yaml_files import read_yaml


class Entry(Struct, forbid_unknown_fields=True):
    id: str
    lang: str = ""


class File(Struct, forbid_unknown_fields=True):
    entries: list[Entry]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("entries:\n  - id: a\n  - id: 3\n", [":3:", "entries[1].id", "Expected `str`"]),
        ("entries:\n  - id: a\n    lnag: de\n", [":3:", "`lnag`", "did you mean 'lang'?"]),
        ("entries:\n  - lang: de\n", [":2:", "`id`", "add it"]),
        ("entries: [\n", ["not valid YAML", "indentation"]),
        ("", ["is empty"]),
        ("entries: 3\n", [":1:", "entries", "Expected `array`"]),
        ("- 1\n", ["Expected `object`"]),
        ("entries:\n  - id: a\n\tlang: de\n", [":3:", "not valid YAML"]),
    ],
)
def test_errors_name_file_line_field_and_cure(tmp_path, text, parts):
    path = tmp_path / "entries.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path, File)
    for part in [str(path), *parts]:
        assert part in str(caught.value)
    assert caught.value.exit_code == 78


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"nothing\.yaml"):
        read_yaml(tmp_path / "nothing.yaml", File)


def test_bytes_that_are_no_text_are_reported(tmp_path):
    path = tmp_path / "entries.yaml"
    path.write_bytes(b"\xff\xfe\x00entries")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_yaml(path, File)


@given(st.text())
def test_no_text_ever_raises_anything_else(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("yaml") / "entries.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_yaml(path, File)
    except ConfigError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("7d", 604_800), ("2 w", 1_209_600)]
)  # fmt: skip
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-3m", "0s", "5 minutes", "1e3s"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="6h"):
        parse_duration(text)


def test_settings_come_from_the_environment(tmp_path):
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    settings = Settings.from_environment(
        {
            "WIREWATCH_BROKER": "kafka:9092",
            "WIREWATCH_SECURITY_PROTOCOL": "sasl_ssl",
            "WIREWATCH_SASL_PASSWORD_FILE": str(password),
            "WIREWATCH_PARTITIONS": "16",
        }
    )
    assert settings.broker.bootstrap == "kafka:9092"
    assert settings.broker.security_protocol == "SASL_SSL"
    assert settings.broker.sasl_password == "s3cret"
    assert settings.partitions == 16
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("value", ["0", "many", "-1", ""])
def test_numbers_are_checked(value):
    with pytest.raises(ConfigError, match="WIREWATCH_PARTITIONS"):
        Settings.from_environment({"WIREWATCH_PARTITIONS": value})


def test_an_unreadable_secret_names_the_variable_not_the_secret(tmp_path):
    with pytest.raises(ConfigError, match="WIREWATCH_SASL_PASSWORD_FILE"):
        Settings.from_environment({"WIREWATCH_SASL_PASSWORD_FILE": str(tmp_path / "none")})


def test_broker_settings_never_show_the_password():
    assert "hunter2" not in repr(BrokerSettings(bootstrap="a:1", sasl_password="hunter2"))
