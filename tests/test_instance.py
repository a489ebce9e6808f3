"""Two processes of one kind and name are refused, all others may run."""

import subprocess
import sys

import pytest

from streams.config import Settings
from streams.errors import ConfigError
from streams.instance import hold_instance


def settings(folder, instance="one"):
    return Settings(data_folder=folder, instance=instance)


def test_a_name_is_held_once(tmp_path):
    with hold_instance("poll", settings(tmp_path)):
        with (
            pytest.raises(ConfigError, match=r"another poll process already runs as 'one'"),
            hold_instance("poll", settings(tmp_path)),
        ):
            raise AssertionError("held twice")
        with (
            hold_instance("enrich", settings(tmp_path)),
            hold_instance("poll", settings(tmp_path, "two")),
            hold_instance("poll", settings(tmp_path / "elsewhere")),
        ):
            pass
    with hold_instance("poll", settings(tmp_path)):
        pass


def test_without_a_name_nothing_is_held(tmp_path):
    unnamed = settings(tmp_path / "data", "")
    with hold_instance("poll", unnamed), hold_instance("poll", unnamed):
        assert not unnamed.data_folder.exists()


def test_a_process_that_was_killed_holds_nothing(tmp_path):
    code = (
        "import os, pathlib, sys\n"
        "from streams.config import Settings\n"
        "from streams.instance import hold_instance\n"
        "settings = Settings(data_folder=pathlib.Path(sys.argv[1]), instance='one')\n"
        "with hold_instance('poll', settings):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    with hold_instance("poll", settings(tmp_path)):
        pass


def test_a_folder_that_cannot_be_written_names_the_cure(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigError, match="WIREWATCH_DATA"),
        hold_instance("poll", settings(tmp_path / "file")),
    ):
        raise AssertionError("held")


@pytest.mark.parametrize("name", ["..", "../other", "a/b", ".hidden", "a b", "x" * 101])
def test_a_name_is_no_path(name, tmp_path):
    with (
        pytest.raises(ConfigError, match="WIREWATCH_INSTANCE"),
        hold_instance("poll", settings(tmp_path, name)),
    ):
        raise AssertionError("held")
